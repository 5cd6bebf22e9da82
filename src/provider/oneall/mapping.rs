//! OneAll's payloads turned into our nouns: pure and total, one file per noun.
//!
//! Two rules hold throughout. An answer that names another thing than the one asked for is no answer: it must never be
//! shown under the asked key. And what cannot be read is absent, unless nothing sensible is left without it.

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
use super::payload::Listing;
use crate::model::{Application, ApplicationKey, DateTime, Provider, Url};
use crate::provider::Skipped;
use crate::provider::lenient::Loose;
use crate::provider::span::{Numbered, Page, Paging};

/// The longest key of a map that is shown in a path, in bytes.
const PLACE_LENGTH_MAX: usize = 64;

/// Reads a list row by row. `key` tells rows apart, for a thing that is listed twice (the documentation's own example
/// is) is one row; a row that cannot be named is skipped with the reason `row` gave.
fn read<R, T, K: Eq + Hash>(
    listing: Listing<R>,
    name: &str,
    row: impl Fn(R) -> Result<T, String>,
    key: impl Fn(&T) -> K,
) -> Page<T> {
    // Older answers have no page numbers: then this is the whole list. What number a page has is not looked at.
    let [total, size] = [listing.pagination.total_entries, listing.pagination.entries_per_page].map(count);
    let paging = total.zip(size).map(|(total, size)| Paging { total, size });
    let entries = u32::try_from(listing.entries.0.len()).unwrap_or(u32::MAX);
    let mut page = Page { rows: Vec::new(), skipped: Vec::new(), entries, paging };
    let mut seen = HashSet::new();
    for (number, entry) in (0..).zip(listing.entries.0) {
        match entry.value.and_then(&row) {
            Ok(noun) if seen.insert(key(&noun)) => page.rows.push(Numbered { number, value: Arc::new(noun) }),
            Ok(_) => {}
            Err(detail) => {
                let path = path(name, number, &entry.place);
                page.skipped.push(Numbered { number, value: Skipped { path, detail } });
            }
        }
    }
    page
}

/// The application that a plugin is, by the plugin's key.
pub fn plugin_application(key: &str) -> Application {
    let name = match key {
        "social_login" => "Social Login",
        "social_link" => "Social Link",
        "single_sign_on" => "Single Sign-On",
        other => other,
    };
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
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_word = (1..=PLACE_LENGTH_MAX).contains(&place.len()) && place.bytes().all(plain);
    if is_word { format!("{list}[{place}]") } else { format!("{list}[{index}]") }
}

/// Whether an answer's token is missing or the one asked for; anything else makes it an answer about another thing.
fn is_about(asked: &str, answered: &Loose) -> bool {
    answered.clone().text().is_none_or(|token| token == asked)
}

fn moment(date: Loose) -> Option<DateTime> {
    date.text().and_then(|text| date::parse(&text))
}

fn link(url: Loose) -> Option<Url> {
    url.text().and_then(|text| Url::parse(&text))
}

fn count(number: Loose) -> Option<u32> {
    number.count().and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests;
