//! A write changes the data for everyone who can read it, and the write log counts it.

use serde_json::json;

use super::*;

/// A sandbox with helpers for requests.
struct TestSandbox(Sandbox);

impl TestSandbox {
    async fn start() -> Self {
        TestSandbox(Sandbox::start(Settings::default()).await.unwrap())
    }

    /// Sends a request of a person to WordPress.com. Returns the status and the body, null if it is not JSON.
    async fn wordpress(&self, person: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        parse(&send(&self.0.wordpress_url(), method, path, &bearer(person), body).await)
    }

    /// Sends a request with the site's keys to OneAll.
    async fn oneall(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        parse(&send(&self.0.oneall_url(), method, path, &site_keys(), body).await)
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/__sandbox/{path}");
        parse(&send(&self.0.oneall_url(), method, &path, "", &body.to_string()).await).1
    }

    /// The rows of the write log: operation, object, deliveries and effects.
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
        let (_, response) = self.oneall("GET", &format!("/users/{}.json", fixtures::users::token(user)), "").await;
        let list = response["response"]["result"]["data"]["user"]["identities"].as_array().cloned().unwrap_or_default();
        list.iter().map(|identity| identity["identity_token"].as_str().unwrap().to_owned()).collect()
    }
}

fn parse(response: &str) -> (u16, Value) {
    let status = response.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = response.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body).unwrap_or_default());
    (status, body.unwrap_or_default())
}

fn row(operation: &str, object: &str, delivered: u64, effects: u64) -> (String, String, u64, u64) {
    (operation.to_owned(), object.to_owned(), delivered, effects)
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_keyring_connection_deletes_its_publicize_connections_for_everyone() {
    let sandbox = TestSandbox::start().await;
    assert!(sandbox.publicize("gus").await.contains(&88001));
    let path = "/rest/v1.1/me/keyring-connections/51002/delete";
    assert_eq!(sandbox.wordpress("gus", "POST", path, "").await.0, 403);
    assert_eq!(sandbox.wordpress("dora", "POST", path, "").await.0, 403);
    assert_eq!(sandbox.wordpress("ada", "GET", path, "").await.0, 405);
    assert_eq!(sandbox.wordpress("ada", "DELETE", "/rest/v1.1/me/keyring-connections/51002", "").await.0, 405);
    assert_eq!(sandbox.wordpress("ada", "POST", path, "").await, (200, json!({"ID": 51002, "deleted": true})));
    let (status, again) = sandbox.wordpress("ada", "POST", path, "").await;
    assert_eq!((status, &again["error"]), (404, &json!("not_found")));
    assert_eq!(sandbox.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections/51002", "").await.0, 404);
    assert!(!sandbox.publicize("ada").await.contains(&88001));
    assert!(!sandbox.publicize("gus").await.contains(&88001));
    let operation = "keyring.delete";
    assert_eq!(
        sandbox.writes().await,
        [row(operation, "51002", 1, 0), row(operation, "51002", 1, 0), row(operation, "51002", 2, 1)],
        "one row for each person"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_deletes_with_its_own_method_and_hides_foreign_connections() {
    let sandbox = TestSandbox::start().await;
    let path = "/wpcom/v2/me/connections/51001";
    let (status, refused) = sandbox.wordpress("gus", "DELETE", path, "").await;
    assert_eq!((status, &refused["data"]["status"]), (404, &json!(404)));
    let (status, gone) = sandbox.wordpress("ada", "DELETE", path, "").await;
    assert_eq!((status, &gone["previous"]["ID"]), (200, &json!(51001)));
    assert_eq!(sandbox.wordpress("ada", "DELETE", path, "").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_application_is_gone_and_its_namesake_stays() {
    let sandbox = TestSandbox::start().await;
    let path = "/rest/v1.1/me/connected-applications/610001/delete";
    assert_eq!(sandbox.wordpress("ada", "POST", path, "").await.0, 404, "another person's grant is not known");
    assert_eq!(sandbox.wordpress("olga", "POST", path, "").await, (200, json!({"success": true})));
    let (status, again) = sandbox.wordpress("olga", "POST", path, "").await;
    assert_eq!((status, &again["error"]), (404, &json!("unknown_application_access_token")));
    let (_, list) = sandbox.wordpress("olga", "GET", "/rest/v1.1/me/connected-applications", "").await;
    let text = list.to_string();
    assert!(!text.contains("610001") && text.contains("610002"));
    let never = "/rest/v1.1/me/connected-applications/640001/delete";
    assert_eq!(sandbox.wordpress("finn", "POST", never, "").await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_site_see_a_publicize_connection_while_it_is_shared() {
    let sandbox = TestSandbox::start().await;
    let path = "/rest/v1.1/sites/7700123/publicize-connections/72001";
    let (status, refused) = sandbox.wordpress("gus", "POST", path, "shared=1").await;
    assert_eq!((status, &refused["error"]), (403, &json!("authorization_required")));
    let (status, now) = sandbox.wordpress("ada", "POST", path, r#"{"shared": true}"#).await;
    assert_eq!((status, &now["shared"]), (200, &json!(true)));
    let (_, seen) = sandbox.wordpress("gus", "GET", path, "").await;
    assert!(seen["refresh_URL"].as_str().unwrap().contains("kr_nonce=n-gus-72001"), "{seen}");
    assert!(!sandbox.publicize("ben").await.contains(&72001));
    assert_eq!(sandbox.wordpress("ada", "POST", path, "shared=perhaps").await.0, 400);
    assert_eq!(sandbox.wordpress("ada", "POST", path, "").await.0, 400, "nothing is asked");
    assert_eq!(sandbox.wordpress("ada", "GET", path, "").await.1["shared"], true, "and nothing changes");
    assert_eq!(sandbox.wordpress("ada", "POST", path, "shared=false").await.1["shared"], false);
    assert!(!sandbox.publicize("gus").await.contains(&72001));
    assert!(sandbox.publicize("ada").await.contains(&72001));
    // Gus owns this connection, but he lacks `edit_others_posts` on his site.
    let own = "/rest/v1.1/me/publicize-connections/73001";
    assert_eq!(sandbox.wordpress("gus", "POST", own, "shared=1").await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relinked_identity_and_its_sign_ins_appear_under_the_new_user() {
    let sandbox = TestSandbox::start().await;
    let (identity, cleo) = (fixtures::identities::token(4), fixtures::users::token(3));
    let path = format!("/identities/{identity}/link.json");
    let body = json!({"request": {"user": {"user_token": cleo}}}).to_string();
    let (status, response) = sandbox.oneall("PUT", &path, &body).await;
    assert_eq!(status, 200);
    let result = &response["response"]["result"];
    assert_eq!(result["status"]["info"], "The identity has successfully been linked to the specified user");
    assert_eq!(result["data"]["user"]["identities"][2]["identity_token"], identity);
    assert_eq!(sandbox.identities(3).await.len(), 3);
    assert_eq!(sandbox.identities(2).await.len(), 3);
    let (_, detail) = sandbox.oneall("GET", &format!("/identities/{identity}.json"), "").await;
    assert_eq!(detail["response"]["result"]["data"]["identity"]["user_token"], cleo);
    // Sign-ins 02 and 15 used this identity, and 15 is twice in the list.
    for number in [2, 13, 15] {
        let (_, sign_in) =
            sandbox.oneall("GET", &format!("/connections/{}.json", fixtures::sign_ins::token(number)), "").await;
        let user = &sign_in["response"]["result"]["data"]["user"];
        assert_eq!((&user["user_token"], &user["identity"]["identity_token"]), (&json!(cleo), &json!(identity)));
    }
    sandbox.oneall("PUT", &path, &body).await;
    assert_eq!(sandbox.writes().await, [row("identity.relink", &identity, 2, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_relink_changes_nothing() {
    let sandbox = TestSandbox::start().await;
    let known = format!("/identities/{}/link.json", fixtures::identities::token(4));
    let to = |user: &str| json!({"request": {"user": {"user_token": user}}}).to_string();
    assert_eq!(sandbox.oneall("PUT", "/identities/nobody/link.json", &to(&fixtures::users::token(3))).await.0, 404);
    assert_eq!(sandbox.oneall("PUT", &known, &to("nobody")).await.0, 404);
    for body in ["", "{", "{}", &to("")] {
        assert_eq!(sandbox.oneall("PUT", &known, body).await.0, 400, "{body}");
    }
    let response = send(&sandbox.0.oneall_url(), "PUT", &known, "Basic eDp5", &to(&fixtures::users::token(3))).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    assert!(sandbox.writes().await.iter().all(|row| row.3 == 0));
    assert_eq!(sandbox.identities(2).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_identity_needs_confirmation_and_deletes_its_sign_ins() {
    let sandbox = TestSandbox::start().await;
    let identity = fixtures::identities::token(10);
    let path = format!("/identities/{identity}.json");
    let sign_in = format!("/connections/{}.json", fixtures::sign_ins::token(9));
    assert_eq!(sandbox.oneall("GET", &sign_in, "").await.0, 200);
    assert_eq!(sandbox.oneall("DELETE", &path, "").await.0, 400);
    assert_eq!(sandbox.identities(4).await, [identity.as_str()]);
    let confirmed = format!("{path}?confirm_deletion=true");
    assert_eq!(sandbox.oneall("DELETE", &confirmed, "").await.0, 200);
    assert_eq!(sandbox.oneall("DELETE", &confirmed, "").await.0, 404);
    assert_eq!(sandbox.oneall("GET", &path, "").await.0, 404);
    assert_eq!(sandbox.oneall("GET", &sign_in, "").await.0, 404);
    assert_eq!(sandbox.identities(4).await, [""; 0]);
    let (_, all) = sandbox.oneall("GET", "/identities.json?entries_per_page=500", "").await;
    assert!(!all.to_string().contains(&identity));
    assert!(all.to_string().contains(&fixtures::identities::token(11)), "the others are still found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_sign_ins_of_a_user_keep_their_identity() {
    let sandbox = TestSandbox::start().await;
    let token = |n| fixtures::sign_ins::token(n);
    let used = async |number| {
        let (_, response) = sandbox.oneall("GET", &format!("/connections/{}.json", token(number)), "").await;
        response["response"]["result"]["data"]["user"]["identity"]["identity_token"].clone()
    };
    // Ada's, in the first shape and in the second.
    let mut before = Vec::new();
    for number in 25..=48 {
        before.push((number, used(number).await));
    }
    let gone = fixtures::identities::token(5);
    sandbox.oneall("DELETE", &format!("/identities/{gone}.json?confirm_deletion=true"), "").await;
    assert!(before.iter().any(|(_, identity)| *identity == gone.as_str()));
    for (number, identity) in before {
        let expected = if identity == gone.as_str() { Value::Null } else { identity };
        assert_eq!(used(number).await, expected, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn synchronizing_updates_an_identity_and_renews_an_expired_token() {
    let sandbox = TestSandbox::start().await;
    let path = format!("/identities/{}", fixtures::identities::token(16));
    let date =
        |response: &Value, pointer: &str| response["response"]["result"]["data"]["identity"].pointer(pointer).cloned();
    let (_, before) = sandbox.oneall("GET", &format!("{path}.json"), "").await;
    let (status, response) = sandbox.oneall("PUT", &format!("{path}/synchronize.json"), "").await;
    assert_eq!(status, 200);
    let (_, after) = sandbox.oneall("GET", &format!("{path}.json"), "").await;
    assert_eq!(date(&response, "/date_last_update"), date(&after, "/date_last_update"));
    for pointer in ["/date_last_update", "/source/access_token/date_expiration"] {
        assert_ne!(date(&before, pointer), date(&after, pointer), "{pointer}");
    }
    let (_, sign_in) = sandbox.oneall("GET", &format!("/connections/{}.json", fixtures::sign_ins::token(21)), "").await;
    let shown = sign_in["response"]["result"]["data"]["user"]["identity"]["date_last_update"].clone();
    assert_eq!(Some(shown), date(&after, "/date_last_update"));
    // No option, an invalid body, and an identity without a token.
    let wish = r#"{"request": {"synchronize": {"update_user_data": "false", "force_token_update": false}}}"#;
    assert_eq!(sandbox.oneall("PUT", &format!("{path}/synchronize.json"), wish).await.0, 200);
    assert_eq!(sandbox.oneall("PUT", &format!("{path}/synchronize.json"), "{").await.0, 400);
    let bare = format!("/identities/{}/synchronize.json", fixtures::identities::token(19));
    let (status, refused) = sandbox.oneall("PUT", &bare, "").await;
    assert_eq!((status, &refused["response"]["result"]["status"]["code"]), (200, &json!(400)));
    assert_eq!(sandbox.writes().await.iter().map(|row| row.3).sum::<u64>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_suppresses_the_response_of_a_write_or_the_write() {
    let sandbox = TestSandbox::start().await;
    let delete = async |id: u64| {
        sandbox.wordpress("ada", "POST", &format!("/rest/v1.1/me/keyring-connections/{id}/delete"), "").await.0
    };
    let fault = async |fault: Value| sandbox.control("PUT", "faults", json!([fault])).await;
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
    let log = sandbox.control("GET", "writes", Value::Null).await;
    assert_eq!(log["writes"][0]["statuses"], json!({"404": 1, "none": 1}));
    let rows: Vec<(u64, u64)> = sandbox.writes().await.into_iter().map(|row| (row.2, row.3)).collect();
    assert_eq!(rows, [(2, 1), (2, 1), (3, 1)]);
    assert_eq!((&log["delivered"], &log["effects"]), (&json!(7), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_client_disconnects_during_the_delay_never_takes_effect() {
    let sandbox = TestSandbox::start().await;
    sandbox.control("PUT", "faults", json!([{"method": "DELETE", "latency_ms": 600_000, "when": "before"}])).await;
    let path = "/wpcom/v2/me/connections/51001";
    let head = format!("DELETE {path} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\r\n", bearer("ada"));
    let mut socket = TcpStream::connect(sandbox.0.wordpress_url().trim_start_matches("http://")).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    while sandbox.writes().await.is_empty() {}
    drop(socket);
    while sandbox.control("GET", "open", Value::Null).await["open"] != 0 {}
    assert_eq!(sandbox.writes().await, [row("keyring.delete", "51001", 1, 0)]);
    assert_eq!(sandbox.wordpress("ada", "GET", path, "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_endpoints_change_data_without_a_write_log_entry() {
    let sandbox = TestSandbox::start().await;
    let (_, before) = sandbox.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections", "").await;
    let added = sandbox.control("POST", "data/keyring", json!({"person": "ada", "count": 2})).await;
    let (_, list) = sandbox.wordpress("ada", "GET", "/rest/v1.1/me/keyring-connections", "").await;
    let rows = list["connections"].as_array().unwrap();
    assert_eq!(rows.len(), before["connections"].as_array().unwrap().len() + 2);
    assert_eq!((&rows[7]["ID"], &rows[7]["issued"]), (&added["IDs"][1], &json!("2026-10-01 00:01:00")));
    let removed = sandbox.control("DELETE", "data/keyring", json!({"person": "ada", "IDs": [rows[7]["ID"], 1]})).await;
    assert_eq!(removed, json!({"removed": 1}));
    let user = fixtures::users::token(2);
    let added = sandbox.control("POST", "data/sign-ins", json!({"count": 1, "user": user})).await;
    let token = added["tokens"][0].as_str().unwrap();
    let (_, sign_in) = sandbox.oneall("GET", &format!("/connections/{token}.json"), "").await;
    assert_eq!(sign_in["response"]["result"]["data"]["user"]["user_token"], user);
    assert_eq!(sandbox.control("DELETE", "data/sign-ins", json!({"tokens": [token]})).await, json!({"removed": 1}));
    assert_eq!(sandbox.oneall("GET", &format!("/connections/{token}.json"), "").await.0, 404);
    for wrong in [json!({"count": 1}), json!({"person": "cleo", "count": 1}), json!({"person": "ada", "count": 0})] {
        assert!(sandbox.control("POST", "data/keyring", wrong).await["error"].is_string());
    }
    assert_eq!(sandbox.writes().await, []);
}
