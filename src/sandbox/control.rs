//! The control endpoints under `/__sandbox/`: request log, answers under way, faults, and changes to the world.
//!
//! Both servers answer them alike, and a control request is neither logged nor hit by a fault.

use std::sync::PoisonError;

use axum::body::{Body, to_bytes};
use axum::http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::fault::{Fault, FaultError};
use super::server::Stage;

/// Largest control body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Most sign-ins that one call may add.
const SIGN_INS_MAX: u64 = 100_000;

/// Answers one control request; `path` is what follows `/__sandbox/`.
pub(super) async fn answer(stage: &Stage, method: &Method, path: &str, body: Body) -> Answer {
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return wrong("the body is too long or was cut off");
    };
    match (path.trim_end_matches('/'), method.as_str()) {
        ("requests", "GET") => Answer::json(200, &stage.record().report()),
        ("requests", "DELETE") => {
            *stage.record() = Default::default();
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
        ("world/sign-ins", "POST") => add_sign_ins(stage, &body),
        ("requests" | "open" | "faults" | "world/sign-ins", _) => {
            Answer::json(405, &json!({"error": "the control endpoint does not know this method"}))
        }
        _ => Answer::json(404, &json!({"error": "there is no such control endpoint"})),
    }
}

fn add_sign_ins(stage: &Stage, body: &[u8]) -> Answer {
    let count = parse_json(body).ok().and_then(|value| value.get("count").and_then(Value::as_u64));
    match count {
        Some(count) if (1..=SIGN_INS_MAX).contains(&count) => {
            let mut world = stage.world.write().unwrap_or_else(PoisonError::into_inner);
            Answer::json(201, &json!({"tokens": world.oneall.append_sign_ins(count)}))
        }
        _ => wrong(&format!("`count` must be a whole number from 1 to {SIGN_INS_MAX}")),
    }
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

fn nothing() -> Answer {
    Answer::text(204, "text/plain", "")
}

fn wrong(why: &str) -> Answer {
    Answer::json(400, &json!({"error": why}))
}
