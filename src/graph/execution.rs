//! The input and the result of one execution.

use std::sync::Arc;

use async_graphql::Response;

use super::document::CostEstimate;
use super::rate_limit::RateLimitSnapshot;
use super::response_extensions;
use crate::auth::Caller;
use crate::auth::pseudonym::Pseudonymizer;
use crate::provider::CallContext;

/// What an operation needs in addition to its document and its caller.
#[derive(Clone)]
pub struct ExecutionContext {
    /// The calls to the providers. A clone counts the same calls, even after the operation was cancelled.
    pub calls: CallContext,
    /// The caller's rate limit. `None` when no rate limit applies.
    pub rate_limit: Option<RateLimitSnapshot>,
    /// The pseudonyms under which the audit log names people and objects.
    pub aliases: Arc<Pseudonymizer>,
    /// The request ID. Empty when the operation did not come in a request.
    pub request_id: Arc<str>,
}

/// The result of an operation, with its cost.
pub struct ExecutionResult {
    /// The GraphQL response.
    pub response: Response,
    /// The calls to the providers that the operation made.
    pub calls: CallContext,
    /// The cost that was estimated before execution.
    pub estimate: CostEstimate,
}

impl ExecutionResult {
    /// Adds the estimated cost as `extensions.cost`.
    pub fn with_cost(mut self) -> Self {
        self.response.extensions.insert("cost".to_owned(), self.estimate.to_value());
        self
    }

    /// Adds the reads as `extensions.gateway.calls`, or the reason why the caller may not see them.
    pub fn with_call_records(mut self, caller: &Caller) -> Self {
        response_extensions::add_calls(&self.calls, caller, &mut self.response.extensions);
        self
    }
}
