//! OneAll's payloads turned into our nouns: pure and total, one file per noun.
//!
//! Two rules hold throughout. An answer that names another thing than the one asked for is no answer: it must never be
//! shown under the asked key. And what cannot be read is absent, unless nothing sensible is left without it; the fields in
//! which something stands that is no date are named besides, in `odd`.

mod identity;
mod profile;
mod sign_in;
mod user;

pub use identity::{identity, identity_list};
pub use sign_in::{sign_in, sign_in_list};
pub use user::user;

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use super::date;
use super::payload::PagedList;
use crate::model::key::is_slug;
use crate::model::{Application, ApplicationKey, DateTime, Provider, Url, key};
use crate::provider::SkippedRow;
use crate::provider::lenient::Scalar;
use crate::provider::pages::{ListPage, Numbered, PageMeta};
use crate::provider::skipped::SkippedRows;

/// OneAll's plugins that make connections: the key, and the name to show.
const PLUGINS: [(&str, &str); 3] =
    [("social_login", "Social Login"), ("social_link", "Social Link"), ("single_sign_on", "Single Sign-On")];

/// What is said of a date that is none.
const NO_DATE: &str = "expected a date";

/// What is said of these fields of one thing that was read by itself.
pub fn invalid_date_rows(invalid_dates: &[&str]) -> Vec<SkippedRow> {
    invalid_dates
        .iter()
        .map(|field| SkippedRow { path: (*field).to_owned(), detail: NO_DATE.to_owned(), rows: 1 })
        .collect()
}

/// Reads a list row by row. `key` tells rows apart, for a thing that is listed twice (the documentation's own example
/// is) is one row; a row that cannot be named is skipped with the reason `row` gave. `row` also tells the fields in which
/// something stands that is no date: each is noted, and costs only itself.
fn map_page<R, T, K: Eq + Hash>(
    listing: PagedList<R>,
    name: &str,
    row: impl Fn(R, &mut Vec<&'static str>) -> Result<T, String>,
    key: impl Fn(&T) -> K,
) -> ListPage<T> {
    // Older answers have no page numbers: then this is the whole list. What number a page has is not looked at.
    let [total, size] = [listing.pagination.total_entries, listing.pagination.entries_per_page].map(count);
    let paging = total.zip(size).map(|(total, size)| PageMeta { total, size });
    let entries = u32::try_from(listing.entries.0.len()).unwrap_or(u32::MAX);
    let (mut rows, mut skipped, mut seen) = (Vec::new(), SkippedRows::default(), HashSet::new());
    for (number, entry) in (0..).zip(listing.entries.0) {
        let mut invalid_dates = Vec::new();
        match entry.value.and_then(|entry| row(entry, &mut invalid_dates)) {
            Ok(noun) if seen.insert(key(&noun)) => {
                rows.push(Numbered { number, value: Arc::new(noun) });
                for field in invalid_dates {
                    let path = || format!("{}.{field}", path(name, number, &entry.key));
                    skipped.push(number, path, NO_DATE.to_owned());
                }
            }
            Ok(_) => {}
            Err(detail) => skipped.push(number, || path(name, number, &entry.key), detail),
        }
    }
    ListPage { rows, skipped: skipped.into_numbered(name), entries, paging }
}

/// The plugin with this key, if OneAll is known to have it. A site's plugins cannot be listed, so of no other key can
/// it be said that there is such a plugin.
pub fn known_plugin(key: &str) -> Option<Application> {
    PLUGINS.iter().any(|(known, _)| *known == key).then(|| plugin_application(key))
}

/// The application that a plugin is, by the plugin's key; one that is not known is named by it.
pub fn plugin_application(key: &str) -> Application {
    let name = PLUGINS.iter().find(|(known, _)| *known == key).map_or(key, |(_, name)| name);
    Application {
        key: ApplicationKey::Plugin(key.to_owned()),
        provider: Provider::OneAll,
        provider_id: key.to_owned(),
        oauth_version: None,
        name: Some(name.to_owned()),
        description: None,
        url: None,
        icon_url: None,
        authorized_at: None,
        permissions: Vec::new(),
        access: None,
        site: None,
    }
}

/// Where a row stands. A map's key is the provider's text: only a plain word may stand in a path.
fn path(list: &str, index: u32, place: &str) -> String {
    if is_slug(place) { format!("{list}[{place}]") } else { format!("{list}[{index}]") }
}

/// Whether an answer's token is missing or the one asked for; anything else makes it an answer about another thing.
fn is_about(asked: &str, answered: &Scalar) -> bool {
    answered.clone().text().is_none_or(|token| token == asked)
}

/// A date; `odd` gets the field's name if something stands there that is no date.
fn date_field(date: Scalar, field: &'static str, invalid_dates: &mut Vec<&'static str>) -> Option<DateTime> {
    let text = date.text()?;
    let moment = date::parse(&text);
    if moment.is_none() {
        invalid_dates.push(field);
    }
    moment
}

/// A key that a global ID can hold; any other text is none.
fn slug(key: Scalar) -> Option<String> {
    key.text().and_then(|text| key::slug(&text))
}

fn link(url: Scalar) -> Option<Url> {
    url.text().and_then(|text| Url::parse(&text))
}

fn count(number: Scalar) -> Option<u32> {
    number.count().and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests;
