//! Readers for the shapes that only OneAll has: a node that may be encrypted, a list in three spellings, a plugin in four.
//!
//! Each looks at the raw text of its node before it decides, and decodes only what it keeps. Encrypted data is noticed
//! and dropped: which field holds it is not documented, and the key to it goes to the sign-in's callback alone.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Identity;
use crate::provider::lenient::{Loose, Maybe, Row, Rows, listed};

/// What stands where an object is expected that may be encrypted.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Veil<T> {
    /// Nothing: missing, null, an empty map, or no object at all.
    #[default]
    Absent,
    /// Text: encrypted data. It is not kept.
    Sealed,
    /// An object.
    Open(Watched<T>),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Veil<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            object if object.starts_with('{') && !is_empty(object) => Veil::Open(decode(object)?),
            text if text.starts_with('"') && !is_empty(text) => Veil::Sealed,
            _ => Veil::Absent,
        })
    }
}

/// An object, and whether a node of encrypted data stands among its fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched<T> {
    /// The fields that are known.
    pub(crate) plain: T,
    /// Whether one of the others is encrypted data: its name says so, and it is not empty.
    pub(crate) vault: bool,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Watched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let Vault(vault) = decode(raw.get())?;
        Ok(Watched { plain: decode(raw.get())?, vault })
    }
}

/// Whether a field of an object holds encrypted data.
struct Vault(bool);

impl<'de> Deserialize<'de> for Vault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VaultVisitor).map(Vault)
    }
}

struct VaultVisitor;

impl<'de> Visitor<'de> for VaultVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut vault = false;
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            vault |= names_a_vault(&name) && !is_empty(value.get());
        }
        Ok(vault)
    }
}

// `identity_vault_key` is the only documented name, and it is the callback's. The others are guesses that cost nothing.
fn names_a_vault(name: &str) -> bool {
    ["vault", "encrypted", "cipher"].iter().any(|word| name.to_ascii_lowercase().contains(word))
}

/// Whether this JSON says nothing: null, `false`, blank text, an empty list, an empty map.
fn is_empty(json: &str) -> bool {
    matches!(json, "null" | "false" | "0") || json.chars().all(|c| c.is_whitespace() || "\"[]{}".contains(c))
}

fn decode<'a, T: Deserialize<'a>, E: Error>(json: &'a str) -> Result<T, E> {
    // The message of the inner error may quote the answer; a bare sentence cannot.
    serde_json::from_str(json).map_err(|_| E::custom("not of the expected shape"))
}

/// A list of `/connections.json` or `/identities.json`: `{pagination, count, entries}`, without `pagination` in older
/// answers, or the bare list of the oldest.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    pub(crate) pagination: Pagination,
    pub(crate) entries: Rows<T>,
}

/// How long a list is, how long its pages are, and in which order it came. What `count` says is left out: it is the number
/// of entries on the page; so are the numbers of pages, which follow from the rest, and the field that it is in the order of,
/// which is never another than the date.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pagination {
    pub(crate) entries_per_page: Loose,
    pub(crate) total_entries: Loose,
    pub(crate) order: Maybe<Order>,
}

/// In which order a list came.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Order {
    pub(crate) direction: Loose,
}

impl Pagination {
    /// Whether the newest come first; none where it says neither `asc` nor `desc`.
    pub fn is_newest_first(&self) -> Option<bool> {
        match &self.order.0.as_ref()?.direction {
            Loose::Text(word) if word.eq_ignore_ascii_case("desc") => Some(true),
            Loose::Text(word) if word.eq_ignore_ascii_case("asc") => Some(false),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Paged<T> {
    #[serde(default)]
    pagination: Maybe<Pagination>,
    // Without a default: an answer that does not list its entries is no empty list.
    #[serde(deserialize_with = "listed")]
    entries: Rows<T>,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Listing<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('[') {
            return Ok(Listing { pagination: Pagination::default(), entries: decode(raw.get())? });
        }
        let page: Paged<T> = decode(raw.get())?;
        Ok(Listing { pagination: page.pagination.0.unwrap_or_default(), entries: page.entries })
    }
}

/// A user's identities: a list (of full ones or of short references), the list in a field `identity`, or a lone object
/// in place of either. The last two are older answers. Encrypted, the list or any row of it is text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identities(pub(crate) Rows<Veil<Identity>>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested<'a> {
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
    identity_token: Loose,
}

impl<'de> Deserialize<'de> for Identities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let outer = raw.get();
        if outer.starts_with('"') {
            return lone_row(outer);
        }
        if !outer.starts_with('{') {
            return decode(outer).map(Identities);
        }
        let nested: Nested<'_> = decode(outer)?;
        let list = nested.identity.map_or(outer, RawValue::get);
        let lone = list.starts_with('{') && decode::<Nested<'_>, D::Error>(list)?.identity_token != Loose::Nothing;
        if lone || list.starts_with('"') { lone_row(list) } else { decode(list).map(Identities) }
    }
}

fn lone_row<E: Error>(json: &str) -> Result<Identities, E> {
    let value: Veil<Identity> = decode(json)?;
    let rows = if value == Veil::Absent { Vec::new() } else { vec![Row { place: "0".to_owned(), value: Ok(value) }] };
    Ok(Identities(Rows(rows)))
}

/// A plugin: its key as text, `{key, data}`, or the `{name}` of older failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugin {
    /// `social_login`, `social_link` or `single_sign_on`.
    pub(crate) key: Option<String>,
    /// What the plugin reported.
    pub(crate) data: PluginData,
}

/// What a plugin reported; all of it is known from recordings only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PluginData {
    pub(crate) action: Loose,
    pub(crate) operation: Loose,
    pub(crate) reason: Loose,
    pub(crate) status: Loose,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PluginNode {
    key: Loose,
    name: Loose,
    data: Maybe<PluginData>,
}

impl<'de> Deserialize<'de> for Plugin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Ok(Plugin { key: decode::<Loose, D::Error>(raw.get())?.text(), data: PluginData::default() });
        }
        let node: PluginNode = decode(raw.get())?;
        Ok(Plugin { key: node.key.text().or(node.name.text()), data: node.data.0.unwrap_or_default() })
    }
}
