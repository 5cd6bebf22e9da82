//! Pages over both providers: the Relay pagination arguments, the merge of the providers' rows, and the report of missing
//! parts.
//!
//! WordPress.com returns complete lists; OneAll's lists are read in ranges (see [`scan`](super::scan)). A page reads only
//! the rows that fill it, and one more to know whether there is a next page.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{ComplexObject, Context, OutputType, SimpleObject};

use super::cursor::{Cursor, CursorError, Position};
use super::order::{ConnectionOrder, OrderDirection};
use super::page_size::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use super::scan::{Positioned, ScanRequest, ScanResult};
use crate::graph::context::ContextExt;
use crate::graph::error::{Error, ErrorCode};
use crate::model::{Application, Connection, DateTime, Identity, Provider, Service};
use crate::provider::{self, List, SkippedRow};

/// Parsed pagination arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    list: &'static str,
    order: ConnectionOrder,
    forward: bool,
    count: usize,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

/// The four Relay arguments, as the client sent them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageArguments {
    /// The number of rows from the start.
    pub(crate) first: Option<i32>,
    /// Only rows after this cursor.
    pub(crate) after: Option<String>,
    /// The number of rows from the end.
    pub(crate) last: Option<i32>,
    /// Only rows before this cursor.
    pub(crate) before: Option<String>,
}

impl PageArguments {
    /// The arguments of a list that supports forward pagination only.
    pub(crate) fn forward(first: Option<i32>, after: Option<String>) -> Self {
        Self { first, after, ..Self::default() }
    }

    /// Parses the arguments for a list that is ordered newest first.
    ///
    /// # Errors
    /// BAD_INPUT or LIMIT_EXCEEDED, with the expected value.
    pub(crate) fn newest_first(self, list: &'static str) -> Result<PageRequest, Error> {
        self.ordered(list, ConnectionOrder::default())
    }

    /// Parses the arguments for a list in this order.
    ///
    /// # Errors
    /// BAD_INPUT or LIMIT_EXCEEDED, with the expected value.
    pub(crate) fn ordered(self, list: &'static str, order: ConnectionOrder) -> Result<PageRequest, Error> {
        let (forward, count) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::bad_input("Use either `first` or `last`, not both.")),
            (None, Some(last)) => (false, last),
            (first, None) => (true, first.unwrap_or(PAGE_SIZE_DEFAULT)),
        };
        if !(0..=PAGE_SIZE_MAX).contains(&count) {
            let name = if forward { "first" } else { "last" };
            let message = format!("`{name}` is {count}. It must be between 0 and {PAGE_SIZE_MAX}.");
            let code = if count < 0 { ErrorCode::BadInput } else { ErrorCode::LimitExceeded };
            return Err(Error::new(code, message));
        }
        let after = parse_cursor("after", list, order, self.after)?;
        let before = parse_cursor("before", list, order, self.before)?;
        Ok(PageRequest { list, order, forward, count: usize::try_from(count).unwrap_or_default(), after, before })
    }
}

fn parse_cursor(
    argument: &str,
    list: &str,
    order: ConnectionOrder,
    text: Option<String>,
) -> Result<Option<Cursor>, Error> {
    let Some(text) = text else { return Ok(None) };
    Cursor::parse(list, order, &text).map(Some).map_err(|error| {
        Error::bad_input(match error {
            CursorError::Invalid => {
                format!(
                    "`{argument}` is not a valid cursor of `{list}`. Use a cursor from an earlier page of this list."
                )
            }
            CursorError::OtherOrder => {
                format!("`{argument}` is a cursor of another order. Start again at the first page.")
            }
        })
    })
}

impl PageRequest {
    /// The order of the rows.
    pub(crate) fn order(&self) -> ConnectionOrder {
        self.order
    }

    /// The rows to find in a list that is read in ranges: those of the page and one more. Rows older than `since` are
    /// excluded.
    pub(crate) fn scan_request(&self, since: Option<DateTime>) -> ScanRequest<'_> {
        let need = u32::try_from(self.count).unwrap_or(u32::MAX - 1) + 1;
        ScanRequest { direction: self.order.direction, forward: self.forward, from: self.start(), need, since }
    }

    /// The cursor at which reading starts.
    fn start(&self) -> Option<&Cursor> {
        if self.forward { self.after.as_ref() } else { self.before.as_ref() }
    }

    fn contains(&self, position: &Position) -> bool {
        self.after.as_ref().is_none_or(|after| *position > after.position)
            && self.before.as_ref().is_none_or(|before| *position < before.position)
    }
}

/// A provider's part of a page.
pub(crate) enum ProviderPart<T> {
    /// The rows that the provider contributes.
    Loaded {
        /// The rows.
        rows: Vec<Positioned<T>>,
        /// The number of rows in the whole list, if known.
        total: Option<usize>,
        /// The number of entries of a list that is read in ranges. `None` for a complete list.
        length: Option<u32>,
        /// The rows that could not be read.
        skipped: Vec<SkippedRow>,
    },
    /// The part could not be read. The error is also added to the response.
    Missing(Error),
    /// The provider cannot have a part in this list. The error appears in `incomplete` only.
    Unsupported(Error),
}

impl<T> ProviderPart<T> {
    /// The matching rows of a complete list.
    pub(crate) fn from_list(
        list: Result<Arc<List<T>>, provider::Error>,
        matches: impl Fn(&T) -> bool,
        position_of: impl Fn(&T) -> Position,
    ) -> Self {
        let list = match list {
            Ok(list) => list,
            Err(error) => return Self::Missing(error.into()),
        };
        let matching = list.rows.iter().filter(|row| matches(row));
        let rows: Vec<_> =
            matching.map(|row| Positioned { position: position_of(row), number: None, row: row.clone() }).collect();
        Self::Loaded { total: Some(rows.len()), rows, length: None, skipped: list.skipped.clone() }
    }

    /// The result of a scan. `is_unfiltered` says that every entry of the list counts for the total.
    pub(crate) fn from_scan(result: Result<ScanResult<T>, Error>, is_unfiltered: bool) -> Self {
        match result {
            Ok(result) => Self::Loaded {
                rows: result.rows,
                total: is_unfiltered.then_some(result.length as usize),
                length: Some(result.length),
                skipped: result.skipped,
            },
            Err(error) => Self::Missing(error),
        }
    }
}

/// A page of a list.
#[derive(SimpleObject, Debug)]
#[graphql(
    complex,
    concrete(name = "ConnectionConnection", params("Connection")),
    concrete(name = "ApplicationConnection", params("Application")),
    concrete(name = "IdentityConnection", params("Identity")),
    concrete(name = "ServiceConnection", params("Service"))
)]
pub(crate) struct Page<T: OutputType + Sync + 'static>
where
    Edge<T>: OutputType,
{
    /// A list of edges.
    pub(crate) edges: Vec<Edge<T>>,
    /// Information to aid in pagination.
    pub(crate) page_info: PageInfo,
    /// The total number of items in the list. Null when a provider's part is missing or when OneAll's whole list would have
    /// to be read to count it.
    pub(crate) total_count: Option<i32>,
    /// The providers whose items are missing from this page, with the reason. Empty when the page is complete.
    pub(crate) incomplete: Vec<IncompleteSide>,
}

/// An edge of a page.
#[derive(SimpleObject, Debug)]
#[graphql(
    concrete(name = "ConnectionEdge", params("Connection")),
    concrete(name = "ApplicationEdge", params("Application")),
    concrete(name = "IdentityEdge", params("Identity")),
    concrete(name = "ServiceEdge", params("Service"))
)]
pub(crate) struct Edge<T: OutputType + Sync + 'static> {
    /// A cursor for use in pagination.
    pub(crate) cursor: String,
    /// The item at the end of the edge.
    pub(crate) node: Arc<T>,
}

/// Information about pagination in a list.
#[derive(SimpleObject, Debug)]
pub(crate) struct PageInfo {
    /// Whether there are more items when paginating forwards.
    pub(crate) has_next_page: bool,
    /// Whether there are more items when paginating backwards.
    pub(crate) has_previous_page: bool,
    /// The cursor to continue with when paginating backwards. Null on an empty page.
    pub(crate) start_cursor: Option<String>,
    /// The cursor to continue with when paginating forwards. Null on an empty page.
    pub(crate) end_cursor: Option<String>,
}

/// A provider whose items are missing from a page.
#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct IncompleteSide {
    /// The provider.
    pub(crate) provider: Provider,
    /// The error code, as in `errors[].extensions.code`.
    pub(crate) code: ErrorCode,
    /// The error message, for people.
    pub(crate) message: String,
}

/// The merged rows of a page, in order.
pub(crate) struct MergedPage<T> {
    /// The rows, each with its cursor.
    pub(crate) rows: Vec<(Cursor, Arc<T>)>,
    has_more: bool,
    total: Option<usize>,
    incomplete: Vec<IncompleteSide>,
    /// The errors that are reported with the page.
    pub(crate) errors: Vec<Error>,
}

/// The parts of a page while they are collected.
struct Collected<T> {
    rows: Vec<Positioned<T>>,
    total: Option<usize>,
    length: Option<u32>,
    incomplete: Vec<IncompleteSide>,
    errors: Vec<Error>,
    /// The errors of missing parts, and whether each is reported in `incomplete` only.
    missing: Vec<(Error, bool)>,
    has_loaded: bool,
}

/// Merges the providers' parts into one page.
///
/// # Errors
/// The first part's error when no part could be loaded. The errors of the other parts are added to the response.
pub(crate) fn merge<T>(
    ctx: &Context<'_>,
    request: &PageRequest,
    parts: Vec<(Provider, ProviderPart<T>)>,
) -> Result<MergedPage<T>, Error> {
    let Collected { mut rows, total, length, incomplete, mut errors, missing, has_loaded } = collect(request, parts);
    let mut missing = missing.into_iter();
    let first = if has_loaded { None } else { missing.next() };
    let is_reported =
        |(error, incomplete_only): &(Error, bool)| !incomplete_only && error.code != ErrorCode::NotConfigured;
    let reported = missing.filter(is_reported).map(|(error, _)| error);
    if let Some((error, _)) = first {
        reported.for_each(|other| ctx.report(other));
        return Err(error);
    }
    errors.extend(reported);
    rows.sort_by(|a, b| a.position.cmp(&b.position));
    let has_more = rows.len() > request.count;
    match request.forward {
        true => rows.truncate(request.count),
        false => drop(rows.drain(..rows.len().saturating_sub(request.count))),
    }
    let rows = assign_cursors(request, length, rows);
    Ok(MergedPage { rows, has_more, total, incomplete, errors })
}

fn collect<T>(request: &PageRequest, parts: Vec<(Provider, ProviderPart<T>)>) -> Collected<T> {
    let mut page = Collected {
        rows: Vec::new(),
        total: Some(0),
        length: None,
        incomplete: Vec::new(),
        errors: Vec::new(),
        missing: Vec::new(),
        has_loaded: parts.is_empty(),
    };
    let mut seen = HashSet::new();
    for (provider, part) in parts {
        let (error, incomplete_only) = match part {
            ProviderPart::Loaded { mut rows, total, length, skipped } => {
                page.has_loaded = true;
                let count = rows.len();
                // Complete lists may repeat an object. A scan has removed duplicates already.
                rows.retain(|row| row.number.is_some() || seen.insert(row.position.id.clone()));
                let repeated = count - rows.len();
                page.length = page.length.or(length);
                page.rows.extend(rows.into_iter().filter(|row| request.contains(&row.position)));
                page.total = page.total.zip(total).map(|(sum, total)| sum + total - repeated);
                page.errors.extend(skipped.iter().map(|skipped| Error::skipped_row(provider, skipped)));
                continue;
            }
            ProviderPart::Missing(error) => (error, false),
            ProviderPart::Unsupported(error) => (error, true),
        };
        page.total = None;
        // Two lists of one provider that fail in the same way are reported once, even if their `retryAfter` differs.
        let is_same = |(other, _): &(Error, bool)| (other.code, &other.message) == (error.code, &error.message);
        if !page.missing.iter().any(is_same) {
            page.incomplete.push(IncompleteSide { provider, code: error.code, message: error.message.clone() });
            page.missing.push((error, incomplete_only));
        }
    }
    page
}

/// Gives each row its cursor, with the number of older entries in the list that was scanned.
fn assign_cursors<T>(request: &PageRequest, length: Option<u32>, rows: Vec<Positioned<T>>) -> Vec<(Cursor, Arc<T>)> {
    let newest_first = request.order.direction == OrderDirection::Desc;
    let start = match request.start() {
        Some(cursor) => cursor.older,
        None if !request.forward => None,
        None if newest_first => length,
        None => length.map(|_| 0),
    };
    let first = rows.iter().find_map(|row| row.number).map(|number| number + u32::from(newest_first));
    let mut older = if request.forward { start.or(first) } else { first.or(start) };
    let with_cursor = |row: Positioned<T>| {
        older = row.number.or(older);
        (Cursor { position: row.position, older }, row.row)
    };
    rows.into_iter().map(with_cursor).collect()
}

impl<T: OutputType + Sync + 'static> MergedPage<T>
where
    Edge<T>: OutputType,
    Page<T>: OutputType,
{
    /// The page for the client. Errors that did not cost the page are added to the response.
    pub(crate) fn into_page(self, request: &PageRequest, ctx: &Context<'_>) -> Page<T> {
        if self.rows.len() > 1 {
            ctx.loaders().wordpress.session.prefer_service_list();
        }
        for error in self.errors {
            ctx.report(error);
        }
        let edge = |(cursor, node): (Cursor, Arc<T>)| Edge { cursor: cursor.encode(request.list, request.order), node };
        let edges: Vec<Edge<T>> = self.rows.into_iter().map(edge).collect();
        let page_info = PageInfo {
            has_next_page: if request.forward { self.has_more } else { request.before.is_some() },
            has_previous_page: if request.forward { request.after.is_some() } else { self.has_more },
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
    /// A list of nodes.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &*edge.node).collect()
    }
}
