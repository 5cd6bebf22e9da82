//! The routes of WordPress.com that change data.
//!
//! | request | source | response |
//! |---|---|---|
//! | `POST /rest/v1.1/me/keyring-connections/$ID/delete` | documented; the page prints the body of another route | guess: `{"ID", "deleted": true}` |
//! | `DELETE /wpcom/v2/me/connections/$ID` | seen in public code, which ignores the body | guess: `{"deleted": true, "previous": …}` |
//! | `POST /rest/v1.1/me/connected-applications/$ID/delete` | documented | `{"success": true}` |
//! | `POST /rest/v1.1/sites/$site/publicize-connections/$ID`, and under `/me` | documented | guess: the new row |
//!
//! Errors are those of the same reads. A second delete gets the 404 of an unknown ID. A deleted Keyring connection
//! deletes all Publicize connections that use it, as documented.
//!
//! Sharing needs the capability `edit_others_posts` on the site, as on the provider's own page.
//!
//! More guesses:
//!
//! - The API rejects sharing without the capability, with the documented message.
//! - A body is JSON or a form.
//! - The message for an invalid value of `shared`.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::access::{
    ApiError, NO_TOKEN_KEYRING, NO_TOKEN_PUBLICIZE, account_manager, is_editor, parse_id, respond_with, scoped_caller,
    site_member, visible_publicize,
};
use super::account::WordPressAccount;
use super::fields_param::Content;
use super::store::WordPressStore;
use crate::sandbox::http::{SandboxRequest, WriteResult};
use crate::sandbox::write_log::WriteDescription;

const MAY_NOT_SHARE: &str = "This user is not authorized to globalize this Jetpack Social connection.";
const NO_PROPERTY: &str = "Please provide at least one property to update for this connection";
const INVALID_SHARED: &str = "The value of shared must be true or false.";

/// A request that changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum WriteRequest {
    /// Deletes a Keyring connection, by version 2 or by version 1.
    DeleteKeyring { id: u64, is_v2: bool },
    /// Revokes the access of an application.
    DeleteApplication { id: u64 },
    /// Shares a Publicize connection with its site or makes it private.
    Share { id: u64, site: Option<String>, shared: SharedParameter },
}

/// The parameter `shared` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum SharedParameter {
    Absent,
    Value(bool),
    Invalid,
}

/// The methods of a path that allows more than GET, or another method; `None` for any other path.
pub(super) fn allowed_methods(segments: &[&str]) -> Option<&'static [&'static str]> {
    let (id, methods): (&str, &'static [&'static str]) = match segments {
        ["rest", "v1.1", "me", "keyring-connections" | "connected-applications", id, "delete"] => (id, &["POST"]),
        ["rest", "v1.1", "me", "publicize-connections", id]
        | ["rest", "v1.1", "sites", _, "publicize-connections", id] => (id, &["GET", "POST"]),
        ["wpcom", "v2", "me", "connections", id] => (id, &["GET", "DELETE"]),
        _ => return None,
    };
    parse_id(id).map(|_| methods)
}

impl WriteRequest {
    /// The write in a request; `None` for a read and for an unknown path or method.
    pub(in crate::sandbox) fn parse(request: &SandboxRequest, body: &[u8]) -> Option<Self> {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["rest", "v1.1", "me", "keyring-connections", id, "delete"]) => {
                Some(WriteRequest::DeleteKeyring { id: parse_id(id)?, is_v2: false })
            }
            ("DELETE", ["wpcom", "v2", "me", "connections", id]) => {
                Some(WriteRequest::DeleteKeyring { id: parse_id(id)?, is_v2: true })
            }
            ("POST", ["rest", "v1.1", "me", "connected-applications", id, "delete"]) => {
                Some(WriteRequest::DeleteApplication { id: parse_id(id)? })
            }
            ("POST", ["rest", "v1.1", "me", "publicize-connections", id]) => {
                Some(WriteRequest::Share { id: parse_id(id)?, site: None, shared: parse_shared(request, body) })
            }
            ("POST", ["rest", "v1.1", "sites", site, "publicize-connections", id]) => Some(WriteRequest::Share {
                id: parse_id(id)?,
                site: Some((*site).to_owned()),
                shared: parse_shared(request, body),
            }),
            _ => None,
        }
    }

    /// The write as the log describes it.
    pub(in crate::sandbox) fn description(&self) -> WriteDescription {
        let (operation, id, arguments) = match self {
            WriteRequest::DeleteKeyring { id, .. } => ("keyring.delete", id, json!({})),
            WriteRequest::DeleteApplication { id } => ("application.delete", id, json!({})),
            WriteRequest::Share { id, shared: SharedParameter::Value(shared), .. } => {
                ("publicize.share", id, json!({"shared": shared}))
            }
            WriteRequest::Share { id, .. } => ("publicize.share", id, json!({})),
        };
        WriteDescription { operation, object: id.to_string(), arguments }
    }

    /// Makes the change if the caller may make it.
    pub(in crate::sandbox) fn execute(&self, store: &mut WordPressStore, request: &SandboxRequest) -> WriteResult {
        let outcome = match self {
            WriteRequest::DeleteKeyring { id, is_v2 } => delete_keyring(store, request, *id, *is_v2),
            WriteRequest::DeleteApplication { id } => delete_application(store, request, *id),
            WriteRequest::Share { id, site, shared } => share(store, request, *id, site.as_deref(), *shared),
        };
        let changed = outcome.as_ref().is_ok_and(|success| success.changed);
        let result = outcome.map(|success| Content::Json(success.body));
        WriteResult { response: respond_with(result, request), changed }
    }
}

/// The body of a successful write, and whether anything changed.
struct Success {
    body: Value,
    changed: bool,
}

fn delete_keyring(
    store: &mut WordPressStore,
    request: &SandboxRequest,
    id: u64,
    is_v2: bool,
) -> Result<Success, ApiError> {
    let account = scoped_caller(store, request, NO_TOKEN_KEYRING)?;
    let Some(row) = account.find_keyring(id).cloned() else {
        return Err(if is_v2 { ApiError::for_v2_keyring() } else { ApiError::for_keyring(store, id) });
    };
    let handle = account.handle.clone();
    let changed = store.delete_keyring(&handle, id);
    let body = if is_v2 { json!({"deleted": true, "previous": row}) } else { json!({"ID": id, "deleted": true}) };
    Ok(Success { body, changed })
}

fn delete_application(store: &mut WordPressStore, request: &SandboxRequest, id: u64) -> Result<Success, ApiError> {
    let handle = account_manager(store, request)?.handle.clone();
    if !store.delete_application(&handle, id) {
        return Err(ApiError::for_application());
    }
    Ok(Success { body: json!({"success": true}), changed: true })
}

fn share(
    store: &mut WordPressStore,
    request: &SandboxRequest,
    id: u64,
    site: Option<&str>,
    shared: SharedParameter,
) -> Result<Success, ApiError> {
    let account = sharing_account(store, request, id, site)?;
    // The row is copied before the change: a connection of another account leaves the caller's list when it becomes
    // private.
    let mut row = account.find_publicize(id).cloned().unwrap_or_default();
    let shared = match shared {
        SharedParameter::Value(shared) => shared,
        SharedParameter::Absent => return Err(ApiError(400, "invalid_input", NO_PROPERTY)),
        SharedParameter::Invalid => return Err(ApiError(400, "invalid_input", INVALID_SHARED)),
    };
    let changed = store.share(id, shared);
    row["shared"] = json!(shared);
    Ok(Success { body: row, changed })
}

/// The caller if they see the connection, are a member of the site in the path, and may edit posts of others.
fn sharing_account<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
    id: u64,
    site: Option<&str>,
) -> Result<&'s WordPressAccount, ApiError> {
    let account = match site {
        Some(site) => site_member(store, request, site)?.0,
        None => scoped_caller(store, request, NO_TOKEN_PUBLICIZE)?,
    };
    let row = visible_publicize(store, account, id)?;
    if is_editor(store, account, &row["site_ID"]) {
        Ok(account)
    } else {
        Err(ApiError(403, "authorization_required", MAY_NOT_SHARE))
    }
}

/// The parameter `shared` from a JSON body, a form or the query.
fn parse_shared(request: &SandboxRequest, body: &[u8]) -> SharedParameter {
    let value = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(mut body) => body.remove("shared"),
        Err(_) => {
            let pairs = form_urlencoded::parse(body).filter(|(key, _)| key == "shared");
            pairs.last().map(|(_, value)| Value::String(value.into_owned()))
        }
    };
    let value = value.or_else(|| request.parameter("shared").map(|text| json!(text)));
    match value {
        None => SharedParameter::Absent,
        Some(Value::Bool(shared)) => SharedParameter::Value(shared),
        Some(Value::Number(number)) if number.as_u64() == Some(1) => SharedParameter::Value(true),
        Some(Value::Number(number)) if number.as_u64() == Some(0) => SharedParameter::Value(false),
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "1" | "t" | "true" => SharedParameter::Value(true),
            "0" | "f" | "false" => SharedParameter::Value(false),
            _ => SharedParameter::Invalid,
        },
        Some(_) => SharedParameter::Invalid,
    }
}
