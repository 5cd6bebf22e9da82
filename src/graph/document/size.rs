//! The size of a document with every fragment written out, without writing it out: each fragment is measured once.
//!
//! Sums are saturating. What is measured here bounds every later walk, the library's own among them.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as Constant};
use async_graphql_value::Value;

use crate::graph::error::Error;

/// The fields of an introspection that lead from a type to a list of its members, whose types have members again.
const MEMBERS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// What a selection set holds, its fragments written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fields and fragments.
    pub selections: usize,
    /// How deep its fields are nested, those of introspections aside.
    pub depth: usize,
    /// How deep the fields of an introspection are nested.
    pub introspection_depth: usize,
    /// How many lists of members lie on one way down.
    pub lists: usize,
    /// The same, within introspections.
    pub introspection_lists: usize,
    /// Bytes of arguments, those of directives included: never more than their text has in one place.
    pub argument_bytes: usize,
}

/// What a document holds as it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Directives.
    pub directives: usize,
    /// Directives of the field or fragment that has most.
    pub field_directives: usize,
    /// Entries of the longest list.
    pub list_entries: usize,
}

impl Size {
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

    /// The same with these directives.
    fn with(self, directives: &[Positioned<Directive>]) -> Self {
        let bytes = directives.iter().map(|directive| arguments(&directive.node.arguments)).sum();
        Self { argument_bytes: self.argument_bytes.saturating_add(bytes), ..self }
    }

    /// The size of a field that has this below it.
    fn under(self, field: &Field) -> Self {
        let name = field.name.node.as_str();
        let selections = self.selections.saturating_add(1);
        let argument_bytes = self.argument_bytes.saturating_add(arguments(&field.arguments));
        let lists = self.lists + usize::from(MEMBERS.contains(&name));
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
/// BAD_INPUT, if a fragment comes back to itself.
pub fn size(document: &ExecutableDocument) -> Result<Size, Error> {
    let mut memo = Memo { document, known: HashMap::new() };
    let mut all = Size::default();
    for (_, operation) in document.operations.iter() {
        all = all.and(memo.set(&operation.node.selection_set.node)?);
    }
    // A fragment that no operation uses is measured too: the validators walk it.
    for (name, fragment) in &document.fragments {
        if !memo.known.contains_key(name.as_str()) {
            all = all.and(memo.set(&fragment.node.selection_set.node)?);
        }
    }
    Ok(all)
}

/// The fragments measured so far; none stands for one whose measuring is under way.
struct Memo<'a> {
    document: &'a ExecutableDocument,
    known: HashMap<&'a str, Option<Size>>,
}

impl<'a> Memo<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Size, Error> {
        let mut all = Size::default();
        for item in &set.items {
            let one = match &item.node {
                Selection::Field(field) => self.set(&field.node.selection_set.node)?.under(&field.node),
                Selection::InlineFragment(fragment) => self.counted(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?,
            };
            all = all.and(one.with(item.node.directives()));
        }
        Ok(all)
    }

    fn counted(&mut self, set: &'a SelectionSet) -> Result<Size, Error> {
        let size = self.set(set)?;
        Ok(Size { selections: size.selections.saturating_add(1), ..size })
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, Error> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Error::bad_input("A fragment of the document comes back to itself.")),
            None => {}
        }
        // A spread of nothing is for the validator to tell.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size { selections: 1, ..Size::default() });
        };
        self.known.insert(name, None);
        let size = self.counted(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

/// Counts what a document holds as it is written.
pub fn written(document: &ExecutableDocument) -> Written {
    let mut all = Written::default();
    for (_, operation) in document.operations.iter() {
        all.directives(&operation.node.directives);
        for variable in &operation.node.variable_definitions {
            all.directives(&variable.node.directives);
            let default = variable.node.default_value.as_ref();
            all.list_entries = all.list_entries.max(default.map_or(0, |value| longest_list(&value.node)));
        }
        all.set(&operation.node.selection_set.node);
    }
    for fragment in document.fragments.values() {
        all.directives(&fragment.node.directives);
        all.set(&fragment.node.selection_set.node);
    }
    all
}

impl Written {
    fn set(&mut self, set: &SelectionSet) {
        for item in &set.items {
            self.directives(item.node.directives());
            match &item.node {
                Selection::Field(field) => {
                    field.node.arguments.iter().for_each(|(_, value)| self.value(&value.node));
                    self.set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
        self.field_directives = self.field_directives.max(directives.len());
        let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
        arguments.for_each(|(_, value)| self.value(&value.node));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::List(list) => {
                self.list_entries = self.list_entries.max(list.len());
                list.iter().for_each(|value| self.value(value));
            }
            Value::Object(object) => object.values().for_each(|value| self.value(value)),
            _ => {}
        }
    }
}

/// The entries of the longest list in a value.
pub fn longest_list(value: &Constant) -> usize {
    match value {
        Constant::List(list) => list.iter().map(longest_list).fold(list.len(), usize::max),
        Constant::Object(object) => object.values().map(longest_list).max().unwrap_or(0),
        _ => 0,
    }
}

/// The bytes of arguments.
fn arguments(all: &[(Positioned<Name>, Positioned<Value>)]) -> usize {
    all.iter().map(|(name, value)| name.node.len() + bytes(&value.node)).sum()
}

/// The bytes of a value, at most those of its text.
fn bytes(value: &Value) -> usize {
    match value {
        Value::Variable(name) | Value::Enum(name) => name.len(),
        Value::String(text) => text.len(),
        Value::List(list) => list.iter().map(bytes).fold(2, usize::saturating_add),
        Value::Object(object) => {
            object.iter().map(|(key, value)| key.len() + bytes(value)).fold(2, usize::saturating_add)
        }
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Binary(_) => 1,
    }
}
