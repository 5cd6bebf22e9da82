//! Reads ranges of a long list that a provider stores oldest first and returns by page number.
//!
//! Rows are numbered from the oldest, because those numbers do not change while rows are added. Only the newest rows
//! are read from the other end, in one read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::error::Error;
use crate::model::SkippedRow;

/// The maximum size of a page at OneAll.
pub const PAGE_SIZE_MAX: u32 = 500;

/// The maximum number of reads per range. A provider that ignores the page size needs more than one.
const READS_MAX: usize = 4;

/// A range of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowRange {
    /// The newest rows, this many.
    Newest(u32),
    /// The rows from the first number (inclusive) to the second (exclusive). The oldest row has number 0.
    Between(u32, u32),
}

/// The parameters of a page request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageParams {
    /// The page number, from 1.
    pub page: u32,
    /// The page size.
    pub size: u32,
    /// Whether the newest row comes first. Otherwise the oldest row does.
    pub newest_first: bool,
}

/// A value with the number of its entry in a page or list.
///
/// Unreadable and duplicate entries leave gaps, so the number of a row is not its index among the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// The number of the entry, from 0.
    pub number: u32,
    /// The value.
    pub value: T,
}

/// A page as the provider returned it.
#[derive(Debug, PartialEq)]
pub struct ListPage<T> {
    /// The rows in the provider's order, each with the number of its entry.
    pub rows: Vec<Numbered<Arc<T>>>,
    /// The rows that could not be read, each with the number of its entry.
    pub skipped: Vec<Numbered<SkippedRow>>,
    /// The number of entries, including unreadable and duplicate ones.
    pub entries: u32,
    /// The place of the page in the list. `None` when the provider does not page and this is the whole list.
    pub paging: Option<PageMeta>,
}

// Not derived: the rows are shared, so `T` need not be `Clone`.
impl<T> Clone for ListPage<T> {
    fn clone(&self) -> Self {
        let Self { rows, skipped, entries, paging } = self;
        Self { rows: rows.clone(), skipped: skipped.clone(), entries: *entries, paging: *paging }
    }
}

/// The place of a page in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageMeta {
    /// The number of rows in the list.
    pub total: u32,
    /// The actual page size, which may differ from the requested one.
    pub size: u32,
}

/// The rows of a range.
#[derive(Clone, Debug)]
pub struct RangeResult<T> {
    /// The rows, oldest first, each with its number in the list.
    pub rows: Vec<Numbered<Arc<T>>>,
    /// The number of the first entry.
    pub from: u32,
    /// The number after the last entry.
    pub to: u32,
    /// The number of entries in the list.
    pub total: u32,
    /// The rows that could not be read, each with the number of its entry.
    pub skipped: Vec<Numbered<SkippedRow>>,
}

/// The pages of one list that an operation has read or is reading. Each page is read at most once.
#[derive(Debug)]
pub struct PageCache<T>(Mutex<HashMap<PageParams, PageCell<T>>>);

type PageCell<T> = Arc<OnceCell<Result<ListPage<T>, Error>>>;

impl<T> Default for PageCache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PageCache<T> {
    /// Returns a page, which is read with `read` the first time.
    ///
    /// # Errors
    /// The error of the read, for every caller.
    pub async fn page(
        &self,
        params: PageParams,
        read: impl Future<Output = Result<ListPage<T>, Error>>,
    ) -> Result<ListPage<T>, Error> {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(params).or_default().clone();
        cell.get_or_init(|| read).await.clone()
    }
}

impl<T> RangeResult<T> {
    /// Whether the range contains the oldest entry.
    pub fn holds_oldest(&self) -> bool {
        self.from == 0
    }

    /// Whether the range contains the newest entry.
    pub fn holds_newest(&self) -> bool {
        self.to >= self.total
    }

    /// Joins two adjacent ranges. Entries in both are taken from the older range.
    pub fn join(mut self, newer: Self) -> Self {
        let end = self.to;
        self.rows.extend(newer.rows.into_iter().filter(|row| row.number >= end));
        self.skipped.extend(newer.skipped.into_iter().filter(|skipped| skipped.number >= end));
        Self { to: newer.to.max(self.to), total: newer.total.max(self.total), ..self }
    }
}

/// Reads a range in as few pages as possible.
///
/// # Errors
/// The provider's error of the first page that cannot be read.
pub async fn read<T, F>(range: RowRange, page: impl Fn(PageParams) -> F) -> Result<RangeResult<T>, Error>
where
    F: Future<Output = Result<ListPage<T>, Error>>,
{
    match range {
        RowRange::Newest(count) => {
            let params = PageParams { page: 1, size: count.clamp(1, PAGE_SIZE_MAX), newest_first: true };
            Ok(from_newest(page(params).await?))
        }
        RowRange::Between(from, to) => between(from, to, page).await,
    }
}

fn from_newest<T>(page: ListPage<T>) -> RangeResult<T> {
    let count = page.entries;
    let total = page.paging.map_or(count, |paging| paging.total.max(count));
    let number = |number| total.saturating_sub(1).saturating_sub(number);
    let mut loaded =
        RangeResult { rows: renumber(page.rows, number), from: total - count, to: total, total, skipped: Vec::new() };
    loaded.rows.reverse();
    loaded.skipped = renumber(page.skipped, number);
    loaded
}

/// Converts numbers in a page to numbers in the list.
fn renumber<T>(mut entries: Vec<Numbered<T>>, number: impl Fn(u32) -> u32) -> Vec<Numbered<T>> {
    entries.iter_mut().for_each(|entry| entry.number = number(entry.number));
    entries
}

async fn between<T, F>(from: u32, to: u32, page: impl Fn(PageParams) -> F) -> Result<RangeResult<T>, Error>
where
    F: Future<Output = Result<ListPage<T>, Error>>,
{
    let mut size = None;
    let mut loaded: Option<RangeResult<T>> = None;
    for _ in 0..READS_MAX {
        let next = loaded.as_ref().map_or(from, |loaded| loaded.to);
        let params = covering_page(next, to, size);
        let (got, actual_size) = locate(params, page(params).await?);
        size = actual_size.or(size);
        // The provider used another page size and returned another page than requested. Try again with its size.
        if size.is_some_and(|size| size != params.size) && !(got.from..got.to).contains(&next) && next < got.total {
            continue;
        }
        let done = got.to >= to.min(got.total) || got.to <= next;
        loaded = Some(match loaded {
            Some(older) => older.join(got),
            None => got,
        });
        if done {
            break;
        }
    }
    Ok(loaded.unwrap_or(RangeResult { rows: Vec::new(), from, to: from, total: 0, skipped: Vec::new() }))
}

/// The page that contains the rows from `from` to `to`, or at least the first of them.
fn covering_page(from: u32, to: u32, size: Option<u32>) -> PageParams {
    let width = to.saturating_sub(from).clamp(1, PAGE_SIZE_MAX);
    let fits = |size: &u32| from / size == (from + width - 1) / size;
    let size = size.unwrap_or_else(|| (width..=PAGE_SIZE_MAX).find(fits).unwrap_or(width)).max(1);
    PageParams { page: from / size + 1, size, newest_first: false }
}

/// Numbers the rows of a page that is ordered oldest first. Also returns the actual page size if it differs from the
/// request.
fn locate<T>(params: PageParams, page: ListPage<T>) -> (RangeResult<T>, Option<u32>) {
    let count = page.entries;
    let Some(paging) = page.paging else {
        return (RangeResult { rows: page.rows, from: 0, to: count, total: count, skipped: page.skipped }, None);
    };
    let from = (params.page - 1).saturating_mul(paging.size).min(paging.total);
    let rows = renumber(page.rows, |number| from + number);
    let skipped = renumber(page.skipped, |number| from + number);
    let to = from + count;
    let loaded = RangeResult { rows, from, to, total: paging.total.max(to), skipped };
    (loaded, (paging.size != params.size).then_some(paging.size.max(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// The gaps of a list: every `n`th entry is unreadable, and every `m`th is a duplicate.
    #[derive(Clone, Copy, Debug)]
    struct Gaps(u32, u32);

    impl Gaps {
        fn unreadable(self, n: u32) -> bool {
            n % self.0 == 1
        }

        fn holds(self, n: u32) -> bool {
            !self.unreadable(n) && n % self.1 != 1
        }
    }

    fn gaps() -> impl Strategy<Value = Gaps> {
        (2u32..9, 2u32..9).prop_map(|(unreadable, repeated)| Gaps(unreadable, repeated))
    }

    fn skipped(n: u32) -> SkippedRow {
        SkippedRow { path: n.to_string(), detail: String::new(), rows: 1 }
    }

    /// Reads a list of `total` numbers with gaps from a server with pages of at most `size_max`.
    async fn read_from(total: u32, size_max: u32, gaps: Gaps, range: RowRange) -> (RangeResult<u32>, usize) {
        let reads = Cell::new(0);
        let page = async |params: PageParams| {
            reads.set(reads.get() + 1);
            let size = params.size.min(size_max);
            let numbers = ((params.page - 1) * size).min(total)..(params.page * size).min(total);
            let entries: Vec<u32> = match params.newest_first {
                true => numbers.map(|n| total - 1 - n).collect(),
                false => numbers.collect(),
            };
            let mut got =
                ListPage { rows: vec![], skipped: vec![], entries: 0, paging: Some(PageMeta { total, size }) };
            for (number, n) in (0..).zip(entries) {
                match gaps.holds(n) {
                    true => got.rows.push(Numbered { number, value: Arc::new(n) }),
                    false if gaps.unreadable(n) => got.skipped.push(Numbered { number, value: skipped(n) }),
                    false => {}
                }
                got.entries += 1;
            }
            Ok(got)
        };
        (read(range, page).await.unwrap(), reads.get())
    }

    proptest! {
        #[test]
        fn a_range_contains_the_requested_rows_with_correct_numbers(
            total in 0u32..1500, from in 0u32..1500, width in 1u32..120,
            size_max in prop::sample::select(vec![100, 250, 500]), gaps in gaps(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let range = RowRange::Between(from, from + width);
            let (loaded, reads) = runtime.block_on(read_from(total, size_max, gaps, range));
            prop_assert!(reads <= READS_MAX);
            if size_max == PAGE_SIZE_MAX {
                prop_assert!(reads <= 2);
            }
            let (newest, one) = runtime.block_on(read_from(total, size_max, gaps, RowRange::Newest(width)));
            prop_assert_eq!(one, 1);
            prop_assert_eq!((newest.from, newest.to), (total.saturating_sub(width.min(size_max)), total));
            for loaded in [&loaded, &newest] {
                prop_assert!(loaded.rows.is_sorted_by(|a, b| a.number < b.number));
                prop_assert!(loaded.rows.iter().all(|row| row.number == *row.value));
                prop_assert!(loaded.skipped.iter().all(|row| row.value == skipped(row.number)));
                for n in loaded.from..loaded.to {
                    prop_assert_eq!(loaded.rows.iter().any(|row| *row.value == n), gaps.holds(n), "{}", n);
                    prop_assert_eq!(loaded.skipped.iter().any(|row| row.number == n), gaps.unreadable(n), "{}", n);
                }
            }
            if from < total {
                prop_assert!(loaded.from <= from && (from + width).min(total) <= loaded.to);
            }
        }
    }
}
