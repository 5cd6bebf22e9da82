//! Splits a JWT into its parts, reads its header and checks its signature.
//!
//! A JSON object with a duplicate member name is rejected, because two parsers may each use a different one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::auth::credential_error::CredentialError;
use crate::auth::jwks::{KID_MAX_BYTES, VerifyingKey};

/// Header parameters that are never accepted. `jwk`, `jku`, `x5u` and `x5c` bring or locate a key, `crit` names
/// extensions that must be understood, and `b64`, `zip` and `enc` change how the payload is read.
const FORBIDDEN_PARAMETERS: [&str; 8] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"];

/// Accepted values of `typ`, in any case, with or without the prefix `application/`.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// A JSON object without duplicate member names.
#[derive(Debug)]
pub(super) struct Object(Map<String, Value>);

/// A token whose signature has not been checked. Nothing in it is trusted.
pub(super) struct UnverifiedToken<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    /// The signing input: header and payload as they were sent.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Splits a token in compact serialization and reads its header.
    ///
    /// # Errors
    /// `Malformed`, or `WrongAlgorithm` if `alg` is not supported.
    pub(super) fn parse(token: &'a str) -> Result<Self, CredentialError> {
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, payload, signature] = *parts else { return Err(CredentialError::Malformed) };
        if [header, payload, signature].iter().any(|part| part.is_empty()) {
            return Err(CredentialError::Malformed);
        }
        let message = &token[..header.len() + 1 + payload.len()];
        let header = Object::decode(header)?;
        let kid = key_id(&header)?;
        let algorithm = algorithm(&header)?;
        if !has_valid_type(&header) || FORBIDDEN_PARAMETERS.iter().any(|name| header.get(name).is_some()) {
            return Err(CredentialError::Malformed);
        }
        Ok(Self { algorithm, kid, message, payload, signature })
    }

    /// Checks the signature with `key` and returns the payload.
    ///
    /// # Errors
    /// `WrongAlgorithm`, `BadSignature`, or `Malformed` if signature or payload are not encoded as they must be.
    pub(super) fn verify(&self, key: &VerifyingKey) -> Result<Object, CredentialError> {
        if self.algorithm != key.algorithm {
            return Err(CredentialError::WrongAlgorithm);
        }
        let checked = crypto::verify(self.signature, self.message.as_bytes(), &key.decoding, key.algorithm);
        match checked {
            Ok(true) => Object::decode(self.payload),
            Ok(false) => Err(CredentialError::BadSignature),
            Err(_) => Err(CredentialError::Malformed),
        }
    }
}

fn key_id(header: &Object) -> Result<Option<String>, CredentialError> {
    let Some(kid) = header.get("kid") else { return Ok(None) };
    let kid = kid.as_str().filter(|kid| kid.len() <= KID_MAX_BYTES);
    kid.map(|kid| Some(kid.to_owned())).ok_or(CredentialError::Malformed)
}

fn algorithm(header: &Object) -> Result<Algorithm, CredentialError> {
    match header.get("alg").and_then(Value::as_str).ok_or(CredentialError::Malformed)? {
        "HS256" => Ok(Algorithm::HS256),
        "RS256" => Ok(Algorithm::RS256),
        "ES256" => Ok(Algorithm::ES256),
        // RFC 9864 replaces the first name with the second.
        "EdDSA" | "Ed25519" => Ok(Algorithm::EdDSA),
        _ => Err(CredentialError::WrongAlgorithm),
    }
}

fn has_valid_type(header: &Object) -> bool {
    let Some(typ) = header.get("typ") else { return true };
    let typ = typ.as_str().map(str::to_ascii_lowercase);
    typ.is_some_and(|typ| TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ)))
}

impl Object {
    /// Decodes one part of a token.
    fn decode(part: &str) -> Result<Self, CredentialError> {
        let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| CredentialError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| CredentialError::Malformed)
    }

    /// Returns a member. A member that is `null` is present.
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
        out.write_str("an object without duplicate member names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = members.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("duplicate member name"));
            }
        }
        Ok(Object(object))
    }
}
