//! The size of a document after fragments are expanded, computed without expanding them: each fragment is measured once.
//!
//! Sums saturate. The sizes that are measured here bound the work of every later step, including the library's own.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as ConstValue};
use async_graphql_value::Value;

use crate::graph::error::Error;

/// The introspection fields that return the members of a type. Each member has a type again, so they can be nested.
const MEMBER_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// The size of a selection set after its fragments are expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Complexity {
    /// The number of fields and fragments.
    pub selections: usize,
    /// The maximum depth of nested fields, without introspection.
    pub depth: usize,
    /// The maximum depth of nested fields within introspection.
    pub introspection_depth: usize,
    /// The maximum depth of nested member lists.
    pub lists: usize,
    /// The maximum depth of nested member lists within introspection.
    pub introspection_lists: usize,
    /// The size of the arguments of fields and directives, in bytes. Never more than the length of their text.
    pub argument_bytes: usize,
}

/// The counts of a document before its fragments are expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceCounts {
    /// The number of directives.
    pub directives: usize,
    /// The maximum number of directives on one field or fragment.
    pub field_directives: usize,
    /// The length of the longest list.
    pub list_entries: usize,
}

impl Complexity {
    /// The size of two selections in the same selection set.
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            lists: self.lists.max(other.lists),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            argument_bytes: self.argument_bytes.saturating_add(other.argument_bytes),
        }
    }

    /// Adds the size of directives.
    fn with_directives(self, directives: &[Positioned<Directive>]) -> Self {
        let bytes = directives.iter().map(|directive| arguments_size(&directive.node.arguments)).sum();
        Self { argument_bytes: self.argument_bytes.saturating_add(bytes), ..self }
    }

    /// Adds the field whose selection set has this size.
    fn with_field(self, field: &Field) -> Self {
        let name = field.name.node.as_str();
        let selections = self.selections.saturating_add(1);
        let argument_bytes = self.argument_bytes.saturating_add(arguments_size(&field.arguments));
        let lists = self.lists + usize::from(MEMBER_LISTS.contains(&name));
        if matches!(name, "__schema" | "__type") {
            let introspection_depth = self.introspection_depth.max(self.depth + 1);
            let introspection_lists = self.introspection_lists.max(self.lists);
            return Self { selections, depth: 1, introspection_depth, lists: 0, introspection_lists, argument_bytes };
        }
        Self { selections, depth: self.depth + 1, lists, argument_bytes, ..self }
    }
}

/// Measures all operations of a document together.
///
/// # Errors
/// BAD_INPUT when a fragment spreads itself.
pub(super) fn measure(document: &ExecutableDocument) -> Result<Complexity, Error> {
    let mut fragments = FragmentSizes { document, sizes: HashMap::new() };
    let mut total = Complexity::default();
    for (_, operation) in document.operations.iter() {
        total = total.and(fragments.selection_set(&operation.node.selection_set.node)?);
    }
    // Validators also walk fragments that no operation uses.
    for (name, fragment) in &document.fragments {
        if !fragments.sizes.contains_key(name.as_str()) {
            total = total.and(fragments.selection_set(&fragment.node.selection_set.node)?);
        }
    }
    Ok(total)
}

/// The sizes of the fragments that were measured so far.
struct FragmentSizes<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being measured.
    sizes: HashMap<&'a str, Option<Complexity>>,
}

impl<'a> FragmentSizes<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Complexity, Error> {
        let mut total = Complexity::default();
        for item in &set.items {
            let size = match &item.node {
                Selection::Field(field) => self.selection_set(&field.node.selection_set.node)?.with_field(&field.node),
                Selection::InlineFragment(fragment) => self.fragment_body(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?,
            };
            total = total.and(size.with_directives(item.node.directives()));
        }
        Ok(total)
    }

    /// The size of a fragment's selection set, plus one for the fragment.
    fn fragment_body(&mut self, set: &'a SelectionSet) -> Result<Complexity, Error> {
        let size = self.selection_set(set)?;
        Ok(Complexity { selections: size.selections.saturating_add(1), ..size })
    }

    fn fragment(&mut self, name: &'a str) -> Result<Complexity, Error> {
        match self.sizes.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Error::bad_input("A fragment spreads itself. Remove the cycle.")),
            None => {}
        }
        // Validation reports the unknown fragment.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Complexity { selections: 1, ..Complexity::default() });
        };
        self.sizes.insert(name, None);
        let size = self.fragment_body(&fragment.node.selection_set.node)?;
        self.sizes.insert(name, Some(size));
        Ok(size)
    }
}

/// Counts directives and list entries before fragments are expanded.
pub(super) fn count_source(document: &ExecutableDocument) -> SourceCounts {
    let mut counts = SourceCounts::default();
    for (_, operation) in document.operations.iter() {
        counts.add_directives(&operation.node.directives);
        for variable in &operation.node.variable_definitions {
            counts.add_directives(&variable.node.directives);
            let default = variable.node.default_value.as_ref();
            counts.list_entries = counts.list_entries.max(default.map_or(0, |value| longest_list(&value.node)));
        }
        counts.add_selection_set(&operation.node.selection_set.node);
    }
    for fragment in document.fragments.values() {
        counts.add_directives(&fragment.node.directives);
        counts.add_selection_set(&fragment.node.selection_set.node);
    }
    counts
}

impl SourceCounts {
    fn add_selection_set(&mut self, set: &SelectionSet) {
        for item in &set.items {
            self.add_directives(item.node.directives());
            match &item.node {
                Selection::Field(field) => {
                    field.node.arguments.iter().for_each(|(_, value)| self.add_value(&value.node));
                    self.add_selection_set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.add_selection_set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn add_directives(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
        self.field_directives = self.field_directives.max(directives.len());
        let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
        arguments.for_each(|(_, value)| self.add_value(&value.node));
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::List(list) => {
                self.list_entries = self.list_entries.max(list.len());
                list.iter().for_each(|value| self.add_value(value));
            }
            Value::Object(object) => object.values().for_each(|value| self.add_value(value)),
            _ => {}
        }
    }
}

/// The length of the longest list in a value.
pub(super) fn longest_list(value: &ConstValue) -> usize {
    match value {
        ConstValue::List(list) => list.iter().map(longest_list).fold(list.len(), usize::max),
        ConstValue::Object(object) => object.values().map(longest_list).max().unwrap_or(0),
        _ => 0,
    }
}

/// The size of arguments, in bytes.
fn arguments_size(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> usize {
    arguments.iter().map(|(name, value)| name.node.len() + value_size(&value.node)).sum()
}

/// The size of a value, in bytes. Never more than the length of its text.
fn value_size(value: &Value) -> usize {
    match value {
        Value::Variable(name) | Value::Enum(name) => name.len(),
        Value::String(text) => text.len(),
        Value::List(list) => list.iter().map(value_size).fold(2, usize::saturating_add),
        Value::Object(object) => {
            object.iter().map(|(key, value)| key.len() + value_size(value)).fold(2, usize::saturating_add)
        }
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Binary(_) => 1,
    }
}
