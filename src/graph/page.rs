//! Pages over both providers: Relay's arguments, the merge of two lists in one order, and what is said when one of
//! them is missing.
//!
//! WordPress.com gives its lists whole; OneAll's are read by stretches (`walk`). A page never reads more of them than it
//! needs to fill itself and to know whether there is more.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{ComplexObject, Context, OutputType, SimpleObject};

use super::ContextExt;
use super::cursor::{Cursor, Place, Wrong};
use super::error::{Code, Error};
use super::order::{ConnectionOrder, OrderDirection};
use super::walk::{Found, Placed, Wanted};
use crate::model::{Application, Connection, DateTime, Identity, Provider, Service};
use crate::provider::{self, List, SkippedRow};

/// How many rows a page has if the client does not say.
const FIRST_DEFAULT: i32 = 20;

/// How many rows a page may have.
pub const FIRST_MAX: i32 = 100;

/// What a client asks of a page, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    list: &'static str,
    order: ConnectionOrder,
    forward: bool,
    count: usize,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

/// Relay's four arguments as they came.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// How many rows from the start.
    pub first: Option<i32>,
    /// The cursor to start behind.
    pub after: Option<String>,
    /// How many rows from the end.
    pub last: Option<i32>,
    /// The cursor to end before.
    pub before: Option<String>,
}

impl Arguments {
    /// Those of a list that pages forward only.
    pub fn forward(first: Option<i32>, after: Option<String>) -> Self {
        Self { first, after, ..Self::default() }
    }

    /// Checks the arguments for the list of this name, newest first.
    ///
    /// # Errors
    /// BAD_INPUT, with what is wanted.
    pub fn window(self, list: &'static str) -> Result<Window, Error> {
        self.ordered(list, ConnectionOrder::default())
    }

    /// Checks the arguments for the list of this name in this order.
    ///
    /// # Errors
    /// BAD_INPUT, with what is wanted.
    pub fn ordered(self, list: &'static str, order: ConnectionOrder) -> Result<Window, Error> {
        let (forward, count) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::bad_input("Give `first` or `last`, not both.")),
            (None, Some(last)) => (false, last),
            (first, None) => (true, first.unwrap_or(FIRST_DEFAULT)),
        };
        if !(0..=FIRST_MAX).contains(&count) {
            let name = if forward { "first" } else { "last" };
            let message = format!("`{name}` is {count}; it may be from 0 to {FIRST_MAX}.");
            let code = if count < 0 { Code::BadInput } else { Code::LimitExceeded };
            return Err(Error::own(code, message));
        }
        let cursor = |name: &str, text: Option<String>| match text.map(|text| Cursor::parse(list, order, &text)) {
            None => Ok(None),
            Some(Ok(cursor)) => Ok(Some(cursor)),
            Some(Err(wrong)) => {
                let what = match wrong {
                    Wrong::NotACursor => {
                        format!("is not a cursor of `{list}`; use one that an earlier page of it gave")
                    }
                    Wrong::OtherOrder => "is a cursor of another order; begin at the first page of this one".to_owned(),
                };
                Err(Error::bad_input(format!("`{name}` {what}.")))
            }
        };
        let (after, before) = (cursor("after", self.after)?, cursor("before", self.before)?);
        Ok(Window { list, order, forward, count: usize::try_from(count).unwrap_or_default(), after, before })
    }
}

impl Window {
    /// In which order the rows come.
    pub fn order(&self) -> ConnectionOrder {
        self.order
    }

    /// What is wanted of a list of which only stretches can be read: enough to fill the page and to know whether there
    /// is more. `since` leaves out older rows.
    pub fn wanted(&self, since: Option<DateTime>) -> Wanted<'_> {
        let need = u32::try_from(self.count).unwrap_or(u32::MAX - 1) + 1;
        Wanted { direction: self.order.direction, forward: self.forward, from: self.start(), need, since }
    }

    /// The cursor the rows begin at.
    fn start(&self) -> Option<&Cursor> {
        if self.forward { self.after.as_ref() } else { self.before.as_ref() }
    }

    fn holds(&self, place: &Place) -> bool {
        self.after.as_ref().is_none_or(|after| *place > after.place)
            && self.before.as_ref().is_none_or(|before| *place < before.place)
    }
}

/// One provider's part of a page.
pub enum Side<T> {
    /// Its rows around the page, and how many it has in all.
    Here {
        /// The rows.
        rows: Vec<Placed<T>>,
        /// How many rows there are in all, if that is known.
        total: Option<usize>,
        /// How many entries the list has of which these rows are a stretch; none if the list is at hand as a whole.
        length: Option<u32>,
        /// The rows that could not be read.
        skipped: Vec<SkippedRow>,
    },
    /// Why it has no part in this answer.
    Missing(Error),
    /// Why it can have no part, whoever asks: told on the page, and no error of the answer.
    Unlisted(Error),
}

impl<T> Side<T> {
    /// The rows of a list that is at hand as a whole for which `keep` holds.
    pub fn picked(
        list: Result<Arc<List<T>>, provider::Error>,
        keep: impl Fn(&T) -> bool,
        place_of: impl Fn(&T) -> Place,
    ) -> Self {
        let list = match list {
            Ok(list) => list,
            Err(error) => return Side::Missing(error.into()),
        };
        let kept = list.rows.iter().filter(|row| keep(row));
        let rows: Vec<_> = kept.map(|row| Placed { place: place_of(row), number: None, row: row.clone() }).collect();
        Side::Here { total: Some(rows.len()), rows, length: None, skipped: list.skipped.clone() }
    }

    /// A list of which a stretch was found. `whole` says that every row of it counts.
    pub fn found(found: Result<Found<T>, Error>, whole: bool) -> Self {
        match found {
            Ok(found) => Side::Here {
                rows: found.rows,
                total: whole.then_some(found.length as usize),
                length: Some(found.length),
                skipped: found.skipped,
            },
            Err(error) => Side::Missing(error),
        }
    }
}

/// One page of a list.
#[derive(SimpleObject, Debug)]
#[graphql(
    complex,
    concrete(name = "ConnectionConnection", params("Connection")),
    concrete(name = "ApplicationConnection", params("Application")),
    concrete(name = "IdentityConnection", params("Identity")),
    concrete(name = "ServiceConnection", params("Service"))
)]
pub struct Page<T: OutputType + Sync + 'static>
where
    Edge<T>: OutputType,
{
    /// The rows of this page, each with its cursor.
    pub edges: Vec<Edge<T>>,
    /// Where this page stands in the list.
    pub page_info: PageInfo,
    /// How many rows the whole list has. Null if a provider's part is missing, and where only reading the whole of OneAll's
    /// list would tell.
    pub total_count: Option<i32>,
    /// Providers whose rows are missing from this page, and why. Empty if the page is whole.
    pub incomplete: Vec<IncompleteSide>,
}

/// One row of a page.
#[derive(SimpleObject, Debug)]
#[graphql(
    concrete(name = "ConnectionEdge", params("Connection")),
    concrete(name = "ApplicationEdge", params("Application")),
    concrete(name = "IdentityEdge", params("Identity")),
    concrete(name = "ServiceEdge", params("Service"))
)]
pub struct Edge<T: OutputType + Sync + 'static> {
    /// Names this row's place, for `after` and `before`.
    pub cursor: String,
    /// The row.
    pub node: Arc<T>,
}

/// Where a page stands in its list.
#[derive(SimpleObject, Debug)]
pub struct PageInfo {
    /// Whether rows follow this page.
    pub has_next_page: bool,
    /// Whether rows precede this page.
    pub has_previous_page: bool,
    /// The cursor of the first row. Null on an empty page.
    pub start_cursor: Option<String>,
    /// The cursor of the last row. Null on an empty page.
    pub end_cursor: Option<String>,
}

/// A provider whose rows are missing from a page.
#[derive(SimpleObject, Clone, Debug)]
pub struct IncompleteSide {
    /// The provider.
    pub provider: Provider,
    /// The code of the error, as in `errors[].extensions.code`.
    pub code: Code,
    /// What a person reads.
    pub message: String,
}

/// The rows of a page over both providers' sides, in order.
pub struct Merged<T> {
    /// The rows, each with its cursor.
    pub rows: Vec<(Cursor, Arc<T>)>,
    has_more: bool,
    total: Option<usize>,
    incomplete: Vec<IncompleteSide>,
    /// What went wrong without costing the page.
    pub errors: Vec<Error>,
}

/// Puts both sides of a page together.
///
/// # Errors
/// If no side is there, the first one's reason; those of the others are told beside it.
pub fn merge<T>(ctx: &Context<'_>, window: &Window, sides: Vec<(Provider, Side<T>)>) -> Result<Merged<T>, Error> {
    let (mut rows, mut total, mut incomplete, mut errors) = (Vec::new(), Some(0), Vec::new(), Vec::new());
    let mut missing: Vec<(Error, bool)> = Vec::new();
    let mut here = sides.is_empty();
    let mut length = None;
    let mut seen = HashSet::new();
    for (provider, side) in sides {
        let (error, is_told) = match side {
            Side::Here { rows: mut part, total: all, length: stretched, skipped } => {
                here = true;
                let count = part.len();
                // A thing that whole lists name twice, each or both, is one row; a stretch has been seen to.
                part.retain(|row| row.number.is_some() || seen.insert(row.place.id.clone()));
                let repeated = count - part.len();
                length = length.or(stretched);
                rows.extend(part.into_iter().filter(|row| window.holds(&row.place)));
                total = total.zip(all).map(|(total, all)| total + all - repeated);
                errors.extend(skipped.iter().map(|skipped| Error::skipped(provider, skipped)));
                continue;
            }
            Side::Missing(error) => (error, false),
            Side::Unlisted(error) => (error, true),
        };
        total = None;
        // Two lists of one provider that fail alike are one thing to tell, though they may differ in how long to wait.
        let is_known = |(known, _): &(Error, bool)| (known.code, &known.message) == (error.code, &error.message);
        if !missing.iter().any(is_known) {
            incomplete.push(IncompleteSide { provider, code: error.code, message: error.message.clone() });
            missing.push((error, is_told));
        }
    }
    let mut missing = missing.into_iter();
    let first = if here { None } else { missing.next() };
    let told = missing.filter(|(error, is_told)| !is_told && error.code != Code::NotConfigured).map(|(error, _)| error);
    if let Some((error, _)) = first {
        told.for_each(|other| ctx.report(other));
        return Err(error);
    }
    errors.extend(told);
    rows.sort_by(|a, b| a.place.cmp(&b.place));
    let has_more = rows.len() > window.count;
    match window.forward {
        true => rows.truncate(window.count),
        false => drop(rows.drain(..rows.len().saturating_sub(window.count))),
    }
    let rows = number(window, length, rows);
    Ok(Merged { rows, has_more, total, incomplete, errors })
}

/// Gives each row its cursor, with how many of the stretched list's entries are older than it.
fn number<T>(window: &Window, length: Option<u32>, rows: Vec<Placed<T>>) -> Vec<(Cursor, Arc<T>)> {
    let newest_first = window.order.direction == OrderDirection::Desc;
    let begun = match window.start() {
        Some(cursor) => cursor.older,
        None if !window.forward => None,
        None if newest_first => length,
        None => length.map(|_| 0),
    };
    let first = rows.iter().find_map(|row| row.number).map(|number| number + u32::from(newest_first));
    let mut older = if window.forward { begun.or(first) } else { first.or(begun) };
    let number = |row: Placed<T>| {
        older = row.number.or(older);
        (Cursor { place: row.place, older }, row.row)
    };
    rows.into_iter().map(number).collect()
}

impl<T: OutputType + Sync + 'static> Merged<T>
where
    Edge<T>: OutputType,
    Page<T>: OutputType,
{
    /// The page, and beside it the errors that did not cost the page.
    pub fn page(self, window: &Window, ctx: &Context<'_>) -> Page<T> {
        if self.rows.len() > 1 {
            ctx.loaders().wordpress.reads.expect_services();
        }
        for error in self.errors {
            ctx.report(error);
        }
        let edge = |(cursor, node): (Cursor, Arc<T>)| Edge { cursor: cursor.print(window.list, window.order), node };
        let edges: Vec<Edge<T>> = self.rows.into_iter().map(edge).collect();
        let page_info = PageInfo {
            has_next_page: if window.forward { self.has_more } else { window.before.is_some() },
            has_previous_page: if window.forward { window.after.is_some() } else { self.has_more },
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        let total_count = self.total.and_then(|total| i32::try_from(total).ok());
        Page { edges, page_info, total_count, incomplete: self.incomplete }
    }
}

#[ComplexObject]
impl<T: OutputType + Sync + 'static> Page<T>
where
    Edge<T>: OutputType,
{
    /// The rows of this page, without cursors.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &*edge.node).collect()
    }
}
