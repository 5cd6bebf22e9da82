//! Users, with each format of the list of identities.

use super::*;
use crate::model::IdentityState;
use crate::model::user::OneAllUserEntry;

fn read(name: &str) -> OneAllUserEntry {
    user(user_token(), data(&format!("oneall/user-{name}"))).unwrap().entry.unwrap()
}

fn keys(entry: &OneAllUserEntry) -> Vec<&str> {
    entry.identities.iter().filter_map(|identity| identity.provider_id.as_deref()).collect()
}

#[test]
fn every_field_of_a_user_is_mapped() {
    let user = user(user_token(), data("oneall/user-full")).unwrap();
    assert_eq!(user.key, user_token());
    let entry = user.entry.unwrap();
    assert_eq!(text(entry.created_at).as_deref(), Some("2011-09-01T09:01:12Z"), "with a wrong weekday");
    assert_eq!(text(entry.last_login_at).as_deref(), Some("2011-08-25T11:38:21Z"), "without a plus");
    assert_eq!(entry.login_count, Some(64), "a number as text");
    let [first, second] = &entry.identities[..] else { panic!("two identities") };
    assert_eq!((first.user.as_ref(), first.complete), (Some(&user_token()), true));
    assert_eq!(first.profile.as_ref().unwrap().utc_offset.as_deref(), Some("2:00"));
    assert_eq!(second.emails.as_ref().unwrap()[0].verified, Some(true));
}

#[test]
fn identities_are_read_in_every_format() {
    for (name, number) in
        [("full", 2), ("wrapped", 2), ("wrapped-lone", 1), ("lone", 1), ("indexed", 2), ("no-identities", 0)]
    {
        let entry = read(name);
        assert_eq!(entry.identities.len(), number, "{name}");
        assert!(entry.identities.iter().all(|identity| identity.complete), "{name}");
        assert_eq!(entry.login_count, Some(64), "{name}");
    }
}

#[test]
fn a_full_identity_replaces_the_short_reference_to_it() {
    let entry = read("short");
    assert_eq!((keys(&entry), entry.login_count), (vec![IDENTITY], Some(148)));
    assert_eq!(entry.identities[0].display_name.as_deref(), Some("Ada"));
}

#[test]
fn an_invalid_or_repeated_identity_is_skipped_alone() {
    assert_eq!(keys(&read("bad-identities")), ["beadle03-0000-4000-8000-000000000004"]);
}

#[test]
fn a_response_about_another_user_is_never_shown() {
    for other in [json!({"user_token": "other"}), json!({"uuid": "other"})] {
        let error = user(user_token(), inline(&json!({ "user": other }))).unwrap_err();
        assert_eq!(error, "user_token: the response is about another user");
    }
    for none in [json!({}), json!({"user": []}), json!({"user": false})] {
        assert!(user(user_token(), inline(&none)).is_err(), "{none}");
    }
    let nameless = user(user_token(), inline(&json!({"user": {"num_logins": 99_999_999_999_u64}}))).unwrap();
    assert_eq!((nameless.key, nameless.entry.unwrap().login_count), (user_token(), None));
}

#[test]
fn encrypted_data_of_a_user_is_a_state_and_no_error() {
    let fields = json!({"identity_token": IDENTITY});
    let has_encrypted = json!({"identity_token": IDENTITY, "identity_vault": {"data": "CANARY"}});
    for (answer, shown) in [
        (json!({"user": "CANARY"}), 0),
        (json!({"user_vault": "CANARY"}), 0),
        (json!({"user": {"user_token": USER, "user_vault": "CANARY", "identities": [fields]}}), 1),
        (json!({"user": {"user_token": USER, "identities": ["CANARY", fields]}}), 1),
        (json!({"user": {"user_token": USER, "identities": "CANARY"}}), 0),
        (json!({"user": {"user_token": USER, "identities": [has_encrypted]}}), 1),
        (json!({"user": {"user_token": USER, "identity": "CANARY"}}), 0),
    ] {
        let found = user(user_token(), inline(&answer)).unwrap();
        assert!(!format!("{found:?}").contains("CANARY"), "{answer}");
        let entry = found.entry.unwrap();
        assert_eq!(entry.state, IdentityState::Encrypted, "{answer}");
        assert_eq!((entry.identities.len(), &entry.skipped), (shown, &vec![]), "{answer}");
        let watched = entry
            .identities
            .iter()
            .all(|row| (row.state == IdentityState::Encrypted) == (answer["user"]["identities"][0] == has_encrypted));
        assert!(watched, "{answer}");
    }
    assert_eq!(read("full").state, IdentityState::Readable);
}
