//! What an operation is given beside its document and its caller: calls, what it finds of the caller's budget, and what
//! its lines in the audit log need.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::SimpleObject;

use crate::auth::pseudonym::Pseudonymizer;
use crate::model::DateTime;
use crate::provider::Calls;

/// What an operation is given.
#[derive(Clone)]
pub struct Terms {
    /// The calls it makes; whoever holds a copy can count them, also when the operation is given up.
    pub calls: Calls,
    /// What it finds of its caller's budget; None where nobody counts.
    pub allowance: Option<Allowance>,
    /// The names that the audit log has for people and things.
    pub aliases: Arc<Pseudonymizer>,
    /// The ID of the request that brought it; empty if none did.
    pub request: Arc<str>,
}

/// What an operation finds of its caller's budget of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most that can be left.
    pub limit: u32,
    /// What is left.
    pub remaining: u32,
    /// How long until nothing is owed.
    pub whole_in: Duration,
}

/// The caller's budget of calls to the providers.
#[derive(SimpleObject, Clone, Copy, Debug)]
pub struct RateLimit {
    /// The most calls that the caller can have left.
    limit: i32,
    /// How many calls this operation is expected to make. It is charged those that it makes: what was read a moment ago
    /// costs nothing.
    cost: i32,
    /// How many calls the caller had left when this operation began. 0 if earlier operations are not paid back yet; then
    /// nothing runs that may need a call.
    remaining: i32,
    /// When the caller has `limit` calls again, if they ask for nothing more.
    reset_at: DateTime,
}

impl RateLimit {
    /// The budget as an operation of this cost finds it at this instant.
    pub(super) fn new(allowance: Allowance, cost: usize, now: DateTime) -> Self {
        let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let whole_in = chrono::TimeDelta::from_std(allowance.whole_in).unwrap_or_default();
        Self {
            limit: number(allowance.limit),
            cost: i32::try_from(cost).unwrap_or(i32::MAX),
            remaining: number(allowance.remaining),
            reset_at: DateTime(now.0.checked_add_signed(whole_in).unwrap_or(now.0)),
        }
    }
}
