//! The lists that are not of connections, in each of their orders and both ways: the same rows, each once, in the order
//! that the schema promises.

use serde_json::{Value, json};

use crate::harness::{Asker, World, codes};

/// A list: where it is, who asks, its rows' fields, what it can be ordered by, and what that is of a row.
type Case = (&'static str, Asker, &'static str, Vec<(&'static str, fn(&Value) -> Option<String>)>);

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn cases() -> Vec<Case> {
    let at: fn(&Value) -> Option<String> = |row| row["createdAt"].as_str().map(str::to_owned);
    let service: fn(&Value) -> Option<String> = |row| text(&row["service"]["key"]);
    let called: fn(&Value) -> Option<String> = |row| text(&row["displayName"]);
    let authorized: fn(&Value) -> Option<String> = |row| row["authorizedAt"].as_str().map(str::to_owned);
    let name: fn(&Value) -> Option<String> = |row| text(&row["name"]);
    let of_identity = "id provider createdAt displayName service { key }";
    let of_application = "id authorizedAt name";
    vec![
        ("applications", Asker::person("olga"), of_application, vec![("AUTHORIZED_AT", authorized), ("NAME", name)]),
        (
            "viewer.applications",
            Asker::person("ada"),
            of_application,
            vec![("AUTHORIZED_AT", authorized), ("NAME", name)],
        ),
        ("identities", Asker::person("olga"), of_identity, vec![("CREATED_AT", at)]),
        (
            "viewer.identities",
            Asker::person("ada"),
            of_identity,
            vec![("CREATED_AT", at), ("SERVICE", service), ("DISPLAY_NAME", called)],
        ),
    ]
}

async fn page(world: &World, asker: &Asker, list: &str, fields: &str, arguments: &str) -> Value {
    let (before, name, after) = match list.split_once('.') {
        Some((parent, name)) => (format!("{parent} {{ "), name, " }"),
        None => (String::new(), list, ""),
    };
    let query = format!(
        "{{ {before}{name}({arguments}) {{ nodes {{ {fields} }} totalCount incomplete {{ provider code }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}{after} }}"
    );
    let answer = world.gateway.ask(asker, &query, json!({})).await;
    let whole = &answer["data"][list.split('.').next().unwrap()];
    let list = if before.is_empty() { whole } else { &whole[name] };
    json!({ "page": list, "codes": codes(&answer).iter().map(|(code, _)| code).collect::<Vec<_>>() })
}

/// All rows, in pages of this size, from the start or from the end.
async fn walk(world: &World, (list, asker, fields): (&str, &Asker, &str), order: &str, forward: bool) -> Vec<Value> {
    let (count, cursor, from, more) = match forward {
        true => ("first: 3", "after", "endCursor", "hasNextPage"),
        false => ("last: 3", "before", "startCursor", "hasPreviousPage"),
    };
    let (mut all, mut begin) = (Vec::new(), String::new());
    loop {
        let page = page(world, asker, list, fields, &format!("{count} {begin} {order}")).await;
        assert_eq!(page["codes"], json!([]), "{list} {order}: {page}");
        let (page, at) = (&page["page"], if forward { all.len() } else { 0 });
        all.splice(at..at, page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"][more] == false {
            assert_eq!(page["totalCount"], json!(all.len()), "{list} {order}");
            return all;
        }
        begin = format!("{cursor}: {}", page["pageInfo"][from]);
    }
}

#[tokio::test]
async fn each_list_comes_in_each_of_its_orders_and_what_lacks_the_field_last() {
    let world = World::start().await;
    for (list, asker, fields, orders) in cases() {
        for (field, of) in orders {
            for down in [false, true] {
                let direction = if down { "DESC" } else { "ASC" };
                let order = format!("orderBy: {{field: {field}, direction: {direction}}}");
                let rows = walk(&world, (list, &asker, fields), &order, true).await;
                assert!(rows.len() > 1, "{list}");
                // In the list of a site, OneAll's row without a date stands beside its neighbour.
                let is_beside = |row: &&Value| list == "identities" && row["provider"] == "ONEALL" && of(row).is_none();
                let own = || rows.iter().filter(|row| !is_beside(row));
                let known: Vec<_> = own().map_while(of).collect();
                assert_eq!(own().filter_map(of).count(), known.len(), "{list} {order}: what lacks it comes last");
                let sorted = if down { known.is_sorted_by(|a, b| a >= b) } else { known.is_sorted() };
                assert!(sorted, "{list} {order}: {known:?}");
                if !list.contains('.') {
                    assert_eq!(walk(&world, (list, &asker, fields), &order, false).await, rows, "{list} {order}");
                }
            }
        }
    }
}

#[tokio::test]
async fn services_are_walked_from_either_end() {
    let world = World::start().await;
    let ada = Asker::person("ada");
    let list = ("services", &ada, "key");
    let rows = walk(&world, list, "", true).await;
    assert!(rows.len() > 10 && rows.is_sorted_by_key(|row| row["key"].as_str().unwrap().to_owned()), "{rows:?}");
    assert_eq!(walk(&world, list, "", false).await, rows);
}

#[tokio::test]
async fn an_order_that_onealls_list_of_identities_does_not_have_is_said_and_no_site_is_read() {
    let world = World::start().await;
    let olga = Asker::person("olga");
    for field in ["SERVICE", "DISPLAY_NAME"] {
        let order = format!("orderBy: {{field: {field}, direction: ASC}}");
        let answer = page(&world, &olga, "identities", "provider", &order).await;
        assert_eq!(answer["codes"], json!(["UNSUPPORTED_BY_PROVIDER"]), "{answer}");
        let unsupported = json!([{ "provider": "ONEALL", "code": "UNSUPPORTED_BY_PROVIDER" }]);
        assert_eq!(answer["page"]["incomplete"], unsupported, "{answer}");
        assert!(answer["page"]["nodes"].as_array().unwrap().iter().all(|row| row["provider"] == "WORDPRESS"));
        assert!(!world.counts().await.keys().any(|path| path.contains(".json")));
    }
}
