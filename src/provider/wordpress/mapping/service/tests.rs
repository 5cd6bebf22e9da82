//! The catalogue of services as a map and as a list.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::super::payload::tests::decoded;
use super::super::tests::skipped_rows;
use super::*;
use crate::model::Url;

#[test]
fn every_field_of_a_service_is_mapped() {
    let facebook = service(decoded("wordpress/service.json")).unwrap();
    let expected = ServiceEntry {
        slug: "facebook".to_owned(),
        label: Some("Facebook".to_owned()),
        kind: Some("publicize".to_owned()),
        description: Some("Shows your posts on your page.".to_owned()),
        icon_url: Url::parse("http://img.example/fb-2x.png"),
        genericon: Some("facebook-alt".to_owned()),
        connect_url: Url::parse("https://public-api.example/connect/?action=request&kr_nonce=x&service=facebook")
            .map(OneTimeLink::Known),
        supports_multiple_accounts: Some(true),
        additional_accounts_only: Some(true),
        jetpack_support: Some(true),
        jetpack_module: Some("publicize".to_owned()),
        status: None,
    };
    assert_eq!(facebook, expected);
}

#[test]
fn the_catalogue_can_be_a_map_whose_keys_replace_missing_slugs() {
    let list = service_list(decoded("wordpress/services-map.json"));
    let slugs: Vec<_> = list.rows.iter().map(|row| row.slug.as_str()).collect();
    assert_eq!(slugs, ["tumblr", "facebook", "twitter"]);
    assert_eq!(list.rows[0].genericon.as_deref(), Some("tumblr"));
    assert!(list.rows[1].connect_url.is_some());
    let twitter = &list.rows[2];
    assert_eq!((twitter.status.as_deref(), twitter.genericon.as_deref()), (Some("unsupported"), Some("twitter")));
    assert!(twitter.connect_url.is_some());
    assert_eq!(
        skipped_rows(&list),
        ["services[3]: ID: expected a service's name", "services[mailchimp]: not an object"]
    );
}

#[test]
fn the_catalogue_can_be_a_list_or_empty() {
    let list = service_list(decoded("wordpress/services-list.json"));
    let slugs: Vec<_> = list.rows.iter().map(|row| row.slug.as_str()).collect();
    assert_eq!(slugs, ["tumblr", "facebook"]);
    let wrong = "ID: expected a service's name";
    assert_eq!(skipped_rows(&list), [2, 3, 4].map(|place| format!("services[{place}]: {wrong}")));
    assert!(service_list(decoded("wordpress/services-empty.json")).rows.is_empty());
}
