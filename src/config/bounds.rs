//! The schema of the settings, and the check of every number against its range.
//!
//! The range of a number is at its field, as `#[schemars(range(…))]`, and nowhere else: the check and
//! `docs/configuration.md` both read it from the schema. The check reads the TOML tables, so it sees only what is set.
//! A test checks that the defaults are within their ranges.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Schema;
use toml::{Table, Value};

use super::Settings;
use super::error::InvalidSetting;

/// The JSON Schema of the settings: the name, type, default, range and description of each, nested as in the TOML file.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let inline = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        inline.into_generator().into_root_schema_for::<Settings>().to_value()
    })
}

/// Checks every number in the tables of the settings against the range of its field.
///
/// # Errors
/// The first number that is out of range, by its setting.
pub(super) fn check(settings: &Table) -> Result<(), InvalidSetting> {
    check_table("", settings, schema())
}

fn check_table(prefix: &str, table: &Table, schema: &Schema) -> Result<(), InvalidSetting> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let field = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
        match value {
            Value::Table(inner) => check_table(&key, inner, field)?,
            Value::Integer(number) => check_number(&key, *number, field)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_number(key: &str, number: i64, field: &Schema) -> Result<(), InvalidSetting> {
    let bound = |name: &str| field[name].as_i64();
    match (bound("minimum"), bound("maximum")) {
        (Some(min), Some(max)) if !(min..=max).contains(&number) => {
            Err(InvalidSetting::new(key, format!("out of range; allowed: {min} to {max}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Calls `visit` with the name and the schema of every setting that is not a table.
    fn each_setting(prefix: &str, schema: &Schema, visit: &mut impl FnMut(&str, &Schema)) {
        let Some(properties) = schema["properties"].as_object() else { return visit(prefix, schema) };
        for (name, field) in properties {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            each_setting(&key, field, visit);
        }
    }

    #[test]
    fn every_number_has_a_range_that_holds_its_default() {
        let mut numbers = 0;
        each_setting("", schema(), &mut |key, field| {
            if field["type"] == "integer" {
                numbers += 1;
                let (min, max) = (field["minimum"].as_i64(), field["maximum"].as_i64());
                let default = field["default"].as_i64().unwrap();
                assert!(min.unwrap() <= default && default <= max.unwrap(), "{key}: {field}");
            }
        });
        assert!(numbers > 60, "only {numbers} found");
    }

    #[test]
    fn a_number_out_of_range_is_rejected_by_name_at_any_depth() {
        let error = |text: &str| check(&text.parse().unwrap()).err().map(|invalid| (invalid.key, invalid.problem));
        let expected = ("oneall.upstream.retries_max".to_owned(), "out of range; allowed: 0 to 5".to_owned());
        assert_eq!(error("oneall.upstream.retries_max = 6"), Some(expected));
        assert_eq!(error("oneall.upstream.retries_max = 5"), None);
        assert_eq!(error("limits.keys_max = 1000"), None);
        assert!(error("limits.keys_max = 999").is_some());
    }
}
