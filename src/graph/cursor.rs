//! A cursor names a row by its place in the one order, not by an offset, so it holds while rows come and go.
//!
//! The order: newest first, rows without a date last, ties by ID. A cursor also carries how many of OneAll's rows were
//! older than it when it was made; that only says where to look first and is checked against what is found.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::DateTime;

/// The longest cursor that is read, in bytes.
const CURSOR_LENGTH_MAX: usize = 512;

/// A row's place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row's date.
    pub at: Option<DateTime>,
    /// The row's ID, plain.
    pub id: String,
}

/// A row's place in one of the graph's lists, as a client keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row's place.
    pub place: Place,
    /// How many of OneAll's rows were older, where that was known.
    pub older: Option<u32>,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        // None sorts below every date, so newest first puts it last.
        other.at.cmp(&self.at).then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Cursor {
    /// The cursor as text, for the list of this name.
    pub fn print(&self, list: &str) -> String {
        let at = self.place.at.map(|at| at.to_string()).unwrap_or_default();
        let older = self.older.map(|older| older.to_string()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{list}|{at}|{older}|{}", self.place.id))
    }

    /// Reads a cursor of the list of this name.
    pub fn parse(list: &str, text: &str) -> Option<Self> {
        if text.len() > CURSOR_LENGTH_MAX {
            return None;
        }
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = plain.splitn(4, '|');
        let (name, at, older, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if name != list {
            return None;
        }
        let at = if at.is_empty() { None } else { Some(DateTime::parse(at)?) };
        let older = if older.is_empty() { None } else { Some(older.parse().ok()?) };
        Some(Self { place: Place { at, id: id.to_owned() }, older })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn place() -> impl Strategy<Value = Place> {
        let at = prop::option::of(
            (0i64..4_000_000_000, 0u32..1_000_000_000)
                .prop_map(|(seconds, nanos)| DateTime(chrono::DateTime::from_timestamp(seconds, nanos).unwrap())),
        );
        (at, "[a-z]{1,9}:[0-9/|]{1,9}").prop_map(|(at, id)| Place { at, id })
    }

    proptest! {
        #[test]
        fn a_cursor_that_is_printed_reads_as_the_same(place in place(), older in any::<Option<u32>>()) {
            let cursor = Cursor { place, older };
            let text = cursor.print("connections");
            prop_assert_eq!(Cursor::parse("connections", &text), Some(cursor));
            prop_assert_eq!(Cursor::parse("applications", &text), None);
        }

        #[test]
        fn any_text_is_a_cursor_or_is_not(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Cursor::parse("connections", &URL_SAFE_NO_PAD.encode(bytes));
        }
    }

    #[test]
    fn newest_come_first_and_the_undated_last() {
        let place = |at: Option<&str>, id: &str| Place { at: at.and_then(DateTime::parse), id: id.to_owned() };
        let mut rows = [
            place(None, "a"),
            place(Some("2020-01-01T00:00:00Z"), "b"),
            place(Some("2021-01-01T00:00:00Z"), "c"),
            place(Some("2020-01-01T00:00:00Z"), "a"),
        ];
        rows.sort();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "a"]);
        assert_eq!(rows[3].at, None);
    }
}
