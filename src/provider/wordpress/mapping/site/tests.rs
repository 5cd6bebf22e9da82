//! Sites with missing fields.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::super::payload::decode;
use super::super::super::payload::tests::decoded;
use super::super::tests::skipped_rows;
use super::*;
use crate::model::Url;

#[test]
fn a_site_may_lack_its_icon_and_name() {
    let list = site_list(decoded("wordpress/sites.json"));
    let [fen, marsh, nameless, moor] = list.rows.as_slice() else { panic!("{list:?}") };
    assert_eq!(fen.key, SiteId(7700123));
    assert_eq!((fen.name.as_deref(), fen.description.as_deref()), (Some("Fen Notes"), Some("Birds and reeds")));
    assert_eq!((&fen.url, fen.complete), (&Url::parse("https://fen.example"), true));
    assert_eq!(fen.icon_url, Url::parse("https://img.example/fen.png"));
    assert_eq!((&marsh.name, &marsh.description, &marsh.icon_url), (&None, &None, &None));
    assert_eq!((nameless.key, &nameless.name, &nameless.url), (SiteId(7700125), &None, &None));
    assert_eq!(moor.icon_url, Url::parse("https://img.example/moor.ico"));
    assert_eq!(skipped_rows(&list), ["sites[4]: ID: expected a number or digits"]);
    assert!(site_list(decode(br#"{"sites":[]}"#).unwrap()).rows.is_empty());
    assert!(site(decode(br#"{"ID":"fen.example"}"#).unwrap()).is_err());
}
