//! Which JSON decodes and which does not. Also loads the fixtures for the mapping tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;
use serde::de::{Deserializer, Visitor, value};

use super::super::{ME_FIELDS, SITE_FIELDS};
use super::*;

/// The bytes of a fixture, such as `wordpress/me.json`.
pub(in crate::provider::wordpress) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// A decoded fixture.
pub(in crate::provider::wordpress) fn decoded<T: DeserializeOwned>(name: &str) -> T {
    decode(&fixture(name)).unwrap()
}

/// Any JSON. Most of its keys are keys of a payload.
pub(in crate::provider::wordpress) fn any_json(keys: &'static [&'static str]) -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        (0_u16..700).prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2} ?[0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(serde_json::Value::from),
        "[0-9]{1,25}|https?://[a-z.]{1,9}|ok|global|authorization_required".prop_map(serde_json::Value::from),
    ];
    let value = scalar.prop_recursive(4, 48, 6, move |inner| {
        let key = prop_oneof![4 => prop::sample::select(keys).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    });
    value.prop_map(|value| value.to_string())
}

#[test]
fn a_response_without_its_list_is_not_an_empty_list() {
    let applications = |body: &[u8]| decode::<ApplicationList>(body).map(|list| list.connected_applications.0.len());
    assert_eq!(applications(br#"{"connected_applications":[]}"#), Ok(0));
    assert!(applications(&fixture("wordpress/list-success.json")).is_err());
    assert!(applications(&fixture("wordpress/list-emptied-by-fields.json")).is_err());
    for body in [
        "null",
        "false",
        "{}",
        r#"{"error":"not_found"}"#,
        r#"{"connected_applications":null}"#,
        r#"{"connected_applications":false}"#,
        r#"{"connected_applications":"secret"}"#,
        r#"{"connections":[]}"#,
        "",
        "<html>secret</html>",
        r#"{"connected_applications":[{"ID":"1""#,
        r#"{"connected_applications":[]} secret"#,
        r#"{"connected_applications":[],"connected_applications":[]}"#,
        "\u{feff}{\"connected_applications\":[]}",
        "\"secret\"",
    ] {
        let fault = applications(body.as_bytes()).unwrap_err();
        assert!(!fault.detail.contains("secret"), "{fault}");
    }
}

#[test]
fn each_list_accepts_only_its_own_wrapper() {
    assert!(decode::<ConnectionList>(br#"{"connections":[]}"#).is_ok());
    assert!(decode::<Services>(br#"{"services":[]}"#).is_ok());
    assert!(decode::<Services>(br#"{"services":{}}"#).is_ok());
    assert!(decode::<Sites>(br#"{"sites":[]}"#).is_ok());
    for other in [br#"{"groups":[]}"#.as_slice(), br#"{"success":true}"#, b"[]"] {
        assert!(decode::<ConnectionList>(other).is_err());
        assert!(decode::<Services>(other).is_err());
        assert!(decode::<Sites>(other).is_err());
    }
}

#[test]
fn a_list_is_no_item() {
    for body in ["[]", "[51001]", r#"[{"ID":51001}]"#] {
        let fault = decode::<Connection>(body.as_bytes()).unwrap_err();
        assert_eq!((fault.reason, fault.detail.as_str()), (Reason::Malformed, NOT_AN_OBJECT), "{body}");
    }
}

#[test]
fn words_are_read_from_a_list_or_from_text() {
    let words = |json: &str| serde_json::from_str::<Words>(json).unwrap().into_words();
    assert_eq!(words(r#"["global"]"#), ["global"]);
    assert_eq!(words(r#""global""#), ["global"]);
    assert_eq!(words(r#""posts,media stats""#), ["posts", "media", "stats"]);
    assert_eq!(words(r#"["posts media", "", null, "stats"]"#), ["posts", "media", "stats"]);
    for none in ["null", "false", "\"\"", "[]", "{}", r#"{"a":"posts"}"#] {
        assert!(words(none).is_empty(), "{none}");
    }
}

/// Records the names of the fields that a payload reads.
struct Names<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_unit()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        self.0.extend(fields);
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields_of<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut names = Vec::new();
    let _ = T::deserialize(Names(&mut names));
    names.sort_unstable();
    names
}

#[test]
fn the_requested_fields_are_the_fields_that_are_read() {
    let asked = |fields: &'static str| {
        let mut names: Vec<_> = fields.split(',').collect();
        names.sort_unstable();
        names
    };
    assert_eq!(asked(ME_FIELDS), fields_of::<Me>());
    assert_eq!(asked(SITE_FIELDS), fields_of::<Site>());
}

#[test]
fn an_unrequested_secret_is_not_held() {
    let me: Me = decoded("wordpress/me.json");
    assert!(!format!("{me:?}").contains("secret"));
}

#[test]
fn a_response_with_deep_nesting_is_an_error() {
    for (open, close) in [("[", "]"), ("{\"meta\":", "}"), ("{\"connections\":[", "]}")] {
        let body = format!("{{\"connections\":{}1{}}}", open.repeat(50_000), close.repeat(50_000));
        let _ = decode::<ConnectionList>(body.as_bytes());
        let _ = decode::<Connection>(body.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_decode_or_do_not_but_never_panic(body in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode::<ConnectionList>(&body);
        let _ = decode::<Connection>(&body);
        let _ = decode::<Application>(&body);
        let _ = decode::<Services>(&body);
        let _ = decode::<Me>(&body);
    }
}

#[test]
fn extreme_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let maps = "{\"connections\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    for body in
        [deep.clone(), maps, format!("{{\"connections\":{deep}}}"), format!("{{\"connections\":[{{\"ID\":{deep}}}]}}")]
    {
        // An unmapped value is skipped at any depth, and a mapped one is rejected beyond serde_json's limit. Neither
        // recurses.
        if let Ok(list) = decode::<ConnectionList>(body.as_bytes()) {
            assert!(list.connections.0.len() <= 1);
        }
    }
}
