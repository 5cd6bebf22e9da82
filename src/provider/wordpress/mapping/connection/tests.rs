//! Keyring and Publicize connections: the documented sample, and every variation of the two shapes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::super::payload::decode;
use super::super::super::payload::tests::decoded;
use super::super::tests::{now, skipped_rows};
use super::*;
use crate::model::{HealthActionKind, HealthState};

fn one(json: &str) -> Connection {
    connection(decode(json.as_bytes()).unwrap(), now()).unwrap().0
}

fn url(text: &str) -> Option<Url> {
    Some(Url::parse(text).unwrap())
}

fn date(text: &str) -> Option<DateTime> {
    Some(DateTime::parse(text).unwrap())
}

#[test]
fn every_field_of_the_documented_publicize_sample_is_mapped() {
    let (seed, skipped) = connection(decoded("seeds/wordpress-keyring-connection.json"), now()).unwrap();
    assert_eq!(skipped, []);
    let key = ConnectionKey::Publicize(PublicizeId { site: Some(SiteId(3584907)), id: 1234567 });
    let refresh = "https://public-api.example/connect/?action=request&kr_nonce=xxxxxxxxxx&nonce=xxxxxxxxxx&refresh=1\
                   &for=connect&service=twitter&kr_blog_nonce=xxxxxxxxxx&magic=keyring&blog=3584907";
    assert_eq!(seed.key, key);
    assert_eq!((seed.provider, seed.provider_id.as_str()), (Provider::WordPress, "1234567"));
    assert_eq!(seed.kind, ConnectionKind::Publicize);
    assert_eq!(seed.label.as_deref(), Some("Twitter"));
    assert_eq!(seed.service.as_deref(), Some("twitter"));
    assert_eq!(seed.created_at, date("2014-08-23T02:49:47Z"));
    assert_eq!(seed.expires_at, None);
    assert_eq!(seed.shared, Some(false));
    assert_eq!(seed.sites, [SiteId(3584907)]);
    assert_eq!((&seed.additional_accounts, &seed.plugin, seed.complete), (&Vec::new(), &None, true));
    let health = seed.health.unwrap();
    assert_eq!((health.state, health.action, health.reason), (HealthState::Ok, None, None));
    assert_eq!(health.provider_status.as_deref(), Some("ok"));
    let base = "https://public-api.example/rest/v1.1/sites/3584907/publicize-connections/1234567";
    let record = PublicizeRecord {
        publicize_connection_id: "1234567".into(),
        site_id: Some("3584907".into()),
        user_id: Some("12345678".into()),
        keyring_connection_id: Some("1234567".into()),
        keyring_user_id: Some("12345678".into()),
        refresh_url: url(refresh).map(OneTimeLink::Known),
        help_url: url(&format!("{base}/help")),
        self_url: url(base),
        site: Some(SiteId(3584907)),
        keyring: Some(KeyringId(1234567)),
    };
    assert_eq!(seed.record, ConnectionRecord::Publicize(record));
    let account = seed.identity.unwrap();
    assert_eq!(account.key, IdentityKey::External(key));
    assert_eq!((account.provider_id.as_deref(), account.state), (None, crate::model::IdentityState::Readable));
    assert_eq!(account.service.as_deref(), Some("twitter"));
    assert_eq!(account.subject.as_deref(), Some("15919116"));
    assert_eq!(account.display_name.as_deref(), Some("@automattic"));
    assert_eq!(account.username.as_deref(), Some("Automattic"));
    assert_eq!(account.profile_url, url("http://profile.example/automattic"));
    let picture = "https://img.example/profile_images/453860857923923968/Rg_FuLjK_400x400.png";
    assert_eq!(account.picture_url, url(picture));
    assert_eq!(account.follower_count, Some(24103));
    assert_eq!((&account.emails, &account.profile, account.complete), (&None, &None, true));
}

#[test]
fn a_keyring_list_has_additional_accounts_and_sites() {
    let list = keyring_list(decoded("wordpress/keyring-list.json"), now());
    assert_eq!(skipped_rows(&list), Vec::<String>::new());
    let [mastodon, facebook, bare] = list.rows.as_slice() else { panic!("{list:?}") };
    assert_eq!(mastodon.key, ConnectionKey::Keyring(KeyringId(51001)));
    assert_eq!((mastodon.kind, mastodon.shared), (ConnectionKind::Keyring, None));
    assert_eq!(mastodon.sites, [SiteId(7700123), SiteId(7700124)]);
    let ConnectionRecord::Keyring(record) = &mastodon.record else { panic!("{mastodon:?}") };
    assert_eq!(record.keyring_connection_id, Some("51001".into()));
    assert_eq!(record.user_id.as_ref().unwrap().as_str(), "40417");
    assert_eq!((record.kind.as_deref(), record.show_linkedin_warning), (Some("publicize"), None));
    assert!(record.refresh_url.is_some());
    let account = mastodon.identity.as_ref().unwrap();
    assert_eq!(account.subject.as_deref(), Some("110022003300440055"));
    assert_eq!(account.username.as_deref(), Some("@heron@fen.example"));
    assert_eq!(account.display_name, account.username);

    assert_eq!(facebook.provider_id, "51002");
    assert_eq!((&facebook.label, facebook.created_at), (&None, None));
    assert_eq!(facebook.expires_at, date("2026-01-31T00:00:00Z"));
    let account = facebook.identity.as_ref().unwrap();
    assert_eq!((account.display_name.as_deref(), account.username.as_deref()), (Some("Ada Reed"), None));
    let health = facebook.health.as_ref().unwrap();
    assert_eq!(health.state, HealthState::Broken);
    let action = health.action.as_ref().unwrap();
    assert_eq!((action.kind, &action.url), (HealthActionKind::Reconnect, &None));
    let ConnectionRecord::Keyring(record) = &facebook.record else { panic!("{facebook:?}") };
    assert_eq!((record.kind.as_deref(), record.show_linkedin_warning), (Some("other"), Some(false)));
    let [bakery, cafe, books] = facebook.additional_accounts.as_slice() else { panic!("{facebook:?}") };
    assert_eq!((bakery.subject.as_deref(), bakery.category.as_deref()), (Some("220011"), Some("Bakery")));
    assert_eq!((&bakery.picture_url, &bakery.description), (&None, &None));
    assert_eq!((cafe.description.as_deref(), &cafe.category), (Some("Tea and cake."), &None));
    assert_eq!(cafe.picture_url, url("https://img.example/cafe.png"));
    assert_eq!((books.name.as_deref(), &books.subject), (Some("Reed Books"), &None));

    assert_eq!((&bare.identity, bare.expires_at), (&None, None));
    assert_eq!((bare.sites.len(), bare.additional_accounts.len()), (0, 0));
    assert_eq!(bare.health.as_ref().unwrap().state, HealthState::Unknown);
}

#[test]
fn a_keyring_item_with_publicize_fields_stays_keyring() {
    let (item, _) = connection(decoded("wordpress/keyring-single.json"), now()).unwrap();
    assert_eq!((item.kind, item.shared), (ConnectionKind::Keyring, None));
    assert_eq!(item.created_at, date("2024-03-09T08:15:00Z"));
    assert_eq!(item.health.unwrap().state, HealthState::Expiring);
    let account = item.identity.unwrap();
    assert_eq!(account.subject.as_deref(), Some("did:plc:fen0heron0reed"));
    assert_eq!(account.username.as_deref(), Some("heron.fen.example"));
    assert_eq!(account.picture_url, None);
}

#[test]
fn an_invalid_row_is_skipped_alone() {
    let list = keyring_list(decoded("wordpress/keyring-bad-rows.json"), now());
    let ids: Vec<_> = list.rows.iter().map(|row| row.provider_id.as_str()).collect();
    assert_eq!(ids, ["51001", "51007"]);
    assert_eq!(list.rows[1].additional_accounts.len(), 1);
    let reported = skipped_rows(&list);
    assert_eq!(reported.iter().filter(|note| note.starts_with("connections[7]: not JSON at line 1")).count(), 1);
    let rest: Vec<_> = reported.iter().map(String::as_str).filter(|note| !note.starts_with("connections[7]")).collect();
    assert_eq!(
        rest,
        [
            "connections[0].sites[1]: expected a number or digits",
            "connections[0].sites[2]: expected a number or digits",
            "connections[1]: not an object",
            "connections[2]: ID: expected a number or digits",
            "connections[3]: ID: expected a number or digits",
            "connections[4]: ID: expected a number or digits",
            "connections[5]: not an object",
            "connections[6]: not an object",
            "connections[8].additional_external_users[1]: not an object",
            "connections[8].additional_external_users[2]: not an object",
        ]
    );
}

#[test]
fn a_repeated_site_is_listed_once() {
    let sites: Vec<String> = (0..100_000).map(|n| (50_000 - n % 50_000).to_string()).collect();
    let row = one(&format!(r#"{{"ID":1,"site_ID":7,"sites":[{}]}}"#, sites.join(",")));
    let expected: Vec<_> = [7].into_iter().chain((1..=50_000).rev().filter(|site| *site != 7)).map(SiteId).collect();
    assert_eq!(row.sites, expected);
}

#[test]
fn a_row_of_a_publicize_list_needs_no_site() {
    let list = publicize_list(decoded("wordpress/publicize-list.json"), now());
    let [page, bare] = list.rows.as_slice() else { panic!("{list:?}") };
    assert_eq!(page.key, ConnectionKey::Publicize(PublicizeId { site: Some(SiteId(7700123)), id: 88001 }));
    assert_eq!((page.shared, page.expires_at), (Some(true), None));
    let ConnectionRecord::Publicize(record) = &page.record else { panic!("{page:?}") };
    assert_eq!((&record.user_id, record.keyring), (&None, Some(KeyringId(51002))));
    assert!(record.self_url.is_some() && record.help_url.is_some());
    let health = page.health.as_ref().unwrap();
    assert_eq!((health.state, &health.provider_status), (HealthState::Unknown, &None));
    let account = page.identity.as_ref().unwrap();
    assert_eq!((account.follower_count, &account.profile_url, &account.username), (None, &None, &None));
    assert_eq!(bare.key, ConnectionKey::Publicize(PublicizeId { site: None, id: 88002 }));
    assert_eq!((bare.shared, bare.sites.len()), (None, 0));
}

#[test]
fn a_user_name_is_a_handle_or_differs_from_the_display_name() {
    for (name, display, expected) in [
        (Some("Automattic"), Some("@automattic"), Some("Automattic")),
        (Some("@heron@fen.example"), Some("@heron@fen.example"), Some("@heron@fen.example")),
        (Some("heron.fen.example"), Some("heron.fen.example"), Some("heron.fen.example")),
        (Some("Ada Reed"), Some("Ada Reed"), None),
        (Some("Ada Reed"), Some("Ada of the Fen"), Some("Ada Reed")),
        (Some("Reed"), Some("Reed"), None),
        (Some("Reed Inc."), Some("Reed Inc."), None),
        (Some("Reed..."), None, None),
        (Some("@reed"), None, Some("@reed")),
        (None, Some("@reed"), None),
    ] {
        assert_eq!(username(name, display).as_deref(), expected, "{name:?} {display:?}");
    }
}

#[test]
fn only_an_integer_is_a_numeric_subject() {
    let subject = |json: &str| one(json).identity.and_then(|account| account.subject.clone());
    assert_eq!(subject(r#"{"ID":1,"external_ID":990011}"#).as_deref(), Some("990011"));
    let rounded = r#"{"ID":1,"external_ID":110022003300440055110022,"external_name":"x"}"#;
    assert_eq!(subject(rounded), None);
}

#[test]
fn an_invalid_date_is_absent_and_reported() {
    let read = |date: &str| {
        let json = format!(r#"{{"ID":1,"issued":{date},"expires":{date},"status":"ok"}}"#);
        let (item, skipped) = connection(decode(json.as_bytes()).unwrap(), now()).unwrap();
        assert_eq!((item.created_at, item.expires_at), (None, None), "{date}");
        (item.health.unwrap().state, skipped.into_iter().map(|it| it.path).collect::<Vec<_>>())
    };
    for never in ["false", "\"\"", "null", "[]", "0", "\"0000-00-00 00:00:00\""] {
        assert_eq!(read(never), (HealthState::Ok, vec![]), "{never}");
    }
    // An unreadable expiry date may have passed.
    for date in ["\"soon\"", "true", "7", "\"2026-13-01 00:00:00\""] {
        assert_eq!(read(date), (HealthState::Unknown, vec!["issued".to_owned(), "expires".to_owned()]), "{date}");
    }
}

#[test]
fn an_item_without_its_id_is_an_error_that_names_the_field() {
    for json in ["{}", r#"{"ID":false}"#, r#"{"ID":0}"#, r#"{"ID":"x"}"#, r#"{"id":"7"}"#] {
        let fault = connection(decode(json.as_bytes()).unwrap(), now()).unwrap_err();
        assert_eq!(fault, "ID: expected a number or digits", "{json}");
    }
}
