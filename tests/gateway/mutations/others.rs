//! What one person changes, or fails to change, leaves everybody else what was read for them.

use serde_json::{Value, json};

use super::{ADA, CLEO, DISCONNECT, OF_ADA, OF_ANOTHER, REVOKE, SHARE, SYNCHRONIZE, change, id, identity, world};
use crate::harness::{Asker, World, codes};

const LISTS: &str = "{ viewer { connections(first: 50) { nodes { id } } applications(first: 50) { nodes { id } } } }";

/// What of this was answered from what is kept though the provider could not answer, by path.
fn stale(answer: &Value) -> Vec<&str> {
    let stale = answer["extensions"]["gateway"]["stale"].as_array();
    stale.into_iter().flatten().map(|row| row["verdict"].as_str().unwrap()).collect()
}

async fn ask(world: &World, asker: &Asker, query: &str) -> Value {
    world.gateway.ask(asker, query, json!({})).await
}

#[tokio::test]
async fn who_changes_what_is_not_there_costs_nobody_else_a_call() {
    let world = world().await;
    let seen = world.ask("ada", LISTS).await;
    assert_eq!(codes(&seen), []);
    let ben = Asker::person("ben");
    for _ in 0..3 {
        change(&world, &ben, REVOKE, &id("application:999999")).await;
        change(&world, &ben, DISCONNECT, &id("keyring:999999")).await;
        change(&world, &ben, SHARE, &id("publicize:999999")).await;
    }
    assert_eq!(world.writes().await.len(), 3);
    world.counts().await;
    assert_eq!(world.ask("ada", LISTS).await["data"], seen["data"]);
    assert_eq!(json!(world.counts().await), json!({}));
}

#[tokio::test]
async fn a_change_that_fails_takes_from_nobody_else_what_stands_in_for_the_provider() {
    let world = world().await;
    let seen = world.ask("ada", LISTS).await;
    let ben = Asker::alone("sandbox-wpcom-ben");
    assert_eq!(codes(&ask(&world, &ben, LISTS).await), []);
    world.fault(json!({ "provider": "wordpress", "status": 503 })).await;
    for (mutation, thing) in [(REVOKE, "application:999999"), (DISCONNECT, "keyring:999999"), (SHARE, "publicize:9")] {
        let answer = world.gateway.ask(&ben, mutation, json!({ "id": id(thing) })).await;
        assert_eq!(codes(&answer)[0].0, "UNCERTAIN", "{answer}");
    }
    let after = world.ask("ada", LISTS).await;
    assert_eq!(after["data"], seen["data"]);
    assert!(stale(&after).contains(&"STALE_IF_ERROR"), "not as if it were fresh: {after}");
    let own = ask(&world, &ben, LISTS).await;
    assert!(!codes(&own).is_empty() && stale(&own).is_empty(), "no view from before: {own}");
}

#[tokio::test]
async fn who_synchronizes_their_own_identity_costs_nobody_else_a_call() {
    let world = world().await;
    let others = format!(
        "{{ identity(by: {{ id: \"{}\" }}) {{ updatedAt oneallUser {{ loginCount }} }}
           connection(by: {{ connectionToken: \"5a4d0000-0000-4000-8000-000000000009\" }}) {{ identity {{ updatedAt }} }} }}",
        identity(OF_ANOTHER)
    );
    let own = "{ viewer { oneallUser { loginCount identities { id updatedAt } } } }";
    let (shop, ada, cleo) = (Asker::service("shop"), Asker::user(ADA), Asker::user(CLEO));
    let before = [ask(&world, &shop, &others).await, ask(&world, &cleo, own).await];
    let own_before = ask(&world, &ada, own).await;
    assert!(before.iter().all(|answer| codes(answer).is_empty()), "{before:?}");
    change(&world, &ada, SYNCHRONIZE, &identity(OF_ADA)).await;
    world.counts().await;
    let after = [ask(&world, &shop, &others).await, ask(&world, &cleo, own).await];
    assert_eq!(json!(world.counts().await), json!({}));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["data"], after["data"]);
    }
    assert_ne!(ask(&world, &ada, own).await["data"], own_before["data"], "whoever did it sees it");
}
