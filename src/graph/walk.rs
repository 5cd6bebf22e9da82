//! The rows around a place in a long list, of which only stretches can be read.
//!
//! A stretch's edges are never trusted: rows that share the date of the edge may have neighbours on the other side, so
//! such rows count only once the stretch goes past them. Where a cursor says to look is a hint; if the stretch read
//! there does not reach the cursor's place, the next one reaches further.

use std::sync::Arc;

use super::cursor::{Cursor, Place};
use super::error::{Code, Error};
use crate::model::DateTime;
use crate::provider::span::{Numbered, PAGE_SIZE_MAX, Slice, Stretch};
use crate::provider::{self, Skipped};

/// The most stretches that one page of the graph reads; with no hint, that is some 20,000 rows.
const STRETCHES_MAX: usize = 40;

/// Rows beyond those needed that the first stretch reads, so that its edges are past them.
const MARGIN: u32 = 2;

/// Which side of a place is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// The rows after it: older ones.
    Older,
    /// The rows before it: newer ones.
    Newer,
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
    /// How many rows the list has.
    pub total: u32,
    /// The rows that could not be read.
    pub skipped: Vec<Skipped>,
}

/// Finds at least `need` rows on one side of a place, or from the list's end if there is none.
pub async fn walk<T, F>(
    toward: Toward,
    from: Option<&Cursor>,
    need: u32,
    place_of: impl Fn(&T) -> Place,
    read: impl Fn(Stretch) -> F,
) -> Result<Found<T>, Error>
where
    F: Future<Output = Result<Slice<T>, provider::Error>>,
{
    let mut slice = read(first_stretch(toward, from, need)).await?;
    let mut step_max = PAGE_SIZE_MAX;
    for _ in 0..STRETCHES_MAX {
        let placed = placed(&slice, &place_of);
        let step = (slice.to - slice.from).max(need).clamp(1, step_max);
        let Some(more) = missing(toward, from, need, step, &slice, &placed) else {
            return Ok(found(toward, from, slice, placed));
        };
        let next = read(more).await?;
        slice = match more {
            Stretch::Between(start, _) if start >= slice.to => slice.join(next),
            // The provider gives pages so small that the read broke off before it came to what is here.
            _ if next.to < slice.from => {
                step_max = (next.to - next.from).max(1);
                slice
            }
            _ => next.join(slice),
        };
    }
    let message = match from {
        Some(_) => "The list is too long to find this cursor in it; begin at the first page.",
        None => "More of the list would have to be read for this page than the gateway reads; ask for fewer rows.",
    };
    Err(Error::own(Code::LimitExceeded, message))
}

fn first_stretch(toward: Toward, from: Option<&Cursor>, need: u32) -> Stretch {
    let hint = from.map(|cursor| cursor.older);
    match (toward, hint) {
        (Toward::Older, None) => Stretch::Newest(need + MARGIN),
        (Toward::Newer, None) => Stretch::Between(0, need + MARGIN),
        (_, Some(None)) => Stretch::Newest(PAGE_SIZE_MAX),
        (Toward::Older, Some(Some(older))) => {
            Stretch::Between(older.saturating_sub(need + MARGIN), older.saturating_add(MARGIN))
        }
        (Toward::Newer, Some(Some(older))) => {
            Stretch::Between(older.saturating_sub(MARGIN), older.saturating_add(need + MARGIN))
        }
    }
}

/// The stretch that has to be read yet, if any.
fn missing<T>(
    toward: Toward,
    from: Option<&Cursor>,
    need: u32,
    step: u32,
    slice: &Slice<T>,
    placed: &[Placed<T>],
) -> Option<Stretch> {
    let upward = Stretch::Between(slice.to, slice.to.saturating_add(step));
    let downward = Stretch::Between(slice.from.saturating_sub(step), slice.from);
    let at = from.map(|cursor| cursor.place.at);
    let enough = beyond(toward, from, slice, placed).count() >= need as usize;
    match toward {
        Toward::Older => {
            let reached = at.is_none_or(|at| slice.holds_newest() || placed.iter().any(|row| row.place.at > at));
            match (reached, enough || slice.holds_oldest()) {
                (false, _) => Some(upward),
                (true, false) => Some(downward),
                (true, true) => None,
            }
        }
        Toward::Newer => {
            let reached = at.is_none_or(|at| slice.holds_oldest() || placed.iter().any(|row| row.place.at < at));
            match (reached, enough || slice.holds_newest()) {
                (false, _) => Some(downward),
                (true, false) => Some(upward),
                (true, true) => None,
            }
        }
    }
}

/// The rows on the wanted side that cannot have an unseen neighbour between them and the place.
fn beyond<'a, T>(
    toward: Toward,
    from: Option<&'a Cursor>,
    slice: &Slice<T>,
    placed: &'a [Placed<T>],
) -> impl Iterator<Item = &'a Placed<T>> {
    let edge: Option<Option<DateTime>> = match toward {
        Toward::Older if slice.holds_oldest() => None,
        Toward::Older => placed.iter().map(|row| row.place.at).min(),
        Toward::Newer if slice.holds_newest() => None,
        Toward::Newer => placed.iter().map(|row| row.place.at).max(),
    };
    placed.iter().filter(move |row| {
        let sure = edge.is_none_or(|edge| row.place.at != edge);
        let there = from.is_none_or(|cursor| match toward {
            Toward::Older => row.place > cursor.place,
            Toward::Newer => row.place < cursor.place,
        });
        sure && there
    })
}

fn found<T>(toward: Toward, from: Option<&Cursor>, slice: Slice<T>, placed: Vec<Placed<T>>) -> Found<T> {
    let sure: Vec<Place> = beyond(toward, from, &slice, &placed).map(|row| row.place.clone()).collect();
    let rows = placed.into_iter().filter(|row| sure.binary_search(&row.place).is_ok()).collect();
    let skipped = slice.skipped.into_iter().map(|skipped| skipped.value).collect();
    Found { rows, total: slice.total, skipped }
}

/// Puts rows in order. A row without a date takes its place among its neighbours in the provider's order: where else it
/// belongs could not be told without reading the whole list. One whose older neighbours are not here has no place yet.
fn placed<T>(slice: &Slice<T>, place_of: impl Fn(&T) -> Place) -> Vec<Placed<T>> {
    let mut last = None;
    let mut rows: Vec<Placed<T>> = Vec::with_capacity(slice.rows.len());
    for Numbered { number, value: row } in &slice.rows {
        let mut place = place_of(row);
        place.at = place.at.or(last);
        last = place.at;
        if last.is_some() || slice.holds_oldest() {
            rows.push(Placed { place, number: Some(*number), row: row.clone() });
        }
    }
    rows.sort_by(|a, b| a.place.cmp(&b.place));
    rows.dedup_by(|a, b| a.place == b.place);
    rows
}

#[cfg(test)]
mod tests;
