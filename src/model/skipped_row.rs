//! Rows that could not be read.

use super::heap_size::HeapSize;

/// A row of a list that could not be read, or a count of further rows.
#[derive(Clone, Debug, PartialEq, Eq, HeapSize)]
pub struct SkippedRow {
    /// The path in the provider's response, such as `connections[3]`.
    pub path: String,
    /// The problem, without the content, such as `ID: expected a number or digits`.
    pub detail: String,
    /// The number of rows: one, or all further rows of a list that are not listed.
    pub rows: usize,
}
