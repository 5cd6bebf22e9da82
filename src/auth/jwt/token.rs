//! A token's text: its size, its three parts, its header, and JSON objects in which no name stands twice.
//!
//! Two readers may take two different ones of a name that stands twice, so such an object means nothing here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::auth::credential_error::CredentialError;
use crate::auth::jwks::KID_LENGTH_MAX;

/// The longest token taken, in bytes.
pub const TOKEN_LENGTH_MAX: usize = 8 << 10;

/// What a header must not have: a key of the token's own or where to find one, what must be understood and is not, and
/// what changes how the payload is read.
const FORBIDDEN: [&str; 8] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"];

/// The types that a header may name, in any case; with or without `application/`.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The members of a JSON object, each name once.
#[derive(Debug)]
pub(super) struct Object(Map<String, Value>);

/// What a token says of how it was signed; nothing of it is proved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

impl Header {
    /// Reads the header of a token that has the shape of one.
    ///
    /// # Errors
    /// `Malformed`, or `WrongAlgorithm` for one that is never taken.
    pub(super) fn of(token: &str) -> Result<Self, CredentialError> {
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(CredentialError::Malformed);
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, payload, signature] = *parts else { return Err(CredentialError::Malformed) };
        if [header, payload, signature].iter().any(|part| part.is_empty()) {
            return Err(CredentialError::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| CredentialError::Malformed)?;
        let header: Object = serde_json::from_slice(&header).map_err(|_| CredentialError::Malformed)?;
        Self::read(&header).ok_or(CredentialError::Malformed)?
    }

    fn read(header: &Object) -> Option<Result<Self, CredentialError>> {
        if FORBIDDEN.iter().any(|name| header.get(name).is_some()) {
            return None;
        }
        let is_type = match header.get("typ") {
            Some(typ) => is_type(typ.as_str()?),
            None => true,
        };
        let kid = match header.get("kid") {
            Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= KID_LENGTH_MAX)?.to_owned()),
            None => None,
        };
        let algorithm = match header.get("alg")?.as_str()? {
            "HS256" => Algorithm::HS256,
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            "EdDSA" => Algorithm::EdDSA,
            _ => return Some(Err(CredentialError::WrongAlgorithm)),
        };
        is_type.then_some(Ok(Self { algorithm, kid }))
    }
}

fn is_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
}

impl Object {
    /// The member of this name; one that is `null` is there.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object in which no name stands twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = members.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a name stands twice"));
            }
        }
        Ok(Object(object))
    }
}
