//! Sign-ins in both formats, failed ones, and ones with encrypted data.

use super::*;
use crate::model::{
    Account, Connection, ConnectionKind, HealthActionKind, Identity, IdentityState, SignInPlugin, SignInRecord,
    SignInResult,
};

const SEED: &str = "8875cb47-9b2e-40f9-8ae0-8428c06937a9";

fn read(name: &str) -> Connection {
    sign_in(sign_in_token(), fixture(name)).unwrap()
}

fn seed(name: &str) -> Connection {
    sign_in(ConnectionToken::parse(SEED).unwrap(), fixture(name)).unwrap()
}

fn record(connection: &Connection) -> &SignInRecord {
    let ConnectionRecord::SignIn(record) = &connection.record else { panic!("a sign-in") };
    record
}

fn status(code: i32, info: Option<&str>) -> Value {
    json!({"flag": "", "code": code, "info": info})
}

/// A sign-in with this HTTP status, result status and data.
fn map_sign_in(http: u16, result: Value, data: Value) -> Result<Connection, String> {
    let body = json!({"response": {"request": {"status": status(i32::from(http), None)},
        "result": {"status": result, "data": data}}});
    sign_in(sign_in_token(), answer(http, body.to_string().into_bytes()))
}

#[test]
fn every_field_of_both_documented_sign_ins_is_mapped() {
    for name in ["seeds/oneall-connection", "seeds/oneall-connection-older"] {
        let c = seed(name);
        assert_eq!((c.provider, c.kind, c.complete), (Provider::OneAll, ConnectionKind::SignIn, true));
        assert_eq!((c.provider_id.as_str(), &c.label, c.expires_at, c.shared), (SEED, &None, None, None));
        assert_eq!(text(c.created_at).as_deref(), Some("2011-08-25T11:35:40Z"), "the date inside `connection`");
        assert_eq!((c.service.as_deref(), c.plugin.as_deref()), (Some("twitter"), Some("social_link")));
        let health = c.health.as_ref().unwrap();
        assert_eq!((health.state, health.provider_status.as_deref()), (HealthState::Ok, None));
        assert_eq!((&health.reason, &health.action), (&None, &None));
        let record = record(&c);
        assert_eq!((&record.status, &record.callback_url, &record.action), (&None, &None, &None));
        assert_eq!(record.user.as_ref().unwrap().as_str(), "12345678-1234-1234-1234-123456789012");
        let result = SignInResult {
            flag: Some("success".into()),
            code: Some(200),
            info: Some("The user successfully authenticated".into()),
            succeeded: true,
        };
        assert_eq!(record.result.as_ref(), Some(&result));
        let plugin =
            SignInPlugin { key: "social_link".into(), action: None, operation: None, reason: None, status: None };
        assert_eq!(record.plugin.as_ref(), Some(&plugin));
        the_documented_identity(c.identity.as_ref().unwrap());
    }
}

fn the_documented_identity(identity: &Identity) {
    let picture = "http://a1.twimg.com/sticky/default_profile_images/default_profile_6_normal.png";
    let token = "a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa";
    assert_eq!(identity.key, IdentityKey::Token(IdentityToken::parse(token).unwrap()));
    assert_eq!((identity.provider_id.as_deref(), identity.state), (Some(token), IdentityState::Readable));
    assert_eq!((identity.service.as_deref(), identity.service_label.as_deref()), (Some("twitter"), None));
    assert_eq!(identity.display_name.as_deref(), Some("Firstname Lastname"));
    assert_eq!(identity.name.as_ref().unwrap().formatted.as_deref(), Some("Firstname Lastname"));
    assert_eq!(identity.username.as_deref(), Some("MyUserNameRocks"));
    assert_eq!(url(&identity.account_url), Some("http://twitter.com/ExampleUser"));
    assert_eq!(url(&identity.profile_url), Some("http://twitter.com/ExampleUser"), "the url of type profile");
    assert_eq!((url(&identity.thumbnail_url), url(&identity.picture_url)), (Some(picture), None));
    assert_eq!(identity.urls[0].kind.as_deref(), Some("profile"));
    let account = Account {
        domain: Some("twitter.com".into()),
        user_id: Some("123456789".into()),
        username: Some("ExampleUser".into()),
    };
    assert_eq!((identity.subject.as_deref(), &identity.accounts), (Some("123456789"), &vec![account]));
    let photo = &identity.photos[0];
    assert_eq!((photo.url.as_str(), photo.kind.as_deref(), &photo.size), (picture, Some("thumbnail"), &None));
    assert_eq!(identity.user.as_ref().unwrap().as_str(), "12345678-1234-1234-1234-123456789012");
    assert_eq!((identity.emails.as_deref(), identity.complete), (Some(&[][..]), true));
    assert!(identity.profile.is_some());
}

#[test]
fn the_documented_failure_is_a_failed_connection() {
    let c = seed("seeds/oneall-connection-older-failed");
    let health = c.health.as_ref().unwrap();
    assert_eq!((health.state, health.provider_status.as_deref()), (HealthState::Failed, None));
    assert_eq!(health.reason.as_deref(), Some("The user did not authenticate successfully"));
    assert_eq!(health.action.as_ref().unwrap().kind, HealthActionKind::ConnectAgain);
    assert_eq!((&c.identity, c.created_at, &c.service, c.complete), (&None, None, &None, true));
    assert_eq!((c.provider_id.as_str(), c.plugin.as_deref()), (SEED, Some("social_link")));
    let result = record(&c).result.as_ref().unwrap();
    assert_eq!((result.code, result.flag.as_deref(), result.succeeded), (Some(401), Some("error"), false));
    assert_eq!(record(&c).user, None);
}

#[test]
fn the_format_that_the_service_sends_is_mapped() {
    let c = read("oneall/connection-recorded-shape");
    assert_eq!(text(c.created_at).as_deref(), Some("2020-03-02T09:06:37Z"));
    assert_eq!((c.service.as_deref(), c.plugin.as_deref()), (Some("google"), Some("social_login")));
    assert_eq!(c.health.as_ref().unwrap().provider_status.as_deref(), Some("succeeded"));
    let record = record(&c);
    assert_eq!(url(&record.callback_url), Some("https://shop.example/callback?a=1"), "escaped slashes are slashes");
    assert_eq!((record.status.as_deref(), record.action.as_deref()), (Some("succeeded"), Some("authenticate_user")));
    let plugin = record.plugin.as_ref().unwrap();
    assert_eq!((plugin.action.as_deref(), plugin.operation.as_deref()), (Some("login"), Some("user_profile_read")));
    assert_eq!((plugin.reason.as_deref(), plugin.status.as_deref()), (Some("user_authenticated"), Some("success")));
    let identity = c.identity.as_ref().unwrap();
    assert_eq!((identity.user.as_ref(), record.user.as_ref()), (Some(&user_token()), Some(&user_token())));
    assert_eq!(identity.service_label.as_deref(), Some("Google"));
    assert_eq!(identity.username.as_deref(), Some("Ada Example"), "a username may contain spaces");
    assert_eq!(identity.picture_url, None, "null");
}

#[test]
fn a_refused_link_has_a_reason_and_no_user() {
    let c = read("oneall/connection-failed-link");
    let health = c.health.as_ref().unwrap();
    assert_eq!(
        (health.state, health.reason.as_deref()),
        (HealthState::Failed, Some("identity_is_linked_to_another_user"))
    );
    assert_eq!((&c.identity, &record(&c).user, &c.service), (&None, &None, &None));
    assert_eq!(record(&c).result, None);
    let reason = record(&c).plugin.as_ref().unwrap().reason.as_deref();
    assert_eq!(reason, Some("identity_is_linked_to_another_user"));
    let plugin = json!({"plugin": {"key": "social_link", "data": {"status": "error", "reason": "why"}}});
    let health = map_sign_in(400, Value::Null, plugin).unwrap().health.unwrap();
    assert_eq!(health.reason.as_deref(), Some("why"));
    let unreported = json!({"plugin": {"key": "social_link", "data": {"status": "error"}}});
    assert!(map_sign_in(400, Value::Null, unreported).unwrap().health.unwrap().reason.is_none(), "there is no reason");
}

#[test]
fn an_unlink_has_no_identity_and_is_no_failure() {
    let c = read("oneall/connection-unlinked");
    assert_eq!((c.health.unwrap().state, &c.identity), (HealthState::Ok, &None));
}

#[test]
fn the_codes_decide_and_an_unknown_word_decides_nothing() {
    let word = |status: &str| json!({"connection": {"connection_token": SIGN_IN, "status": status}});
    let state = |result, data| map_sign_in(200, result, data).unwrap().health.unwrap().state;
    assert_eq!(state(status(200, None), word("succeeded")), HealthState::Ok);
    assert_eq!(state(Value::Null, word("succeeded")), HealthState::Ok);
    assert_eq!(state(status(200, None), word("pending")), HealthState::Unknown);
    assert_eq!(state(Value::Null, word("pending")), HealthState::Unknown);
    assert_eq!(state(json!({"flag": "error"}), word("succeeded")), HealthState::Ok, "a flag decides nothing");
    for code in [400, 401, 403] {
        assert_eq!(state(status(code, None), word("succeeded")), HealthState::Failed, "{code}");
    }
    let contrary = json!({"plugin": {"key": "social_link", "data": {"status": "error"}}});
    assert_eq!(state(status(200, None), contrary), HealthState::Failed);
    let none = map_sign_in(200, status(401, Some("No")), Value::Null).unwrap();
    assert_eq!(none.health.unwrap().reason.as_deref(), Some("No"), "a failure needs no data");
    assert!(map_sign_in(200, status(200, None), json!([])).is_err(), "a success needs data");
}

#[test]
fn the_plugin_is_read_in_all_four_formats() {
    for data in [
        json!({"connection": {"plugin": "social_link"}}),
        json!({"plugin": {"key": "social_link", "data": []}}),
        json!({"plugin": {"name": "social_link"}}),
        json!({"plugin": "social_link", "connection": {"plugin": "other"}}),
    ] {
        assert_eq!(
            map_sign_in(200, status(200, None), data.clone()).unwrap().plugin.as_deref(),
            Some("social_link"),
            "{data}"
        );
    }
    let none = map_sign_in(200, status(200, None), json!({"connection": {"connection_token": SIGN_IN}})).unwrap();
    assert_eq!((&none.plugin, &record(&none).plugin), (&None, &None));
}

#[test]
fn encrypted_data_is_a_state_and_no_error() {
    for name in ["text", "object", "vault", "user", "beside"] {
        let c = read(&format!("oneall/connection-encrypted-{name}"));
        let identity = c.identity.as_ref().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(identity.state, IdentityState::Encrypted, "{name}");
        assert_eq!(identity.key, IdentityKey::Encrypted(sign_in_token()), "{name}");
        assert_eq!((&identity.provider_id, &identity.emails, &identity.profile), (&None, &None, &None), "{name}");
        assert_eq!(c.health.as_ref().unwrap().state, HealthState::Ok, "{name}");
        let known = matches!(name, "text" | "object" | "vault");
        assert_eq!(identity.user, known.then(user_token), "{name}");
    }
    let partly = json!({"user": {"identity": {"identity_token": IDENTITY, "provider": "x", "identity_vault": "y"}}});
    let identity = map_sign_in(200, status(200, None), partly).unwrap().identity.unwrap();
    assert_eq!((identity.state, &identity.key), (IdentityState::Encrypted, &IdentityKey::Token(identity_token())));
}

#[test]
fn a_response_about_another_sign_in_is_never_shown() {
    for other in [SEED, "****", "C0FFEE01-0000-4000-8000-000000000001"] {
        let data = json!({"connection": {"connection_token": other}});
        let error = map_sign_in(200, status(200, None), data.clone()).unwrap_err();
        assert_eq!(error, "connection_token: the response is about another sign-in");
        assert!(map_sign_in(200, status(401, None), data).is_err(), "not even a failed one");
    }
}

#[test]
fn a_response_without_a_sign_in_is_an_error_unless_it_failed() {
    for data in [json!({"connection": ["text"]}), json!({"connection": "text", "plugin": []}), json!({"other": {}})] {
        let error = map_sign_in(200, status(200, None), data.clone()).unwrap_err();
        assert_eq!(error, "result.data: expected a sign-in", "{data}");
        let failed = map_sign_in(200, status(401, None), data).unwrap();
        assert_eq!(failed.health.unwrap().state, HealthState::Failed);
    }
}

#[test]
fn empty_lists_replace_empty_maps() {
    let c = read("oneall/empty-maps");
    let identity = c.identity.as_ref().unwrap();
    assert_eq!((identity.service.as_deref(), &identity.name), (Some("twitter"), &None));
    assert_eq!(record(&c).plugin.as_ref().unwrap().key, "social_login");
}

#[test]
fn an_identity_without_a_valid_key_is_absent() {
    let data = json!({"user": {"user_token": USER, "identity": {"identity_token": "a/b"}}});
    let c = map_sign_in(200, status(200, None), data).unwrap();
    assert_eq!((&c.identity, record(&c).user.as_ref()), (&None, Some(&user_token())));
    let data = json!({"user": {"uuid": USER, "user_token": "a/b"}});
    assert_eq!(record(&map_sign_in(200, status(200, None), data).unwrap()).user, None);
}
