//! What an edge's arguments change in its reads: a provider that is left out is not asked, and neither is one that cannot
//! tell what a filter or an order asks for.
//!
//! Only what is sure to hold when the operation runs may spare a read here; in doubt the read counts.

use std::fmt::Write;

use async_graphql::Name;
use async_graphql::indexmap::IndexMap;
use async_graphql_value::ConstValue;

use super::edges::{Edge, Read};

/// Arguments with which OneAll's list is not asked.
struct Refused {
    parent: &'static str,
    field: &'static str,
    argument: &'static str,
    key: &'static str,
    /// With which values; none is any that is given.
    values: &'static [&'static str],
}

const fn refused(field: &'static str, argument: &'static str, key: &'static str) -> Refused {
    Refused { parent: "Query", field, argument, key, values: &[] }
}

const REFUSED: &[Refused] = &[
    refused("connections", "filter", "service"),
    refused("connections", "filter", "state"),
    refused("connections", "filter", "needsAttention"),
    Refused { values: &["SERVICE", "LABEL"], ..refused("connections", "orderBy", "field") },
    refused("identities", "filter", "service"),
];

/// An argument with which an edge makes other reads than it makes else.
struct Other {
    parent: &'static str,
    field: &'static str,
    argument: &'static str,
    key: &'static str,
    reads: &'static [Read],
}

const OTHER: &[Other] = &[Other {
    parent: "Query",
    field: "identity",
    argument: "by",
    key: "account",
    reads: &[Read::Once("/me/keyring-connections"), Read::Once("/users/{token}.json")],
}];

/// What an edge reads, given its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrowed {
    reads: &'static [Read],
    wordpress: bool,
    /// Whether OneAll has a part; without it no row of a page is bare.
    pub oneall: bool,
}

impl Narrowed {
    /// The reads that are left.
    pub fn reads(self) -> impl Iterator<Item = Read> {
        let is_oneall = |read: &Read| read.name().ends_with(".json");
        self.reads.iter().copied().filter(move |read| if is_oneall(read) { self.oneall } else { self.wordpress })
    }
}

/// Finds what the arguments of an edge leave of its reads; `argument` gives an argument's value, variables filled in.
pub fn narrow(edge: &'static Edge, mut argument: impl FnMut(&str) -> Option<ConstValue>) -> Narrowed {
    let is_it = |parent: &str, field: &str| edge.parent == parent && edge.field == field;
    let other = OTHER.iter().find(|other| is_it(other.parent, other.field));
    let other = other.filter(|other| given(argument(other.argument).as_ref(), other.key).is_some());
    let reads = other.map_or(edge.reads, |other| other.reads);
    let filter = argument("filter");
    let wanted = given(filter.as_ref(), "provider").map(words);
    let asks = |provider: &str| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == provider));
    let is_refused = REFUSED.iter().filter(|refused| is_it(refused.parent, refused.field)).any(|refused| {
        let value = argument(refused.argument);
        let value = given(value.as_ref(), refused.key).map(words);
        value.is_some_and(|words| refused.values.is_empty() || words.iter().any(|w| refused.values.contains(&&**w)))
    });
    Narrowed { reads, wordpress: asks("WORDPRESS"), oneall: asks("ONEALL") && !is_refused }
}

/// A field of an input object, if it is given and not null.
fn given<'v>(value: Option<&'v ConstValue>, key: &str) -> Option<&'v ConstValue> {
    let fields: &IndexMap<Name, ConstValue> = match value? {
        ConstValue::Object(fields) => fields,
        _ => return None,
    };
    fields.get(key).filter(|value| **value != ConstValue::Null)
}

/// The words of an enum's value, or of a list of them; a variable brings them as text.
fn words(value: &ConstValue) -> Vec<String> {
    match value {
        ConstValue::List(items) => items.iter().flat_map(words).collect(),
        ConstValue::Enum(name) => vec![name.to_string()],
        ConstValue::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// The table for a person to read.
pub fn list() -> String {
    let mut text = String::new();
    let mut line = |edge: String, rest: String| {
        let _ = writeln!(text, "{edge:<38} {rest}");
    };
    line("every list with filter.provider".to_owned(), "a provider that it leaves out is not asked".to_owned());
    for Refused { parent, field, argument, key, values } in REFUSED {
        let values = if values.is_empty() { String::new() } else { format!(" {}", values.join(" or ")) };
        line(format!("{parent}.{field}"), format!("with {argument}.{key}{values} OneAll is not asked"));
    }
    for Other { parent, field, argument, key, reads } in OTHER {
        let reads: Vec<_> = reads.iter().map(|read| read.name()).collect();
        line(format!("{parent}.{field}"), format!("with {argument}.{key} it reads {}", reads.join(", ")));
    }
    text
}
