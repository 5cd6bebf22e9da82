//! Pages over both providers: one order, cursors that name rows, and the fewest reads.

use serde_json::{Value, json};

use crate::harness::{Asker, Canned, World, codes};

const ROWS: &str =
    "edges { cursor node { id createdAt } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount";

async fn page(world: &World, arguments: &str) -> Value {
    let answer = world.ask("olga", &format!("{{ connections({arguments}) {{ {ROWS} }} }}")).await;
    assert_eq!(answer["errors"], json!(null), "{arguments}");
    answer["data"]["connections"].clone()
}

fn rows(page: &Value) -> Vec<(Option<String>, String)> {
    let edge = |edge: &Value| {
        (edge["node"]["createdAt"].as_str().map(str::to_owned), edge["node"]["id"].as_str().unwrap().to_owned())
    };
    page["edges"].as_array().unwrap().iter().map(edge).collect()
}

async fn walk(world: &World, size: u32) -> Vec<(Option<String>, String)> {
    let (mut all, mut arguments) = (Vec::new(), format!("first: {size}"));
    loop {
        let page = page(world, &arguments).await;
        all.extend(rows(&page));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            assert_eq!(page["totalCount"], json!(all.len() + 1), "the sandbox lists one sign-in twice");
            return all;
        }
        arguments = format!("first: {size}, after: {}", page["pageInfo"]["endCursor"]);
    }
}

#[tokio::test]
async fn a_walk_in_pages_of_any_size_gives_every_row_once_and_in_order() {
    let world = World::start().await;
    let whole = walk(&world, 100).await;
    let mut ids: Vec<_> = whole.iter().map(|row| &row.1).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), whole.len());
    let dated: Vec<_> = whole.iter().filter_map(|row| row.0.as_ref()).collect();
    assert!(dated.is_sorted_by(|newer, older| newer >= older));
    for size in [1, 7, 20] {
        assert_eq!(walk(&world, size).await, whole, "pages of {size}");
    }
}

#[tokio::test]
async fn the_way_back_gives_the_same_rows() {
    let world = World::start().await;
    let whole = walk(&world, 100).await;
    let (mut all, mut arguments) = (Vec::new(), "last: 9".to_owned());
    loop {
        let page = page(&world, &arguments).await;
        all.splice(0..0, rows(&page));
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
        arguments = format!("last: 9, before: {}", page["pageInfo"]["startCursor"]);
    }
    assert_eq!(all, whole);
}

#[tokio::test]
async fn a_cursor_holds_while_rows_are_added() {
    let world = World::start().await;
    let whole = walk(&world, 100).await;
    let first = page(&world, "first: 12").await;
    let url = format!("{}/__sandbox/data/sign-ins", world.sandbox.oneall_url());
    world.gateway.client.post(url).json(&json!({ "count": 30 })).send().await.unwrap().error_for_status().unwrap();
    let mut all = rows(&first);
    let mut cursor = first["pageInfo"]["endCursor"].clone();
    loop {
        let next = page(&world, &format!("first: 12, after: {cursor}")).await;
        all.extend(rows(&next));
        if next["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        cursor = next["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(all, whole);
}

#[tokio::test]
async fn a_page_of_a_long_list_costs_the_same_wherever_it_is() {
    let world = World::with(commongraph::sandbox::Settings { extra_sign_ins: 600, ..Default::default() }, |_| {}).await;
    let mut arguments = "first: 50".to_owned();
    let mut seen = 0;
    loop {
        world.counts().await;
        let page = page(&world, &arguments).await;
        seen += rows(&page).len();
        let reads = world.counts().await["GET /connections.json"];
        assert!(reads <= 2, "{reads} reads after {seen} rows");
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        arguments = format!("first: 50, after: {}", page["pageInfo"]["endCursor"]);
    }
    assert!(seen > 660, "{seen}");
}

#[tokio::test]
async fn a_caller_who_acts_for_one_user_cannot_list_the_site() {
    let world = World::start().await;
    let answer = world
        .ask("ada", "{ connections(first: 50) { nodes { provider } totalCount incomplete { provider code } } }")
        .await;
    assert_eq!(codes(&answer), [("FORBIDDEN".to_owned(), "connections".to_owned())]);
    let page = &answer["data"]["connections"];
    assert_eq!(page["incomplete"], json!([{ "provider": "ONEALL", "code": "FORBIDDEN" }]));
    assert_eq!(page["totalCount"], json!(null));
    assert!(page["nodes"].as_array().unwrap().iter().all(|row| row["provider"] == "WORDPRESS"));
    assert_eq!(page["nodes"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn one_lists_cursor_is_none_of_anothers() {
    let world = World::start().await;
    let cursor = page(&world, "first: 1").await["pageInfo"]["endCursor"].clone();
    let answer = world.ask("olga", &format!("{{ applications(after: {cursor}) {{ totalCount }} }}")).await;
    assert_eq!(codes(&answer), [("BAD_INPUT".to_owned(), "applications".to_owned())]);
}

#[tokio::test]
async fn a_connection_that_the_lists_name_twice_is_one_row() {
    let publicize = json!({ "ID": 88001, "site_ID": 7700123, "issued": "2024-03-09 08:15:00", "status": "broken" });
    let keyring = json!({ "ID": 51001, "external_ID": "7", "issued": "2024-03-09 08:15:00", "status": "broken" });
    let later = json!({ "ID": 51001, "external_ID": "7", "issued": "2025-03-09 08:15:00", "status": "broken" });
    let canned = Canned::start(vec![
        Canned::json("/rest/v1.1/me/keyring-connections", json!({ "connections": [keyring, publicize, later] })),
        Canned::json("/rest/v1.1/me/publicize-connections", json!({ "connections": [publicize, publicize] })),
    ])
    .await;
    let query = "{ viewer { needsAttentionCount
        connections(first: 1) { totalCount nodes { providerId } pageInfo { endCursor hasNextPage } }
        identities { totalCount nodes { subject } } } }";
    let gateway = canned.gateway().await;
    let answer = gateway.ask(&Asker::token("token"), query, json!({})).await;
    let viewer = &answer["data"]["viewer"];
    assert_eq!((&viewer["needsAttentionCount"], &viewer["connections"]["totalCount"]), (&json!(2), &json!(2)));
    let cursor = &viewer["connections"]["pageInfo"]["endCursor"];
    let query = format!("{{ viewer {{ connections(after: {cursor}) {{ totalCount nodes {{ providerId }} }} }} }}");
    let rest = &gateway.ask(&Asker::token("token"), &query, json!({})).await["data"]["viewer"]["connections"];
    let ids = [&viewer["connections"]["nodes"][0]["providerId"], &rest["nodes"][0]["providerId"]];
    assert!(rest["nodes"][1].is_null() && rest["totalCount"] == 2, "{rest}");
    assert!(ids.contains(&&json!("51001")) && ids.contains(&&json!("88001")), "{ids:?}");
}
