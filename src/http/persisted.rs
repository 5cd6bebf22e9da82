//! Documents that are known by a hash or an ID: those that clients sent before, and those that the gateway was given.
//!
//! The first are Apollo's automatic persisted queries: a client sends a hash, and the text only if it is asked for; they
//! save bytes and protect nothing. The second are trusted documents: when they are enforced, nothing else is answered.
//! A text is kept only under the hash that it has, and only once it was found fit to run.

mod store;
mod trusted;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::store::Store;
use self::trusted::Trusted;
use super::graphql::{self, Fault, Parameters, Refusal};
use crate::auth::digest::Digest;
use crate::graph::error::{Error, ErrorCode};

/// Documents that are deployed with the gateway.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What happens to a document that is not trusted.
    pub mode: Mode,
    /// A folder of `.graphql` files, or a manifest written by relay-compiler, Apollo or codegen.
    pub path: Option<PathBuf>,
}

/// What happens to a document that is not trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// There are no trusted documents.
    #[default]
    Off,
    /// It is executed and logged.
    Log,
    /// It is refused. A trusted document may be sent by ID or by its exact text.
    Enforce,
}

/// Every document that is known.
pub(super) struct Persisted {
    mode: Mode,
    trusted: Trusted,
    sent: Option<Mutex<Store>>,
}

/// The text of a document that a request means.
pub(super) struct Found {
    pub(super) text: Arc<str>,
    keep_as: Option<Digest>,
}

impl Persisted {
    /// Reads the trusted documents.
    ///
    /// # Errors
    /// A sentence that names the setting, if they cannot be read.
    pub(super) fn build(settings: &super::Settings) -> Result<Self, String> {
        let Settings { mode, path } = &settings.trusted_documents;
        let trusted = match (mode, path) {
            (Mode::Off, _) | (_, None) => Trusted::default(),
            (_, Some(path)) => {
                // No word of the path itself: a value may be a secret that stands in the wrong place.
                Trusted::read(path).map_err(|what| format!("http.trusted_documents.path{what}"))?
            }
        };
        // What clients send is never trusted, so it is not kept where only trusted documents are answered.
        let is_kept = settings.persisted_max > 0 && *mode != Mode::Enforce;
        let sent = is_kept.then(|| Mutex::new(Store::new(settings.persisted_max, settings.persisted_max_bytes)));
        Ok(Self { mode: *mode, trusted, sent })
    }

    /// Finds the document that a request means, by its text, its hash or its ID.
    pub(super) fn find(&self, parameters: &mut Parameters) -> Result<Found, Refusal> {
        let hash = apollo_hash(parameters)?;
        match (parameters.query.take(), &hash, &parameters.document_id) {
            (Some(text), hash, _) => self.take(text.into(), hash.as_deref(), parameters.operation_name.as_deref()),
            (None, Some(hash), _) => self.find_hash(hash),
            (None, None, Some(id)) => self.find_id(id),
            (None, None, None) => {
                let message = "The parameter query is missing: send the document as text.";
                Err(Refusal::new(Fault::Malformed, Error::bad_input(message)))
            }
        }
    }

    /// Keeps a document that a client sent with its hash, now that it may run.
    pub(super) fn keep(&self, found: Found) {
        if let (Some(hash), Some(sent)) = (found.keep_as, &self.sent) {
            sent.lock().unwrap_or_else(PoisonError::into_inner).put(hash, found.text);
        }
    }

    fn take(&self, text: Arc<str>, claimed: Option<&str>, operation: Option<&str>) -> Result<Found, Refusal> {
        let needs_hash = claimed.is_some() || self.mode != Mode::Off;
        let hash = needs_hash.then(|| Digest::sha256(&text));
        if let (Some(claimed), Some(hash)) = (claimed, hash)
            && store::parse(claimed) != Some(hash)
            && self.trusted.find(claimed).is_none_or(|trusted| *trusted != *text)
        {
            return Err(Refusal::new(Fault::Malformed, Error::bad_input("provided sha does not match query")));
        }
        match hash {
            Some(hash) if self.mode != Mode::Off && !self.trusted.has(&hash) => {
                if self.mode == Mode::Enforce {
                    let message = "This gateway answers only the documents that it was given; send the ID of one.";
                    return Err(Refusal::new(Fault::Forbidden, Error::new(ErrorCode::Forbidden, message)));
                }
                let operation = operation.map(graphql::plain);
                tracing::warn!(hash = hash.to_string(), operation, "a document that is not a trusted one");
            }
            _ => {}
        }
        Ok(Found { text, keep_as: hash.filter(|_| claimed.is_some()) })
    }

    fn find_hash(&self, hash: &str) -> Result<Found, Refusal> {
        if let Some(text) = self.trusted.find(hash) {
            return Ok(Found { text, keep_as: None });
        }
        let Some(sent) = &self.sent else {
            let error = match self.mode {
                Mode::Enforce => Error::persisted_query_not_found(),
                Mode::Off | Mode::Log => Error::persisted_query_not_supported(),
            };
            return Err(Refusal::new(Fault::Invalid, error));
        };
        let found = store::parse(hash).and_then(|hash| sent.lock().unwrap_or_else(PoisonError::into_inner).get(&hash));
        let text = found.ok_or_else(|| Refusal::new(Fault::Invalid, Error::persisted_query_not_found()))?;
        Ok(Found { text, keep_as: None })
    }

    fn find_id(&self, id: &str) -> Result<Found, Refusal> {
        let error = match self.mode {
            Mode::Off => Error::persisted_query_not_supported(),
            Mode::Log | Mode::Enforce => Error::persisted_query_not_found(),
        };
        let text = self.trusted.find(id).ok_or_else(|| Refusal::new(Fault::Invalid, error))?;
        Ok(Found { text, keep_as: None })
    }
}

/// The hash in `extensions.persistedQuery`, if it is there.
fn apollo_hash(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(given) = parameters.extensions.get("persistedQuery").filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let malformed = |message: &str| Refusal::new(Fault::Malformed, Error::bad_input(message));
    if given.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(malformed("Unsupported persisted query version"));
    }
    let hash = given.get("sha256Hash").and_then(Value::as_str);
    hash.map(|hash| Some(hash.to_owned())).ok_or_else(|| malformed("extensions.persistedQuery has no sha256Hash."))
}
