//! How each kind of response is interpreted: fixtures, a table of statuses, and arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::super::payload::{ConnectionData, ConnectionsData, IdentitiesData, IdentityData, UserData};
use super::*;
use crate::upstream::Failure;

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, content_type: None, retry_after: None, body: Bytes::from(body.into()) }
}

fn fixture(status: u16, name: &str) -> Reply {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    reply(status, std::fs::read(path).unwrap())
}

fn refused(reply: &Reply) -> Error {
    parse::<Value>(reply).unwrap_err()
}

#[test]
fn a_simple_read_has_one_status_and_a_sign_in_two() {
    let fields = parse::<ConnectionsData>(&fixture(200, "oneall/connections-paged")).unwrap().unwrap();
    assert_eq!(fields.result, None);
    assert_eq!(fields.meta.date.unwrap().to_string(), "2020-03-14T08:26:53Z");
    assert_eq!(fields.meta.resource.as_deref(), Some("/connections.json?page=1&entries_per_page=2"));
    assert_eq!(fields.meta.status.code, Some(200));
    assert!(fields.data.is_some());

    let sign_in = parse::<ConnectionData>(&fixture(200, "seeds/oneall-connection")).unwrap().unwrap();
    assert_eq!(sign_in.meta.date.unwrap().to_string(), "2011-08-25T11:38:21Z");
    assert_eq!(sign_in.meta.status, Status { flag: Some("success".into()), code: Some(200), info: None });
    assert_eq!(sign_in.result.unwrap().info.as_deref(), Some("The user successfully authenticated"));
}

#[test]
fn a_failed_sign_in_in_a_successful_request_is_content() {
    let envelope = parse::<ConnectionData>(&fixture(200, "seeds/oneall-connection-older-failed")).unwrap().unwrap();
    assert_eq!(envelope.meta.status.code, Some(200));
    assert_eq!(envelope.result.unwrap().code, Some(401));
    assert!(envelope.data.is_some());
}

#[test]
fn a_refused_request_with_a_plugin_report_is_content() {
    for http in [200, 400] {
        let envelope = parse::<ConnectionData>(&fixture(http, "oneall/connection-failed-link")).unwrap().unwrap();
        assert_eq!(envelope.meta.status.code, Some(400));
        assert!(envelope.data.is_some());
    }
    let bare = r#"{"response":{"request":{},"result":{"data":{"plugin":{"key":"social_link"}}}}}"#;
    let envelope = parse::<ConnectionData>(&reply(400, bare)).unwrap().unwrap();
    assert_eq!(envelope.meta.status.code, Some(400), "the HTTP status applies if the envelope has none");
    for useless in [r#"{"plugin":[]}"#, r#"{"plugin":{}}"#, r#"{"user":{}}"#, "[]"] {
        let body = format!(r#"{{"response":{{"request":{{}},"result":{{"data":{useless}}}}}}}"#);
        assert_eq!(refused(&reply(400, body)).reason, Reason::Refused, "{useless}");
    }
}

#[test]
fn an_object_is_absent_only_if_the_envelope_says_so() {
    assert_eq!(parse::<Value>(&fixture(404, "oneall/not-found")), Ok(None));
    assert_eq!(parse::<Value>(&fixture(200, "oneall/not-found")), Ok(None));
    let operation = r#"{"response":{"request":{"status":{"code":200}},"result":{"status":{"code":404}}}}"#;
    assert_eq!(parse::<Value>(&reply(200, operation)), Ok(None));
    for elsewhere in ["<html>Not Found</html>", "", "{}", r#"{"error":"not_found"}"#, r#"{"response":[]}"#] {
        assert_eq!(refused(&reply(404, elsewhere)).reason, Reason::Malformed, "{elsewhere}");
    }
    // An outage does not mean that the object is gone.
    assert_eq!(refused(&fixture(503, "oneall/not-found")).reason, Reason::Unavailable);
    assert_eq!(refused(&fixture(429, "oneall/not-found")).reason, Reason::Throttled);
}

#[test]
fn rejected_site_keys_differ_from_a_failed_sign_in() {
    for http in [200, 401] {
        let error = refused(&fixture(http, "oneall/keys-refused"));
        assert_eq!((error.reason, error.code.as_deref()), (Reason::NotAuthenticated, None));
        assert_eq!(error.detail, "401: the site keys were rejected");
    }
    let person = r#"{"response":{"request":{"status":{"code":401}},"result":{"status":{"code":401,"info":"No"}}}}"#;
    let envelope = parse::<Value>(&reply(401, person)).unwrap().unwrap();
    assert_eq!((envelope.result.unwrap().code, envelope.data), (Some(401), None));
}

#[test]
fn each_status_has_one_reason_with_or_without_an_envelope() {
    let table = [
        (300, Reason::Malformed),
        (302, Reason::Malformed),
        (304, Reason::Malformed),
        (401, Reason::NotAuthenticated),
        (403, Reason::NotAllowed),
        (429, Reason::Throttled),
        (500, Reason::Unavailable),
        (502, Reason::Unavailable),
        (503, Reason::Unavailable),
        (599, Reason::Unavailable),
    ];
    for (status, reason) in table {
        let envelope = format!(r#"{{"response":{{"request":{{"status":{{"code":{status}}}}}}}}}"#);
        for body in [envelope.as_str(), "<html><body>Sorry", "C", "", "[]"] {
            let mut reply = reply(status, body);
            reply.retry_after = Some(Duration::from_secs(7));
            let error = refused(&reply);
            assert_eq!((error.reason, error.status), (reason, Some(status)), "{status} {body}");
            let waits = matches!(reason, Reason::Throttled | Reason::Unavailable);
            assert_eq!(error.retry_after.is_some(), waits, "{status} {body}");
        }
        let within = refused(&reply(200, envelope));
        assert_eq!((within.reason, within.status), (reason, Some(200)), "{status} inside a 200");
        assert_eq!(within.outcome(), refused(&reply(status, "")).outcome(), "{status} inside a 200");
    }
    for (status, reason) in [(400, Reason::Refused), (409, Reason::Refused), (418, Reason::Refused)] {
        let envelope = format!(r#"{{"response":{{"request":{{"status":{{"code":{status}}}}}}}}}"#);
        assert_eq!(refused(&reply(status, envelope)).reason, reason, "{status}");
        assert_eq!(refused(&reply(status, "<p>")).reason, Reason::Malformed, "{status}");
    }
}

#[test]
fn created_and_multi_status_are_content() {
    for (status, flag) in [(201, "scheduled"), (207, "")] {
        let body = format!(
            r#"{{"response":{{"request":{{"status":{{"flag":"{flag}","code":"{status}"}}}},"result":{{"data":{{"a":1}}}}}}}}"#
        );
        let envelope = parse::<Value>(&reply(status, body)).unwrap().unwrap();
        assert_eq!(envelope.meta.status.code, Some(i32::from(status)));
        assert_eq!(envelope.data, Some(serde_json::json!({"a": 1})));
    }
}

#[test]
fn a_flag_decides_nothing() {
    let body =
        r#"{"response":{"request":{"status":{"flag":"error"}},"result":{"status":{"flag":"error"},"data":{"a":1}}}}"#;
    let envelope = parse::<Value>(&reply(200, body)).unwrap().unwrap();
    assert_eq!(envelope.result.clone().unwrap().flag.as_deref(), Some("error"));
    assert!(envelope.into_data().unwrap().is_some());
}

#[test]
fn a_body_that_is_not_json_is_never_quoted() {
    let xml = "responded with XML instead of JSON";
    assert_eq!(refused(&reply(200, "\n<?xml version=\"1.0\"?><response>secret")).detail, xml);
    let mut typed = reply(200, "<response>secret</response>");
    typed.content_type = Some("application/xml".into());
    assert_eq!((refused(&typed).reason, refused(&typed).detail.as_str()), (Reason::Malformed, xml));
    assert_eq!(refused(&reply(200, "<html>secret")).detail, "responded with HTML instead of JSON");
    assert_eq!(refused(&reply(200, " ")).detail, "responded with an empty body");
    for body in ["Cannot secret", r#"{"secret":"#, r#"{"response":{"request":{"date":"secret"}}}x"#, "\u{feff}secret"] {
        let error = refused(&reply(200, body));
        assert_eq!(error.reason, Reason::Malformed, "{body}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(parse::<Value>(&reply(200, "\u{feff}{\"response\":{\"request\":{}}}")).unwrap().is_some());
}

#[test]
fn an_empty_list_in_place_of_a_map_is_an_empty_map() {
    let envelope = parse::<ConnectionsData>(&fixture(200, "oneall/empty-data")).unwrap().unwrap();
    assert_eq!(envelope.data, None);
    assert_eq!(envelope.into_data().unwrap_err().reason, Reason::Malformed);
    let body = r#"{"response":{"request":{"status":[]},"result":[]}}"#;
    assert_eq!(parse::<Value>(&reply(200, body)).unwrap().unwrap().data, None);
}

#[test]
fn another_value_in_place_of_a_list_is_malformed() {
    for data in [r#"{"connections":"x"}"#, r#"{"connections":null}"#, r#"{"sessions":[]}"#] {
        let body = format!(r#"{{"response":{{"request":{{}},"result":{{"data":{data}}}}}}}"#);
        let error = parse::<ConnectionsData>(&reply(200, body)).unwrap_err();
        assert_eq!(error.reason, Reason::Malformed, "{data}");
        assert!(error.detail.starts_with("result.data: not of the expected shape"), "{}", error.detail);
    }
}

#[test]
fn a_failed_operation_is_an_error_except_for_a_sign_in() {
    let envelope = parse::<UserData>(&fixture(200, "oneall/operation-failed")).unwrap().unwrap();
    assert_eq!(envelope.into_data().unwrap_err().reason, Reason::NotAllowed);
    let envelope = parse::<UserData>(&fixture(400, "oneall/connection-failed-link")).unwrap().unwrap();
    assert_eq!(envelope.into_data().unwrap_err().reason, Reason::Refused);
    for (code, reason) in [(400, Reason::Refused), (429, Reason::Throttled), (500, Reason::Unavailable)] {
        let result = Some(Status { code: Some(code), ..Status::default() });
        let envelope = Envelope { meta: Meta::default(), result, data: Some(()) };
        assert_eq!(envelope.into_data().unwrap_err().reason, reason);
    }
    let gone = Some(Status { code: Some(404), ..Status::default() });
    assert_eq!(Envelope { meta: Meta::default(), result: gone, data: Some(()) }.into_data(), Ok(None));
}

#[test]
fn an_operation_that_did_not_run_is_no_failed_sign_in() {
    let answer = |code: u16, data: &str| {
        let request = r#"{"status":{"code":200}}"#;
        let body =
            format!(r#"{{"response":{{"request":{request},"result":{{"status":{{"code":{code}}},"data":{data}}}}}}}"#);
        parse::<ConnectionData>(&reply(200, body))
    };
    for data in ["{}", r#"{"plugin":{"key":"social_login"}}"#] {
        for (code, reason) in [(429, Reason::Throttled), (500, Reason::Unavailable), (503, Reason::Unavailable)] {
            let envelope = answer(code, "{}");
            assert_eq!(envelope.unwrap_err().reason, reason, "{code}");
        }
        assert!(answer(401, data).unwrap().is_some());
    }
    let reported = answer(500, r#"{"plugin":{"key":"social_link","data":{"status":"error"}}}"#);
    assert!(reported.unwrap().is_some(), "a plugin reports the result");
}

fn opens_without_panic(reply: &Reply) {
    let _ = parse::<ConnectionData>(reply);
    let _ = parse::<ConnectionsData>(reply);
    let _ = parse::<IdentityData>(reply);
    let _ = parse::<IdentitiesData>(reply);
    let _ = parse::<UserData>(reply);
}

#[test]
fn deep_nesting_and_invalid_numbers_are_accepted() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for data in [deep.as_str(), "1e999", "-0", "123456789012345678901234567890", r#""\ud800""#] {
        for body in [
            format!(
                r#"{{"response":{{"request":{{"status":{{"code":{data}}}}},"result":{{"data":{{"user":{data}}}}}}}}}"#
            ),
            format!(r#"{{"response":{{"request":{{}},"result":{{"data":{data}}}}}}}"#),
            data.to_owned(),
        ] {
            opens_without_panic(&reply(200, body));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_open_or_fail(status in 0_u16..700, body in prop::collection::vec(any::<u8>(), 0..200)) {
        opens_without_panic(&reply(status, body));
    }

    #[test]
    fn a_damaged_answer_opens_or_fails(status in 100_u16..600, cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let whole = fixture(status, "oneall/connection-recorded-shape").body.to_vec();
        let place = cut.index(whole.len());
        opens_without_panic(&reply(status, &whole[..place]));
        let mut damaged = whole;
        damaged[place] = byte;
        opens_without_panic(&reply(status, damaged));
    }
}

#[test]
fn extreme_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for body in [
        format!("{{\"response\":{deep}}}"),
        format!("{{\"response\":{{\"request\":{{\"date\":{deep}}}}}}}"),
        format!("{{\"response\":{{\"request\":{{}},\"result\":{{\"data\":{{\"connections\":{deep}}}}}}}}}"),
    ] {
        let reply = Reply { status: 200, content_type: None, retry_after: None, body: body.into() };
        // An unmapped value is skipped at any depth, and a mapped one is rejected beyond serde_json's limit. Neither
        // recurses.
        if let Ok(Some(envelope)) = parse::<ConnectionsData>(&reply) {
            assert!(envelope.meta.date.is_none());
        }
    }
}
