//! What takes the place of an answer that is too long, of an operation that has run.
//!
//! A query gets an error. A mutation gets as much of its payloads as says how each of its fields ended: IDs, user errors,
//! and the errors of the fields. What it read afterwards, the objects of a payload, is null, each with an error.

use async_graphql::{PathSegment, Response as Outcome, ServerError, Value};
use serde_json::json;

use super::super::super::load::{MUTATION_BYTES, Overload};
use super::{Executed, text};
use crate::graph::error::{Error, ErrorCode, Exceeded};

/// Which limit an answer exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// `answer_max_bytes`.
    Answer {
        /// How many bytes it has.
        has: usize,
        /// The limit.
        max: usize,
    },
    /// The address's share of `unread_answers_max_bytes`.
    Unread,
}

/// Writes the shorter answer of an operation that ran. The one of a mutation has at most [`MUTATION_BYTES`].
pub(super) fn shortened(executed: Executed, excess: Excess, max: usize) -> String {
    let whole = excess.error();
    if executed.is_mutation {
        let outcomes = text(&outcomes(executed.response, &whole));
        if outcomes.len() <= max.min(MUTATION_BYTES) {
            return outcomes;
        }
    } else if excess == Excess::Unread {
        return json!({ "errors": [Overload::Unread.error().at(None)] }).to_string();
    }
    text(&Outcome::from_errors(vec![whole.at(None)]))
}

/// Keeps what says how the fields of a mutation ended.
fn outcomes(mut response: Outcome, error: &Error) -> Outcome {
    // The error of a field of a payload, or of the field itself; deeper ones are about what is left out.
    response.errors.retain(|error| error.path.len() <= 2);
    response.extensions.clear();
    let Value::Object(fields) = &mut response.data else { return response };
    for (field, payload) in fields {
        let Value::Object(payload) = payload else { continue };
        for (name, value) in payload.iter_mut().filter(|(_, value)| matches!(value, Value::Object(_))) {
            *value = Value::Null;
            response.errors.push(at(error, [field.as_str(), name.as_str()]));
        }
    }
    response
}

fn at(error: &Error, path: [&str; 2]) -> ServerError {
    let mut error = error.clone().at(None);
    error.path = path.map(|name| PathSegment::Field(name.to_owned())).to_vec();
    error
}

impl Excess {
    fn error(self) -> Error {
        match self {
            Excess::Answer { has, max } => {
                let message = format!(
                    "The operation ran; its answer has {has} bytes, and at most {max} are given. Ask for less at a time."
                );
                let exceeded = Some(Box::new(Exceeded { limit: "answer_max_bytes", max, actual: has }));
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
        let mut response = Outcome::new(Value::from_json(data).unwrap_or_default());
        response.errors = vec![failed, deep];
        Executed { response, is_mutation }
    }

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap_or_default()
    }

    #[test]
    fn the_outcome_of_every_field_of_a_mutation_stays() {
        for excess in [Excess::Unread, Excess::Answer { has: 5_000, max: 4_000 }] {
            let short = read(&shortened(executed(true), excess, 4_000));
            let gone = json!({ "deletedApplicationId": "abc", "userErrors": [], "viewer": null });
            assert_eq!(short["data"], json!({ "gone": gone, "failed": null }));
            let errors: Vec<_> = short["errors"].as_array().into_iter().flatten().collect();
            let told: Vec<_> = errors.iter().map(|error| (&error["path"], &error["extensions"]["code"])).collect();
            let (failed, viewer) = (json!(["failed"]), json!(["gone", "viewer"]));
            assert_eq!(told, [(&failed, &json!("UNCERTAIN")), (&viewer, &json!("LIMIT_EXCEEDED"))]);
            assert_eq!(errors[1]["extensions"]["retryable"], false);
        }
    }

    #[test]
    fn what_does_not_fit_even_then_still_says_that_it_ran() {
        let short = read(&shortened(executed(true), Excess::Answer { has: 5_000, max: 50 }, 50));
        assert!(short["data"].is_null() && short["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED", "{short}");
    }

    #[test]
    fn a_query_is_refused_whole() {
        let short = read(&shortened(executed(false), Excess::Unread, 4_000));
        assert!(short.get("data").is_none() && short["errors"][0]["extensions"]["code"] == "OVERLOADED", "{short}");
        let short = read(&shortened(executed(false), Excess::Answer { has: 5_000, max: 4_000 }, 4_000));
        assert!(short["data"].is_null() && short["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED", "{short}");
    }
}
