//! What is changed through the graph is changed at the provider, once, and everybody sees it who reads from then on.

mod affirmation;
mod faults;
mod invariant;
mod others;
mod records;
mod refused;

use serde_json::{Value, json};

use crate::harness::{Asker, World, as_shipped, codes, id};

/// Who Ada and Cleo are at OneAll.
pub const ADA: &str = "5a4d0000-0000-4000-8001-000000000002";
pub const CLEO: &str = "5a4d0000-0000-4000-8001-000000000003";

/// An identity of Ada's, and one of somebody else's, whose only one it is.
pub const OF_ADA: &str = "5a4d0000-0000-4000-8002-000000000004";
pub const OF_ANOTHER: &str = "5a4d0000-0000-4000-8002-000000000010";

pub const REVOKE: &str = "mutation ($id: ID!) { it: applicationRevoke(input: { id: $id }) {
    deletedApplicationId viewer { applications(first: 50) { nodes { id } } } userErrors { code path } } }";
pub const DISCONNECT: &str = "mutation ($id: ID!) { it: connectionDisconnect(input: { id: $id }) {
    deletedConnectionId viewer { connections(first: 50) { nodes { id } } } userErrors { code path } } }";
pub const SHARE: &str = "mutation ($id: ID!) { it: publicizeConnectionShare(input: { id: $id, shared: true }) {
    connection { id shared } userErrors { code path } } }";
pub const UNSHARE: &str = "mutation ($id: ID!) { it: publicizeConnectionShare(input: { id: $id, shared: false }) {
    connection { id shared } userErrors { code path } } }";
pub const SYNCHRONIZE: &str = "mutation ($id: ID!) { it: identitySynchronize(input: { id: $id }) {
    identity { id updatedAt } userErrors { code path } } }";
pub const RELINK: &str = "mutation ($id: ID!) { it: identityRelink(input: { id: $id,
    userToken: \"5a4d0000-0000-4000-8001-000000000003\" }) { identity { id oneallUser { userToken } } userErrors { code path } } }";
pub const DELETE: &str = "mutation ($id: ID!) { it: identityDelete(input: { id: $id, confirm: true }) {
    deletedIdentityId userErrors { code path } } }";

pub fn identity(token: &str) -> String {
    id(&format!("identity:{token}"))
}

/// A world where what was read is kept for a while, as in production.
pub async fn world() -> World {
    World::with(Default::default(), as_shipped).await
}

/// Asks for a change of the thing with this ID, and takes what the field `it` came to.
pub async fn change(world: &World, asker: &Asker, mutation: &str, id: &str) -> Value {
    let answer = world.gateway.ask(asker, mutation, json!({ "id": id })).await;
    assert_eq!(codes(&answer), [], "{answer}");
    answer["data"]["it"].clone()
}

/// The IDs in a list of things.
fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn row(what: &str, object: &str, delivered: u64, effects: u64) -> (String, String, u64, u64) {
    (what.to_owned(), object.to_owned(), delivered, effects)
}

fn olga() -> Asker {
    Asker::person("olga")
}

/// Somebody else with Olga's token: another caller, to whom the same things were shown.
fn with_olgas_token() -> Asker {
    Asker::alone("sandbox-wpcom-olga")
}

#[tokio::test]
async fn a_revoked_application_is_gone_for_everybody_who_saw_it() {
    let world = world().await;
    let (gone, stays) = (id("application:610001"), id("application:610002"));
    let list = "{ applications(first: 50) { nodes { id } } }";
    let one = format!("{{ application(by: {{ id: \"{gone}\" }}) {{ name }} }}");
    for asker in [olga(), with_olgas_token()] {
        let seen = world.gateway.ask(&asker, list, json!({})).await;
        assert!(ids(&seen["data"]["applications"]["nodes"]).contains(&gone), "{seen}");
        assert!(world.gateway.ask(&asker, &one, json!({})).await["data"]["application"]["name"].is_string());
    }
    let done = change(&world, &olga(), REVOKE, &gone).await;
    assert_eq!((&done["deletedApplicationId"], &done["userErrors"]), (&json!(gone), &json!([])));
    let left = ids(&done["viewer"]["applications"]["nodes"]);
    assert!(!left.contains(&gone) && left.contains(&stays), "{left:?}");
    for asker in [olga(), with_olgas_token()] {
        let seen = world.gateway.ask(&asker, list, json!({})).await;
        assert_eq!(ids(&seen["data"]["applications"]["nodes"]), left);
        assert_eq!(world.gateway.ask(&asker, &one, json!({})).await["data"]["application"], json!(null));
    }
    assert_eq!(world.writes().await, [row("application.delete", "610001", 1, 1)]);
    assert_eq!(change(&world, &olga(), REVOKE, &gone).await, done, "what is done is done");
    assert_eq!(world.writes().await, [row("application.delete", "610001", 2, 1)]);
}

#[tokio::test]
async fn a_connection_that_is_disconnected_takes_its_publicize_connections_from_everybody() {
    let world = world().await;
    let (ada, gus) = (Asker::person("ada"), Asker::alone("sandbox-wpcom-gus"));
    let (gone, shared) = (id("keyring:51002"), id("publicize:7700123/88001"));
    let site = id("site:7700123");
    let seen = format!(
        "{{ connections(first: 50) {{ nodes {{ id }} }} one: node(id: \"{shared}\") {{ id }}
           site: node(id: \"{site}\") {{ ... on Site {{ publicizeConnections {{ id }} }} }} }}"
    );
    for asker in [&ada, &gus] {
        let before = world.gateway.ask(asker, &seen, json!({})).await;
        assert!(ids(&before["data"]["connections"]["nodes"]).contains(&shared), "{before}");
        assert!(ids(&before["data"]["site"]["publicizeConnections"]).contains(&shared), "{before}");
    }
    world.counts().await;
    let told = DISCONNECT.replace("deletedConnectionId", "deletedConnectionId deletedPublicizeConnectionIds");
    let done = change(&world, &ada, &told, &gone).await;
    assert_eq!(done["deletedConnectionId"], json!(gone));
    assert_eq!(done["deletedPublicizeConnectionIds"], json!([shared]));
    let left = ids(&done["viewer"]["connections"]["nodes"]);
    assert!(!left.contains(&gone) && !left.contains(&shared) && !left.is_empty(), "{left:?}");
    let after = json!({
        "POST /rest/v1.1/me/keyring-connections/51002/delete": 1,
        "GET /rest/v1.1/me/publicize-connections": 2,
        "GET /rest/v1.1/me/keyring-connections": 1,
    });
    assert_eq!(json!(world.counts().await), after, "one read before, and both lists after");
    for asker in [&ada, &gus] {
        let after = world.gateway.ask(asker, &seen, json!({})).await;
        let all = after["data"].to_string();
        assert!(!all.contains(&shared) && !all.contains(&gone), "{after}");
        assert_eq!(after["data"]["one"], json!(null));
    }
    let again = change(&world, &ada, &told, &gone).await;
    assert_eq!(again["deletedPublicizeConnectionIds"], json!([]), "none is left to go");
    assert_eq!((&again["deletedConnectionId"], &again["viewer"]), (&done["deletedConnectionId"], &done["viewer"]));
    assert_eq!(world.writes().await, [row("keyring.delete", "51002", 2, 1)]);
}

#[tokio::test]
async fn the_second_keyring_api_deletes_by_its_own_verb() {
    let world = World::with(Default::default(), |settings| {
        as_shipped(settings);
        settings.wordpress.keyring_api = commongraph::provider::wordpress::KeyringApi::V2;
    })
    .await;
    let gone = id("keyring:51001");
    let list = "{ viewer { connections(first: 50) { nodes { id } } } }";
    assert!(world.ask("ada", list).await.to_string().contains(&gone));
    change(&world, &Asker::person("ada"), DISCONNECT, &gone).await;
    assert!(!world.ask("ada", list).await.to_string().contains(&gone));
    assert_eq!(world.counts().await["DELETE /wpcom/v2/me/connections/51001"], 1);
    assert_eq!(world.writes().await, [row("keyring.delete", "51001", 1, 1)]);
}

#[tokio::test]
async fn a_connection_is_seen_by_the_sites_other_authors_while_it_is_shared() {
    let world = world().await;
    let (ada, gus) = (Asker::person("ada"), Asker::alone("sandbox-wpcom-gus"));
    let it = id("publicize:7700123/72001");
    let list = "{ viewer { connections(first: 50) { nodes { id } } } }";
    let is_seen = async || world.gateway.ask(&gus, list, json!({})).await.to_string().contains(&it);
    assert!(!is_seen().await);
    for _ in 0..2 {
        let done = change(&world, &ada, SHARE, &it).await;
        assert_eq!(done, json!({ "connection": { "id": it, "shared": true }, "userErrors": [] }));
        assert!(is_seen().await);
    }
    let done = change(&world, &ada, UNSHARE, &it).await;
    assert_eq!(done, json!({ "connection": { "id": it, "shared": false }, "userErrors": [] }));
    assert!(!is_seen().await);
    // Without its site it is the same one.
    let bare = SHARE.replace("connection { id shared }", "__typename");
    assert_eq!(change(&world, &ada, &bare, &id("publicize:72001")).await["userErrors"], json!([]));
    assert!(is_seen().await);
    let share = |delivered, effects| row("publicize.share", "72001", delivered, effects);
    assert_eq!(world.writes().await, [share(3, 2), share(1, 1)]);
}

#[tokio::test]
async fn a_synchronized_identity_is_newer_for_everybody() {
    let (world, of_it) = (world().await, identity(OF_ADA));
    let query = format!(
        "{{ identity(by: {{ id: \"{of_it}\" }}) {{ updatedAt }}
           connection(by: {{ connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }}) {{ identity {{ updatedAt }} }} }}"
    );
    let (ada, shop) = (Asker::user(ADA), Asker::service("shop"));
    let seen = async |asker: &Asker| {
        let answer = world.gateway.ask(asker, &query, json!({})).await;
        let date = |part: &Value| part["updatedAt"].as_str().unwrap().to_owned();
        (date(&answer["data"]["identity"]), date(&answer["data"]["connection"]["identity"]))
    };
    for asker in [&ada, &shop] {
        let before = [seen(&ada).await, seen(&shop).await];
        let done = change(&world, asker, SYNCHRONIZE, &of_it).await;
        let now = done["identity"]["updatedAt"].as_str().unwrap();
        assert!(done["userErrors"] == json!([]) && now > &*before[0].0, "{done} {before:?}");
        for asker in [&ada, &shop] {
            assert_eq!(seen(asker).await, (now.to_owned(), now.to_owned()));
        }
    }
    assert_eq!(world.writes().await, [row("identity.synchronize", OF_ADA, 2, 2)]);
}

#[tokio::test]
async fn a_relinked_identity_is_anothers_at_once() {
    let (world, of_it) = (world().await, identity(OF_ADA));
    let own = "{ viewer { oneallUser { identities { id } } } }";
    let by_id = format!("{{ identity(by: {{ id: \"{of_it}\" }}) {{ oneallUser {{ userToken }} }} }}");
    let (ada, cleo, shop) = (Asker::user(ADA), Asker::user(CLEO), Asker::service("shop"));
    let has = async |asker: &Asker| world.gateway.ask(asker, own, json!({})).await.to_string().contains(&of_it);
    let owner = async |asker: &Asker| {
        world.gateway.ask(asker, &by_id, json!({})).await["data"]["identity"]["oneallUser"]["userToken"].clone()
    };
    assert!(has(&ada).await && !has(&cleo).await);
    assert_eq!((owner(&shop).await, owner(&cleo).await), (json!(ADA), json!(null)));
    for _ in 0..2 {
        let done = change(&world, &shop, RELINK, &of_it).await;
        let expected = json!({ "identity": { "id": of_it, "oneallUser": { "userToken": CLEO } }, "userErrors": [] });
        assert_eq!(done, expected);
        assert!(!has(&ada).await && has(&cleo).await);
        assert_eq!(
            (owner(&shop).await, owner(&cleo).await, owner(&ada).await),
            (json!(CLEO), json!(CLEO), json!(null))
        );
    }
    assert_eq!(world.writes().await, [row("identity.relink", OF_ADA, 2, 1)]);
}

#[tokio::test]
async fn a_deleted_identity_is_gone_with_its_sign_ins() {
    let (world, gone) = (world().await, identity(OF_ANOTHER));
    let shop = Asker::service("shop");
    let query = format!(
        "{{ identity(by: {{ id: \"{gone}\" }}) {{ id }} identities(first: 100) {{ nodes {{ id }} }}
           connection(by: {{ connectionToken: \"5a4d0000-0000-4000-8000-000000000009\" }}) {{ id }} }}"
    );
    let before = world.gateway.ask(&shop, &query, json!({})).await;
    assert!(before["data"]["identity"].is_object() && before["data"]["connection"].is_object(), "{before}");
    assert!(ids(&before["data"]["identities"]["nodes"]).contains(&gone));
    let done = change(&world, &shop, DELETE, &gone).await;
    assert_eq!(done, json!({ "deletedIdentityId": gone, "userErrors": [] }));
    let after = world.gateway.ask(&shop, &query, json!({})).await;
    assert_eq!((&after["data"]["identity"], &after["data"]["connection"]), (&json!(null), &json!(null)));
    assert!(!ids(&after["data"]["identities"]["nodes"]).contains(&gone));
    assert_eq!(change(&world, &shop, DELETE, &gone).await, done);
    assert_eq!(world.writes().await, [row("identity.delete", OF_ANOTHER, 2, 1)]);
}

#[tokio::test]
async fn the_fields_of_an_operation_run_one_after_another_and_each_sees_what_those_before_it_did() {
    let world = world().await;
    let count = "viewer { connections(first: 50) { totalCount } }";
    let both = format!(
        "mutation ($one: ID!, $other: ID!) {{
           a: connectionDisconnect(input: {{ id: $one }}) {{ deletedConnectionId {count} }}
           b: connectionDisconnect(input: {{ id: $one }}) {{ deletedConnectionId {count} }}
           c: connectionDisconnect(input: {{ id: $other }}) {{ deletedConnectionId {count} }} }}"
    );
    let ada = Asker::person("ada");
    let before = world.ask("ada", &format!("{{ {count} }}")).await;
    let before = before["data"]["viewer"]["connections"]["totalCount"].as_u64().unwrap();
    let (one, other) = (id("keyring:51003"), id("keyring:51004"));
    let answer = world.gateway.ask(&ada, &both, json!({ "one": one, "other": other })).await;
    assert_eq!(codes(&answer), []);
    let came_to = |field: &str| {
        let field = &answer["data"][field];
        (field["deletedConnectionId"].clone(), field["viewer"]["connections"]["totalCount"].as_u64().unwrap())
    };
    assert_eq!(came_to("a"), (json!(one), before - 1));
    assert_eq!(came_to("b"), (json!(one), before - 1), "what is gone is gone");
    assert_eq!(came_to("c"), (json!(other), before - 2));
    assert_eq!(world.writes().await, [row("keyring.delete", "51003", 2, 1), row("keyring.delete", "51004", 1, 1)]);
}
