//! Walks over lists that change meanwhile, with many rows of one date, with right, wrong and missing hints.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A row: its date in days, and its number, which makes its ID.
type Row = (u32, u32);

fn place_of(row: &Row) -> Place {
    let at = chrono::DateTime::from_timestamp(i64::from(row.0) * 86_400, 0).unwrap();
    // Ties are not in the order in which they were added, so the list's order and ours differ within a day.
    Place { at: Some(DateTime(at)), id: format!("{:05}", row.1.reverse_bits() >> 8) }
}

async fn stretch(list: &[Row], wanted: Stretch) -> Result<Slice<Row>, provider::Error> {
    let total = u32::try_from(list.len()).unwrap();
    let (from, to) = match wanted {
        Stretch::Newest(count) => (total.saturating_sub(count), total),
        Stretch::Between(from, to) => (from.min(total), to.min(total)),
    };
    let rows = list[from as usize..to as usize].iter().copied().map(Arc::new).collect();
    Ok(Slice { rows, from, to, total, skipped: Vec::new() })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A list in which a date never falls, as a provider adds rows.
fn list() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(0u32..3, 0..120).prop_map(|steps| {
        let mut day = 0;
        (0u32..).zip(steps).map(|(number, step)| (day_after(&mut day, step), number)).collect()
    })
}

/// Most rows share the day of the row before, so that ties go over the edges of stretches.
fn day_after(day: &mut u32, step: u32) -> u32 {
    *day += u32::from(step == 2);
    *day
}

/// How a cursor's hint is spoiled between pages.
fn spoil(hint: Option<u32>, by: i32) -> Option<u32> {
    match by {
        -3..=3 => hint.map(|hint| hint.saturating_add_signed(by)),
        _ => None,
    }
}

proptest! {
    #[test]
    fn a_walk_skips_nothing_and_repeats_nothing(
        list in list(), added in prop::collection::vec(0u32..3, 0..40), size in 1u32..20, by in -4i32..=4, newer in any::<bool>(),
    ) {
        let toward = if newer { Toward::Newer } else { Toward::Older };
        let mut expected: Vec<Place> = list.iter().map(place_of).collect();
        expected.sort();
        let mut growing = list.clone();
        let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
        for step in (0..).map(|page: usize| added.get(page).copied()) {
            let found = run(walk(toward, cursor.as_ref(), size + 1, place_of, |wanted| {
                let list = growing.clone();
                async move { stretch(&list, wanted).await }
            })).unwrap();
            let count = found.rows.len().min(size as usize);
            let mut rows = found.rows;
            let end = match toward {
                Toward::Older => { rows.truncate(count); rows.last() }
                Toward::Newer => { rows.drain(..rows.len() - count); rows.first() }
            };
            let Some(end) = end else { break };
            cursor = Some(Cursor { place: end.place.clone(), older: spoil(end.number, by) });
            match toward {
                Toward::Older => seen.extend(rows.into_iter().map(|row| row.place)),
                Toward::Newer => drop(seen.splice(0..0, rows.into_iter().map(|row| row.place))),
            }
            // Rows are added only at a later day than any there is, as time goes.
            if let Some(step) = step.filter(|_| !newer) {
                let day = growing.last().map_or(0, |row| row.0) + 1;
                let number = u32::try_from(growing.len()).unwrap();
                growing.extend((0..=step).map(|extra| (day, number + extra)));
            }
        }
        prop_assert_eq!(seen, expected);
    }
}

#[test]
fn a_page_with_a_hint_costs_one_stretch() {
    let list: Vec<Row> = (0..2_000).map(|number| (number, number)).collect();
    let cursor = Cursor { place: place_of(&list[1_000]), older: Some(1_000) };
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
    let list: Vec<Row> = (0..60_000).map(|number| (number, number)).collect();
    let cursor = Cursor { place: place_of(&list[10]), older: None };
    let found = run(walk(Toward::Older, Some(&cursor), 5, place_of, |wanted| stretch(&list, wanted)));
    assert_eq!(found.unwrap_err().code, Code::LimitExceeded);
}
