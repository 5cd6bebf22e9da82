//! The middleware, one rule per file. `router` has their order.

pub(super) mod allowed_hosts;
pub(super) mod client_ip;
pub(super) mod compression;
pub(super) mod concurrency_limit;
pub(super) mod cors;
pub(super) mod csrf;
pub(super) mod header_limit;
pub(super) mod host_header;
pub(super) mod rate_limit;
pub(super) mod request_id;
pub(super) mod response_headers;
