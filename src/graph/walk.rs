//! The rows around a place in a long list, of which only stretches can be read.
//!
//! A stretch's edges are never trusted: rows that share the date of the edge may have neighbours on the other side, so
//! such rows count only once the stretch goes past them. Where a cursor says to look is a hint; if the stretch read
//! there does not reach the cursor's place, the next one reaches further.

use std::sync::Arc;

use super::cursor::{Cursor, Place};
use super::error::{Code, Error};
use super::order::{OrderDirection, Rank};
use crate::model::DateTime;
use crate::provider::pages::{Numbered, PAGE_SIZE_MAX, RangeResult, RowRange};
use crate::provider::{self, SkippedRow};

/// The most stretches that one page of the graph reads; with no hint, that is some 20,000 rows.
const STRETCHES_MAX: usize = 40;

/// Rows beyond those needed that the first stretch reads, so that its edges are past them.
const MARGIN: u32 = 2;

/// Which rows of a list are wanted. The list is ordered by date.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whether dates fall or rise from row to row.
    pub direction: OrderDirection,
    /// Whether the rows that follow the cursor are wanted; otherwise those that precede it are.
    pub forward: bool,
    /// Where to begin; none is the list's end on that side.
    pub from: Option<&'a Cursor>,
    /// How many rows are needed.
    pub need: u32,
    /// Rows older than this, or without a date, are none of the list.
    pub since: Option<DateTime>,
}

/// Which side of a place is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Toward {
    /// Older rows.
    Older,
    /// Newer rows.
    Newer,
}

/// A moment, or where rows without one stand: beside the oldest if the newest come first, else beside the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Before,
    At(DateTime),
    After,
}

/// A row, where it stands, and its entry's number from the oldest.
#[derive(Debug)]
pub struct Placed<T> {
    /// Its place in the order.
    pub place: Place,
    /// Its entry's number from the oldest of its list; none in a list that is at hand as a whole.
    pub number: Option<u32>,
    /// The row.
    pub row: Arc<T>,
}

/// What was found around a place.
#[derive(Debug)]
pub struct Found<T> {
    /// Rows on the wanted side, in order: at least as many as needed, or all there are.
    pub rows: Vec<Placed<T>>,
    /// How many entries the provider's list has.
    pub length: u32,
    /// The rows that could not be read.
    pub skipped: Vec<SkippedRow>,
}

/// Finds at least as many rows as are needed on one side of a place, or all there are.
pub async fn walk<T, F>(
    wanted: Wanted<'_>,
    place_of: impl Fn(&T) -> Place,
    read: impl Fn(RowRange) -> F,
) -> Result<Found<T>, Error>
where
    F: Future<Output = Result<RangeResult<T>, provider::Error>>,
{
    let mut slice = read(wanted.first_stretch()).await?;
    let mut step_max = PAGE_SIZE_MAX;
    for _ in 0..STRETCHES_MAX {
        let placed = wanted.placed(&slice, &place_of);
        let step = (slice.to - slice.from).max(wanted.need).clamp(1, step_max);
        let Some(more) = wanted.missing(step, &slice, &placed) else {
            return Ok(wanted.found(slice, placed));
        };
        let next = read(more).await?;
        slice = match more {
            RowRange::Between(start, _) if start >= slice.to => slice.join(next),
            // The provider gives pages so small that the read broke off before it came to what is here.
            _ if next.to < slice.from => {
                step_max = (next.to - next.from).max(1);
                slice
            }
            _ => next.join(slice),
        };
    }
    let message = match (wanted.from, wanted.since) {
        (Some(_), _) => "The list is too long to find this cursor in it; begin at the first page.",
        (None, Some(_)) if wanted.toward() == Toward::Newer => {
            "The list is too long to find this date from its newest row; ask for the newest rows first."
        }
        _ => "More of the list would have to be read for this page than the gateway reads; ask for fewer rows.",
    };
    Err(Error::own(Code::LimitExceeded, message))
}

impl Wanted<'_> {
    fn toward(&self) -> Toward {
        if self.forward == (self.direction == OrderDirection::Desc) { Toward::Older } else { Toward::Newer }
    }

    fn when(&self, rank: &Rank) -> When {
        match (rank.date(), self.direction) {
            (Some(at), _) => When::At(at),
            (None, OrderDirection::Desc) => When::Before,
            (None, OrderDirection::Asc) => When::After,
        }
    }

    fn first_stretch(&self) -> RowRange {
        let beyond = self.need + MARGIN;
        let hint = self.from.map(|cursor| cursor.older);
        match (self.toward(), hint) {
            (Toward::Older, None) => RowRange::Newest(beyond),
            (Toward::Newer, None) if self.since.is_none() => RowRange::Between(0, beyond),
            (Toward::Newer, None) | (_, Some(None)) => RowRange::Newest(PAGE_SIZE_MAX),
            (Toward::Older, Some(Some(older))) => {
                RowRange::Between(older.saturating_sub(beyond), older.saturating_add(MARGIN))
            }
            (Toward::Newer, Some(Some(older))) => {
                RowRange::Between(older.saturating_sub(MARGIN), older.saturating_add(beyond))
            }
        }
    }

    /// The stretch that has to be read yet, if any.
    fn missing<T>(&self, step: u32, slice: &RangeResult<T>, placed: &[Placed<T>]) -> Option<RowRange> {
        let upward = RowRange::Between(slice.to, slice.to.saturating_add(step));
        let downward = RowRange::Between(slice.from.saturating_sub(step), slice.from);
        let enough = self.beyond(slice, placed).count() >= self.need as usize;
        let from = self.from.map(|cursor| self.when(&cursor.place.rank));
        let any = |is: &dyn Fn(When) -> bool| placed.iter().any(|row| is(self.when(&row.place.rank)));
        let before = |since: DateTime| slice.holds_oldest() || any(&|at| at < When::At(since));
        match self.toward() {
            Toward::Older => {
                let reached = from.is_none_or(|from| slice.holds_newest() || any(&|at| at > from));
                let done = enough || slice.holds_oldest() || self.since.is_some_and(before);
                match (reached, done) {
                    (false, _) => Some(upward),
                    (true, false) => Some(downward),
                    (true, true) => None,
                }
            }
            Toward::Newer => {
                let reached = match from {
                    Some(from) => slice.holds_oldest() || any(&|at| at < from),
                    None => self.since.is_none_or(before),
                };
                match (reached, enough || slice.holds_newest()) {
                    (false, _) => Some(downward),
                    (true, false) => Some(upward),
                    (true, true) => None,
                }
            }
        }
    }

    /// The rows on the wanted side that cannot have an unseen neighbour between them and the place.
    fn beyond<'p, T>(&self, slice: &RangeResult<T>, placed: &'p [Placed<T>]) -> impl Iterator<Item = &'p Placed<T>> {
        let dates = placed.iter().map(|row| self.when(&row.place.rank));
        let edge = match self.toward() {
            Toward::Older if slice.holds_oldest() => None,
            Toward::Older => dates.min(),
            Toward::Newer if slice.holds_newest() => None,
            Toward::Newer => dates.max(),
        };
        placed.iter().filter(move |row| {
            let sure = edge.is_none_or(|edge| self.when(&row.place.rank) != edge);
            let there = self.from.is_none_or(|cursor| match self.forward {
                true => row.place > cursor.place,
                false => row.place < cursor.place,
            });
            let recent = self.since.is_none_or(|since| row.place.rank.date().is_some_and(|at| at >= since));
            sure && there && recent
        })
    }

    fn found<T>(&self, slice: RangeResult<T>, placed: Vec<Placed<T>>) -> Found<T> {
        let sure: Vec<Place> = self.beyond(&slice, &placed).map(|row| row.place.clone()).collect();
        let rows = placed.into_iter().filter(|row| sure.binary_search(&row.place).is_ok()).collect();
        let skipped = slice.skipped.into_iter().map(|skipped| skipped.value).collect();
        Found { rows, length: slice.total, skipped }
    }

    /// Puts rows in order. A row without a date takes its place among its neighbours in the provider's order: where else
    /// it belongs could not be told without reading the whole list. One whose older neighbours are not here has no place
    /// yet; one that has none is older than all others.
    fn placed<T>(&self, slice: &RangeResult<T>, place_of: impl Fn(&T) -> Place) -> Vec<Placed<T>> {
        let oldest = match self.direction {
            OrderDirection::Desc => None,
            // Not last, as it would be without a date: rows that come later would overtake it there.
            OrderDirection::Asc => Some(DateTime(chrono::DateTime::UNIX_EPOCH)),
        };
        let mut last = None;
        let mut rows: Vec<Placed<T>> = Vec::with_capacity(slice.rows.len());
        for Numbered { number, value: row } in &slice.rows {
            let Place { rank, id } = place_of(row);
            let own = rank.date();
            last = own.or(last);
            let is_placed = last.is_some() || slice.holds_oldest();
            if is_placed && (own.is_some() || self.since.is_none()) {
                let rank = Rank::dated(self.direction, last.or(oldest));
                rows.push(Placed { place: Place { rank, id }, number: Some(*number), row: row.clone() });
            }
        }
        rows.sort_by(|a, b| a.place.cmp(&b.place));
        rows.dedup_by(|a, b| a.place == b.place);
        rows
    }
}

#[cfg(test)]
mod tests;
