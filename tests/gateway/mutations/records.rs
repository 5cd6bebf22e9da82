//! What is told of a change: the audit log, the operation's line, metrics, explain and the cost; and what becomes of one
//! whose client leaves.

use commongraph::app::commands::query::{self, QueryCaller, QueryRequest};
use commongraph::app::{self, PersonalCredentials};
use commongraph::config::Settings;
use commongraph::sandbox;
use serde_json::json;

use super::{ADA, DELETE, DISCONNECT, OF_ADA, OF_ANOTHER, REVOKE, SYNCHRONIZE, change, identity, row, world};
use crate::harness::{Asker, World, as_shipped, codes, id, until};
use crate::log::Log;
use crate::metrics;

#[tokio::test]
async fn every_mutation_has_its_line_in_the_audit_log() {
    let (world, log) = (World::start().await, Log::default());
    let _guard = log.listen_to_audit();
    let (ada, shop, gone) = (Asker::person("ada"), Asker::service("shop"), identity(OF_ANOTHER));
    let named = DELETE.replace("mutation (", "mutation Cleanup(");
    let request = world.gateway.request(&shop, &named, json!({ "id": gone })).header("X-Request-Id", "the-id");
    request.send().await.unwrap();
    change(&world, &shop, DELETE, &gone).await;
    change(&world, &shop, &DELETE.replace(", confirm: true", ""), &gone).await;
    world.gateway.ask(&ada, DELETE, json!({ "id": gone })).await;
    world.fault(json!({ "method": "POST", "refuse": true, "when": "after" })).await;
    world.gateway.ask(&ada, REVOKE, json!({ "id": id("application:620001") })).await;
    world.fault(json!({ "method": "POST", "status": 403, "body": "{\"error\":\"unauthorized\"}" })).await;
    world.gateway.ask(&ada, REVOKE, json!({ "id": id("application:620002") })).await;
    let told: Vec<_> = log
        .records()
        .iter()
        .map(|line| {
            assert_eq!(line["message"], "mutation");
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            (text("caller"), text("field"), text("outcome"))
        })
        .collect();
    let line = |caller: &str, field: &str, outcome: &str| (caller.to_owned(), field.to_owned(), outcome.to_owned());
    assert_eq!(
        told,
        [
            line("service", "identityDelete", "done"),
            line("service", "identityDelete", "absent"),
            line("service", "identityDelete", "unsent"),
            line("user", "identityDelete", "unsent"),
            line("user", "applicationRevoke", "uncertain"),
            line("user", "applicationRevoke", "refused"),
        ]
    );
    let first = &log.records()[0];
    assert_eq!(
        (&first["request"], &first["operation"], &first["name"]),
        (&json!("the-id"), &json!("Cleanup"), &json!("shop"))
    );
    assert_eq!(first["object"], log.records()[1]["object"], "the same thing has the same alias");
    let text = log.text();
    assert!(!text.contains(OF_ANOTHER) && !text.contains(&gone) && !text.contains("sandbox-"), "{text}");
}

#[tokio::test]
async fn what_was_sent_is_explained_counted_and_priced() {
    let (world, log) = (world().await, Log::default());
    let _guard = log.listen_to_operations();
    let shop = Asker::service("shop").with("X-Commongraph-Explain", "1").with("X-Commongraph-Cost", "1");
    let answer = world.gateway.ask(&shop, DELETE, json!({ "id": identity(OF_ANOTHER) })).await;
    assert_eq!(codes(&answer), []);
    let calls = answer["extensions"]["gateway"]["calls"].as_array().unwrap();
    let [call] = &calls[..] else { panic!("{answer}") };
    let path = call["path"].as_str().unwrap();
    assert!(path.starts_with("/identities/~") && path.ends_with("?confirm_deletion=true"), "{path}");
    assert_eq!((&call["method"], &call["verdict"], &call["attempts"]), (&json!("DELETE"), &json!("SENT"), &json!(1)));
    assert_eq!((&call["status"], &call["why"]), (&json!(200), &json!("sent once")));
    assert_eq!(answer["extensions"]["cost"]["calls"], 1);
    world.fault(json!({ "method": "PUT", "status": 500 })).await;
    let answer = world.gateway.ask(&shop, SYNCHRONIZE, json!({ "id": identity(OF_ADA) })).await;
    let call = &answer["extensions"]["gateway"]["calls"][0];
    assert_eq!((&call["verdict"], &call["status"]), (&json!("SENT"), &json!(500)), "{answer}");
    assert_eq!(answer["extensions"]["cost"]["calls"], 3, "whose it is, the change, and the identity after it");
    let path = call["path"].as_str().unwrap();
    assert!(path.starts_with("/identities/~") && path.ends_with("/synchronize.json"), "{path}");
    let told = metrics::scrape(&world.gateway).await;
    for line in [
        "commongraph_upstream_writes_total{provider=\"oneall\",method=\"DELETE\",outcome=\"done\"} 1\n",
        "commongraph_upstream_writes_total{provider=\"oneall\",method=\"PUT\",outcome=\"uncertain\"} 1\n",
        "commongraph_upstream_writes_total{provider=\"wordpress\",method=\"POST\",outcome=\"done\"} 0\n",
        "commongraph_operations_total{kind=\"mutation\",outcome=\"good\"} 1\n",
        "commongraph_operation_errors_total{code=\"UNCERTAIN\"} 1\n",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let lines = log.records();
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["calls"], &lines[0]["reads"]),
        (&json!("mutation"), &json!(1), &json!("SENT=1"))
    );
    assert_eq!(lines[1]["errors"], "UNCERTAIN=1");
}

async fn without_haste() -> World {
    World::with(sandbox::Settings::default(), |settings| {
        as_shipped(settings);
        settings.graph.deadline_ms = 600_000;
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.timeout_ms, upstream.write_timeout_ms) = (600_000, 600_000);
        }
    })
    .await
}

#[tokio::test]
async fn a_client_that_leaves_does_not_break_off_what_was_sent_for_it() {
    let (world, log) = (without_haste().await, Log::default());
    let _guard = log.listen_to_audit();
    let (ada, gone) = (Asker::person("ada"), id("keyring:51003"));
    let list = "{ viewer { connections(first: 50) { nodes { id } } } }";
    let has = async || world.ask("ada", list).await.to_string().contains(&gone);
    assert!(has().await);
    // The provider takes its time; the client does not wait for it.
    world.fault(json!({ "method": "POST", "latency_ms": 4_000, "when": "before", "times": 1 })).await;
    let leaving = tokio::spawn(world.gateway.request(&ada, DISCONNECT, json!({ "id": gone })).send());
    until("it was delivered", async || !world.writes().await.is_empty()).await;
    leaving.abort();
    assert!(leaving.await.is_err());
    until("it took effect", async || world.writes().await == [row("keyring.delete", "51003", 1, 1)]).await;
    until("it was written down", async || log.text().contains("connectionDisconnect")).await;
    assert_eq!(log.records()[0]["outcome"], "done");
    assert!(!has().await, "what was kept from before is put out");
    assert_eq!(world.open_calls().await, 0);
    let told = metrics::scrape(&world.gateway).await;
    assert!(told.contains("commongraph_operations_total{kind=\"mutation\",outcome=\"given_up\"} 1\n"), "{told}");
    assert!(
        told.contains("commongraph_upstream_writes_total{provider=\"wordpress\",method=\"POST\",outcome=\"done\"} 1\n")
    );
}

#[tokio::test]
async fn what_was_sent_for_a_client_that_left_is_waited_for_at_the_end() {
    let (mut world, log) = (without_haste().await, Log::default());
    let _guard = log.listen_to_audit();
    world.fault(json!({ "method": "POST", "latency_ms": 3_000, "when": "before", "times": 1 })).await;
    let request = world.gateway.request(&Asker::person("ada"), DISCONNECT, json!({ "id": id("keyring:51003") }));
    let leaving = tokio::spawn(request.send());
    until("it was delivered", async || !world.writes().await.is_empty()).await;
    leaving.abort();
    let _ = leaving.await;
    world.gateway.running.stop();
    world.gateway.running.ended().await.unwrap();
    let told: Vec<_> = log.records().iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(told, ["done"]);
}

#[tokio::test]
async fn a_command_ends_when_it_is_known_what_became_of_its_change() {
    let (world, log) = (World::start().await, Log::default());
    let _guard = log.listen_to_audit();
    let mut settings = Settings::default();
    app::point_at(&mut settings, &world.sandbox);
    settings.graph.deadline_ms = 1_000;
    (settings.wordpress.upstream.attempt_timeout_ms, settings.wordpress.upstream.read_timeout_ms) = (600_000, 600_000);
    world.fault(json!({ "method": "POST", "latency_ms": 3_000, "when": "after", "times": 1 })).await;
    let caller = QueryCaller::Operator(PersonalCredentials::parse(Some("sandbox-wpcom-ada"), None).unwrap());
    let variables = Some(json!({ "id": id("keyring:51003") }).to_string());
    let request = QueryRequest { document: DISCONNECT.to_owned(), variables, operation: None, caller };
    let reply = query::run(settings, request).await.unwrap();
    assert!(reply.json.contains("UNCERTAIN"), "{}", reply.json);
    assert!(reply.calls[0].contains(" POST /"), "{:?}", reply.calls);
    let told: Vec<_> = log.records().iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(told, ["done"], "the log knows more than the answer");
}

#[tokio::test]
async fn a_change_that_takes_longer_than_its_operation_is_uncertain_and_goes_on() {
    let (world, log) = (
        World::with(sandbox::Settings::default(), |settings| {
            as_shipped(settings);
            settings.graph.deadline_ms = 300;
            settings.oneall.upstream.write_timeout_ms = 600_000;
        })
        .await,
        Log::default(),
    );
    let _guard = log.listen_to_audit();
    world.fault(json!({ "method": "PUT", "latency_ms": 4_000, "when": "after" })).await;
    let answer = world.gateway.ask(&Asker::service("shop"), SYNCHRONIZE, json!({ "id": identity(OF_ADA) })).await;
    assert_eq!(codes(&answer), [("UNCERTAIN".to_owned(), "it".to_owned())], "{answer}");
    until("it was written down", async || log.text().contains("identitySynchronize")).await;
    assert_eq!(log.records()[0]["outcome"], "done", "the gateway came to know, though nobody waited");
    assert_eq!(world.writes().await, [row("identity.synchronize", OF_ADA, 1, 1)]);
}

#[tokio::test]
async fn a_change_may_take_longer_than_a_read() {
    let world = World::with(sandbox::Settings::default(), |settings| {
        as_shipped(settings);
        let upstream = &mut settings.oneall.upstream;
        (upstream.read_timeout_ms, upstream.attempt_timeout_ms, upstream.retries_max) = (100, 100, 0);
    })
    .await;
    world.fault(json!({ "method": "PUT", "latency_ms": 400, "when": "after" })).await;
    let bare = SYNCHRONIZE.replace("identity { id updatedAt }", "");
    let done = change(&world, &Asker::service("shop"), &bare, &identity(OF_ADA)).await;
    assert_eq!(done["userErrors"], json!([]), "the network that OneAll asks takes its time, and that is no doubt");
    assert_eq!(world.writes().await, [row("identity.synchronize", OF_ADA, 1, 1)]);
}

#[tokio::test]
async fn a_service_is_told_only_what_it_may_read_of_what_it_changed() {
    let mut asker = None;
    let world = World::with(Default::default(), |settings| {
        let scope = commongraph::auth::Scope::IdentitiesSynchronize;
        asker = Some(Asker::keyed(settings, "keeper", &[scope]));
    })
    .await;
    let answer = world.gateway.ask(&asker.unwrap(), SYNCHRONIZE, json!({ "id": identity(OF_ADA) })).await;
    assert_eq!(codes(&answer), [("FORBIDDEN".to_owned(), "it.identity".to_owned())], "{answer}");
    assert_eq!(answer["data"]["it"], json!({ "identity": null, "userErrors": [] }));
    assert_eq!(world.writes().await, [row("identity.synchronize", OF_ADA, 1, 1)]);
    // A person's own is read by them, too.
    let own = change(&world, &Asker::user(ADA), SYNCHRONIZE, &identity(OF_ADA)).await;
    assert!(own["identity"]["updatedAt"].is_string(), "{own}");
}
