//! The schema of the settings, and the check of every number against its range.
//!
//! A range stands at its field, as `#[schemars(range(…))]`, and nowhere else: the check and `docs/configuration.md` both
//! read it from the schema. The check reads the TOML tables, so it sees only what is set. The defaults are within their
//! ranges by a test.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Schema;
use toml::{Table, Value};

use super::{Fault, Settings};

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
pub(super) fn check(settings: &Table) -> Result<(), Fault> {
    check_table("", settings, schema())
}

fn check_table(prefix: &str, table: &Table, schema: &Schema) -> Result<(), Fault> {
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

fn check_number(key: &str, number: i64, field: &Schema) -> Result<(), Fault> {
    let bound = |name: &str| field[name].as_i64();
    match (bound("minimum"), bound("maximum")) {
        (Some(min), Some(max)) if !(min..=max).contains(&number) => {
            Err(Fault::new(key, format!("out of range; allowed: {min} to {max}")))
        }
        _ => Ok(()),
    }
}

/// Checks that no attempt is longer than twice what its read or its operation may take.
///
/// An attempt that is cut off before half its time says nothing about the host, so a host that hangs would never open the
/// circuit breaker.
///
/// # Errors
/// The first attempt timeout that is too long.
pub(super) fn check_attempts(settings: &Settings) -> Result<(), Fault> {
    for (provider, upstream) in [("wordpress", &settings.wordpress.upstream), ("oneall", &settings.oneall.upstream)] {
        let timeout = format!("{provider}.upstream.timeout_ms");
        let deadline = "graph.deadline_ms".to_owned();
        for (name, most) in [(timeout, upstream.timeout_ms), (deadline, settings.graph.deadline_ms)] {
            if upstream.attempt_timeout_ms > most.saturating_mul(2) {
                let what = format!("is more than twice as long as {name}; a host that hangs may never be noticed");
                return Err(Fault::new(format!("{provider}.upstream.attempt_timeout_ms"), what));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Calls `visit` with the name and the schema of every setting that is no table.
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
    fn a_number_out_of_range_is_refused_by_name_at_any_depth() {
        let refused = |text: &str| check(&text.parse().unwrap()).err().map(|fault| (fault.key, fault.what));
        let expected = ("oneall.upstream.retries_max".to_owned(), "out of range; allowed: 0 to 5".to_owned());
        assert_eq!(refused("oneall.upstream.retries_max = 6"), Some(expected));
        assert_eq!(refused("oneall.upstream.retries_max = 5"), None);
        assert_eq!(refused("limits.keys_max = 1000"), None);
        assert!(refused("limits.keys_max = 999").is_some());
    }

    #[test]
    fn one_attempt_is_at_most_twice_as_long_as_a_read_or_an_operation() {
        let refused = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            check_attempts(&settings).err().map(|fault| (fault.key, fault.what))
        };
        let attempt = Settings::default().oneall.upstream.attempt_timeout_ms;
        assert!(refused(&|settings| settings.graph.deadline_ms = attempt / 2).is_none());
        let (key, what) = refused(&|settings| settings.graph.deadline_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "wordpress.upstream.attempt_timeout_ms");
        assert!(what.contains("graph.deadline_ms"), "{what}");
        let (key, what) = refused(&|settings| settings.oneall.upstream.timeout_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "oneall.upstream.attempt_timeout_ms");
        assert!(what.contains("oneall.upstream.timeout_ms"), "{what}");
    }
}
