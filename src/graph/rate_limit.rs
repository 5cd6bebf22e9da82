//! The caller's rate limit, as the API shows it.

use std::time::Duration;

use async_graphql::SimpleObject;

use crate::model::DateTime;

/// The state of a caller's rate limit when an operation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitSnapshot {
    /// The most calls that the caller can have left.
    pub limit: u32,
    /// The calls that the caller has left.
    pub remaining: u32,
    /// The time until the caller has `limit` calls again.
    pub reset_after: Duration,
}

/// The caller's rate limit, counted in calls to the providers.
#[derive(SimpleObject, Clone, Copy, Debug)]
pub struct RateLimit {
    /// The maximum number of calls that the caller can have left.
    limit: i32,
    /// The estimated number of calls of this operation. Only calls that it makes are charged; cached reads are free.
    cost: i32,
    /// The number of calls that the caller had left when this operation started. At 0, operations that need a call are
    /// rejected.
    remaining: i32,
    /// The time at which the caller has `limit` calls again if it sends no other operation.
    reset_at: DateTime,
}

impl RateLimit {
    /// The rate limit for an operation of this estimated cost that starts at `now`.
    pub(super) fn new(snapshot: RateLimitSnapshot, cost: usize, now: DateTime) -> Self {
        let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let reset_after = chrono::TimeDelta::from_std(snapshot.reset_after).unwrap_or_default();
        Self {
            limit: number(snapshot.limit),
            cost: i32::try_from(cost).unwrap_or(i32::MAX),
            remaining: number(snapshot.remaining),
            reset_at: DateTime(now.0.checked_add_signed(reset_after).unwrap_or(now.0)),
        }
    }
}
