//! The audit log: a line for each person's record that was read, with who read which fields of it, and no value.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use commongraph::auth::pseudonym::Pseudonymizer;
use commongraph::sandbox;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{Asker, World, codes, until};
use crate::lifecycle::{Process, commongraph};
use crate::log::Log;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Everything personal of one identity, and something that is not.
const IDENTITY: &str = "query Look { identity(by: { identityToken: \"5a4d0000-0000-4000-8002-000000000012\" }) { \
     id displayName emails { value } profile { birthday phoneNumbers { value } addresses { formatted } } } }";

fn key() -> SecretString {
    SecretString::from(KEY)
}

/// The name that the audit log has for something, under the key of these tests.
fn alias(kind: &str, text: &str) -> String {
    Pseudonymizer::new(Some(&key())).unwrap().pseudonym(kind, text)
}

async fn world() -> World {
    World::with(sandbox::Settings::default(), |settings| {
        settings.log.audit_key = Some(key());
        settings.oneall.upstream.timeout_ms = 600_000;
    })
    .await
}

#[tokio::test]
async fn a_read_of_personal_data_is_one_line_a_record_without_a_value() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_audit();
    let request = world.gateway.request(&Asker::service("shop"), IDENTITY, json!({}));
    let answer: Value = request.header("X-Request-Id", "the-id").send().await.unwrap().json().await.unwrap();
    assert_eq!(codes(&answer), []);
    let identity = &answer["data"]["identity"];
    let given = ["birthday", "phoneNumbers", "addresses"].map(|name| (name, &identity["profile"][name]));
    let given = given.into_iter().chain([("emails", &identity["emails"])]);
    let mut fields: Vec<_> = given
        .filter(|(_, value)| value.is_string() || value.as_array().is_some_and(|rows| !rows.is_empty()))
        .map(|(name, _)| name)
        .collect();
    fields.sort_unstable();
    assert!(fields.contains(&"emails") && fields.len() > 1, "{answer}");
    let expected = json!({
        "message": "personal data read",
        "caller": "service",
        "name": "shop",
        "kind": "Identity",
        "object": alias("object", identity["id"].as_str().unwrap()),
        "fields": fields.join(","),
        "request": "the-id",
        "operation": "Look",
    });
    assert_eq!(log.records(), [expected]);
    let text = log.text();
    for value in [&identity["emails"][0]["value"], &identity["displayName"], &identity["profile"]["birthday"]] {
        assert!(!text.contains(value.as_str().unwrap()), "{text}");
    }
    assert!(!text.contains("5a4d0000") && !text.contains("cg_"), "{text}");
}

#[tokio::test]
async fn nothing_is_written_where_nothing_personal_was_read() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_audit();
    let plain = IDENTITY
        .replace("emails { value }", "")
        .replace("birthday phoneNumbers { value } addresses { formatted }", "gender");
    let answer = world.gateway.ask(&Asker::service("shop"), &plain, json!({})).await;
    assert!(answer["data"]["identity"]["displayName"].is_string(), "{answer}");
    // Refused, of somebody else, and not to be had.
    let refused = world.gateway.ask(&Asker::service("report"), IDENTITY, json!({})).await;
    assert!(codes(&refused).iter().any(|(code, _)| code == "FORBIDDEN"), "{refused}");
    let foreign = world.gateway.ask(&Asker::user("nobody"), IDENTITY, json!({})).await;
    assert_eq!(foreign["data"]["identity"], json!(null));
    let encrypted = "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000005\" }) { identity { state emails { value } } } }";
    let encrypted = world.gateway.ask(&Asker::service("shop"), encrypted, json!({})).await;
    assert_eq!(encrypted["data"]["connection"]["identity"]["state"], "ENCRYPTED");
    assert_eq!(log.text(), "");
}

#[tokio::test]
async fn people_have_aliases_and_each_of_their_records_a_line() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_audit();
    let query = "{ viewer { a: wordpressUser { email } b: wordpressUser { userId email } \
                 oneallUser { identities { id emails { value } } } } }";
    let answer = world.ask("ada", query).await;
    let me = &answer["data"]["viewer"]["b"];
    assert!(me["email"].is_string(), "{answer}");
    let identities = answer["data"]["viewer"]["oneallUser"]["identities"].as_array().unwrap();
    let mut objects: Vec<_> = identities
        .iter()
        .filter(|identity| identity["emails"].as_array().is_some_and(|emails| !emails.is_empty()))
        .map(|identity| alias("object", identity["id"].as_str().unwrap()))
        .chain([alias("object", me["userId"].as_str().unwrap())])
        .collect();
    assert!(objects.len() > 1, "{answer}");
    let lines = log.records();
    let mut told: Vec<_> = lines.iter().map(|line| line["object"].as_str().unwrap().to_owned()).collect();
    objects.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, objects);
    for line in &lines {
        assert_eq!((&line["caller"], &line["name"]), (&json!("user"), &json!(alias("subject", "ada"))));
        assert_eq!(line.get("operation"), None, "the operation has no name");
    }
    assert!(lines.iter().any(|line| line["kind"] == "WordPressUser" && line["fields"] == "email"));
}

#[tokio::test]
async fn a_token_alone_is_told_by_its_mark() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_audit();
    for token in ["sandbox-wpcom-ada", "sandbox-wpcom-ada", "sandbox-wpcom-olga"] {
        let asker = Asker::alone(token);
        world.gateway.ask(&asker, "{ viewer { wordpressUser { email } } }", json!({})).await;
    }
    let names: Vec<_> = log.records().iter().map(|line| line["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 3, "{}", log.text());
    assert!(names[0] == names[1] && names[0] != names[2] && names.iter().all(|name| name.len() == 64));
    assert!(!log.text().contains("sandbox-wpcom"));
}

#[tokio::test]
async fn what_was_read_for_a_client_that_left_is_written_too() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_audit();
    world.fault(json!({ "hang": "head", "path": "/users/*" })).await;
    // The user is read once the identity is there, when the e-mail addresses have been given.
    let query = "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000001\" }) { \
                 identity { emails { value } oneallUser { lastLoginAt } } } }";
    let asking = tokio::spawn(world.gateway.request(&Asker::service("shop"), query, json!({})).send());
    until("the second call is sent", async || world.open_calls().await == 1).await;
    assert_eq!(log.text(), "", "the operation has not ended");
    asking.abort();
    until("no call is open", async || world.open_calls().await == 0).await;
    let lines = log.records();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["fields"], &lines[0]["kind"]), (&json!("emails"), &json!("Identity")));
}

#[tokio::test]
async fn without_a_key_of_the_settings_no_two_gateways_have_the_same_aliases() {
    let log = Log::default();
    let _guard = log.listen_to_audit();
    for _ in 0..2 {
        let world = World::start().await;
        world.gateway.ask(&Asker::service("shop"), IDENTITY, json!({})).await;
    }
    let objects: Vec<_> = log.records().iter().map(|line| line["object"].clone()).collect();
    assert_eq!(objects.len(), 2);
    assert_ne!(objects[0], objects[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_filter_silences_it() {
    let sandbox = sandbox::Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let child = commongraph()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("COMMONGRAPH_WORDPRESS__BASE_URL", sandbox.wordpress_url())
        .env("COMMONGRAPH_ACCESS__JWT__ISSUER", sandbox::JWT_ISSUER)
        .env("COMMONGRAPH_ACCESS__JWT__AUDIENCE", sandbox::JWT_AUDIENCE)
        .env("COMMONGRAPH_ACCESS__JWT__SECRET", sandbox::JWT_SECRET)
        .env("COMMONGRAPH_LOG__FORMAT", "json")
        .env("COMMONGRAPH_LOG__FILTER", "off,commongraph::audit=off,commongraph::audit[{caller}]=off,commongraph=info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut serving = Process(child);
    let lines = BufReader::new(serving.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let address = lines.find_map(|line| Some(line["fields"]["address"].as_str()?.to_owned())).unwrap();
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("http://{address}/graphql"));
    let request = request.header("X-WordPress-Token", "sandbox-wpcom-ada");
    let answer = request.json(&json!({ "query": "{ viewer { wordpressUser { email } } }" })).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains('@'));
    let told = lines.find(|line| line["target"] == "commongraph::audit").unwrap();
    assert_eq!((&told["fields"]["fields"], &told["fields"]["caller"]), (&json!("email"), &json!("wordpress")));
}
