//! How a host is reached and how long its answers are kept: the numbers that an operator may set.
//!
//! Each has a default that is safe for a host about which nothing is known; config holds their bounds.

use std::time::Duration;

use serde::Deserialize;

/// How a host is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Time to connect, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time until the first byte of an answer, and between two of its bytes, in milliseconds.
    pub read_timeout_ms: u64,
    /// Time for one attempt, in milliseconds.
    pub attempt_timeout_ms: u64,
    /// Time for the answer to a write, from when it is sent, in milliseconds: what is asked of the host may take it longer
    /// than any read, and a write that is given up too early is one that nobody knows the end of.
    pub write_timeout_ms: u64,
    /// Time for one whole read, its attempts and all waiting included, in milliseconds.
    pub timeout_ms: u64,
    /// The largest body taken, in bytes after decompression. Each call under way may hold so much.
    pub body_max_bytes: usize,
    /// How many calls may be under way at once.
    pub concurrent_max: usize,
    /// How many reads may wait for one of these turns, and how many in each line before; one more is refused at once.
    pub waiting_max: usize,
    /// How many calls are sent in a second, in the long run.
    pub calls_per_second_max: u32,
    /// How many calls may go at once after a quiet time.
    pub calls_burst_max: u32,
    /// How often a read may be tried again.
    pub retries_max: u32,
    /// How many calls within ten seconds it takes before the breaker judges them.
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

/// How long answers are kept, whatever they are of.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// How many bytes of answers are kept; 0 for none at all.
    pub max_bytes: usize,
    /// For how long after it was fresh an answer is still given at once, while it is read anew behind it.
    pub stale_while_revalidate_seconds: u64,
    /// For how long after it was fresh an answer still stands in for one that the host cannot give.
    pub stale_if_error_seconds: u64,
    /// For how long it is believed that a thing does not exist.
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
