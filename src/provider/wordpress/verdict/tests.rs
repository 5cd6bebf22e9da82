//! Every row of the error tables, every error format, and the responses that are neither content nor an error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use proptest::prelude::*;

use super::super::payload::tests::{any_json, fixture};
use super::*;

fn reply(status: u16, kind: &str, body: &[u8]) -> Reply {
    let content_type = (!kind.is_empty()).then(|| kind.to_owned());
    Reply { status, content_type, retry_after: None, body: Bytes::copy_from_slice(body) }
}

fn json(status: u16, body: &[u8]) -> Reply {
    reply(status, "application/json", body)
}

/// The interpretation: `Ok` for content, `Err(None)` for an absent object, `Err(Some(_))` for the reason.
fn interpreted(reply: &Reply) -> Result<(), Option<Reason>> {
    match interpret(reply) {
        Ok(Verdict::Content) => Ok(()),
        Ok(Verdict::Absent { .. }) => Err(None),
        Err(error) => Err(Some(error.reason)),
    }
}

/// A status, a code, a message, and their meaning. `None` means that the object is absent.
type Row = (u16, &'static str, &'static str, Option<Reason>);

/// The object belongs to another person.
const FOREIGN: Option<Reason> = Some(Reason::OwnedByAnother);

/// The error tables of the documentation.
const DOCUMENTED: &[Row] = &[
    // /me/connected-applications
    (
        403,
        "authorization_required",
        "An active access token must be used to retrieve information.",
        Some(Reason::NotAuthenticated),
    ),
    (404, "unknown_application_access_token", "The requested application access token was not found.", None),
    (401, "reauthorization_required", "A fresh access token must be used.", Some(Reason::Expired)),
    // /me/keyring-connections/$ID
    (400, "invalid_input", "Please provide a valid numeric keyring connection ID", Some(Reason::Refused)),
    (404, "not_found", "Keyring connection with this ID not found.", None),
    (403, "authorization_required", "You do not have permission to access this Keyring connection.", None),
    (403, "authorization_required", "Access token does not have the required scope", Some(Reason::NotAllowed)),
    (
        403,
        "authorization_required",
        "An active access connection must be used to access keyring connections.",
        Some(Reason::NotAuthenticated),
    ),
    (
        403,
        "authorization_required",
        "This user is not authorized to access keyring connections on this site.",
        Some(Reason::NotAllowed),
    ),
    (403, "unauthorized", "User cannot access this private blog.", Some(Reason::OwnedByAnother)),
    (403, "unauthorized", "User cannot access this restricted blog", Some(Reason::OwnedByAnother)),
    (400, "deletion_error", "This connection could not be deleted.", Some(Reason::Refused)),
    // publicize-connections, external-services, batch
    (400, "jetpack_connection", "", Some(Reason::Unsupported)),
    (400, "publicize_disabled", "", Some(Reason::Unsupported)),
    (400, "missing_jetpack_module", "The Publicize module must be activated.", Some(Reason::Unsupported)),
    (400, "incompatible_jetpack", "Please upgrade Jetpack to version 3.3 or newer.", Some(Reason::Unsupported)),
    (400, "invalid_input", "Please provide at least one property to update", Some(Reason::Refused)),
    (404, "not_found", "No publicize connection found for this ID", None),
    (403, "authorization_required", "This user is not authorized to access this publicize connection.", FOREIGN),
    (403, "authorization_required", "This user is not authorized to modify this publicize connection.", FOREIGN),
    (403, "authorization_required", "This user is not authorized to globalize this publicize connection.", FOREIGN),
    (
        403,
        "authorization_required",
        "This user is not authorized to access publicize connections on this site.",
        FOREIGN,
    ),
    (403, "authorization_required", "This user is not authorized to access this Jetpack Social connection.", FOREIGN),
    (403, "authorization_required", "This user is not authorized to modify this Jetpack Social connection.", FOREIGN),
    (
        403,
        "authorization_required",
        "This user is not authorized to globalize this Jetpack Social connection.",
        FOREIGN,
    ),
    (
        403,
        "authorization_required",
        "This user is not authorized to create Jetpack Social connections on this site.",
        Some(Reason::NotAllowed),
    ),
    (
        403,
        "authorization_required",
        "An active access token must be used to access Jetpack Social connections.",
        Some(Reason::NotAuthenticated),
    ),
    (404, "not_found", "The service provided does not exist", None),
    (400, "invalid_input", "Invalid request input", Some(Reason::Refused)),
];

/// Errors that public clients have met, and errors that the status decides.
const OBSERVED: &[Row] = &[
    (401, "authorization_required", "", Some(Reason::NotAuthenticated)),
    (401, "rest_forbidden", "", Some(Reason::NotAuthenticated)),
    (403, "rest_forbidden", "", Some(Reason::NotAllowed)),
    (400, "invalid_token", "The OAuth2 token is invalid.", Some(Reason::NotAuthenticated)),
    (401, "invalid_token", "The OAuth2 token is invalid.", Some(Reason::NotAuthenticated)),
    (403, "needs_2fa", "", Some(Reason::NotAuthenticated)),
    (403, "access_denied", "", Some(Reason::NotAuthenticated)),
    (404, "unknown_blog", "Unknown blog", None),
    (400, "unknown_blog", "Unknown blog", None),
    (404, "rest_no_route", "", Some(Reason::Unsupported)),
    (405, "not_allowed", "Method not allowed", Some(Reason::Unsupported)),
    (412, "no_connected_jetpack", "", Some(Reason::Unsupported)),
    (412, "something_else", "", Some(Reason::Refused)),
    (400, "too_many_requests", "Please slow down.", Some(Reason::Throttled)),
    (429, "anything", "", Some(Reason::Throttled)),
    (500, "authorization_required", "", Some(Reason::Unavailable)),
    (503, "jetpack_connection", "", Some(Reason::Unavailable)),
    (400, "active-subscriptions", "", Some(Reason::Refused)),
    (409, "conflict", "", Some(Reason::Refused)),
];

#[test]
fn every_documented_error_has_its_reason() {
    for (status, code, message, expected) in DOCUMENTED.iter().chain(OBSERVED) {
        let v1 = serde_json::json!({"error": code, "message": message, "data": {}}).to_string();
        let v2 = serde_json::json!({"message": message, "code": code, "data": {"status": status}}).to_string();
        for body in [v1, v2] {
            assert_eq!(interpreted(&json(*status, body.as_bytes())), Err(*expected), "{status} {body}");
        }
    }
}

#[test]
fn an_error_contains_only_its_status_and_code() {
    let error = interpret(&json(401, &fixture("wordpress/error-v1.json"))).unwrap_err();
    assert_eq!(error.provider, Provider::WordPress);
    assert_eq!((error.status, error.code.as_deref()), (Some(401), Some("invalid_token")));
    assert_eq!(error.detail, "status 401, an error: invalid_token");
    for code in ["not a word", "<b>", "", &"a".repeat(65), "töken"] {
        let body = serde_json::json!({"error": code, "message": "secret sentence"}).to_string();
        let error = interpret(&json(403, body.as_bytes())).unwrap_err();
        assert_eq!(error.code, None, "{code}");
        assert!(!error.detail.contains("secret"), "{error}");
        assert!(code.is_empty() || !error.detail.contains(code), "{error}");
    }
    let error_with_slug = interpret(&json(400, br#"{"error":"invalid-request","message":"x"}"#)).unwrap_err();
    assert_eq!(error_with_slug.code.as_deref(), Some("invalid-request"));
}

#[test]
fn each_error_format_is_read_with_its_status() {
    use Reason::*;
    for (name, status, expected) in [
        ("error-v1", 401, Some(NotAuthenticated)),
        ("error-method", 405, Some(Unsupported)),
        ("error-list", 400, Some(Refused)),
        ("error-v2", 403, Some(NotAllowed)),
        ("error-oauth2", 400, Some(NotAuthenticated)),
        ("error-batch-dump", 404, None),
        ("error-batch-newer", 403, Some(NotAllowed)),
        ("error-envelope", 403, Some(OwnedByAnother)),
        ("error-envelope-v2", 404, Some(Unsupported)),
    ] {
        let body = fixture(&format!("wordpress/{name}.json"));
        assert_eq!(interpreted(&json(status, &body)), Err(expected), "{name}");
    }
}

#[test]
fn an_error_with_a_success_status_is_an_error() {
    use Reason::*;
    for (name, expected) in [
        ("error-v1", Some(NotAuthenticated)),
        ("error-list", Some(Refused)),
        ("error-v2", Some(NotAllowed)),
        ("error-oauth2", Some(NotAuthenticated)),
        ("error-batch-dump", None),
        ("error-batch-newer", Some(NotAllowed)),
        ("error-envelope", Some(OwnedByAnother)),
        ("error-envelope-v2", Some(Unsupported)),
        ("error-cut-off", Some(Malformed)),
    ] {
        let body = fixture(&format!("wordpress/{name}.json"));
        assert_eq!(interpreted(&json(200, &body)), Err(expected), "{name}");
    }
    let error = interpret(&json(200, &fixture("wordpress/error-envelope.json"))).unwrap_err();
    assert_eq!((error.status, error.code.as_deref()), (Some(200), Some("unauthorized")));
    assert_eq!(error.detail, "status 200, an error with a success status: unauthorized");
    let dump = br#"{"errors":{"authorization_required":["An active access token must be used"]},"error_data":[]}"#;
    assert_eq!(interpreted(&json(200, dump)), Err(Some(NotAuthenticated)));
    for (hint, expected) in [("404", None), (r#"{"status":403}"#, Some(NotAllowed)), ("[]", Some(Refused))] {
        let dump = format!(r#"{{"errors":{{"odd_thing":["Odd"]}},"error_data":{{"other":500,"odd_thing":{hint}}}}}"#);
        assert_eq!(interpreted(&json(200, dump.as_bytes())), Err(expected), "{hint}");
    }
    assert_eq!(interpreted(&json(200, br#"{"error":true}"#)), Err(Some(Refused)));
    assert_eq!(interpreted(&json(200, b" \n{ \"message\" : \"x\", \"error\" : \"not_found\" }")), Err(None));
}

#[test]
fn content_with_the_keys_of_an_error_is_content() {
    for body in [
        r#"{"connections":[]}"#,
        r#"{"ID":1,"status":"broken","error":"x"}"#,
        r#"{"services":[]}"#,
        r#"{"success":true}"#,
        r#"{"status":"ok","ID":5}"#,
        r#"{"code":"facebook","ID":5}"#,
        r#"{"code":200,"headers":[],"body":{"ID":1}}"#,
        r#"{"error":"","ID":1}"#,
        r#"{"error":null,"ID":1}"#,
        r#"{"errors":[],"ID":1}"#,
        "[]",
        "{}",
        "null",
        "true",
    ] {
        assert_eq!(interpreted(&json(200, body.as_bytes())), Ok(()), "{body}");
    }
    for name in ["keyring-list", "application-list", "services-map", "sites", "me"] {
        let body = fixture(&format!("wordpress/{name}.json"));
        assert!(!body::may_be_error(&body), "{name}");
        assert_eq!(interpreted(&reply(200, "", &body)), Ok(()), "{name}");
    }
    assert_eq!(interpreted(&reply(204, "", b"")), Ok(()));
}

#[test]
fn the_throttling_page_throttles_for_at_least_a_minute() {
    let page = fixture("wordpress/throttle.html");
    for (status, kind) in [(500, "text/html"), (429, "text/html"), (200, "text/html"), (403, ""), (503, "text/plain")] {
        let mut page = reply(status, kind, &page);
        let error = interpret(&page).unwrap_err();
        assert_eq!((error.reason, error.retry_after), (Reason::Throttled, Some(BAN_MIN)), "{status} {kind}");
        page.retry_after = Some(Duration::from_secs(5));
        assert_eq!(interpret(&page).unwrap_err().retry_after, Some(BAN_MIN));
        page.retry_after = Some(Duration::from_secs(300));
        assert_eq!(interpret(&page).unwrap_err().retry_after, Some(Duration::from_secs(300)));
    }
    let mut polite = json(429, b"{}");
    polite.retry_after = Some(Duration::from_secs(7));
    let error = interpret(&polite).unwrap_err();
    assert_eq!((error.reason, error.retry_after), (Reason::Throttled, Some(Duration::from_secs(7))));
    // Content may contain these words too, and so may an error about another limit.
    let other = br#"{"error":"connections_full","message":"Limit reached"}"#;
    assert_eq!(interpreted(&json(400, other)), Err(Some(Reason::Refused)));
    assert_eq!(interpreted(&json(200, br#"{"ID":1,"description":"Limit reached"}"#)), Ok(()));
}

#[test]
fn a_body_without_json_is_interpreted_by_its_status() {
    use Reason::*;
    let page = b"<html>secret</html>".as_slice();
    let cut = fixture("wordpress/error-cut-off.json");
    for (status, kind, body, expected) in [
        (404, "text/plain", b"".as_slice(), Unsupported),
        (500, "text/plain", b"", Unavailable),
        (401, "", b"", NotAuthenticated),
        (403, "", b"", NotAllowed),
        (400, "", b"", Refused),
        (405, "", b"", Unsupported),
        (429, "", b"", Throttled),
        (200, "application/json", b"", Malformed),
        (200, "text/html", page, Malformed),
        (200, "text/html", b"{\"ID\":1}", Malformed),
        (200, "text/javascript", b"/**/call({});", Malformed),
        (200, "application/json", b"\xEF\xBB\xBF{\"ID\":1}", Malformed),
        (401, "text/html", page, NotAuthenticated),
        (403, "text/html", page, Unavailable),
        (404, "text/html", page, Unsupported),
        (502, "text/html", page, Unavailable),
        (301, "text/html", page, Malformed),
        (302, "application/json", b"{}", Malformed),
        (304, "", b"", Malformed),
        (0, "", b"", Malformed),
        (101, "", b"", Malformed),
        (999, "", b"", Malformed),
        (401, "application/json", &cut, NotAuthenticated),
        (404, "application/json", &cut, Malformed),
        (400, "application/json", &cut, Malformed),
        (404, "application/json", b"[]", Malformed),
        (404, "application/json", b"{\"error\":true}", Malformed),
        (403, "application/json", b"{\"error\":true}", NotAllowed),
        (200, "application/json", b"{\"error\":\"\xFF\"}", Malformed),
        (200, "application/json", b"{\"error\":\"a\",\"error\":\"b\"}", Malformed),
        (500, "application/json", &cut, Unavailable),
    ] {
        let reply = reply(status, kind, body);
        assert_eq!(interpreted(&reply), Err(Some(expected)), "{reply:?}");
        let error = interpret(&reply).unwrap_err();
        assert!(error.status == Some(status) && !error.detail.contains("secret"), "{error:?}");
    }
    assert!(interpret(&reply(302, "", b"")).unwrap_err().detail.contains("redirect, which is never followed"));
}

#[test]
fn an_error_with_extreme_nesting_does_not_overflow() {
    for open in ["{\"body\":", "{\"status\":404,\"body\":", "{\"errors\":[", "{\"data\":", "["] {
        let body = open.repeat(20_000);
        let _ = interpret(&json(200, body.as_bytes()));
        assert!(interpret(&json(500, body.as_bytes())).is_err());
    }
    let deep = format!("{}1{}", "{\"status\":404,\"body\":".repeat(100), "}".repeat(100));
    assert!(interpreted(&json(200, deep.as_bytes())).is_err());
}

/// The keys of all formats.
const KEYS: &[&str] = &[
    "error",
    "errors",
    "message",
    "error_message",
    "error_description",
    "code",
    "data",
    "status",
    "status_code",
    "error_data",
    "body",
    "headers",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_bytes_make_it_panic(
        status in any::<u16>(),
        kind in "(text/html|application/json)?",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = interpret(&reply(status, &kind, &body));
        let _ = interpret(&reply(200, &kind, &body));
    }

    #[test]
    fn no_json_makes_it_panic_or_leak(status in 200_u16..600, body in any_json(KEYS)) {
        for status in [status, 200, 404] {
            if let Err(error) = interpret(&json(status, body.as_bytes())) {
                prop_assert!(error.code.as_deref().is_none_or(is_slug));
                prop_assert!(error.detail.len() < 160);
            }
        }
    }
}
