//! What is kept counts for as much as it takes: no noun of the sandbox's world, or of an answer made to be large, holds
//! more memory than it says.

use std::collections::BTreeSet;

use bytes::Bytes;
use commongraph::model::{DateTime, UserToken};
use commongraph::provider::oneall::{envelope, mapping as oneall};
use commongraph::provider::wordpress::{mapping as wordpress, payload};
use commongraph::sandbox::{ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, people};
use commongraph::upstream::{Cacheable, Reply};

use serde::de::DeserializeOwned;

use crate::harness::World;

/// Holds a noun's weight to what an allocator gave out for it.
fn weigh<T: Cacheable>(name: &str, body: &[u8], make: impl Fn(&[u8]) -> T) {
    let mut noun = None;
    let taken = allocation_counter::measure(|| noun = Some(make(body))).bytes_current;
    let noun = noun.unwrap();
    let taken = usize::try_from(taken).unwrap() + size_of::<T>();
    let weight = noun.memory_size();
    assert!(weight >= taken, "{name}: {taken} bytes are said to be {weight}");
    assert!(weight <= 2 * taken + 256, "{name}: {taken} bytes are said to be {weight}");
}

fn now() -> DateTime {
    DateTime::parse("2026-05-10T12:00:00Z").unwrap()
}

/// The body of a good answer.
async fn body(request: reqwest::RequestBuilder) -> Option<Bytes> {
    let response = request.send().await.unwrap();
    if response.status().is_success() { Some(response.bytes().await.unwrap()) } else { None }
}

#[tokio::test]
async fn every_noun_of_the_sandboxs_wordpress_weighs_at_least_what_it_holds() {
    let world = World::start().await;
    let mut weighed = BTreeSet::new();
    for token in people().iter().filter_map(|person| person.wordpress_token) {
        for path in [
            "keyring-connections",
            "publicize-connections",
            "connected-applications",
            "external-services",
            "sites",
            "me",
        ] {
            let place = match path {
                "external-services" => format!("meta/{path}"),
                "me" => path.to_owned(),
                _ => format!("me/{path}"),
            };
            let url = format!("{}/rest/v1.1/{place}", world.sandbox.wordpress_url());
            // Some people's tokens do not reach everything.
            let Some(body) = body(world.gateway.client.get(url).bearer_auth(token)).await else { continue };
            weighed.insert(path);
            match path {
                "keyring-connections" => weigh(path, &body, |it| wordpress::keyring_list(decode(it), now())),
                "publicize-connections" => weigh(path, &body, |it| wordpress::publicize_list(decode(it), now())),
                "connected-applications" => weigh(path, &body, |it| wordpress::application_list(decode(it))),
                "external-services" => weigh(path, &body, |it| wordpress::service_list(decode(it))),
                "sites" => weigh(path, &body, |it| wordpress::site_list(decode(it))),
                _ => weigh(path, &body, |it| wordpress::me(decode(it)).unwrap().0),
            };
        }
    }
    assert_eq!(weighed.len(), 6);
}

fn decode<P: DeserializeOwned>(body: &[u8]) -> P {
    payload::decode(body).unwrap()
}

/// The data in an answer of OneAll.
fn data<P: DeserializeOwned>(body: &[u8]) -> P {
    let (content_type, body) = (Some("application/json".to_owned()), Bytes::copy_from_slice(body));
    let reply = Reply { status: 200, content_type, retry_after: None, body };
    envelope::parse(&reply).unwrap().unwrap().into_data().unwrap().unwrap()
}

#[tokio::test]
async fn every_noun_of_the_sandboxs_oneall_weighs_at_least_what_it_holds() {
    let world = World::start().await;
    let get = async |path: &str| {
        let request = world.gateway.client.get(format!("{}/{path}", world.sandbox.oneall_url()));
        body(request.basic_auth(ONEALL_PUBLIC_KEY, Some(ONEALL_PRIVATE_KEY))).await.unwrap()
    };
    for user in people().iter().filter_map(|person| person.oneall_user) {
        let token = UserToken::parse(user).unwrap();
        weigh(user, &get(&format!("users/{user}.json")).await, |it| {
            oneall::user(token.clone(), data(it), &mut Vec::new()).unwrap()
        });
    }
    weigh("identities", &get("identities.json").await, |it| oneall::identity_list(data(it)));
    weigh("connections", &get("connections.json").await, |it| oneall::sign_in_list(data(it)));
}

#[test]
fn small_rows_weigh_what_they_hold_though_their_answer_is_small() {
    let list = |row: &str| format!("{{\"connections\":[{}]}}", vec![row; 300].join(","));
    let accounts =
        format!("{{\"ID\":1,\"additional_external_users\":[{}]}}", vec!["{\"external_ID\":\"1\"}"; 100].join(","));
    for row in ["{\"ID\":1}", "{\"ID\":1,\"service\":\"a\",\"external_ID\":\"1\"}", accounts.as_str()] {
        let body = list(row);
        weigh(&row[..8], body.as_bytes(), |it| wordpress::keyring_list(decode(it), now()));
    }
}
