//! What is changed at either provider stays changed, for everybody who sees it, and is counted.

use serde_json::json;

use super::*;

/// A sandbox, and short ways to ask it.
struct Stage(Sandbox);

impl Stage {
    async fn start() -> Self {
        Stage(Sandbox::start(Settings::default()).await.unwrap())
    }

    /// As a person at WordPress.com: the status and the body, null if that is no JSON.
    async fn wordpress(&self, person: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        read(&ask(&self.0.wordpress_url(), method, path, &bearer(person), body).await)
    }

    /// With the site's keys at OneAll.
    async fn oneall(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        read(&ask(&self.0.oneall_url(), method, path, &keys(), body).await)
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/__sandbox/{path}");
        read(&ask(&self.0.oneall_url(), method, &path, "", &body.to_string()).await).1
    }

    /// The rows of the log of writes, each as what, object, delivered, effects.
    async fn writes(&self) -> Vec<(String, String, u64, u64)> {
        let log = self.control("GET", "writes", Value::Null).await;
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap();
        let rows = log["writes"].as_array().unwrap().iter();
        rows.map(|row| (text(row, "operation"), text(row, "object"), number(row, "delivered"), number(row, "effects")))
            .collect()
    }

    async fn publicize(&self, person: &str) -> Vec<u64> {
        let (_, list) = self.wordpress(person, "GET", "/rest/v1.1/me/publicize-connections", "").await;
        list["connections"].as_array().unwrap().iter().filter_map(|row| row["ID"].as_u64()).collect()
    }

    async fn identities(&self, user: u64) -> Vec<String> {
        let (_, answer) = self.oneall("GET", &format!("/users/{}.json", users::token(user)), "").await;
        let list = answer["response"]["result"]["data"]["user"]["identities"].as_array().cloned().unwrap_or_default();
        list.iter().map(|identity| identity["identity_token"].as_str().unwrap().to_owned()).collect()
    }
}

fn read(answer: &str) -> (u16, Value) {
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body).unwrap_or_default());
    (status, body.unwrap_or_default())
}

fn row(what: &str, object: &str, delivered: u64, effects: u64) -> (String, String, u64, u64) {
    (what.to_owned(), object.to_owned(), delivered, effects)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_keyring_connection_takes_its_publicize_connections_from_everybody() {
    let stage = Stage::start().await;
    assert!(stage.publicize("gus").await.contains(&88001));
    let path = "/rest/v1.1/me/keyring-connections/51002/delete";
    assert_eq!(stage.wordpress("gus", "POST", path, "").await.0, 403);
    assert_eq!(stage.wordpress("dora", "POST", path, "").await.0, 403);
    assert_eq!(stage.wordpress("ada", "GET", path, "").await.0, 405);
    assert_eq!(stage.wordpress("ada", "DELETE", "/rest/v1.1/me/keyring-connections/51002", "").await.0, 405);
    assert_eq!(stage.wordpress("ada", "POST", path, "").await, (200, json!({"ID": 51002, "deleted": true})));
    let (status, again) = stage.wordpress("ada", "POST", path, "").await;
    assert_eq!((status, &again["error"]), (404, &json!("not_found")));
    assert_eq!(stage.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections/51002", "").await.0, 404);
    assert!(!stage.publicize("ada").await.contains(&88001));
    assert!(!stage.publicize("gus").await.contains(&88001));
    let deed = "keyring.delete";
    assert_eq!(
        stage.writes().await,
        [row(deed, "51002", 1, 0), row(deed, "51002", 1, 0), row(deed, "51002", 2, 1)],
        "one row for each person"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_version_deletes_by_its_own_verb_and_does_not_tell_foreign_from_unknown() {
    let stage = Stage::start().await;
    let path = "/wpcom/v2/me/connections/51001";
    let (status, refused) = stage.wordpress("gus", "DELETE", path, "").await;
    assert_eq!((status, &refused["data"]["status"]), (404, &json!(404)));
    let (status, gone) = stage.wordpress("ada", "DELETE", path, "").await;
    assert_eq!((status, &gone["previous"]["ID"]), (200, &json!(51001)));
    assert_eq!(stage.wordpress("ada", "DELETE", path, "").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_application_is_gone_and_its_namesake_stays() {
    let stage = Stage::start().await;
    let path = "/rest/v1.1/me/connected-applications/610001/delete";
    assert_eq!(stage.wordpress("ada", "POST", path, "").await.0, 404, "another person's grant is not known");
    assert_eq!(stage.wordpress("olga", "POST", path, "").await, (200, json!({"success": true})));
    let (status, again) = stage.wordpress("olga", "POST", path, "").await;
    assert_eq!((status, &again["error"]), (404, &json!("unknown_application_access_token")));
    let (_, list) = stage.wordpress("olga", "GET", "/rest/v1.1/me/connected-applications", "").await;
    let text = list.to_string();
    assert!(!text.contains("610001") && text.contains("610002"));
    let never = "/rest/v1.1/me/connected-applications/640001/delete";
    assert_eq!(stage.wordpress("finn", "POST", never, "").await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publicize_connection_is_seen_by_the_site_while_it_is_shared() {
    let stage = Stage::start().await;
    let path = "/rest/v1.1/sites/7700123/publicize-connections/72001";
    let (status, refused) = stage.wordpress("gus", "POST", path, "shared=1").await;
    assert_eq!((status, &refused["error"]), (403, &json!("authorization_required")));
    let (status, now) = stage.wordpress("ada", "POST", path, r#"{"shared": true}"#).await;
    assert_eq!((status, &now["shared"]), (200, &json!(true)));
    let (_, seen) = stage.wordpress("gus", "GET", path, "").await;
    assert!(seen["refresh_URL"].as_str().unwrap().contains("kr_nonce=n-gus-72001"), "{seen}");
    assert!(!stage.publicize("ben").await.contains(&72001));
    assert_eq!(stage.wordpress("ada", "POST", path, "shared=perhaps").await.0, 400);
    assert_eq!(stage.wordpress("ada", "POST", path, "").await.0, 400, "nothing is asked");
    assert_eq!(stage.wordpress("ada", "GET", path, "").await.1["shared"], true, "and nothing changes");
    assert_eq!(stage.wordpress("ada", "POST", path, "shared=false").await.1["shared"], false);
    assert!(!stage.publicize("gus").await.contains(&72001));
    assert!(stage.publicize("ada").await.contains(&72001));
    // Gus owns this one, but may not edit others on his site.
    let own = "/rest/v1.1/me/publicize-connections/73001";
    assert_eq!(stage.wordpress("gus", "POST", own, "shared=1").await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relinked_identity_and_its_sign_ins_appear_under_the_new_user() {
    let stage = Stage::start().await;
    let (identity, cleo) = (identities::token(4), users::token(3));
    let path = format!("/identities/{identity}/link.json");
    let body = json!({"request": {"user": {"user_token": cleo}}}).to_string();
    let (status, answer) = stage.oneall("PUT", &path, &body).await;
    assert_eq!(status, 200);
    let result = &answer["response"]["result"];
    assert_eq!(result["status"]["info"], "The identity has successfully been linked to the specified user");
    assert_eq!(result["data"]["user"]["identities"][2]["identity_token"], identity);
    assert_eq!(stage.identities(3).await.len(), 3);
    assert_eq!(stage.identities(2).await.len(), 3);
    let (_, detail) = stage.oneall("GET", &format!("/identities/{identity}.json"), "").await;
    assert_eq!(detail["response"]["result"]["data"]["identity"]["user_token"], cleo);
    // Sign-in 02 was made with it; 15 too, and stands twice in the list.
    for number in [2, 13, 15] {
        let (_, sign_in) = stage.oneall("GET", &format!("/connections/{}.json", sign_ins::token(number)), "").await;
        let user = &sign_in["response"]["result"]["data"]["user"];
        assert_eq!((&user["user_token"], &user["identity"]["identity_token"]), (&json!(cleo), &json!(identity)));
    }
    stage.oneall("PUT", &path, &body).await;
    assert_eq!(stage.writes().await, [row("identity.relink", &identity, 2, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relink_that_lacks_something_changes_nothing() {
    let stage = Stage::start().await;
    let known = format!("/identities/{}/link.json", identities::token(4));
    let to = |user: &str| json!({"request": {"user": {"user_token": user}}}).to_string();
    assert_eq!(stage.oneall("PUT", "/identities/nobody/link.json", &to(&users::token(3))).await.0, 404);
    assert_eq!(stage.oneall("PUT", &known, &to("nobody")).await.0, 404);
    for body in ["", "{", "{}", &to("")] {
        assert_eq!(stage.oneall("PUT", &known, body).await.0, 400, "{body}");
    }
    let answer = ask(&stage.0.oneall_url(), "PUT", &known, "Basic eDp5", &to(&users::token(3))).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(stage.writes().await.iter().all(|row| row.3 == 0));
    assert_eq!(stage.identities(2).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_deleted_only_if_that_is_confirmed_and_takes_its_sign_ins_along() {
    let stage = Stage::start().await;
    let identity = identities::token(10);
    let path = format!("/identities/{identity}.json");
    let sign_in = format!("/connections/{}.json", sign_ins::token(9));
    assert_eq!(stage.oneall("GET", &sign_in, "").await.0, 200);
    assert_eq!(stage.oneall("DELETE", &path, "").await.0, 400);
    assert_eq!(stage.identities(4).await, [identity.as_str()]);
    let confirmed = format!("{path}?confirm_deletion=true");
    assert_eq!(stage.oneall("DELETE", &confirmed, "").await.0, 200);
    assert_eq!(stage.oneall("DELETE", &confirmed, "").await.0, 404);
    assert_eq!(stage.oneall("GET", &path, "").await.0, 404);
    assert_eq!(stage.oneall("GET", &sign_in, "").await.0, 404);
    assert_eq!(stage.identities(4).await, [""; 0]);
    let (_, all) = stage.oneall("GET", "/identities.json?entries_per_page=500", "").await;
    assert!(!all.to_string().contains(&identity));
    assert!(all.to_string().contains(&identities::token(11)), "the others are still found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_sign_ins_of_a_user_keep_the_identity_they_were_made_with() {
    let stage = Stage::start().await;
    let token = |n| sign_ins::token(n);
    let used = async |number| {
        let (_, answer) = stage.oneall("GET", &format!("/connections/{}.json", token(number)), "").await;
        answer["response"]["result"]["data"]["user"]["identity"]["identity_token"].clone()
    };
    // Ada's, in the first shape and in the second.
    let mut before = Vec::new();
    for number in 25..=48 {
        before.push((number, used(number).await));
    }
    let gone = identities::token(5);
    stage.oneall("DELETE", &format!("/identities/{gone}.json?confirm_deletion=true"), "").await;
    assert!(before.iter().any(|(_, identity)| *identity == gone.as_str()));
    for (number, identity) in before {
        let expected = if identity == gone.as_str() { Value::Null } else { identity };
        assert_eq!(used(number).await, expected, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronized_identity_is_newer_and_an_expired_token_is_renewed() {
    let stage = Stage::start().await;
    let path = format!("/identities/{}", identities::token(16));
    let date =
        |answer: &Value, pointer: &str| answer["response"]["result"]["data"]["identity"].pointer(pointer).cloned();
    let (_, before) = stage.oneall("GET", &format!("{path}.json"), "").await;
    let (status, answer) = stage.oneall("PUT", &format!("{path}/synchronize.json"), "").await;
    assert_eq!(status, 200);
    let (_, after) = stage.oneall("GET", &format!("{path}.json"), "").await;
    assert_eq!(date(&answer, "/date_last_update"), date(&after, "/date_last_update"));
    for pointer in ["/date_last_update", "/source/access_token/date_expiration"] {
        assert_ne!(date(&before, pointer), date(&after, pointer), "{pointer}");
    }
    let (_, sign_in) = stage.oneall("GET", &format!("/connections/{}.json", sign_ins::token(21)), "").await;
    let shown = sign_in["response"]["result"]["data"]["user"]["identity"]["date_last_update"].clone();
    assert_eq!(Some(shown), date(&after, "/date_last_update"));
    // Nothing to do, nothing that can be read, and nothing to do it with.
    let wish = r#"{"request": {"synchronize": {"update_user_data": "false", "force_token_update": false}}}"#;
    assert_eq!(stage.oneall("PUT", &format!("{path}/synchronize.json"), wish).await.0, 200);
    assert_eq!(stage.oneall("PUT", &format!("{path}/synchronize.json"), "{").await.0, 400);
    let bare = format!("/identities/{}/synchronize.json", identities::token(19));
    let (status, refused) = stage.oneall("PUT", &bare, "").await;
    assert_eq!((status, &refused["response"]["result"]["status"]["code"]), (200, &json!(400)));
    assert_eq!(stage.writes().await.iter().map(|row| row.3).sum::<u64>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_takes_the_answer_of_a_write_or_the_write_itself() {
    let stage = Stage::start().await;
    let delete = async |id: u64| {
        stage.wordpress("ada", "POST", &format!("/rest/v1.1/me/keyring-connections/{id}/delete"), "").await.0
    };
    let fault = async |fault: Value| stage.control("PUT", "faults", json!([fault])).await;
    fault(json!({"method": "POST", "refuse": true, "when": "after", "times": 1})).await;
    assert_eq!(delete(51001).await, 0);
    assert_eq!(delete(51001).await, 404, "it took effect");
    fault(json!({"method": "POST", "cut": true, "times": 1})).await;
    assert_eq!(delete(51003).await, 200, "the head says so, the body is cut");
    assert_eq!(delete(51003).await, 404);
    fault(json!({"method": "POST", "status": 503, "times": 1})).await;
    assert_eq!(delete(51004).await, 503);
    fault(json!({"method": "POST", "cut": true, "when": "before", "latency_ms": 1, "times": 1})).await;
    assert_eq!(delete(51004).await, 200);
    assert_eq!(delete(51004).await, 200, "it did not take effect before");
    let log = stage.control("GET", "writes", Value::Null).await;
    assert_eq!(log["writes"][0]["statuses"], json!({"404": 1, "none": 1}));
    let rows: Vec<(u64, u64)> = stage.writes().await.into_iter().map(|row| (row.2, row.3)).collect();
    assert_eq!(rows, [(2, 1), (2, 1), (3, 1)]);
    assert_eq!((&log["delivered"], &log["effects"]), (&json!(7), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_client_leaves_while_it_waits_is_delivered_and_never_takes_effect() {
    let stage = Stage::start().await;
    stage.control("PUT", "faults", json!([{"method": "DELETE", "latency_ms": 600_000, "when": "before"}])).await;
    let path = "/wpcom/v2/me/connections/51001";
    let head = format!("DELETE {path} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\r\n", bearer("ada"));
    let mut socket = TcpStream::connect(stage.0.wordpress_url().trim_start_matches("http://")).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    while stage.writes().await.is_empty() {}
    drop(socket);
    while stage.control("GET", "open", Value::Null).await["open"] != 0 {}
    assert_eq!(stage.writes().await, [row("keyring.delete", "51001", 1, 0)]);
    assert_eq!(stage.wordpress("ada", "GET", path, "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_and_go_from_outside_without_being_writes() {
    let stage = Stage::start().await;
    let (_, before) = stage.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections", "").await;
    let added = stage.control("POST", "world/keyring", json!({"person": "ada", "count": 2})).await;
    let (_, list) = stage.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections", "").await;
    let rows = list["connections"].as_array().unwrap();
    assert_eq!(rows.len(), before["connections"].as_array().unwrap().len() + 2);
    assert_eq!((&rows[7]["ID"], &rows[7]["issued"]), (&added["IDs"][1], &json!("2026-10-01 00:01:00")));
    let removed = stage.control("DELETE", "world/keyring", json!({"person": "ada", "IDs": [rows[7]["ID"], 1]})).await;
    assert_eq!(removed, json!({"removed": 1}));
    let user = users::token(2);
    let added = stage.control("POST", "world/sign-ins", json!({"count": 1, "user": user})).await;
    let token = added["tokens"][0].as_str().unwrap();
    let (_, sign_in) = stage.oneall("GET", &format!("/connections/{token}.json"), "").await;
    assert_eq!(sign_in["response"]["result"]["data"]["user"]["user_token"], user);
    assert_eq!(stage.control("DELETE", "world/sign-ins", json!({"tokens": [token]})).await, json!({"removed": 1}));
    assert_eq!(stage.oneall("GET", &format!("/connections/{token}.json"), "").await.0, 404);
    for wrong in [json!({"count": 1}), json!({"person": "cleo", "count": 1}), json!({"person": "ada", "count": 0})] {
        assert!(stage.control("POST", "world/keyring", wrong).await["error"].is_string());
    }
    assert_eq!(stage.writes().await, []);
}
