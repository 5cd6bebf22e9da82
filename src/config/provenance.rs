//! The provenance of settings: for each, the line of the file or the variable that set it. It has no values.

use std::collections::BTreeMap;

use super::error::{Error, InvalidSetting, with_source};

/// The source of each setting that was set, by the setting's dotted name.
#[derive(Debug, Default)]
pub(super) struct SourceMap(BTreeMap<String, String>);

impl SourceMap {
    /// Records where a setting was set. A later source replaces an earlier one.
    pub(super) fn set(&mut self, key: String, source: String) {
        self.0.insert(key, source);
    }

    /// Names a setting, with its source if it was set.
    pub(super) fn describe(&self, key: &str) -> String {
        self.0.get(key).map_or_else(|| key.to_owned(), |source| with_source(key, source))
    }

    /// Makes the error about a setting.
    pub(super) fn error(&self, invalid: InvalidSetting) -> Error {
        Error::new(&format!("{}: {}", self.describe(&invalid.key), invalid.problem))
    }
}
