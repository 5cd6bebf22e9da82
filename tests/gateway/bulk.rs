//! What a provider sends is read in a bounded room, however its rows are made: many, small, one inside another.

use std::fmt::Write as _;

use bytes::Bytes;
use commongraph::model::{DateTime, IdentityToken, UserToken};
use commongraph::provider::oneall::{envelope, mapping as oneall};
use commongraph::provider::wordpress::verdict;
use commongraph::provider::wordpress::{mapping as wordpress, payload};
use commongraph::upstream::Reply;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::harness::{Asker, Canned, codes};

/// The most memory that reading one answer may take, in bytes.
const ROOM: u64 = 48 << 20;

/// More rows than there is room for, of any kind.
const ROWS: usize = 1 << 17;

const TOKEN: &str = "5a4d0000-0000-4000-8001-000000000001";

/// So many rows, made from their numbers, between a start and an end.
fn body(rows: usize, start: &str, row: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let mut text = format!("{start}{}", row(0));
    for number in 1..rows {
        let _ = write!(text, ",{}", row(number));
    }
    (text + end).into_bytes()
}

/// Holds a reader to its room: with more and more rows until it takes them no longer.
fn check<T>(start: &str, row: impl Fn(usize) -> String, end: &str, read: impl Fn(&[u8]) -> Option<T>) {
    let counts = (10..).flat_map(|power| [1 << power, 3 << (power - 1)]).take_while(|rows| *rows <= ROWS);
    let taken = counts.take_while(|rows| {
        let (body, mut is_read) = (body(*rows, start, &row, end), false);
        let taken = allocation_counter::measure(|| is_read = read(&body).is_some()).bytes_max;
        assert!(taken < ROOM, "{start}: {rows} rows took {} MiB", taken >> 20);
        is_read
    });
    assert!(taken.count() > 0, "{start}: no rows are taken");
}

fn now() -> DateTime {
    DateTime::parse("2026-05-10T12:00:00Z").unwrap()
}

fn wordpress<P: DeserializeOwned, T>(map: impl Fn(P) -> T) -> impl Fn(&[u8]) -> Option<T> {
    move |body| payload::decode(body).ok().map(&map)
}

fn reply(status: u16, body: &[u8]) -> Reply {
    let (content_type, body) = (Some("application/json".to_owned()), Bytes::copy_from_slice(body));
    Reply { status, content_type, retry_after: None, body }
}

fn oneall<P: DeserializeOwned, T>(map: impl Fn(P) -> T) -> impl Fn(&[u8]) -> Option<T> {
    move |body| Some(map(envelope::parse(&reply(200, body)).ok()??.into_data().ok()??))
}

#[test]
fn no_answer_of_wordpress_takes_more_than_its_room() {
    let keyring = wordpress(|it| wordpress::keyring_list(it, now()));
    let start = "{\"connections\":[";
    for row in [
        "{\"ID\":1}",
        "0",
        "{\"ID\":1,\"external_ID\":\"7\",\"status\":\"broken\",\"refresh_URL\":\"https://a.example\"}",
    ] {
        check(start, |_| row.to_owned(), "]}", &keyring);
    }
    check("{\"connections\":{", |number| format!("\"a{number}\":{{\"ID\":{number}}}"), "}}", &keyring);
    for (field, row) in [("sites", ""), ("additional_external_users", "{}"), ("additional_external_users", "0")] {
        let start = format!("{start}{{\"ID\":1,\"{field}\":[");
        check(&start, |number| if row.is_empty() { number.to_string() } else { row.to_owned() }, "]}]}", &keyring);
    }
    for (field, row) in [("permissions", "{\"name\":\"a\"}"), ("permissions", "0"), ("site", "0"), ("blog", "{}")] {
        let start = format!("{{\"connected_applications\":[{{\"ID\":1,\"{field}\":[");
        check(&start, |_| row.to_owned(), "]}]}", wordpress(wordpress::application_list));
    }
    let services = wordpress(wordpress::service_list);
    check("{\"services\":[", |number| format!("{{\"ID\":\"a{number}\"}}"), "]}", &services);
    check("{\"services\":[{\"ID\":\"a\",\"genericon\":[", |_| "0".to_owned(), "]}]}", &services);
    check("{\"sites\":[", |number| format!("{{\"ID\":{number}}}"), "]}", wordpress(wordpress::site_list));
}

#[test]
fn no_answer_of_oneall_takes_more_than_its_room() {
    const START: &str = "{\"response\":{\"request\":{\"status\":{\"code\":200}},\"result\":{\"data\":";
    let token = |number: usize| format!("5a4d0000-0000-4000-8001-{number:012}");
    let named = |number| format!("{{\"identity_token\":\"{}\"}}", token(number));
    let start = format!("{START}{{\"identities\":{{\"entries\":[");
    check(&start, named, "]}}}}}", oneall(oneall::identity_list));
    check(&start, |_| "{}".to_owned(), "]}}}}}", oneall(oneall::identity_list));
    let start = format!("{START}{{\"connections\":{{\"entries\":[");
    let sign_in = |number| format!("{{\"connection_token\":\"{}\"}}", token(number));
    check(&start, sign_in, "]}}}}}", oneall(oneall::sign_in_list));
    let user = oneall(|it| oneall::user(UserToken::parse(TOKEN).unwrap(), it, &mut Vec::new()));
    let start = format!("{START}{{\"user\":{{\"identities\":[");
    check(&start, named, "]}}}}}", &user);
    for (field, row) in [("accounts", "{}"), ("addresses", "{\"code\":\"1\"}"), ("emails", "{\"value\":\"a\"}")] {
        let start = format!("{start}{{\"identity_token\":\"a\",\"{field}\":[");
        check(&start, |_| row.to_owned(), "]}]}}}}}", &user);
    }
    let identity = oneall(|it| oneall::identity(IdentityToken::parse(TOKEN).unwrap(), it, &mut Vec::new()));
    check(&format!("{START}{{\"identity\":{{"), |number| format!("\"a{number}\":0"), "}}}}}", identity);
}

#[test]
fn no_error_of_wordpress_takes_more_than_its_room() {
    for (start, end) in
        [("{\"error\":\"a\",\"data\":[", "]}"), ("{\"errors\":{\"a\":[", "]}}"), ("{\"errors\":[", "]}")]
    {
        let read = |status: u16| move |body: &[u8]| Some(verdict::interpret(&reply(status, body)));
        check(start, |_| "0".to_owned(), end, read(200));
        check(start, |_| "0".to_owned(), end, read(403));
    }
}

#[tokio::test]
async fn an_answer_of_too_many_rows_is_told_like_one_that_is_too_large() {
    let body = |rows| {
        String::from_utf8(body(rows, "{\"connections\":[", |row| format!("{{\"ID\":{}}}", row + 1), "]}")).unwrap()
    };
    let list = "/rest/v1.1/me/keyring-connections";
    for (rows, codes_expected) in
        [(1_000, vec![]), (ROWS, vec![("LIMIT_EXCEEDED".to_owned(), "viewer.identities".to_owned())])]
    {
        let canned = Canned::start(vec![Canned::json(list, body(rows))]).await;
        let query = "{ viewer { identities { totalCount } } }";
        let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
        assert_eq!(codes(&answer), codes_expected, "{answer}");
    }
}
