//! Every kind of response to each write: which ones confirm it, and which ones do not.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::super::payload::tests::any_json;
use super::*;

const GRANT: u64 = 620_001;
const KEYRING: u64 = 51_003;
const PUBLICIZE: u64 = 72_001;

const REVOKE: SentWrite = SentWrite::Revoke(ApplicationId(GRANT));
const DELETE: SentWrite = SentWrite::Disconnect(KeyringId(KEYRING), KeyringApi::V1);
const DELETE_V2: SentWrite = SentWrite::Disconnect(KeyringId(KEYRING), KeyringApi::V2);
const SHARE: SentWrite = SentWrite::Share(PublicizeId { site: None, id: PUBLICIZE }, true);
const UNSHARE: SentWrite = SentWrite::Share(PublicizeId { site: None, id: PUBLICIZE }, false);
const ALL: [SentWrite; 5] = [REVOKE, DELETE, DELETE_V2, SHARE, UNSHARE];

fn interpreted(write: SentWrite, status: u16, body: &str) -> Result<WriteReply, Reason> {
    let content_type = Some("application/json".to_owned());
    let reply = Reply { status, content_type, retry_after: None, body: body.to_owned().into() };
    interpret(&reply, write).map_err(|error| error.reason)
}

#[test]
fn a_confirmed_write_is_done() {
    for (write, status, body) in [
        (REVOKE, 200, r#"{"success":true}"#),
        (REVOKE, 200, r#"{"success":"1","ID":"620001"}"#),
        (DELETE, 200, r#"{"ID":51003,"deleted":true}"#),
        (DELETE, 200, r#"{"success":true}"#),
        (DELETE, 200, r#"{"ID":51003,"service":"mastodon","status":"ok"}"#),
        // The documented sample.
        (DELETE, 200, r#"{"ID":72001,"site_ID":7700123,"keyring_connection_ID":51003,"shared":false}"#),
        (DELETE_V2, 200, r#"{"deleted":true,"previous":{"ID":51003}}"#),
        (DELETE_V2, 200, "true"),
        (DELETE_V2, 201, " true\n"),
        (DELETE_V2, 204, ""),
        (SHARE, 200, r#"{"ID":72001,"shared":true}"#),
        (SHARE, 201, r#"{"ID":"72001","shared":1,"status":"broken"}"#),
        (SHARE, 200, r#"{"shared":true}"#),
        (UNSHARE, 200, r#"{"ID":72001,"shared":false}"#),
        (UNSHARE, 200, r#"{"ID":72001,"shared":"0"}"#),
    ] {
        assert_eq!(interpreted(write, status, body), Ok(WriteReply::Changed), "{write:?} {status} {body}");
    }
}

#[test]
fn an_unconfirmed_write_is_never_done() {
    for write in ALL {
        for body in [
            "{}",
            r#"{"maintenance":true}"#,
            r#"{"ID":1}"#,
            r#"{"ID":1,"deleted":true,"success":true,"shared":true}"#,
            r#"{"ID":1,"deleted":true,"success":true,"shared":false}"#,
            r#"{"previous":{"ID":1},"deleted":true}"#,
            r#"{"keyring_connection_ID":1,"deleted":true,"ID":51003,"shared":null}"#,
            r#"{"success":null,"deleted":[],"shared":{}}"#,
            r#"{"success":true,"deleted":false}"#,
            r#"{"success":"yes"}"#,
            r#"{"status":"ok"}"#,
            r#"{"code":200,"message":"OK"}"#,
            r#"{"connections":[]}"#,
            r#"{"ID":51003,"deleted":true"#,
            r#"{"success":true,"success":true}"#,
            r#"[{"success":true}]"#,
            r#""true""#,
            "[]",
            "null",
            "false",
            "1",
            "",
            "<h1>maintenance</h1>",
            "OK",
        ] {
            for status in [200, 201] {
                let result = interpreted(write, status, body);
                assert!(matches!(result, Err(Reason::Malformed | Reason::Refused)), "{write:?} {body}: {result:?}");
            }
        }
        // An accepted, partial or empty reply is not a finished write.
        for status in [202, 203, 205, 206, 207, 226, 304] {
            for body in [r#"{"success":true}"#, r#"{"shared":true}"#, r#"{"shared":false}"#, "true", ""] {
                assert_eq!(interpreted(write, status, body), Err(Reason::Malformed), "{write:?} {status} {body}");
            }
        }
    }
    for (write, status, body) in [
        (REVOKE, 200, "true"),
        (REVOKE, 204, ""),
        (DELETE, 200, "true"),
        (DELETE, 204, ""),
        (SHARE, 204, ""),
        (SHARE, 200, r#"{"ID":72001,"shared":false}"#),
        (UNSHARE, 200, r#"{"ID":72001,"shared":true}"#),
        (SHARE, 200, r#"{"success":true}"#),
        (SHARE, 200, r#"{"ID":72001}"#),
        (REVOKE, 200, r#"{"ID":620001}"#),
    ] {
        assert_eq!(interpreted(write, status, body), Err(Reason::Malformed), "{write:?} {status} {body}");
    }
}

#[test]
fn a_denied_write_is_refused() {
    for body in [r#"{"success":false}"#, r#"{"deleted":false}"#, r#"{"success":"0","deleted":false}"#] {
        for write in ALL {
            assert_eq!(interpreted(write, 200, body), Err(Reason::Refused), "{write:?} {body}");
        }
    }
    // An error anywhere in a good reply is an error, not only as its first key.
    for body in [r#"{"error":"deletion_error"}"#, r#"{"foo":1,"error":"deletion_error","message":"x"}"#] {
        for write in ALL {
            assert_eq!(interpreted(write, 200, body), Err(Reason::Refused), "{write:?} {body}");
        }
    }
}

#[test]
fn only_a_known_code_means_that_the_object_is_absent() {
    let error = |code: &str| format!(r#"{{"error":"{code}","message":"x"}}"#);
    for (write, code) in [
        (REVOKE, "unknown_application_access_token"),
        (REVOKE, "not_found"),
        (DELETE, "not_found"),
        (DELETE_V2, "not_found"),
        (SHARE, "not_found"),
        (SHARE, "unknown_blog"),
    ] {
        assert_eq!(interpreted(write, 404, &error(code)), Ok(WriteReply::Absent), "{write:?} {code}");
    }
    let foreign = r#"{"error":"authorization_required","message":"You do not have permission to access this Keyring connection."}"#;
    assert_eq!(interpreted(DELETE, 403, foreign), Ok(WriteReply::Absent));
    for write in ALL {
        for code in ["unknown_route", "unknown_version", "unknown", "deleted", "gone"] {
            assert_eq!(interpreted(write, 404, &error(code)), Err(Reason::Malformed), "{write:?} {code}");
        }
        assert_eq!(interpreted(write, 404, &error("rest_no_route")), Err(Reason::Unsupported), "{write:?}");
        assert_eq!(interpreted(write, 404, "{}"), Err(Reason::Malformed), "{write:?}");
    }
    assert_eq!(interpreted(REVOKE, 404, &error("unknown_blog")), Err(Reason::Malformed));
    assert_eq!(interpreted(SHARE, 404, &error("unknown_application_access_token")), Err(Reason::Malformed));
}

#[test]
fn an_error_that_confirms_the_write_is_malformed() {
    for status in [200, 400, 401, 403, 404, 409, 429, 500] {
        for (write, body) in [
            (REVOKE, r#"{"error":"not_found","success":true}"#),
            (DELETE, r#"{"error":"not_found","deleted":true,"ID":51003}"#),
            (SHARE, r#"{"error":"unauthorized","ID":72001,"shared":true}"#),
        ] {
            assert_eq!(interpreted(write, status, body), Err(Reason::Malformed), "{write:?} {status} {body}");
        }
    }
    // An error may contain the object. That is no contradiction.
    assert_eq!(interpreted(DELETE, 404, r#"{"error":"not_found","ID":51003}"#), Ok(WriteReply::Absent));
}

/// The keys that a confirmation can have, and some that it cannot.
const KEYS: &[&str] = &["ID", "success", "deleted", "shared", "previous", "error", "code", "status", "message"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn without_a_flag_or_an_id_nothing_is_done(status in 200_u16..600, body in any_json(&["error", "code", "status", "foo"])) {
        for write in ALL {
            let is_bare_true = body.trim() == "true";
            prop_assert!(is_bare_true || interpreted(write, status, &body) != Ok(WriteReply::Changed), "{write:?} {status} {body}");
        }
    }

    #[test]
    fn no_status_but_a_good_one_is_done(status in 202_u16..600, body in any_json(KEYS)) {
        for write in ALL {
            prop_assert!(status == 204 || interpreted(write, status, &body) != Ok(WriteReply::Changed), "{write:?} {status} {body}");
        }
    }
}
