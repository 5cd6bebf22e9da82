//! The mapping as a whole: every decoded payload is mapped, and a report of a skipped row contains no content.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use crate::model::DateTime;

use super::super::payload::tests::{any_json, decoded};
use super::super::payload::{self, decode};
use super::*;

/// The keys of all payloads.
const KEYS: &[&str] = &[
    "ID",
    "connection_ID",
    "site_ID",
    "keyring_connection_ID",
    "issued",
    "expires",
    "authorized",
    "external_ID",
    "external_name",
    "external_display",
    "external_profile_picture",
    "external_follower_count",
    "status",
    "refresh_URL",
    "sites",
    "additional_external_users",
    "meta",
    "links",
    "permissions",
    "name",
    "site",
    "blog",
    "site_name",
    "scope",
    "services",
    "genericon",
    "class",
    "connections",
    "connected_applications",
    "icon",
    "img",
    "token_scope",
    "token_site_id",
    "date",
];

/// The skipped rows of a list, as `path: detail`.
pub(super) fn skipped_rows<T>(list: &List<T>) -> Vec<String> {
    list.skipped.iter().map(|row| format!("{}: {}", row.path, row.detail)).collect()
}

pub(super) fn now() -> DateTime {
    DateTime::parse("2026-05-10T12:00:00Z").unwrap()
}

/// Decodes a text as each payload and maps it.
fn map_all(json: &str) {
    let body = json.as_bytes();
    let _ = decode::<payload::ConnectionList>(body).map(|list| keyring_list(list, now()));
    let _ = decode::<payload::ConnectionList>(body).map(|list| publicize_list(list, now()));
    let _ = decode::<payload::Connection>(body).map(|item| connection(item, now()));
    let _ = decode::<payload::ApplicationList>(body).map(application_list);
    let _ = decode::<payload::Application>(body).map(application);
    let _ = decode::<payload::Services>(body).map(service_list);
    let _ = decode::<payload::Service>(body).map(service);
    let _ = decode::<payload::Sites>(body).map(site_list);
    let _ = decode::<payload::Site>(body).map(site);
    let _ = decode::<payload::Me>(body).map(me);
}

#[test]
fn only_a_plain_word_of_a_map_key_enters_a_path() {
    let services: payload::Services = decoded("wordpress/services-map.json");
    let paths: Vec<_> = service_list(services).skipped.into_iter().map(|row| row.path).collect();
    assert_eq!(paths, ["services[3]", "services[mailchimp]"]);
}

#[test]
fn an_unknown_field_is_ignored() {
    let item = decode(br#"{"ID":51001,"show_linkedin_warning":false,"brand_new":[{"deep":1}]}"#).unwrap();
    assert!(connection(item, now()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn whatever_decodes_maps(json in any_json(KEYS)) {
        map_all(&json);
        for list in ["connections", "connected_applications", "services", "sites"] {
            map_all(&format!(r#"{{"{list}":{json}}}"#));
            let row = format!(r#"{{"ID":"7","sites":{json},"site":{json},"permissions":{json}}}"#);
            map_all(&format!(r#"{{"{list}":[{json},{row}]}}"#));
        }
    }

    #[test]
    fn a_note_holds_nothing_of_the_answer(secret in "[A-Z]{12}") {
        let json = format!(
            r#"{{"connections":[{{"ID":"{secret}"}},"{secret}",{{"ID":1,"sites":["{secret}"],
            "additional_external_users":["{secret}"]}}],"services":{{"{secret} ":{{"ID":"{secret}/"}}}}}}"#
        );
        let mut noted = skipped_rows(&keyring_list(decode(json.as_bytes()).unwrap(), now()));
        noted.extend(skipped_rows(&service_list(decode(json.as_bytes()).unwrap())));
        prop_assert_eq!(noted.len(), 5);
        prop_assert!(!noted.concat().contains(&secret), "{:?}", noted);
    }
}
