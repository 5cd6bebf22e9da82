//! Who may read what at WordPress.com, and the errors for everyone else.
//!
//! The error messages are those of the public documentation pages.

use serde_json::{Value, json};

use super::account::{TokenScope, WordPressAccount};
use super::fields_param::{Content, render};
use super::store::WordPressStore;
use crate::sandbox::http::{SandboxRequest, SandboxResponse};
use crate::sandbox::json::is_number;

pub(super) const NO_TOKEN_ME: &str = "An active access token must be used to query information about the current user.";
pub(super) const NO_TOKEN_KEYRING: &str = "An active access connection must be used to access keyring connections.";
pub(super) const NO_TOKEN_PUBLICIZE: &str = "An active access token must be used to access Jetpack Social connections.";
const NO_TOKEN_APPLICATIONS: &str =
    "An active access token must be used to retrieve information about the current user.";
const REAUTHORIZE: &str = "A fresh access token must be used to query information about the current user.";
const FOREIGN_KEYRING: &str = "You do not have permission to access this Keyring connection.";
const FOREIGN_PUBLICIZE: &str = "This user is not authorized to access this Jetpack Social connection.";
const FOREIGN_SITE: &str = "This user is not authorized to access publicize connections on this site.";
const UNKNOWN_APPLICATION: &str = "The requested application access token was not found.";
const PRIVATE_SITE: &str = "User cannot access this private blog.";

/// An error response: status, error code and message.
pub(super) struct ApiError(pub(super) u16, pub(super) &'static str, pub(super) &'static str);

impl ApiError {
    /// A Keyring connection that the caller cannot read: one of another account, or one that does not exist.
    pub(super) fn for_keyring(store: &WordPressStore, id: u64) -> Self {
        if store.accounts.iter().any(|other| other.find_keyring(id).is_some()) {
            ApiError(403, "authorization_required", FOREIGN_KEYRING)
        } else {
            ApiError(404, "not_found", "Keyring connection with this ID not found.")
        }
    }

    /// A Keyring connection that version 2 does not return. It does not distinguish other accounts' connections.
    pub(super) fn for_v2_keyring() -> Self {
        ApiError(404, "not_found", "Connection not found.")
    }

    /// An application to which the caller has not granted access.
    pub(super) fn for_application() -> Self {
        ApiError(404, "unknown_application_access_token", UNKNOWN_APPLICATION)
    }
}

/// Renders a result in the error format of the requested API version.
pub(super) fn respond_with(result: Result<Content, ApiError>, request: &SandboxRequest) -> SandboxResponse {
    let (status, content) = match result {
        // An OAuth error has neither version's format, and a status of its own.
        Ok(Content::Json(body)) if body.get("error_description").is_some() => (400, Content::Json(body)),
        Ok(content) => (200, content),
        Err(ApiError(status, code, message)) if request.path.starts_with("/wpcom/") => {
            let body = json!({"code": code, "message": message, "data": {"status": status}});
            (status, Content::Json(body))
        }
        Err(ApiError(status, error, message)) => (status, Content::Json(json!({"error": error, "message": message}))),
    };
    let response = render(status, content, request);
    if matches!(status, 400 | 404) { with_cors(response) } else { response }
}

/// The response with the CORS header that WordPress.com sends with some errors.
pub(super) fn with_cors(response: SandboxResponse) -> SandboxResponse {
    response.with_header("Access-Control-Allow-Origin", "*")
}

/// The account of the token, whatever its scope.
pub(super) fn caller<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
    no_token: &'static str,
) -> Result<&'s WordPressAccount, ApiError> {
    let Some(token) = request.credential("Bearer") else {
        return Err(ApiError(403, "authorization_required", no_token));
    };
    store.account_by_token(token).ok_or(ApiError(401, "invalid_token", "The OAuth2 token is invalid."))
}

/// The account of a token whose scope covers more than `/me`.
pub(super) fn scoped_caller<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
    no_token: &'static str,
) -> Result<&'s WordPressAccount, ApiError> {
    match caller(store, request, no_token)? {
        account if account.scope == TokenScope::Auth => {
            Err(ApiError(403, "authorization_required", "Access token does not have the required scope"))
        }
        account => Ok(account),
    }
}

/// The account of a token that may manage the account. An account with two-step sign-in never passes.
pub(super) fn account_manager<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
) -> Result<&'s WordPressAccount, ApiError> {
    match scoped_caller(store, request, NO_TOKEN_APPLICATIONS)? {
        account if account.two_step => Err(ApiError(401, "reauthorization_required", REAUTHORIZE)),
        account => Ok(account),
    }
}

/// The caller and the ID of the site if the caller is a member of it.
pub(super) fn site_member<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
    site: &str,
) -> Result<(&'s WordPressAccount, u64), ApiError> {
    let account = scoped_caller(store, request, NO_TOKEN_PUBLICIZE)?;
    let row = find_site(store, site)?;
    match row["ID"].as_u64() {
        Some(id) if account.sites.contains(&id) => Ok((account, id)),
        _ if row["is_private"] == true => Err(ApiError(403, "unauthorized", PRIVATE_SITE)),
        _ => Err(ApiError(403, "authorization_required", FOREIGN_SITE)),
    }
}

/// A site that the caller may read. A public site needs no token; a private one is for its members.
pub(super) fn readable_site<'s>(
    store: &'s WordPressStore,
    request: &SandboxRequest,
    site: &str,
) -> Result<&'s Value, ApiError> {
    let account = match request.credential("Bearer") {
        None => None,
        Some(_) => Some(scoped_caller(store, request, NO_TOKEN_ME)?),
    };
    let row = find_site(store, site)?;
    let is_member = account.is_some_and(|account| store.sites_of(account).any(|other| other["ID"] == row["ID"]));
    if row["is_private"] == true && !is_member {
        return Err(ApiError(403, "unauthorized", PRIVATE_SITE));
    }
    Ok(row)
}

fn find_site<'s>(store: &'s WordPressStore, site: &str) -> Result<&'s Value, ApiError> {
    store.find_site(site).ok_or(ApiError(404, "unknown_blog", "Unknown blog"))
}

/// A Publicize connection that the account sees.
pub(super) fn visible_publicize<'s>(
    store: &WordPressStore,
    account: &'s WordPressAccount,
    id: u64,
) -> Result<&'s Value, ApiError> {
    if let Some(row) = account.find_publicize(id) {
        return Ok(row);
    }
    let is_foreign = store.accounts.iter().any(|other| other.find_publicize(id).is_some());
    Err(if is_foreign {
        ApiError(403, "authorization_required", FOREIGN_PUBLICIZE)
    } else {
        ApiError(404, "not_found", "No Jetpack Social connection found for this ID")
    })
}

/// Whether the account may edit the posts of others on this site.
pub(super) fn is_editor(store: &WordPressStore, account: &WordPressAccount, site: &Value) -> bool {
    store.sites_of(account).any(|row| {
        let id = row["ID"].as_u64().unwrap_or_default();
        is_number(site, id) && row["capabilities"]["edit_others_posts"] == true
    })
}

/// An ID in the path that the provider's `%d` would match. A number too large for any row reads as 0.
pub(super) fn parse_id(segment: &str) -> Option<u64> {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| segment.parse().unwrap_or(0))
}
