//! The OneAll side: the key check, routes, paging, and the envelope around everything; what changes something is in
//! `write`.
//!
//! Sizes out of range fall back to 250 as the provider's own client does it. Guesses, where the documentation is silent: a
//! page past the end is empty; an empty list counts one page; a row of the identities has a service and dates beside its
//! two tokens; and what is said of a request that failed and has a result all the same.

pub(super) mod write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Call, php};
use super::people::{ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY};
use super::sign_ins::Detail;
use super::stamp::{Offset, long, now};
use super::world::{OneAll, World};

const ENTRIES_DEFAULT: usize = 250;
const ENTRIES_MAX: usize = 500;
const PROCESSED: &str = "Your request has been processed successfully";
const NO_KEYS: &str = "Authentication credentials are missing or incorrect: \
    http://docs.oneall.com/api/basic/authentication/";
const NO_RESOURCE: &str = "We are really sorry, but the resource you are trying to access does not exist. If you are \
    currently implementing our services, then please make sure that your callback_uri points to a file on your server \
    and not on ours.";
const NO_IDENTITY: &str = "No identity has been found for the specified identity_token";

/// An envelope before it is written.
struct Reply {
    status: u16,
    info: Option<&'static str>,
    /// Instead of the present time.
    date: Option<&'static str>,
    result: Option<Value>,
}

impl Reply {
    fn data(data: Value) -> Self {
        Reply::result(200, json!({"data": data}))
    }

    fn result(status: u16, result: Value) -> Self {
        let info = if status < 400 { PROCESSED } else { "Your request could not be processed" };
        Reply { status, info: Some(info), date: None, result: Some(result) }
    }

    fn error(status: u16, info: &'static str) -> Self {
        Reply { status, info: Some(info), date: None, result: None }
    }
}

/// Answers one request.
pub(super) fn answer(world: &World, call: &Call) -> Answer {
    let segments = call.segments();
    let mut segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let name = segments.pop().and_then(|last| last.strip_suffix(".json"));
    segments.push(name.unwrap_or_default());
    let reply = if !shows_keys(call) {
        Reply::error(401, NO_KEYS)
    } else if call.method != "GET" {
        Reply::error(404, NO_RESOURCE)
    } else {
        route(&world.oneall, call, &segments)
    };
    write(&reply, call)
}

/// The site's keys belong to no person; a log shows them as the operator's, who has the site.
pub(super) fn person(call: &Call) -> Option<&'static str> {
    shows_keys(call).then_some(())?;
    super::people().iter().find(|person| person.operator).map(|person| person.name)
}

fn shows_keys(call: &Call) -> bool {
    let shown = call.credential("Basic").and_then(|text| STANDARD.decode(text).ok());
    shown.is_some_and(|shown| shown == format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}").as_bytes())
}

fn route(oneall: &OneAll, call: &Call, segments: &[&str]) -> Reply {
    match segments {
        ["tools", "ping"] => Reply::error(200, PROCESSED),
        ["connections"] => {
            let rows = page(call, &oneall.sign_ins, |sign_in| sign_in.row());
            Reply::data(json!({"connections": rows}))
        }
        ["identities"] => Reply::data(json!({"identities": identities(oneall, call)})),
        ["connections", token] => sign_in(oneall, token),
        ["users", token] => user(oneall, token),
        ["identities", token] => match oneall.find_identity(token) {
            None => Reply::error(404, NO_IDENTITY),
            Some(identity) => Reply::data(json!({"identity": identity.alone()})),
        },
        _ => Reply::error(404, NO_RESOURCE),
    }
}

fn identities(oneall: &OneAll, call: &Call) -> Value {
    page(call, &oneall.identities, |identity| {
        json!({
            "user_token": identity.user,
            "identity_token": identity.token,
            "provider": identity.body["provider"],
            "date_creation": long(identity.created, Offset::Plus),
            "date_last_update": long(identity.updated, Offset::TwoSpaces),
        })
    })
}

fn sign_in(oneall: &OneAll, token: &str) -> Reply {
    let Some(found) = oneall.find_sign_in(token) else {
        return Reply::error(404, NO_RESOURCE);
    };
    match &found.detail {
        Detail::Gone => Reply::error(404, NO_RESOURCE),
        Detail::Fixed { status, result } => Reply::result(*status, result.clone()),
        Detail::Sample(result) => Reply {
            status: 200,
            info: None,
            date: Some("Thu, 25 Aug 2011 13:38:21 0200"),
            result: Some(result.clone()),
        },
        Detail::Ordinary { .. } => match oneall.result(found) {
            Some(result) => Reply::result(200, result),
            None => Reply::error(404, NO_RESOURCE),
        },
    }
}

fn user(oneall: &OneAll, token: &str) -> Reply {
    let Some(user) = oneall.find_user(token) else {
        return Reply::error(404, NO_RESOURCE);
    };
    let mut body = user.head();
    let identities = oneall.identities_of(user).map(|identity| identity.body.clone());
    user.wrapping.put(&mut body, identities.collect());
    Reply::data(json!({"user": body}))
}

/// One page of a list that is kept in ascending order.
fn page<T>(call: &Call, rows: &[T], write: impl Fn(&T) -> Value) -> Value {
    let number = |name| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("entries_per_page").filter(|size| (1..=ENTRIES_MAX).contains(size)).unwrap_or(ENTRIES_DEFAULT);
    let page = number("page").unwrap_or(1).max(1);
    let descending = call.parameter("order_direction") == Some("desc");
    let skipped = (page - 1).saturating_mul(size);
    let entries: Vec<Value> = if descending {
        rows.iter().rev().skip(skipped).take(size).map(write).collect()
    } else {
        rows.iter().skip(skipped).take(size).map(write).collect()
    };
    json!({
        "pagination": {
            "current_page": page,
            "total_pages": rows.len().div_ceil(size).max(1),
            "entries_per_page": size,
            "total_entries": rows.len(),
            "order": {"field": "date_creation", "direction": if descending { "desc" } else { "asc" }},
        },
        "count": entries.len(),
        "entries": entries,
    })
}

/// The envelope. Answers about users print the date whose plus was lost, as the documentation does.
fn write(reply: &Reply, call: &Call) -> Answer {
    let offset = if call.path.starts_with("/users") { Offset::TwoSpaces } else { Offset::Plus };
    let resource = match call.raw_query {
        "" => call.path.to_owned(),
        query => format!("{}?{query}", call.path),
    };
    let flag = if reply.status < 400 { "success" } else { "error" };
    let mut response = json!({
        "request": {
            "date": reply.date.map_or_else(|| long(now(), offset), str::to_owned),
            "resource": resource,
            "status": {"flag": flag, "code": reply.status},
        },
    });
    if let Some(info) = reply.info {
        response["request"]["status"]["info"] = json!(info);
    }
    if let Some(result) = &reply.result {
        response["result"] = result.clone();
    }
    let envelope = json!({"response": response});
    Answer::text(reply.status, "application/json; charset=utf-8", php(&envelope.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn paged(query: &str, rows: usize) -> Value {
        let request = Request::get(format!("/connections.json?{query}")).body(()).unwrap();
        let (head, ()) = request.into_parts();
        let rows: Vec<usize> = (0..rows).collect();
        page(&Call::new(&head), &rows, |row| json!(row))
    }

    #[test]
    fn a_page_holds_250_rows_unless_told_otherwise() {
        let first = paged("", 600);
        assert_eq!(first["count"], 250);
        assert_eq!(first["pagination"]["total_pages"], 3);
        assert_eq!(paged("entries_per_page=501", 600)["count"], 250);
        assert_eq!(paged("entries_per_page=500&page=2", 600)["count"], 100);
    }

    #[test]
    fn descending_order_starts_with_the_newest() {
        let page = paged("order_direction=desc&entries_per_page=2&page=2", 5);
        assert_eq!(page["entries"], json!([2, 1]));
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        let page = paged("page=9", 5);
        assert_eq!(page["count"], 0);
        assert_eq!(page["pagination"]["current_page"], 9);
        assert_eq!(paged("", 0)["pagination"]["total_pages"], 1);
    }
}
