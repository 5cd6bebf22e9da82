//! A stretch of a long list that a provider keeps oldest first and gives out by page number.
//!
//! Offsets from the oldest row hold still while rows are added, offsets from the newest do not; so rows are numbered
//! from the oldest, and only the very first look at the newest rows counts from the other end, in one read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::{Error, SkippedRow};

/// The most rows that one page may have, at OneAll.
pub const PAGE_SIZE_MAX: u32 = 500;

/// The most reads that one stretch may cost; a provider that ignores the page size needs more than one.
const READS_MAX: usize = 4;

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowRange {
    /// This many of the newest rows.
    Newest(u32),
    /// The rows from the first number up to, but without, the second; numbers count from the oldest row, at 0.
    Between(u32, u32),
}

/// Which page a provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageParams {
    /// Its number, from 1.
    pub page: u32,
    /// How many rows a page has.
    pub size: u32,
    /// Whether the newest row is the first; otherwise the oldest is.
    pub newest_first: bool,
}

/// Something that stands at a number of a page or of a list.
///
/// An entry that could not be read or that came twice leaves a hole, so a row's number is not its index among the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// The number of the entry, from 0.
    pub number: u32,
    /// What stands there.
    pub value: T,
}

/// A page as a provider gave it.
#[derive(Debug, PartialEq)]
pub struct ListPage<T> {
    /// Its rows in the order in which they came, each numbered by its entry.
    pub rows: Vec<Numbered<Arc<T>>>,
    /// What could not be read, by the entry that it stands in.
    pub skipped: Vec<Numbered<SkippedRow>>,
    /// How many entries it has, those among them that could not be read or that came twice.
    pub entries: u32,
    /// Where it lies in the list; none if the provider does not page at all and this is everything.
    pub paging: Option<PageMeta>,
}

// By hand: its rows are shared, so that they need not be `Clone` themselves.
impl<T> Clone for ListPage<T> {
    fn clone(&self) -> Self {
        let Self { rows, skipped, entries, paging } = self;
        Self { rows: rows.clone(), skipped: skipped.clone(), entries: *entries, paging: *paging }
    }
}

/// Where a page lies in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageMeta {
    /// How many rows the list has.
    pub total: u32,
    /// How many rows a page has; the provider may not have kept to what was asked.
    pub size: u32,
}

/// A stretch of the list.
#[derive(Clone, Debug)]
pub struct RangeResult<T> {
    /// Its rows, oldest first, each with its number from the list's oldest entry.
    pub rows: Vec<Numbered<Arc<T>>>,
    /// The number of its first entry.
    pub from: u32,
    /// The number after its last entry.
    pub to: u32,
    /// How many entries the list has.
    pub total: u32,
    /// What could not be read, by the entry that it stands in.
    pub skipped: Vec<Numbered<SkippedRow>>,
}

/// The pages of one list that an operation has read or is reading: each is read once, however often it is asked for.
#[derive(Debug)]
pub struct PageCache<T>(Mutex<HashMap<PageParams, PageCell<T>>>);

type PageCell<T> = Arc<OnceCell<Result<ListPage<T>, Error>>>;

impl<T> Default for PageCache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PageCache<T> {
    /// A page, by `read` if nobody has asked for it yet.
    ///
    /// # Errors
    /// What the one read met, for everyone who asks.
    pub async fn page(
        &self,
        ask: PageParams,
        read: impl Future<Output = Result<ListPage<T>, Error>>,
    ) -> Result<ListPage<T>, Error> {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(ask).or_default().clone();
        cell.get_or_init(|| read).await.clone()
    }
}

impl<T> RangeResult<T> {
    /// Whether nothing is older than what is here.
    pub fn holds_oldest(&self) -> bool {
        self.from == 0
    }

    /// Whether nothing is newer than what is here.
    pub fn holds_newest(&self) -> bool {
        self.to >= self.total
    }

    /// Puts two neighbouring stretches together; entries that both have are taken from the older one.
    pub fn join(mut self, newer: Self) -> Self {
        let end = self.to;
        self.rows.extend(newer.rows.into_iter().filter(|row| row.number >= end));
        self.skipped.extend(newer.skipped.into_iter().filter(|skipped| skipped.number >= end));
        Self { to: newer.to.max(self.to), total: newer.total.max(self.total), ..self }
    }
}

/// Reads a stretch, in as few pages as can be.
///
/// # Errors
/// The provider's, of the first page that cannot be read.
pub async fn read<T, F>(stretch: RowRange, page: impl Fn(PageParams) -> F) -> Result<RangeResult<T>, Error>
where
    F: Future<Output = Result<ListPage<T>, Error>>,
{
    match stretch {
        RowRange::Newest(count) => {
            let ask = PageParams { page: 1, size: count.clamp(1, PAGE_SIZE_MAX), newest_first: true };
            Ok(from_newest(page(ask).await?))
        }
        RowRange::Between(from, to) => between(from, to, page).await,
    }
}

fn from_newest<T>(page: ListPage<T>) -> RangeResult<T> {
    let count = page.entries;
    let total = page.paging.map_or(count, |paging| paging.total.max(count));
    let number = |number| total.saturating_sub(1).saturating_sub(number);
    let mut slice =
        RangeResult { rows: numbered(page.rows, number), from: total - count, to: total, total, skipped: Vec::new() };
    slice.rows.reverse();
    slice.skipped = numbered(page.skipped, number);
    slice
}

/// Turns numbers in a page into numbers in the list.
fn numbered<T>(mut things: Vec<Numbered<T>>, number: impl Fn(u32) -> u32) -> Vec<Numbered<T>> {
    things.iter_mut().for_each(|thing| thing.number = number(thing.number));
    things
}

async fn between<T, F>(from: u32, to: u32, page: impl Fn(PageParams) -> F) -> Result<RangeResult<T>, Error>
where
    F: Future<Output = Result<ListPage<T>, Error>>,
{
    let mut size = None;
    let mut slice: Option<RangeResult<T>> = None;
    for _ in 0..READS_MAX {
        let next = slice.as_ref().map_or(from, |slice| slice.to);
        let ask = cover(next, to, size);
        let (got, true_size) = place(ask, page(ask).await?);
        size = true_size.or(size);
        // A provider that keeps to a page size of its own gave another page than meant; now its size is known.
        if size.is_some_and(|size| size != ask.size) && !(got.from..got.to).contains(&next) && next < got.total {
            continue;
        }
        let done = got.to >= to.min(got.total) || got.to <= next;
        slice = Some(match slice {
            Some(older) => older.join(got),
            None => got,
        });
        if done {
            break;
        }
    }
    Ok(slice.unwrap_or(RangeResult { rows: Vec::new(), from, to: from, total: 0, skipped: Vec::new() }))
}

/// The page that holds the rows from `from` up to `to`, or at least the first of them.
fn cover(from: u32, to: u32, size: Option<u32>) -> PageParams {
    let width = to.saturating_sub(from).clamp(1, PAGE_SIZE_MAX);
    let fits = |size: &u32| from / size == (from + width - 1) / size;
    let size = size.unwrap_or_else(|| (width..=PAGE_SIZE_MAX).find(fits).unwrap_or(width)).max(1);
    PageParams { page: from / size + 1, size, newest_first: false }
}

/// Numbers the rows of a page that came oldest first; tells its true size if that is not what was asked for.
fn place<T>(ask: PageParams, page: ListPage<T>) -> (RangeResult<T>, Option<u32>) {
    let count = page.entries;
    let Some(paging) = page.paging else {
        return (RangeResult { rows: page.rows, from: 0, to: count, total: count, skipped: page.skipped }, None);
    };
    let from = (ask.page - 1).saturating_mul(paging.size).min(paging.total);
    let (rows, skipped) = (numbered(page.rows, |number| from + number), numbered(page.skipped, |number| from + number));
    let to = from + count;
    let slice = RangeResult { rows, from, to, total: paging.total.max(to), skipped };
    (slice, (paging.size != ask.size).then_some(paging.size.max(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Which entries of a list are no rows: every `n`th cannot be read, and every `m`th came before.
    #[derive(Clone, Copy, Debug)]
    struct Holes(u32, u32);

    impl Holes {
        fn unreadable(self, n: u32) -> bool {
            n % self.0 == 1
        }

        fn holds(self, n: u32) -> bool {
            !self.unreadable(n) && n % self.1 != 1
        }
    }

    fn holes() -> impl Strategy<Value = Holes> {
        (2u32..9, 2u32..9).prop_map(|(unreadable, repeated)| Holes(unreadable, repeated))
    }

    fn skipped(n: u32) -> SkippedRow {
        SkippedRow { path: n.to_string(), detail: String::new(), rows: 1 }
    }

    /// A list of `total` numbers with holes, whose server gives pages of at most `size_max`.
    async fn read_from(total: u32, size_max: u32, holes: Holes, stretch: RowRange) -> (RangeResult<u32>, usize) {
        let reads = Cell::new(0);
        let page = async |ask: PageParams| {
            reads.set(reads.get() + 1);
            let size = ask.size.min(size_max);
            let numbers = ((ask.page - 1) * size).min(total)..(ask.page * size).min(total);
            let entries: Vec<u32> = match ask.newest_first {
                true => numbers.map(|n| total - 1 - n).collect(),
                false => numbers.collect(),
            };
            let mut got =
                ListPage { rows: vec![], skipped: vec![], entries: 0, paging: Some(PageMeta { total, size }) };
            for (number, n) in (0..).zip(entries) {
                match holes.holds(n) {
                    true => got.rows.push(Numbered { number, value: Arc::new(n) }),
                    false if holes.unreadable(n) => got.skipped.push(Numbered { number, value: skipped(n) }),
                    false => {}
                }
                got.entries += 1;
            }
            Ok(got)
        };
        (read(stretch, page).await.unwrap(), reads.get())
    }

    proptest! {
        #[test]
        fn a_stretch_holds_what_was_asked_and_numbers_it_rightly(
            total in 0u32..1500, from in 0u32..1500, width in 1u32..120,
            size_max in prop::sample::select(vec![100, 250, 500]), holes in holes(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let asked = RowRange::Between(from, from + width);
            let (slice, reads) = runtime.block_on(read_from(total, size_max, holes, asked));
            prop_assert!(reads <= READS_MAX);
            if size_max == PAGE_SIZE_MAX {
                prop_assert!(reads <= 2);
            }
            let (newest, one) = runtime.block_on(read_from(total, size_max, holes, RowRange::Newest(width)));
            prop_assert_eq!(one, 1);
            prop_assert_eq!((newest.from, newest.to), (total.saturating_sub(width.min(size_max)), total));
            for slice in [&slice, &newest] {
                prop_assert!(slice.rows.is_sorted_by(|a, b| a.number < b.number));
                prop_assert!(slice.rows.iter().all(|row| row.number == *row.value));
                prop_assert!(slice.skipped.iter().all(|row| row.value == skipped(row.number)));
                for n in slice.from..slice.to {
                    prop_assert_eq!(slice.rows.iter().any(|row| *row.value == n), holes.holds(n), "{}", n);
                    prop_assert_eq!(slice.skipped.iter().any(|row| row.number == n), holes.unreadable(n), "{}", n);
                }
            }
            if from < total {
                prop_assert!(slice.from <= from && (from + width).min(total) <= slice.to);
            }
        }
    }
}
