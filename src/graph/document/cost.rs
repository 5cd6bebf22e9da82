//! What an operation costs in calls to the providers and in rows, by the table of edges, before it runs.
//!
//! A thing that is not at hand is read once, however many of its fields are asked for, and a batched read counts once
//! for all rows of its level. Rows are counted too, for pages within pages cost no call and can still be an answer that
//! nobody can carry. Fields under `@skip` and `@include` count as if they were asked for.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Schema;
use async_graphql::Variables;
use async_graphql::parser::types::{Field, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql_value::{ConstValue, Value};

use super::edges::{self, Brings, Edge, Read, Rows};
use super::narrow::{Narrowed, narrow};
use crate::graph::pagination::page_size;

/// How many rows a page has if the document does not say.
const PAGE_ROWS_DEFAULT: usize = page_size::PAGE_SIZE_DEFAULT as usize;

/// The most rows that a page can have; a larger one is refused when it runs.
const PAGE_ROWS_MAX: usize = page_size::PAGE_SIZE_MAX as usize;

/// What an operation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Calls to the providers.
    pub calls: usize,
    /// Rows of all its pages and lists, each page as long as it may be.
    pub rows: usize,
    /// Whether a variable has a part in it.
    pub varies: bool,
}

/// Counts the calls of an operation whose selections are merged.
pub fn cost(schema: &Schema, operation: &OperationDefinition, variables: &Variables) -> Cost {
    let mut count = Count {
        schema,
        operation,
        variables,
        calls: 0,
        rows: 0,
        seen: HashSet::new(),
        sets: HashMap::new(),
        varies: false,
    };
    let root = Place { rows: 1, set: 0, bare: false, page: None };
    let kind = if operation.ty == OperationType::Mutation { "Mutation" } else { "Query" };
    count.walk(kind, &operation.selection_set.node, root);
    Cost { calls: count.calls, rows: count.rows, varies: count.varies }
}

/// The rows that a selection set is for.
#[derive(Clone, Copy)]
struct Place {
    /// How many there are, at most.
    rows: usize,
    /// Which rows they are; equal for equal ones.
    set: usize,
    /// Whether a row says little of its thing.
    bare: bool,
    /// The rows of the page that this is, if it is one.
    page: Option<(usize, usize)>,
}

struct Count<'a> {
    schema: &'a Schema,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    calls: usize,
    rows: usize,
    /// Reads that are counted already, with the rows that they are for.
    seen: HashSet<(usize, &'static str)>,
    /// The rows that an edge without arguments leads to.
    sets: HashMap<(usize, &'static str, &'static str), usize>,
    varies: bool,
}

impl Count<'_> {
    fn walk(&mut self, parent: &str, set: &SelectionSet, place: Place) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(parent, &field.node, place),
                Selection::InlineFragment(fragment) => {
                    let narrowed =
                        fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.walk(narrowed.unwrap_or(parent), &fragment.node.selection_set.node, place);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &str, field: &Field, place: Place) {
        let name = field.name.node.as_str();
        if name.starts_with("__") {
            return;
        }
        if place.bare
            && let Some(own) = edges::own_read(parent, name)
        {
            self.read(place.set, own.read, if own.batched { 1 } else { place.rows });
        }
        let Some(edge) = edges::find(parent, name) else { return };
        if parent == "Mutation" {
            // What was read before a change is read anew after it.
            self.seen.clear();
        }
        let narrowed = narrow(edge, |name| self.argument(field, name));
        for read in narrowed.reads() {
            match read {
                Read::Once(read) => self.read(0, read, 1),
                Read::Each(_) => self.calls = self.calls.saturating_add(place.rows),
            }
        }
        let below = self.below(edge, field, place, narrowed);
        if let Ok(definition) = self.schema.type_field(parent, name) {
            let child = definition.ty.inner_named_type().clone();
            self.walk(&child, &field.selection_set.node, below);
        }
    }

    fn read(&mut self, set: usize, read: &'static str, calls: usize) {
        if self.seen.insert((set, read)) {
            self.calls = self.calls.saturating_add(calls);
        }
    }

    /// The rows at the end of an edge.
    fn below(&mut self, edge: &'static Edge, field: &Field, place: Place, narrowed: Narrowed) -> Place {
        let bare = match edge.brings {
            Brings::Part => place.bare,
            Brings::Whole => false,
            // Only OneAll's rows say little.
            Brings::Bare => edge.rows != Rows::Page || narrowed.oneall,
        };
        let below = match edge.rows {
            Rows::Page => Place { bare, page: Some((self.page_rows(field), self.fresh())), ..place },
            Rows::PageRows => match place.page {
                Some((rows, set)) => Place { rows: place.rows.saturating_mul(rows), set, bare, page: None },
                None => place,
            },
            Rows::Ids => {
                let rows = place.rows.saturating_mul(self.entries(field, "ids"));
                self.calls = self.calls.saturating_add(rows);
                Place { rows, set: self.fresh(), bare, page: None }
            }
            Rows::One | Rows::About(_) if edge.brings == Brings::Part => Place { bare, page: None, ..place },
            Rows::One | Rows::About(_) => {
                let times = if let Rows::About(rows) = edge.rows { rows } else { 1 };
                let set = if field.arguments.is_empty() { self.set(place.set, edge) } else { self.fresh() };
                Place { rows: place.rows.saturating_mul(times), set, bare, page: None }
            }
        };
        if below.set != place.set && below.page.is_none() {
            self.rows = self.rows.saturating_add(below.rows);
        }
        below
    }

    fn fresh(&mut self) -> usize {
        let next = self.sets.len() + 1;
        self.sets.insert((next, "", ""), next);
        next
    }

    fn set(&mut self, from: usize, edge: &'static Edge) -> usize {
        let next = self.sets.len() + 1;
        *self.sets.entry((from, edge.parent, edge.field)).or_insert(next)
    }

    fn page_rows(&mut self, field: &Field) -> usize {
        let rows = self.number(field, "first").or_else(|| self.number(field, "last"));
        rows.unwrap_or(PAGE_ROWS_DEFAULT).min(PAGE_ROWS_MAX)
    }

    fn number(&mut self, field: &Field, argument: &str) -> Option<usize> {
        match self.argument(field, argument)? {
            ConstValue::Number(number) => Some(usize::try_from(number.as_i64().unwrap_or(0)).unwrap_or(0)),
            _ => None,
        }
    }

    fn entries(&mut self, field: &Field, argument: &str) -> usize {
        match self.argument(field, argument) {
            Some(ConstValue::List(list)) => list.len(),
            _ => 1,
        }
    }

    /// The value of an argument: as it is written, or the variable's, or that variable's default.
    fn argument(&mut self, field: &Field, argument: &str) -> Option<ConstValue> {
        let value = field.get_argument(argument)?.node.clone();
        let Value::Variable(name) = value else {
            let (variables, mut varies) = (self.variables, false);
            let value = value.into_const_with(|name| {
                varies = true;
                Ok::<_, ()>(variables.get(&name).cloned().unwrap_or(ConstValue::Null))
            });
            self.varies |= varies;
            return value.ok();
        };
        self.varies = true;
        let definition = self.operation.variable_definitions.iter().find(|defined| defined.node.name.node == name)?;
        self.variables.get(&name).or_else(|| definition.node.default_value()).cloned()
    }
}

#[cfg(test)]
mod tests;
