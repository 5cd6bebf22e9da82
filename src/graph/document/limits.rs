//! How large a document may be, and what it may cost. Every limit is a setting: it can be raised, up to a bound that the
//! gateway can still carry, and never removed.

use serde::Deserialize;

use crate::graph::error::{Code, Error, Exceeded};

/// What a document may have, at most. Where nothing else is said, things are counted after fragments are written out
/// and equal selections are merged.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of text, and of all arguments with every fragment written out.
    pub bytes_max: usize,
    /// Tokens of text.
    pub tokens_max: usize,
    /// How deep brackets of any kind may be nested in the text.
    pub nesting_max: usize,
    /// How deep fields may be nested.
    pub depth_max: usize,
    /// How deep fields may be nested in an introspection.
    pub introspection_depth_max: usize,
    /// How often an introspection may step from a type to a list of its members on one way down.
    pub introspection_lists_max: usize,
    /// Introspections of one operation: fields `__schema` and `__type`.
    pub introspections_max: usize,
    /// Fields under another name than their own.
    pub aliases_max: usize,
    /// Fields of an operation's root.
    pub root_fields_max: usize,
    /// Fields of a mutation's root: what one operation may change.
    pub mutations_max: usize,
    /// Directives of one field or fragment, in the text.
    pub field_directives_max: usize,
    /// Directives in the text.
    pub directives_max: usize,
    /// Selections with every fragment written out, before merging.
    pub expanded_max: usize,
    /// Selections.
    pub selections_max: usize,
    /// How often one field may be written in one place, before merging.
    pub repeats_max: usize,
    /// Entries of one list, in an argument or a variable.
    pub list_entries_max: usize,
    /// Calls to the providers that one operation may take, by the table of edges.
    pub calls_max: usize,
    /// Rows that one operation may bring, by the table of edges: those of each page, times the rows that it is asked for.
    pub rows_max: usize,
    /// Errors in one answer; the rest is counted in `extensions.errorsOmitted`.
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

/// A limit's name, its value, and the most that it can be set to.
pub type Setting = (&'static str, usize, usize);

impl Limits {
    /// Every limit. The bounds on `nesting_max` and on both depths keep within what the parser takes.
    pub fn list(&self) -> [Setting; 19] {
        [
            ("bytes_max", self.bytes_max, 1 << 20),
            ("tokens_max", self.tokens_max, 20_000),
            ("nesting_max", self.nesting_max, 60),
            ("depth_max", self.depth_max, 30),
            ("introspection_depth_max", self.introspection_depth_max, 30),
            ("introspection_lists_max", self.introspection_lists_max, 10),
            ("introspections_max", self.introspections_max, 100),
            ("aliases_max", self.aliases_max, 10_000),
            ("root_fields_max", self.root_fields_max, 1_000),
            ("mutations_max", self.mutations_max, 20),
            ("field_directives_max", self.field_directives_max, 100),
            ("directives_max", self.directives_max, 1_000),
            ("expanded_max", self.expanded_max, 50_000),
            ("selections_max", self.selections_max, 50_000),
            ("repeats_max", self.repeats_max, 10_000),
            ("list_entries_max", self.list_entries_max, 10_000),
            ("calls_max", self.calls_max, 10_000),
            ("rows_max", self.rows_max, 10_000_000),
            ("errors_max", self.errors_max, 1_000),
        ]
    }

    /// Refuses what goes over a limit, named as in the settings; `what` says what was counted.
    ///
    /// # Errors
    /// LIMIT_EXCEEDED, with the limit, its value and what the document has.
    pub fn hold(&self, limit: &'static str, has: usize, what: &str) -> Result<(), Error> {
        let Some((_, max, _)) = self.list().into_iter().find(|(name, ..)| *name == limit) else { return Ok(()) };
        if has <= max {
            return Ok(());
        }
        let has_text = if has == usize::MAX { "more than can be counted".to_owned() } else { has.to_string() };
        let message = format!("{what}: the document has {has_text}, the limit {limit} is {max}.");
        let exceeded = Box::new(Exceeded { limit, max, has });
        Err(Error { exceeded: Some(exceeded), ..Error::own(Code::LimitExceeded, message) })
    }
}
