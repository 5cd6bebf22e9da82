//! Maps WordPress.com's payloads to the model. Pure functions that accept any decoded payload.
//!
//! A row without an ID is skipped. The report of a skipped row has its path and the invalid field, and never its
//! content: `connected_applications[0].permissions[2]`. Any other field that cannot be read is absent, and an invalid
//! date is reported too. A list inside an item skips only its own invalid rows.

use std::fmt::Write as _;
use std::sync::Arc;

use async_graphql::ID;

use crate::model::key::is_slug;
use crate::model::{DateTime, Url};
use crate::provider::lenient::{MaybeObject, Rows, Scalar};
use crate::provider::skipped::SkippedRows;
use crate::provider::{List, SkippedRow};

use self::date::Unreadable;
use super::payload::NOT_AN_OBJECT;

mod application;
mod connection;
mod date;
mod health;
mod service;
mod site;
mod user;

pub use application::{application, application_list};
pub use connection::{connection, keyring_list, publicize_list};
pub use service::{service, service_list};
pub use site::{site, site_list};
pub use user::me;

/// The detail of an invalid ID.
const EXPECTED_ID: &str = "expected a number or digits";
/// The detail of an invalid date.
const EXPECTED_DATE: &str = "expected a date";

/// An entity that was read on its own, and its values that were skipped.
pub type Mapped<T> = (T, Vec<SkippedRow>);

/// The path of the current value in the response, and what was skipped so far.
#[derive(Debug, Default)]
struct MapContext {
    path: String,
    skipped: SkippedRows,
}

impl MapContext {
    /// Maps a date, and reports an invalid one.
    fn optional_date(&mut self, field: &str, value: &Scalar) -> Result<Option<DateTime>, Unreadable> {
        let date = date::parse(value);
        if date.is_err() {
            let path = || if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
            self.skipped.push(0, path, EXPECTED_DATE.to_owned());
        }
        date
    }

    /// Maps a date where an invalid one counts as absent. It is still reported.
    fn date(&mut self, field: &str, value: &Scalar) -> Option<DateTime> {
        self.optional_date(field, value).unwrap_or_default()
    }
}

/// Maps each valid row and reports each invalid one.
fn map_rows<P, T>(
    context: &mut MapContext,
    list: &str,
    rows: Rows<P>,
    mut map: impl FnMut(&mut MapContext, &str, P) -> Result<T, String>,
) -> Vec<T> {
    let mut mapped = Vec::with_capacity(rows.0.len());
    let outer = context.path.len();
    for (index, row) in (0..).zip(rows.0) {
        let dot = if outer == 0 { "" } else { "." };
        // Writing into a string cannot fail. A map's key is the provider's text, so only a plain word may enter the
        // path.
        let _ = match is_slug(&row.key) {
            true => write!(context.path, "{dot}{list}[{}]", row.key),
            false => write!(context.path, "{dot}{list}[{index}]"),
        };
        match row.value.and_then(|payload| map(context, &row.key, payload)) {
            Ok(entity) => mapped.push(entity),
            Err(detail) => context.skipped.push(index, || context.path.clone(), detail),
        }
        context.path.truncate(outer);
    }
    mapped
}

/// Maps a whole list of objects.
fn map_list<P, T>(
    name: &str,
    rows: Rows<MaybeObject<P>>,
    mut map: impl FnMut(&mut MapContext, &str, P) -> Result<T, String>,
) -> List<T> {
    let mut context = MapContext::default();
    let rows =
        map_rows(&mut context, name, rows, |context, place, row| map(context, place, object(row)?).map(Arc::new));
    List { rows, skipped: context.skipped.into_rows(name) }
}

/// Maps an entity that was read on its own.
fn map_one<T>(name: &str, map: impl FnOnce(&mut MapContext) -> Result<T, String>) -> Result<Mapped<T>, String> {
    let mut context = MapContext::default();
    let entity = map(&mut context)?;
    Ok((entity, context.skipped.into_rows(name)))
}

fn object<P>(row: MaybeObject<P>) -> Result<P, String> {
    row.0.ok_or_else(|| NOT_AN_OBJECT.to_owned())
}

/// Returns the ID in this field, or a sentence that names the field.
fn required_id(field: &str, value: &Scalar) -> Result<u64, String> {
    value.id().ok_or_else(|| format!("{field}: {EXPECTED_ID}"))
}

/// An ID that is only displayed. WordPress.com sends 0 for no user.
fn display_id(value: &Scalar) -> Option<ID> {
    value.id().map(|number| ID(number.to_string()))
}

/// A URL that is safe to display. `None` for `javascript:` and other invalid URLs.
fn link(value: Scalar) -> Option<Url> {
    value.text().and_then(|text| Url::parse(text.trim()))
}

/// A count. `None` below zero.
fn count(value: &Scalar) -> Option<i32> {
    value.count().filter(|count| *count >= 0)
}

#[cfg(test)]
mod tests;
