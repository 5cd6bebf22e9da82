//! Prints the cost model for `commongraph check --edges`.

use std::fmt::Write;

use super::field_cost::{Completeness, FieldCost, ProviderCall, RowCount};
use super::field_table::{OBJECT_FIELDS, SCALAR_FIELDS, UNBATCHED_LISTS, detail_call};
use super::required_calls::{ALTERNATIVE_CALLS, UNSUPPORTED_BY_ONEALL};

/// A text table of all fields: how many rows each returns, how its calls are batched, and which calls it makes.
pub fn report() -> String {
    let mut text = format!("{:<38} {:<14} {:<24} calls\n", "field", "rows", "batching");
    for cost in OBJECT_FIELDS.iter().chain(SCALAR_FIELDS) {
        let rows = match cost.rows {
            RowCount::One => "1".to_owned(),
            RowCount::Page => "a page".to_owned(),
            RowCount::PageRows => "first or last".to_owned(),
            RowCount::Ids => "entries of ids".to_owned(),
            RowCount::Assumed(rows) => format!("about {rows}"),
        };
        let (batching, calls) = batching(cost);
        let name = format!("{}.{}", cost.parent, cost.field);
        let _ = writeln!(text, "{name:<38} {rows:<14} {batching:<24} {}", calls.join(", "));
    }
    text.push_str("\nFewer calls with an argument:\n");
    add_arguments(&mut text);
    text.push_str("\nOne call per row, bounded by the call budget of the operation:\n");
    for list in UNBATCHED_LISTS {
        add_line(&mut text, list.parent, list.field, list.reason);
    }
    text
}

fn add_arguments(text: &mut String) {
    let _ = writeln!(text, "{:<38} an excluded provider is not called", "every list with filter.provider");
    for entry in UNSUPPORTED_BY_ONEALL {
        let values = if entry.values.is_empty() { String::new() } else { format!(" {}", entry.values.join(" or ")) };
        let effect = format!("with {}.{}{values}, OneAll is not called", entry.argument, entry.key);
        add_line(text, entry.parent, entry.field, &effect);
    }
    for entry in ALTERNATIVE_CALLS {
        let calls: Vec<_> = entry.calls.iter().map(|call| call.path()).collect();
        let effect = format!("with {}.{}, the calls are {}", entry.argument, entry.key, calls.join(", "));
        add_line(text, entry.parent, entry.field, &effect);
    }
}

fn add_line(text: &mut String, parent: &str, field: &str, effect: &str) {
    let _ = writeln!(text, "{:<38} {effect}", format!("{parent}.{field}"));
}

fn batching(cost: &FieldCost) -> (&'static str, Vec<&'static str>) {
    let mut calls: Vec<_> = cost.calls.iter().map(|call| call.path()).collect();
    let is_per_row = cost.calls.iter().any(|call| matches!(call, ProviderCall::PerRow(_)));
    if let Some(detail) = detail_call(cost.parent, cost.field) {
        calls.push(detail.path);
        return (if detail.is_batched { "one call for all rows" } else { "one call per partial row" }, calls);
    }
    match (cost.calls, cost.rows, is_per_row) {
        (_, RowCount::Ids, _) => ("one call per entry", vec!["the object itself"]),
        ([], ..) if cost.completeness == Completeness::Embedded => ("part of its parent", calls),
        ([], ..) => ("no call", calls),
        (_, _, true) => ("one call each time", calls),
        _ => ("once per operation", calls),
    }
}
