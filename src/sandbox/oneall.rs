//! The OneAll API: its routes for reading, and paging.
//!
//! A page size out of range falls back to 250, as in the provider's own client. `write` has the routes that change data.
//!
//! Guesses, where the documentation says nothing:
//!
//! - A page after the last one is empty, and an empty list has one page.
//! - A row of the list of identities has two tokens, a provider and dates.
//! - A failed request that has a result gets the message "Your request could not be processed".

mod envelope;
mod mutations;
pub(super) mod store;
pub(super) mod write;

use serde_json::{Value, json};

use self::envelope::{Envelope, INVALID_KEYS, PROCESSED, UNKNOWN_IDENTITY, UNKNOWN_RESOURCE, has_site_keys};
use self::store::OneAllStore;
use super::dates::{OffsetStyle, rfc2822_date};
use super::fixtures::people::people;
use super::fixtures::sign_ins::SignInDetail;
use super::http::{SandboxRequest, SandboxResponse};

const PAGE_SIZE_DEFAULT: usize = 250;
const PAGE_SIZE_MAX: usize = 500;

/// Responds to a read.
pub(super) fn respond(store: &OneAllStore, request: &SandboxRequest) -> SandboxResponse {
    let segments = request.segments();
    let mut segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let name = segments.pop().and_then(|last| last.strip_suffix(".json"));
    segments.push(name.unwrap_or_default());
    let envelope = if !has_site_keys(request) {
        Envelope::with_info(401, INVALID_KEYS)
    } else if request.method != "GET" {
        Envelope::with_info(404, UNKNOWN_RESOURCE)
    } else {
        route(store, request, &segments)
    };
    envelope.render(request)
}

/// The person whose credential the request carries. The site's keys belong to the operator.
pub(super) fn person(request: &SandboxRequest) -> Option<&'static str> {
    has_site_keys(request).then_some(())?;
    people().iter().find(|person| person.operator).map(|person| person.name)
}

fn route(store: &OneAllStore, request: &SandboxRequest, segments: &[&str]) -> Envelope {
    match segments {
        ["tools", "ping"] => Envelope::with_info(200, PROCESSED),
        ["connections"] => {
            let rows = page(request, &store.sign_ins, |sign_in| sign_in.row());
            Envelope::with_data(json!({"connections": rows}))
        }
        ["identities"] => Envelope::with_data(json!({"identities": identities(store, request)})),
        ["connections", token] => sign_in(store, token),
        ["users", token] => user(store, token),
        ["identities", token] => match store.find_identity(token) {
            None => Envelope::with_info(404, UNKNOWN_IDENTITY),
            Some(identity) => Envelope::with_data(json!({"identity": identity.with_owner()})),
        },
        _ => Envelope::with_info(404, UNKNOWN_RESOURCE),
    }
}

fn identities(store: &OneAllStore, request: &SandboxRequest) -> Value {
    page(request, &store.identities, |identity| {
        json!({
            "user_token": identity.user,
            "identity_token": identity.token,
            "provider": identity.body["provider"],
            "date_creation": rfc2822_date(identity.created_at, OffsetStyle::Plus),
            "date_last_update": rfc2822_date(identity.updated_at, OffsetStyle::TwoSpaces),
        })
    })
}

fn sign_in(store: &OneAllStore, token: &str) -> Envelope {
    let Some(sign_in) = store.find_sign_in(token) else {
        return Envelope::with_info(404, UNKNOWN_RESOURCE);
    };
    match &sign_in.detail {
        SignInDetail::Deleted => Envelope::with_info(404, UNKNOWN_RESOURCE),
        SignInDetail::Fixed { status, result } => Envelope::with_result(*status, result.clone()),
        SignInDetail::DocumentedSample(result) => Envelope {
            status: 200,
            info: None,
            date: Some("Thu, 25 Aug 2011 13:38:21 0200"),
            result: Some(result.clone()),
        },
        SignInDetail::Generated { .. } => match store.sign_in_result(sign_in) {
            Some(result) => Envelope::with_result(200, result),
            None => Envelope::with_info(404, UNKNOWN_RESOURCE),
        },
    }
}

fn user(store: &OneAllStore, token: &str) -> Envelope {
    let Some(user) = store.find_user(token) else {
        return Envelope::with_info(404, UNKNOWN_RESOURCE);
    };
    let mut body = user.body_without_identities();
    let identities = store.identities_of(user).map(|identity| identity.body.clone());
    user.identity_list_form.add_to(&mut body, identities.collect());
    Envelope::with_data(json!({"user": body}))
}

/// One page of a list. The rows are stored in ascending order.
fn page<T>(request: &SandboxRequest, rows: &[T], render_row: impl Fn(&T) -> Value) -> Value {
    let number = |name| request.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let size =
        number("entries_per_page").filter(|size| (1..=PAGE_SIZE_MAX).contains(size)).unwrap_or(PAGE_SIZE_DEFAULT);
    let page = number("page").unwrap_or(1).max(1);
    let descending = request.parameter("order_direction") == Some("desc");
    let skipped = (page - 1).saturating_mul(size);
    let entries: Vec<Value> = if descending {
        rows.iter().rev().skip(skipped).take(size).map(render_row).collect()
    } else {
        rows.iter().skip(skipped).take(size).map(render_row).collect()
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn page_of(row_count: usize, query: &str) -> Value {
        let request = Request::get(format!("/connections.json?{query}")).body(()).unwrap();
        let (head, ()) = request.into_parts();
        let rows: Vec<usize> = (0..row_count).collect();
        page(&SandboxRequest::new(&head), &rows, |row| json!(row))
    }

    #[test]
    fn a_page_has_250_rows_by_default() {
        let first = page_of(600, "");
        assert_eq!(first["count"], 250);
        assert_eq!(first["pagination"]["total_pages"], 3);
        assert_eq!(page_of(600, "entries_per_page=501")["count"], 250);
        assert_eq!(page_of(600, "entries_per_page=500&page=2")["count"], 100);
    }

    #[test]
    fn descending_order_starts_with_the_newest_row() {
        let page = page_of(5, "order_direction=desc&entries_per_page=2&page=2");
        assert_eq!(page["entries"], json!([2, 1]));
    }

    #[test]
    fn a_page_after_the_last_one_is_empty() {
        let page = page_of(5, "page=9");
        assert_eq!(page["count"], 0);
        assert_eq!(page["pagination"]["current_page"], 9);
        assert_eq!(page_of(0, "")["pagination"]["total_pages"], 1);
    }
}
