//! Filters and orders: what a provider can tell is filtered and ordered, what it cannot is said, and no site is scanned.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, World, codes};

const FIELDS: &str = "id provider createdAt label service { key } health { state needsAttention }";

async fn connections(world: &World, person: &str, arguments: &str, fields: &str) -> Value {
    let query = format!(
        "{{ connections({arguments}) {{ nodes {{ {fields} }} totalCount incomplete {{ provider code }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    world.ask(person, &query).await
}

fn nodes(answer: &Value) -> Vec<Value> {
    answer["data"]["connections"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

/// All of WordPress.com's rows, in the default order.
async fn stored(world: &World) -> Vec<Value> {
    nodes(&connections(world, "olga", "first: 100, filter: {provider: [WORDPRESS]}", FIELDS).await)
}

/// A filter or an order, and what it means.
type Meaning<T> = (&'static str, fn(&Value) -> T);

const FILTERS: &[Meaning<bool>] = &[
    ("", |_| true),
    ("service: [\"google\"]", |row| row["service"]["key"] == "google"),
    ("service: [\"google_plus\", \"newthing\"]", |row| {
        row["service"]["key"] == "google" || row["service"]["key"] == "newthing"
    }),
    ("service: []", |_| false),
    ("state: [BROKEN, EXPIRING]", |row| row["health"]["state"] == "BROKEN" || row["health"]["state"] == "EXPIRING"),
    ("needsAttention: true", |row| row["health"]["needsAttention"] == true),
    ("needsAttention: false", |row| row["health"]["needsAttention"] == false),
    ("createdSince: \"2014-08-23T02:49:47Z\"", |row| {
        row["createdAt"].as_str().is_some_and(|at| at >= "2014-08-23T02:49:47Z")
    }),
    ("createdSince: \"2024-01-01T00:00:00Z\", state: OK", |row| {
        row["createdAt"].as_str().is_some_and(|at| at >= "2024") && row["health"]["state"] == "OK"
    }),
];

/// What each order goes by; nothing sorts last.
const ORDERS: &[Meaning<Option<String>>] = &[
    ("CREATED_AT", |row| row["createdAt"].as_str().map(str::to_owned)),
    ("SERVICE", |row| row["service"]["key"].as_str().map(str::to_owned)),
    ("LABEL", |row| row["label"].as_str().map(str::to_lowercase)),
];

/// The rows in the order that is asked for, by the rule: what lacks it last, ties by ID.
fn sorted(mut rows: Vec<Value>, by: fn(&Value) -> Option<String>, down: bool) -> Vec<Value> {
    use base64::Engine;
    let plain =
        |row: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(row["id"].as_str().unwrap()).unwrap();
    rows.sort_by(|a, b| {
        let (left, right) = (by(a), by(b));
        let ranks = match (&left, &right) {
            (Some(left), Some(right)) if down => right.cmp(left),
            (Some(left), Some(right)) => left.cmp(right),
            _ => left.is_none().cmp(&right.is_none()),
        };
        ranks.then_with(|| plain(a).cmp(&plain(b)))
    });
    rows
}

/// All rows, page by page, forward or back.
async fn walk(world: &World, arguments: &str, size: u32, forward: bool) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (count, from) = if forward { ("first", "after") } else { ("last", "before") };
        let here = if cursor.is_empty() { String::new() } else { format!(", {from}: {cursor}") };
        let answer = connections(world, "olga", &format!("{count}: {size}{here}, {arguments}"), FIELDS).await;
        let (rows, page) = (nodes(&answer), &answer["data"]["connections"]);
        assert!(page["totalCount"].as_u64().is_none_or(|total| total >= rows.len() as u64));
        match forward {
            true => all.extend(rows),
            false => drop(all.splice(0..0, rows)),
        }
        let (more, end) = if forward { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
        if page["pageInfo"][more] == json!(false) {
            return all;
        }
        cursor = page["pageInfo"][end].to_string();
    }
}

#[tokio::test]
async fn any_filter_in_any_order_gives_its_rows_once_in_pages_of_any_size_both_ways() {
    let world = World::start().await;
    let all = stored(&world).await;
    let mut runner = TestRunner::deterministic();
    let chosen = (0..FILTERS.len(), 0..ORDERS.len(), proptest::bool::ANY, 1u32..9, proptest::bool::ANY);
    for _ in 0..40 {
        let (filter, order, down, size, forward) = chosen.new_tree(&mut runner).unwrap().current();
        let ((filter, keeps), (order, by)) = (FILTERS[filter], ORDERS[order]);
        let direction = if down { "DESC" } else { "ASC" };
        let arguments =
            format!("filter: {{provider: [WORDPRESS] {filter}}}, orderBy: {{field: {order}, direction: {direction}}}");
        let expected = sorted(all.iter().filter(|row| keeps(row)).cloned().collect(), by, down);
        assert_eq!(walk(&world, &arguments, size, forward).await, expected, "{arguments} {size} {forward}");
        let page = connections(&world, "olga", &format!("first: 1, {arguments}"), "id").await;
        assert_eq!(page["data"]["connections"]["totalCount"], json!(expected.len()), "{arguments}");
    }
}

#[tokio::test]
async fn dates_are_filtered_and_ordered_over_both_providers() {
    let world = World::start().await;
    let fields = "id provider createdAt";
    let all = nodes(&connections(&world, "olga", "first: 100", fields).await);
    let oldest = "orderBy: {field: CREATED_AT, direction: ASC}";
    for (since, order, down) in
        [("2014-01-01T00:00:00Z", "", true), ("2014-01-01T00:00:00Z", oldest, false), ("", oldest, false)]
    {
        let filter = if since.is_empty() { String::new() } else { format!("filter: {{createdSince: \"{since}\"}},") };
        let is_recent = |row: &&Value| since.is_empty() || row["createdAt"].as_str().is_some_and(|at| at >= since);
        // A sign-in without a date stands beside its neighbour, so only the dated rows have one place.
        let dated = |rows: Vec<Value>| rows.into_iter().filter(|row| row["createdAt"].is_string()).collect::<Vec<_>>();
        let expected = sorted(dated(all.iter().filter(is_recent).cloned().collect()), ORDERS[0].1, down);
        for (size, forward) in [(100, true), (7, true), (7, false)] {
            let mut found = walk(&world, &format!("{filter} {order}"), size, forward).await;
            if since.is_empty() {
                assert_eq!(found.len(), all.len());
            }
            found.iter_mut().for_each(|row| {
                drop(["label", "service", "health"].map(|name| row.as_object_mut().unwrap().remove(name)))
            });
            assert_eq!(dated(found), expected, "{filter} {order} {size} {forward}");
        }
        let page = connections(&world, "olga", &format!("first: 1, {filter} {order}"), "id").await;
        assert_eq!(
            page["data"]["connections"]["totalCount"].is_null(),
            !since.is_empty(),
            "only a whole list is counted"
        );
    }
}

#[tokio::test]
async fn a_list_is_read_no_further_back_than_the_date_that_is_asked() {
    let world =
        World::with(commongraph::sandbox::Settings { extra_sign_ins: 3_000, ..Default::default() }, |_| {}).await;
    let newest = nodes(&connections(&world, "olga", "first: 3, filter: {provider: [ONEALL]}", "createdAt").await);
    world.counts().await;
    let since = format!("first: 100, filter: {{provider: [ONEALL], createdSince: {}}}", newest[2]["createdAt"]);
    let found = connections(&world, "olga", &since, "createdAt").await;
    assert_eq!((nodes(&found), &found["data"]["connections"]["pageInfo"]["hasNextPage"]), (newest, &json!(false)));
    assert_eq!(json!(world.counts().await), json!({ "GET /connections.json": 1 }));
}

#[tokio::test]
async fn what_onealls_list_cannot_tell_is_said_and_never_looked_for_row_by_row() {
    let world = World::start().await;
    let unsupported = json!([{ "provider": "ONEALL", "code": "UNSUPPORTED_BY_PROVIDER" }]);
    for arguments in [
        "filter: {service: [\"google\"]}",
        "filter: {state: [OK]}",
        "filter: {needsAttention: true}",
        "filter: {needsAttention: false}",
        "orderBy: {field: SERVICE, direction: ASC}",
        "orderBy: {field: LABEL, direction: DESC}",
    ] {
        let answer = connections(&world, "olga", arguments, "provider").await;
        assert_eq!(codes(&answer), [("UNSUPPORTED_BY_PROVIDER".to_owned(), "connections".to_owned())], "{arguments}");
        let page = &answer["data"]["connections"];
        assert_eq!((&page["incomplete"], &page["totalCount"]), (&unsupported, &json!(null)), "{arguments}");
        assert!(!nodes(&answer).is_empty() && nodes(&answer).iter().all(|row| row["provider"] == "WORDPRESS"));
        assert!(!world.counts().await.keys().any(|path| path.contains(".json")), "{arguments}");
        let alone = arguments.replace("filter: {", "filter: {provider: [ONEALL], ");
        let alone = if alone == arguments { format!("filter: {{provider: [ONEALL]}}, {arguments}") } else { alone };
        let answer = connections(&world, "olga", &alone, "provider").await;
        assert_eq!(codes(&answer), [("UNSUPPORTED_BY_PROVIDER".to_owned(), "connections".to_owned())], "{alone}");
        assert_eq!(json!(world.counts().await), json!({}), "{alone}");
    }
    // Who may not list the site is told that, whatever they ask of it.
    let answer = connections(&world, "ada", "filter: {service: [\"google\"]}", "provider").await;
    assert_eq!(codes(&answer), [("FORBIDDEN".to_owned(), "connections".to_owned())]);
    let answer = world
        .ask(
            "olga",
            "{ identities(filter: {service: [\"google\"]}) { nodes { provider } incomplete { provider code } } }",
        )
        .await;
    assert_eq!(answer["data"]["identities"]["incomplete"], unsupported);
    assert_eq!(answer["data"]["identities"]["nodes"], json!([{ "provider": "WORDPRESS" }]));
}

#[tokio::test]
async fn a_provider_that_is_left_out_is_not_asked() {
    let world = World::start().await;
    let list = "GET /rest/v1.1/me/";
    for (query, asked) in [
        (
            "{ connections(filter: {provider: [WORDPRESS]}) { totalCount incomplete { code } } }",
            vec![format!("{list}keyring-connections"), format!("{list}publicize-connections")],
        ),
        ("{ connections(filter: {provider: ONEALL}) { totalCount } }", vec!["GET /connections.json".to_owned()]),
        ("{ connections(filter: {provider: []}) { totalCount nodes { id } } }", vec![]),
        ("{ identities(filter: {provider: [ONEALL]}) { totalCount } }", vec!["GET /identities.json".to_owned()]),
        ("{ identities(filter: {provider: [WORDPRESS]}) { totalCount } }", vec![format!("{list}keyring-connections")]),
        ("{ viewer { connections(filter: {provider: [ONEALL]}) { totalCount } } }", vec![]),
        ("{ services(filter: {provider: [ONEALL]}) { totalCount } }", vec![]),
    ] {
        let answer = world.ask("olga", query).await;
        assert_eq!(answer["errors"], json!(null), "{query}");
        let counts: BTreeMap<String, u64> = world.counts().await;
        assert_eq!(counts.keys().collect::<Vec<_>>(), asked.iter().collect::<Vec<_>>(), "{query}");
    }
    let answer = world.ask("olga", "{ applications(filter: {provider: [ONEALL]}) { totalCount } }").await;
    assert_eq!(codes(&answer), [("UNSUPPORTED_BY_PROVIDER".to_owned(), "applications".to_owned())]);
}

#[tokio::test]
async fn a_cursor_of_one_order_is_none_of_another() {
    let world = World::start().await;
    let first = connections(&world, "olga", "first: 1", "id").await;
    let cursor = &first["data"]["connections"]["pageInfo"]["endCursor"];
    for order in ["{field: CREATED_AT, direction: ASC}", "{field: LABEL, direction: DESC}"] {
        let answer = connections(&world, "olga", &format!("after: {cursor}, orderBy: {order}"), "id").await;
        assert_eq!(codes(&answer), [("BAD_INPUT".to_owned(), "connections".to_owned())], "{order}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("another order"));
    }
    // A filter moves no row, so a cursor outlives it.
    let answer =
        connections(&world, "olga", &format!("after: {cursor}, filter: {{provider: [WORDPRESS]}}"), "id").await;
    assert_eq!(answer["errors"], json!(null));
}

#[tokio::test]
async fn what_needs_attention_is_counted_as_it_is_filtered() {
    let world = World::start().await;
    let query = "{ viewer { needsAttentionCount
        connections(first: 100, filter: {needsAttention: true}) { totalCount nodes { health { needsAttention state } } } } }";
    let viewer = &world.ask("olga", query).await["data"]["viewer"];
    assert_eq!(viewer["needsAttentionCount"], viewer["connections"]["totalCount"]);
    let rows = viewer["connections"]["nodes"].as_array().unwrap();
    assert!(rows.len() > 5 && rows.iter().all(|row| row["health"]["needsAttention"] == true));
    assert_eq!(world.counts().await.values().sum::<u64>(), 2);
}

#[tokio::test]
async fn applications_are_filtered_by_what_they_may_do_and_since_when() {
    let world = World::start().await;
    let ask = async |filter: &str| {
        let query = format!(
            "{{ applications(first: 100, {filter}) {{ totalCount nodes {{ id authorizedAt access {{ kind }} permissions {{ risk }} }} }} }}"
        );
        world.ask("olga", &query).await["data"]["applications"].clone()
    };
    let (all, writing, harmless) =
        (ask("").await, ask("filter: {canWrite: true}").await, ask("filter: {canWrite: false}").await);
    let count = |page: &Value| page["totalCount"].as_u64().unwrap();
    assert_eq!(count(&all), count(&writing) + count(&harmless));
    assert!(count(&writing) > 0 && count(&harmless) > 0, "{writing} {harmless}");
    for row in harmless["nodes"].as_array().unwrap() {
        let risks = row["permissions"].as_array().unwrap();
        assert!(
            row["access"]["kind"] != "GLOBAL"
                && risks.iter().all(|it| it["risk"] == "READ" || it["risk"] == "PERSONAL")
        );
    }
    let date = all["nodes"][2]["authorizedAt"].as_str().unwrap();
    let before = ask(&format!("filter: {{authorizedBefore: \"{date}\"}}")).await;
    assert!(
        count(&before) > 0
            && before["nodes"].as_array().unwrap().iter().all(|row| row["authorizedAt"].as_str().unwrap() < date)
    );
}

#[tokio::test]
async fn services_are_filtered_by_who_works_with_them() {
    let world = World::start().await;
    let ask = async |filter: &str| {
        let answer = world
            .ask("olga", &format!("{{ services(first: 100 {filter}) {{ nodes {{ key label providers }} }} }}"))
            .await;
        let rows = answer["data"]["services"]["nodes"].as_array().unwrap().clone();
        rows.into_iter().map(|row| (row["key"].as_str().unwrap().to_owned(), row)).collect::<BTreeMap<_, _>>()
    };
    let (all, ours, theirs) =
        (ask("").await, ask(", filter: {provider: [WORDPRESS]}").await, ask(", filter: {provider: [ONEALL]}").await);
    assert!(all.keys().all(|key| ours.contains_key(key) || theirs.contains_key(key)));
    assert!(ours.contains_key("mastodon") && ours.contains_key("dropbox") && !ours.contains_key("vk"));
    assert!(theirs.contains_key("vk") && !theirs.contains_key("mastodon"));
    assert!(theirs.iter().all(|(key, row)| all[key] == *row), "a service is the same in a list that is filtered");
}

#[tokio::test]
async fn where_to_renew_a_grant_is_told_to_the_person_whose_grant_it_is() {
    let shared = json!({ "ID": 88001, "site_ID": 7700123, "shared": true, "status": "broken", "keyring_connection_ID": 51002,
        "refresh_URL": "https://public-api.example/connect/?nonce=own" });
    let own = json!({ "ID": 51002, "service": "facebook", "external_ID": "7", "status": "broken",
        "refresh_URL": "javascript:alert(1)" });
    for (grants, expected) in
        [(json!([own]), json!("https://public-api.example/connect/?nonce=own")), (json!([]), json!(null))]
    {
        let canned = Canned::start(vec![
            Canned::json("/rest/v1.1/me/keyring-connections", json!({ "connections": grants })),
            Canned::json("/rest/v1.1/me/publicize-connections", json!({ "connections": [shared] })),
        ])
        .await;
        let query = "{ viewer { connections { nodes { kind health { needsAttention action { kind url } } } } } }";
        let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
        for row in answer["data"]["viewer"]["connections"]["nodes"].as_array().unwrap() {
            let expected = if row["kind"] == "PUBLICIZE" { &expected } else { &json!(null) };
            assert_eq!(
                row["health"],
                json!({ "needsAttention": true, "action": { "kind": "RECONNECT", "url": expected } })
            );
        }
        assert_eq!(canned.asked().len(), 2);
    }
}
