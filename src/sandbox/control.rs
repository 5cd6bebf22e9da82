//! The control endpoints under `/__sandbox/`: logs, responses in progress, faults, and changes to the data.
//!
//! Both servers have the same endpoints. A control request is not logged, and faults do not apply to it.
//!
//! | endpoint | body | answer |
//! |---|---|---|
//! | `GET requests` | | `{"requests": […], "counts": {"GET /path": n}, "people": {"ada": {"GET /path": n}}, "total": n}` |
//! | `GET requests?person=ada`, `?rows=false` | | the same for one person; without the rows |
//! | `GET writes` | | `{"writes": [{provider, person, operation, object, arguments, delivered, effects, statuses}], "delivered": n, "effects": n}` |
//! | `DELETE requests`, `DELETE writes` | | clears the log |
//! | `GET credentials` | | `{"people": [{name, about, jwt, wordpress_token, oneall_user}], "services": [{name, about, key}]}` |
//! | `GET open` | | `{"open": n}` |
//! | `GET faults`, `DELETE faults` | | the active faults; none |
//! | `PUT faults`, `POST faults` | a list; one fault | the active faults |
//! | `POST data/sign-ins` | `{"count", "user"?}` | `{"tokens": […]}`; newer than all others |
//! | `DELETE data/sign-ins` | `{"tokens": […]}` | `{"removed": n}` |
//! | `POST data/keyring` | `{"person", "count", "issued"?}` | `{"IDs": […]}`; at the end of the person's list |
//! | `DELETE data/keyring` | `{"person", "IDs": […]}` | `{"removed": n}`; also removes the Publicize connections that use them |

use axum::body::{Body, to_bytes};
use axum::http::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::faults::{Fault, FaultError};
use super::fixtures::people::{people, services};
use super::http::SandboxResponse;
use super::state::SandboxState;

/// Largest body of a control request, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
const UNKNOWN_PERSON: &str = "`person` not found at WordPress.com";
/// Maximum number of rows that one request can add.
const ADDED_ROWS_MAX: u64 = 100_000;
/// Default date of the first added Keyring connection: after all fixed and generated ones.
const ISSUED_DEFAULT: &str = "2026-10-01 00:00:00";

/// Responds to one control request. `path` is the path after `/__sandbox/`; `query` has no question mark.
pub(super) async fn respond(
    state: &SandboxState,
    method: &Method,
    path: &str,
    query: &str,
    body: Body,
) -> SandboxResponse {
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return bad_request("the body is incomplete or exceeds the limit of 1 MiB");
    };
    match (path.trim_end_matches('/'), method.as_str()) {
        ("requests", "GET") => request_report(state, query),
        ("requests", "DELETE") => {
            *state.request_log() = Default::default();
            no_content()
        }
        ("writes", "GET") => SandboxResponse::json(200, &state.write_log().report()),
        ("writes", "DELETE") => {
            *state.write_log() = Default::default();
            no_content()
        }
        ("credentials", "GET") => SandboxResponse::json(200, &credentials()),
        ("open", "GET") => SandboxResponse::json(200, &json!({"open": state.in_flight.get()})),
        ("faults", "GET") => SandboxResponse::json(200, &describe(&state.faults())),
        ("faults", "DELETE") => {
            state.faults().clear();
            no_content()
        }
        ("faults", "PUT") => match parse_fault_list(&body) {
            Ok(faults) => {
                let mut active = state.faults();
                *active = faults;
                SandboxResponse::json(200, &describe(&active))
            }
            Err(FaultError(why)) => bad_request(&why),
        },
        ("faults", "POST") => match parse_json(&body).and_then(|value| Fault::parse(&value)) {
            Ok(fault) => {
                let mut active = state.faults();
                active.push(fault);
                SandboxResponse::json(201, &describe(&active))
            }
            Err(FaultError(why)) => bad_request(&why),
        },
        ("data/sign-ins" | "data/keyring", _) => change_data(state, path.trim_end_matches('/'), method, &body),
        ("requests" | "writes" | "credentials" | "open" | "faults", _) => method_not_allowed(),
        _ => SandboxResponse::json(404, &json!({"error": "control endpoint not found"})),
    }
}

/// The credentials of all people and services.
fn credentials() -> Value {
    let people: Vec<Value> = people()
        .iter()
        .map(|person| {
            json!({
                "name": person.name,
                "about": person.about,
                "jwt": person.jwt,
                "wordpress_token": person.wordpress_token,
                "oneall_user": person.oneall_user,
            })
        })
        .collect();
    let services: Vec<Value> = services()
        .iter()
        .map(|service| json!({"name": service.name, "about": service.about, "key": service.key}))
        .collect();
    json!({"people": people, "services": services})
}

fn request_report(state: &SandboxState, query: &str) -> SandboxResponse {
    let parameter =
        |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|pair| pair.1);
    let rows = parameter("rows").is_none_or(|rows| rows != "false");
    SandboxResponse::json(200, &state.request_log().report(parameter("person").as_deref(), rows))
}

/// Changes the data as if it had changed at the provider. The write log does not contain such a change.
fn change_data(state: &SandboxState, path: &str, method: &Method, body: &[u8]) -> SandboxResponse {
    if !matches!(*method, Method::POST | Method::DELETE) {
        return method_not_allowed();
    }
    let body = match parse_json(body) {
        Ok(body) => body,
        Err(FaultError(why)) => return bad_request(&why),
    };
    let changed = match (path, method.as_str()) {
        ("data/sign-ins", "POST") => add_sign_ins(state, &body),
        ("data/sign-ins", "DELETE") => remove_sign_ins(state, &body),
        ("data/keyring", "POST") => add_keyring(state, &body),
        _ => remove_keyring(state, &body),
    };
    changed.unwrap_or_else(|why| bad_request(&why))
}

fn add_sign_ins(state: &SandboxState, body: &Value) -> Result<SandboxResponse, String> {
    let count = count(body)?;
    let user = body["user"].as_str();
    let mut data = state.data_mut();
    if user.is_some_and(|user| data.oneall.find_user(user).is_none()) {
        return Err("`user` not found".to_owned());
    }
    Ok(SandboxResponse::json(201, &json!({"tokens": data.oneall.append_sign_ins(count, user)})))
}

fn remove_sign_ins(state: &SandboxState, body: &Value) -> Result<SandboxResponse, String> {
    let tokens: Option<Vec<&str>> = body["tokens"].as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let tokens = tokens.ok_or("`tokens` must be a list of strings")?;
    Ok(SandboxResponse::json(200, &json!({"removed": state.data_mut().oneall.remove_sign_ins(&tokens)})))
}

fn add_keyring(state: &SandboxState, body: &Value) -> Result<SandboxResponse, String> {
    let person = person(body)?;
    let count = count(body)?;
    let issued = body["issued"].as_str().unwrap_or(ISSUED_DEFAULT);
    let ids = state.data_mut().wordpress.add_keyring(person, count, issued).ok_or(UNKNOWN_PERSON)?;
    Ok(SandboxResponse::json(201, &json!({"IDs": ids})))
}

fn remove_keyring(state: &SandboxState, body: &Value) -> Result<SandboxResponse, String> {
    let person = person(body)?;
    let ids: Option<Vec<u64>> = body["IDs"].as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
    let ids = ids.ok_or("`IDs` must be a list of integers")?;
    let mut data = state.data_mut();
    let removed = ids.into_iter().filter(|id| data.wordpress.delete_keyring(person, *id)).count();
    Ok(SandboxResponse::json(200, &json!({"removed": removed})))
}

fn count(body: &Value) -> Result<u64, String> {
    let count = body["count"].as_u64().filter(|count| (1..=ADDED_ROWS_MAX).contains(count));
    count.ok_or_else(|| format!("`count` must be an integer from 1 to {ADDED_ROWS_MAX}"))
}

fn person(body: &Value) -> Result<&str, String> {
    body["person"].as_str().ok_or_else(|| "`person` is required and must be a string".to_owned())
}

fn parse_fault_list(body: &[u8]) -> Result<Vec<Fault>, FaultError> {
    match parse_json(body)? {
        Value::Array(faults) => faults.iter().map(Fault::parse).collect(),
        _ => Err(FaultError("the body must be a list of faults".to_owned())),
    }
}

fn parse_json(body: &[u8]) -> Result<Value, FaultError> {
    serde_json::from_slice(body).map_err(|error| FaultError(format!("the body is not valid JSON: {error}")))
}

fn describe(faults: &[Fault]) -> Value {
    Value::Array(faults.iter().map(Fault::describe).collect())
}

fn method_not_allowed() -> SandboxResponse {
    SandboxResponse::json(405, &json!({"error": "the method is not allowed for this control endpoint"}))
}

fn no_content() -> SandboxResponse {
    SandboxResponse::text(204, "text/plain", "")
}

fn bad_request(why: &str) -> SandboxResponse {
    SandboxResponse::json(400, &json!({"error": why}))
}
