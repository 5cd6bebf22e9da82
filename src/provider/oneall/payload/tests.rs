//! The deserializers: every format of a node, and what each one holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::de::DeserializeOwned;

use super::*;
use crate::model::Provider;
use crate::provider::{Error, lenient};

fn decode<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    lenient::decode(Provider::OneAll, json.as_bytes())
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    decode(json).unwrap()
}

fn tokens(json: &str) -> Vec<Option<String>> {
    let token = |row: MaybeEncrypted<Identity>| match row {
        MaybeEncrypted::Plain(identity) => identity.fields.identity_token.text(),
        MaybeEncrypted::Encrypted => Some("sealed".to_owned()),
        MaybeEncrypted::Absent => None,
    };
    read::<Identities>(json).0.readable().filter(|row| *row != MaybeEncrypted::Absent).map(token).collect()
}

#[test]
fn a_plugin_has_four_formats() {
    for json in [r#""social_link""#, r#"{"key":"social_link"}"#, r#"{"name":"social_link"}"#] {
        assert_eq!(read::<Plugin>(json).key.as_deref(), Some("social_link"), "{json}");
    }
    for none in ["null", "[]", "{}", "false", r#"{"data":[]}"#] {
        assert_eq!(read::<Plugin>(none), Plugin::default(), "{none}");
    }
    let plugin: Plugin = read(r#"{"key":"social_login","data":{"status":"error"}}"#);
    assert_eq!(plugin.data.status.text().as_deref(), Some("error"));
}

#[test]
fn identities_have_five_formats() {
    for json in [
        r#"[{"identity_token":"a"}]"#,
        r#"{"identity":[{"identity_token":"a"}]}"#,
        r#"{"identity":{"identity_token":"a"}}"#,
        r#"{"identity_token":"a"}"#,
        r#"{"3":{"identity_token":"a"}}"#,
    ] {
        assert_eq!(tokens(json), [Some("a".to_owned())], "{json}");
    }
    for none in ["null", "[]", "{}", "\"\"", "3", r#"{"identity":null}"#, r#"{"identity":""}"#] {
        assert_eq!(tokens(none), [], "{none}");
    }
    for sealed in [r#""x""#, r#"["x"]"#, r#"{"identity":"x"}"#, r#"{"identity":["x"]}"#] {
        assert_eq!(tokens(sealed), [Some("sealed".to_owned())], "{sealed}");
    }
}

#[test]
fn a_list_has_three_formats() {
    let row = r#"{"connection_token":"a"}"#;
    for json in [
        format!("[{row}]"),
        format!(r#"{{"count":1,"entries":[{row}]}}"#),
        format!(r#"{{"pagination":{{"current_page":1}},"entries":[{row}]}}"#),
        format!(r#"{{"pagination":[],"entries":{{"0":{row}}}}}"#),
    ] {
        assert_eq!(read::<PagedList<ConnectionEntry>>(&json).entries.readable().count(), 1, "{json}");
    }
}

#[test]
fn a_list_needs_its_entries() {
    for wrong in [r#"{"count":2}"#, r#"{"count":2,"entries":null}"#, r#"{"entries":false}"#, "null", "{}"] {
        assert!(decode::<PagedList<ConnectionEntry>>(wrong).is_err(), "{wrong}");
    }
    assert_eq!(read::<PagedList<ConnectionEntry>>(r#"{"count":0,"entries":[]}"#).entries.readable().count(), 0);
}

#[test]
fn text_in_place_of_an_object_is_encrypted_and_dropped() {
    assert_eq!(read::<MaybeEncrypted<User>>(r#""c2VjcmV0""#), MaybeEncrypted::Encrypted);
    for none in ["null", "[]", "{}", "false", "0", "\"\"", "\" \"", "[1]", "7"] {
        assert_eq!(read::<MaybeEncrypted<User>>(none), MaybeEncrypted::Absent, "{none}");
    }
    assert!(matches!(read::<MaybeEncrypted<User>>(r#"{"a":1}"#), MaybeEncrypted::Plain(_)));
}

#[test]
fn a_non_empty_encrypted_field_is_detected_by_its_name() {
    for json in [r#"{"identity_vault":"x"}"#, r#"{"identity_vault_key":"x"}"#, r#"{"Encrypted_data":{"a":1}}"#] {
        assert!(read::<EncryptionAware<User>>(json).has_encrypted, "{json}");
    }
    for json in [r#"{"identity_vault":[]}"#, r#"{"is_encrypted":false}"#, r#"{"vault":null}"#, r#"{"identity":{}}"#] {
        assert!(!read::<EncryptionAware<User>>(json).has_encrypted, "{json}");
    }
}

#[test]
fn a_scalar_of_another_type_does_not_fail_an_identity() {
    for wrong in ["null", "false", "7", "1.5", "\"x\"", "[]", "[[]]", "{}", r#"{"a":{}}"#] {
        let fields = [
            "identity_token",
            "user_token",
            "date_creation",
            "provider",
            "source",
            "id",
            "displayName",
            "name",
            "pictureUrl",
            "roles",
            "relationship",
            "emails",
            "accounts",
            "photos",
            "addresses",
            "recommendations",
        ];
        for field in fields {
            read::<Identity>(&format!(r#"{{"{field}":{wrong}}}"#));
        }
    }
}
