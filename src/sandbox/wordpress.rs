//! The WordPress.com API: its routes for reading.
//!
//! An unknown method on a known route gets a 405 in the format of version 1. An unknown route gets an empty `text/plain`
//! 404. So does an ID that is not a number, since the provider's route templates do not match it. `write` has the routes
//! that change data; `access` has permissions and errors.

mod access;
pub(super) mod account;
mod fields_param;
pub(super) mod store;
pub(super) mod write;

use serde_json::{Value, json};

use self::access::{
    ApiError, NO_TOKEN_KEYRING, NO_TOKEN_ME, NO_TOKEN_PUBLICIZE, account_manager, caller, parse_id, readable_site,
    respond_with, scoped_caller, site_member, visible_publicize, with_cors,
};
use self::account::TokenScope;
use self::fields_param::{Content, render};
use self::store::WordPressStore;
use super::fixtures::people::WORDPRESS_CLIENT_ID;
use super::fixtures::services;
use super::http::{SandboxRequest, SandboxResponse};
use super::json::{has_id, is_number};

/// What a route returns; `None` if the route does not exist.
type RouteResult = Option<Result<Content, ApiError>>;

/// Responds to a read.
pub(super) fn respond(store: &WordPressStore, request: &SandboxRequest) -> SandboxResponse {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let result = match segments.as_slice() {
        ["oauth2", "token-info"] => Some(Ok(token_info(store, request))),
        ["wpcom", "v2", "me", "connections"] => Some(v2_connections(store, request)),
        ["wpcom", "v2", "me", "connections", id] => parse_id(id).map(|id| v2_connection(store, request, id)),
        ["rest", "v1.1", path @ ..] => v1_route(store, request, path),
        _ => None,
    };
    let methods = write::allowed_methods(&segments);
    if let Some(methods) = methods.filter(|methods| !methods.contains(&request.method.as_str())) {
        return method_not_allowed(request, &methods.join(", "));
    }
    match result {
        None => with_cors(render(404, Content::Empty, request)),
        Some(_) if request.method != "GET" => method_not_allowed(request, "GET"),
        Some(result) => respond_with(result, request),
    }
}

fn method_not_allowed(request: &SandboxRequest, allowed: &str) -> SandboxResponse {
    let body = json!({"error": "not_allowed", "error_message": "Method not allowed"});
    render(405, Content::Json(body), request).with_header("Allow", allowed)
}

/// The handle of the person whose token the request carries.
pub(super) fn person<'s>(store: &'s WordPressStore, request: &SandboxRequest) -> Option<&'s str> {
    let token = request.credential("Bearer").or_else(|| request.parameter("token"))?;
    store.account_by_token(token).map(|account| account.handle.as_str())
}

/// The routes of version 1.1, without the prefix.
fn v1_route(store: &WordPressStore, request: &SandboxRequest, path: &[&str]) -> RouteResult {
    Some(match path {
        ["me"] => caller(store, request, NO_TOKEN_ME).map(|account| Content::Json(account.me.clone())),
        ["me", "sites"] => scoped_caller(store, request, NO_TOKEN_ME).map(|account| {
            let sites: Vec<&Value> = store.sites_of(account).collect();
            Content::Json(json!({"sites": sites}))
        }),
        ["me", "keyring-connections"] => scoped_caller(store, request, NO_TOKEN_KEYRING)
            .map(|account| Content::Json(json!({"connections": account.keyring}))),
        ["me", "keyring-connections", id] => keyring_connection(store, request, parse_id(id)?),
        ["me", "publicize-connections"] => {
            scoped_caller(store, request, NO_TOKEN_PUBLICIZE).map(|account| publicize_list(account.publicize.iter()))
        }
        ["me", "publicize-connections", id] => {
            let id = parse_id(id)?;
            scoped_caller(store, request, NO_TOKEN_PUBLICIZE)
                .and_then(|account| visible_publicize(store, account, id).cloned().map(Content::Json))
        }
        ["me", "connected-applications"] => account_manager(store, request)
            .map(|account| Content::Json(json!({"connected_applications": account.applications}))),
        ["me", "connected-applications", id] => {
            let id = parse_id(id)?;
            account_manager(store, request).and_then(|account| {
                let row = account.applications.iter().find(|row| has_id(row, id));
                row.cloned().map(Content::Json).ok_or_else(ApiError::for_application)
            })
        }
        ["meta", "external-services"] => {
            scoped_caller(store, request, NO_TOKEN_ME).map(|account| Content::Services(services::list(&account.handle)))
        }
        ["meta", "external-services", slug] => {
            scoped_caller(store, request, NO_TOKEN_ME).and_then(|account| external_service(&account.handle, slug))
        }
        ["sites", site] => readable_site(store, request, site).cloned().map(Content::Json),
        ["sites", site, "publicize-connections"] => site_member(store, request, site)
            .map(|(account, id)| publicize_list(account.publicize.iter().filter(|row| is_number(&row["site_ID"], id)))),
        ["sites", site, "publicize-connections", id] => {
            let id = parse_id(id)?;
            site_member(store, request, site)
                .and_then(|(account, _)| visible_publicize(store, account, id).cloned().map(Content::Json))
        }
        _ => return None,
    })
}

fn external_service(handle: &str, slug: &str) -> Result<Content, ApiError> {
    let service = services::list(handle).swap_remove(slug);
    service.map(Content::Json).ok_or(ApiError(404, "not_found", "The service provided does not exist"))
}

fn keyring_connection(store: &WordPressStore, request: &SandboxRequest, id: u64) -> Result<Content, ApiError> {
    let account = scoped_caller(store, request, NO_TOKEN_KEYRING)?;
    let row = account.find_keyring(id).cloned();
    row.map(Content::Json).ok_or_else(|| ApiError::for_keyring(store, id))
}

/// The list of version 2, with the same wrapper as version 1.
fn v2_connections(store: &WordPressStore, request: &SandboxRequest) -> Result<Content, ApiError> {
    let account = scoped_caller(store, request, NO_TOKEN_KEYRING)?;
    let rows: Vec<Value> = account.keyring.iter().map(to_v2).collect();
    Ok(Content::Json(json!({"connections": rows})))
}

/// One connection of version 2: the row without a wrapper, never the Publicize shape.
fn v2_connection(store: &WordPressStore, request: &SandboxRequest, id: u64) -> Result<Content, ApiError> {
    let account = scoped_caller(store, request, NO_TOKEN_KEYRING)?;
    let row = account.keyring.iter().find(|row| is_number(&row["ID"], id));
    row.map(|row| Content::Json(to_v2(row))).ok_or_else(ApiError::for_v2_keyring)
}

/// A Keyring row in version 2: numeric site IDs and no label.
fn to_v2(row: &Value) -> Value {
    let mut row = row.clone();
    row["label"] = Value::Null;
    for site in row["sites"].as_array_mut().into_iter().flatten() {
        let id = site.as_str().and_then(|text| text.parse::<u64>().ok());
        if let Some(id) = id {
            *site = json!(id);
        }
    }
    row
}

fn publicize_list<'s>(rows: impl Iterator<Item = &'s Value>) -> Content {
    Content::Json(json!({"connections": rows.collect::<Vec<_>>()}))
}

/// What a token is valid for. A token of another application is reported as invalid.
fn token_info(store: &WordPressStore, request: &SandboxRequest) -> Content {
    let account = request.parameter("token").and_then(|token| store.account_by_token(token));
    Content::Json(match (account, request.parameter("client_id")) {
        (Some(account), Some(client)) if client == WORDPRESS_CLIENT_ID => {
            let (site, scope) = match account.scope {
                TokenScope::Global => (Value::Null, "global"),
                TokenScope::Auth => (Value::Null, "auth"),
                TokenScope::Site(site) => (json!(site.to_string()), "posts,media,sharing,sites"),
            };
            json!({"client_id": client, "user_id": account.id.to_string(), "blog_id": site, "scope": scope})
        }
        _ => json!({
            "error": "invalid_request",
            "error_description": "The specified token is invalid.",
        }),
    })
}
