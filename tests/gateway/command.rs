//! The command as a person uses it: what it prints, and how it exits.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::Canned;
use crate::lifecycle::{Process, commongraph};

/// What `serve` requires beside the settings of the providers.
const ACCESS: [(&str, &str); 3] = [
    ("COMMONGRAPH_ACCESS__JWT__ISSUER", "https://issuer.example"),
    ("COMMONGRAPH_ACCESS__JWT__AUDIENCE", "https://graph.example"),
    ("COMMONGRAPH_ACCESS__JWT__SECRET", "0123456789abcdef0123456789abcdef"),
];

fn run(arguments: &[&str]) -> Output {
    commongraph().args(arguments).output().unwrap()
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn an_operation_is_answered_and_its_calls_are_told() {
    let output = run(&["query", "--sandbox", "--calls", commongraph::app::sample_operations::ACCOUNTS]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(answer(&output)["data"]["connections"]["nodes"].as_array().unwrap().len(), 10);
    let calls = String::from_utf8(output.stderr).unwrap();
    let of = |provider: &str| calls.lines().filter(|line| line.starts_with(provider)).count();
    assert_eq!((of("wordpress"), of("oneall")), (4, 8), "{calls}");
    assert!(calls.contains("GET /rest/v1.1/me/keyring-connections  MISS  200"), "{calls}");
}

#[test]
fn an_operation_runs_as_the_person_named_and_with_variables() {
    let document = "query Q($id: ID!) { connection(by: {keyringConnectionId: $id}) { providerId } viewer { wordpressUser { username } } }";
    let output = run(&["query", "--sandbox", "--as", "ada", "--variables", "{\"id\": \"51001\"}", document]);
    assert_eq!(output.status.code(), Some(0));
    let data = &answer(&output)["data"];
    assert_eq!(data["connection"]["providerId"], "51001");
    assert_eq!(data["viewer"]["wordpressUser"]["username"], "ada17");
}

#[test]
fn a_read_of_personal_data_is_in_the_audit_log_of_the_command_too() {
    let output = run(&["query", "--sandbox", "--as", "ada", "{ viewer { wordpressUser { email } } }"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().filter(|line| line.contains("commongraph::audit")).count(), 1, "{told}");
    assert!(!told.contains('@'), "{told}");
}

#[test]
fn a_sandbox_that_is_asked_once_refuses_real_secrets_too() {
    let output = commongraph()
        .args(["query", "--sandbox", "{ __typename }"])
        .env("COMMONGRAPH_ONEALL__PRIVATE_KEY", "canary")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
    assert!(
        told.starts_with("commongraph: COMMONGRAPH_ONEALL__PRIVATE_KEY: is set") && !told.contains("canary"),
        "{told}"
    );
}

#[test]
fn errors_in_an_answer_are_exit_code_one_and_wrong_commands_two() {
    assert_eq!(run(&["query", "--sandbox", "{ nonsense }"]).status.code(), Some(1));
    for wrong in [
        &["query", "--sandbox", "--as", "nobody", "{ __typename }"][..],
        &["query", "--sandbox", "--variables", "[1]", "{ __typename }"],
        &["query"],
        &["serve", "--listen", "0.0.0.0:0"],
        &["serve", "--config", "/no/such/file.toml"],
        &["sandbox", "--listen", "here"],
        &["query", "--wordpress-token", "two words", "{ __typename }"],
        &["query", "--oneall-user", "../users", "{ __typename }"],
        &["query", "--sandbox", "--wordpress-token", "t", "{ __typename }"],
        &["query", "--sandbox", "--oneall-user", "u", "{ __typename }"],
        &["query", "--sandbox", "--config", "file.toml", "{ __typename }"],
        &["check", "--wordpress-token", ""],
        &["check", "--oneall-user", "u"],
    ] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn every_edge_is_listed_with_its_batching_and_its_fan_out() {
    let output = run(&["check", "--edges"]);
    let list = String::from_utf8(output.stdout).unwrap();
    let line = |edge: &str| {
        let found = list.lines().find(|line| line.starts_with(edge)).unwrap_or_else(|| panic!("{edge}: {list}"));
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(line("Query.providers"), "Query.providers about 2 part of its parent");
    assert_eq!(line("Connection.health"), "Connection.health 1 one call per partial row /connections/{token}.json");
    assert_eq!(line("Query.applications"), "Query.applications a page once per operation /me/connected-applications");
}

#[test]
fn the_schema_is_printed_and_a_closed_pipe_is_no_failure() {
    let output = run(&["schema"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), include_str!("../../schema.graphql"));
    let mut child = commongraph().arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_tells_whether_each_provider_accepts_what_it_is_shown() {
    use commongraph::sandbox::{ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, Sandbox, Settings};
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let check = |token: &str, key: &str| {
        let output = commongraph()
            .arg("check")
            .envs(ACCESS)
            .env("COMMONGRAPH_WORDPRESS__BASE_URL", sandbox.wordpress_url())
            .env("COMMONGRAPH_ONEALL__BASE_URL", sandbox.oneall_url())
            .env("COMMONGRAPH_ONEALL__PUBLIC_KEY", ONEALL_PUBLIC_KEY)
            .env("COMMONGRAPH_ONEALL__PRIVATE_KEY", key)
            .env("COMMONGRAPH_WORDPRESS_TOKEN", token)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, good) = check("sandbox-wpcom-ada", ONEALL_PRIVATE_KEY);
    assert_eq!((code, good.matches("ok  ").count()), (Some(0), 4), "{good}");
    let (code, bad) = check("canary-wrong-token", "canary-wrong-key");
    assert_eq!((code, bad.matches("FAIL").count()), (Some(1), 2), "{bad}");
    assert!(!bad.contains("canary"), "{bad}");
}

#[test]
fn a_check_warns_of_service_keys_that_expire() {
    let end = |days: u64| {
        let end = std::time::SystemTime::now() + std::time::Duration::from_secs(days * 86_400);
        chrono::DateTime::<chrono::Utc>::from(end).to_rfc3339()
    };
    let mut command = commongraph();
    for (id, expires_at) in [("OLD", "2020-01-01T00:00:00Z".to_owned()), ("SOON", end(13)), ("LATER", end(30))] {
        let name = |field: &str| format!("COMMONGRAPH_ACCESS__KEYS__{id}__{field}");
        let digest = commongraph::auth::digest::Digest::sha256(id).to_string();
        command.env(name("SERVICE"), id).env(name("SHA256"), digest);
        command.env(name("SCOPES"), "oneall:users:read").env(name("EXPIRES_AT"), expires_at);
    }
    let output = command.arg("check").output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let line = |id: &str| table.lines().find(|line| line.contains(&format!("access.keys.{id} ")));
    assert!(line("old").unwrap().contains("expired at 2020-01-01T00:00:00Z"), "{table}");
    assert!(line("soon").unwrap().contains("expires at 20"), "{table}");
    assert!(["old", "soon"].iter().all(|id| line(id).unwrap().starts_with("WARN  ")), "{table}");
    assert_eq!(line("later"), None, "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_for_one_user_needs_what_serving_one_user_needs() {
    use commongraph::sandbox::{Sandbox, Settings};
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let check = |listen: &str, token: &str| {
        let mut command = commongraph();
        command.args(["check", "--personal"]).env("COMMONGRAPH_WORDPRESS__BASE_URL", sandbox.wordpress_url());
        command.env("COMMONGRAPH_WORDPRESS_TOKEN", token).env("COMMONGRAPH_LISTEN", listen).output().unwrap()
    };
    assert_eq!(check("127.0.0.1:0", "").status.code(), Some(2));
    assert_eq!(check("0.0.0.0:0", "sandbox-wpcom-ada").status.code(), Some(2));
    let output = check("127.0.0.1:0", "sandbox-wpcom-ada");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(0) && table.contains("token accepted"), "{table}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let names = ["CONFIG", "LISTEN", "ONEALL_USER", "WORDPRESS_TOKEN"].map(|name| format!("COMMONGRAPH_{name}"));
    let empty = names.iter().map(|name| (name, ""));
    let output =
        commongraph().args(["query", "{ viewer { connections { totalCount } } }"]).envs(empty).output().unwrap();
    assert_eq!(answer(&output), json!({ "data": { "viewer": null } }), "{output:?}");
    let wrong = commongraph().args(["serve"]).env("COMMONGRAPH_LISTEN", "here").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let empty = names.iter().map(|name| (name, ""));
    let output = commongraph().args(["query", "--sandbox", "{ __typename }"]).envs(empty).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cause_of_a_failed_answer_is_told_once_beside_the_answer() {
    let bad = json!({ "connections": [{ "ID": "canary" }, 7] });
    let canned = Canned::start(vec![
        Canned::json("/rest/v1.1/me/keyring-connections", bad),
        Canned::json("/rest/v1.1/me/publicize-connections", "{\"connections\": \"canary\"}"),
    ])
    .await;
    let output = commongraph()
        .args(["query", "{ viewer { connections { totalCount } again: connections { totalCount } } }"])
        .env("COMMONGRAPH_WORDPRESS__BASE_URL", &canned.url)
        .env("COMMONGRAPH_WORDPRESS_TOKEN", "token")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(answer(&output)["data"]["viewer"].is_object());
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    let causes = log.lines().filter(|line| line.contains("provider request failed") && line.contains("Malformed"));
    assert!(causes.eq(log.lines().filter(|line| line.contains("/rest/v1.1/me/publicize-connections"))), "{log}");
    assert!(log.contains("skipped unreadable rows") && log.contains("rows=2") && !log.contains("canary"), "{log}");
}

/// A gateway over a sandbox, once it says where it is.
fn start_sandbox() -> (Process, String) {
    let mut child = commongraph().args(["sandbox", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let serving = Process(child);
    let found = lines.find_map(|line| Some(line.trim().strip_prefix("graph ")?.trim().to_owned())).unwrap();
    // The rest is read, or the child would wait for its reader.
    std::thread::spawn(move || lines.for_each(drop));
    (serving, found.trim_start_matches("http://").trim_end_matches("/graphql").to_owned())
}

#[test]
#[cfg(unix)]
fn a_client_that_never_ends_its_request_cannot_hold_the_process() {
    use std::io::Write;
    let (mut serving, address) = start_sandbox();
    let mut client = std::net::TcpStream::connect(&address).unwrap();
    let half =
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    client.write_all(half.as_bytes()).unwrap();
    let pid = serving.0.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    signal("-TERM");
    // It takes nobody new while it waits for the request that never ends.
    while std::net::TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    assert!(serving.0.try_wait().unwrap().is_none(), "a request is under way");
    signal("-INT");
    serving.0.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_fails_where_the_site_does_not_say_that_all_is_well() {
    let envelope = |request: u16, result: Option<u16>| {
        let result = result.map(|code| json!({ "status": { "code": code } }));
        json!({ "response": { "request": { "status": { "code": request } }, "result": result } }).to_string()
    };
    for (status, body, sentence) in [
        (200, envelope(200, None), None),
        (404, envelope(404, None), Some("site does not exist; check oneall.subdomain")),
        (200, envelope(404, None), Some("site does not exist")),
        (401, envelope(401, None), Some("rejected the gateway's keys")),
        (200, envelope(200, Some(401)), Some("the operation ended with 401")),
        (200, envelope(200, Some(500)), Some("is unavailable")),
    ] {
        let canned = Canned::start(vec![("/tools/ping.json", status, "application/json", body.clone())]).await;
        let output = commongraph()
            .arg("check")
            .envs(ACCESS)
            .env("COMMONGRAPH_ONEALL__BASE_URL", &canned.url)
            .env("COMMONGRAPH_ONEALL__PUBLIC_KEY", "public")
            .env("COMMONGRAPH_ONEALL__PRIVATE_KEY", "private")
            .output()
            .unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(i32::from(sentence.is_some())), "{body}: {table}");
        assert!(table.contains(sentence.unwrap_or("the site's keys are accepted")), "{body}: {table}");
    }
}

#[tokio::test]
async fn the_sandbox_says_where_it_is_and_answers_there() {
    let mut child = commongraph().args(["sandbox", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _serving = Process(child);
    let greeting: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.trim_start().starts_with("-d ")).collect();
    let url = greeting.iter().find_map(|line| line.trim().strip_prefix("graph ")).unwrap().trim().to_owned();
    assert!(greeting.iter().any(|line| line.contains("X-WordPress-Token: sandbox-wpcom-NAME")), "{greeting:?}");
    assert!(greeting.len() < 25, "{greeting:?}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "query": "{ viewer { wordpressUser { displayName } } }" });
    let reply = client.post(url).header("X-WordPress-Token", "sandbox-wpcom-ada").json(&body).send().await.unwrap();
    let reply: Value = reply.json().await.unwrap();
    assert_eq!(reply, json!({ "data": { "viewer": { "wordpressUser": { "displayName": "Ada Reed" } } } }));
}

#[tokio::test]
async fn the_explorer_can_be_left_out() {
    let arguments = ["sandbox", "--listen", "127.0.0.1:0", "--no-explorer"];
    let mut child = commongraph().args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _serving = Process(child);
    let greeting: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.starts_with("People")).collect();
    assert!(!greeting.iter().any(|line| line.contains("explorer")), "{greeting:?}");
    let url = greeting.iter().find_map(|line| line.trim().strip_prefix("graph ")).unwrap().trim().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(url.replace("/graphql", "/")).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 404);
}

#[test]
fn a_service_key_is_printed_with_its_settings_and_every_scope_is_explained() {
    let output = run(&["key", "new", "--service", "backend", "--scope", "oneall:users:read", "--days", "30"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let key = printed.lines().find(|line| line.starts_with("cg_")).unwrap();
    let id = key.split('_').nth(1).unwrap();
    assert!(printed.contains(&format!("[access.keys.{id}]\n")), "{printed}");
    assert_eq!(printed.matches(key).count(), 1, "{printed}");
    let help = String::from_utf8(run(&["key", "new", "--help"]).stdout).unwrap();
    assert!(
        commongraph::app::commands::key::scopes().all(|(name, meaning)| help.contains(name) && help.contains(meaning))
    );
    let wrong: [&[&str]; 5] = [
        &["key", "new", "--service", "backend"],
        &["key", "new", "--scope", "oneall:users:read"],
        &["key", "new", "--service", "backend", "--scope", "everything"],
        &["key", "new", "--service", "two words", "--scope", "oneall:users:read"],
        &["key", "new", "--service", "backend", "--scope", "oneall:users:read", "--days", "0"],
    ];
    for wrong in wrong {
        let output = run(wrong);
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{wrong:?}");
    }
}
