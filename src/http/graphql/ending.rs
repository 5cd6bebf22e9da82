//! How an operation ends: one line in the log and one count, also if its client has left.
//!
//! The line says what it was, what it cost and what came of it. It never holds a token, an address, a body, or the name of
//! a person or a service; an operation's name is the client's own and is written only if it is a short plain word.
//!
//! Here, and nowhere else, all that is known of an operation is together: its trace, when it began, what came of it, each of
//! its reads. So this is where an exporter of spans (OTLP) gets them: one for the operation, and one for each read, which
//! would have to say besides when it began and which span ID its call bore (`Way::attempt` makes that).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use async_graphql::ServerError;
use axum::http::StatusCode;
use tokio::time::Instant;

use super::render::{Answer, Executed};
use super::{Edge, Visitor};
use crate::auth::digest::Digest;
use crate::graph::document::CheckedOperation;
use crate::graph::error::ErrorCode;
use crate::metrics::Metrics;
use crate::provider::CallContext;
use crate::upstream::Trace;

/// The target of these lines.
const TARGET: &str = "commongraph::operation";

/// How long a name may be to be written as it is.
const NAME_LENGTH_MAX: usize = 64;

/// An operation under way; when it is dropped, it has ended.
pub(super) struct Ending {
    metrics: Metrics,
    began: Instant,
    request: Arc<str>,
    trace: Option<Trace>,
    principal: &'static str,
    name: Option<String>,
    kind: &'static str,
    expected: Option<usize>,
    calls: Option<CallContext>,
    outcome: &'static str,
    errors: BTreeMap<&'static str, u64>,
    status: Option<u16>,
}

impl Ending {
    /// An operation begins, under the name that its request gives it, if it does.
    pub(super) fn begin(edge: &Edge, visitor: &Visitor<'_>, name: Option<&str>) -> Self {
        Self {
            metrics: edge.metrics.clone(),
            began: Instant::now(),
            request: visitor.id.clone(),
            trace: visitor.trace,
            principal: visitor.caller.principal().kind(),
            name: name.map(plain),
            kind: "unknown",
            expected: None,
            calls: None,
            outcome: "given_up",
            errors: BTreeMap::new(),
            status: None,
        }
    }

    /// It is known what it asks.
    pub(super) fn checked(&mut self, operation: &CheckedOperation) {
        self.kind = if operation.is_query() { "query" } else { "mutation" };
        self.name = operation.name().map(plain);
        self.expected = Some(operation.estimate().calls());
    }

    /// It runs, with these calls.
    pub(super) fn runs(&mut self, calls: &CallContext) {
        self.calls = Some(calls.clone());
    }

    /// It came to this.
    pub(super) fn came_to(&mut self, answer: &Answer) {
        let errors = match answer {
            Ok(Executed { response, .. }) => {
                self.outcome = match (response.errors.is_empty(), &response.data) {
                    (true, _) => "good",
                    (false, async_graphql::Value::Null) => "failed",
                    (false, _) => "partial",
                };
                &response.errors
            }
            Err(refusal) => {
                self.outcome = "refused";
                &refusal.errors
            }
        };
        for error in errors {
            *self.errors.entry(code(error)).or_default() += 1;
        }
    }

    /// It was answered with this status.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.operation(self.kind, self.outcome, took);
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
            milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            expected = self.expected,
            calls = self.calls.as_ref().map(CallContext::started),
            reads = list(&reads),
            errors = list(&self.errors),
            request = &*self.request,
            trace = self.trace.map(|trace| trace.to_string()),
            "operation ended"
        );
    }
}

/// The error's code; what has none the gateway is to blame for.
fn code(error: &ServerError) -> &'static str {
    let given = match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(async_graphql::Value::String(code)) => ErrorCode::ALL.into_iter().find(|known| known.as_str() == code),
        _ => None,
    };
    // What has no path either is a document that the library refused.
    given.unwrap_or(if error.path.is_empty() { ErrorCode::BadInput } else { ErrorCode::Internal }).as_str()
}

/// Counts by name: `HIT=2 MISS=1`.
fn list(counts: &BTreeMap<&'static str, u64>) -> Option<String> {
    let mut text = String::new();
    for (name, count) in counts {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing into memory fails for no reason.
        let _ = write!(text, "{gap}{name}={count}");
    }
    (!text.is_empty()).then_some(text)
}

/// A name as it may stand in a line: a short plain word is itself, and anything else the beginning of its hash.
pub(in crate::http) fn plain(name: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        return name.to_owned();
    }
    format!("sha256:{:.16}", Digest::sha256(name).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_if_it_is_a_short_plain_word() {
        assert_eq!(plain("Accounts_2"), "Accounts_2");
        assert_eq!(plain(&"x".repeat(NAME_LENGTH_MAX)).len(), NAME_LENGTH_MAX);
        let too_long = "x".repeat(NAME_LENGTH_MAX + 1);
        for other in ["", "a b", "a\nb", "eyJhbGciOiJIUzI1NiJ9.e30.x", "\u{1b}[31m", "é", &too_long] {
            let written = plain(other);
            assert!(written.starts_with("sha256:") && written.len() == 23, "{written}");
        }
        assert_ne!(plain("a b"), plain("a c"));
    }

    #[test]
    fn counts_are_one_short_text() {
        assert_eq!(list(&BTreeMap::from([("MISS", 1), ("HIT", 2)])).as_deref(), Some("HIT=2 MISS=1"));
        assert_eq!(list(&BTreeMap::new()), None);
    }
}
