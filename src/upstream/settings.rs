//! How a provider's host is called and how long its responses are cached: settings, defaults and bounds.
//!
//! The defaults are safe for a host whose own limits are not known. A wait without a bound or a queue without an end would
//! stop the gateway, so neither can be set. Only caching and retries can be turned off.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The calls to one provider.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The time to connect, in milliseconds.
    #[schemars(range(min = 1, max = 60_000))]
    pub connect_timeout_ms: u64,
    /// The time to the first byte of a response, and between two bytes, in milliseconds.
    #[schemars(range(min = 1, max = 600_000))]
    pub read_timeout_ms: u64,
    /// The time for one attempt, in milliseconds. At most twice `timeout_ms` and twice `graph.deadline_ms`.
    #[schemars(range(min = 1, max = 600_000))]
    pub attempt_timeout_ms: u64,
    /// The time for the response to a mutation, from when it is sent, in milliseconds. The client waits no longer than
    /// `graph.deadline_ms`.
    #[schemars(range(min = 1, max = 600_000))]
    pub write_timeout_ms: u64,
    /// The time for one read, with all its attempts and waits, in milliseconds.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u64,
    /// The largest response body after decompression, in bytes. Each call in progress may hold twice as much; all calls of
    /// one provider together hold at most 1 GiB.
    #[schemars(range(min = 1, max = 256 << 20))]
    pub body_max_bytes: usize,
    /// Calls in progress.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent_max: usize,
    /// Reads that wait for a free call, in the queue of the provider and in the queue of each caller. Further reads fail.
    #[schemars(range(min = 1, max = 100_000))]
    pub waiting_max: usize,
    /// Calls per second, on average.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls_per_second_max: u32,
    /// Calls that may start at once after a quiet time.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls_burst_max: u32,
    /// Retries of one read. 0: no retries. Mutations are never retried.
    #[schemars(range(max = 5))]
    pub retries_max: u32,
    /// Calls within ten seconds before the circuit breaker may open.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub breaker_calls_min: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 1_000,
            read_timeout_ms: 2_000,
            attempt_timeout_ms: 2_500,
            write_timeout_ms: 7_000,
            timeout_ms: 5_000,
            body_max_bytes: 8 << 20,
            concurrent_max: 64,
            waiting_max: 512,
            calls_per_second_max: 200,
            calls_burst_max: 400,
            retries_max: 2,
            breaker_calls_min: 20,
        }
    }
}

/// The cache of one provider's responses.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// The memory for cached responses, in bytes. 0: caching is disabled.
    #[schemars(range(max = 64_u64 << 30))]
    pub max_bytes: usize,
    /// How long after its TTL a response is still served while it is revalidated in the background.
    #[schemars(range(max = 86_400))]
    pub stale_while_revalidate_seconds: u64,
    /// How long after its TTL a response is still served when the provider fails.
    #[schemars(range(max = 86_400))]
    pub stale_if_error_seconds: u64,
    /// How long "not found" is cached.
    #[schemars(range(max = 5))]
    pub absent_seconds: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, stale_while_revalidate_seconds: 60, stale_if_error_seconds: 300, absent_seconds: 5 }
    }
}

impl CacheSettings {
    pub(super) fn while_revalidate(&self) -> Duration {
        Duration::from_secs(self.stale_while_revalidate_seconds)
    }

    pub(super) fn if_error(&self) -> Duration {
        Duration::from_secs(self.stale_if_error_seconds)
    }

    pub(super) fn absent(&self) -> Duration {
        Duration::from_secs(self.absent_seconds)
    }
}
