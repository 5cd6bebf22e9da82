//! Walks over lists that change meanwhile, with many rows of one date, with right, wrong and missing hints.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A row: its date in days, its number, which makes its ID, and whether it tells its date.
type Row = (u32, u32, bool);

/// An entry of a list; none is one that cannot be read.
type Entry = Option<Row>;

fn place_of(row: &Row) -> Place {
    let at = chrono::DateTime::from_timestamp(i64::from(row.0) * 86_400, 0).unwrap();
    // Ties are not in the order in which they were added, so the list's order and ours differ within a day.
    Place { at: row.2.then_some(DateTime(at)), id: format!("{:05}", row.1.reverse_bits() >> 8) }
}

/// A stretch, or at least the first `most` entries of it: a provider's pages may be small.
fn slice(list: &[Entry], wanted: Stretch, most: u32) -> Slice<Row> {
    let total = u32::try_from(list.len()).unwrap();
    let (from, to) = match wanted {
        Stretch::Newest(count) => (total.saturating_sub(count.min(most)), total),
        Stretch::Between(from, to) => (from.min(total), to.min(total).min(from + most)),
    };
    let entries = (from..to).map(|number| (number, list[number as usize]));
    let mut slice = Slice { rows: Vec::new(), from, to, total, skipped: Vec::new() };
    for (number, entry) in entries {
        match entry {
            Some(row) if slice.rows.iter().any(|seen| *seen.value == row) => {}
            Some(row) => slice.rows.push(Numbered { number, value: Arc::new(row) }),
            None => {
                let value = Skipped { path: number.to_string(), detail: String::new(), rows: 1 };
                slice.skipped.push(Numbered { number, value });
            }
        }
    }
    slice
}

async fn stretch(list: &[Entry], wanted: Stretch) -> Result<Slice<Row>, provider::Error> {
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

/// What a walk to the end saw, and the most stretches that one page read.
fn walk_all(
    list: &[Entry],
    added: &[u32],
    size: u32,
    most: u32,
    toward: Toward,
    hint: impl Fn(Option<u32>) -> Option<u32>,
) -> (Vec<Place>, usize) {
    let mut growing = list.to_vec();
    let (mut seen, mut cursor, mut reads_max) = (Vec::new(), None::<Cursor>, 0);
    for step in (0..).map(|page: usize| added.get(page).copied()) {
        let reads = std::cell::Cell::new(0);
        let found = run(walk(toward, cursor.as_ref(), size + 1, place_of, |wanted| {
            reads.set(reads.get() + 1);
            std::future::ready(Ok(slice(&growing, wanted, most)))
        }))
        .unwrap();
        reads_max = reads_max.max(reads.get());
        let count = found.rows.len().min(size as usize);
        let mut rows = found.rows;
        let end = match toward {
            Toward::Older => {
                rows.truncate(count);
                rows.last()
            }
            Toward::Newer => {
                rows.drain(..rows.len() - count);
                rows.first()
            }
        };
        let Some(end) = end else { break };
        cursor = Some(Cursor { place: end.place.clone(), older: hint(end.number) });
        match toward {
            Toward::Older => seen.extend(rows.into_iter().map(|row| row.place)),
            Toward::Newer => drop(seen.splice(0..0, rows.into_iter().map(|row| row.place))),
        }
        // Rows are added only at a later day than any there is, as time goes.
        if let Some(step) = step.filter(|_| toward == Toward::Older) {
            let number = u32::try_from(growing.len()).unwrap();
            growing.extend((0..=step).map(|extra| Some((1_000 + number, number + extra, true))));
        }
    }
    (seen, reads_max)
}

fn whole(list: &[Entry]) -> Vec<Place> {
    let all = slice(list, Stretch::Newest(u32::MAX / 2), u32::MAX / 2);
    placed(&all, place_of).into_iter().map(|row| row.place).collect()
}

proptest! {
    #[test]
    fn a_walk_skips_nothing_and_repeats_nothing(
        list in list(), added in prop::collection::vec(0u32..3, 0..40), size in 1u32..20, by in -4i32..=4,
        most in prop::sample::select(vec![25, 1_000]), newer in any::<bool>(),
    ) {
        let toward = if newer { Toward::Newer } else { Toward::Older };
        let (seen, reads) = walk_all(&list, &added, size, most, toward, |hint| spoil(hint, by));
        prop_assert_eq!(seen, whole(&list));
        if by == 0 && most == 1_000 {
            prop_assert!(reads <= 8, "{} stretches", reads);
        }
    }

    #[test]
    fn holes_cost_few_more_stretches(
        holes in prop::collection::vec(prop::option::weighted(0.7, Just(())), 0..400), size in 5u32..40,
        newer in any::<bool>(),
    ) {
        let toward = if newer { Toward::Newer } else { Toward::Older };
        let list: Vec<Entry> = (0..).zip(holes).map(|(number, row)| row.map(|()| (number, number, true))).collect();
        let (seen, reads) = walk_all(&list, &[], size, 1_000, toward, |hint| hint);
        prop_assert_eq!(seen, whole(&list));
        prop_assert!(reads <= 4, "{} stretches", reads);
    }
}

#[test]
fn a_page_with_a_hint_costs_one_stretch() {
    let list: Vec<Entry> = (0..2_000).map(|number| Some((number, number, true))).collect();
    let cursor = Cursor { place: place_of(&list[1_000].unwrap()), older: Some(1_000) };
    for toward in [Toward::Older, Toward::Newer] {
        let reads = std::cell::Cell::new(0);
        let found = run(walk(toward, Some(&cursor), 51, place_of, |wanted| {
            reads.set(reads.get() + 1);
            stretch(&list, wanted)
        }));
        assert!(found.unwrap().rows.len() >= 51);
        assert_eq!(reads.get(), 1);
    }
}

#[test]
fn a_list_too_long_to_search_is_a_coded_error() {
    let list: Vec<Entry> = (0..60_000).map(|number| Some((number, number, true))).collect();
    let cursor = Cursor { place: place_of(&list[10].unwrap()), older: None };
    let found = run(walk(Toward::Older, Some(&cursor), 5, place_of, |wanted| stretch(&list, wanted)));
    let error = found.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.contains("begin at the first page"));
    let unreadable = vec![None; 60_000];
    let found = run(walk(Toward::Older, None, 5, place_of, |wanted| stretch(&unreadable, wanted)));
    let error = found.unwrap_err();
    assert_eq!((error.code, error.provider), (Code::LimitExceeded, None));
    assert!(!error.message.contains("first page"), "it is the first page");
}
