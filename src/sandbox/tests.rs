//! The sandbox asked over plain sockets, as a client would: a read until the server closes.

mod crowd;
mod write;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use serde_json::Value;

use super::*;

/// Sends one request and reads until the server closes; whatever came is the answer.
async fn ask(url: &str, method: &str, path: &str, credential: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {credential}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::task::spawn_blocking(move || {
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        let mut seen = Vec::new();
        let _ = socket.read_to_end(&mut seen);
        String::from_utf8_lossy(&seen).into_owned()
    })
    .await
    .unwrap()
}

fn body_of(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn bearer(name: &str) -> String {
    let person = people().iter().find(|person| person.name == name).unwrap();
    format!("Bearer {}", person.wordpress_token.unwrap())
}

fn keys() -> String {
    let pair = format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_reads_their_own_nonces_and_the_log_names_the_person() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let path = "/rest/v1.1/me/publicize-connections/88001";
    for name in ["ada", "gus"] {
        let answer = ask(&sandbox.wordpress_url(), "GET", path, &bearer(name), "").await;
        assert!(answer.contains(&format!("kr_nonce=n-{name}-88001")), "{answer}");
        assert!(answer.contains(r"\/connect\/"), "{answer}");
    }
    let log = ask(&sandbox.oneall_url(), "GET", "/__sandbox/requests", "", "").await;
    let log = body_of(&log);
    assert_eq!(log["total"], 2);
    assert_eq!(log["counts"][format!("GET {path}")], 2);
    assert_eq!(log["requests"][1]["person"], "gus");
    assert!(!log.to_string().contains("sandbox-wpcom"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_sign_in_can_be_read_but_the_one_that_is_gone() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let list = ask(&sandbox.oneall_url(), "GET", "/connections.json", &keys(), "").await;
    let list = body_of(&list);
    let rows = list["response"]["result"]["data"]["connections"]["entries"].as_array().unwrap();
    assert!(rows.len() > 40, "{}", rows.len());
    let mut refused = Vec::new();
    for row in rows {
        let token = row["connection_token"].as_str().unwrap();
        let path = format!("/connections/{token}.json");
        let answer = ask(&sandbox.oneall_url(), "GET", &path, &keys(), "").await;
        if !answer.starts_with("HTTP/1.1 200") {
            refused.push(token[34..].to_owned() + &answer[8..12]);
        }
    }
    refused.sort();
    assert_eq!(refused, ["04 400", "19 404"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_stops_halfway_and_a_refused_one_never_starts() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let url = sandbox.wordpress_url();
    let faults = r#"[{"times": 1, "cut": true}, {"times": 1, "refuse": true}]"#;
    let set = ask(&url, "PUT", "/__sandbox/faults", "", faults).await;
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    let cut = ask(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    let (head, half) = cut.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap() / 2, half.len());
    let refused = ask(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    assert_eq!(refused, "");
    let whole = ask(&url, "GET", "/rest/v1.1/me", &bearer("ada"), "").await;
    assert_eq!(body_of(&whole)["display_name"], "Ada Reed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_answer_ends_with_the_sandbox() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let url = sandbox.oneall_url();
    let set = ask(&url, "POST", "/__sandbox/faults", "", r#"{"hang": "head"}"#).await;
    assert!(set.starts_with("HTTP/1.1 201"), "{set}");
    let hanging = tokio::spawn(async move { ask(&url, "GET", "/connections.json", "", "").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!hanging.is_finished());
    drop(sandbox);
    let answer = tokio::time::timeout(Duration::from_secs(2), hanging).await;
    assert_eq!(answer.unwrap().unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_added_later_are_the_newest() {
    let settings = Settings { extra_sign_ins: 600, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let url = sandbox.oneall_url();
    let added = ask(&url, "POST", "/__sandbox/world/sign-ins", "", r#"{"count": 2}"#).await;
    let added = body_of(&added);
    let path = "/connections.json?order_direction=desc&entries_per_page=1";
    let newest = body_of(&ask(&url, "GET", path, &keys(), "").await);
    let list = &newest["response"]["result"]["data"]["connections"];
    assert_eq!(list["entries"][0]["connection_token"], added["tokens"][1]);
    assert!(list["pagination"]["total_entries"].as_u64().unwrap() > 640);
}
