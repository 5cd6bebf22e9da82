//! A cursor names a row by its place in its list's order, not by an offset, so it holds while rows come and go.
//!
//! It names the order too: a place means nothing in another one. It also carries how many of OneAll's rows were older
//! than its row when it was made; that only says where to look first and is checked against what is found.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::order::{ConnectionOrder, Rank};

/// The longest cursor that is read, in bytes: the longest ID, 48 letters of any alphabet, and what holds them together.
const CURSOR_LENGTH_MAX: usize = 1_024;

/// A row's place in the order: ranks first, ties by ID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What the row is ordered by.
    pub rank: Rank,
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

/// Why a text is not taken for a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is none of this list.
    NotACursor,
    /// It is one of this list in another order.
    OtherOrder,
}

/// A cursor before it is encoded: the list, the order, the rank, the hint and the ID.
type Parts<'a> = (&'a str, &'a str, Option<String>, Option<u32>, String);

impl Cursor {
    /// The cursor as text, for the list of this name in this order.
    pub fn print(&self, list: &str, order: ConnectionOrder) -> String {
        let parts: Parts = (list, order.name(), self.place.rank.print(), self.older, self.place.id.clone());
        URL_SAFE_NO_PAD.encode(serde_json::to_string(&parts).unwrap_or_default())
    }

    /// Reads a cursor of the list of this name in this order.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(list: &str, order: ConnectionOrder, text: &str) -> Result<Self, Wrong> {
        if text.len() > CURSOR_LENGTH_MAX {
            return Err(Wrong::NotACursor);
        }
        let plain = URL_SAFE_NO_PAD.decode(text).map_err(|_| Wrong::NotACursor)?;
        let (name, named, rank, older, id): Parts = serde_json::from_slice(&plain).map_err(|_| Wrong::NotACursor)?;
        if name != list {
            return Err(Wrong::NotACursor);
        }
        if named != order.name() {
            return Err(Wrong::OtherOrder);
        }
        let rank = order.parse(rank.as_deref()).ok_or(Wrong::NotACursor)?;
        Ok(Self { place: Place { rank, id }, older })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::graph::order::{ConnectionOrderField, OrderDirection};
    use crate::model::DateTime;

    fn orders() -> impl Strategy<Value = ConnectionOrder> {
        use ConnectionOrderField::*;
        let field = prop::sample::select(vec![CreatedAt, Service, Label]);
        let direction = prop::sample::select(vec![OrderDirection::Asc, OrderDirection::Desc]);
        (field, direction).prop_map(|(field, direction)| ConnectionOrder { field, direction })
    }

    fn place(order: ConnectionOrder) -> impl Strategy<Value = Place> {
        let at = (0i64..4_000_000_000, 0u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| DateTime(chrono::DateTime::from_timestamp(seconds, nanos).unwrap()));
        let (at, text) = (prop::option::of(at), prop::option::of("(\\PC|\"){0,80}"));
        (at, text, "[a-z]{1,9}:[0-9/|]{1,9}").prop_map(move |(at, text, id)| {
            let rank = match order.is_by_date() {
                true => Rank::dated(order.direction, at),
                false => Rank::lettered(order.direction, text.as_deref()),
            };
            Place { rank, id }
        })
    }

    proptest! {
        #[test]
        fn a_cursor_that_is_printed_reads_as_the_same(
            (order, place) in orders().prop_flat_map(|order| (Just(order), place(order))), older in any::<Option<u32>>(),
            other in orders(),
        ) {
            let cursor = Cursor { place, older };
            let text = cursor.print("connections", order);
            prop_assert_eq!(Cursor::parse("connections", order, &text), Ok(cursor));
            prop_assert_eq!(Cursor::parse("applications", order, &text), Err(Wrong::NotACursor));
            if other != order {
                prop_assert_eq!(Cursor::parse("connections", other, &text), Err(Wrong::OtherOrder));
            }
        }

        #[test]
        fn any_text_is_a_cursor_or_is_not(bytes in prop::collection::vec(any::<u8>(), 0..64), order in orders()) {
            let _ = Cursor::parse("connections", order, &URL_SAFE_NO_PAD.encode(bytes));
        }

        #[test]
        fn what_a_row_lacks_puts_it_last_and_ids_break_ties(
            (order, mut places) in orders().prop_flat_map(|order| (Just(order), prop::collection::vec(place(order), 0..9))),
        ) {
            places.sort();
            let lacking = |place: &Place| place.rank.print().is_none();
            prop_assert!(places.is_sorted_by_key(lacking));
            prop_assert!(places.windows(2).all(|two| two[0].rank != two[1].rank || two[0].id <= two[1].id));
            let down = order.direction == OrderDirection::Desc;
            let values: Vec<String> = places.iter().filter_map(|place| place.rank.print()).collect();
            if !order.is_by_date() {
                let sorted = if down { values.is_sorted_by(|a, b| a >= b) } else { values.is_sorted() };
                prop_assert!(sorted);
            }
        }
    }

    #[test]
    fn newest_come_first_and_the_undated_last() {
        let place = |at: Option<&str>, id: &str| Place {
            rank: Rank::dated(OrderDirection::Desc, at.and_then(DateTime::parse)),
            id: id.to_owned(),
        };
        let mut rows = [
            place(None, "a"),
            place(Some("2020-01-01T00:00:00Z"), "b"),
            place(Some("2021-01-01T00:00:00Z"), "c"),
            place(Some("2020-01-01T00:00:00Z"), "a"),
        ];
        rows.sort();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "a"]);
        assert_eq!(rows[3].rank.date(), None);
    }
}
