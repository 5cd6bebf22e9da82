//! What was read before, and who is reading now: entries, keys, invalidation, single flight and background revalidation.

pub(super) mod invalidation;
pub(super) mod key;
pub(super) mod revalidation;
pub(super) mod single_flight;
pub(super) mod store;
