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
use super::payload::{Listing, Pagination};
use crate::model::{Application, ApplicationKey, Connection, DateTime, Identity, Provider, Url};
use crate::provider::lenient::Loose;
use crate::provider::{LeftOut, List};

/// The longest key of a map that is shown in a path, in bytes.
const PLACE_LENGTH_MAX: usize = 64;

/// A page of one of OneAll's lists, and where it stands among the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T = Connection> {
    /// The rows; a thing that is listed twice (the documentation's own example is) is one row.
    pub list: List<T>,
    /// How many entries the answer has, repeated and unreadable ones among them.
    pub entries: u32,
    /// How many entries all pages have together. Absent in older answers.
    pub total: Option<u32>,
    /// The number of this page, from 1. Absent in older answers.
    pub page: Option<u32>,
    /// How many pages there are; whether an empty list has none or one is not documented.
    pub pages: Option<u32>,
    /// How many entries a page takes; not every list honours what was asked.
    pub size: Option<u32>,
}

/// A page of `/identities.json`.
pub type IdentityPage = Page<Identity>;

impl<T> Page<T> {
    /// Whether nothing can follow: an empty page, the last of all, or an answer that knows no pages.
    pub fn is_last(&self) -> bool {
        let empty = self.list.rows.is_empty() && self.list.skipped.is_empty();
        empty || self.page.unwrap_or(1) >= self.pages.unwrap_or(0)
    }

    /// Reads a list row by row; `key` tells rows apart, and a row it cannot name is skipped with the reason `row` gave.
    fn read<R, K: Eq + Hash>(
        listing: Listing<R>,
        name: &str,
        row: impl Fn(R) -> Result<T, String>,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let Pagination { current_page, total_pages, entries_per_page, total_entries } = listing.pagination;
        let (mut rows, mut left_out) = (Vec::new(), LeftOut::default());
        let entries = u32::try_from(listing.entries.0.len()).unwrap_or(u32::MAX);
        let mut seen = HashSet::new();
        for (index, entry) in listing.entries.0.into_iter().enumerate() {
            match entry.value.and_then(&row) {
                Ok(noun) if seen.insert(key(&noun)) => rows.push(Arc::new(noun)),
                Ok(_) => {}
                Err(detail) => left_out.note(|| path(name, index, &entry.place), detail),
            }
        }
        let [total, page, pages, size] = [total_entries, current_page, total_pages, entries_per_page].map(count);
        let list = List { rows, skipped: left_out.of(name) };
        Page { list, entries, total, page, pages, size }
    }
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
fn path(list: &str, index: usize, place: &str) -> String {
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
