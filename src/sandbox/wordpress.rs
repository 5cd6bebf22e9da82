//! The WordPress.com side: routes, the right to read, and three dialects of error.
//!
//! What a route may say and the exact sentences come from the public documentation pages. A verb that a route does not
//! know is answered 405 with the v1 dialect; an unknown route is an empty `text/plain` 404, and so is a number that is
//! not one, since the provider's own route templates do not match it. What changes something is in `write`.

pub(super) mod write;

use serde_json::{Value, json};

use super::answer::{Answer, Call};
use super::dress::{Content, dress};
use super::services;
use super::world::{Account, Scope, World};

const NO_TOKEN_ME: &str = "An active access token must be used to query information about the current user.";
const NO_TOKEN_APPLICATIONS: &str =
    "An active access token must be used to retrieve information about the current user.";
const NO_TOKEN_KEYRING: &str = "An active access connection must be used to access keyring connections.";
const NO_TOKEN_PUBLICIZE: &str = "An active access token must be used to access Jetpack Social connections.";
const REAUTHORIZE: &str = "A fresh access token must be used to query information about the current user.";
const FOREIGN_KEYRING: &str = "You do not have permission to access this Keyring connection.";
const FOREIGN_PUBLICIZE: &str = "This user is not authorized to access this Jetpack Social connection.";
const FOREIGN_SITE: &str = "This user is not authorized to access publicize connections on this site.";
const NO_APPLICATION: &str = "The requested application access token was not found.";
const PRIVATE_SITE: &str = "User cannot access this private blog.";

/// A status, an error identifier and a sentence.
struct Refusal(u16, &'static str, &'static str);

/// What a route finds; `None` is a route that does not exist.
type Found = Option<Result<Content, Refusal>>;

/// Answers one request.
pub(super) fn answer(world: &World, call: &Call) -> Answer {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let found = match segments.as_slice() {
        ["oauth2", "token-info"] => Some(Ok(token_info(world, call))),
        ["wpcom", "v2", "me", "connections"] => Some(v2_connections(world, call)),
        ["wpcom", "v2", "me", "connections", id] => number(id).map(|id| v2_connection(world, call, id)),
        ["rest", "v1.1", path @ ..] => route(world, call, path),
        _ => None,
    };
    if let Some(verbs) = write::allowed(&segments).filter(|verbs| !verbs.contains(&call.method.as_str())) {
        return not_allowed(call, &verbs.join(", "));
    }
    match found {
        None => with_origin(dress(404, Content::Nothing, call)),
        Some(_) if call.method != "GET" => not_allowed(call, "GET"),
        Some(found) => finish(found, call),
    }
}

fn not_allowed(call: &Call, allowed: &str) -> Answer {
    let body = json!({"error": "not_allowed", "error_message": "Method not allowed"});
    dress(405, Content::Tree(body), call).with_header("Allow", allowed)
}

/// Writes what was found, or why not, in the words of the version that was asked.
fn finish(found: Result<Content, Refusal>, call: &Call) -> Answer {
    let (status, content) = match found {
        // The one answer outside both versions: an OAuth error has a status of its own.
        Ok(Content::Tree(body)) if body.get("error_description").is_some() => (400, Content::Tree(body)),
        Ok(content) => (200, content),
        Err(Refusal(status, code, message)) if call.path.starts_with("/wpcom/") => {
            let body = json!({"code": code, "message": message, "data": {"status": status}});
            (status, Content::Tree(body))
        }
        Err(Refusal(status, error, message)) => (status, Content::Tree(json!({"error": error, "message": message}))),
    };
    let dressed = dress(status, content, call);
    if matches!(status, 400 | 404) { with_origin(dressed) } else { dressed }
}

/// The handle of the person whose token a request shows.
pub(super) fn person<'w>(world: &'w World, call: &Call) -> Option<&'w str> {
    let token = call.credential("Bearer").or_else(|| call.parameter("token"))?;
    world.wordpress.of_token(token).map(|account| account.handle.as_str())
}

fn route(world: &World, call: &Call, path: &[&str]) -> Found {
    Some(match path {
        ["me"] => caller(world, call, NO_TOKEN_ME).map(|me| Content::Tree(me.me.clone())),
        ["me", "sites"] => scoped(world, call, NO_TOKEN_ME).map(|me| {
            let sites: Vec<&Value> = world.wordpress.sites_of(me).collect();
            Content::Tree(json!({"sites": sites}))
        }),
        ["me", "keyring-connections"] => {
            scoped(world, call, NO_TOKEN_KEYRING).map(|me| Content::Tree(json!({"connections": me.keyring})))
        }
        ["me", "keyring-connections", id] => keyring_connection(world, call, number(id)?),
        ["me", "publicize-connections"] => {
            scoped(world, call, NO_TOKEN_PUBLICIZE).map(|me| publicize_list(me.publicize.iter()))
        }
        ["me", "publicize-connections", id] => {
            let id = number(id)?;
            scoped(world, call, NO_TOKEN_PUBLICIZE).and_then(|me| publicize_one(world, me, id))
        }
        ["me", "connected-applications"] => {
            fresh(world, call).map(|me| Content::Tree(json!({"connected_applications": me.applications})))
        }
        ["me", "connected-applications", id] => {
            let id = number(id)?;
            fresh(world, call).and_then(|me| {
                find(&me.applications, id).ok_or(Refusal(404, "unknown_application_access_token", NO_APPLICATION))
            })
        }
        ["meta", "external-services"] => {
            scoped(world, call, NO_TOKEN_ME).map(|me| Content::Services(services::list(&me.handle)))
        }
        ["meta", "external-services", slug] => scoped(world, call, NO_TOKEN_ME).and_then(|me| {
            services::list(&me.handle).swap_remove(*slug).map(Content::Tree).ok_or(Refusal(
                404,
                "not_found",
                "The service provided does not exist",
            ))
        }),
        ["sites", site] => site_details(world, call, site),
        ["sites", site, "publicize-connections"] => site_member(world, call, site)
            .map(|(me, id)| publicize_list(me.publicize.iter().filter(|row| is(&row["site_ID"], id)))),
        ["sites", site, "publicize-connections", id] => {
            let id = number(id)?;
            site_member(world, call, site).and_then(|(me, _)| publicize_one(world, me, id))
        }
        _ => return None,
    })
}

/// The account behind the token, whatever its scope.
fn caller<'w>(world: &'w World, call: &Call, no_token: &'static str) -> Result<&'w Account, Refusal> {
    let Some(token) = call.credential("Bearer") else {
        return Err(Refusal(403, "authorization_required", no_token));
    };
    world.wordpress.of_token(token).ok_or(Refusal(401, "invalid_token", "The OAuth2 token is invalid."))
}

/// The account behind a token that reaches more than `/me`.
fn scoped<'w>(world: &'w World, call: &Call, no_token: &'static str) -> Result<&'w Account, Refusal> {
    match caller(world, call, no_token)? {
        me if me.scope == Scope::Auth => {
            Err(Refusal(403, "authorization_required", "Access token does not have the required scope"))
        }
        me => Ok(me),
    }
}

/// The account behind a token that may manage the account; never one with two-step sign-in.
fn fresh<'w>(world: &'w World, call: &Call) -> Result<&'w Account, Refusal> {
    match scoped(world, call, NO_TOKEN_APPLICATIONS)? {
        me if me.two_step => Err(Refusal(401, "reauthorization_required", REAUTHORIZE)),
        me => Ok(me),
    }
}

fn keyring_connection(world: &World, call: &Call, id: u64) -> Result<Content, Refusal> {
    let me = scoped(world, call, NO_TOKEN_KEYRING)?;
    if let Some(own) = me.find_keyring(id) {
        return Ok(Content::Tree(own.clone()));
    }
    let foreign = world.wordpress.accounts.iter().any(|other| other.find_keyring(id).is_some());
    Err(if foreign {
        Refusal(403, "authorization_required", FOREIGN_KEYRING)
    } else {
        Refusal(404, "not_found", "Keyring connection with this ID not found.")
    })
}

/// The list of the second version, with the same wrapper.
fn v2_connections(world: &World, call: &Call) -> Result<Content, Refusal> {
    let me = scoped(world, call, NO_TOKEN_KEYRING)?;
    let rows: Vec<Value> = me.keyring.iter().map(v2_spelling).collect();
    Ok(Content::Tree(json!({"connections": rows})))
}

/// One connection of the second version: the bare row, never the Publicize shape.
fn v2_connection(world: &World, call: &Call, id: u64) -> Result<Content, Refusal> {
    let me = scoped(world, call, NO_TOKEN_KEYRING)?;
    let row = me.keyring.iter().find(|row| is(&row["ID"], id));
    row.map(|row| Content::Tree(v2_spelling(row))).ok_or(Refusal(404, "not_found", "Connection not found."))
}

/// A row as the second version spells it: numeric sites and no label.
fn v2_spelling(row: &Value) -> Value {
    let mut row = row.clone();
    row["label"] = Value::Null;
    for site in row["sites"].as_array_mut().into_iter().flatten() {
        let number = site.as_str().and_then(|text| text.parse::<u64>().ok());
        if let Some(number) = number {
            *site = json!(number);
        }
    }
    row
}

fn publicize_list<'w>(rows: impl Iterator<Item = &'w Value>) -> Content {
    Content::Tree(json!({"connections": rows.collect::<Vec<_>>()}))
}

fn publicize_one(world: &World, me: &Account, id: u64) -> Result<Content, Refusal> {
    if let Some(row) = me.find_publicize(id) {
        return Ok(Content::Tree(row.clone()));
    }
    let foreign = world.wordpress.accounts.iter().any(|other| other.find_publicize(id).is_some());
    Err(if foreign {
        Refusal(403, "authorization_required", FOREIGN_PUBLICIZE)
    } else {
        Refusal(404, "not_found", "No Jetpack Social connection found for this ID")
    })
}

/// A public site is there for everyone, token or none; a private one only for its people.
fn site_details(world: &World, call: &Call, site: &str) -> Result<Content, Refusal> {
    let me = match call.credential("Bearer") {
        None => None,
        Some(_) => Some(scoped(world, call, NO_TOKEN_ME)?),
    };
    let row = world.wordpress.find_site(site).ok_or(Refusal(404, "unknown_blog", "Unknown blog"))?;
    let own = me.is_some_and(|me| world.wordpress.sites_of(me).any(|other| other["ID"] == row["ID"]));
    if row["is_private"] == true && !own {
        return Err(Refusal(403, "unauthorized", PRIVATE_SITE));
    }
    Ok(Content::Tree(row.clone()))
}

/// The caller and the site's number, if the caller belongs to the site.
fn site_member<'w>(world: &'w World, call: &Call, site: &str) -> Result<(&'w Account, u64), Refusal> {
    let me = scoped(world, call, NO_TOKEN_PUBLICIZE)?;
    let row = world.wordpress.find_site(site).ok_or(Refusal(404, "unknown_blog", "Unknown blog"))?;
    match row["ID"].as_u64() {
        Some(id) if me.sites.contains(&id) => Ok((me, id)),
        _ if row["is_private"] == true => Err(Refusal(403, "unauthorized", PRIVATE_SITE)),
        _ => Err(Refusal(403, "authorization_required", FOREIGN_SITE)),
    }
}

fn token_info(world: &World, call: &Call) -> Content {
    let account = call.parameter("token").and_then(|token| world.wordpress.of_token(token));
    Content::Tree(match (account, call.parameter("client_id")) {
        // A token of another application is none to whoever asks.
        (Some(account), Some(client)) if client == super::people::WORDPRESS_CLIENT_ID => {
            let (site, scope) = match account.scope {
                Scope::Global => (Value::Null, "global"),
                Scope::Auth => (Value::Null, "auth"),
                Scope::Site(site) => (json!(site.to_string()), "posts,media,sharing,sites"),
            };
            json!({"client_id": client, "user_id": account.id.to_string(), "blog_id": site, "scope": scope})
        }
        _ => json!({
            "error": "invalid_request",
            "error_description": "The specified token is invalid.",
        }),
    })
}

fn find(rows: &[Value], id: u64) -> Option<Content> {
    rows.iter().find(|row| is_row(row, id)).cloned().map(Content::Tree)
}

/// Whether a row goes by this number, however it is spelt there.
pub(super) fn is_row(row: &Value, id: u64) -> bool {
    is(&row["ID"], id) || is(&row["connection_ID"], id)
}

/// Whether a value is this number, as a number or as a text.
pub(super) fn is(value: &Value, id: u64) -> bool {
    value.as_u64() == Some(id) || value.as_str().is_some_and(|text| text.parse() == Ok(id))
}

/// A path segment that the provider's `%d` would match; a number too large for any row is read as 0.
fn number(segment: &str) -> Option<u64> {
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| segment.parse().unwrap_or(0))
}

fn with_origin(answer: Answer) -> Answer {
    answer.with_header("Access-Control-Allow-Origin", "*")
}
