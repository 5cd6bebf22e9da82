//! The limits of a document's size and cost. Every limit is a setting with an upper bound that the gateway can still
//! serve, so a limit can be raised but never removed.
//!
//! Code names a limit by the enum `Limit`. A misspelled limit does not compile, so it cannot be skipped silently.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::graph::error::{Error, ErrorCode, Exceeded};

/// The size and the cost of one document. Unless a description says otherwise, things are counted after fragments are
/// expanded and equal selections are merged.
///
/// The bounds of `nesting_max` and of both depths keep documents within what the parser accepts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The size of the document text, and of all arguments after fragments are expanded, in bytes.
    #[schemars(range(min = 1, max = 1 << 20))]
    pub bytes_max: usize,
    /// Tokens in the document text.
    #[schemars(range(min = 1, max = 20_000))]
    pub tokens_max: usize,
    /// Nested brackets of any kind in the document text.
    #[schemars(range(min = 1, max = 60))]
    pub nesting_max: usize,
    /// Nested fields.
    #[schemars(range(min = 1, max = 30))]
    pub depth_max: usize,
    /// Nested fields in an introspection query.
    #[schemars(range(min = 1, max = 30))]
    pub introspection_depth_max: usize,
    /// Nested lists of schema members in an introspection query.
    #[schemars(range(min = 1, max = 10))]
    pub introspection_lists_max: usize,
    /// `__schema` and `__type` fields in one operation.
    #[schemars(range(min = 1, max = 100))]
    pub introspections_max: usize,
    /// Aliases.
    #[schemars(range(min = 1, max = 10_000))]
    pub aliases_max: usize,
    /// Root fields of one operation.
    #[schemars(range(min = 1, max = 1_000))]
    pub root_fields_max: usize,
    /// Mutations in one operation.
    #[schemars(range(min = 1, max = 20))]
    pub mutations_max: usize,
    /// Directives on one field or fragment.
    #[schemars(range(min = 1, max = 100))]
    pub field_directives_max: usize,
    /// Directives in the document text.
    #[schemars(range(min = 1, max = 1_000))]
    pub directives_max: usize,
    /// Selections after fragments are expanded, before equal selections are merged.
    #[schemars(range(min = 1, max = 50_000))]
    pub expanded_max: usize,
    /// Selections.
    #[schemars(range(min = 1, max = 50_000))]
    pub selections_max: usize,
    /// How often one field may occur in one selection set, before equal selections are merged.
    #[schemars(range(min = 1, max = 10_000))]
    pub repeats_max: usize,
    /// Entries of one list in an argument or a variable.
    #[schemars(range(min = 1, max = 10_000))]
    pub list_entries_max: usize,
    /// Provider calls: the highest expected cost of one operation, and the most calls that it may make.
    #[schemars(range(min = 1, max = 10_000))]
    pub calls_max: usize,
    /// Rows that one operation may return: the rows of each page, times the rows that ask for it.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub rows_max: usize,
    /// Errors in one response. `extensions.errorsOmitted` counts the rest.
    #[schemars(range(min = 1, max = 1_000))]
    pub errors_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 32 << 10,
            tokens_max: 2_000,
            nesting_max: 40,
            depth_max: 12,
            introspection_depth_max: 20,
            introspection_lists_max: 2,
            introspections_max: 5,
            aliases_max: 30,
            root_fields_max: 20,
            mutations_max: 5,
            field_directives_max: 3,
            directives_max: 20,
            expanded_max: 5_000,
            selections_max: 1_000,
            repeats_max: 200,
            list_entries_max: 100,
            calls_max: 150,
            rows_max: 20_000,
            errors_max: 20,
        }
    }
}

/// A limit of one document, checked with [`Limits::ensure_within`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Bytes of the document text.
    Bytes,
    /// Bytes of arguments after fragments are expanded.
    ArgumentBytes,
    /// Tokens.
    Tokens,
    /// Nested brackets.
    Nesting,
    /// Nested fields.
    Depth,
    /// Nested fields of introspection.
    IntrospectionDepth,
    /// Nested member lists of introspection.
    IntrospectionLists,
    /// Introspection fields.
    Introspections,
    /// Aliases.
    Aliases,
    /// Root fields.
    RootFields,
    /// Mutations.
    Mutations,
    /// Directives on one field or fragment.
    FieldDirectives,
    /// Directives.
    Directives,
    /// Selections after fragments are expanded.
    Expanded,
    /// Selections after equal selections are merged.
    Selections,
    /// Repetitions of one field.
    Repeats,
    /// Entries of one list.
    ListEntries,
    /// Provider calls.
    Calls,
    /// Rows.
    Rows,
}

impl Limit {
    /// The name of the setting.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Limit::Bytes | Limit::ArgumentBytes => "bytes_max",
            Limit::Tokens => "tokens_max",
            Limit::Nesting => "nesting_max",
            Limit::Depth => "depth_max",
            Limit::IntrospectionDepth => "introspection_depth_max",
            Limit::IntrospectionLists => "introspection_lists_max",
            Limit::Introspections => "introspections_max",
            Limit::Aliases => "aliases_max",
            Limit::RootFields => "root_fields_max",
            Limit::Mutations => "mutations_max",
            Limit::FieldDirectives => "field_directives_max",
            Limit::Directives => "directives_max",
            Limit::Expanded => "expanded_max",
            Limit::Selections => "selections_max",
            Limit::Repeats => "repeats_max",
            Limit::ListEntries => "list_entries_max",
            Limit::Calls => "calls_max",
            Limit::Rows => "rows_max",
        }
    }

    /// What is counted, for the error message.
    fn subject(self) -> &'static str {
        match self {
            Limit::Bytes => "Bytes",
            Limit::ArgumentBytes => "Bytes of arguments after fragments are expanded",
            Limit::Tokens => "Tokens",
            Limit::Nesting => "Nested brackets",
            Limit::Depth => "Nested fields",
            Limit::IntrospectionDepth => "Nested fields of introspection",
            Limit::IntrospectionLists => "Nested lists of introspection",
            Limit::Introspections => "Introspection fields",
            Limit::Aliases => "Aliases",
            Limit::RootFields => "Root fields",
            Limit::Mutations => "Mutations",
            Limit::FieldDirectives => "Directives on one field",
            Limit::Directives => "Directives",
            Limit::Expanded => "Selections after fragments are expanded",
            Limit::Selections => "Selections",
            Limit::Repeats => "Repetitions of one field",
            Limit::ListEntries => "Entries of the longest list",
            Limit::Calls => "Provider calls",
            Limit::Rows => "Rows of all pages and lists",
        }
    }
}

impl Limits {
    /// The maximum that a limit allows.
    fn max(&self, limit: Limit) -> usize {
        match limit {
            Limit::Bytes | Limit::ArgumentBytes => self.bytes_max,
            Limit::Tokens => self.tokens_max,
            Limit::Nesting => self.nesting_max,
            Limit::Depth => self.depth_max,
            Limit::IntrospectionDepth => self.introspection_depth_max,
            Limit::IntrospectionLists => self.introspection_lists_max,
            Limit::Introspections => self.introspections_max,
            Limit::Aliases => self.aliases_max,
            Limit::RootFields => self.root_fields_max,
            Limit::Mutations => self.mutations_max,
            Limit::FieldDirectives => self.field_directives_max,
            Limit::Directives => self.directives_max,
            Limit::Expanded => self.expanded_max,
            Limit::Selections => self.selections_max,
            Limit::Repeats => self.repeats_max,
            Limit::ListEntries => self.list_entries_max,
            Limit::Calls => self.calls_max,
            Limit::Rows => self.rows_max,
        }
    }

    /// Rejects a document whose `actual` value exceeds `limit`.
    ///
    /// # Errors
    /// LIMIT_EXCEEDED with the setting, its value and the actual value.
    pub(super) fn ensure_within(&self, limit: Limit, actual: usize) -> Result<(), Error> {
        let max = self.max(limit);
        if actual <= max {
            return Ok(());
        }
        let subject = limit.subject();
        let setting = limit.setting();
        let count = if actual == usize::MAX { "too many to count".to_owned() } else { actual.to_string() };
        let message = format!("{subject}: the document has {count}, which exceeds the limit of {max} (`{setting}`).");
        let exceeded = Box::new(Exceeded { limit: setting, max, actual });
        Err(Error { exceeded: Some(exceeded), ..Error::new(ErrorCode::LimitExceeded, message) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ALL: [Limit; 19] = [
        Limit::Bytes,
        Limit::ArgumentBytes,
        Limit::Tokens,
        Limit::Nesting,
        Limit::Depth,
        Limit::IntrospectionDepth,
        Limit::IntrospectionLists,
        Limit::Introspections,
        Limit::Aliases,
        Limit::RootFields,
        Limit::Mutations,
        Limit::FieldDirectives,
        Limit::Directives,
        Limit::Expanded,
        Limit::Selections,
        Limit::Repeats,
        Limit::ListEntries,
        Limit::Calls,
        Limit::Rows,
    ];

    #[test]
    fn each_limit_is_enforced_with_the_value_of_its_setting() {
        for limit in ALL {
            let mut settings = schemars::schema_for!(Limits);
            let default = settings.remove("properties").unwrap()[limit.setting()]["default"].as_u64();
            let max = Limits::default().max(limit);
            assert_eq!(default, Some(max as u64), "{limit:?}");
            assert_eq!(Limits::default().ensure_within(limit, max), Ok(()), "{limit:?}");
            let error = Limits::default().ensure_within(limit, max + 1).unwrap_err();
            let expected = Exceeded { limit: limit.setting(), max, actual: max + 1 };
            assert_eq!(error.exceeded.as_deref(), Some(&expected), "{limit:?}");
        }
    }
}
