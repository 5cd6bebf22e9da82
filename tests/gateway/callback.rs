//! The callback: a site's backend receives a connection token and asks who that was.

use commongraph::app::sample_operations::{CALLBACK, CALLBACK_TOKEN};
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, World, codes};

/// Asks as the site's backend does, by its key.
async fn who(world: &World, token: &str) -> Value {
    world.gateway.ask(&Asker::service("shop"), CALLBACK, json!({ "token": token })).await
}

fn sandbox_token(number: u32) -> String {
    format!("5a4d0000-0000-4000-8000-{number:012}")
}

#[tokio::test]
async fn a_token_tells_who_signed_in() {
    let world = World::start().await;
    let answer = who(&world, CALLBACK_TOKEN).await;
    assert_eq!(answer["errors"], json!(null));
    let connection = &answer["data"]["connection"];
    assert_eq!(connection["createdAt"], "2016-09-04T08:42:19Z");
    assert_eq!(connection["health"]["state"], "OK");
    assert_eq!(connection["identity"]["state"], "READABLE");
    assert_eq!(connection["identity"]["displayName"], "Olga Brandt");
    assert_eq!(connection["identity"]["service"], json!({ "label": "Google" }));
    assert_eq!(
        connection["record"],
        json!({
            "plugin": { "key": "social_login", "action": "login", "reason": "user_authenticated" },
            "result": { "succeeded": true, "info": "The user successfully authenticated" },
            "user": { "userToken": "5a4d0000-0000-4000-8001-000000000001" },
        })
    );
    assert_eq!(
        json!(world.counts().await),
        json!({
            format!("GET /connections/{CALLBACK_TOKEN}.json"): 1,
        })
    );
}

#[tokio::test]
async fn a_failed_sign_in_is_an_answer_and_no_error() {
    let world = World::start().await;
    let answer = who(&world, &sandbox_token(3)).await;
    assert_eq!(answer["errors"], json!(null));
    let connection = &answer["data"]["connection"];
    assert_eq!(
        connection["health"],
        json!({ "state": "FAILED", "reason": "The user did not authenticate successfully" })
    );
    assert_eq!(connection["identity"], json!(null));
    assert_eq!(
        connection["record"],
        json!({
            "plugin": { "key": "social_link", "action": null, "reason": null },
            "result": { "succeeded": false, "info": "The user did not authenticate successfully" },
            "user": null,
        })
    );
}

#[tokio::test]
async fn a_failed_link_is_an_answer_and_no_error() {
    let world = World::start().await;
    let answer = who(&world, &sandbox_token(4)).await;
    assert_eq!(answer["errors"], json!(null));
    let connection = &answer["data"]["connection"];
    assert_eq!(connection["health"], json!({ "state": "FAILED", "reason": "identity_is_linked_to_another_user" }));
    assert_eq!(connection["identity"], json!(null));
    assert_eq!(
        connection["record"]["plugin"],
        json!({ "key": "social_link", "action": "link_identity", "reason": "identity_is_linked_to_another_user" })
    );
    assert_eq!(connection["record"]["user"], json!(null));
}

#[tokio::test]
async fn an_encrypted_identity_is_a_state_of_its_own() {
    let world = World::start().await;
    for number in [5, 6, 7] {
        let answer = who(&world, &sandbox_token(number)).await;
        assert_eq!(answer["errors"], json!(null), "{number}");
        let connection = &answer["data"]["connection"];
        assert_eq!(connection["health"]["state"], "OK", "{number}");
        let identity = &connection["identity"];
        assert_eq!((&identity["state"], &identity["displayName"]), (&json!("ENCRYPTED"), &json!(null)), "{number}");
        assert_eq!(connection["record"]["result"]["succeeded"], true, "{number}");
        assert_eq!(connection["record"]["user"]["userToken"], "5a4d0000-0000-4000-8001-000000000003", "{number}");
        assert!(!answer.to_string().contains("ciphertext"), "{number}");
    }
}

#[tokio::test]
async fn an_unknown_token_is_null_without_an_error() {
    let world = World::start().await;
    for token in [sandbox_token(999), sandbox_token(19), "no-such-token".to_owned()] {
        assert_eq!(who(&world, &token).await, json!({ "data": { "connection": null } }), "{token}");
    }
}

#[tokio::test]
async fn xml_where_json_was_asked_for_is_refused() {
    let world = World::start().await;
    world.fault(json!({ "provider": "oneall", "shape": "xml" })).await;
    let answer = who(&world, CALLBACK_TOKEN).await;
    assert_eq!(answer["data"], json!({ "connection": null }));
    assert_eq!(codes(&answer), [("PROVIDER_MALFORMED".to_owned(), "connection".to_owned())]);
    assert_eq!(answer["errors"][0]["extensions"]["provider"], "ONEALL");
}

#[tokio::test]
async fn a_person_learns_of_their_own_sign_ins_only() {
    let world = World::start().await;
    let ask = async |person: &str, number| {
        world.gateway.ask(&Asker::person(person), CALLBACK, json!({ "token": sandbox_token(number) })).await
    };
    let user = ask("ada", 2).await["data"]["connection"]["record"]["user"].take();
    assert_eq!(user, json!({ "userToken": "5a4d0000-0000-4000-8001-000000000002" }));
    // Somebody else's, and a failed one, which is nobody's.
    for number in [1, 3] {
        assert_eq!(ask("ada", number).await, json!({ "data": { "connection": null } }));
    }
}

#[tokio::test]
async fn an_outage_inside_a_good_answer_is_no_failed_sign_in() {
    for (code, expected) in [(429, "RATE_LIMITED"), (500, "PROVIDER_UNAVAILABLE"), (503, "PROVIDER_UNAVAILABLE")] {
        let request = json!({ "status": { "flag": "success", "code": 200 } });
        let result = json!({ "status": { "flag": "error", "code": code }, "data": [] });
        let body = json!({ "response": { "request": request, "result": result } });
        let canned = Canned::start(vec![Canned::json("/connections/t1.json", body)]).await;
        let answer = canned.gateway().await.ask(&Asker::service("shop"), CALLBACK, json!({ "token": "t1" })).await;
        assert_eq!(answer["data"], json!({ "connection": null }), "{code}");
        assert_eq!(codes(&answer), [(expected.to_owned(), "connection".to_owned())], "{code}");
    }
}

#[tokio::test]
async fn an_encrypted_user_is_a_user_in_that_state() {
    let success = json!({ "status": { "flag": "success", "code": 200 } });
    let body = json!({ "response": { "request": success, "result": { "data": { "user": "CIPHERTEXT" } } } });
    let canned = Canned::start(vec![Canned::json("/users/u1.json", body)]).await;
    let query = "{ viewer { oneallUser { userToken state createdAt loginCount identities { id } } } }";
    let asker = Asker::user("u1");
    let answer = canned.gateway().await.ask(&asker, query, json!({})).await;
    let user = json!({
        "userToken": "u1", "state": "ENCRYPTED", "createdAt": null, "loginCount": null, "identities": [],
    });
    assert_eq!(answer, json!({ "data": { "viewer": { "oneallUser": user } } }));
}
