//! What a mutation is refused for: before anything is sent, in words that a person can act on, and never telling more of
//! somebody else's thing than of one that does not exist.

use commongraph::auth::digest::Digest;
use serde_json::{Value, json};

use super::{ADA, DELETE, DISCONNECT, OF_ADA, OF_ANOTHER, RELINK, REVOKE, SHARE, SYNCHRONIZE, change, identity, world};
use crate::harness::{Asker, World, codes, id};

/// The first of the things to correct: its code, and where it is.
fn wrong(payload: &Value) -> (&str, Vec<&str>) {
    let error = &payload["userErrors"][0];
    let path = error["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    (error["code"].as_str().unwrap(), path)
}

#[tokio::test]
async fn what_a_person_can_correct_is_told_without_a_call() {
    let world = World::start().await;
    let (ada, shop) = (Asker::person("ada"), Asker::service("shop"));
    let keyring = id("keyring:51001");
    let unconfirmed = DELETE.replace(", confirm: true", "");
    let to_nobody = RELINK.replace("5a4d0000-0000-4000-8001-000000000003", "../users");
    for (asker, mutation, id, code, field) in [
        (&ada, REVOKE, "made up".to_owned(), "WRONG_ID", "id"),
        (&ada, REVOKE, keyring.clone(), "WRONG_ID", "id"),
        (&ada, REVOKE, id("plugin:social_link"), "WRONG_ID", "id"),
        (&ada, DISCONNECT, id("publicize:7700123/72001"), "WRONG_ID", "id"),
        (&ada, DISCONNECT, id("sign-in:x"), "WRONG_ID", "id"),
        (&ada, DISCONNECT, id("site:1"), "WRONG_ID", "id"),
        (&ada, SHARE, keyring.clone(), "WRONG_ID", "id"),
        (&shop, SYNCHRONIZE, id("account:keyring:51001"), "WRONG_ID", "id"),
        (&shop, RELINK, id("encrypted:x"), "WRONG_ID", "id"),
        (&shop, &to_nobody, identity(OF_ADA), "WRONG_ID", "userToken"),
        (&shop, DELETE, keyring, "WRONG_ID", "id"),
        (&shop, &unconfirmed, identity(OF_ADA), "CONFIRMATION_MISSING", "confirm"),
    ] {
        // Without what is read after it.
        let mutation = match mutation.split_once("viewer {") {
            Some((before, _)) => format!("{before} userErrors {{ code path }} }} }}"),
            None => mutation.to_owned(),
        };
        let told = change(&world, asker, &mutation, &id).await;
        assert_eq!(wrong(&told), (code, vec!["input", field]), "{mutation} {told}");
    }
    let false_confirmation = DELETE.replace("confirm: true", "confirm: false");
    let told = change(&world, &shop, &false_confirmation, &identity(OF_ADA)).await;
    assert_eq!((wrong(&told).0, &told["deletedIdentityId"]), ("CONFIRMATION_MISSING", &json!(null)));
    assert_eq!((world.writes().await, json!(world.counts().await)), (vec![], json!({})));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed_and_is_as_good_as_gone() {
    let world = World::start().await;
    let (ada, shop) = (Asker::person("ada"), Asker::service("shop"));
    let nothing = identity("5a4d0000-0000-4000-8002-000000000999");
    for (asker, mutation, id) in [
        (&ada, SHARE, id("publicize:7700123/99999")),
        (&shop, SYNCHRONIZE, nothing.clone()),
        (&shop, RELINK, nothing.clone()),
    ] {
        assert_eq!(wrong(&change(&world, asker, mutation, &id).await), ("NOT_FOUND", vec!["input", "id"]));
    }
    let nobody = RELINK.replace("5a4d0000-0000-4000-8001-000000000003", "no-such-user");
    assert_eq!(wrong(&change(&world, &shop, &nobody, &identity(OF_ADA)).await).0, "NOT_FOUND");
    for (asker, mutation, id, field) in [
        (&ada, REVOKE, id("application:999999"), "deletedApplicationId"),
        (&ada, DISCONNECT, id("keyring:99999"), "deletedConnectionId"),
        (&shop, DELETE, nothing, "deletedIdentityId"),
    ] {
        assert_eq!(change(&world, asker, mutation, &id).await[field], json!(id));
    }
    assert!(world.writes().await.iter().all(|row| row.3 == 0));
}

#[tokio::test]
async fn a_strangers_thing_is_answered_like_one_that_does_not_exist() {
    let world = world().await;
    let ada = Asker::person("ada");
    let own = Asker::user(ADA);
    for (asker, mutation, strangers, nothing) in [
        (&ada, REVOKE, id("application:610001"), id("application:999999")),
        (&ada, DISCONNECT, id("keyring:61001"), id("keyring:99999")),
        (&ada, SHARE, id("publicize:3584907/71001"), id("publicize:3584907/99999")),
        (&own, SYNCHRONIZE, identity(OF_ANOTHER), identity("5a4d0000-0000-4000-8002-000000000999")),
        // Nobody's, as far as that is proved.
        (&own, SYNCHRONIZE, identity("5a4d0000-0000-4000-8002-000000000019"), identity("no-such-identity")),
    ] {
        let mut told = Vec::new();
        for one in [&strangers, &nothing] {
            world.counts().await;
            let answer = world.gateway.ask(asker, mutation, json!({ "id": one })).await;
            let calls: u64 = world.counts().await.values().sum();
            told.push((answer.to_string().replace(one.as_str(), "it"), calls));
        }
        assert_eq!(told[0], told[1], "{mutation}");
    }
    assert!(world.writes().await.iter().all(|row| row.3 == 0), "{:?}", world.writes().await);
    let touched = |row: &(String, String, u64, u64)| row.0 == "identity.synchronize";
    assert!(!world.writes().await.iter().any(touched), "nothing of a stranger's is sent to OneAll");
}

#[tokio::test]
async fn whoever_sees_a_connection_and_may_not_share_it_is_told_why() {
    let world = world().await;
    let gus = Asker::alone("sandbox-wpcom-gus");
    let told = change(&world, &gus, SHARE, &id("publicize:7700300/73001")).await;
    assert_eq!((wrong(&told).0, &told["connection"]), ("NOT_SHAREABLE", &json!(null)));
    // This one he does not even see.
    assert_eq!(wrong(&change(&world, &gus, SHARE, &id("publicize:7700123/72001")).await).0, "NOT_FOUND");
    // And one without a credential of its own cannot be synchronized.
    let bare = identity("5a4d0000-0000-4000-8002-000000000019");
    assert_eq!(wrong(&change(&world, &Asker::service("shop"), SYNCHRONIZE, &bare).await).0, "REFUSED");
    assert!(world.writes().await.iter().all(|row| row.3 == 0));
}

#[tokio::test]
async fn whose_an_identity_is_is_asked_anew_before_it_is_synchronized() {
    let world = world().await;
    let (own, of_it) = (Asker::user(ADA), identity(OF_ADA));
    let query = format!("{{ identity(by: {{ id: \"{of_it}\" }}) {{ id }} }}");
    assert!(world.gateway.ask(&own, &query, json!({})).await["data"]["identity"].is_object());
    // It is moved by somebody who does not come through this gateway.
    let url = format!("{}/identities/{OF_ADA}/link.json", world.sandbox.oneall_url());
    let body = json!({ "request": { "user": { "user_token": super::CLEO } } });
    let keys = (commongraph::sandbox::ONEALL_PUBLIC_KEY, Some(commongraph::sandbox::ONEALL_PRIVATE_KEY));
    world.gateway.client.put(url).basic_auth(keys.0, keys.1).json(&body).send().await.unwrap();
    assert_eq!(wrong(&change(&world, &own, SYNCHRONIZE, &of_it).await).0, "NOT_FOUND");
    assert!(world.writes().await.iter().all(|row| row.0 != "identity.synchronize"));
}

#[tokio::test]
async fn an_operation_changes_only_so_much_and_never_by_get() {
    let world = World::start().await;
    let ada = Asker::person("ada");
    let field = |number: usize| {
        format!("f{number}: applicationRevoke(input: {{ id: \"{}\" }}) {{ deletedApplicationId }}", id("application:1"))
    };
    let many = |count: usize| format!("mutation {{ __typename {} }}", (0..count).map(field).collect::<String>());
    let answer = world.gateway.ask(&ada, &many(6), json!({})).await;
    let exceeded = &answer["errors"][0]["extensions"];
    assert_eq!(
        (&exceeded["code"], &exceeded["limit"]),
        (&json!("LIMIT_EXCEEDED"), &json!("mutations_max")),
        "{answer}"
    );
    assert_eq!(codes(&world.gateway.ask(&ada, &many(5), json!({})).await), []);
    assert_eq!(world.take_writes().await, [super::row("application.delete", "1", 5, 0)]);

    let by_get = |document: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", document).finish();
        let request = world.gateway.client.get(format!("{}?{query}", world.gateway.url()));
        ada.0.iter().fold(request, |request, (name, value)| request.header(*name, value)).send()
    };
    assert_eq!(by_get(&many(1)).await.unwrap().status().as_u16(), 405);
    let form = world.gateway.client.post(world.gateway.url()).header("Content-Type", "text/plain").body("{}");
    assert_eq!(form.send().await.unwrap().status().as_u16(), 415);
    assert_eq!(world.writes().await, []);

    // By its hash, as Apollo's clients send what they sent before.
    let extension =
        |text: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": Digest::sha256(text).to_string() } });
    let text = many(1);
    for body in [json!({ "query": text, "extensions": extension(&text) }), json!({ "extensions": extension(&text) })] {
        let request = world.gateway.client.post(world.gateway.url()).json(&body);
        let request = ada.0.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(codes(&answer), [], "{answer}");
    }
    assert_eq!(world.writes().await, [super::row("application.delete", "1", 2, 0)]);
}

#[tokio::test]
async fn a_change_that_the_operation_has_no_calls_left_for_is_not_sent() {
    let world = World::with(Default::default(), |settings| settings.graph.limits.calls_max = 2).await;
    let ada = Asker::person("ada");
    let two = "mutation ($id: ID!) { a: connectionDisconnect(input: { id: $id }) { viewer { connections(first: 1) { totalCount } } } }";
    let answer = world.gateway.ask(&ada, two, json!({ "id": id("keyring:51001") })).await;
    assert_eq!(answer["errors"][0]["extensions"]["limit"], "calls_max", "a change and two lists: {answer}");
    assert_eq!(world.writes().await, []);
}
