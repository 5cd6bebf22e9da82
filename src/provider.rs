//! The providers: their sessions, what they return, and why a read or write failed.
//!
//! A provider maps each HTTP status, error body or unexpected shape to a [`Reason`], once. The modules above never look
//! at an HTTP status.
//!
//! To add a provider, read `docs/providers.md`.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

pub use self::calls::{CallContext, CallRecord};
pub use self::error::{Error, Reason};
pub use crate::model::SkippedRow;

mod cacheable;
mod calls;
mod error;
pub mod lenient;
pub(crate) mod list_cache;
pub mod oneall;
pub mod pages;
pub mod registry;
mod skipped;
pub mod wordpress;

/// The result for one key. `Ok(None)` means that the provider has no such entity, or none that the caller may see.
pub type EntityResult<T> = Result<Option<Arc<T>>, Error>;

/// A list from a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T> {
    /// The readable rows, in the provider's order.
    pub rows: Vec<Arc<T>>,
    /// The rows that could not be read.
    pub skipped: Vec<SkippedRow>,
}

/// Reads entities by key. The loaders pass all keys that were requested together.
///
/// Each key has a result of its own. The implementation decides how many calls that takes.
pub trait Fetch<K: Eq + Hash>: Send + Sync + 'static {
    /// The type of the entities.
    type Entity: Send + Sync + 'static;

    /// Returns a result for each key.
    fn fetch(&self, keys: &[K]) -> impl Future<Output = HashMap<K, EntityResult<Self::Entity>>> + Send;
}
