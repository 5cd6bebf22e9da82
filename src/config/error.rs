//! The error of the settings: one line that names the setting, where it was set, and what is wrong.

/// Why the settings cannot be used: one line, which never contains a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// Makes an error of a line. Control characters, as the name of a file or a variable may have, become spaces.
    pub(super) fn new(line: &str) -> Self {
        Self(line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.0
    }
}

/// A setting, and what is wrong with it. With the setting's source it becomes an [`Error`].
#[derive(Debug)]
pub(super) struct InvalidSetting {
    /// The dotted name of the setting.
    pub(super) key: String,
    /// What is wrong and what is allowed.
    pub(super) problem: String,
}

impl InvalidSetting {
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

/// Names a setting together with its source. Without a setting, names the source alone.
pub(super) fn with_source(key: &str, source: &str) -> String {
    if key.is_empty() { source.to_owned() } else { format!("{key} in {source}") }
}
