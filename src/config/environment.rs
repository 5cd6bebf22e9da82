//! Settings from environment variables: which variables are settings, and which type of value each text becomes.
//!
//! The environment has only text. Text that reads as a number, or as `true` or `false`, is converted where the setting
//! requires that type. Everywhere else it stays text.

use toml::{Table, Value};

use super::Settings;
use super::error::{Error, InvalidSetting};
use super::error_text;

/// The prefix of the gateway's environment variables. After it, `__` separates the levels of a setting's name.
pub(crate) const VARIABLE_PREFIX: &str = "COMMONGRAPH_";

/// The variables that the commands read themselves, without their prefix. None of them is a setting.
const COMMAND_VARIABLES: [&str; 4] = ["CONFIG", "LISTEN", "ONEALL_USER", "WORDPRESS_TOKEN"];

/// The variables that set a setting, in the order of their names. Empty variables count as unset.
pub(super) fn own_variables(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_own = |name: &str| name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| !COMMAND_VARIABLES.contains(&rest));
    let mut own: Vec<_> = environment.filter(|(name, text)| is_own(name) && !text.is_empty()).collect();
    own.sort();
    own
}

/// The path of the setting that a variable sets.
///
/// # Errors
/// One line, if the name is not in upper case or the text is not UTF-8.
pub(super) fn variable_path(name: &str, text: &str) -> Result<Vec<String>, Error> {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    if rest.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(Error::new(&format!("{name}: no such setting; names of variables are in upper case")));
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::new(&format!("{name}: is not UTF-8 text")));
    }
    Ok(rest.split("__").map(str::to_ascii_lowercase).collect())
}

/// Parses the text of a variable: as text, as a number or as `true` or `false`, whichever the setting takes first.
///
/// # Errors
/// What is wrong with the text, or that there is no such setting.
pub(super) fn parse_value(path: &[String], text: String) -> Result<Value, InvalidSetting> {
    let number = text.parse().ok().map(Value::Integer);
    let truth = text.parse().ok().map(Value::Boolean);
    let mut invalid = InvalidSetting::new("", "");
    for value in [Some(Value::String(text)), number, truth].into_iter().flatten() {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match Settings::decode(alone) {
            Ok(_) => return Ok(value),
            // For text, the error lists the allowed values. The errors for other types say less.
            Err(_) if error_text::lists_values(&invalid.problem) => {}
            Err(found) => invalid = found,
        }
    }
    let key = path.join(".");
    if error_text::is_unknown(&invalid.problem) {
        invalid.problem.push_str("; two underscores separate the levels");
    } else if invalid.key != key {
        invalid = InvalidSetting::new(key, format!("no such setting; {} is not a table", invalid.key));
    }
    Err(invalid)
}

/// Sets the value at a path, and creates the tables on the way.
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
