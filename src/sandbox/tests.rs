//! Tests of the sandbox over plain TCP sockets.

mod synthetic_users;
mod write;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use serde_json::Value;

use super::*;

/// Sends one request and returns everything that the server sends until it closes the connection.
async fn send(url: &str, method: &str, path: &str, credential: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {credential}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::task::spawn_blocking(move || {
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        let mut received = Vec::new();
        let _ = socket.read_to_end(&mut received);
        String::from_utf8_lossy(&received).into_owned()
    })
    .await
    .unwrap()
}

fn body_of(response: &str) -> Value {
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn bearer(name: &str) -> String {
    let person = people().iter().find(|person| person.name == name).unwrap();
    format!("Bearer {}", person.wordpress_token.unwrap())
}

fn site_keys() -> String {
    let pair = format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_gets_their_own_nonces_and_the_log_names_the_person() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let path = "/rest/v1.1/me/publicize-connections/88001";
    for name in ["ada", "gus"] {
        let response = send(&sandbox.wordpress_url(), "GET", path, &bearer(name), "").await;
        assert!(response.contains(&format!("kr_nonce=n-{name}-88001")), "{response}");
        assert!(response.contains(r"\/connect\/"), "{response}");
    }
    let log = send(&sandbox.oneall_url(), "GET", "/__sandbox/requests", "", "").await;
    let log = body_of(&log);
    assert_eq!(log["total"], 2);
    assert_eq!(log["counts"][format!("GET {path}")], 2);
    assert_eq!(log["requests"][1]["person"], "gus");
    assert!(!log.to_string().contains("sandbox-wpcom"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_sign_in_can_be_read_except_two_edge_cases() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let list = send(&sandbox.oneall_url(), "GET", "/connections.json", &site_keys(), "").await;
    let list = body_of(&list);
    let rows = list["response"]["result"]["data"]["connections"]["entries"].as_array().unwrap();
    assert!(rows.len() > 40, "{}", rows.len());
    let mut refused = Vec::new();
    for row in rows {
        let token = row["connection_token"].as_str().unwrap();
        let path = format!("/connections/{token}.json");
        let response = send(&sandbox.oneall_url(), "GET", &path, &site_keys(), "").await;
        if !response.starts_with("HTTP/1.1 200") {
            refused.push(token[34..].to_owned() + &response[8..12]);
        }
    }
    refused.sort();
    assert_eq!(refused, ["04 400", "19 404"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_response_stops_halfway_and_a_refused_one_never_starts() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let url = sandbox.wordpress_url();
    let faults = r#"[{"times": 1, "cut": true}, {"times": 1, "refuse": true}]"#;
    let set = send(&url, "PUT", "/__sandbox/faults", "", faults).await;
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    let cut = send(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    let (head, half) = cut.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap() / 2, half.len());
    let refused = send(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    assert_eq!(refused, "");
    let whole = send(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    assert_eq!(body_of(&whole)["display_name"], "Ada Reed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_response_ends_with_the_sandbox() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let url = sandbox.oneall_url();
    let set = send(&url, "POST", "/__sandbox/faults", "", r#"{"hang": "head"}"#).await;
    assert!(set.starts_with("HTTP/1.1 201"), "{set}");
    let hanging = tokio::spawn(async move { send(&url, "GET", "/connections.json", "", "").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!hanging.is_finished());
    drop(sandbox);
    let response = tokio::time::timeout(Duration::from_secs(2), hanging).await;
    assert_eq!(response.unwrap().unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn added_sign_ins_are_the_newest() {
    let settings = Settings { extra_sign_ins: 600, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let url = sandbox.oneall_url();
    let added = send(&url, "POST", "/__sandbox/data/sign-ins", "", r#"{"count": 2}"#).await;
    let added = body_of(&added);
    let path = "/connections.json?order_direction=desc&entries_per_page=1";
    let newest = body_of(&send(&url, "GET", path, &site_keys(), "").await);
    let list = &newest["response"]["result"]["data"]["connections"];
    assert_eq!(list["entries"][0]["connection_token"], added["tokens"][1]);
    assert!(list["pagination"]["total_entries"].as_u64().unwrap() > 640);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_endpoint_returns_credentials_that_work() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let url = sandbox.wordpress_url();
    let credentials = body_of(&send(&url, "GET", "/__sandbox/credentials", "", "").await);
    assert_eq!(credentials["people"].as_array().unwrap().len(), people().len());
    assert_eq!(credentials["services"][0]["key"], services()[0].key);
    let token = credentials["people"][1]["wordpress_token"].as_str().unwrap();
    let me = send(&url, "GET", "/rest/v1.1/me", &format!("Bearer {token}"), "").await;
    assert_eq!(body_of(&me)["display_name"], "Ada Reed");
    let posted = send(&url, "POST", "/__sandbox/credentials", "", "").await;
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
}
