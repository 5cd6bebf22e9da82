//! What a provider refuses, and how: every status and error body in its documentation has one code here, and no word
//! of it comes through to the client.

mod oneall;
mod wire;
mod wordpress;

use serde_json::{Value, json};

use crate::harness::{Asker, Canned, codes};

/// Stands in every body; an answer that holds it lets a provider's text through.
const CANARY: &str = "canary-text";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// A question, the path at which its one read is answered, and the place of its answer.
struct Probe {
    query: &'static str,
    path: &'static str,
    at: &'static str,
}

/// What the provider answers, and the extensions of the error it becomes; null where nothing is there and no error.
struct Case {
    status: u16,
    media: &'static str,
    body: String,
    headers: &'static [(&'static str, &'static str)],
    expected: Value,
}

fn case(status: u16, body: Value, expected: Value) -> Case {
    page(status, JSON, &body.to_string(), expected)
}

fn page(status: u16, media: &'static str, body: &str, expected: Value) -> Case {
    Case { status, media, body: body.to_owned(), headers: &[], expected }
}

impl Case {
    fn with(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }
}

/// Gives this answer to this question and checks what the client sees of it. One read is made, whatever it brings.
async fn check(probe: &Probe, case: Case) {
    let what = format!("{} {} {}", case.status, probe.path, case.body);
    let answers = vec![
        Canned::json("/rest/v1.1/me", json!({ "ID": 1, "primary_blog": 9 })),
        (probe.path, case.status, case.media, case.body),
    ];
    let canned = Canned::with_headers(answers, case.headers).await;
    let answer = canned.gateway().await.ask(&Asker::token("token"), probe.query, json!({})).await;
    assert!(!answer.to_string().contains("canary"), "{what}: {answer}");
    let mut data = &answer["data"];
    for part in probe.at.split('.') {
        data = data.get(part).unwrap_or_else(|| panic!("{what}: {answer}"));
    }
    assert_eq!(*data, json!(null), "{what}");
    if case.expected.is_null() {
        assert_eq!(answer["errors"], json!(null), "{what}");
    } else {
        assert_eq!(codes(&answer).len(), 1, "{what}: {answer}");
        assert_eq!(codes(&answer)[0].1, probe.at, "{what}");
        assert_eq!(answer["errors"][0]["extensions"], case.expected, "{what}");
    }
    let asked = canned.asked().iter().filter(|target| target.split('?').next() == Some(probe.path)).count();
    assert_eq!(asked, 1, "{what}: {:?}", canned.asked());
}

async fn check_all(probe: &Probe, cases: Vec<Case>) {
    for case in cases {
        check(probe, case).await;
    }
}

fn absent() -> Value {
    json!(null)
}

/// The extensions of an error, by its code.
fn refused(provider: &str, code: &str, status: u16, identifier: Option<&str>) -> Value {
    let retryable = matches!(code, "RATE_LIMITED" | "PROVIDER_UNAVAILABLE" | "PROVIDER_TIMEOUT");
    let upstream = json!({ "status": status, "code": identifier });
    json!({ "code": code, "retryable": retryable, "provider": provider, "upstream": upstream })
}

fn bare(mut error: Value) -> Value {
    error.as_object_mut().unwrap().remove("upstream");
    error
}

fn wait(mut error: Value, seconds: u64) -> Value {
    error["retryAfterSeconds"] = json!(seconds);
    error
}
