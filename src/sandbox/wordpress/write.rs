//! What changes something at WordPress.com.
//!
//! | request | mark | answer |
//! |---|---|---|
//! | `POST /rest/v1.1/me/keyring-connections/$ID/delete` | documented, its body is not: the page prints a foreign sample | guess: `{"ID", "deleted": true}` |
//! | `DELETE /wpcom/v2/me/connections/$ID` | seen in public code, which ignores the body | guess: `{"deleted": true, "previous": …}` |
//! | `POST /rest/v1.1/me/connected-applications/$ID/delete` | documented | `{"success": true}` |
//! | `POST /rest/v1.1/sites/$site/publicize-connections/$ID`, and under `/me` | documented | guess: the row as it is now |
//!
//! The refusals are those of the same reads, and a second delete is a 404 like any other number that is not there. A
//! Keyring connection takes all Publicize connections that stand on it with it, as documented. That `shared` needs the
//! right `edit_others_posts` on the site is what the provider's own page goes by; that it is refused without, in the words
//! that are documented for it, is a guess, and so is that a body may be JSON or a form, and the sentence on a value of
//! `shared` that is none.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    FOREIGN_KEYRING, NO_APPLICATION, NO_TOKEN_KEYRING, NO_TOKEN_PUBLICIZE, Refusal, finish, fresh, is, number,
    publicize_one, scoped, site_member,
};
use crate::sandbox::answer::{Call, Done};
use crate::sandbox::dress::Content;
use crate::sandbox::ledger::Deed;
use crate::sandbox::world::{Account, World};

const NOT_TO_SHARE: &str = "This user is not authorized to globalize this Jetpack Social connection.";
const NO_PROPERTY: &str = "Please provide at least one property to update for this connection";

/// One change as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Write {
    /// Delete a Keyring connection, by the second version or by the first.
    Keyring { id: u64, second_version: bool },
    /// Take a grant back from an application.
    Application { id: u64 },
    /// Share a Publicize connection with its site or not; `Err` is a word that means neither.
    Share { id: u64, site: Option<String>, shared: Result<Option<bool>, ()> },
}

/// The verbs of a path that takes more than GET, or another than it.
pub(super) fn allowed(segments: &[&str]) -> Option<&'static [&'static str]> {
    let (id, verbs): (&str, &'static [&'static str]) = match segments {
        ["rest", "v1.1", "me", "keyring-connections" | "connected-applications", id, "delete"] => (id, &["POST"]),
        ["rest", "v1.1", "me", "publicize-connections", id]
        | ["rest", "v1.1", "sites", _, "publicize-connections", id] => (id, &["GET", "POST"]),
        ["wpcom", "v2", "me", "connections", id] => (id, &["GET", "DELETE"]),
        _ => return None,
    };
    number(id).map(|_| verbs)
}

impl Write {
    /// Reads what a request asks to change; nothing for a read and for a path or verb that the provider does not know.
    pub(in crate::sandbox) fn read(call: &Call, body: &[u8]) -> Option<Write> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("POST", ["rest", "v1.1", "me", "keyring-connections", id, "delete"]) => {
                Some(Write::Keyring { id: number(id)?, second_version: false })
            }
            ("DELETE", ["wpcom", "v2", "me", "connections", id]) => {
                Some(Write::Keyring { id: number(id)?, second_version: true })
            }
            ("POST", ["rest", "v1.1", "me", "connected-applications", id, "delete"]) => {
                Some(Write::Application { id: number(id)? })
            }
            ("POST", ["rest", "v1.1", "me", "publicize-connections", id]) => {
                Some(Write::Share { id: number(id)?, site: None, shared: shared(call, body) })
            }
            ("POST", ["rest", "v1.1", "sites", site, "publicize-connections", id]) => {
                Some(Write::Share { id: number(id)?, site: Some((*site).to_owned()), shared: shared(call, body) })
            }
            _ => None,
        }
    }

    /// What the log of writes says of it.
    pub(in crate::sandbox) fn deed(&self) -> Deed {
        let (what, id, with) = match self {
            Write::Keyring { id, .. } => ("keyring.delete", id, json!({})),
            Write::Application { id } => ("application.delete", id, json!({})),
            Write::Share { id, shared: Ok(Some(shared)), .. } => ("publicize.share", id, json!({"shared": shared})),
            Write::Share { id, .. } => ("publicize.share", id, json!({})),
        };
        Deed { what, object: id.to_string(), with }
    }

    /// Makes the change, if it is the caller's to make.
    pub(in crate::sandbox) fn perform(&self, world: &mut World, call: &Call) -> Done {
        let (found, changed) = match self {
            Write::Keyring { id, second_version } => delete_keyring(world, call, *id, *second_version),
            Write::Application { id } => delete_application(world, call, *id),
            Write::Share { id, site, shared } => share(world, call, *id, site.as_deref(), *shared),
        };
        Done { answer: finish(found, call), changed }
    }
}

/// What to say, and whether anything changed.
type Effect = (Result<Content, Refusal>, bool);

fn delete_keyring(world: &mut World, call: &Call, id: u64, second_version: bool) -> Effect {
    let me = match scoped(world, call, NO_TOKEN_KEYRING) {
        Ok(me) => me,
        Err(refusal) => return (Err(refusal), false),
    };
    let Some(row) = me.find_keyring(id).cloned() else {
        let foreign = world.wordpress.accounts.iter().any(|other| other.find_keyring(id).is_some());
        return (Err(no_keyring(foreign, second_version)), false);
    };
    let handle = me.handle.clone();
    let changed = world.wordpress.delete_keyring(&handle, id);
    let body =
        if second_version { json!({"deleted": true, "previous": row}) } else { json!({"ID": id, "deleted": true}) };
    (Ok(Content::Tree(body)), changed)
}

/// The refusals of the reads: the second version does not tell a foreign number from one that is not there.
fn no_keyring(foreign: bool, second_version: bool) -> Refusal {
    match (foreign, second_version) {
        (_, true) => Refusal(404, "not_found", "Connection not found."),
        (true, false) => Refusal(403, "authorization_required", FOREIGN_KEYRING),
        (false, false) => Refusal(404, "not_found", "Keyring connection with this ID not found."),
    }
}

fn delete_application(world: &mut World, call: &Call, id: u64) -> Effect {
    let handle = match fresh(world, call) {
        Ok(me) => me.handle.clone(),
        Err(refusal) => return (Err(refusal), false),
    };
    if world.wordpress.delete_application(&handle, id) {
        (Ok(Content::Tree(json!({"success": true}))), true)
    } else {
        (Err(Refusal(404, "unknown_application_access_token", NO_APPLICATION)), false)
    }
}

fn share(world: &mut World, call: &Call, id: u64, site: Option<&str>, shared: Result<Option<bool>, ()>) -> Effect {
    let handle = match may_share(world, call, id, site) {
        Ok(me) => me.handle.clone(),
        Err(refusal) => return (Err(refusal), false),
    };
    let wanted = match shared {
        Ok(Some(wanted)) => wanted,
        Ok(None) => return (Err(Refusal(400, "invalid_input", NO_PROPERTY)), false),
        Err(()) => return (Err(Refusal(400, "invalid_input", "The value of shared must be true or false.")), false),
    };
    // What the caller sees is kept, since the connection of somebody else leaves their list when it is kept to its owner.
    let mut row = world.wordpress.account(&handle).and_then(|me| me.find_publicize(id)).cloned().unwrap_or_default();
    let changed = world.wordpress.share(id, wanted);
    row["shared"] = json!(wanted);
    (Ok(Content::Tree(row)), changed)
}

/// The caller, if they see the connection, on this site if one is named, and may edit what others wrote there.
fn may_share<'w>(world: &'w World, call: &Call, id: u64, site: Option<&str>) -> Result<&'w Account, Refusal> {
    let me = match site {
        Some(site) => site_member(world, call, site)?.0,
        None => scoped(world, call, NO_TOKEN_PUBLICIZE)?,
    };
    publicize_one(world, me, id)?;
    let its_site = me.find_publicize(id).map(|row| &row["site_ID"]);
    let editor = world.wordpress.sites_of(me).any(|site| {
        let number = site["ID"].as_u64().unwrap_or_default();
        its_site.is_some_and(|its| is(its, number)) && site["capabilities"]["edit_others_posts"] == true
    });
    if editor { Ok(me) } else { Err(Refusal(403, "authorization_required", NOT_TO_SHARE)) }
}

/// The parameter `shared`, from a JSON body, a form, or the query.
fn shared(call: &Call, body: &[u8]) -> Result<Option<bool>, ()> {
    let given = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(mut body) => body.remove("shared"),
        Err(_) => {
            let mut pairs = form_urlencoded::parse(body).filter(|(key, _)| key == "shared");
            pairs.by_ref().last().map(|(_, value)| Value::String(value.into_owned()))
        }
    };
    let given = given.or_else(|| call.parameter("shared").map(|text| json!(text)));
    match given {
        None => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(yes)),
        Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
        Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "1" | "t" | "true" => Ok(Some(true)),
            "0" | "f" | "false" => Ok(Some(false)),
            _ => Err(()),
        },
        Some(_) => Err(()),
    }
}
