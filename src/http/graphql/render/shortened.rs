//! Shortens a response that is too large, of an operation that has run.
//!
//! A query gets an error. A mutation keeps what says how each of its fields ended: IDs, user errors, and field errors. The
//! objects in its payloads, which it read afterwards, become null, each with an error.

use async_graphql::{PathSegment, Response, ServerError, Value};
use serde_json::json;

use crate::graph::error::{Error, ErrorCode, Exceeded};
use crate::http::graphql::operation_result::{Executed, to_json};
use crate::http::middleware::concurrency_limit::{MUTATION_BYTES, Overload};

/// The limit that a response exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// `answer_max_bytes`.
    Response {
        /// The length of the response, in bytes.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// The address's share of `unread_answers_max_bytes`.
    Unread,
}

/// Returns a shorter response of an operation that ran. That of a mutation has at most [`MUTATION_BYTES`].
pub(super) fn shortened(executed: Executed, excess: Excess, max: usize) -> String {
    let error = excess.error();
    if executed.is_mutation {
        let outcomes = to_json(&outcomes(executed.response, &error));
        if outcomes.len() <= max.min(MUTATION_BYTES) {
            return outcomes;
        }
    } else if excess == Excess::Unread {
        return json!({ "errors": [Overload::Unread.error().at(None)] }).to_string();
    }
    to_json(&Response::from_errors(vec![error.at(None)]))
}

/// Keeps what says how the fields of a mutation ended.
fn outcomes(mut response: Response, error: &Error) -> Response {
    // Errors of a mutation field or of a field of its payload. Deeper ones belong to objects that are removed.
    response.errors.retain(|error| error.path.len() <= 2);
    response.extensions.clear();
    let Value::Object(fields) = &mut response.data else { return response };
    for (field, payload) in fields {
        let Value::Object(payload) = payload else { continue };
        for (name, value) in payload.iter_mut().filter(|(_, value)| matches!(value, Value::Object(_))) {
            *value = Value::Null;
            response.errors.push(error_at(error, [field.as_str(), name.as_str()]));
        }
    }
    response
}

fn error_at(error: &Error, path: [&str; 2]) -> ServerError {
    let mut error = error.clone().at(None);
    error.path = path.map(|name| PathSegment::Field(name.to_owned())).to_vec();
    error
}

impl Excess {
    fn error(self) -> Error {
        match self {
            Excess::Response { length, max } => {
                let message = format!(
                    "The operation ran; its answer has {length} bytes, and at most {max} are given. Ask for less at a time."
                );
                let exceeded = Some(Box::new(Exceeded { limit: "answer_max_bytes", max, actual: length }));
                Error { exceeded, ..Error::new(ErrorCode::LimitExceeded, message) }
            }
            Excess::Unread => {
                let message = "The mutation ran, so do not repeat it. What it read afterwards is omitted because too many \
                               responses have not been read yet.";
                Error::new(ErrorCode::LimitExceeded, message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executed(is_mutation: bool) -> Executed {
        let data = json!({
            "gone": { "deletedApplicationId": "abc", "userErrors": [], "viewer": { "applications": { "nodes": [1, 2] } } },
            "failed": null,
        });
        let mut failed = Error::new(ErrorCode::Uncertain, "no answer").at(None);
        failed.path = vec![PathSegment::Field("failed".to_owned())];
        let mut deep = failed.clone();
        deep.path = ["gone", "viewer", "applications"].map(|name| PathSegment::Field(name.to_owned())).to_vec();
        let mut response = Response::new(Value::from_json(data).unwrap_or_default());
        response.errors = vec![failed, deep];
        Executed { response, is_mutation }
    }

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap_or_default()
    }

    #[test]
    fn the_outcome_of_every_field_of_a_mutation_stays() {
        for excess in [Excess::Unread, Excess::Response { length: 5_000, max: 4_000 }] {
            let short = read(&shortened(executed(true), excess, 4_000));
            let gone = json!({ "deletedApplicationId": "abc", "userErrors": [], "viewer": null });
            assert_eq!(short["data"], json!({ "gone": gone, "failed": null }));
            let errors: Vec<_> = short["errors"].as_array().into_iter().flatten().collect();
            let found: Vec<_> = errors.iter().map(|error| (&error["path"], &error["extensions"]["code"])).collect();
            let (failed, viewer) = (json!(["failed"]), json!(["gone", "viewer"]));
            assert_eq!(found, [(&failed, &json!("UNCERTAIN")), (&viewer, &json!("LIMIT_EXCEEDED"))]);
            assert_eq!(errors[1]["extensions"]["retryable"], false);
        }
    }

    #[test]
    fn a_response_that_is_still_too_large_says_that_the_operation_ran() {
        let short = read(&shortened(executed(true), Excess::Response { length: 5_000, max: 50 }, 50));
        assert!(short["data"].is_null() && short["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED", "{short}");
    }

    #[test]
    fn a_query_gets_only_an_error() {
        let short = read(&shortened(executed(false), Excess::Unread, 4_000));
        assert!(short.get("data").is_none() && short["errors"][0]["extensions"]["code"] == "OVERLOADED", "{short}");
        let short = read(&shortened(executed(false), Excess::Response { length: 5_000, max: 4_000 }, 4_000));
        assert!(short["data"].is_null() && short["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED", "{short}");
    }
}
