//! The routes of OneAll that change data.
//!
//! | request | source | response |
//! |---|---|---|
//! | `PUT /identities/$token/synchronize.json` | documented, with an optional body | the identity under `data.identity`, seen in public code |
//! | `PUT /identities/$token/link.json` | documented | the new owner's identities; their place in `data` is a guess |
//! | `DELETE /identities/$token.json?confirm_deletion=true` | documented, without the body of the response | guess: like that of a deleted user |
//!
//! More guesses:
//!
//! - The statuses and messages of errors, except those for keys and identities. A missing confirmation or token and invalid
//!   JSON get 400; an unknown user gets 404.
//! - An identity without an access token cannot be synchronized. The response is a 200 with an error in `result`.
//! - A sign-in moves to the new owner with its identity, and it is deleted with its identity.
//! - A user without identities remains.

use serde_json::{Value, json};

use super::envelope::{Envelope, INVALID_KEYS, PROCESSED, UNKNOWN_IDENTITY, has_site_keys};
use super::mutations::SynchronizeOptions;
use super::store::OneAllStore;
use crate::sandbox::fixtures::identities::Identity;
use crate::sandbox::http::{SandboxRequest, WriteResult};
use crate::sandbox::write_log::WriteDescription;

const UNKNOWN_USER: &str = "No user has been found for the specified user_token";
const NO_CONFIRMATION: &str = "The parameter confirm_deletion=true is missing";
const NO_USER_TOKEN: &str = "The user_token of the new user is missing";
const INVALID_BODY: &str = "The request could not be read";

/// A request that changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum WriteRequest {
    /// Deletes an identity.
    Delete { identity: String, confirmed: bool },
    /// Links an identity to another user.
    Relink { identity: String, user: Option<String> },
    /// Synchronizes an identity with its provider; no options if the body is invalid.
    Synchronize { identity: String, options: Option<SynchronizeOptions> },
}

impl WriteRequest {
    /// The write in a request; `None` for a read and for an unknown path or method.
    pub(in crate::sandbox) fn parse(request: &SandboxRequest, body: &[u8]) -> Option<Self> {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("DELETE", ["identities", name]) => {
                let confirmed = request.parameter("confirm_deletion") == Some("true");
                Some(WriteRequest::Delete { identity: name.strip_suffix(".json")?.to_owned(), confirmed })
            }
            ("PUT", ["identities", token, "link.json"]) => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let user = body.pointer("/request/user/user_token").and_then(Value::as_str);
                Some(WriteRequest::Relink {
                    identity: (*token).to_owned(),
                    user: user.filter(|token| !token.is_empty()).map(str::to_owned),
                })
            }
            ("PUT", ["identities", token, "synchronize.json"]) => {
                Some(WriteRequest::Synchronize { identity: (*token).to_owned(), options: parse_options(body) })
            }
            _ => None,
        }
    }

    /// The write as the log describes it.
    pub(in crate::sandbox) fn description(&self) -> WriteDescription {
        let (operation, identity, arguments) = match self {
            WriteRequest::Delete { identity, confirmed } => {
                ("identity.delete", identity, json!({"confirmed": confirmed}))
            }
            WriteRequest::Relink { identity, user } => ("identity.relink", identity, json!({"user_token": user})),
            WriteRequest::Synchronize { identity, options: Some(options) } => {
                let arguments = json!({
                    "update_user_data": options.update_user_data,
                    "force_token_update": options.force_token_update,
                });
                ("identity.synchronize", identity, arguments)
            }
            WriteRequest::Synchronize { identity, options: None } => ("identity.synchronize", identity, json!({})),
        };
        WriteDescription { operation, object: identity.clone(), arguments }
    }

    /// Makes the change if the request carries the keys of the site.
    pub(in crate::sandbox) fn execute(&self, store: &mut OneAllStore, request: &SandboxRequest) -> WriteResult {
        let outcome = if !has_site_keys(request) {
            unchanged(Envelope::with_info(401, INVALID_KEYS))
        } else {
            match self {
                WriteRequest::Delete { identity, confirmed } => delete(store, identity, *confirmed),
                WriteRequest::Relink { identity, user } => relink(store, identity, user.as_deref()),
                WriteRequest::Synchronize { identity, options } => synchronize(store, identity, *options),
            }
        };
        WriteResult { response: outcome.envelope.render(request), changed: outcome.changed }
    }
}

/// The response to a write, and whether anything changed.
struct EnvelopeResult {
    envelope: Envelope,
    changed: bool,
}

fn unchanged(envelope: Envelope) -> EnvelopeResult {
    EnvelopeResult { envelope, changed: false }
}

fn delete(store: &mut OneAllStore, token: &str, confirmed: bool) -> EnvelopeResult {
    let Some(identity) = store.find_identity(token) else {
        return unchanged(Envelope::with_info(404, UNKNOWN_IDENTITY));
    };
    if !confirmed {
        return unchanged(Envelope::with_info(400, NO_CONFIRMATION));
    }
    let reference = identity.reference();
    let changed = store.move_identity(token, None);
    let data = json!({"identity": reference});
    EnvelopeResult { envelope: success("The specified identity has been removed successfully", data), changed }
}

fn relink(store: &mut OneAllStore, token: &str, user: Option<&str>) -> EnvelopeResult {
    if store.find_identity(token).is_none() {
        return unchanged(Envelope::with_info(404, UNKNOWN_IDENTITY));
    }
    let Some(user) = user else {
        return unchanged(Envelope::with_info(400, NO_USER_TOKEN));
    };
    if store.find_user(user).is_none() {
        return unchanged(Envelope::with_info(404, UNKNOWN_USER));
    }
    let changed = store.move_identity(token, Some(user));
    let references: Vec<Value> = match store.find_user(user) {
        Some(user) => store.identities_of(user).map(|identity| identity.reference()).collect(),
        None => Vec::new(),
    };
    let data = json!({"user": {"user_token": user, "identities": references}});
    EnvelopeResult {
        envelope: success("The identity has successfully been linked to the specified user", data),
        changed,
    }
}

fn synchronize(store: &mut OneAllStore, token: &str, options: Option<SynchronizeOptions>) -> EnvelopeResult {
    let Some(identity) = store.find_identity(token) else {
        return unchanged(Envelope::with_info(404, UNKNOWN_IDENTITY));
    };
    let Some(options) = options else {
        return unchanged(Envelope::with_info(400, INVALID_BODY));
    };
    if !identity.body["source"]["access_token"].is_object() {
        let status = json!({"flag": "error", "code": 400, "info": "The identity could not be synchronized"});
        let result = Some(json!({"status": status}));
        return unchanged(Envelope { status: 200, info: Some(PROCESSED), date: None, result });
    }
    let changed = store.synchronize(token, options);
    let data = json!({"identity": store.find_identity(token).map(Identity::with_owner)});
    EnvelopeResult { envelope: success("The identity has been synchronized successfully", data), changed }
}

/// A successful operation: the envelope and the result each have a status.
fn success(info: &str, data: Value) -> Envelope {
    Envelope::with_result(200, json!({"status": {"flag": "success", "code": 200, "info": info}, "data": data}))
}

/// The options in the optional body. By default the user data is updated, and the token only if it has expired.
fn parse_options(body: &[u8]) -> Option<SynchronizeOptions> {
    if body.is_empty() {
        return Some(SynchronizeOptions { update_user_data: true, force_token_update: false });
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let options = &body["request"]["synchronize"];
    // The documentation shows strings, and the provider's own client sends booleans.
    let flag = |key: &str, default| match &options[key] {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => matches!(text.as_str(), "true" | "1"),
        _ => default,
    };
    Some(SynchronizeOptions {
        update_user_data: flag("update_user_data", true),
        force_token_update: flag("force_token_update", false),
    })
}
