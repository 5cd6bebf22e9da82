//! What a host replied, and what a provider makes of it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A complete HTTP response: its body was read to the end, within the limits.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type, in lower case and without parameters: `application/json`.
    pub content_type: Option<String>,
    /// The value of `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The decompressed body.
    pub body: Bytes,
}

/// What a provider made of a [`Reply`].
///
/// A read gives an `Option<Decoded<_>>`, where `None` means that there is no such object. A write gives a [`WriteReply`].
pub struct Interpreted<T, E> {
    /// The content, or the provider's error.
    pub result: Result<T, E>,
    /// What the provider's envelope says about the reply, for records. It contains no content.
    pub note: Option<String>,
}

/// A value that was just decoded, and how long it may be cached.
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// How long it is fresh. `None`: it is not cached.
    pub ttl: Option<Duration>,
}

/// What the reply to a write says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteReply {
    /// The change is done.
    Changed,
    /// There is no such object.
    Absent,
}

/// A value that the cache can hold. What must not outlive the operation is removed by [`redacted`](Self::redacted).
pub trait Cacheable: Any + Send + Sync {
    /// Returns a copy without one-time links, or `None` if the value has none.
    fn redacted(&self) -> Option<Self>
    where
        Self: Sized;

    /// Returns the memory that the value takes, in bytes, itself included. It never understates.
    fn memory_size(&self) -> usize;

    /// Whether a change of the object with this token may change the value. `true` if that is unknown.
    fn references(&self, _token: &str) -> bool {
        true
    }
}

/// A cached value of any type.
pub type CachedValue = Arc<dyn Cacheable>;
