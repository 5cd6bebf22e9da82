//! OneAll's refusals: three statuses in one answer, and answers that are no envelope.

use serde_json::{Value, json};

use super::{CANARY, HTML, JSON, Probe, absent, bare, case, check, check_all, page, refused, wait};
use crate::harness::{Asker, Canned, codes};

const SIGN_IN: Probe =
    Probe { query: "{ it: connection(by: {connectionToken: \"t1\"}) { id } }", path: "/connections/t1.json", at: "it" };
const IDENTITY: Probe =
    Probe { query: "{ it: identity(by: {identityToken: \"i1\"}) { id } }", path: "/identities/i1.json", at: "it" };
fn oneall(code: &str, status: u16) -> Value {
    refused("ONEALL", code, status, None)
}

/// OneAll's envelope, with a result or without.
fn envelope(code: u16, result: Option<Value>) -> Value {
    let flag = if code < 400 { "success" } else { "error" };
    let request = json!({ "resource": "/x.json", "status": { "flag": flag, "code": code, "info": CANARY } });
    match result {
        Some(result) => json!({ "response": { "request": request, "result": result } }),
        None => json!({ "response": { "request": request } }),
    }
}

#[tokio::test]
async fn every_status_of_oneall_has_a_code() {
    let says = |status: u16, code: &str| case(status, envelope(status, None), oneall(code, status));
    let cases = || {
        vec![
            says(400, "BAD_INPUT"),
            says(401, "UNAUTHENTICATED"),
            says(403, "FORBIDDEN"),
            says(409, "BAD_INPUT"),
            says(429, "RATE_LIMITED"),
            case(429, envelope(429, None), wait(oneall("RATE_LIMITED", 429), 30)).with(&[("retry-after", "30")]),
            says(500, "PROVIDER_UNAVAILABLE"),
            says(502, "PROVIDER_UNAVAILABLE"),
            case(503, envelope(503, None), wait(oneall("PROVIDER_UNAVAILABLE", 503), 5)).with(&[("retry-after", "5")]),
            case(401, envelope(401, None), oneall("UNAUTHENTICATED", 401)).with(&[("retry-after", "5")]),
            // The envelope knows better than a 200 around it.
            case(200, envelope(403, None), oneall("FORBIDDEN", 200)),
            case(302, json!({}), oneall("PROVIDER_MALFORMED", 302)).with(&[("location", "/canary-text")]),
        ]
    };
    check_all(&SIGN_IN, cases()).await;
    check_all(&IDENTITY, cases()).await;
    for probe in [&SIGN_IN, &IDENTITY] {
        check(probe, case(404, envelope(404, None), absent())).await;
        check(probe, case(200, envelope(404, None), absent())).await;
    }
}

#[tokio::test]
async fn what_is_no_envelope_is_not_understood_unless_its_status_says_enough() {
    let html = format!("<html><body>{CANARY}</body></html>");
    let xml = format!("<?xml version=\"1.0\"?><response>{CANARY}</response>");
    let cases = || {
        vec![
            page(200, HTML, &html, oneall("PROVIDER_MALFORMED", 200)),
            page(200, "application/xml", &xml, oneall("PROVIDER_MALFORMED", 200)),
            page(200, JSON, "", oneall("PROVIDER_MALFORMED", 200)),
            page(200, JSON, CANARY, oneall("PROVIDER_MALFORMED", 200)),
            case(200, json!({ "canary": CANARY }), oneall("PROVIDER_MALFORMED", 200)),
            case(200, envelope(200, Some(json!({ "data": [] }))), bare(oneall("PROVIDER_MALFORMED", 200))),
            page(404, HTML, &html, oneall("PROVIDER_MALFORMED", 404)),
            page(401, HTML, &html, oneall("UNAUTHENTICATED", 401)),
            page(502, HTML, &html, oneall("PROVIDER_UNAVAILABLE", 502)),
            page(503, "text/plain", "", oneall("PROVIDER_UNAVAILABLE", 503)),
        ]
    };
    check_all(&SIGN_IN, cases()).await;
    check_all(&IDENTITY, cases()).await;
}

#[tokio::test]
async fn a_failed_operation_is_an_error_where_it_is_no_sign_in() {
    let failed =
        |code: u16| envelope(200, Some(json!({ "status": { "flag": "error", "code": code, "info": CANARY } })));
    for (code, expected) in [(401, "FORBIDDEN"), (403, "FORBIDDEN"), (409, "BAD_INPUT")] {
        check(&IDENTITY, case(200, failed(code), bare(oneall(expected, 200)))).await;
    }
    for (code, expected) in [(429, "RATE_LIMITED"), (503, "PROVIDER_UNAVAILABLE")] {
        check(&IDENTITY, case(200, failed(code), oneall(expected, 200))).await;
    }
    check(&IDENTITY, case(200, failed(404), absent())).await;
}

#[tokio::test]
async fn a_list_of_oneall_that_is_refused_is_missing_from_its_page_and_nothing_else_is() {
    let refusals = [
        (401, envelope(401, None), "UNAUTHENTICATED"),
        (404, envelope(404, None), "UNSUPPORTED_BY_PROVIDER"),
        (503, envelope(503, None), "PROVIDER_UNAVAILABLE"),
        (200, envelope(200, Some(json!({ "data": [] }))), "PROVIDER_MALFORMED"),
        (200, envelope(200, Some(json!({ "data": { "canary": CANARY } }))), "PROVIDER_MALFORMED"),
    ];
    for (status, body, code) in refusals {
        let canned = Canned::start(vec![
            Canned::json("/rest/v1.1/me/keyring-connections", r#"{"connections": [{"ID": 1, "external_ID": "7"}]}"#),
            Canned::json("/rest/v1.1/me/publicize-connections", r#"{"connections": []}"#),
            ("/connections.json", status, JSON, body.to_string()),
            ("/identities.json", status, JSON, body.to_string()),
        ])
        .await;
        let gateway = canned.gateway().await;
        for list in ["connections", "identities"] {
            let query =
                format!("{{ it: {list} {{ totalCount nodes {{ provider }} incomplete {{ provider code }} }} }}");
            let answer = gateway.ask(&Asker::token("token"), &query, json!({})).await;
            assert!(!answer.to_string().contains("canary"), "{answer}");
            assert_eq!(codes(&answer), [(code.to_owned(), "it".to_owned())], "{list}");
            let (nodes, missing) =
                (json!([{ "provider": "WORDPRESS" }]), json!([{ "provider": "ONEALL", "code": code }]));
            assert_eq!(answer["data"]["it"], json!({ "totalCount": null, "nodes": nodes, "incomplete": missing }));
        }
    }
}
