//! From WordPress.com's words to ours: pure, and total over whatever decodes.
//!
//! A row without a key cannot be a noun, so it is left out with a note of its place and of the field that is wrong, and
//! never of what stood there. Any other field that cannot be read is absent; of a date that is noted too. A list inside an
//! item loses only its own bad rows, with a note too: `connected_applications[0].permissions[2]`.

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

/// What is said of an ID that is none.
const NO_NUMBER: &str = "expected a number or digits";
/// What is said of a date that is none.
const NO_DATE: &str = "expected a date";

/// One thing that was read by itself, and what of it could not be read.
pub type Mapped<T> = (T, Vec<SkippedRow>);

/// Where the mapping stands in an answer, and what it left out so far.
#[derive(Debug, Default)]
struct MapContext {
    path: String,
    skipped: SkippedRows,
}

impl MapContext {
    /// A date; one that cannot be read is noted.
    fn optional_date(&mut self, field: &str, value: &Scalar) -> Result<Option<DateTime>, Unreadable> {
        let moment = date::moment(value);
        if moment.is_err() {
            let path = || if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
            self.skipped.push(0, path, NO_DATE.to_owned());
        }
        moment
    }

    /// The same, where none is as good as one that cannot be read.
    fn date(&mut self, field: &str, value: &Scalar) -> Option<DateTime> {
        self.optional_date(field, value).unwrap_or_default()
    }
}

/// Maps each row that can be mapped and notes each that cannot.
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
        // Writing into a string cannot fail. A map's key is the provider's text: only a plain word may stand in a path.
        let _ = match is_slug(&row.key) {
            true => write!(context.path, "{dot}{list}[{}]", row.key),
            false => write!(context.path, "{dot}{list}[{index}]"),
        };
        match row.value.and_then(|payload| map(context, &row.key, payload)) {
            Ok(noun) => mapped.push(noun),
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

/// Maps one thing that was read by itself.
fn map_one<T>(name: &str, map: impl FnOnce(&mut MapContext) -> Result<T, String>) -> Result<Mapped<T>, String> {
    let mut context = MapContext::default();
    let noun = map(&mut context)?;
    Ok((noun, context.skipped.into_rows(name)))
}

fn object<P>(row: MaybeObject<P>) -> Result<P, String> {
    row.0.ok_or_else(|| NOT_AN_OBJECT.to_owned())
}

/// The number in this field, or a sentence that names the field.
fn required_id(field: &str, value: &Scalar) -> Result<u64, String> {
    value.id().ok_or_else(|| format!("{field}: {NO_NUMBER}"))
}

/// A number that is shown and not followed. 0 is WordPress.com's nobody.
fn display_id(value: &Scalar) -> Option<ID> {
    value.id().map(|number| ID(number.to_string()))
}

/// A link that is safe to show; `javascript:`, empty and broken ones are none.
fn link(value: Scalar) -> Option<Url> {
    value.text().and_then(|text| Url::parse(text.trim()))
}

/// How many; less than none is not a count.
fn count(value: &Scalar) -> Option<i32> {
    value.count().filter(|count| *count >= 0)
}

#[cfg(test)]
mod tests;
