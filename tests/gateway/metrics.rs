//! What is counted, and who may read it.

use std::net::{Ipv4Addr, SocketAddr};

use commongraph::metrics::METRICS;
use reqwest::{StatusCode, header};
use serde_json::json;

use crate::harness::{Asker, Gateway, World, as_shipped, codes};
use crate::wire::{Wire, post};

const ME: &str = "query Canary { viewer { wordpressUser { displayName } } }";

fn url(gateway: &Gateway) -> String {
    gateway.url().replace("/graphql", "/metrics")
}

/// The metrics, as the service with every scope reads them.
pub async fn scrape(gateway: &Gateway) -> String {
    let response = ask(gateway, &Asker::service("shop")).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

async fn ask(gateway: &Gateway, asker: &Asker) -> reqwest::Response {
    let request = gateway.client.get(url(gateway));
    asker.0.iter().fold(request, |request, (name, value)| request.header(*name, value)).send().await.unwrap()
}

/// The value of one series.
pub fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series} in {text}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_service_with_the_scope_reads_every_metric_with_its_help() {
    let world = World::start().await;
    let response = ask(&world.gateway, &Asker::service("shop")).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-store");
    let text = response.text().await.unwrap();
    for row in &METRICS {
        assert!(text.contains(&format!("# HELP {} {}.\n", row.family(), row.help)), "{} in {text}", row.name);
    }
}

#[tokio::test]
async fn nobody_else_reads_them() {
    let world = World::start().await;
    let nobody = ask(&world.gateway, &Asker::nobody()).await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    assert!(nobody.headers().contains_key(header::WWW_AUTHENTICATE));
    let wrong = Asker::nobody().with("Authorization", "Bearer cg_nobody_0000000000000000000000000000000000000000000");
    assert_eq!(ask(&world.gateway, &wrong).await.status(), StatusCode::UNAUTHORIZED);
    for asker in [Asker::service("report"), Asker::user("some-user"), Asker::person("ada")] {
        let refused = ask(&world.gateway, &asker).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let answer = refused.json().await.unwrap();
        assert_eq!(codes(&answer)[0].0, "FORBIDDEN");
        assert_eq!(answer["errors"][0]["extensions"]["scope"], "gateway:metrics");
    }
    let posted = world.gateway.client.post(url(&world.gateway)).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_was_asked_and_read_is_counted() {
    let world = World::with(Default::default(), |settings| {
        as_shipped(settings);
        settings.wordpress.upstream.retries_max = 0;
    })
    .await;
    for _ in 0..2 {
        world.ask("olga", ME).await;
    }
    world.ask("olga", "{ nothing }").await;
    world.fault(json!({ "status": 500 })).await;
    assert_eq!(codes(&world.ask("olga", "{ viewer { applications { totalCount } } }").await).len(), 1);
    let text = scrape(&world.gateway).await;
    for (series, expected) in [
        ("commongraph_operations_total{kind=\"query\",outcome=\"good\"}", 2.0),
        ("commongraph_operations_total{kind=\"unknown\",outcome=\"refused\"}", 1.0),
        ("commongraph_operation_errors_total{code=\"BAD_INPUT\"}", 1.0),
        ("commongraph_operation_errors_total{code=\"PROVIDER_UNAVAILABLE\"}", 1.0),
        ("commongraph_operation_duration_seconds_count{kind=\"query\"}", 3.0),
        ("commongraph_http_requests_total{class=\"2xx\"}", 4.0),
        ("commongraph_http_requests_in_flight", 1.0),
        ("commongraph_upstream_reads_total{provider=\"wordpress\",verdict=\"MISS\"}", 2.0),
        ("commongraph_upstream_reads_total{provider=\"wordpress\",verdict=\"HIT\"}", 1.0),
        ("commongraph_upstream_calls_total{provider=\"wordpress\",outcome=\"good\"}", 1.0),
        ("commongraph_upstream_calls_total{provider=\"wordpress\",outcome=\"down\"}", 1.0),
        ("commongraph_upstream_call_duration_seconds_count{provider=\"wordpress\"}", 2.0),
        ("commongraph_upstream_breaker_state{provider=\"wordpress\",state=\"closed\"}", 1.0),
        ("commongraph_upstream_calls_in_flight{provider=\"wordpress\"}", 0.0),
        ("commongraph_upstream_cache_entries{provider=\"wordpress\"}", 1.0),
    ] {
        assert_eq!(value(&text, series), expected, "{series} in {text}");
    }
    assert!(value(&text, "commongraph_http_connections_open") >= 1.0);
    assert!(value(&text, "commongraph_upstream_cache_bytes{provider=\"wordpress\"}") > 0.0);
    assert!(!text.contains("Canary"), "an operation's name is the client's own");
}

#[tokio::test]
async fn requests_that_have_to_come_again_are_counted() {
    let world = World::with(Default::default(), |settings| settings.limits.anonymous_requests_per_minute = 1).await;
    for _ in 0..3 {
        world.gateway.ask(&Asker::nobody(), "{ __typename }", json!({})).await;
    }
    assert_eq!(value(&scrape(&world.gateway).await, "commongraph_http_refusals_total{status=\"429\"}"), 2.0);
}

#[tokio::test]
async fn what_was_counted_outlasts_a_reload_and_the_gauges_are_of_the_hosts_in_use() {
    let world = World::start().await;
    let mut settings = commongraph::config::Settings::default();
    commongraph::app::point_at(&mut settings, &world.sandbox);
    settings.http.listen.set_port(0);
    settings.http.drain.grace_ms = 0;
    let running = commongraph::app::start(&settings, Vec::new()).await.unwrap();
    let gateway = Gateway { running, client: world.gateway.client.clone() };
    let entries = "commongraph_upstream_cache_entries{provider=\"wordpress\"}";
    gateway.ask(&Asker::person("olga"), ME, json!({})).await;
    assert_eq!(value(&scrape(&gateway).await, entries), 1.0);
    gateway.running.reload(&settings).unwrap();
    assert_eq!(value(&scrape(&gateway).await, entries), 1.0, "the host is the same");
    settings.wordpress.cache.absent_seconds += 1;
    gateway.running.reload(&settings).unwrap();
    let text = scrape(&gateway).await;
    assert_eq!(value(&text, "commongraph_operations_total{kind=\"query\",outcome=\"good\"}"), 1.0);
    assert_eq!(value(&text, entries), 0.0, "the host is a new one");
}

#[tokio::test]
async fn a_listener_of_their_own_gives_them_without_a_credential_and_nothing_else() {
    let gateway = Gateway::start(|settings| {
        settings.http.metrics_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    })
    .await;
    gateway.ask(&Asker::nobody(), "{ __typename }", json!({})).await;
    let base = format!("http://{}", gateway.running.metrics_address().unwrap());
    let get = async |path: &str, host: Option<&str>| {
        let request = gateway.client.get(format!("{base}{path}"));
        host.map_or_else(|| request.try_clone().unwrap(), |host| request.try_clone().unwrap().header("Host", host))
            .send()
            .await
            .unwrap()
    };
    let text = get("/metrics", None).await.text().await.unwrap();
    assert_eq!(value(&text, "commongraph_operations_total{kind=\"query\",outcome=\"good\"}"), 1.0);
    assert_eq!(value(&text, "commongraph_http_connections_open"), 1.0, "its own connections are not counted");
    for path in ["/", "/graphql", "/schema.graphql", "/health/ready"] {
        assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get("/metrics", Some("evil.example")).await.status(), StatusCode::MISDIRECTED_REQUEST);
    let none = Gateway::start(|_| {}).await;
    assert_eq!(none.running.metrics_address(), None);
}

#[tokio::test]
async fn their_listener_counts_its_connections_apart_from_the_others() {
    let gateway = Gateway::start(|settings| {
        settings.http.metrics_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        settings.http.limits.connections_max = 1;
        settings.http.limits.connections_per_address_max = 1;
    })
    .await;
    let mut graph = Wire::open(gateway.running.address).await;
    let mut metrics = Wire::open(gateway.running.metrics_address().unwrap()).await;
    for _ in 0..2 {
        graph.say(&post("{ __typename }", "")).await;
        assert_eq!(graph.reply().await.unwrap().status, 200);
        metrics.say("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(metrics.reply().await.unwrap().status, 200);
    }
}
