//! Connected applications: the documented sample, both names of each renamed field, and missing fields.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::super::payload::tests::decoded;
use super::super::tests::skipped_rows;
use super::*;
use crate::model::{DateTime, Url};

#[test]
fn every_field_of_the_documented_sample_is_mapped() {
    let (seed, skipped) = application(decoded("seeds/wordpress-connected-application.json")).unwrap();
    assert_eq!(skipped, []);
    assert_eq!(seed.key, ApplicationKey::Connected(ApplicationId(8367271)));
    assert_eq!((seed.provider, seed.provider_id.as_str()), (Provider::WordPress, "8367271"));
    assert_eq!(seed.name.as_deref(), Some("VaultPress"));
    assert_eq!(seed.icon_url, Url::parse("https://img.example/2012/10/wpcc-vp-logo.png?w=100"));
    assert_eq!(seed.url, Url::parse("http://vault.example/"));
    assert_eq!(seed.description.as_deref(), Some("Keeps copies of a site and watches over it."));
    assert_eq!(seed.authorized_at, DateTime::parse("2014-06-28T05:44:25Z"));
    assert_eq!((seed.oauth_version, seed.site), (None, None));
    // An empty scope without a site: its reach is unknown.
    assert_eq!(seed.access, Some(ApplicationAccess { kind: ApplicationAccessKind::Unknown, scope: None }));
    let permissions: Vec<_> = seed.permissions.iter().map(|p| (p.name.as_str(), p.risk)).collect();
    assert_eq!(
        permissions,
        [
            ("users", PermissionRisk::Personal),
            ("posts", PermissionRisk::Write),
            ("comments", PermissionRisk::Write),
            ("taxonomy", PermissionRisk::Write),
            ("follow", PermissionRisk::Write),
            ("notifications", PermissionRisk::Personal),
            ("stats", PermissionRisk::Read),
            ("media", PermissionRisk::Write),
        ]
    );
    assert_eq!(seed.permissions[0].description.as_deref(), Some("Reads who you are."));
}

#[test]
fn the_site_has_two_names_and_may_be_false() {
    let list = application_list(decoded("wordpress/application-list.json"));
    assert_eq!(skipped_rows(&list), ["connected_applications[2].authorized: expected a date"]);
    let sites: Vec<_> = list.rows.iter().map(|row| row.site.as_ref().map(|site| site.key.0)).collect();
    let bound = [Some(7700126); 3];
    assert_eq!(sites[..6], [Some(7700123), None, None, Some(7700124), Some(7700125), None]);
    assert_eq!(sites[6..], bound);
    let fen = list.rows[0].site.as_ref().unwrap();
    assert_eq!((fen.name.as_deref(), fen.complete), (Some("Fen Notes"), false));
    assert_eq!(fen.url, Url::parse("http://fen.example"));
    let unnamed = list.rows[3].site.as_ref().unwrap();
    assert_eq!((&unnamed.name, &unnamed.url), (&None, &None));
}

#[test]
fn the_scope_and_the_site_decide_the_reach() {
    let list = application_list(decoded("wordpress/application-list.json"));
    let access: Vec<_> =
        list.rows.iter().map(|row| row.access.as_ref().unwrap()).map(|a| (a.kind, a.scope.as_deref())).collect();
    assert_eq!(
        access,
        [
            (ApplicationAccessKind::Site, None),
            (ApplicationAccessKind::Global, Some("global")),
            (ApplicationAccessKind::IdentityOnly, Some("auth")),
            (ApplicationAccessKind::Site, None),
            (ApplicationAccessKind::Site, None),
            (ApplicationAccessKind::Unknown, Some("posts,media")),
            // The scope of a single site, as `token-info` returns it and as a client requests it.
            (ApplicationAccessKind::Site, Some("posts,media")),
            (ApplicationAccessKind::Site, Some("posts media")),
            (ApplicationAccessKind::Unknown, Some("posts unheard-of")),
        ]
    );
}

#[test]
fn the_id_has_two_names_and_an_empty_field_is_absent() {
    let list = application_list(decoded("wordpress/application-list.json"));
    let ids: Vec<_> = list.rows.iter().map(|row| row.provider_id.as_str()).collect();
    assert_eq!(ids, ["610001", "610002", "610003", "610004", "610005", "610006", "610007", "610008", "610009"]);
    assert_eq!(list.rows[0].oauth_version.as_deref(), Some("2.0"));
    assert_eq!(list.rows[0].permissions[1].description, None);
    let field = &list.rows[1];
    assert_eq!((&field.icon_url, &field.url, &field.description), (&None, &None, &None));
    assert!(field.permissions.is_empty());
    let gate = &list.rows[2];
    assert_eq!((&gate.url, gate.authorized_at), (&None, None));
    assert!(gate.permissions.is_empty());
}

#[test]
fn an_invalid_row_or_permission_is_skipped_alone() {
    let list = application_list(decoded("wordpress/application-bad-rows.json"));
    let [only] = list.rows.as_slice() else { panic!("{list:?}") };
    let permissions: Vec<_> = only.permissions.iter().map(|p| (p.name.as_str(), p.risk)).collect();
    assert_eq!(permissions, [("posts", PermissionRisk::Write), ("unheard-of", PermissionRisk::Unknown)]);
    assert_eq!(
        skipped_rows(&list),
        [
            "connected_applications[0]: ID: expected a number or digits",
            "connected_applications[1]: not an object",
            "connected_applications[2]: ID: expected a number or digits",
            "connected_applications[3].permissions[1]: name: expected text",
            "connected_applications[3].permissions[2]: not an object",
        ]
    );
}

#[test]
fn every_documented_scope_has_a_risk() {
    for scope in [
        "users",
        "sites",
        "posts",
        "comments",
        "taxonomy",
        "follow",
        "sharing",
        "freshly-pressed",
        "notifications",
        "insights",
        "read",
        "stats",
        "media",
        "menus",
        "batch",
        "videos",
        "global",
        "auth",
    ] {
        assert_ne!(risk(scope), PermissionRisk::Unknown, "{scope}");
    }
    assert_eq!(risk("Posts"), PermissionRisk::Unknown);
}
