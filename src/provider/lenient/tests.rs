//! Tests each type with every JSON value that may occur in its place.
#![allow(clippy::unwrap_used)]

use super::*;

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    decode(Provider::OneAll, json.as_bytes())
}

fn scalar(json: &str) -> Scalar {
    serde_json::from_str(json).unwrap_or_default()
}

#[test]
fn an_id_is_a_number_or_digits_but_never_a_fraction() {
    assert_eq!(scalar("51001").id(), Some(51001));
    assert_eq!(scalar("\"51001\"").id(), Some(51001));
    for bad in ["5.1", "-5", "0", "\"0\"", "\"5.0\"", "\"\"", "true", "[]", "1e3"] {
        assert_eq!(scalar(bad).id(), None, "{bad}");
    }
    assert_eq!(scalar("110022003300440055").text().as_deref(), Some("110022003300440055"));
}

#[test]
fn a_rounded_number_is_no_subject() {
    for (json, subject) in [
        ("18446744073709551615", Some("18446744073709551615")),
        ("-7", Some("-7")),
        ("\"123456789012345678901234567890\"", Some("123456789012345678901234567890")),
        ("123456789012345678901234567890", None),
        ("1.5", None),
        ("1e3", None),
        ("false", None),
    ] {
        assert_eq!(scalar(json).subject().as_deref(), subject, "{json}");
    }
}

#[test]
fn false_blank_and_empty_values_are_no_text() {
    for none in ["false", "null", "\"\"", "\" \"", "[]", "{}", "[1]", "{\"a\":[{}]}"] {
        assert_eq!(scalar(none).text(), None, "{none}");
    }
}

#[test]
fn a_boolean_has_four_spellings() {
    for yes in ["true", "1", "\"1\"", "\"true\""] {
        assert_eq!(scalar(yes).boolean(), Some(true), "{yes}");
    }
    for no in ["false", "0", "\"0\"", "\"false\""] {
        assert_eq!(scalar(no).boolean(), Some(false), "{no}");
    }
    assert_eq!(scalar("\"maybe\"").boolean(), None);
}

#[test]
fn an_invalid_row_does_not_affect_the_others() -> Result<(), Error> {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Item {
        name: String,
    }
    let rows: Rows<Item> = read(r#"[{"name":"a"},7,{"name":"b"}]"#)?;
    let keys: Vec<_> = rows.0.iter().map(|row| (row.key.as_str(), row.value.is_ok())).collect();
    assert_eq!(keys, [("0", true), ("1", false), ("2", true)]);
    let map: Rows<Item> = read(r#"{"x":{"name":"a"}}"#)?;
    assert_eq!(map.0[0].key, "x");
    for none in ["[]", "{}", "null", "false", "\"\"", "3"] {
        assert_eq!(read::<Rows<Item>>(none)?.0, [], "{none}");
    }
    Ok(())
}

#[test]
fn any_other_value_is_no_object() -> Result<(), Error> {
    for none in ["[]", "[[1]]", "null", "false", "\"x\"", "3", "-3", "1.5"] {
        assert_eq!(read::<MaybeObject<Scalar>>(none)?.0, None, "{none}");
    }
    Ok(())
}

#[test]
fn a_required_list_must_be_present() -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Wrapper {
        #[serde(deserialize_with = "required_rows")]
        rows: Rows<Scalar>,
    }
    for (json, rows) in [("[]", 0), ("{}", 0), ("[1,2]", 2), ("{\"a\":1}", 1)] {
        let wrapper: Wrapper = read(&format!("{{\"rows\":{json}}}"))?;
        assert_eq!(wrapper.rows.0.len(), rows, "{json}");
    }
    for none in ["{}", "{\"rows\":null}", "{\"rows\":false}", "{\"rows\":\"\"}", "{\"rows\":3}"] {
        assert!(read::<Wrapper>(none).is_err(), "{none}");
    }
    Ok(())
}

#[test]
fn all_rows_of_a_response_share_one_memory_limit() {
    let numbers = |rows: usize| format!("[{}]", vec!["1"; rows].join(","));
    let rows_max = ROWS_MEMORY_MAX / size_of::<Row<Scalar>>();
    for (rows, fits) in [(rows_max, true), (rows_max + 1, false)] {
        let list = read::<Rows<Scalar>>(&numbers(rows)).map(|list| list.0.len());
        assert_eq!(list.map_err(|error| error.reason), if fits { Ok(rows) } else { Err(Reason::TooLarge) });
    }

    let nested = |rows: usize| format!("[{0},{0},{0}]", numbers(rows));
    assert!(read::<Rows<Rows<Scalar>>>(&nested(rows_max / 4)).is_ok());
    // The last row exceeds the limit, and it is the last one of its list, so the list itself reads no further row.
    for rows in [rows_max / 3, rows_max / 2] {
        let error = read::<Rows<Rows<Scalar>>>(&nested(rows)).map(drop).unwrap_err();
        assert_eq!(error.reason, Reason::TooLarge);
    }
}

#[test]
fn the_first_object_of_a_list_can_replace_an_object() -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Wrapper {
        #[serde(deserialize_with = "object_or_first")]
        it: MaybeObject<Item>,
    }
    #[derive(Default, Deserialize, PartialEq, Debug)]
    #[serde(default)]
    struct Item {
        name: Scalar,
    }
    for json in [r#"{"name":7}"#, r#"[false,{"name":7},{"name":8}]"#, r#"[[{"name":8}],{"name":7}]"#] {
        assert_eq!(
            read::<Wrapper>(&format!("{{\"it\":{json}}}"))?.it.0,
            Some(Item { name: Scalar::Integer(7) }),
            "{json}"
        );
    }
    for none in ["[]", "[7]", "null", "false", "\"x\"", "3"] {
        assert_eq!(read::<Wrapper>(&format!("{{\"it\":{none}}}"))?.it.0, None, "{none}");
    }
    Ok(())
}
