//! The settings file: reads it, parses it as TOML, and records the line of each setting.

use std::io;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::error::{Error, InvalidSetting};
use super::provenance::SourceMap;

/// The settings that take a list.
const LISTS: [&str; 4] = ["http.allowed_origins", "http.allowed_headers", "http.allowed_hosts", "http.trusted_proxies"];

/// Reads the text of a settings file.
///
/// # Errors
/// One line that names the file, if it does not exist or cannot be read.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(&format!("{}: file not found", path.display())),
        io::ErrorKind::InvalidData => Error::new(&format!("{}: is not UTF-8 text", path.display())),
        _ => Error::new(&format!("{}: cannot be read: {error}", path.display())),
    })
}

/// Parses the text of a settings file, and records where each of its settings is set.
///
/// # Errors
/// When the text is not TOML, with line and column, or when it has a list where none is allowed.
pub(super) fn parse(name: &str, text: &str, sources: &mut SourceMap) -> Result<Table, Error> {
    let tree = DeTable::parse(text).map_err(|error| {
        let (line, column) = position(text, &error.span().unwrap_or_default());
        Error::new(&format!("{name}:{line}:{column}: is not TOML: {}", error.message()))
    })?;
    let source = |span: &Range<usize>| format!("{name}:{}", position(text, span).0);
    record(sources, tree.get_ref(), "", &source).map_err(|invalid| sources.error(invalid))?;
    // Numbers are parsed last. The library's message quotes one that is too large, so it is not repeated here.
    toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, &error.span().unwrap_or_default());
        Error::new(&format!("{name}:{line}:{column}: a number is too large or not a number"))
    })
}

fn record(
    sources: &mut SourceMap,
    table: &DeTable<'_>,
    prefix: &str,
    source: &dyn Fn(&Range<usize>) -> String,
) -> Result<(), InvalidSetting> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        sources.set(key.clone(), source(&Spanned::span(name)));
        match value.get_ref() {
            DeValue::Table(inner) => record(sources, inner, &key, source)?,
            // serde would fill a table from a list, field by field.
            DeValue::Array(_) if !takes_list(&key) => {
                let lists = LISTS.join(", ");
                return Err(InvalidSetting::new(key, format!("is a list; only {lists} and a key's scopes take one")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn takes_list(key: &str) -> bool {
    LISTS.contains(&key) || (key.starts_with("access.keys.") && key.ends_with(".scopes"))
}

/// The line and the column at which a span starts, both counted from 1. A column is a character.
fn position(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
