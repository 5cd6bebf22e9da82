//! The log line and the metrics of each operation, written when it ends, also if its client has left.
//!
//! The line says what the operation was, what it cost and how it ended. It never has a token, an address, a body, or the
//! name of a person or a service. The name of an operation is the client's; [`loggable_name`] makes it safe.
//!
//! Nowhere else is everything about an operation known at once: its trace, its start, its outcome and its provider calls.
//! So an exporter of spans (OTLP) belongs here: one span for the operation and one for each call.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use async_graphql::ServerError;
use axum::http::StatusCode;
use tokio::time::Instant;

use super::operation_name::loggable_name;
use super::operation_result::{Executed, OperationResult};
use crate::graph::document::CheckedOperation;
use crate::graph::error::ErrorCode;
use crate::http::request_context::RequestContext;
use crate::metrics::Metrics;
use crate::provider::CallContext;
use crate::upstream::Trace;

/// The target of the log lines.
const TARGET: &str = "commongraph::operation";

/// The record of one operation; written when it is dropped.
pub(super) struct OperationLog {
    metrics: Metrics,
    started_at: Instant,
    request_id: Arc<str>,
    trace: Option<Trace>,
    principal: &'static str,
    name: Option<String>,
    kind: &'static str,
    expected_calls: Option<usize>,
    calls: Option<CallContext>,
    outcome: &'static str,
    errors: BTreeMap<&'static str, u64>,
    status: Option<u16>,
}

impl OperationLog {
    /// Starts the record of an operation, with the name that its request gives it.
    pub(super) fn start(metrics: &Metrics, context: &RequestContext<'_>, name: Option<&str>) -> Self {
        Self {
            metrics: metrics.clone(),
            started_at: Instant::now(),
            request_id: context.id.clone(),
            trace: context.trace,
            principal: context.caller.principal().kind(),
            name: name.map(loggable_name),
            kind: "unknown",
            expected_calls: None,
            calls: None,
            outcome: "given_up",
            errors: BTreeMap::new(),
            status: None,
        }
    }

    /// Records the type, name and estimate of an operation that is valid.
    pub(super) fn validated(&mut self, operation: &CheckedOperation) {
        self.kind = if operation.is_query() { "query" } else { "mutation" };
        self.name = operation.name().map(loggable_name);
        self.expected_calls = Some(operation.estimate().calls());
    }

    /// Records that the operation is executed with these calls.
    pub(super) fn executing(&mut self, calls: &CallContext) {
        self.calls = Some(calls.clone());
    }

    /// Records the outcome and the errors.
    pub(super) fn finish(&mut self, result: &OperationResult) {
        let errors = match result {
            Ok(Executed { response, .. }) => {
                self.outcome = match (response.errors.is_empty(), &response.data) {
                    (true, _) => "good",
                    (false, async_graphql::Value::Null) => "failed",
                    (false, _) => "partial",
                };
                &response.errors
            }
            Err(error) => {
                self.outcome = "refused";
                &error.errors
            }
        };
        for error in errors {
            *self.errors.entry(code(error)).or_default() += 1;
        }
    }

    /// Records the status of the response.
    pub(super) fn responded(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
    }
}

impl Drop for OperationLog {
    fn drop(&mut self) {
        let duration = self.started_at.elapsed();
        self.metrics.operation(self.kind, self.outcome, duration);
        for (code, count) in &self.errors {
            self.metrics.operation_errors(code, *count);
        }
        let mut reads = BTreeMap::<_, u64>::new();
        for made in self.calls.iter().flat_map(CallContext::records) {
            *reads.entry(made.call.verdict.as_str()).or_default() += 1;
        }
        tracing::info!(
            target: TARGET,
            operation = self.name,
            kind = self.kind,
            outcome = self.outcome,
            caller = self.principal,
            status = self.status,
            milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            expected = self.expected_calls,
            calls = self.calls.as_ref().map(CallContext::started),
            reads = format_counts(&reads),
            errors = format_counts(&self.errors),
            request = &*self.request_id,
            trace = self.trace.map(|trace| trace.to_string()),
            "operation ended"
        );
    }
}

/// Returns the code of an error. An execution error without a known code is the gateway's fault.
fn code(error: &ServerError) -> &'static str {
    let code = match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(async_graphql::Value::String(code)) => ErrorCode::ALL.into_iter().find(|known| known.as_str() == code),
        _ => None,
    };
    // An error without a path is a document that the library rejected.
    code.unwrap_or(if error.path.is_empty() { ErrorCode::BadInput } else { ErrorCode::Internal }).as_str()
}

/// Formats counts by name: `HIT=2 MISS=1`.
fn format_counts(counts: &BTreeMap<&'static str, u64>) -> Option<String> {
    let mut text = String::new();
    for (name, count) in counts {
        let separator = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{name}={count}");
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_formatted_in_order() {
        assert_eq!(format_counts(&BTreeMap::from([("MISS", 1), ("HIT", 2)])).as_deref(), Some("HIT=2 MISS=1"));
        assert_eq!(format_counts(&BTreeMap::new()), None);
    }
}
