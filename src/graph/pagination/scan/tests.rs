//! Scans of lists that change between pages, with many rows of one date and with correct, wrong and missing hints.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A row: its date in days, its number (from which its ID is made), and whether it has a date.
type Row = (u32, u32, bool);

/// An entry of a list. `None` is an unreadable row.
type Entry = Option<Row>;

fn day(day: u32) -> DateTime {
    DateTime(chrono::DateTime::from_timestamp(i64::from(day) * 86_400, 0).unwrap())
}

fn position_of(direction: OrderDirection) -> impl Fn(&Row) -> Position {
    // Within a day, the order of the IDs differs from the order of the list.
    let id = |row: &Row| format!("{:05}", row.1.reverse_bits() >> 8);
    move |row| Position { sort_key: SortKey::by_date(direction, row.2.then_some(day(row.0))), id: id(row) }
}

/// A request for the newest rows, without a filter.
fn newest(from: Option<&Cursor>, forward: bool, need: u32) -> ScanRequest<'_> {
    ScanRequest { direction: OrderDirection::Desc, forward, from, need, since: None }
}

/// A range, or at least the first `most` entries of it: a provider's pages may be small.
fn slice(list: &[Entry], range: RowRange, most: u32) -> RangeResult<Row> {
    let total = u32::try_from(list.len()).unwrap();
    let (from, to) = match range {
        RowRange::Newest(count) => (total.saturating_sub(count.min(most)), total),
        RowRange::Between(from, to) => (from.min(total), to.min(total).min(from + most)),
    };
    let entries = (from..to).map(|number| (number, list[number as usize]));
    let mut slice = RangeResult { rows: Vec::new(), from, to, total, skipped: Vec::new() };
    for (number, entry) in entries {
        match entry {
            Some(row) if slice.rows.iter().any(|seen| *seen.value == row) => {}
            Some(row) => slice.rows.push(Numbered { number, value: Arc::new(row) }),
            None => {
                let value = SkippedRow { path: number.to_string(), detail: String::new(), rows: 1 };
                slice.skipped.push(Numbered { number, value });
            }
        }
    }
    slice
}

async fn read_range(list: &[Entry], range: RowRange) -> Result<RangeResult<Row>, provider::Error> {
    Ok(slice(list, range, u32::MAX / 2))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A list in the order in which a provider adds rows: dates never fall. It has unreadable entries, duplicates and rows
/// without a date.
fn list() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((0u32..3, 0u32..8), 0..120).prop_map(|steps| {
        let (mut day, mut last) = (0, None);
        (0u32..).zip(steps).map(|(number, (step, sort))| entry(&mut day, &mut last, number, step, sort)).collect()
    })
}

/// Most rows have the date of the row before them, so that equal dates cross the edges of ranges.
fn entry(day: &mut u32, last: &mut Entry, number: u32, step: u32, sort: u32) -> Entry {
    *day += u32::from(step == 2);
    match sort {
        0 => return None,
        1 if last.is_some() => return *last,
        2 => return Some((*day, number, false)),
        _ => *last = Some((*day, number, true)),
    }
    *last
}

/// Makes the hint of a cursor wrong between pages.
fn distort(hint: Option<u32>, by: i32) -> Option<u32> {
    match by {
        -3..=3 => hint.map(|hint| hint.saturating_add_signed(by)),
        _ => None,
    }
}

/// Pagination through a list that changes between pages.
#[derive(Clone, Debug)]
struct Pagination {
    direction: OrderDirection,
    forward: bool,
    since: Option<DateTime>,
    /// The size of a page.
    size: u32,
    /// The largest range that the provider returns.
    most: u32,
    /// The number of rows that are added after each page.
    added: Vec<u32>,
    /// The error of each cursor's hint.
    distortion: i32,
}

fn pagination() -> impl Strategy<Value = Pagination> {
    let direction = prop::sample::select(vec![OrderDirection::Desc, OrderDirection::Asc]);
    let since = prop::option::of((0u32..30).prop_map(day));
    let rest = (1u32..20, prop::sample::select(vec![25, 1_000]), prop::collection::vec(0u32..3, 0..40), -4i32..=4);
    (direction, any::<bool>(), since, rest).prop_map(|(direction, forward, since, (size, most, added, distortion))| {
        Pagination { direction, forward, since, size, most, added, distortion }
    })
}

impl Pagination {
    /// Whether added rows come after the current page, so that pagination reaches them.
    fn goes_toward_newer(&self) -> bool {
        self.forward == (self.direction == OrderDirection::Asc)
    }

    /// The rows that were seen, the final list, and the largest number of ranges read for one page.
    fn run(&self, list: &[Entry]) -> (Vec<Position>, Vec<Entry>, usize) {
        let mut growing = list.to_vec();
        let (mut seen, mut cursor, mut reads_max) = (Vec::new(), None::<Cursor>, 0);
        for page in 0.. {
            let reads = std::cell::Cell::new(0);
            let Pagination { direction, forward, since, .. } = *self;
            let request = ScanRequest { direction, forward, from: cursor.as_ref(), need: self.size + 1, since };
            let found = block_on(scan(request, position_of(direction), |range| {
                reads.set(reads.get() + 1);
                std::future::ready(Ok(slice(&growing, range, self.most)))
            }));
            let mut rows = found.unwrap().rows;
            reads_max = reads_max.max(reads.get());
            let count = rows.len().min(self.size as usize);
            match forward {
                true => rows.truncate(count),
                false => drop(rows.drain(..rows.len() - count)),
            }
            let Some(end) = (if forward { rows.last() } else { rows.first() }) else { break };
            cursor = Some(Cursor { position: end.position.clone(), older: distort(end.number, self.distortion) });
            let positions = rows.into_iter().map(|row| row.position);
            match forward {
                true => seen.extend(positions),
                false => drop(seen.splice(0..0, positions)),
            }
            // Added rows are newer than all others.
            if let Some(step) = self.added.get(page) {
                let number = u32::try_from(growing.len()).unwrap();
                growing.extend((0..=*step).map(|extra| Some((1_000 + number, number + extra, true))));
            }
        }
        (seen, growing, reads_max)
    }

    /// All matching rows of a list, in order.
    fn whole(&self, list: &[Entry]) -> Vec<Position> {
        let Pagination { direction, since, .. } = *self;
        let all = slice(list, RowRange::Newest(u32::MAX / 2), u32::MAX / 2);
        let request = ScanRequest { direction, forward: true, from: None, need: u32::MAX / 4, since };
        let positioned = request.positioned(&all, position_of(direction));
        let is_recent =
            |position: &Position| since.is_none_or(|since| position.sort_key.date().is_some_and(|at| at >= since));
        positioned.into_iter().map(|row| row.position).filter(is_recent).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pagination_skips_and_repeats_no_row(list in list(), pagination in pagination()) {
        let (seen, grown, reads) = pagination.run(&list);
        prop_assert!(seen.is_sorted_by(|a, b| a < b), "a row was repeated or out of order");
        let expected = if pagination.goes_toward_newer() { &grown } else { &list };
        prop_assert_eq!(seen, pagination.whole(expected));
        if pagination.distortion == 0 && pagination.most == 1_000 {
            prop_assert!(reads <= 8, "{} ranges", reads);
        }
    }

    #[test]
    fn unreadable_rows_cost_few_extra_ranges(
        holes in prop::collection::vec(prop::option::weighted(0.7, Just(())), 0..400), size in 5u32..40,
        pagination in pagination(),
    ) {
        let pagination = Pagination { since: None, size, most: 1_000, added: Vec::new(), distortion: 0, ..pagination };
        let list: Vec<Entry> = (0..).zip(holes).map(|(number, row)| row.map(|()| (number, number, true))).collect();
        let (seen, _, reads) = pagination.run(&list);
        prop_assert_eq!(seen, pagination.whole(&list));
        prop_assert!(reads <= 4, "{} ranges", reads);
    }
}

#[test]
fn a_page_with_a_correct_hint_reads_one_range() {
    let list: Vec<Entry> = (0..2_000).map(|number| Some((number, number, true))).collect();
    for (direction, forward) in [
        (OrderDirection::Desc, true),
        (OrderDirection::Desc, false),
        (OrderDirection::Asc, true),
        (OrderDirection::Asc, false),
    ] {
        let cursor = Cursor { position: position_of(direction)(&list[1_000].unwrap()), older: Some(1_000) };
        let reads = std::cell::Cell::new(0);
        let request = ScanRequest { direction, ..newest(Some(&cursor), forward, 51) };
        let found = block_on(scan(request, position_of(direction), |range| {
            reads.set(reads.get() + 1);
            read_range(&list, range)
        }));
        assert!(found.unwrap().rows.len() >= 51);
        assert_eq!(reads.get(), 1);
    }
}

#[test]
fn a_scan_stops_at_the_requested_date() {
    let list: Vec<Entry> = (0..5_000).map(|number| Some((number, number, true))).collect();
    for forward in [true, false] {
        let reads = std::cell::Cell::new(0);
        let request = ScanRequest { since: Some(day(4_990)), ..newest(None, forward, 51) };
        let found = block_on(scan(request, position_of(OrderDirection::Desc), |range| {
            reads.set(reads.get() + 1);
            read_range(&list, range)
        }));
        assert_eq!((found.unwrap().rows.len(), reads.get()), (10, 1));
    }
}

#[test]
fn a_scan_beyond_the_limit_is_limit_exceeded() {
    let list: Vec<Entry> = (0..60_000).map(|number| Some((number, number, true))).collect();
    let by_date = position_of(OrderDirection::Desc);
    let cursor = Cursor { position: by_date(&list[10].unwrap()), older: None };
    let search =
        |list: &[Entry], request| block_on(scan(request, &by_date, |range| read_range(list, range))).unwrap_err();
    let error = search(&list, newest(Some(&cursor), true, 5));
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    assert!(error.message.contains("Start again at the first page"));
    let error = search(&vec![None; 60_000], newest(None, true, 5));
    assert_eq!((error.code, error.provider), (ErrorCode::LimitExceeded, None));
    assert!(!error.message.contains("first page"), "this is the first page");
    let error = search(&list, ScanRequest { since: Some(day(10)), ..newest(None, false, 5) });
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    assert!(error.message.contains("newest rows first"), "{}", error.message);
}
