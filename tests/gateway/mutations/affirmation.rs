//! A mutation is done only when its provider says so. Every other reply is UNCERTAIN or a refusal, in the answer and in the
//! audit log.

use serde_json::{Value, json};

use super::OF_ADA;
use super::faults::{At, Case, Told, UNCERTAIN, cases, impatient, told};
use crate::log::Log;

const REFUSED: Told = Told::User("REFUSED");

/// A reply of OneAll's with both of its statuses.
fn envelope(request: Value, result: Value) -> Value {
    match result {
        Value::Null => json!({ "response": { "request": { "status": request } } }),
        _ => json!({ "response": { "request": { "status": request }, "result": result } }),
    }
}

fn status(code: u16, flag: &str) -> Value {
    json!({ "code": code, "flag": flag, "info": "canary" })
}

/// The reply that affirms a mutation.
fn affirmation(case: &Case) -> Value {
    match case.name {
        "revoke" => json!({ "success": true }),
        "disconnect" => json!({ "ID": 51003, "deleted": true }),
        "share" => json!({ "ID": 72001, "shared": true }),
        _ => envelope(status(200, "success"), json!({ "status": status(200, "success") })),
    }
}

/// Replies that do not affirm a mutation, each with what the client is told.
fn replies(case: &Case) -> Vec<(Value, Told)> {
    let reply = |status: u16, body: &Value| json!({ "status": status, "body": body.to_string() });
    let mut all: Vec<(Value, Told)> = [
        json!({}),
        json!({ "maintenance": true }),
        json!({ "status": "ok" }),
        json!({ "ID": 1 }),
        json!({ "ID": 1, "deleted": true, "success": true, "shared": true }),
        json!({ "success": null, "deleted": null, "shared": null }),
        json!({ "success": true, "deleted": false }),
        json!({ "response": {} }),
        json!([]),
        json!(true),
        json!("done"),
        json!(1),
    ]
    .iter()
    .map(|body| (reply(200, body), UNCERTAIN))
    .collect();
    let affirmation = affirmation(case);
    all.extend([202, 203, 204, 205, 206, 207].map(|status| (reply(status, &affirmation), UNCERTAIN)));
    all.extend([400, 401, 403, 404, 409, 500].map(|status| (reply(status, &affirmation), UNCERTAIN)));
    all.push((reply(404, &json!({ "error": "unknown_route", "message": "canary" })), UNCERTAIN));
    all.push((
        json!({ "status": 200, "content_type": "text/html", "body": affirmation.to_string() }),
        match case.at {
            At::WordPress => UNCERTAIN,
            // Its own answers have come as HTML too, so only the body counts.
            At::OneAll => Told::Done,
        },
    ));
    match case.at {
        At::WordPress => {
            all.push((reply(200, &json!({ "success": false })), REFUSED));
            all.push((reply(200, &json!({ "deleted": false })), REFUSED));
            all.push((reply(200, &json!({ "done": 1, "error": "deletion_error" })), REFUSED));
            if case.name == "share" {
                all.push((reply(200, &json!({ "ID": 72001, "shared": false })), UNCERTAIN));
                all.push((reply(200, &json!({ "shared": false })), UNCERTAIN));
                all.push((reply(200, &json!({ "ID": 72001 })), UNCERTAIN));
            }
        }
        At::OneAll => {
            let success = status(200, "success");
            let another = json!({ "status": success, "data": { "identity": { "identity_token": "another" } } });
            for (request, result) in [
                (success.clone(), Value::Null),
                (success.clone(), json!({})),
                (success.clone(), json!({ "status": status(200, "error") })),
                (status(200, "error"), json!({ "status": success })),
                (success.clone(), json!({ "status": status(201, "scheduled") })),
                (success.clone(), json!({ "status": status(207, "success") })),
                (success.clone(), json!({ "status": { "flag": "success" } })),
                (success.clone(), another),
            ] {
                all.push((reply(200, &envelope(request, result)), UNCERTAIN));
            }
            let unsynchronized =
                json!({ "status": status(400, "error"), "data": { "identity": { "identity_token": OF_ADA } } });
            all.push((reply(200, &envelope(success, unsynchronized)), REFUSED));
        }
    }
    all
}

async fn play(name: &str) {
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let (world, log) = (impatient().await, Log::default());
    let _guard = log.listen_to_audit();
    for when in ["before", "after"] {
        for (mut reply, expected) in replies(&case) {
            // What a provider refuses it has not done.
            if when == "after" && expected != UNCERTAIN {
                continue;
            }
            log.clear();
            (reply["method"], reply["when"]) = (json!(case.method), json!(when));
            world.fault(reply.clone()).await;
            let answer = world.gateway.ask(&(case.asker)(), case.mutation, json!({ "id": case.id })).await;
            assert_eq!(told(&answer), expected, "{name}, {reply}: {answer}");
            let outcome = match expected {
                Told::Done => "done",
                UNCERTAIN => "uncertain",
                _ => "refused",
            };
            assert_eq!(log.records()[0]["outcome"], outcome, "{name}, {reply}");
            assert_eq!(world.take_writes().await.iter().map(|row| row.2).sum::<u64>(), 1, "{name}, {reply}");
        }
    }
    let mut reply = json!({ "status": 200, "body": affirmation(&case).to_string(), "when": "before" });
    reply["method"] = json!(case.method);
    world.fault(reply).await;
    let answer = world.gateway.ask(&(case.asker)(), case.mutation, json!({ "id": case.id })).await;
    assert_eq!(told(&answer), Told::Done, "{name}: {answer}");
}

#[tokio::test]
async fn only_its_flag_affirms_a_revocation() {
    play("revoke").await;
}

#[tokio::test]
async fn only_its_flag_or_the_connection_affirms_a_disconnection() {
    play("disconnect").await;
}

#[tokio::test]
async fn only_the_requested_state_affirms_sharing() {
    play("share").await;
}

#[tokio::test]
async fn only_the_result_affirms_a_synchronization() {
    play("synchronize").await;
}

#[tokio::test]
async fn only_the_result_affirms_a_relink() {
    play("relink").await;
}

#[tokio::test]
async fn only_the_result_affirms_a_deletion() {
    play("delete").await;
}
