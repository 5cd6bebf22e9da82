//! The network side: base URLs, DNS with a fallback, HTTP calls, and why a call failed.

pub(super) mod base_url;
pub(super) mod dns;
pub(super) mod failure;
pub(super) mod transport;
