//! Every kind of response to each write: which ones confirm it, and which ones do not.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::provider::Reason;

const IDENTITY: &str = "5a4d0000-0000-4000-8002-000000000004";
const OWNER: &str = "5a4d0000-0000-4000-8001-000000000003";

fn writes() -> [SentWrite; 3] {
    let identity = || IdentityToken::parse(IDENTITY).unwrap();
    let owner = UserToken::parse(OWNER).unwrap();
    [SentWrite::Synchronize(identity()), SentWrite::Relink(identity(), owner), SentWrite::Delete(identity())]
}

fn interpreted(write: &SentWrite, status: u16, body: &Value) -> Result<WriteReply, Reason> {
    let reply = Reply { status, content_type: None, retry_after: None, body: body.to_string().into() };
    interpret(&reply, write).map_err(|error| error.reason)
}

fn status(code: i32, flag: &str) -> Value {
    json!({ "status": { "code": code, "flag": flag, "info": "x" } })
}

fn envelope(request: Value, result: Value) -> Value {
    match result {
        Value::Null => json!({ "response": { "request": request } }),
        _ => json!({ "response": { "request": request, "result": result } }),
    }
}

/// Both statuses, with codes only.
fn codes(request: i32, result: Option<i32>) -> Value {
    let with_code = |code: i32| json!({ "status": { "code": code } });
    envelope(with_code(request), result.map_or(Value::Null, with_code))
}

fn with_data(mut envelope: Value, data: Value) -> Value {
    envelope["response"]["result"]["data"] = data;
    envelope
}

#[test]
fn the_status_of_the_result_confirms_a_write() {
    for write in &writes() {
        for (http, body) in [
            (200, envelope(status(200, "success"), status(200, "success"))),
            (200, envelope(status(200, ""), status(200, ""))),
            (200, envelope(status(200, "success"), status(201, "Success"))),
            (201, envelope(status(201, "success"), status(201, "success"))),
            (200, envelope(json!({}), status(200, "success"))),
            (200, with_data(codes(200, Some(200)), json!({ "identity": { "identity_token": IDENTITY } }))),
            (200, with_data(codes(200, Some(200)), json!({ "user": { "user_token": OWNER, "identities": [] } }))),
            (200, codes(200, Some(200))),
        ] {
            assert_eq!(interpreted(write, http, &body), Ok(WriteReply::Changed), "{write:?} {http} {body}");
        }
    }
}

#[test]
fn data_confirms_a_write_whose_result_has_no_status() {
    let [synchronize, relink, delete] = writes();
    let identity = with_data(codes(200, None), json!({ "identity": { "identity_token": IDENTITY, "provider": "x" } }));
    let user = with_data(codes(200, None), json!({ "user": { "user_token": OWNER, "identities": [] } }));
    for (write, body, is_done) in [
        (&synchronize, &identity, true),
        (&synchronize, &user, false),
        (&relink, &user, true),
        (&relink, &identity, false),
        (&delete, &identity, false),
        (&delete, &user, false),
    ] {
        let expected = if is_done { Ok(WriteReply::Changed) } else { Err(Reason::Malformed) };
        assert_eq!(interpreted(write, 200, body), expected, "{write:?} {body}");
    }
}

#[test]
fn an_unconfirmed_write_is_never_done() {
    let another = json!({ "identity": { "identity_token": "another" } });
    let bodies = [
        json!({}),
        json!({ "maintenance": true }),
        json!({ "success": true }),
        json!({ "response": {} }),
        json!({ "response": { "request": {} } }),
        json!({ "response": { "request": {}, "result": {} } }),
        json!([]),
        json!(true),
        json!("done"),
        Value::Null,
        // OneAll understood the request, which says nothing about the operation.
        codes(200, None),
        envelope(status(200, "success"), Value::Null),
        envelope(status(200, "success"), json!({})),
        envelope(status(200, "success"), json!({ "data": {} })),
        envelope(status(200, "success"), json!({ "status": { "flag": "success" } })),
        envelope(status(200, "success"), status(200, "error")),
        envelope(status(200, "error"), status(200, "success")),
        envelope(status(200, "error"), Value::Null),
        envelope(status(200, "success"), status(200, "scheduled")),
        envelope(status(201, "scheduled"), status(201, "scheduled")),
        envelope(status(200, "success"), status(400, "success")),
        codes(200, Some(202)),
        codes(200, Some(207)),
        codes(207, Some(200)),
        codes(200, Some(304)),
        codes(200, Some(0)),
        codes(404, Some(200)),
        codes(400, Some(200)),
        with_data(codes(200, Some(200)), another.clone()),
        with_data(codes(200, None), another),
    ];
    for write in &writes() {
        for body in &bodies {
            assert_eq!(interpreted(write, 200, body), Err(Reason::Malformed), "{write:?} {body}");
        }
        let done = codes(200, Some(200));
        for http in [202, 204, 206, 207, 302, 304] {
            assert_eq!(interpreted(write, http, &done), Err(Reason::Malformed), "{write:?} {http}");
        }
        for http in [400, 401, 403, 404, 429, 500, 503] {
            assert_eq!(
                interpreted(write, http, &done),
                Err(Reason::Malformed),
                "{write:?} {http}: the statuses contradict each other"
            );
            assert_eq!(interpreted(write, http, &codes(200, None)), Err(Reason::Malformed), "{write:?} {http}");
        }
    }
    let elsewhere = with_data(codes(200, Some(200)), json!({ "user": { "user_token": "another" } }));
    assert_eq!(interpreted(&writes()[1], 200, &elsewhere), Err(Reason::Malformed));
}

#[test]
fn an_error_is_interpreted_by_its_code() {
    for write in &writes() {
        for (http, body, expected) in [
            (404, codes(404, None), Ok(WriteReply::Absent)),
            (200, codes(200, Some(404)), Ok(WriteReply::Absent)),
            (200, codes(404, None), Ok(WriteReply::Absent)),
            (404, envelope(status(404, "error"), Value::Null), Ok(WriteReply::Absent)),
            (200, codes(200, Some(400)), Err(Reason::Refused)),
            (200, envelope(status(200, "success"), status(400, "error")), Err(Reason::Refused)),
            (400, codes(400, None), Err(Reason::Refused)),
            (401, codes(401, None), Err(Reason::NotAuthenticated)),
            (403, codes(403, None), Err(Reason::NotAllowed)),
            (429, codes(429, None), Err(Reason::Throttled)),
            (200, codes(200, Some(500)), Err(Reason::Unavailable)),
            (503, codes(503, None), Err(Reason::Unavailable)),
            (404, json!({}), Err(Reason::Malformed)),
            (404, json!({ "error": "unknown_route" }), Err(Reason::Malformed)),
            (404, json!({ "response": { "request": {} } }), Err(Reason::Malformed)),
            (404, envelope(status(404, "success"), Value::Null), Err(Reason::Malformed)),
        ] {
            assert_eq!(interpreted(write, http, &body), expected, "{write:?} {http} {body}");
        }
    }
}
