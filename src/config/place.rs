//! Where each setting was set: a line of the file, or a variable. Knows names and lines, and no value.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::{Error, Fault, name_in};

/// The settings that take a list.
const LISTS: [&str; 4] = ["http.allowed_origins", "http.allowed_headers", "http.allowed_hosts", "http.trusted_proxies"];

/// The places of all settings that were set, by the setting's name with its dots.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, String>);

impl Places {
    /// Parses a file's text and keeps where each of its settings stands.
    ///
    /// # Errors
    /// When it is not TOML, with line and column, or holds a list where none is taken.
    pub(super) fn read(&mut self, name: &str, text: &str) -> Result<Table, Error> {
        let tree = DeTable::parse(text).map_err(|error| {
            let (line, column) = position(text, &error.span().unwrap_or_default());
            Error::new(&format!("{name}:{line}:{column}: is not TOML: {}", error.message()))
        })?;
        let place = |span: &Range<usize>| format!("{name}:{}", position(text, span).0);
        self.mark(tree.get_ref(), "", &place).map_err(|fault| self.blame(fault))?;
        // Numbers are the last thing to be read, and one that is too large is quoted in the library's message.
        toml::from_str(text).map_err(|error| {
            let (line, column) = position(text, &error.span().unwrap_or_default());
            Error::new(&format!("{name}:{line}:{column}: a number is too large or not a number"))
        })
    }

    fn mark(&mut self, table: &DeTable<'_>, above: &str, place: &dyn Fn(&Range<usize>) -> String) -> Result<(), Fault> {
        for (name, value) in table {
            let key = if above.is_empty() { name.get_ref().to_string() } else { format!("{above}.{}", name.get_ref()) };
            self.set(key.clone(), place(&Spanned::span(name)));
            match value.get_ref() {
                DeValue::Table(inner) => self.mark(inner, &key, place)?,
                // serde would fill a table from a list, field by field.
                DeValue::Array(_) if !takes_list(&key) => {
                    let lists = LISTS.join(", ");
                    return Err(Fault::new(key, format!("is a list; only {lists} and a key's scopes take one")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps that a setting was set there, over any earlier place.
    pub(super) fn set(&mut self, key: String, place: String) {
        self.0.insert(key, place);
    }

    /// Names a setting together with the place where it was set, if it was.
    pub(super) fn name(&self, key: &str) -> String {
        self.0.get(key).map_or_else(|| key.to_owned(), |place| name_in(key, place))
    }

    /// Makes the line about a setting.
    pub(super) fn blame(&self, fault: Fault) -> Error {
        Error::new(&format!("{}: {}", self.name(&fault.key), fault.what))
    }
}

fn takes_list(key: &str) -> bool {
    LISTS.contains(&key) || (key.starts_with("access.keys.") && key.ends_with(".scopes"))
}

/// The line and the column of a span's begin, both from 1; a column is a character.
fn position(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
