//! Settings from environment variables: which variables are settings, and which type of value each text becomes.
//!
//! The environment has only text. A text that reads as a number or as `true` or `false` becomes that type where the setting
//! requires it, and stays text where the setting takes text.

use toml::{Table, Value};

use super::Settings;
use super::error::{Error, InvalidSetting};
use super::error_text;

/// What the names of the gateway's environment variables begin with; `__` parts the levels behind it.
pub const VARIABLE_PREFIX: &str = "COMMONGRAPH_";

/// The variables that the command reads by itself, without their prefix; none of them is a setting.
const VARIABLES_OF_COMMAND: [&str; 4] = ["CONFIG", "LISTEN", "ONEALL_USER", "WORDPRESS_TOKEN"];

/// The gateway's own variables that are set, in the order of their names.
pub(super) fn own_variables(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_own =
        |name: &str| name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| !VARIABLES_OF_COMMAND.contains(&rest));
    let mut own: Vec<_> = environment.filter(|(name, text)| is_own(name) && !text.is_empty()).collect();
    own.sort();
    own
}

pub(super) fn variable_path(name: &str, text: &str) -> Result<Vec<String>, Error> {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    if rest.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(Error::new(&format!("{name}: no such setting; names of variables are in capitals")));
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::new(&format!("{name}: is not UTF-8 text")));
    }
    Ok(rest.split("__").map(str::to_ascii_lowercase).collect())
}

/// Finds the value that a variable's text stands for: the first of text, number and truth value that the setting
/// takes.
pub(super) fn parse_value(path: &[String], text: String) -> Result<Value, InvalidSetting> {
    let number = text.parse().ok().map(Value::Integer);
    let truth = text.parse().ok().map(Value::Boolean);
    let mut invalid = InvalidSetting::new("", "");
    for value in [Some(Value::String(text)), number, truth].into_iter().flatten() {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match Settings::decode(alone) {
            Ok(_) => return Ok(value),
            // What is allowed is said of the text; any other kind of value is further off.
            Err(_) if error_text::is_choice(&invalid.problem) => {}
            Err(found) => invalid = found,
        }
    }
    let key = path.join(".");
    if error_text::is_unknown(&invalid.problem) {
        invalid.problem.push_str("; two underscores part the levels");
    } else if invalid.key != key {
        invalid = InvalidSetting::new(key, format!("no such setting; {} has none below it", invalid.key));
    }
    Err(invalid)
}

pub(super) fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            table.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            if let Value::Table(inner) = table.entry(name).or_insert_with(|| Value::Table(Table::new())) {
                insert(inner, rest, value);
            }
        }
    }
}
