//! What was read before costs no call, is nobody else's, and stands in for a provider that cannot answer.

use std::collections::BTreeMap;
use std::time::Duration;

use commongraph::app::sample_operations::ACCOUNTS;
use commongraph::config::Settings;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{World, as_shipped, codes};

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(30);

const LIST: &str = "{ viewer { connections(first: 3) { totalCount nodes { id } } } }";
const ME: &str = "{ viewer { wordpressUser { displayName } } }";

/// A world in which what was read stays fresh for the whole test.
async fn world() -> World {
    with(|settings| {
        let (wordpress, oneall) = (&mut settings.wordpress.fresh, &mut settings.oneall.fresh);
        for seconds in [&mut wordpress.lists_seconds, &mut wordpress.me_seconds, &mut wordpress.sites_seconds] {
            *seconds = 3_600;
        }
        (oneall.lists_seconds, oneall.users_seconds) = (3_600, 3_600);
    })
    .await
}

/// A world in which everything is stale as soon as it was read.
async fn stale_world() -> World {
    with(|settings| {
        let (wordpress, oneall) = (&mut settings.wordpress.fresh, &mut settings.oneall.fresh);
        (wordpress.lists_seconds, wordpress.me_seconds) = (0, 0);
        (oneall.lists_seconds, oneall.sign_ins_seconds) = (0, 0);
    })
    .await
}

async fn with(change: impl FnOnce(&mut Settings)) -> World {
    World::with(Default::default(), |settings| {
        as_shipped(settings);
        change(settings);
    })
    .await
}

fn calls(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

#[tokio::test]
async fn a_warm_accounts_page_costs_no_call() {
    let world = world().await;
    let mut links = 0;
    for person in ["olga", "ada", "ben"] {
        let cold = world.ask(person, ACCOUNTS).await;
        assert!(calls(&world.counts().await) > 3);
        assert_eq!(world.ask(person, ACCOUNTS).await, cold);
        // Unless a row that is shown has a link with a mark: that costs the list it stands in, and no other.
        let rows = cold["data"]["connections"]["nodes"].as_array().unwrap();
        let marked = |kind| rows.iter().any(|row| row["kind"] == kind && row["health"]["action"]["url"].is_string());
        let wanted = [("KEYRING", "keyring"), ("PUBLICIZE", "publicize")]
            .into_iter()
            .filter(|(kind, _)| marked(*kind))
            .map(|(_, list)| (format!("GET /rest/v1.1/me/{list}-connections"), 1))
            .collect();
        assert_eq!(world.counts().await, wanted, "{person}");
        links += wanted.len();

        let page = ACCOUNTS.replace("action { kind url }", "action { kind }");
        world.ask(person, &page).await;
        assert_eq!(json!(world.counts().await), json!({}), "{person}");
    }
    assert!(links > 0, "nobody was shown such a link");
}

#[tokio::test]
async fn a_link_with_a_mark_is_read_anew_once_and_by_one_list() {
    let world = world().await;
    let links = "{ viewer { connections(first: 100) { nodes { id health { action { url } } record {
        ... on KeyringRecord { refreshUrl } ... on PublicizeRecord { refreshUrl } } } } } }";
    let cold = world.ask("olga", links).await;
    assert!(cold.to_string().matches("kr_nonce=n-olga-").count() > 5, "{cold}");
    world.counts().await;
    assert_eq!(world.ask("olga", links).await, cold);
    assert_eq!(
        json!(world.counts().await),
        json!({ "GET /rest/v1.1/me/keyring-connections": 1, "GET /rest/v1.1/me/publicize-connections": 1 })
    );
    let one = "{ connection(by: { keyringConnectionId: 61001 }) { record { ... on KeyringRecord { refreshUrl } } } }";
    let answer = world.ask("olga", one).await;
    assert!(answer["data"]["connection"]["record"]["refreshUrl"].as_str().unwrap().contains("n-olga-61001"));
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me/keyring-connections/61001": 1 }));

    let service = "{ service(key: \"facebook\") { description connectUrl } }";
    let cold = world.ask("olga", service).await;
    assert!(cold["data"]["service"]["connectUrl"].as_str().unwrap().contains("n-olga-"), "{cold}");
    world.counts().await;
    assert_eq!(world.ask("olga", service).await, cold);
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/meta/external-services/facebook": 1 }));
}

#[tokio::test]
async fn what_a_list_brought_is_used_for_its_things() {
    let world = world().await;
    world.ask("olga", "{ viewer { connections { totalCount } wordpressUser { sites { name } } } applications { totalCount } services { totalCount } }").await;
    world.counts().await;
    let answer = world
        .ask("olga", "{ connection(by: { keyringConnectionId: 61001 }) { label } application(by: { connectedApplicationId: 8367271 }) { name }
            service(key: \"facebook\") { description } }")
        .await;
    assert_eq!(answer["errors"], json!(null));
    for part in ["connection", "application", "service"] {
        assert!(answer["data"][part].is_object(), "{answer}");
    }
    assert_eq!(json!(world.counts().await), json!({}));
}

/// Asks for things of Olga's by these fields, all at once; each must be there, or all absent. Tells the calls that it took.
async fn things(world: &World, fields: &[&str], are_there: bool) -> Value {
    let fields: Vec<_> = fields.iter().enumerate().map(|(number, field)| format!("f{number}: {field}")).collect();
    let answer = world.ask("olga", &format!("{{ {} }}", fields.join(" "))).await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert!(answer["data"].as_object().unwrap().values().all(|it| it.is_object() == are_there), "{answer}");
    json!(world.counts().await)
}

#[tokio::test]
async fn things_that_were_read_one_by_one_are_read_again_in_no_list() {
    let connection = |id: u32| format!("connection(by: {{ keyringConnectionId: {id} }}) {{ label }}");
    let application = |id: u32| format!("application(by: {{ connectedApplicationId: {id} }}) {{ name }}");
    let service = |slug: &str| format!("service(key: \"{slug}\") {{ description }}");
    for (path, all, below) in [
        ("me/keyring-connections", [61001, 61002, 61003, 61008].map(connection), ["61001", "61002", "61003"]),
        (
            "me/connected-applications",
            [8_367_271, 610_001, 610_002, 610_005].map(application),
            ["8367271", "610001", "610002"],
        ),
        (
            "meta/external-services",
            ["facebook", "tumblr", "linkedin", "mastodon"].map(service),
            ["facebook", "tumblr", "linkedin"],
        ),
    ] {
        let (world, [a, b, c, d]) = (world().await, all.each_ref().map(String::as_str));
        let read = |of: &str| json!({ format!("GET /rest/v1.1/{path}{of}"): 1 });
        assert_eq!(things(&world, &[a], true).await, read(&format!("/{}", below[0])));
        assert_eq!(things(&world, &[b], true).await, read(&format!("/{}", below[1])));
        assert_eq!(things(&world, &[a, b], true).await, json!({}));
        assert_eq!(things(&world, &[a, b, c], true).await, read(&format!("/{}", below[2])), "one is missing");
        assert_eq!(things(&world, &[c, b, a], true).await, json!({}));
        let world = self::world().await;
        things(&world, &[a], true).await;
        assert_eq!(things(&world, &[a, b, c], true).await, read(""), "two are missing");
        assert_eq!(things(&world, &[d, c, b, a], true).await, json!({}), "they stand in that list");
    }
    let world = world().await;
    let none = [connection(1), connection(2)];
    let [one, two] = none.each_ref().map(String::as_str);
    for field in [one, two] {
        things(&world, &[field], false).await;
    }
    assert_eq!(things(&world, &[one, two], false).await, json!({}), "what is absent is known one by one too");
}

#[tokio::test]
async fn what_services_have_read_serves_them_all_and_a_person_reads_for_themselves() {
    let world = world().await;
    let query = "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }) { id identity { displayName } } }";
    let site = world.ask("olga", query).await;
    assert!(site["data"]["connection"]["identity"].is_object());
    assert_eq!(calls(&world.counts().await), 1);
    assert_eq!(world.ask("olga", query).await, site);
    assert_eq!(json!(world.counts().await), json!({}));
    for calls_made in [1, 0] {
        assert_eq!(world.ask("ada", query).await, site);
        assert_eq!(calls(&world.counts().await), calls_made);
    }
}

#[tokio::test]
async fn a_strangers_record_is_as_one_that_does_not_exist_also_when_it_is_kept() {
    let world = world().await;
    let query = |token: &str| format!("{{ connection(by: {{ connectionToken: \"{token}\" }}) {{ id }} }}");
    let (theirs, nobodys) =
        (query("5a4d0000-0000-4000-8000-000000000002"), query("5a4d0000-0000-4000-8000-00000000ffff"));
    assert!(world.ask("olga", &theirs).await["data"]["connection"].is_object());
    assert!(world.ask("ada", &theirs).await["data"]["connection"].is_object());
    world.counts().await;
    for calls_made in [1, 0] {
        for token in [&theirs, &nobodys] {
            assert_eq!(world.ask("cleo", token).await, json!({ "data": { "connection": null } }));
            assert_eq!(calls(&world.counts().await), calls_made, "{token}");
        }
    }
    world.fault(json!({ "provider": "oneall", "status": 503 })).await;
    let other = query("5a4d0000-0000-4000-8000-000000000006");
    assert_eq!(codes(&world.ask("cleo", &other).await), codes(&world.ask("cleo", &query("5a4d-other")).await));
}

#[tokio::test]
async fn nobody_is_given_what_was_kept_for_another() {
    let world = world().await;
    let mut answers = Vec::new();
    for person in ["olga", "ada", "ben"] {
        answers.push(world.ask(person, ME).await["data"]["viewer"]["wordpressUser"]["displayName"].clone());
        assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": 1 }), "{person}");
    }
    answers.dedup();
    assert_eq!(answers.len(), 3);
}

#[tokio::test]
async fn what_is_stale_is_answered_at_once_and_named_and_read_anew_behind_the_answer() {
    let world = stale_world().await;
    let new = world.ask("ada", ME).await;
    assert_eq!(new["extensions"], json!(null));
    world.counts().await;
    // Whoever waited for the host would wait for ever.
    world.fault(json!({ "hang": "head" })).await;
    let old = world.ask("ada", ME).await;
    assert_eq!(old["data"], new["data"]);
    let told = &old["extensions"]["gateway"]["stale"][0];
    assert_eq!(
        (&told["provider"], &told["path"], &told["verdict"]),
        (&json!("WORDPRESS"), &json!("/rest/v1.1/me"), &json!("STALE"))
    );
    assert!(told["ageSeconds"].is_u64());
    let called = async {
        while world.open_calls().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, called).await.unwrap();
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": 1 }));
}

#[tokio::test]
async fn what_is_kept_stands_in_for_a_provider_in_trouble_and_is_named() {
    let trouble = [
        json!({ "status": 500 }),
        json!({ "refuse": true }),
        json!({ "cut": true }),
        json!({ "throttle": true, "provider": "wordpress" }),
        json!({ "status": 429, "headers": { "Retry-After": "7" } }),
    ];
    for fault in trouble {
        let world = with(|settings| {
            settings.wordpress.fresh.lists_seconds = 0;
            settings.wordpress.cache.stale_while_revalidate_seconds = 0;
        })
        .await;
        let before = world.ask("ada", LIST).await;
        world.fault(fault.clone()).await;
        let after = world.ask("ada", LIST).await;
        assert_eq!((&after["data"], &after["errors"]), (&before["data"], &json!(null)), "{fault}");
        let told = after["extensions"]["gateway"]["stale"].as_array().unwrap();
        assert!(told.iter().all(|told| told["verdict"] == "STALE_IF_ERROR") && told.len() == 2, "{after}");
        assert_eq!(codes(&world.ask("ben", LIST).await).len(), 1, "{fault}: nothing was kept for him");
    }
}

#[tokio::test]
async fn nothing_stands_in_for_a_refusal() {
    let no = || json!({ "error": "unauthorized", "message": "no" });
    let page = || json!("<html>no</html>");
    for (status, body, code) in
        [(401, no(), "UNAUTHENTICATED"), (403, no(), "FORBIDDEN"), (403, page(), "PROVIDER_UNAVAILABLE")]
    {
        let world = with(|settings| {
            settings.wordpress.fresh.lists_seconds = 0;
            settings.wordpress.cache.stale_while_revalidate_seconds = 0;
        })
        .await;
        world.ask("ada", LIST).await;
        world.fault(json!({ "status": status, "body": body })).await;
        let answer = world.ask("ada", LIST).await;
        assert_eq!(codes(&answer), [(code.to_owned(), "viewer.connections".to_owned())]);
        assert_eq!(answer["extensions"], json!(null));
    }
}

#[tokio::test]
async fn a_refused_token_puts_out_all_that_was_kept_for_it_and_for_no_other() {
    let world = world().await;
    for person in ["ada", "ben"] {
        world.ask(person, LIST).await;
    }
    world.fault(json!({ "path": "/rest/v1.1/me", "status": 401, "times": 1 })).await;
    assert_eq!(codes(&world.ask("ada", ME).await)[0].0, "UNAUTHENTICATED");
    world.counts().await;
    world.ask("ben", LIST).await;
    assert_eq!(calls(&world.counts().await), 0);
    world.ask("ada", LIST).await;
    assert_eq!(calls(&world.counts().await), 2);
}

#[tokio::test]
async fn that_a_thing_does_not_exist_is_kept_and_an_error_is_not() {
    let world = world().await;
    let query = "{ connection(by: { connectionToken: \"no-such-token\" }) { id } }";
    for _ in 0..3 {
        assert_eq!(world.ask("olga", query).await, json!({ "data": { "connection": null } }));
    }
    assert_eq!(calls(&world.counts().await), 1);
    world.fault(json!({ "path": "/rest/v1.1/me", "shape": "garbage", "times": 2 })).await;
    for good in [false, false, true] {
        assert_eq!(world.ask("ada", ME).await["errors"].is_null(), good);
    }
}

#[tokio::test]
async fn without_room_nothing_is_kept() {
    let world = with(|settings| settings.wordpress.cache.max_bytes = 0).await;
    let answers: Vec<Value> = [world.ask("ada", ME).await, world.ask("ada", ME).await].into();
    assert_eq!(answers[0], answers[1]);
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": 2 }));
}
