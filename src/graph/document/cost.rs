//! Estimates the cost of an operation before it runs: provider calls and rows, by the cost model.
//!
//! - An object is read once, however many of its fields are selected. A batched call counts once for all rows.
//! - Rows are counted too, because nested pages can be huge without any further call.
//! - Fields with `@skip` or `@include` count as selected.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Schema;
use async_graphql::Variables;
use async_graphql::parser::types::{Field, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql_value::{ConstValue, Value};

use super::cost_model::field_cost::{Completeness, FieldCost, ProviderCall, RowCount};
use super::cost_model::field_table;
use super::cost_model::required_calls::{RequiredCalls, required_calls};
use crate::graph::pagination::page_size;

/// The rows of a page without `first` and `last`.
const PAGE_ROWS_DEFAULT: usize = page_size::PAGE_SIZE_DEFAULT as usize;

/// The maximum rows of a page. The resolver rejects a larger page.
const PAGE_ROWS_MAX: usize = page_size::PAGE_SIZE_MAX as usize;

/// The cost of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// The number of provider calls.
    pub calls: usize,
    /// The rows of all pages and lists, with each page at its full size.
    pub rows: usize,
    /// Whether the cost depends on a variable.
    pub depends_on_variables: bool,
}

/// Estimates the cost of a normalized operation.
pub(super) fn estimate(schema: &Schema, operation: &OperationDefinition, variables: &Variables) -> Cost {
    let mut estimator = Estimator {
        schema,
        operation,
        variables,
        calls: 0,
        rows: 0,
        seen: HashSet::new(),
        row_sets: HashMap::new(),
        depends_on_variables: false,
    };
    let root = Rows { count: 1, set: 0, is_partial: false, page: None };
    let root_type = if operation.ty == OperationType::Mutation { "Mutation" } else { "Query" };
    estimator.selection_set(root_type, &operation.selection_set.node, root);
    Cost { calls: estimator.calls, rows: estimator.rows, depends_on_variables: estimator.depends_on_variables }
}

/// The rows that a selection set applies to.
#[derive(Clone, Copy)]
struct Rows {
    /// The maximum number of rows.
    count: usize,
    /// Identifies the rows. The same rows have the same number.
    set: usize,
    /// Whether the rows lack fields that require a detail call.
    is_partial: bool,
    /// The number and the set of the rows of a page, if this is a page.
    page: Option<(usize, usize)>,
}

struct Estimator<'a> {
    schema: &'a Schema,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    calls: usize,
    rows: usize,
    /// The calls that were counted already, with the rows that they are for.
    seen: HashSet<(usize, &'static str)>,
    /// The set of rows that a field without arguments returns, by the set of its parent.
    row_sets: HashMap<(usize, &'static str, &'static str), usize>,
    depends_on_variables: bool,
}

impl Estimator<'_> {
    fn selection_set(&mut self, parent: &str, set: &SelectionSet, rows: Rows) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(parent, &field.node, rows),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.selection_set(on.unwrap_or(parent), &fragment.node.selection_set.node, rows);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &str, field: &Field, rows: Rows) {
        let name = field.name.node.as_str();
        if name.starts_with("__") {
            return;
        }
        if rows.is_partial
            && let Some(detail) = field_table::detail_call(parent, name)
        {
            self.call_once(rows.set, detail.path, if detail.is_batched { 1 } else { rows.count });
        }
        let Some(cost) = field_table::cost_of(parent, name) else { return };
        if parent == "Mutation" {
            // Reads after a mutation do not use what was read before it.
            self.seen.clear();
        }
        let required = required_calls(cost, |name| self.argument(field, name));
        for call in required.iter() {
            match call {
                ProviderCall::PerOperation(path) => self.call_once(0, path, 1),
                ProviderCall::PerRow(_) => self.calls = self.calls.saturating_add(rows.count),
            }
        }
        let returned = self.returned_rows(cost, field, rows, required);
        if let Ok(definition) = self.schema.type_field(parent, name) {
            let child = definition.ty.inner_named_type().clone();
            self.selection_set(&child, &field.selection_set.node, returned);
        }
    }

    /// Counts the calls of a path for a set of rows, unless they were counted already.
    fn call_once(&mut self, set: usize, path: &'static str, calls: usize) {
        if self.seen.insert((set, path)) {
            self.calls = self.calls.saturating_add(calls);
        }
    }

    /// The rows that a field returns. Adds them to the total.
    fn returned_rows(&mut self, cost: &'static FieldCost, field: &Field, rows: Rows, required: RequiredCalls) -> Rows {
        let is_partial = match cost.completeness {
            Completeness::Embedded => rows.is_partial,
            Completeness::Complete => false,
            // In a page, only OneAll's rows are partial.
            Completeness::Partial => cost.rows != RowCount::Page || required.oneall,
        };
        let returned = match cost.rows {
            RowCount::Page => Rows { is_partial, page: Some((self.page_rows(field), self.new_set())), ..rows },
            RowCount::PageRows => match rows.page {
                Some((count, set)) => Rows { count: rows.count.saturating_mul(count), set, is_partial, page: None },
                None => rows,
            },
            RowCount::Ids => {
                let count = rows.count.saturating_mul(self.entries(field, "ids"));
                self.calls = self.calls.saturating_add(count);
                Rows { count, set: self.new_set(), is_partial, page: None }
            }
            RowCount::One | RowCount::Assumed(_) if cost.completeness == Completeness::Embedded => {
                Rows { is_partial, page: None, ..rows }
            }
            RowCount::One | RowCount::Assumed(_) => {
                let factor = if let RowCount::Assumed(length) = cost.rows { length } else { 1 };
                let set = if field.arguments.is_empty() { self.set_of(rows.set, cost) } else { self.new_set() };
                Rows { count: rows.count.saturating_mul(factor), set, is_partial, page: None }
            }
        };
        if returned.set != rows.set && returned.page.is_none() {
            self.rows = self.rows.saturating_add(returned.count);
        }
        returned
    }

    /// A set that differs from all others.
    fn new_set(&mut self) -> usize {
        let next = self.row_sets.len() + 1;
        self.row_sets.insert((next, "", ""), next);
        next
    }

    /// The set that a field without arguments returns for a set of parent rows.
    fn set_of(&mut self, parent_set: usize, cost: &'static FieldCost) -> usize {
        let next = self.row_sets.len() + 1;
        *self.row_sets.entry((parent_set, cost.parent, cost.field)).or_insert(next)
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

    /// The value of an argument. A variable is replaced by its value or its default.
    fn argument(&mut self, field: &Field, argument: &str) -> Option<ConstValue> {
        let value = field.get_argument(argument)?.node.clone();
        let Value::Variable(name) = value else {
            let variables = self.variables;
            let mut has_variable = false;
            let value = value.into_const_with(|name| {
                has_variable = true;
                Ok::<_, ()>(variables.get(&name).cloned().unwrap_or(ConstValue::Null))
            });
            self.depends_on_variables |= has_variable;
            return value.ok();
        };
        self.depends_on_variables = true;
        let definition = self.operation.variable_definitions.iter().find(|defined| defined.node.name.node == name)?;
        self.variables.get(&name).or_else(|| definition.node.default_value()).cloned()
    }
}

#[cfg(test)]
mod tests;
