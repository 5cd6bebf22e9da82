//! Deserializers for OneAll's own variations: nodes that may be encrypted, lists in three formats, plugins in four.
//!
//! Each looks at the raw JSON of its node first, and then decodes only what is needed. Encrypted data is detected and
//! dropped. Its field is not documented, and its key is sent only to the callback of the sign-in.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Identity;
use crate::provider::lenient::{MaybeObject, Row, Rows, Scalar, required_rows};

/// An object that may be encrypted.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum MaybeEncrypted<T> {
    /// Missing, null, an empty map, or any other value.
    #[default]
    Absent,
    /// Text, which is encrypted data. It is dropped.
    Encrypted,
    /// An object in plain text.
    Plain(EncryptionAware<T>),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for MaybeEncrypted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            object if object.starts_with('{') && !is_empty(object) => MaybeEncrypted::Plain(decode(object)?),
            text if text.starts_with('"') && !is_empty(text) => MaybeEncrypted::Encrypted,
            _ => MaybeEncrypted::Absent,
        })
    }
}

/// An object, and whether one of its fields is encrypted data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncryptionAware<T> {
    /// The known fields.
    pub(crate) fields: T,
    /// Whether another field is encrypted data: its name indicates it, and it is not empty.
    pub(crate) has_encrypted: bool,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for EncryptionAware<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let HasEncrypted(has_encrypted) = decode(raw.get())?;
        Ok(EncryptionAware { fields: decode(raw.get())?, has_encrypted })
    }
}

/// Whether a field of an object is encrypted data.
struct HasEncrypted(bool);

impl<'de> Deserialize<'de> for HasEncrypted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EncryptedFieldVisitor).map(HasEncrypted)
    }
}

struct EncryptedFieldVisitor;

impl<'de> Visitor<'de> for EncryptedFieldVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut has_encrypted = false;
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            has_encrypted |= is_encrypted_field(&name) && !is_empty(value.get());
        }
        Ok(has_encrypted)
    }
}

// `identity_vault_key` is the only documented name, and only callbacks have it. The others are harmless guesses.
fn is_encrypted_field(name: &str) -> bool {
    ["vault", "encrypted", "cipher"].iter().any(|word| name.to_ascii_lowercase().contains(word))
}

/// Whether this JSON is empty: null, `false`, blank text, an empty list or an empty map.
fn is_empty(json: &str) -> bool {
    matches!(json, "null" | "false" | "0") || json.chars().all(|c| c.is_whitespace() || "\"[]{}".contains(c))
}

fn decode<'a, T: Deserialize<'a>, E: Error>(json: &'a str) -> Result<T, E> {
    // The message of the inner error may quote the response.
    serde_json::from_str(json).map_err(|_| E::custom("not of the expected shape"))
}

/// A list of `/connections.json` or `/identities.json`.
///
/// The format is `{pagination, count, entries}`, without `pagination` in older responses, or a bare list in the oldest.
#[derive(Clone, Debug, PartialEq)]
pub struct PagedList<T> {
    pub(crate) pagination: Pagination,
    pub(crate) entries: Rows<T>,
}

/// The pagination of a list.
///
/// `count` is the number of entries on the page, and the page numbers follow from the other fields. So neither is read.
/// The sort field is not read because it is always the date.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pagination {
    pub(crate) entries_per_page: Scalar,
    pub(crate) total_entries: Scalar,
    pub(crate) order: MaybeObject<Order>,
}

/// The order of a list.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Order {
    pub(crate) direction: Scalar,
}

impl Pagination {
    /// Whether the newest rows come first. `None` for a direction other than `asc` and `desc`.
    pub fn is_newest_first(&self) -> Option<bool> {
        match &self.order.0.as_ref()?.direction {
            Scalar::Text(word) if word.eq_ignore_ascii_case("desc") => Some(true),
            Scalar::Text(word) if word.eq_ignore_ascii_case("asc") => Some(false),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct PagedNode<T> {
    #[serde(default)]
    pagination: MaybeObject<Pagination>,
    // No default: a response without entries is not an empty list.
    #[serde(deserialize_with = "required_rows")]
    entries: Rows<T>,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for PagedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('[') {
            return Ok(PagedList { pagination: Pagination::default(), entries: decode(raw.get())? });
        }
        let page: PagedNode<T> = decode(raw.get())?;
        Ok(PagedList { pagination: page.pagination.0.unwrap_or_default(), entries: page.entries })
    }
}

/// A user's identities.
///
/// They are a list (of complete identities or short references), the list in a field `identity`, or a single object in
/// place of either. The latter two occur in older responses. An encrypted list or row is text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identities(pub(crate) Rows<MaybeEncrypted<Identity>>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested<'a> {
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
    identity_token: Scalar,
}

impl<'de> Deserialize<'de> for Identities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let outer = raw.get();
        if outer.starts_with('"') {
            return single_row(outer);
        }
        if !outer.starts_with('{') {
            return decode(outer).map(Identities);
        }
        let nested: Nested<'_> = decode(outer)?;
        let list = nested.identity.map_or(outer, RawValue::get);
        let is_single = list.starts_with('{') && decode::<Nested<'_>, D::Error>(list)?.identity_token != Scalar::Absent;
        if is_single || list.starts_with('"') { single_row(list) } else { decode(list).map(Identities) }
    }
}

fn single_row<E: Error>(json: &str) -> Result<Identities, E> {
    let value: MaybeEncrypted<Identity> = decode(json)?;
    let rows =
        if value == MaybeEncrypted::Absent { Vec::new() } else { vec![Row { key: "0".to_owned(), value: Ok(value) }] };
    Ok(Identities(Rows(rows)))
}

/// A plugin: its key as text, `{key, data}`, or the `{name}` of older failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugin {
    /// `social_login`, `social_link` or `single_sign_on`.
    pub(crate) key: Option<String>,
    /// The report of the plugin.
    pub(crate) data: PluginData,
}

/// The report of a plugin. Its fields are known from recordings only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PluginData {
    pub(crate) action: Scalar,
    pub(crate) operation: Scalar,
    pub(crate) reason: Scalar,
    pub(crate) status: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PluginNode {
    key: Scalar,
    name: Scalar,
    data: MaybeObject<PluginData>,
}

impl<'de> Deserialize<'de> for Plugin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Ok(Plugin { key: decode::<Scalar, D::Error>(raw.get())?.text(), data: PluginData::default() });
        }
        let node: PluginNode = decode(raw.get())?;
        Ok(Plugin { key: node.key.text().or(node.name.text()), data: node.data.0.unwrap_or_default() })
    }
}
