//! What a person's accounts page costs: one operation over both providers, and no read twice.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn a_page_costs_one_call_a_list_and_one_for_each_sign_in_shown() {
    let world = World::start().await;
    let answer = world.ask("olga", commongraph::app::sample_operations::ACCOUNTS).await;
    assert_eq!(answer["errors"], json!(null));
    let shown = answer["data"]["connections"]["nodes"].as_array().unwrap();
    let sign_ins = shown.iter().filter(|row| row["provider"] == "ONEALL").count();
    assert_eq!((shown.len(), sign_ins), (10, 7));
    assert!(shown.iter().all(|row| row["identity"]["displayName"].is_string() && row["health"]["state"].is_string()));
    let applications = answer["data"]["applications"]["nodes"].as_array().unwrap();
    assert!(applications.iter().any(|row| row["permissions"] != json!([]) && row["site"]["name"].is_string()));

    let mut counts = world.counts().await;
    let details: Vec<_> = counts.extract_if(.., |path, _| path.starts_with("GET /connections/")).collect();
    assert!(details.len() == sign_ins && details.iter().all(|(_, count)| *count == 1), "{details:?}");
    assert_eq!(
        json!(counts),
        json!({
            "GET /connections.json": 1,
            "GET /rest/v1.1/me/connected-applications": 1,
            "GET /rest/v1.1/me/keyring-connections": 1,
            "GET /rest/v1.1/me/publicize-connections": 1,
            "GET /rest/v1.1/meta/external-services": 1,
        })
    );
}

#[tokio::test]
async fn what_a_row_already_carries_costs_nothing_more() {
    let world = World::start().await;
    let query = "{ connections(first: 100) { totalCount nodes { id providerId createdAt kind record {
        ... on SignInRecord { connectionToken status callbackUrl } } } } }";
    let answer = world.ask("olga", query).await;
    assert_eq!(answer["errors"], json!(null));
    assert!(answer["data"]["connections"]["nodes"].as_array().unwrap().len() > 60);
    let counts = world.counts().await;
    assert_eq!(counts.values().sum::<u64>(), 3, "{counts:?}");
}

#[tokio::test]
async fn a_key_is_read_once_however_often_it_is_named() {
    let world = World::start().await;
    let token = "5a4d0000-0000-4000-8000-000000000001";
    let query = format!(
        "{{ a: connection(by: {{connectionToken: \"{token}\"}}) {{ id }}
            b: connection(by: {{connectionToken: \"{token}\"}}) {{ identity {{ displayName }} record {{ ... on SignInRecord {{ plugin {{ key }} result {{ code }} }} }} }}
            c: connection(by: {{connectionToken: \"{token}\"}}) {{ service {{ label }} application {{ name }} }} }}"
    );
    let answer = world.ask("olga", &query).await;
    assert_eq!(answer["errors"], json!(null));
    assert_eq!(
        answer["data"]["c"],
        json!({ "service": { "label": "Google" }, "application": { "name": "Social Login" } })
    );
    assert_eq!(json!(world.counts().await), json!({ format!("GET /connections/{token}.json"): 1 }));
}

#[tokio::test]
async fn a_list_is_read_once_however_often_it_is_named() {
    let world = World::start().await;
    let query = "{ a: connections(first: 5) { nodes { id } } b: connections(first: 5) { totalCount nodes { id } }
        c: identities(first: 5) { nodes { id } } d: identities(first: 5) { nodes { providerId } } }";
    let answer = world.ask("olga", query).await;
    assert_eq!(answer["errors"], json!(null));
    assert_eq!(answer["data"]["a"]["nodes"], answer["data"]["b"]["nodes"]);
    let counts = world.counts().await;
    assert_eq!((counts["GET /connections.json"], counts["GET /identities.json"]), (1, 1), "{counts:?}");
}

#[tokio::test]
async fn several_ids_of_one_kind_are_one_list_and_one_id_is_one_read() {
    let world = World::start().await;
    let find = |ids: &[u32]| {
        let fields = ids
            .iter()
            .map(|id| format!("k{id}: connection(by: {{keyringConnectionId: \"{id}\"}}) {{ providerId label }}"));
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
    };
    let one = world.ask("olga", &find(&[61001])).await;
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me/keyring-connections/61001": 1 }));
    let many = world.ask("olga", &find(&[61001, 61002, 61003])).await;
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me/keyring-connections": 1 }));
    assert_eq!(one["data"]["k61001"], many["data"]["k61001"]);
    assert_eq!(one["data"]["k61001"]["providerId"], "61001");
}

#[tokio::test]
async fn sites_and_services_of_all_rows_are_one_read_each() {
    let world = World::start().await;
    let query = "{ viewer { connections(first: 100) { nodes { service { description } sites { name iconUrl } } } } }";
    let answer = world.ask("olga", query).await;
    assert_eq!(answer["errors"], json!(null));
    let counts = world.counts().await;
    assert_eq!(counts["GET /rest/v1.1/meta/external-services"], 1);
    assert_eq!(counts["GET /rest/v1.1/me/sites"], 1);
    let singles: Vec<_> = counts.keys().filter(|path| path.contains("/sites/") || path.contains("services/")).collect();
    assert!(singles.len() <= 1, "only a site that is not in the list is read by itself: {singles:?}");
}

#[tokio::test]
async fn the_newer_keyring_api_gives_the_same_connections() {
    use commongraph::provider::wordpress::KeyringApi;
    let old = World::start().await;
    let new = World::with(Default::default(), |settings| settings.wordpress.keyring_api = KeyringApi::V2).await;
    let query = "{ connection(by: {keyringConnectionId: \"61001\"}) { providerId }
        viewer { connections(first: 100) { nodes { id kind createdAt sites { id } identity { subject displayName } health { state } } } } }";
    assert_eq!(new.ask("olga", query).await, old.ask("olga", query).await);
    let counts = new.counts().await;
    assert!(counts.keys().any(|path| path.starts_with("GET /wpcom/v2/me/connections")), "{counts:?}");
    assert!(!counts.keys().any(|path| path.contains("keyring-connections")), "{counts:?}");
}

#[tokio::test]
async fn both_providers_are_asked_for_a_persons_identities_at_once() {
    let world = World::start().await;
    world.fault(json!([{ "path": "/rest/v1.1/me/keyring-connections", "hang": "head" }, { "path": "/users/*", "hang": "head" }])).await;
    let asking = world.ask("ada", "{ viewer { identities { totalCount } } }");
    let both_open = async {
        while world.open_calls().await < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        answer = asking => panic!("one waited for the other: {answer}"),
        () = both_open => {}
    }
}
