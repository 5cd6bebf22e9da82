//! What changes something at OneAll.
//!
//! | request | mark | answer |
//! |---|---|---|
//! | `PUT /identities/$token/synchronize.json` | documented, its body is optional | the identity under `data.identity`, seen in public code |
//! | `PUT /identities/$token/link.json` | documented | the new owner's identities; where they stand in `data` is a guess |
//! | `DELETE /identities/$token.json?confirm_deletion=true` | documented, its answer's body is not | guess: like that of a deleted user |
//!
//! Guesses, all of them: the statuses and sentences of refusals other than the known ones for keys and identities (400 for
//! a missing confirmation, token or JSON; 404 for an unknown user); that an identity without a credential of its own
//! cannot be synchronized and says so by an error in `result` within a 200; that a sign-in goes with its identity to
//! the new owner, and is gone with a deleted one; that a user who has lost the last identity stays.

use serde_json::{Value, json};

use super::{NO_IDENTITY, NO_KEYS, PROCESSED, Reply, shows_keys};
use crate::sandbox::answer::{Call, Done};
use crate::sandbox::identities::Identity;
use crate::sandbox::ledger::Deed;
use crate::sandbox::world::{OneAll, World};

const NO_USER: &str = "No user has been found for the specified user_token";
const NO_CONFIRMATION: &str = "The parameter confirm_deletion=true is missing";
const NO_USER_TOKEN: &str = "The user_token of the new user is missing";
const NO_JSON: &str = "The request could not be read";

/// One change as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Write {
    /// Delete an identity for good.
    Delete { identity: String, confirmed: bool },
    /// Give an identity to another user.
    Relink { identity: String, user: Option<String> },
    /// Bring an identity up to date; `Err` is a body that cannot be read.
    Synchronize { identity: String, wish: Result<Wish, ()> },
}

/// What a synchronization is to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct Wish {
    pub(in crate::sandbox) user_data: bool,
    pub(in crate::sandbox) force_token: bool,
}

impl Write {
    /// Reads what a request asks to change; nothing for a read and for a path or verb that the provider does not know.
    pub(in crate::sandbox) fn read(call: &Call, body: &[u8]) -> Option<Write> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("DELETE", ["identities", name]) => {
                let confirmed = call.parameter("confirm_deletion") == Some("true");
                Some(Write::Delete { identity: name.strip_suffix(".json")?.to_owned(), confirmed })
            }
            ("PUT", ["identities", token, "link.json"]) => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let user = body.pointer("/request/user/user_token").and_then(Value::as_str);
                Some(Write::Relink {
                    identity: (*token).to_owned(),
                    user: user.filter(|token| !token.is_empty()).map(str::to_owned),
                })
            }
            ("PUT", ["identities", token, "synchronize.json"]) => {
                Some(Write::Synchronize { identity: (*token).to_owned(), wish: wish(body) })
            }
            _ => None,
        }
    }

    /// What the log of writes says of it.
    pub(in crate::sandbox) fn deed(&self) -> Deed {
        let (what, identity, with) = match self {
            Write::Delete { identity, confirmed } => ("identity.delete", identity, json!({"confirmed": confirmed})),
            Write::Relink { identity, user } => ("identity.relink", identity, json!({"user_token": user})),
            Write::Synchronize { identity, wish: Ok(wish) } => {
                let with = json!({"update_user_data": wish.user_data, "force_token_update": wish.force_token});
                ("identity.synchronize", identity, with)
            }
            Write::Synchronize { identity, wish: Err(()) } => ("identity.synchronize", identity, json!({})),
        };
        Deed { what, object: identity.clone(), with }
    }

    /// Makes the change, if the site's keys are shown.
    pub(in crate::sandbox) fn perform(&self, world: &mut World, call: &Call) -> Done {
        let all = &mut world.oneall;
        let (reply, changed) = if !shows_keys(call) {
            (Reply::error(401, NO_KEYS), false)
        } else {
            match self {
                Write::Delete { identity, confirmed } => delete(all, identity, *confirmed),
                Write::Relink { identity, user } => relink(all, identity, user.as_deref()),
                Write::Synchronize { identity, wish } => synchronize(all, identity, *wish),
            }
        };
        Done { answer: super::write(&reply, call), changed }
    }
}

/// What to say, and whether anything changed.
type Effect = (Reply, bool);

fn delete(all: &mut OneAll, token: &str, confirmed: bool) -> Effect {
    let Some(identity) = all.find_identity(token) else {
        return (Reply::error(404, NO_IDENTITY), false);
    };
    if !confirmed {
        return (Reply::error(400, NO_CONFIRMATION), false);
    }
    let reference = identity.reference();
    let changed = all.move_identity(token, None);
    (done("The specified identity has been removed successfully", json!({"identity": reference})), changed)
}

fn relink(all: &mut OneAll, token: &str, user: Option<&str>) -> Effect {
    if all.find_identity(token).is_none() {
        return (Reply::error(404, NO_IDENTITY), false);
    }
    let Some(user) = user else {
        return (Reply::error(400, NO_USER_TOKEN), false);
    };
    if all.find_user(user).is_none() {
        return (Reply::error(404, NO_USER), false);
    }
    let changed = all.move_identity(token, Some(user));
    let references: Vec<Value> = match all.find_user(user) {
        Some(user) => all.identities_of(user).map(|identity| identity.reference()).collect(),
        None => Vec::new(),
    };
    let data = json!({"user": {"user_token": user, "identities": references}});
    (done("The identity has successfully been linked to the specified user", data), changed)
}

fn synchronize(all: &mut OneAll, token: &str, wish: Result<Wish, ()>) -> Effect {
    let Some(identity) = all.find_identity(token) else {
        return (Reply::error(404, NO_IDENTITY), false);
    };
    let Ok(wish) = wish else {
        return (Reply::error(400, NO_JSON), false);
    };
    if !identity.body["source"]["access_token"].is_object() {
        let status = json!({"flag": "error", "code": 400, "info": "The identity could not be synchronized"});
        let result = json!({"status": status});
        return (Reply { status: 200, info: Some(PROCESSED), date: None, result: Some(result) }, false);
    }
    let changed = all.synchronize(token, wish);
    let body = all.find_identity(token).map(Identity::alone);
    (done("The identity has been synchronized successfully", json!({"identity": body})), changed)
}

/// A success of the operation, with both statuses.
fn done(info: &str, data: Value) -> Reply {
    Reply::result(200, json!({"status": {"flag": "success", "code": 200, "info": info}, "data": data}))
}

/// The optional body of a synchronization; by default the data are read anew and the token only if it has expired.
fn wish(body: &[u8]) -> Result<Wish, ()> {
    if body.is_empty() {
        return Ok(Wish { user_data: true, force_token: false });
    }
    let body: Value = serde_json::from_slice(body).map_err(drop)?;
    let asked = &body["request"]["synchronize"];
    // The documentation shows the words as texts, the provider's own client sends booleans.
    let flag = |key: &str, otherwise| match &asked[key] {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => matches!(text.as_str(), "true" | "1"),
        _ => otherwise,
    };
    Ok(Wish { user_data: flag("update_user_data", true), force_token: flag("force_token_update", false) })
}
