//! A row that cannot be understood is left out and reported with its place; the rows around it stay.

use serde_json::{Value, json};

use crate::harness::{Answer, Asker, Canned, codes};
use crate::log::Log;

const KEYRING: &str = "/rest/v1.1/me/keyring-connections";
const PUBLICIZE: &str = "/rest/v1.1/me/publicize-connections";
const NONE: &str = r#"{"connections": []}"#;

/// Asks a gateway before these answers, as the owner of a token; checks that only rows are wrong, all at this path.
async fn ask(answers: Vec<Answer>, query: &str, path: &str) -> (Value, Vec<String>) {
    let canned = Canned::start(answers).await;
    let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    for (code, at) in codes(&answer) {
        assert_eq!((code.as_str(), at.as_str()), ("PROVIDER_MALFORMED", path), "{answer}");
    }
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        let about = &error["extensions"];
        assert_eq!((&about["retryable"], &about["upstream"]), (&json!(false), &json!(null)), "{error}");
    }
    let rows = errors.iter().map(|error| {
        format!(
            "{} {}",
            error["extensions"]["provider"].as_str().unwrap(),
            error["extensions"]["row"].as_str().unwrap()
        )
    });
    (answer["data"].clone(), rows.collect())
}

fn each(provider: &str, rows: &[&str]) -> Vec<String> {
    rows.iter().map(|row| format!("{provider} {row}")).collect()
}

#[tokio::test]
async fn a_bad_keyring_row_costs_no_other() {
    let answers = vec![
        Canned::json(KEYRING, include_str!("../fixtures/wordpress/keyring-bad-rows.json")),
        Canned::json(PUBLICIZE, NONE),
    ];
    let query = "{ viewer { connections {
        totalCount nodes { providerId sites { siteId } additionalAccounts { subject } } incomplete { code } } } }";
    let (data, rows) = ask(answers, query, "viewer.connections").await;
    assert_eq!(
        data["viewer"]["connections"],
        json!({
            "totalCount": 2,
            "nodes": [
                { "providerId": "51001", "sites": [{ "siteId": "7700123" }], "additionalAccounts": [] },
                { "providerId": "51007", "sites": [], "additionalAccounts": [{ "subject": "1" }] },
            ],
            "incomplete": [],
        })
    );
    let expected = [
        "connections[0].sites[1]",
        "connections[0].sites[2]",
        "connections[1]",
        "connections[2]",
        "connections[3]",
        "connections[4]",
        "connections[5]",
        "connections[6]",
        "connections[7]",
        "connections[8].additional_external_users[1]",
        "connections[8].additional_external_users[2]",
    ];
    assert_eq!(rows, each("WORDPRESS", &expected));
}

#[tokio::test]
async fn a_bad_keyring_row_is_told_wherever_the_list_is_shown() {
    let answers = || {
        vec![
            Canned::json(KEYRING, r#"{"connections": [{"ID": 1, "external_ID": "7"}, {"ID": "one"}]}"#),
            Canned::json(PUBLICIZE, r#"{"connections": [{"ID": 2, "site_ID": 3}, null]}"#),
        ]
    };
    let (data, rows) =
        ask(answers(), "{ viewer { connections { nodes { providerId } } } }", "viewer.connections").await;
    assert_eq!(data["viewer"]["connections"]["nodes"], json!([{ "providerId": "1" }, { "providerId": "2" }]));
    assert_eq!(rows, each("WORDPRESS", &["connections[1]", "connections[1]"]));
    let (data, rows) = ask(answers(), "{ viewer { identities { nodes { subject } } } }", "viewer.identities").await;
    assert_eq!(data["viewer"]["identities"]["nodes"], json!([{ "subject": "7" }]));
    assert_eq!(rows, each("WORDPRESS", &["connections[1]"]));
}

#[tokio::test]
async fn a_bad_application_costs_no_other_and_a_bad_permission_only_itself() {
    let list = include_str!("../fixtures/wordpress/application-bad-rows.json");
    let answers = vec![Canned::json("/rest/v1.1/me/connected-applications", list)];
    let query = "{ applications { totalCount nodes { providerId permissions { name risk } } } }";
    let (data, rows) = ask(answers, query, "applications").await;
    let permissions = json!([{ "name": "posts", "risk": "WRITE" }, { "name": "unheard-of", "risk": "UNKNOWN" }]);
    let nodes = json!([{ "providerId": "610001", "permissions": permissions }]);
    assert_eq!(data["applications"], json!({ "totalCount": 1, "nodes": nodes }));
    let expected = [
        "connected_applications[0]",
        "connected_applications[1]",
        "connected_applications[2]",
        "connected_applications[3].permissions[1]",
        "connected_applications[3].permissions[2]",
    ];
    assert_eq!(rows, each("WORDPRESS", &expected));
}

#[tokio::test]
async fn a_bad_service_costs_no_other_in_a_list_and_in_a_map() {
    let query = "{ services(first: 100) { nodes { key type } } }";
    let path = "/rest/v1.1/meta/external-services";
    let keys = |data: &Value| -> Vec<Value> {
        data["services"]["nodes"].as_array().unwrap().iter().map(|row| row["key"].clone()).collect()
    };
    let list = include_str!("../fixtures/wordpress/services-list.json");
    let (data, rows) = ask(vec![Canned::json(path, list)], query, "services").await;
    assert!(keys(&data).contains(&json!("tumblr")) && keys(&data).contains(&json!("facebook")));
    assert_eq!(rows, each("WORDPRESS", &["services[2]", "services[3]", "services[4]"]));

    let map = include_str!("../fixtures/wordpress/services-map.json");
    let (data, rows) = ask(vec![Canned::json(path, map)], query, "services").await;
    let tumblr = data["services"]["nodes"].as_array().unwrap().iter().find(|row| row["key"] == "tumblr").unwrap();
    assert_eq!(tumblr["type"], "publicize");
    // A map's key is the provider's text: one that is no plain word is told by its number.
    assert_eq!(rows, each("WORDPRESS", &["services[3]", "services[mailchimp]"]));
}

#[tokio::test]
async fn a_bad_site_costs_no_other() {
    let answers = vec![
        Canned::json("/rest/v1.1/me", include_str!("../fixtures/wordpress/me.json")),
        Canned::json("/rest/v1.1/me/sites", include_str!("../fixtures/wordpress/sites.json")),
    ];
    let query = "{ viewer { wordpressUser { username sites { siteId name } } } }";
    let (data, rows) = ask(answers, query, "viewer.wordpressUser.sites").await;
    let sites = json!([
        { "siteId": "7700123", "name": "Fen Notes" },
        { "siteId": "7700124", "name": null },
        { "siteId": "7700125", "name": null },
        { "siteId": "7700126", "name": null },
    ]);
    assert_eq!(data["viewer"]["wordpressUser"], json!({ "username": "adareed", "sites": sites }));
    assert_eq!(rows, each("WORDPRESS", &["sites[4]"]));
}

#[tokio::test]
async fn a_bad_publicize_row_of_a_site_costs_no_other() {
    let me = r#"{"ID": 40417, "primary_blog": 7700123}"#;
    let list = r#"{"connections": [{"ID": 88001, "shared": true}, {"ID": "x"}, "88002", {"ID": 88003}]}"#;
    let answers =
        vec![Canned::json("/rest/v1.1/me", me), Canned::json("/rest/v1.1/sites/7700123/publicize-connections", list)];
    let query = "{ viewer { wordpressUser { primarySite { publicizeConnections { providerId shared } } } } }";
    let (data, rows) = ask(answers, query, "viewer.wordpressUser.primarySite.publicizeConnections").await;
    assert_eq!(
        data["viewer"]["wordpressUser"]["primarySite"]["publicizeConnections"],
        json!([{ "providerId": "88001", "shared": true }, { "providerId": "88003", "shared": null }])
    );
    assert_eq!(rows, each("WORDPRESS", &["connections[1]", "connections[2]"]));
}

#[tokio::test]
async fn a_bad_sign_in_costs_no_other() {
    let list = include_str!("../fixtures/oneall/connections-bad-rows.json");
    let answers =
        vec![Canned::json(KEYRING, NONE), Canned::json(PUBLICIZE, NONE), Canned::json("/connections.json", list)];
    let query = "{ connections { nodes { providerId createdAt } incomplete { code } } }";
    let (data, rows) = ask(answers, query, "connections").await;
    let only = json!({ "providerId": "c0ffee01-0000-4000-8000-000000000001", "createdAt": "2020-03-10T07:00:00Z" });
    assert_eq!(data["connections"], json!({ "nodes": [only], "incomplete": [] }));
    assert_eq!(rows, each("ONEALL", &["connections[0]", "connections[1]", "connections[2]"]));
}

#[tokio::test]
async fn a_bad_identity_costs_no_other() {
    let entries = json!([
        { "identity_token": "one", "provider": "google", "date_creation": "Sun, 01 Mar 2020 08:00:00 +0100" },
        "two",
        { "provider": "google" },
        { "identity_token": "a/b" },
    ]);
    let body = json!({ "response": {
        "request": { "status": { "flag": "success", "code": 200 } },
        "result": { "data": { "identities": { "count": 4, "entries": entries } } },
    } });
    let answers = vec![Canned::json(KEYRING, NONE), Canned::json("/identities.json", body)];
    let query = "{ identities { nodes { providerId service { key } } incomplete { code } } }";
    let (data, rows) = ask(answers, query, "identities").await;
    let only = json!({ "providerId": "one", "service": { "key": "google" } });
    assert_eq!(data["identities"], json!({ "nodes": [only], "incomplete": [] }));
    assert_eq!(rows, each("ONEALL", &["identities[1]", "identities[2]", "identities[3]"]));
}

#[tokio::test]
async fn a_bad_identity_of_a_user_costs_no_other() {
    let user = "facade02-0000-4000-8000-000000000002";
    let page = include_str!("../fixtures/oneall/user-bad-identities.json");
    let canned = Canned::start(vec![Canned::json("/users/facade02-0000-4000-8000-000000000002.json", page)]).await;
    let gateway = canned.gateway().await;
    let asker = Asker::user(user);
    for (field, path) in [
        ("oneallUser { loginCount identities { providerId } }", "viewer.oneallUser.identities"),
        ("identities { nodes { providerId } }", "viewer.identities"),
    ] {
        let answer = gateway.ask(&asker, &format!("{{ viewer {{ {field} }} }}"), json!({})).await;
        let only = json!([{ "providerId": "beadle03-0000-4000-8000-000000000004" }]);
        let viewer = &answer["data"]["viewer"];
        assert!(viewer["oneallUser"]["identities"] == only || viewer["identities"]["nodes"] == only, "{answer}");
        assert_eq!(codes(&answer), vec![("PROVIDER_MALFORMED".to_owned(), path.to_owned()); 3]);
        let rows = answer["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["row"]);
        assert!(rows.eq(["identities[0]", "identities[2]", "identities[3]"]), "{answer}");
    }
}

#[tokio::test]
async fn the_place_of_a_row_holds_no_text_of_the_provider() {
    let odd = json!({ "response": { "request": { "status": { "code": 200 } }, "result": { "data": {
        "connections": { "entries": { "<b>canary</b>": 7, "one": { "connection_token": "t1" } } },
    } } } });
    let answers =
        vec![Canned::json(KEYRING, NONE), Canned::json(PUBLICIZE, NONE), Canned::json("/connections.json", odd)];
    let (data, rows) = ask(answers, "{ connections { nodes { providerId } } }", "connections").await;
    assert_eq!(data["connections"]["nodes"], json!([{ "providerId": "t1" }]));
    assert_eq!(rows, each("ONEALL", &["connections[0]"]));
}

#[tokio::test]
async fn of_many_bad_rows_the_first_are_named_and_the_others_counted() {
    let bad = json!({ "connections": vec![json!({ "ID": "x" }); 5_000] });
    let none = json!({ "connections": [] });
    let canned = Canned::start(vec![Canned::json(KEYRING, bad), Canned::json(PUBLICIZE, none)]).await;
    let query = "{ viewer { connections { totalCount } } }";
    let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 16);
    assert_eq!(errors[14]["extensions"]["row"], "connections[14]");
    assert_eq!(errors[15]["extensions"]["row"], "connections");
    let rest = "4985 more rows from WordPress.com cannot be read and were skipped.";
    assert_eq!(errors[15]["message"], rest);
}

#[tokio::test]
async fn a_date_that_cannot_be_read_costs_only_itself_and_is_told() {
    let entries = json!([
        { "connection_token": "one", "date_creation": "Sun, 01 Mar 2020 08:00:00 +0100" },
        { "connection_token": "two", "date_creation": "some time ago" },
        { "connection_token": "three" },
    ]);
    let body = json!({ "response": {
        "request": { "status": { "flag": "success", "code": 200 } },
        "result": { "data": { "connections": { "count": 3, "entries": entries } } },
    } });
    let answers =
        vec![Canned::json(KEYRING, NONE), Canned::json(PUBLICIZE, NONE), Canned::json("/connections.json", body)];
    let (data, rows) = ask(answers, "{ connections { totalCount nodes { providerId } } }", "connections").await;
    assert_eq!(data["connections"]["totalCount"], 3);
    assert_eq!(data["connections"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(rows, ["ONEALL connections[1].date_creation"]);
}

#[tokio::test]
async fn a_date_of_wordpress_com_that_cannot_be_read_costs_only_itself_and_is_told() {
    let connections = json!({ "connections": [
        { "ID": 1, "status": "ok", "issued": "2024-03-09 08:15:00", "expires": "next spring" },
        { "ID": 2, "status": "ok", "issued": "yesterday", "expires": "0000-00-00 00:00:00" },
    ] });
    let answers = vec![Canned::json(KEYRING, connections), Canned::json(PUBLICIZE, NONE)];
    let query = "{ viewer { connections { nodes { providerId createdAt expiresAt health { state } } } } }";
    let (data, rows) = ask(answers, query, "viewer.connections").await;
    let state = |state: &str| json!({ "state": state });
    assert_eq!(
        data["viewer"]["connections"]["nodes"],
        json!([
            // It may have ended.
            { "providerId": "1", "createdAt": "2024-03-09T08:15:00Z", "expiresAt": null, "health": state("UNKNOWN") },
            { "providerId": "2", "createdAt": null, "expiresAt": null, "health": state("OK") },
        ])
    );
    assert_eq!(rows, each("WORDPRESS", &["connections[0].expires", "connections[1].issued"]));
    let applications = json!({ "connected_applications": [{ "ID": "1", "authorized": "long ago" }] });
    let answers = vec![Canned::json("/rest/v1.1/me/connected-applications", applications)];
    let (data, rows) = ask(answers, "{ applications { nodes { authorizedAt } } }", "applications").await;
    assert_eq!(data["applications"]["nodes"], json!([{ "authorizedAt": null }]));
    assert_eq!(rows, each("WORDPRESS", &["connected_applications[0].authorized"]));
}

#[tokio::test]
async fn what_is_left_out_of_a_thing_read_by_itself_is_told_to_the_log() {
    let permissions = json!([{ "name": "posts" }, { "name": null }]);
    let application = json!({ "ID": "7", "authorized": "long ago", "permissions": permissions });
    let keyring = json!({ "ID": 7, "sites": [1, "canary"], "expires": "canary" });
    let of =
        |data: Value| json!({ "response": { "request": { "status": { "code": 200 } }, "result": { "data": data } } });
    let identity = json!({ "identity": { "identity_token": "one", "date_creation": "canary" } });
    let sign_in = json!({ "connection": { "connection_token": "one", "date": "canary", "status": "succeeded" } });
    for (path, body, query, place, rows) in [
        (
            "/rest/v1.1/me/connected-applications/7",
            application,
            "{ application(by: { connectedApplicationId: \"7\" }) { permissions { name } } }",
            "permissions[1]",
            2,
        ),
        (
            "/rest/v1.1/me/keyring-connections/7",
            keyring,
            "{ connection(by: { keyringConnectionId: \"7\" }) { id } }",
            "sites[1]",
            2,
        ),
        (
            "/rest/v1.1/me",
            json!({ "ID": 7, "date": "canary" }),
            "{ viewer { wordpressUser { createdAt } } }",
            "date",
            1,
        ),
        (
            "/identities/one.json",
            of(identity),
            "{ identity(by: { identityToken: \"one\" }) { createdAt } }",
            "date_creation",
            1,
        ),
        (
            "/connections/one.json",
            of(sign_in),
            "{ connection(by: { connectionToken: \"one\" }) { createdAt } }",
            "date",
            1,
        ),
    ] {
        let log = Log::default();
        let _guard = log.listen();
        let canned = Canned::start(vec![Canned::json(path, body)]).await;
        let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
        assert_eq!(answer["errors"], json!(null), "{answer}");
        let text = log.text();
        assert_eq!(text.matches("skipped unreadable rows").count(), 1, "{path}: {text}");
        assert!(text.contains(&format!("rows={rows} first=\"{place}\"")), "{path}: {text}");
        assert!(!text.contains("canary"), "{path}: {text}");
    }
}

#[tokio::test]
async fn an_identity_whose_detail_fails_is_told_by_its_row() {
    let rows = json!([{ "identity_token": "one" }, { "identity_token": "two" }, { "identity_token": "three" }]);
    let success = json!({ "status": { "code": 200 } });
    let list = json!({ "response": { "request": success, "result": { "data": { "identities": rows } } } });
    let one = json!({ "identity": { "identity_token": "two", "displayName": "Two" } });
    let one = json!({ "response": { "request": success, "result": { "data": one } } });
    let answers = vec![
        Canned::json(KEYRING, NONE),
        Canned::json("/identities.json", list),
        Canned::json("/identities/one.json", "[]"),
        Canned::json("/identities/two.json", one),
        Canned::json("/identities/three.json", "[]"),
    ];
    let (data, rows) = ask_rows(answers, "{ identities { nodes { providerId displayName } } }").await;
    assert_eq!(data["identities"]["nodes"].as_array().unwrap().len(), 3);
    let place = |token: &str| {
        let nodes = data["identities"]["nodes"].as_array().unwrap();
        nodes.iter().position(|row| row["providerId"] == token).unwrap()
    };
    let mut places = [place("one"), place("three")];
    places.sort_unstable();
    assert_eq!(rows, places.map(|place| format!("nodes[{place}]")));
}

/// Asks, and tells which rows the errors are about.
async fn ask_rows(answers: Vec<Answer>, query: &str) -> (Value, Vec<String>) {
    let canned = Canned::start(answers).await;
    let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let rows = errors.iter().map(|error| error["extensions"]["row"].as_str().unwrap_or("-").to_owned());
    (answer["data"].clone(), rows.collect())
}

#[tokio::test]
async fn a_page_in_another_order_than_was_asked_for_is_no_page() {
    let list = |direction: Value| {
        let page = json!({ "total_entries": 1, "entries_per_page": 22, "order": { "direction": direction } });
        let entries = [json!({ "connection_token": "one" })];
        let list = json!({ "connections": { "pagination": page, "count": 1, "entries": entries } });
        let list = json!({ "response": { "request": { "status": { "code": 200 } }, "result": { "data": list } } });
        vec![Canned::json(KEYRING, NONE), Canned::json(PUBLICIZE, NONE), Canned::json("/connections.json", list)]
    };
    let query = "{ connections(first: 1, filter: { provider: [ONEALL] }) { nodes { providerId } } }";
    let wrong = Canned::start(list(json!("asc"))).await;
    let answer = wrong.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    assert_eq!(codes(&answer), [("PROVIDER_MALFORMED".to_owned(), "connections".to_owned())], "{answer}");
    for said in [json!("desc"), json!("DESC"), json!(null), json!("upside down")] {
        let canned = Canned::start(list(said)).await;
        let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
        assert_eq!(answer["data"]["connections"]["nodes"], json!([{ "providerId": "one" }]), "{answer}");
    }
}
