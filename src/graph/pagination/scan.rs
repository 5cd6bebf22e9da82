//! Finds the rows around a position in a long list that can only be read in ranges.
//!
//! The edge of a range is not reliable: rows with the same date may continue on the other side. Such rows count only when
//! the range reaches past their date. The cursor's hint says where to start; if the range does not reach the cursor's
//! position, the next one extends it.

use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::order::{OrderDirection, SortKey};
use crate::graph::error::{Error, ErrorCode};
use crate::model::DateTime;
use crate::provider::pages::{Numbered, PAGE_SIZE_MAX, RangeResult, RowRange};
use crate::provider::{self, SkippedRow};

/// The maximum number of ranges that one page reads. Without a hint they cover about 20,000 rows.
const RANGES_MAX: usize = 40;

/// The number of extra rows in the first range, so that its edges lie outside the page.
const MARGIN: u32 = 2;

/// Which rows of a list to find. The list is ordered by date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanRequest<'a> {
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
    /// Whether to find the rows after the cursor. Otherwise the rows before it.
    pub(crate) forward: bool,
    /// The cursor at which to start. `None` for the end of the list on that side.
    pub(crate) from: Option<&'a Cursor>,
    /// The number of rows to find.
    pub(crate) need: u32,
    /// Excludes older rows and rows without a date.
    pub(crate) since: Option<DateTime>,
}

/// The direction in time in which a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeDirection {
    /// Older rows.
    Older,
    /// Newer rows.
    Newer,
}

/// A date, or the place of rows without one: before all dates in descending order, after all dates in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DateBound {
    Before,
    At(DateTime),
    After,
}

/// A row with its position.
#[derive(Debug)]
pub(crate) struct Positioned<T> {
    /// The position of the row in the order.
    pub(crate) position: Position,
    /// The number of the entry, counted from the oldest. `None` in a complete list.
    pub(crate) number: Option<u32>,
    /// The row.
    pub(crate) row: Arc<T>,
}

/// The rows that a scan found.
#[derive(Debug)]
pub(crate) struct ScanResult<T> {
    /// The rows in order: at least as many as requested, or all.
    pub(crate) rows: Vec<Positioned<T>>,
    /// The number of entries in the provider's list.
    pub(crate) length: u32,
    /// The rows that could not be read.
    pub(crate) skipped: Vec<SkippedRow>,
}

/// Finds at least as many rows as requested, or all rows on that side of the cursor.
///
/// # Errors
/// The provider's error, or LIMIT_EXCEEDED when the rows are not within [`RANGES_MAX`] ranges.
pub(crate) async fn scan<T, F>(
    request: ScanRequest<'_>,
    position_of: impl Fn(&T) -> Position,
    read: impl Fn(RowRange) -> F,
) -> Result<ScanResult<T>, Error>
where
    F: Future<Output = Result<RangeResult<T>, provider::Error>>,
{
    let mut loaded = read(request.first_range()).await?;
    let mut step_max = PAGE_SIZE_MAX;
    for _ in 0..RANGES_MAX {
        let positioned = request.positioned(&loaded, &position_of);
        let step = (loaded.to - loaded.from).max(request.need).clamp(1, step_max);
        let Some(range) = request.next_range(step, &loaded, &positioned) else {
            return Ok(request.result(loaded, positioned));
        };
        let next = read(range).await?;
        loaded = match range {
            RowRange::Between(start, _) if start >= loaded.to => loaded.join(next),
            // The provider's pages are so small that the read stopped before it reached the loaded range.
            _ if next.to < loaded.from => {
                step_max = (next.to - next.from).max(1);
                loaded
            }
            _ => next.join(loaded),
        };
    }
    let message = match (request.from, request.since) {
        (Some(_), _) => "The cursor was not found within the scan limit. Start again at the first page.",
        (None, Some(_)) if request.time_direction() == TimeDirection::Newer => {
            "The date was not found within the scan limit. Request the newest rows first."
        }
        _ => "The page exceeds the scan limit. Request fewer rows.",
    };
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

impl ScanRequest<'_> {
    fn time_direction(&self) -> TimeDirection {
        if self.forward == (self.direction == OrderDirection::Desc) {
            TimeDirection::Older
        } else {
            TimeDirection::Newer
        }
    }

    fn date_bound(&self, sort_key: &SortKey) -> DateBound {
        match (sort_key.date(), self.direction) {
            (Some(at), _) => DateBound::At(at),
            (None, OrderDirection::Desc) => DateBound::Before,
            (None, OrderDirection::Asc) => DateBound::After,
        }
    }

    fn first_range(&self) -> RowRange {
        let count = self.need + MARGIN;
        let hint = self.from.map(|cursor| cursor.older);
        match (self.time_direction(), hint) {
            (TimeDirection::Older, None) => RowRange::Newest(count),
            (TimeDirection::Newer, None) if self.since.is_none() => RowRange::Between(0, count),
            (TimeDirection::Newer, None) | (_, Some(None)) => RowRange::Newest(PAGE_SIZE_MAX),
            (TimeDirection::Older, Some(Some(older))) => {
                RowRange::Between(older.saturating_sub(count), older.saturating_add(MARGIN))
            }
            (TimeDirection::Newer, Some(Some(older))) => {
                RowRange::Between(older.saturating_sub(MARGIN), older.saturating_add(count))
            }
        }
    }

    /// The range to read next. `None` when enough rows are loaded.
    fn next_range<T>(&self, step: u32, loaded: &RangeResult<T>, rows: &[Positioned<T>]) -> Option<RowRange> {
        let newer = RowRange::Between(loaded.to, loaded.to.saturating_add(step));
        let older = RowRange::Between(loaded.from.saturating_sub(step), loaded.from);
        let enough = self.certain_rows(loaded, rows).count() >= self.need as usize;
        let from = self.from.map(|cursor| self.date_bound(&cursor.position.sort_key));
        let any = |is: &dyn Fn(DateBound) -> bool| rows.iter().any(|row| is(self.date_bound(&row.position.sort_key)));
        let is_past = |since: DateTime| loaded.holds_oldest() || any(&|at| at < DateBound::At(since));
        match self.time_direction() {
            TimeDirection::Older => {
                let has_start = from.is_none_or(|from| loaded.holds_newest() || any(&|at| at > from));
                let is_done = enough || loaded.holds_oldest() || self.since.is_some_and(is_past);
                match (has_start, is_done) {
                    (false, _) => Some(newer),
                    (true, false) => Some(older),
                    (true, true) => None,
                }
            }
            TimeDirection::Newer => {
                let has_start = match from {
                    Some(from) => loaded.holds_oldest() || any(&|at| at < from),
                    None => self.since.is_none_or(is_past),
                };
                match (has_start, enough || loaded.holds_newest()) {
                    (false, _) => Some(older),
                    (true, false) => Some(newer),
                    (true, true) => None,
                }
            }
        }
    }

    /// The rows on the requested side that are certain: no unread row can lie between them and the cursor.
    fn certain_rows<'p, T>(
        &self,
        loaded: &RangeResult<T>,
        rows: &'p [Positioned<T>],
    ) -> impl Iterator<Item = &'p Positioned<T>> {
        let dates = rows.iter().map(|row| self.date_bound(&row.position.sort_key));
        let edge = match self.time_direction() {
            TimeDirection::Older if loaded.holds_oldest() => None,
            TimeDirection::Older => dates.min(),
            TimeDirection::Newer if loaded.holds_newest() => None,
            TimeDirection::Newer => dates.max(),
        };
        rows.iter().filter(move |row| {
            let is_inside = edge.is_none_or(|edge| self.date_bound(&row.position.sort_key) != edge);
            let is_on_side = self.from.is_none_or(|cursor| match self.forward {
                true => row.position > cursor.position,
                false => row.position < cursor.position,
            });
            let is_recent = self.since.is_none_or(|since| row.position.sort_key.date().is_some_and(|at| at >= since));
            is_inside && is_on_side && is_recent
        })
    }

    fn result<T>(&self, loaded: RangeResult<T>, rows: Vec<Positioned<T>>) -> ScanResult<T> {
        let certain: Vec<Position> = self.certain_rows(&loaded, &rows).map(|row| row.position.clone()).collect();
        let rows = rows.into_iter().filter(|row| certain.binary_search(&row.position).is_ok()).collect();
        let skipped = loaded.skipped.into_iter().map(|skipped| skipped.value).collect();
        ScanResult { rows, length: loaded.total, skipped }
    }

    /// Orders the rows of a range. A row without a date is placed next to its neighbours in the provider's order, because
    /// any other place would require the whole list. It is left out while its older neighbours are not loaded; a row
    /// without older neighbours is the oldest.
    fn positioned<T>(&self, loaded: &RangeResult<T>, position_of: impl Fn(&T) -> Position) -> Vec<Positioned<T>> {
        let oldest = match self.direction {
            OrderDirection::Desc => None,
            // A missing date would sort last, and rows that are added later would overtake it.
            OrderDirection::Asc => Some(DateTime(chrono::DateTime::UNIX_EPOCH)),
        };
        let mut last_date = None;
        let mut rows: Vec<Positioned<T>> = Vec::with_capacity(loaded.rows.len());
        for Numbered { number, value: row } in &loaded.rows {
            let Position { sort_key, id } = position_of(row);
            let own_date = sort_key.date();
            last_date = own_date.or(last_date);
            let has_place = last_date.is_some() || loaded.holds_oldest();
            if has_place && (own_date.is_some() || self.since.is_none()) {
                let sort_key = SortKey::by_date(self.direction, last_date.or(oldest));
                rows.push(Positioned { position: Position { sort_key, id }, number: Some(*number), row: row.clone() });
            }
        }
        rows.sort_by(|a, b| a.position.cmp(&b.position));
        rows.dedup_by(|a, b| a.position == b.position);
        rows
    }
}

#[cfg(test)]
mod tests;
