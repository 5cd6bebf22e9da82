//! Walks over lists that change meanwhile, with many rows of one date, with right, wrong and missing hints.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A row: its date in days, its number, which makes its ID, and whether it tells its date.
type Row = (u32, u32, bool);

/// An entry of a list; none is one that cannot be read.
type Entry = Option<Row>;

fn day(day: u32) -> DateTime {
    DateTime(chrono::DateTime::from_timestamp(i64::from(day) * 86_400, 0).unwrap())
}

fn place_of(direction: OrderDirection) -> impl Fn(&Row) -> Place {
    // Ties are not in the order in which they were added, so the list's order and ours differ within a day.
    let id = |row: &Row| format!("{:05}", row.1.reverse_bits() >> 8);
    move |row| Place { rank: Rank::dated(direction, row.2.then_some(day(row.0))), id: id(row) }
}

/// Newest rows, without a filter.
fn newest(from: Option<&Cursor>, forward: bool, need: u32) -> Wanted<'_> {
    Wanted { direction: OrderDirection::Desc, forward, from, need, since: None }
}

/// A stretch, or at least the first `most` entries of it: a provider's pages may be small.
fn slice(list: &[Entry], wanted: RowRange, most: u32) -> RangeResult<Row> {
    let total = u32::try_from(list.len()).unwrap();
    let (from, to) = match wanted {
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

async fn stretch(list: &[Entry], wanted: RowRange) -> Result<RangeResult<Row>, provider::Error> {
    Ok(slice(list, wanted, u32::MAX / 2))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A list in which a date never falls, as a provider adds rows, with entries that cannot be read or came before, and
/// rows that do not tell their date.
fn list() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((0u32..3, 0u32..8), 0..120).prop_map(|steps| {
        let (mut day, mut last) = (0, None);
        (0u32..).zip(steps).map(|(number, (step, sort))| entry(&mut day, &mut last, number, step, sort)).collect()
    })
}

/// Most rows share the day of the row before, so that ties go over the edges of stretches.
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

/// How a cursor's hint is spoiled between pages.
fn spoil(hint: Option<u32>, by: i32) -> Option<u32> {
    match by {
        -3..=3 => hint.map(|hint| hint.saturating_add_signed(by)),
        _ => None,
    }
}

/// One walk over all pages of a list that changes meanwhile.
#[derive(Clone, Debug)]
struct Journey {
    direction: OrderDirection,
    forward: bool,
    since: Option<DateTime>,
    /// How many rows a page has.
    size: u32,
    /// The largest stretch that the provider gives.
    most: u32,
    /// How many rows are added after each page.
    added: Vec<u32>,
    /// How a cursor's hint is spoiled.
    spoil: i32,
}

fn journey() -> impl Strategy<Value = Journey> {
    let direction = prop::sample::select(vec![OrderDirection::Desc, OrderDirection::Asc]);
    let since = prop::option::of((0u32..30).prop_map(day));
    let rest = (1u32..20, prop::sample::select(vec![25, 1_000]), prop::collection::vec(0u32..3, 0..40), -4i32..=4);
    (direction, any::<bool>(), since, rest).prop_map(|(direction, forward, since, (size, most, added, spoil))| {
        Journey { direction, forward, since, size, most, added, spoil }
    })
}

impl Journey {
    /// Whether rows that are added now stand behind the page: then the walk meets them.
    fn goes_toward_newer(&self) -> bool {
        self.forward == (self.direction == OrderDirection::Asc)
    }

    /// What the walk saw, the list at its end, and the most stretches that one page read.
    fn walk(&self, list: &[Entry]) -> (Vec<Place>, Vec<Entry>, usize) {
        let mut growing = list.to_vec();
        let (mut seen, mut cursor, mut reads_max) = (Vec::new(), None::<Cursor>, 0);
        for page in 0.. {
            let reads = std::cell::Cell::new(0);
            let Journey { direction, forward, since, .. } = *self;
            let wanted = Wanted { direction, forward, from: cursor.as_ref(), need: self.size + 1, since };
            let found = run(walk(wanted, place_of(direction), |wanted| {
                reads.set(reads.get() + 1);
                std::future::ready(Ok(slice(&growing, wanted, self.most)))
            }));
            let mut rows = found.unwrap().rows;
            reads_max = reads_max.max(reads.get());
            let count = rows.len().min(self.size as usize);
            match forward {
                true => rows.truncate(count),
                false => drop(rows.drain(..rows.len() - count)),
            }
            let Some(end) = (if forward { rows.last() } else { rows.first() }) else { break };
            cursor = Some(Cursor { place: end.place.clone(), older: spoil(end.number, self.spoil) });
            let places = rows.into_iter().map(|row| row.place);
            match forward {
                true => seen.extend(places),
                false => drop(seen.splice(0..0, places)),
            }
            // Rows are added only at a later day than any there is, as time goes.
            if let Some(step) = self.added.get(page) {
                let number = u32::try_from(growing.len()).unwrap();
                growing.extend((0..=*step).map(|extra| Some((1_000 + number, number + extra, true))));
            }
        }
        (seen, growing, reads_max)
    }

    /// All rows that are wanted of a list, in order.
    fn whole(&self, list: &[Entry]) -> Vec<Place> {
        let Journey { direction, since, .. } = *self;
        let all = slice(list, RowRange::Newest(u32::MAX / 2), u32::MAX / 2);
        let wanted = Wanted { direction, forward: true, from: None, need: u32::MAX / 4, since };
        let placed = wanted.placed(&all, place_of(direction));
        let is_wanted = |place: &Place| since.is_none_or(|since| place.rank.date().is_some_and(|at| at >= since));
        placed.into_iter().map(|row| row.place).filter(is_wanted).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_walk_skips_nothing_and_repeats_nothing(list in list(), journey in journey()) {
        let (seen, grown, reads) = journey.walk(&list);
        prop_assert!(seen.is_sorted_by(|a, b| a < b), "a row came twice or out of order");
        let met = if journey.goes_toward_newer() { &grown } else { &list };
        prop_assert_eq!(seen, journey.whole(met));
        if journey.spoil == 0 && journey.most == 1_000 {
            prop_assert!(reads <= 8, "{} stretches", reads);
        }
    }

    #[test]
    fn holes_cost_few_more_stretches(
        holes in prop::collection::vec(prop::option::weighted(0.7, Just(())), 0..400), size in 5u32..40,
        journey in journey(),
    ) {
        let journey = Journey { since: None, size, most: 1_000, added: Vec::new(), spoil: 0, ..journey };
        let list: Vec<Entry> = (0..).zip(holes).map(|(number, row)| row.map(|()| (number, number, true))).collect();
        let (seen, _, reads) = journey.walk(&list);
        prop_assert_eq!(seen, journey.whole(&list));
        prop_assert!(reads <= 4, "{} stretches", reads);
    }
}

#[test]
fn a_page_with_a_hint_costs_one_stretch() {
    let list: Vec<Entry> = (0..2_000).map(|number| Some((number, number, true))).collect();
    for (direction, forward) in [
        (OrderDirection::Desc, true),
        (OrderDirection::Desc, false),
        (OrderDirection::Asc, true),
        (OrderDirection::Asc, false),
    ] {
        let cursor = Cursor { place: place_of(direction)(&list[1_000].unwrap()), older: Some(1_000) };
        let reads = std::cell::Cell::new(0);
        let wanted = Wanted { direction, ..newest(Some(&cursor), forward, 51) };
        let found = run(walk(wanted, place_of(direction), |wanted| {
            reads.set(reads.get() + 1);
            stretch(&list, wanted)
        }));
        assert!(found.unwrap().rows.len() >= 51);
        assert_eq!(reads.get(), 1);
    }
}

#[test]
fn a_list_is_read_no_further_back_than_is_asked() {
    let list: Vec<Entry> = (0..5_000).map(|number| Some((number, number, true))).collect();
    for forward in [true, false] {
        let reads = std::cell::Cell::new(0);
        let wanted = Wanted { since: Some(day(4_990)), ..newest(None, forward, 51) };
        let found = run(walk(wanted, place_of(OrderDirection::Desc), |wanted| {
            reads.set(reads.get() + 1);
            stretch(&list, wanted)
        }));
        assert_eq!((found.unwrap().rows.len(), reads.get()), (10, 1));
    }
}

#[test]
fn a_list_too_long_to_search_is_a_coded_error() {
    let list: Vec<Entry> = (0..60_000).map(|number| Some((number, number, true))).collect();
    let by_date = place_of(OrderDirection::Desc);
    let cursor = Cursor { place: by_date(&list[10].unwrap()), older: None };
    let search = |list: &[Entry], wanted| run(walk(wanted, &by_date, |wanted| stretch(list, wanted))).unwrap_err();
    let error = search(&list, newest(Some(&cursor), true, 5));
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.contains("begin at the first page"));
    let error = search(&vec![None; 60_000], newest(None, true, 5));
    assert_eq!((error.code, error.provider), (Code::LimitExceeded, None));
    assert!(!error.message.contains("first page"), "it is the first page");
    let error = search(&list, Wanted { since: Some(day(10)), ..newest(None, false, 5) });
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.contains("the newest rows first"), "{}", error.message);
}
