//! The control endpoints under `/__sandbox/`: logs, answers under way, faults, and changes to the world.
//!
//! Both servers answer them alike, and a control request is neither logged nor hit by a fault.
//!
//! | endpoint | body | answer |
//! |---|---|---|
//! | `GET requests` | | `{"requests": […], "counts": {"GET /path": n}, "people": {"ada": {"GET /path": n}}, "total": n}` |
//! | `GET requests?person=ada`, `?rows=false` | | the same of one person; without the rows |
//! | `GET writes` | | `{"writes": [{provider, person, operation, object, arguments, delivered, effects, statuses}], "delivered": n, "effects": n}` |
//! | `DELETE requests`, `DELETE writes` | | empties that log |
//! | `GET open` | | `{"open": n}` |
//! | `GET`, `DELETE`, `PUT faults`; `POST faults` | a list; one fault | the faults in force |
//! | `POST world/sign-ins` | `{"count", "user"?}` | `{"tokens": […]}`: newer than all others |
//! | `DELETE world/sign-ins` | `{"tokens": […]}` | `{"removed": n}` |
//! | `POST world/keyring` | `{"person", "count", "issued"?}` | `{"IDs": […]}`: at the end of the person's list |
//! | `DELETE world/keyring` | `{"person", "IDs": […]}` | `{"removed": n}`, with the Publicize connections that stand on them |

use axum::body::{Body, to_bytes};
use axum::http::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::Answer;
use super::fault::{Fault, FaultError};
use super::server::Stage;

/// Largest control body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;
const NO_PERSON: &str = "there is no such `person` at WordPress.com";
/// Most rows that one call may add.
const ADDED_MAX: u64 = 100_000;
/// When the first of the Keyring connections that are added was made, unless told: after all fixed and generated ones.
const ISSUED: &str = "2026-10-01 00:00:00";

/// Answers one control request; `path` is what follows `/__sandbox/`, `query` what follows the question mark.
pub(super) async fn answer(stage: &Stage, method: &Method, path: &str, query: &str, body: Body) -> Answer {
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return wrong("the body is too long or was cut off");
    };
    match (path.trim_end_matches('/'), method.as_str()) {
        ("requests", "GET") => report(stage, query),
        ("requests", "DELETE") => {
            *stage.record() = Default::default();
            nothing()
        }
        ("writes", "GET") => Answer::json(200, &stage.ledger().report()),
        ("writes", "DELETE") => {
            *stage.ledger() = Default::default();
            nothing()
        }
        ("open", "GET") => Answer::json(200, &json!({"open": stage.open.read()})),
        ("faults", "GET") => Answer::json(200, &list(&stage.faults())),
        ("faults", "DELETE") => {
            stage.faults().clear();
            nothing()
        }
        ("faults", "PUT") => match parse_faults(&body) {
            Ok(faults) => {
                let mut kept = stage.faults();
                *kept = faults;
                Answer::json(200, &list(&kept))
            }
            Err(FaultError(why)) => wrong(&why),
        },
        ("faults", "POST") => match parse_json(&body).and_then(|value| Fault::parse(&value)) {
            Ok(fault) => {
                let mut kept = stage.faults();
                kept.push(fault);
                Answer::json(201, &list(&kept))
            }
            Err(FaultError(why)) => wrong(&why),
        },
        ("world/sign-ins" | "world/keyring", _) => change(stage, path.trim_end_matches('/'), method, &body),
        ("requests" | "writes" | "open" | "faults", _) => unknown_method(),
        _ => Answer::json(404, &json!({"error": "there is no such control endpoint"})),
    }
}

fn report(stage: &Stage, query: &str) -> Answer {
    let asked = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|pair| pair.1);
    let rows = asked("rows").is_none_or(|rows| rows != "false");
    Answer::json(200, &stage.record().report(asked("person").as_deref(), rows))
}

/// Changes the world from outside, as if it changed by itself: nothing of it is in the log of writes.
fn change(stage: &Stage, path: &str, method: &Method, body: &[u8]) -> Answer {
    if !matches!(*method, Method::POST | Method::DELETE) {
        return unknown_method();
    }
    let body = match parse_json(body) {
        Ok(body) => body,
        Err(FaultError(why)) => return wrong(&why),
    };
    let changed = match (path, method.as_str()) {
        ("world/sign-ins", "POST") => add_sign_ins(stage, &body),
        ("world/sign-ins", "DELETE") => remove_sign_ins(stage, &body),
        ("world/keyring", "POST") => add_keyring(stage, &body),
        _ => remove_keyring(stage, &body),
    };
    changed.unwrap_or_else(|why| wrong(&why))
}

fn add_sign_ins(stage: &Stage, body: &Value) -> Result<Answer, String> {
    let count = count(body)?;
    let user = body["user"].as_str();
    let mut world = stage.world_mut();
    if user.is_some_and(|user| world.oneall.find_user(user).is_none()) {
        return Err("there is no such `user`".to_owned());
    }
    Ok(Answer::json(201, &json!({"tokens": world.oneall.append_sign_ins(count, user)})))
}

fn remove_sign_ins(stage: &Stage, body: &Value) -> Result<Answer, String> {
    let tokens: Option<Vec<&str>> = body["tokens"].as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let tokens = tokens.ok_or("`tokens` must be a list of texts")?;
    Ok(Answer::json(200, &json!({"removed": stage.world_mut().oneall.remove_sign_ins(&tokens)})))
}

fn add_keyring(stage: &Stage, body: &Value) -> Result<Answer, String> {
    let (person, count) = (person(body)?, count(body)?);
    let issued = body["issued"].as_str().unwrap_or(ISSUED);
    let numbers = stage.world_mut().wordpress.add_keyring(person, count, issued).ok_or(NO_PERSON)?;
    Ok(Answer::json(201, &json!({"IDs": numbers})))
}

fn remove_keyring(stage: &Stage, body: &Value) -> Result<Answer, String> {
    let person = person(body)?;
    let numbers: Option<Vec<u64>> = body["IDs"].as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
    let numbers = numbers.ok_or("`IDs` must be a list of whole numbers")?;
    let mut world = stage.world_mut();
    let removed = numbers.into_iter().filter(|id| world.wordpress.delete_keyring(person, *id)).count();
    Ok(Answer::json(200, &json!({"removed": removed})))
}

fn count(body: &Value) -> Result<u64, String> {
    let count = body["count"].as_u64().filter(|count| (1..=ADDED_MAX).contains(count));
    count.ok_or_else(|| format!("`count` must be a whole number from 1 to {ADDED_MAX}"))
}

fn person(body: &Value) -> Result<&str, String> {
    body["person"].as_str().ok_or_else(|| "`person` must be a handle".to_owned())
}

fn parse_faults(body: &[u8]) -> Result<Vec<Fault>, FaultError> {
    match parse_json(body)? {
        Value::Array(faults) => faults.iter().map(Fault::parse).collect(),
        _ => Err(FaultError("the body must be a list of faults".to_owned())),
    }
}

fn parse_json(body: &[u8]) -> Result<Value, FaultError> {
    serde_json::from_slice(body).map_err(|error| FaultError(format!("the body is not JSON: {error}")))
}

fn list(faults: &[Fault]) -> Value {
    Value::Array(faults.iter().map(Fault::describe).collect())
}

fn unknown_method() -> Answer {
    Answer::json(405, &json!({"error": "the control endpoint does not know this method"}))
}

fn nothing() -> Answer {
    Answer::text(204, "text/plain", "")
}

fn wrong(why: &str) -> Answer {
    Answer::json(400, &json!({"error": why}))
}
