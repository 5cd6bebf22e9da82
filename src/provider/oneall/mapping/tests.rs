//! What all mappings share: pages, plugins, secrets, and arbitrary JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod identity;
mod sign_in;
mod user;

use bytes::Bytes;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::envelope::{Envelope, parse};
use super::super::payload::{ConnectionData, ConnectionsData, IdentitiesData, IdentityData, UserData};
use super::*;
use crate::model::{
    Connection, ConnectionKey, ConnectionRecord, ConnectionToken, HealthState, Identity, IdentityKey, IdentityToken,
    OneAllUser, UserToken,
};
use crate::provider::{Error, lenient};
use crate::upstream::Reply;

const SIGN_IN: &str = "c0ffee01-0000-4000-8000-000000000001";
const USER: &str = "facade02-0000-4000-8000-000000000002";
const IDENTITY: &str = "beadle03-0000-4000-8000-000000000003";

fn sign_in(token: ConnectionToken, envelope: Envelope<ConnectionData>) -> Result<Connection, String> {
    super::sign_in(token, envelope, &mut Vec::new())
}

fn identity(token: IdentityToken, payload: IdentityData) -> Result<Identity, String> {
    super::identity(token, payload, &mut Vec::new())
}

fn user(token: UserToken, payload: UserData) -> Result<OneAllUser, String> {
    super::user(token, payload, &mut Vec::new())
}

fn answer<T: DeserializeOwned>(status: u16, body: Vec<u8>) -> Envelope<T> {
    let reply = Reply { status, content_type: None, retry_after: None, body: Bytes::from(body) };
    parse(&reply).unwrap().unwrap()
}

fn fixture<T: DeserializeOwned>(name: &str) -> Envelope<T> {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    answer(200, std::fs::read(path).unwrap())
}

fn data<T: DeserializeOwned>(name: &str) -> T {
    fixture(name).data.unwrap()
}

fn decode<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    lenient::decode(Provider::OneAll, json.as_bytes())
}

fn inline<T: DeserializeOwned>(data: &Value) -> T {
    decode(&data.to_string()).unwrap()
}

fn sign_in_token() -> ConnectionToken {
    ConnectionToken::parse(SIGN_IN).unwrap()
}

fn identity_token() -> IdentityToken {
    IdentityToken::parse(IDENTITY).unwrap()
}

fn user_token() -> UserToken {
    UserToken::parse(USER).unwrap()
}

fn text(moment: Option<DateTime>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

fn url(link: &Option<Url>) -> Option<&str> {
    link.as_ref().map(Url::as_str)
}

#[test]
fn a_page_of_sign_ins_is_the_same_in_all_three_formats() {
    let paged = sign_in_list(data("oneall/connections-paged"));
    let unpaged = sign_in_list(data("oneall/connections-unpaged"));
    let bare = sign_in_list(data("oneall/connections-bare"));
    assert_eq!((paged.paging, unpaged.paging, bare.paging), (Some(PageMeta { total: 5, size: 2 }), None, None));
    assert_eq!((&paged.rows, &paged.rows), (&unpaged.rows, &bare.rows));

    let notes: Vec<_> = paged.skipped.iter().map(|note| note.value.path.as_str()).collect();
    assert_eq!(notes, ["connections[1].date_creation"]);

    let rows: Vec<_> = paged.rows.iter().map(|row| &*row.value).collect();
    let [done, open] = rows[..] else { panic!("two rows") };
    assert_eq!(done.key, ConnectionKey::SignIn(sign_in_token()));
    assert_eq!((done.provider_id.as_str(), done.complete, &done.label), (SIGN_IN, false, &None));
    assert_eq!(text(done.created_at).as_deref(), Some("2020-03-10T07:00:00Z"));
    assert_eq!(done.health.as_ref().map(|h| h.state), Some(HealthState::Ok));
    assert_eq!(open.health, None, "an unknown word decides nothing");
    assert_eq!(open.created_at, None, "only the invalid date is absent");
    let ConnectionRecord::SignIn(record) = &open.record else { panic!("a sign-in") };
    assert_eq!((record.status.as_deref(), &record.callback_url), (Some("pending"), &None));
    assert_eq!((&record.plugin, &record.result, &record.user, &record.action), (&None, &None, &None, &None));
}

#[test]
fn a_repeated_token_is_one_row() {
    let page = sign_in_list(data("oneall/connections-repeated"));
    assert_eq!((page.rows.len(), page.skipped.len(), page.entries), (1, 0, 2));
}

#[test]
fn an_invalid_row_is_skipped_and_reported() {
    let page = sign_in_list(data("oneall/connections-bad-rows"));
    assert_eq!(page.rows.iter().map(|row| row.number).collect::<Vec<_>>(), [3], "numbered by its entry");
    let skipped: Vec<_> = page.skipped.iter().map(|row| (row.number, row.value.path.as_str())).collect();
    assert_eq!(skipped, [(0, "connections[0]"), (1, "connections[1]"), (2, "connections[2]")]);
    assert_eq!(page.skipped[2].value.detail, "connection_token: expected a token");
}

#[test]
fn an_empty_list_is_valid() {
    let page = sign_in_list(data("oneall/connections-empty"));
    assert_eq!((page.entries, page.paging.map(|paging| paging.total)), (0, Some(0)));
}

#[test]
fn a_plugin_is_an_application_with_a_display_name() {
    for (key, name) in [
        ("social_login", "Social Login"),
        ("social_link", "Social Link"),
        ("single_sign_on", "Single Sign-On"),
        ("brand_new", "brand_new"),
    ] {
        let application = plugin_application(key);
        assert_eq!(application.key, ApplicationKey::Plugin(key.to_owned()));
        assert_eq!((application.provider_id.as_str(), application.name.as_deref()), (key, Some(name)));
        assert!(application.permissions.is_empty() && application.access.is_none());
    }
}

#[test]
fn only_a_known_plugin_is_found_by_its_key() {
    assert!(["social_login", "social_link", "single_sign_on"].iter().all(|key| known_plugin(key).is_some()));
    assert_eq!(known_plugin("brand_new"), None);
}

#[test]
fn no_secret_is_decoded_or_mapped() {
    let mut seen = String::new();
    for name in ["recorded-shape", "encrypted-text", "encrypted-object", "encrypted-vault", "encrypted-user"] {
        let envelope: Envelope<ConnectionData> = fixture(&format!("oneall/connection-{name}"));
        seen += &format!("{envelope:?} {:?}", sign_in(sign_in_token(), envelope.clone()));
    }
    let payload: ConnectionData = data("oneall/connection-encrypted-beside");
    seen += &format!("{payload:?}");
    for name in ["identity-full", "identity-encrypted"] {
        let payload: IdentityData = data(&format!("oneall/{name}"));
        seen += &format!("{payload:?} {:?}", identity(identity_token(), payload.clone()));
    }
    let payload: IdentitiesData = data("oneall/identities-paged");
    seen += &format!("{payload:?} {:?}", identity_list(payload.clone()));
    let secret = json!({"user": {"user_token": USER, "publish_token": {"key": "CANARY"}, "identity_vault_key": "CANARY",
        "identities": [{"identity_token": IDENTITY, "source": {"key": "x", "access_token": {"key": "CANARY",
        "secret": "CANARY"}, "refresh_token": {"key": "CANARY"}}, "recommendations": [{"value": "v",
        "recommender": {"access_token": "CANARY"}}]}]}});
    let payload: UserData = inline(&secret);
    seen += &format!("{payload:?} {:?}", user(user_token(), payload.clone()).unwrap());
    assert!(seen.contains("Ada Example"), "the payloads were read at all");
    assert!(!seen.contains("CANARY"), "{seen}");
}

/// Any JSON. Many of its keys are keys of OneAll's payloads.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(SIGN_IN)),
        Just(json!("Thu, 25 Aug 2011 13:38:21  0200")),
        ".{0,12}".prop_map(Value::from),
    ];
    let word = prop::sample::select(vec![
        "connections",
        "connection",
        "connection_token",
        "user",
        "user_token",
        "identity",
        "identities",
        "identity_token",
        "provider",
        "plugin",
        "key",
        "data",
        "date_creation",
        "entries",
        "pagination",
        "total_pages",
        "source",
        "name",
        "emails",
        "accounts",
        "photos",
        "urls",
        "value",
        "recommendations",
        "recommender",
        "identity_vault",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_plugin_or_service_that_is_shown_can_be_an_id(text in prop_oneof![".{0,12}", "[a-z_.-]{1,70}", "[a-z_-]{1,64}"]) {
        let fits = key::slug(&text);
        let about = json!({"identity_token": IDENTITY, "provider": text});
        let node = json!({"plugin": {"key": text}, "connection": {"connection_token": SIGN_IN},
            "user": {"identity": about}});
        let data = json!({"response": {"request": {"status": {"code": 200}}, "result": {"data": node}}});
        let found = sign_in(sign_in_token(), answer(200, data.to_string().into_bytes())).unwrap();
        prop_assert_eq!(&found.plugin, &fits);
        prop_assert_eq!(&found.service, &fits);
        let listed = identity_list(inline(&json!({ "identities": [about] })));
        prop_assert_eq!(&listed.rows[0].value.service, &fits);
    }

    #[test]
    fn whatever_decodes_maps(node in anything(), code in prop::option::of(0..600)) {
        let wrapped = json!({"connections": node, "connection": node, "user": node, "identity": node, "identities": node,
            "plugin": node});
        for json in [node.to_string(), wrapped.to_string()] {
            if let Ok(payload) = decode::<ConnectionsData>(&json) {
                let _ = sign_in_list(payload);
            }
            if let Ok(payload) = decode::<IdentitiesData>(&json) {
                let _ = identity_list(payload);
            }
            if let Ok(payload) = decode::<IdentityData>(&json) {
                let _ = identity(identity_token(), payload);
            }
            if let Ok(payload) = decode::<UserData>(&json) {
                let _ = user(user_token(), payload);
            }
            let body = format!(r#"{{"response":{{"request":{{}},"result":{{"status":{{"code":{}}},"data":{json}}}}}}}"#,
                code.unwrap_or(200));
            let reply = Reply { status: 200, content_type: None, retry_after: None, body: Bytes::from(body) };
            if let Ok(Some(envelope)) = parse::<ConnectionData>(&reply) {
                let mapped = sign_in(sign_in_token(), envelope);
                prop_assert!(mapped.is_err() || mapped.is_ok_and(|c| c.key == ConnectionKey::SignIn(sign_in_token())));
            }
        }
    }
}
