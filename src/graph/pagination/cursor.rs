//! Cursors: a row's position in the order of its list, not an offset, so a cursor stays valid while rows come and go.
//!
//! A cursor contains its order, because a position has no meaning in another order. It also contains the number of older
//! OneAll rows at the time. That number is a hint where to read first; the rows that are read decide.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::graph::pagination::order::{ConnectionOrder, SortKey};

/// The maximum length of a cursor in bytes. It fits the longest ID and a sort key of 48 characters.
const CURSOR_LENGTH_MAX: usize = 1_024;

/// The position of a row in an order: by sort key, then by ID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The sort key of the row.
    pub(crate) sort_key: SortKey,
    /// The ID of the row, before encoding.
    pub(crate) id: String,
}

/// A parsed cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The position of the row.
    pub(crate) position: Position,
    /// The number of older OneAll rows, if known.
    pub(crate) older: Option<u32>,
}

/// Why a cursor is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorError {
    /// It is not a cursor of this list.
    Invalid,
    /// It belongs to another order of this list.
    OtherOrder,
}

/// A cursor before encoding: list, order, sort key, hint and ID.
type Parts<'a> = (&'a str, &'a str, Option<String>, Option<u32>, String);

impl Cursor {
    /// Encodes the cursor for a list and its order.
    pub(crate) fn encode(&self, list: &str, order: ConnectionOrder) -> String {
        let parts: Parts = (list, order.tag(), self.position.sort_key.encode(), self.older, self.position.id.clone());
        URL_SAFE_NO_PAD.encode(serde_json::to_string(&parts).unwrap_or_default())
    }

    /// Parses a cursor of a list in an order.
    ///
    /// # Errors
    /// The reason why it is invalid.
    pub(crate) fn parse(list: &str, order: ConnectionOrder, text: &str) -> Result<Self, CursorError> {
        if text.len() > CURSOR_LENGTH_MAX {
            return Err(CursorError::Invalid);
        }
        let plain = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Invalid)?;
        let (cursor_list, tag, sort_key, older, id): Parts =
            serde_json::from_slice(&plain).map_err(|_| CursorError::Invalid)?;
        if cursor_list != list {
            return Err(CursorError::Invalid);
        }
        if tag != order.tag() {
            return Err(CursorError::OtherOrder);
        }
        let sort_key = order.parse_sort_key(sort_key.as_deref()).ok_or(CursorError::Invalid)?;
        Ok(Self { position: Position { sort_key, id }, older })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::graph::pagination::order::{ConnectionOrderField, OrderDirection};
    use crate::model::DateTime;

    fn orders() -> impl Strategy<Value = ConnectionOrder> {
        use ConnectionOrderField::*;
        let field = prop::sample::select(vec![CreatedAt, Service, Label]);
        let direction = prop::sample::select(vec![OrderDirection::Asc, OrderDirection::Desc]);
        (field, direction).prop_map(|(field, direction)| ConnectionOrder { field, direction })
    }

    fn position(order: ConnectionOrder) -> impl Strategy<Value = Position> {
        let at = (0i64..4_000_000_000, 0u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| DateTime(chrono::DateTime::from_timestamp(seconds, nanos).unwrap()));
        let (at, text) = (prop::option::of(at), prop::option::of("(\\PC|\"){0,80}"));
        (at, text, "[a-z]{1,9}:[0-9/|]{1,9}").prop_map(move |(at, text, id)| {
            let sort_key = match order.is_by_date() {
                true => SortKey::by_date(order.direction, at),
                false => SortKey::by_text(order.direction, text.as_deref()),
            };
            Position { sort_key, id }
        })
    }

    proptest! {
        #[test]
        fn cursors_round_trip(
            (order, position) in orders().prop_flat_map(|order| (Just(order), position(order))), older in any::<Option<u32>>(),
            other in orders(),
        ) {
            let cursor = Cursor { position, older };
            let text = cursor.encode("connections", order);
            prop_assert_eq!(Cursor::parse("connections", order, &text), Ok(cursor));
            prop_assert_eq!(Cursor::parse("applications", order, &text), Err(CursorError::Invalid));
            if other != order {
                prop_assert_eq!(Cursor::parse("connections", other, &text), Err(CursorError::OtherOrder));
            }
        }

        #[test]
        fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64), order in orders()) {
            let _ = Cursor::parse("connections", order, &URL_SAFE_NO_PAD.encode(bytes));
        }

        #[test]
        fn missing_values_sort_last_and_ids_break_ties(
            (order, mut positions) in orders().prop_flat_map(|order| (Just(order), prop::collection::vec(position(order), 0..9))),
        ) {
            positions.sort();
            let is_missing = |position: &Position| position.sort_key.encode().is_none();
            prop_assert!(positions.is_sorted_by_key(is_missing));
            prop_assert!(positions.windows(2).all(|two| two[0].sort_key != two[1].sort_key || two[0].id <= two[1].id));
            let descending = order.direction == OrderDirection::Desc;
            let values: Vec<String> = positions.iter().filter_map(|position| position.sort_key.encode()).collect();
            if !order.is_by_date() {
                let sorted = if descending { values.is_sorted_by(|a, b| a >= b) } else { values.is_sorted() };
                prop_assert!(sorted);
            }
        }
    }

    #[test]
    fn newest_rows_come_first_and_undated_rows_last() {
        let position = |at: Option<&str>, id: &str| Position {
            sort_key: SortKey::by_date(OrderDirection::Desc, at.and_then(DateTime::parse)),
            id: id.to_owned(),
        };
        let mut rows = [
            position(None, "a"),
            position(Some("2020-01-01T00:00:00Z"), "b"),
            position(Some("2021-01-01T00:00:00Z"), "c"),
            position(Some("2020-01-01T00:00:00Z"), "a"),
        ];
        rows.sort();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "a"]);
        assert_eq!(rows[3].sort_key.date(), None);
    }
}
