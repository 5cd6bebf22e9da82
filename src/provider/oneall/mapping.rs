//! Maps OneAll's payloads to the model: pure functions, one file per entity.
//!
//! A response about another object than the requested one is rejected, because it must never be shown under the
//! requested key. A value that cannot be read is absent, unless the entity is useless without it. The fields with an
//! invalid date are collected in `invalid_dates`.

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

/// OneAll's plugins that create connections: the key and the display name.
const PLUGINS: [(&str, &str); 3] =
    [("social_login", "Social Login"), ("social_link", "Social Link"), ("single_sign_on", "Single Sign-On")];

/// The detail of an invalid date.
const EXPECTED_DATE: &str = "expected a date";

/// Reports the fields with an invalid date of an entity that was read on its own.
pub fn invalid_date_rows(invalid_dates: &[&str]) -> Vec<SkippedRow> {
    invalid_dates
        .iter()
        .map(|field| SkippedRow { path: (*field).to_owned(), detail: EXPECTED_DATE.to_owned(), rows: 1 })
        .collect()
}

/// Maps the page of a list.
///
/// Rows with the same `key` are one row: the documented sample lists a sign-in twice. `row` maps a row and collects its
/// fields with an invalid date. A row that it rejects is skipped and reported.
fn map_page<R, T, K: Eq + Hash>(
    listing: PagedList<R>,
    name: &str,
    row: impl Fn(R, &mut Vec<&'static str>) -> Result<T, String>,
    key: impl Fn(&T) -> K,
) -> ListPage<T> {
    // Older responses have no pagination: then this is the whole list. The page number is not needed.
    let [total, size] = [listing.pagination.total_entries, listing.pagination.entries_per_page].map(count);
    let paging = total.zip(size).map(|(total, size)| PageMeta { total, size });
    let entries = u32::try_from(listing.entries.0.len()).unwrap_or(u32::MAX);
    let mut rows = Vec::new();
    let mut skipped = SkippedRows::default();
    let mut seen = HashSet::new();
    for (number, entry) in (0..).zip(listing.entries.0) {
        let mut invalid_dates = Vec::new();
        match entry.value.and_then(|entry| row(entry, &mut invalid_dates)) {
            Ok(entity) if seen.insert(key(&entity)) => {
                rows.push(Numbered { number, value: Arc::new(entity) });
                for field in invalid_dates {
                    let path = || format!("{}.{field}", path(name, number, &entry.key));
                    skipped.push(number, path, EXPECTED_DATE.to_owned());
                }
            }
            Ok(_) => {}
            Err(detail) => skipped.push(number, || path(name, number, &entry.key), detail),
        }
    }
    ListPage { rows, skipped: skipped.into_numbered(name), entries, paging }
}

/// The plugin with this key, if it is one of OneAll's known plugins.
///
/// A site's plugins cannot be listed, so an unknown key cannot be confirmed.
pub fn known_plugin(key: &str) -> Option<Application> {
    PLUGINS.iter().any(|(known, _)| *known == key).then(|| plugin_application(key))
}

/// The plugin with this key, as an application. An unknown plugin is named by its key.
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

/// The path of a row. A map's key is the provider's text, so only a plain word may enter the path.
fn path(list: &str, index: u32, row_key: &str) -> String {
    if is_slug(row_key) { format!("{list}[{row_key}]") } else { format!("{list}[{index}]") }
}

/// Whether the token in a response is the requested one or missing. Otherwise the response is about another object.
fn is_requested(requested: &str, returned: &Scalar) -> bool {
    returned.clone().text().is_none_or(|token| token == requested)
}

/// Reads a date. Adds the field's name to `invalid_dates` if the value is not a date.
fn date_field(date: Scalar, field: &'static str, invalid_dates: &mut Vec<&'static str>) -> Option<DateTime> {
    let text = date.text()?;
    let parsed = date::parse(&text);
    if parsed.is_none() {
        invalid_dates.push(field);
    }
    parsed
}

/// A key that a global ID can contain.
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
