//! Documents that a request names by a hash or an ID: automatic persisted queries and trusted documents.
//!
//! Automatic persisted queries are Apollo's: a client sends the hash, and the text only if the gateway does not have it. They
//! save bytes and protect nothing. Trusted documents are deployed with the gateway; if they are enforced, every other
//! document is rejected. A text is stored only under its own hash, and only after it was validated.

mod settings;
mod store;
mod trusted;

pub use self::settings::{Mode, Settings};

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use self::store::Store;
use self::trusted::Trusted;
use super::graphql::{Parameters, RequestError, RequestErrorKind, loggable_name};
use crate::auth::digest::Digest;
use crate::graph::error::{Error, ErrorCode};

/// The documents that the gateway has.
pub(super) struct PersistedDocuments {
    mode: Mode,
    trusted: Trusted,
    /// The automatic persisted queries, if they are enabled.
    automatic: Option<Mutex<Store>>,
}

/// The document of a request.
pub(super) struct Document {
    pub(super) text: Arc<str>,
    /// The hash under which it is stored once it was validated.
    store_as: Option<Digest>,
}

impl PersistedDocuments {
    /// Reads the trusted documents.
    ///
    /// # Errors
    /// A sentence that names the setting, if they cannot be read.
    pub(super) fn from_settings(settings: &super::settings::Settings) -> Result<Self, String> {
        let Settings { mode, path } = &settings.trusted_documents;
        let trusted = match (mode, path) {
            (Mode::Off, _) | (_, None) => Trusted::default(),
            (_, Some(path)) => {
                // The error must not have the path: it may be a secret in the wrong setting.
                Trusted::read(path).map_err(|what| format!("http.trusted_documents.path{what}"))?
            }
        };
        // Documents of clients are not trusted, so they are useless where only trusted documents are allowed.
        let is_enabled = settings.persisted_max > 0 && *mode != Mode::Enforce;
        let automatic =
            is_enabled.then(|| Mutex::new(Store::new(settings.persisted_max, settings.persisted_max_bytes)));
        Ok(Self { mode: *mode, trusted, automatic })
    }

    /// Returns the document of a request, by its text, its hash or its ID.
    ///
    /// # Errors
    /// If there is no such document, or it is not allowed.
    pub(super) fn find(&self, parameters: &mut Parameters) -> Result<Document, RequestError> {
        let hash = apollo_hash(parameters)?;
        match (parameters.query.take(), &hash, &parameters.document_id) {
            (Some(text), hash, _) => {
                self.check_text(text.into(), hash.as_deref(), parameters.operation_name.as_deref())
            }
            (None, Some(hash), _) => self.find_hash(hash),
            (None, None, Some(id)) => self.find_id(id),
            (None, None, None) => {
                let message = "The parameter query is missing: send the document as text.";
                Err(RequestError::new(RequestErrorKind::Malformed, Error::bad_input(message)))
            }
        }
    }

    /// Stores a document that a client sent with its hash. It must have been validated.
    pub(super) fn store(&self, document: Document) {
        if let (Some(hash), Some(automatic)) = (document.store_as, &self.automatic) {
            automatic.lock().unwrap_or_else(PoisonError::into_inner).put(hash, document.text);
        }
    }

    fn check_text(
        &self,
        text: Arc<str>,
        claimed: Option<&str>,
        operation: Option<&str>,
    ) -> Result<Document, RequestError> {
        let needs_hash = claimed.is_some() || self.mode != Mode::Off;
        let hash = needs_hash.then(|| Digest::sha256(&text));
        if let (Some(claimed), Some(hash)) = (claimed, hash)
            && store::parse(claimed) != Some(hash)
            && self.trusted.find(claimed).is_none_or(|trusted| *trusted != *text)
        {
            return Err(RequestError::new(
                RequestErrorKind::Malformed,
                Error::bad_input("provided sha does not match query"),
            ));
        }
        match hash {
            Some(hash) if self.mode != Mode::Off && !self.trusted.has(&hash) => {
                if self.mode == Mode::Enforce {
                    let message = "This gateway answers only the documents that it was given; send the ID of one.";
                    return Err(RequestError::new(
                        RequestErrorKind::Forbidden,
                        Error::new(ErrorCode::Forbidden, message),
                    ));
                }
                let operation = operation.map(loggable_name);
                tracing::warn!(hash = hash.to_string(), operation, "a document is not trusted");
            }
            _ => {}
        }
        Ok(Document { text, store_as: hash.filter(|_| claimed.is_some()) })
    }

    fn find_hash(&self, hash: &str) -> Result<Document, RequestError> {
        if let Some(text) = self.trusted.find(hash) {
            return Ok(Document { text, store_as: None });
        }
        let Some(automatic) = &self.automatic else {
            let error = match self.mode {
                Mode::Enforce => Error::persisted_query_not_found(),
                Mode::Off | Mode::Log => Error::persisted_query_not_supported(),
            };
            return Err(RequestError::new(RequestErrorKind::Invalid, error));
        };
        let found =
            store::parse(hash).and_then(|hash| automatic.lock().unwrap_or_else(PoisonError::into_inner).get(&hash));
        let text =
            found.ok_or_else(|| RequestError::new(RequestErrorKind::Invalid, Error::persisted_query_not_found()))?;
        Ok(Document { text, store_as: None })
    }

    fn find_id(&self, id: &str) -> Result<Document, RequestError> {
        let error = match self.mode {
            Mode::Off => Error::persisted_query_not_supported(),
            Mode::Log | Mode::Enforce => Error::persisted_query_not_found(),
        };
        let text = self.trusted.find(id).ok_or_else(|| RequestError::new(RequestErrorKind::Invalid, error))?;
        Ok(Document { text, store_as: None })
    }
}

/// Returns the hash in `extensions.persistedQuery`, if there is one.
fn apollo_hash(parameters: &Parameters) -> Result<Option<String>, RequestError> {
    let Some(given) = parameters.extensions.get("persistedQuery").filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let malformed = |message: &str| RequestError::new(RequestErrorKind::Malformed, Error::bad_input(message));
    if given.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(malformed("Unsupported persisted query version"));
    }
    let hash = given.get("sha256Hash").and_then(Value::as_str);
    hash.map(|hash| Some(hash.to_owned())).ok_or_else(|| malformed("extensions.persistedQuery has no sha256Hash."))
}
