//! `/me` in both of its variants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::super::payload::decode;
use super::super::super::payload::tests::decoded;
use super::*;
use crate::model::{DateTime, Url};

#[test]
fn every_field_of_the_owner_is_mapped_without_secrets() {
    let (user, skipped) = me(decoded("wordpress/me.json")).unwrap();
    let expected = WordPressUser {
        user_id: "40417".into(),
        username: Some("adareed".to_owned()),
        display_name: Some("Ada Reed".to_owned()),
        email: Some("ada@fen.example".to_owned()),
        email_verified: Some(true),
        avatar_url: Url::parse("https://img.example/a.png"),
        profile_url: Url::parse("http://profile.example/ada"),
        language: Some("en".to_owned()),
        created_at: DateTime::parse("2011-04-05T06:07:08Z"),
        site_count: Some(3),
        token_scope: vec!["global".to_owned()],
        token_site_id: None,
        primary_site: Some(SiteId(7700123)),
    };
    assert_eq!((user, skipped), (expected, Vec::new()));
}

#[test]
fn a_scope_can_be_text_and_false_is_absent() {
    let (user, _) = me(decoded("wordpress/me-scope-text.json")).unwrap();
    assert_eq!(user.token_scope, ["posts", "media", "stats"]);
    assert_eq!(user.token_site_id, Some("7700123".into()));
    assert_eq!((user.primary_site, &user.language, user.created_at), (None, &None, None));
    assert_eq!((user.site_count, user.email_verified), (None, Some(true)));
}

#[test]
fn an_owner_without_an_id_is_an_error_that_names_the_field() {
    assert_eq!(me(decode(b"{}").unwrap()), Err("ID: expected a number or digits".to_owned()));
}
