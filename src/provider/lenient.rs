//! Lenient deserialization for JSON from PHP: numbers as text, `false` for nothing, `[]` for an empty map, invalid
//! rows.
//!
//! Both providers run on PHP, so their JSON varies in the same ways. A payload of these types never fails because a
//! scalar has another type. A value that cannot be read is absent, and the mapping decides whether that is an error.
//!
//! A decoded row takes many times the memory of its text. So all rows of a response, nested ones included, share one
//! memory limit.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Error, Reason};
use crate::model::Provider;

/// The maximum memory for the rows of a response, without their texts, in bytes.
const ROWS_MEMORY_MAX: usize = 8 << 20;

thread_local! {
    /// The memory that is left, plus one byte, while this thread decodes a response. Zero when the limit was exceeded,
    /// and when no response is being decoded. Decoding is synchronous, so a response never shares its thread.
    static MEMORY_LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Decodes a response of this provider, or a part of it. [`Rows`] can only be decoded through this function.
///
/// # Errors
/// `Malformed` if the JSON has another shape, with a detail that contains no content of it. `TooLarge` if the rows
/// exceed the memory limit.
pub fn decode<'de, T: Deserialize<'de>>(provider: Provider, json: &'de [u8]) -> Result<T, Error> {
    MEMORY_LEFT.set(ROWS_MEMORY_MAX + 1);
    let read = serde_json::from_slice(json);
    match (MEMORY_LEFT.take(), read) {
        (0, _) => Err(Error::new(provider, Reason::TooLarge, "the rows exceed the memory limit")),
        (_, read) => read.map_err(|error| Error::new(provider, Reason::Malformed, describe(&error))),
    }
}

/// Takes the memory of one more row from the limit.
fn reserve_row<T, E: de::Error>() -> Result<(), E> {
    let left = MEMORY_LEFT.get().saturating_sub(size_of::<Row<T>>());
    MEMORY_LEFT.set(left);
    if left > 0 { Ok(()) } else { Err(E::custom("the rows exceed the memory limit")) }
}

/// A JSON scalar of any type. A list or an object is read and dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar {
    /// Absent, null, a list or an object.
    #[default]
    Absent,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A string.
    Text(String),
}

impl Scalar {
    /// The text, or the digits of a number. `None` for blank text, null and booleans.
    pub fn text(self) -> Option<String> {
        match self {
            Scalar::Text(text) if text.trim().is_empty() => None,
            Scalar::Text(text) => Some(text),
            Scalar::Integer(number) => Some(number.to_string()),
            Scalar::Float(number) => Some(number.to_string()),
            Scalar::Absent | Scalar::Bool(_) => None,
        }
    }

    /// The ID of an account at a service: text or an integer.
    ///
    /// `None` for other numbers: `serde_json` rounds an integer that is too large, and the result would name another
    /// account.
    pub fn subject(self) -> Option<String> {
        match self {
            Scalar::Float(_) => None,
            other => other.text(),
        }
    }

    /// A numeric ID: an integer above zero, as a number or as text.
    pub fn id(&self) -> Option<u64> {
        let number = match self {
            Scalar::Integer(number) => u64::try_from(*number).ok(),
            Scalar::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        number.filter(|number| *number > 0)
    }

    /// A count, as a number or as text. `None` if it exceeds `i32`.
    pub fn count(&self) -> Option<i32> {
        match self {
            Scalar::Integer(number) => i32::try_from(*number).ok(),
            Scalar::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A boolean, 0 or 1, or one of these as text.
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Scalar::Bool(flag) => Some(*flag),
            Scalar::Integer(0) => Some(false),
            Scalar::Integer(1) => Some(true),
            Scalar::Text(text) => match text.as_str() {
                "1" | "true" => Some(true),
                "0" | "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Absent)
    }
}

/// An object, or `None` for null, `false`, `[]`, text and other values.
#[derive(Clone, Debug, PartialEq)]
pub struct MaybeObject<T>(pub Option<T>);

impl<T> Default for MaybeObject<T> {
    fn default() -> Self {
        MaybeObject(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for MaybeObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrDefault(ObjectVisitor(PhantomData))).map(MaybeObject)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// Deserializes an object, or the first object of a list. For `deserialize_with`.
pub fn object_or_first<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<MaybeObject<T>, D::Error> {
    deserializer.deserialize_any(OrDefault(FirstVisitor(ObjectVisitor(PhantomData)))).map(MaybeObject)
}

struct FirstVisitor<T>(ObjectVisitor<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(row) = seq.next_element::<MaybeObject<T>>()? {
            first = first.or(row.0);
        }
        Ok(first)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.visit_map(map)
    }
}

/// Deserializes like its inner visitor, and returns the default value for a scalar.
struct OrDefault<V>(V);

impl<'de, V: Visitor<'de, Value: Default>> Visitor<'de> for OrDefault<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        self.0.visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.visit_map(map)
    }
}

/// The rows of a list, or the values of a map. Empty for any other value.
///
/// Each row is decoded separately, so an invalid row does not affect the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<T>(pub Vec<Row<T>>);

/// A row of [`Rows`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row<T> {
    /// The index in a list, or the key in a map.
    pub key: String,
    /// The row, or why it is invalid, in a sentence without its content.
    pub value: Result<T, String>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Rows(Vec::new())
    }
}

impl<T> Rows<T> {
    /// The valid rows.
    pub fn readable(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(|row| row.value.ok())
    }
}

impl<T: DeserializeOwned> Row<T> {
    fn decode(key: String, raw: &RawValue) -> Self {
        let value = serde_json::from_str(raw.get()).map_err(|error| describe(&error));
        Row { key, value }
    }
}

/// Describes a JSON error in a sentence that contains no content of the JSON.
fn describe(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Io => "unreadable",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "not of the expected shape",
        serde_json::error::Category::Eof => "cut off",
    };
    format!("{kind} at line {} column {}", error.line(), error.column())
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrDefault(RowsVisitor(PhantomData))).map(Rows)
    }
}

/// Deserializes a field that must be a list or a map. For `deserialize_with`.
///
/// [`Rows`] alone reads null, `false` and text as an empty list. A person would then seem to have no connections
/// although the provider never said so.
pub fn required_rows<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Rows<T>, D::Error> {
    deserializer.deserialize_any(RowsVisitor(PhantomData)).map(Rows)
}

struct RowsVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for RowsVisitor<T> {
    type Value = Vec<Row<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a map")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(raw) = seq.next_element()? {
            reserve_row::<T, _>()?;
            rows.push(Row::decode(rows.len().to_string(), raw));
        }
        Ok(rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some((key, raw)) = map.next_entry()? {
            reserve_row::<T, _>()?;
            rows.push(Row::decode(key, raw));
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
