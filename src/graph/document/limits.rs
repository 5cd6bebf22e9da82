//! How large a document may be, and what it may cost. Every limit is a setting: it can be raised, up to a bound that the
//! gateway can still carry, and never removed.

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

impl Limits {
    /// The name and the value of every limit.
    fn list(&self) -> [(&'static str, usize); 19] {
        [
            ("bytes_max", self.bytes_max),
            ("tokens_max", self.tokens_max),
            ("nesting_max", self.nesting_max),
            ("depth_max", self.depth_max),
            ("introspection_depth_max", self.introspection_depth_max),
            ("introspection_lists_max", self.introspection_lists_max),
            ("introspections_max", self.introspections_max),
            ("aliases_max", self.aliases_max),
            ("root_fields_max", self.root_fields_max),
            ("mutations_max", self.mutations_max),
            ("field_directives_max", self.field_directives_max),
            ("directives_max", self.directives_max),
            ("expanded_max", self.expanded_max),
            ("selections_max", self.selections_max),
            ("repeats_max", self.repeats_max),
            ("list_entries_max", self.list_entries_max),
            ("calls_max", self.calls_max),
            ("rows_max", self.rows_max),
            ("errors_max", self.errors_max),
        ]
    }

    /// Refuses what goes over a limit, named as in the settings; `what` says what was counted.
    ///
    /// # Errors
    /// LIMIT_EXCEEDED, with the limit, its value and what the document has.
    pub fn hold(&self, limit: &'static str, has: usize, what: &str) -> Result<(), Error> {
        let Some((_, max)) = self.list().into_iter().find(|(name, _)| *name == limit) else { return Ok(()) };
        if has <= max {
            return Ok(());
        }
        let has_text = if has == usize::MAX { "more than can be counted".to_owned() } else { has.to_string() };
        let message = format!("{what}: the document has {has_text}, the limit {limit} is {max}.");
        let exceeded = Box::new(Exceeded { limit, max, actual: has });
        Err(Error { exceeded: Some(exceeded), ..Error::new(ErrorCode::LimitExceeded, message) })
    }
}
