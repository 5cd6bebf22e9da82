//! The rows of a response that could not be read: they are skipped, reported and logged.

use super::pages::Numbered;
use crate::model::{Provider, SkippedRow};

/// The number of skipped rows that are reported one by one.
const REPORTED_ROWS_MAX: usize = 15;

/// Collects the skipped rows of a response while it is mapped.
///
/// A response may have hundreds of thousands of them. So only the first ones are reported, and the others are counted.
#[derive(Debug, Default)]
pub(super) struct SkippedRows {
    reported: Vec<Numbered<SkippedRow>>,
    /// How many other rows were skipped, with the number of the first of these.
    others: Option<Numbered<usize>>,
}

impl SkippedRows {
    /// Adds the row with this number in its list. `detail` says what is wrong and contains no content of the response.
    pub(super) fn push(&mut self, number: u32, path: impl FnOnce() -> String, detail: String) {
        if self.reported.len() < REPORTED_ROWS_MAX {
            self.reported.push(Numbered { number, value: SkippedRow { path: path(), detail, rows: 1 } });
        } else {
            self.others.get_or_insert(Numbered { number, value: 0 }).value += 1;
        }
    }

    /// Returns all skipped rows. `list` is the path of the rows that were only counted.
    pub(super) fn into_rows(self, list: &str) -> Vec<SkippedRow> {
        self.into_numbered(list).into_iter().map(|row| row.value).collect()
    }

    /// Returns all skipped rows with their numbers.
    pub(super) fn into_numbered(self, list: &str) -> Vec<Numbered<SkippedRow>> {
        let others = self.others.map(|Numbered { number, value: rows }| {
            let detail = format!("{rows} more rows");
            Numbered { number, value: SkippedRow { path: list.to_owned(), detail, rows } }
        });
        self.reported.into_iter().chain(others).collect()
    }
}

/// Logs the skipped rows of a response in one line.
pub(super) fn log_skipped(provider: Provider, skipped: &[SkippedRow]) {
    let Some(first) = skipped.first() else { return };
    let rows: usize = skipped.iter().map(|skipped| skipped.rows).sum();
    let provider = provider.name();
    tracing::warn!(provider, rows, first = first.path, detail = first.detail, "skipped unreadable rows");
}
