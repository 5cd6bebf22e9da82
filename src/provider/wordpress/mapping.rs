//! From WordPress.com's words to ours: pure, and total over whatever decodes.
//!
//! A row without a key cannot be a noun, so it is left out with a note of its place and of the field that is wrong, and
//! never of what stood there. Any other field that cannot be read is absent. A list inside an item loses only its own
//! bad rows, with a note too: `connected_applications[0].permissions[2]`.

use std::fmt::Write as _;
use std::sync::Arc;

use async_graphql::ID;

use crate::model::Url;
use crate::model::key::is_slug;
use crate::provider::lenient::{Loose, Maybe, Rows};
use crate::provider::{LeftOut, List};

use super::payload::NOT_AN_OBJECT;

mod account;
mod application;
mod connection;
mod date;
mod health;
mod place;

pub use account::me;
pub use application::{application, application_list};
pub use connection::{connection, keyring_list, publicize_list};
pub use place::{service, service_list, site, site_list};

/// What is said of an ID that is none.
const NO_NUMBER: &str = "expected a number or digits";

/// Where the mapping stands in an answer, and the rows that it left out so far.
#[derive(Debug, Default)]
struct Notes {
    path: String,
    left_out: LeftOut,
}

/// Maps each row that can be mapped and notes each that cannot.
fn each<P, T>(
    notes: &mut Notes,
    list: &str,
    rows: Rows<P>,
    mut map: impl FnMut(&mut Notes, &str, P) -> Result<T, String>,
) -> Vec<T> {
    let mut mapped = Vec::with_capacity(rows.0.len());
    let outer = notes.path.len();
    for (index, row) in (0..).zip(rows.0) {
        let dot = if outer == 0 { "" } else { "." };
        // Writing into a string cannot fail. A map's key is the provider's text: only a plain word may stand in a path.
        let _ = match is_slug(&row.place) {
            true => write!(notes.path, "{dot}{list}[{}]", row.place),
            false => write!(notes.path, "{dot}{list}[{index}]"),
        };
        match row.value.and_then(|payload| map(notes, &row.place, payload)) {
            Ok(noun) => mapped.push(noun),
            Err(detail) => notes.left_out.note(index, || notes.path.clone(), detail),
        }
        notes.path.truncate(outer);
    }
    mapped
}

/// Maps a whole list of objects.
fn list<P, T>(
    name: &str,
    rows: Rows<Maybe<P>>,
    mut map: impl FnMut(&mut Notes, &str, P) -> Result<T, String>,
) -> List<T> {
    let mut notes = Notes::default();
    let rows = each(&mut notes, name, rows, |notes, place, row| map(notes, place, object(row)?).map(Arc::new));
    List { rows, skipped: notes.left_out.of(name) }
}

fn object<P>(row: Maybe<P>) -> Result<P, String> {
    row.0.ok_or_else(|| NOT_AN_OBJECT.to_owned())
}

/// The number in this field, or a sentence that names the field.
fn number(field: &str, value: &Loose) -> Result<u64, String> {
    value.id().ok_or_else(|| format!("{field}: {NO_NUMBER}"))
}

/// A number that is shown and not followed. 0 is WordPress.com's nobody.
fn shown_id(value: &Loose) -> Option<ID> {
    value.id().map(|number| ID(number.to_string()))
}

/// A link that is safe to show; `javascript:`, empty and broken ones are none.
fn link(value: Loose) -> Option<Url> {
    value.text().and_then(|text| Url::parse(text.trim()))
}

/// How many; less than none is not a count.
fn count(value: &Loose) -> Option<i32> {
    value.count().filter(|count| *count >= 0)
}

#[cfg(test)]
mod tests;
