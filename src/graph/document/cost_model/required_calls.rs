//! The calls that a field makes with its arguments. A provider is not called when the filter excludes it, or when it does
//! not support the filter or the order.
//!
//! A call may be removed only if the resolver certainly does not make it. In doubt, the call counts.

use async_graphql::Name;
use async_graphql::indexmap::IndexMap;
use async_graphql_value::ConstValue;

use super::field_cost::{FieldCost, ProviderCall};

/// An argument that OneAll's list does not support. With it, OneAll is not called.
#[derive(Debug)]
pub(super) struct UnsupportedByOneAll {
    /// The object type of the field.
    pub parent: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// The argument, which is an input object.
    pub argument: &'static str,
    /// The field of the input object.
    pub key: &'static str,
    /// The values that are not supported. Empty for all values.
    pub values: &'static [&'static str],
}

const fn unsupported(field: &'static str, argument: &'static str, key: &'static str) -> UnsupportedByOneAll {
    UnsupportedByOneAll { parent: "Query", field, argument, key, values: &[] }
}

/// The arguments that OneAll's lists do not support.
pub(super) const UNSUPPORTED_BY_ONEALL: &[UnsupportedByOneAll] = &[
    unsupported("connections", "filter", "service"),
    unsupported("connections", "filter", "state"),
    unsupported("connections", "filter", "needsAttention"),
    UnsupportedByOneAll { values: &["SERVICE", "LABEL"], ..unsupported("connections", "orderBy", "field") },
    unsupported("identities", "filter", "service"),
];

/// An argument that makes a field use other calls.
#[derive(Debug)]
pub(super) struct AlternativeCalls {
    /// The object type of the field.
    pub parent: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// The argument, which is an input object.
    pub argument: &'static str,
    /// The field of the input object.
    pub key: &'static str,
    /// The calls that are made instead.
    pub calls: &'static [ProviderCall],
}

/// The arguments that make a field use other calls.
pub(super) const ALTERNATIVE_CALLS: &[AlternativeCalls] = &[AlternativeCalls {
    parent: "Query",
    field: "identity",
    argument: "by",
    key: "account",
    calls: &[ProviderCall::PerOperation("/me/keyring-connections"), ProviderCall::PerOperation("/users/{token}.json")],
}];

/// The calls that a field makes with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph::document) struct RequiredCalls {
    calls: &'static [ProviderCall],
    wordpress: bool,
    /// Whether OneAll is called. Without it, no row of a page is partial.
    pub oneall: bool,
}

impl RequiredCalls {
    /// The calls.
    pub(in crate::graph::document) fn iter(self) -> impl Iterator<Item = ProviderCall> {
        let is_oneall = |call: &ProviderCall| call.path().ends_with(".json");
        self.calls.iter().copied().filter(move |call| if is_oneall(call) { self.oneall } else { self.wordpress })
    }
}

/// Returns the calls that a field makes. `argument` returns the value of an argument with its variables replaced.
pub(in crate::graph::document) fn required_calls(
    cost: &'static FieldCost,
    mut argument: impl FnMut(&str) -> Option<ConstValue>,
) -> RequiredCalls {
    let is_field = |parent: &str, field: &str| cost.parent == parent && cost.field == field;
    let alternative = ALTERNATIVE_CALLS.iter().find(|entry| is_field(entry.parent, entry.field));
    let alternative = alternative.filter(|entry| input_field(argument(entry.argument).as_ref(), entry.key).is_some());
    let calls = alternative.map_or(cost.calls, |entry| entry.calls);
    let filter = argument("filter");
    let providers = input_field(filter.as_ref(), "provider").map(enum_values);
    let includes = |provider: &str| providers.as_ref().is_none_or(|providers| providers.iter().any(|p| p == provider));
    let is_unsupported =
        UNSUPPORTED_BY_ONEALL.iter().filter(|entry| is_field(entry.parent, entry.field)).any(|entry| {
            let value = argument(entry.argument);
            let values = input_field(value.as_ref(), entry.key).map(enum_values);
            values.is_some_and(|values| entry.values.is_empty() || values.iter().any(|v| entry.values.contains(&&**v)))
        });
    RequiredCalls { calls, wordpress: includes("WORDPRESS"), oneall: includes("ONEALL") && !is_unsupported }
}

/// A field of an input object. `None` when it is missing or null.
fn input_field<'v>(value: Option<&'v ConstValue>, key: &str) -> Option<&'v ConstValue> {
    let fields: &IndexMap<Name, ConstValue> = match value? {
        ConstValue::Object(fields) => fields,
        _ => return None,
    };
    fields.get(key).filter(|value| **value != ConstValue::Null)
}

/// The names of an enum value or of a list of enum values. In a variable, an enum value is a string.
fn enum_values(value: &ConstValue) -> Vec<String> {
    match value {
        ConstValue::List(items) => items.iter().flat_map(enum_values).collect(),
        ConstValue::Enum(name) => vec![name.to_string()],
        ConstValue::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}
