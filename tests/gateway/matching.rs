//! The same outside account at both providers: found by its evidence, among the person's own, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::sandbox::{Person, people};
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, World, codes};

/// A person with both credentials of their own, Olga as a person too.
fn own(name: &str) -> Asker {
    let person = people().iter().find(|person| person.name == name).unwrap();
    let asker = by_jwt(person);
    person.wordpress_token.into_iter().fold(asker, |asker, token| asker.with("X-WordPress-Token", token))
}

/// Whoever has a person's JWT, and nothing beside it.
fn by_jwt(person: &Person) -> Asker {
    Asker::nobody().with("Authorization", &format!("Bearer {}", person.jwt))
}

/// What an ID names, as short as the sandbox's table has it: `keyring 51001`, `identity 4`.
fn named(id: &Value) -> String {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str().unwrap()).unwrap()).unwrap();
    match plain.strip_prefix("identity:5a4d0000-0000-4000-8002-") {
        Some(number) => format!("identity {}", number.trim_start_matches('0')),
        None => plain.replace("account:keyring:", "keyring "),
    }
}

/// Every match that a list of identities tells: which, with which, and why.
fn matches(rows: &Value) -> BTreeSet<(String, String, String)> {
    let rows = rows.as_array().unwrap().iter();
    let of_row = |row: &Value| {
        let found = row["sameAs"].as_array().cloned().unwrap_or_default();
        let id = named(&row["id"]);
        let pair = move |found: &Value| {
            (id.clone(), named(&found["identity"]["id"]), found["matchedBy"].as_str().unwrap().to_owned())
        };
        found.iter().map(pair).collect::<Vec<_>>()
    };
    rows.flat_map(of_row).collect()
}

/// A true pair: the Keyring connection's number, the identity's, and the evidence.
type Pair = (u32, u32, &'static str);

const OWN: &str =
    "{ viewer { identities(first: 100) { nodes { id sameAs { matchedBy identity { id provider } } } } } }";

#[tokio::test]
async fn every_true_pair_is_found_from_both_sides_with_its_evidence_and_no_false_one() {
    let world = World::start().await;
    let pairs: [(&str, &[Pair]); 8] = [
        ("olga", &[(61001, 2, "SUBJECT"), (61002, 3, "SUBJECT"), (61003, 1, "SUBJECT")]),
        ("ada", &[(51001, 4, "SUBJECT"), (51002, 5, "PROFILE_URL"), (51003, 6, "SUBJECT")]),
        ("finn", &[(54001, 10, "SUBJECT")]),
        // His account is displayed as Ada's is, and is his.
        ("gus", &[(53001, 11, "SUBJECT")]),
        ("ben", &[]),
        ("cleo", &[]),
        ("dora", &[]),
        ("hana", &[]),
    ];
    for (person, pairs) in pairs {
        let answer = world.gateway.ask(&own(person), OWN, json!({})).await;
        let both = |(keyring, identity, by): &Pair| {
            let (keyring, identity) = (format!("keyring {keyring}"), format!("identity {identity}"));
            [(keyring.clone(), identity.clone(), (*by).to_owned()), (identity, keyring, (*by).to_owned())]
        };
        let expected: BTreeSet<_> = pairs.iter().flat_map(both).collect();
        let rows = &answer["data"]["viewer"]["identities"]["nodes"];
        let found = if rows.is_null() { BTreeSet::new() } else { matches(rows) };
        assert_eq!(found, expected, "{person}");
    }
}

#[tokio::test]
async fn a_whole_site_holds_no_pair_but_the_true_ones() {
    let world = World::start().await;
    let query = "{ identities(first: 100) { nodes { id displayName sameAs { matchedBy identity { id } } } } }";
    let answer = world.ask("olga", query).await;
    assert_eq!(answer["errors"], json!(null));
    let rows = &answer["data"]["identities"]["nodes"];
    let pair = |identity: u32, keyring: u32| {
        (format!("identity {identity}"), format!("keyring {keyring}"), "SUBJECT".to_owned())
    };
    assert_eq!(matches(rows), BTreeSet::from([pair(1, 61003), pair(2, 61001), pair(3, 61002)]));
    let named_alike = rows.as_array().unwrap().iter().filter(|row| row["displayName"] == "Olga Brandt").count();
    assert!(named_alike >= 6, "the look-alikes are there: {named_alike}");
    // She asks with the shop's key, which names no user: for her own accounts there is no place to look at OneAll.
    let of_hers = |row: &&Value| named(&row["id"]).starts_with("keyring");
    assert!(rows.as_array().unwrap().iter().filter(of_hers).all(|row| row["sameAs"].is_null()));
}

#[tokio::test]
async fn matches_for_all_rows_cost_one_call_a_provider() {
    let world = World::start().await;
    world.gateway.ask(&own("ada"), OWN, json!({})).await;
    let user =
        format!("GET /users/{}.json", people().iter().find(|one| one.name == "ada").unwrap().oneall_user.unwrap());
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me/keyring-connections": 1, user: 1 }));
}

#[tokio::test]
async fn a_match_is_null_where_there_is_nowhere_to_look() {
    let world = World::start().await;
    let ask = async |asker: &Asker| world.gateway.ask(asker, OWN, json!({})).await;
    for person in ["ben", "cleo"] {
        let answer = ask(&own(person)).await;
        let rows = answer["data"]["viewer"]["identities"]["nodes"].as_array().unwrap().clone();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["sameAs"].is_null()), "{person}: {answer}");
        assert_eq!(answer["errors"], json!(null));
    }
    let encrypted = "{ connection(by: {connectionToken: \"5a4d0000-0000-4000-8000-000000000005\"}) {
        identity { state sameAs { matchedBy } } } }";
    let answer = world.ask("olga", encrypted).await;
    assert_eq!(answer["data"]["connection"]["identity"], json!({ "state": "ENCRYPTED", "sameAs": null }));
}

#[tokio::test]
async fn a_provider_that_is_down_costs_the_matches_and_nothing_else() {
    let world = World::start().await;
    world.fault(json!({ "path": "/rest/v1.1/me/keyring-connections", "status": 503 })).await;
    let query = "{ viewer { oneallUser { identities { displayName sameAs { matchedBy } } } } }";
    let answer = world.gateway.ask(&own("ada"), query, json!({})).await;
    let rows = answer["data"]["viewer"]["oneallUser"]["identities"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["displayName"].is_string() && row["sameAs"].is_null()));
    assert!(codes(&answer).iter().all(|(code, path)| code == "PROVIDER_UNAVAILABLE" && path.ends_with("sameAs")));
}

fn account(service: &str, subject: &str) -> String {
    let by = format!("{{account: {{service: \"{service}\", subject: \"{subject}\"}}}}");
    format!("{{ identity(by: {by}) {{ id provider sameAs {{ identity {{ id }} }} }} }}")
}

#[tokio::test]
async fn an_account_is_found_by_its_service_in_any_spelling_and_its_id_there() {
    let world = World::start().await;
    for spelling in ["google", "google_plus"] {
        let query = account(spelling, "110022003300440055660");
        let found = &world.gateway.ask(&own("ada"), &query, json!({})).await["data"]["identity"];
        assert_eq!((named(&found["id"]), &found["provider"]), ("identity 6".to_owned(), &json!("ONEALL")));
        assert_eq!(named(&found["sameAs"][0]["identity"]["id"]), "keyring 51003");
    }
    let only_keyring = world.gateway.ask(&own("ada"), &account("tumblr", "fen-notes"), json!({})).await;
    assert_eq!(named(&only_keyring["data"]["identity"]["id"]), "keyring 51005");
    // The shop's key names no user: what Keyring has is found all the same.
    let operators = world.ask("olga", &account("twitter", "300400500")).await;
    assert_eq!(
        (named(&operators["data"]["identity"]["id"]), &operators["errors"]),
        ("keyring 61001".to_owned(), &json!(null))
    );
}

#[tokio::test]
async fn an_account_of_somebody_else_is_like_one_that_does_not_exist() {
    let world = World::start().await;
    for query in [account("twitter", "999000111"), account("twitter", "1"), account("facebook", "200300400")] {
        let answer = world.gateway.ask(&own("ada"), &query, json!({})).await;
        assert_eq!(answer, json!({ "data": { "identity": null } }), "{query}");
    }
    // Nothing but her own two lists was asked.
    assert!(world.counts().await.keys().all(|path| path.contains("keyring-connections") || path.contains("/users/")));
}

#[tokio::test]
async fn a_whole_site_is_never_searched_for_an_account_and_that_is_said() {
    let world = World::start().await;
    let answer = world.ask("olga", &account("twitter", "200300400")).await;
    assert_eq!(codes(&answer), [("UNSUPPORTED_BY_PROVIDER".to_owned(), "identity".to_owned())]);
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me/keyring-connections": 1 }));
    for (service, subject) in [("../users", "1"), ("twitter", ""), ("twitter", " "), ("", "1")] {
        let answer = world.ask("olga", &account(service, subject)).await;
        assert_eq!(codes(&answer), [("BAD_INPUT".to_owned(), "identity".to_owned())], "{service:?} {subject:?}");
    }
    assert_eq!(json!(world.counts().await), json!({}));
}

#[tokio::test]
async fn one_provider_down_leaves_the_account_that_the_other_knows() {
    let world = World::start().await;
    world.fault(json!({ "path": "/users/*", "status": 503 })).await;
    let answer = world.gateway.ask(&own("ada"), &account("twitter", "200300400"), json!({})).await;
    assert_eq!(named(&answer["data"]["identity"]["id"]), "keyring 51001");
    assert!(codes(&answer).contains(&("PROVIDER_UNAVAILABLE".to_owned(), "identity".to_owned())), "{answer}");
    let unknown = world.gateway.ask(&own("ada"), &account("twitter", "1"), json!({})).await;
    assert_eq!(codes(&unknown), [("PROVIDER_UNAVAILABLE".to_owned(), "identity".to_owned())]);
}

#[tokio::test]
async fn a_service_and_an_identity_tell_their_connections_and_what_cannot_be_listed() {
    let world = World::start().await;
    let query = "{ service(key: \"google\") {
        connections { totalCount nodes { providerId } incomplete { provider code } }
        identities { totalCount nodes { id } incomplete { provider code } } } }";
    let own_side = world.gateway.ask(&own("ada"), query, json!({})).await;
    assert_eq!(own_side["errors"], json!(null));
    let service = &own_side["data"]["service"];
    let unlisted = json!([{ "provider": "ONEALL", "code": "UNSUPPORTED_BY_PROVIDER" }]);
    assert_eq!(
        service["connections"],
        json!({ "totalCount": null, "nodes": [{ "providerId": "51003" }], "incomplete": unlisted })
    );
    let ids: BTreeSet<_> =
        service["identities"]["nodes"].as_array().unwrap().iter().map(|row| named(&row["id"])).collect();
    assert_eq!(ids, BTreeSet::from(["identity 6".to_owned(), "keyring 51003".to_owned()]));
    assert_eq!((&service["identities"]["totalCount"], &service["identities"]["incomplete"]), (&json!(2), &json!([])));
    let of_site = world.ask("olga", query).await;
    assert_eq!(
        (&of_site["errors"], &of_site["data"]["service"]["identities"]["incomplete"]),
        (&json!(null), &unlisted)
    );
    let nobody = world.gateway.ask(&Asker::nobody(), query, json!({})).await;
    assert!(nobody["data"]["service"]["connections"].is_null());
    assert!(codes(&nobody).contains(&("UNAUTHENTICATED".to_owned(), "service.connections".to_owned())), "{nobody}");

    let query = "{ viewer { identities(filter: {service: [\"twitter\"]}) { totalCount nodes {
        provider connections { nodes { providerId kind } incomplete { code } } } } } }";
    let answer = world.gateway.ask(&own("ada"), query, json!({})).await;
    assert_eq!(answer["errors"], json!(null));
    let twitter = &answer["data"]["viewer"]["identities"];
    assert_eq!(twitter["totalCount"], 2);
    for row in twitter["nodes"].as_array().unwrap() {
        let ids: BTreeSet<_> = row["connections"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["providerId"].as_str().unwrap())
            .collect();
        assert_eq!(ids, BTreeSet::from(["51001", "72001"]), "the grant, and its use on a site");
        let is_unlisted = !row["connections"]["incomplete"].as_array().unwrap().is_empty();
        assert_eq!(is_unlisted, row["provider"] == "ONEALL");
    }
}

const ROW: &str =
    "id provider displayName username subject profileUrl emails { value } service { key } oneallUser { userToken }";

/// What somebody's own identities say of themselves, by ID; none without a page.
async fn own_rows(world: &World, asker: &Asker) -> BTreeMap<String, Value> {
    let query = format!("{{ viewer {{ identities(first: 100) {{ nodes {{ {ROW} }} }} }} }}");
    let answer = world.gateway.ask(asker, &query, json!({})).await;
    let rows = answer["data"]["viewer"]["identities"]["nodes"].as_array().cloned().unwrap_or_default();
    rows.into_iter().map(|row| (row["id"].to_string(), row)).collect()
}

#[tokio::test]
async fn one_persons_token_beside_anothers_jwt_shows_what_each_shows_alone_and_no_more() {
    let world = World::start().await;
    let with_token = people().iter().filter_map(|person| Some((person, person.wordpress_token?)));
    let with_user = || people().iter().filter(|person| person.oneall_user.is_some());
    let query =
        format!("{{ viewer {{ identities(first: 100) {{ nodes {{ {ROW} sameAs {{ identity {{ {ROW} }} }} }} }} }} }}");
    let mut mixed = 0;
    for (lender, token) in with_token {
        let at_wordpress = own_rows(&world, &Asker::alone(token)).await;
        for signed_in in with_user().filter(|person| person.name != lender.name) {
            let at_oneall = own_rows(&world, &by_jwt(signed_in)).await;
            let both = by_jwt(signed_in).with("X-WordPress-Token", token);
            let answer = world.gateway.ask(&both, &query, json!({})).await;
            let rows = answer["data"]["viewer"]["identities"]["nodes"].as_array().cloned().unwrap_or_default();
            let who = format!("{}'s token, {}'s JWT", lender.name, signed_in.name);
            assert_eq!(rows.len(), at_wordpress.len() + at_oneall.len(), "{who}: {answer}");
            for mut row in rows {
                // No two of them have one account, so whoever's side it is of, nothing is the same.
                let same = row.as_object_mut().unwrap().remove("sameAs").unwrap();
                let (own, looked_for) = match row["provider"].as_str() {
                    Some("WORDPRESS") => (&at_wordpress, json!([])),
                    _ if lender.name == "dora" => (&at_oneall, json!(null)),
                    _ => (&at_oneall, json!([])),
                };
                assert_eq!((Some(&row), same), (own.get(&row["id"].to_string()), looked_for), "{who}");
                mixed += 1;
            }
        }
    }
    assert!(mixed > 60, "{mixed}");
}

#[tokio::test]
async fn neither_credential_of_two_persons_finds_an_account_that_is_only_the_others_elsewhere() {
    let world = World::start().await;
    let person = |name: &str| people().iter().find(|person| person.name == name).unwrap();
    let (ada, gus) = (person("ada"), person("gus"));
    let adas_token = by_jwt(gus).with("X-WordPress-Token", ada.wordpress_token.unwrap());
    let adas_jwt = by_jwt(ada).with("X-WordPress-Token", gus.wordpress_token.unwrap());
    // She has this account at both providers; each half of her is one credential's to show.
    for (asker, half) in [(&adas_token, "keyring 51001"), (&adas_jwt, "identity 4")] {
        let found = world.gateway.ask(asker, &account("twitter", "200300400"), json!({})).await;
        assert_eq!((named(&found["data"]["identity"]["id"]), &found["errors"]), (half.to_owned(), &json!(null)));
        assert_eq!(found["data"]["identity"]["sameAs"], json!([]), "{half}");
    }
    let her_identity = "{ it: identity(by: {identityToken: \"5a4d0000-0000-4000-8002-000000000004\"}) { id } }";
    let her_connection = "{ it: connection(by: {keyringConnectionId: 51001}) { id } }";
    for (asker, query) in [(&adas_token, her_identity), (&adas_jwt, her_connection)] {
        let answer = world.gateway.ask(asker, query, json!({})).await;
        assert_eq!(answer, json!({ "data": { "it": null } }), "{query}");
    }
}

#[tokio::test]
async fn a_service_with_a_persons_token_beside_its_key_finds_nothing_at_oneall_by_it() {
    let world = World::start().await;
    let asks = |service: &str| Asker::service(service).with("X-WordPress-Token", "sandbox-wpcom-ada");
    for service in ["login", "report"] {
        let answer = world.gateway.ask(&asks(service), OWN, json!({})).await;
        let rows = answer["data"]["viewer"]["identities"]["nodes"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["sameAs"].is_null()), "{service}: {answer}");
        // Which of the site's identities is hers can only be told by a service that may list them: that it cannot be asked.
        let answer = world.gateway.ask(&asks(service), &account("linkedin", "1"), json!({})).await;
        let told = if service == "login" { vec![] } else { vec![("UNSUPPORTED_BY_PROVIDER", "identity")] };
        let told: Vec<_> = told.into_iter().map(|(code, path)| (code.to_owned(), path.to_owned())).collect();
        assert_eq!((codes(&answer), &answer["data"]["identity"]), (told, &json!(null)), "{service}");
        assert!(!world.counts().await.keys().any(|path| path.contains(".json")), "{service}");
    }
    // What a service may not see of an identity, it may not see beside its match either.
    let query = "{ identities(first: 100, filter: {provider: [ONEALL]}) { nodes {
        id emails { value } sameAs { matchedBy identity { id emails { value } } } } } }";
    let answer = world.gateway.ask(&asks("report"), query, json!({})).await;
    let found = matches(&answer["data"]["identities"]["nodes"]);
    assert_eq!(found.iter().filter(|(_, hers, _)| hers.starts_with("keyring 5100")).count(), 3, "{answer}");
    assert!(!answer.to_string().contains('@'));
}

#[tokio::test]
async fn two_persons_who_share_an_account_see_of_each_other_what_their_own_lists_show() {
    let success = json!({ "status": { "flag": "success", "code": 200 } });
    let identity = |token: &str, id: &str, name: &str| {
        let accounts = json!([{ "domain": "google.com", "userid": id }]);
        json!({ "identity_token": token, "provider": "google", "displayName": name, "accounts": accounts,
            "emails": [{ "value": format!("{token}@mail.example") }] })
    };
    let user = json!({ "user_token": "u-1", "num_logins": 3,
        "identities": [identity("shared", "7", "Shared, there"), identity("other", "8", "Other, there")] });
    let user = json!({ "response": { "request": success, "result": { "data": { "user": user } } } });
    let grant = |id: u32, subject: &str, name: &str| json!({ "ID": id, "service": "google_plus", "external_ID": subject, "external_display": name });
    let grants = json!({ "connections": [grant(1, "7", "Shared, here"), grant(2, "9", "Third, here")] });
    let canned = Canned::start(vec![
        Canned::json("/users/u-1.json", user),
        Canned::json("/rest/v1.1/me/keyring-connections", grants),
    ])
    .await;
    let gateway = canned.gateway().await;
    let nodes = async |asker: &Asker, fields: &str| {
        let query = format!("{{ viewer {{ identities {{ nodes {{ {fields} }} }} }} }}");
        let answer = gateway.ask(asker, &query, json!({})).await;
        assert_eq!(answer["errors"], json!(null), "{answer}");
        answer["data"]["viewer"]["identities"]["nodes"].as_array().unwrap().clone()
    };
    let alone = [nodes(&Asker::alone("token"), ROW).await, nodes(&Asker::user("u-1"), ROW).await].concat();
    let both = Asker::user("u-1").with("X-WordPress-Token", "token");
    let rows = nodes(&both, &format!("{ROW} sameAs {{ matchedBy identity {{ {ROW} }} }}")).await;
    let named = |name: &str| alone.iter().find(|row| row["displayName"] == name).unwrap();
    assert_eq!(rows.len(), alone.len());
    for row in rows {
        let twin = match row["displayName"].as_str().unwrap() {
            "Shared, here" => json!([{ "matchedBy": "SUBJECT", "identity": named("Shared, there") }]),
            "Shared, there" => json!([{ "matchedBy": "SUBJECT", "identity": named("Shared, here") }]),
            _ => json!([]),
        };
        assert_eq!(row["sameAs"], twin, "{row}");
    }
}
