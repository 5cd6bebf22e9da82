//! Other settings while the gateway runs: what it remembers stays, except where the settings that it was made from differ.

use commongraph::config::Settings;
use commongraph::graph::Introspection;
use secrecy::SecretString;
use serde_json::json;

use crate::harness::{Asker, World, as_shipped, codes};

const ME: &str = "{ viewer { wordpressUser { displayName } } }";
const USER: &str = "{ viewer { oneallUser { loginCount } } }";

/// A world, and the settings of its gateway.
async fn start(change: impl FnOnce(&mut Settings)) -> (World, Settings) {
    let mut kept = Settings::default();
    let world = World::with(Default::default(), |settings| {
        as_shipped(settings);
        change(settings);
        kept = settings.clone();
    })
    .await;
    (world, kept)
}

/// The gateway takes the settings with this change, which has nothing to do with a provider or a caller.
fn reload(world: &World, settings: &mut Settings, change: impl FnOnce(&mut Settings)) {
    settings.graph.introspection = Introspection::None;
    change(settings);
    world.gateway.running.reload(settings).unwrap();
}

#[tokio::test]
async fn what_was_read_is_kept_over_a_reload() {
    let (world, mut settings) = start(|_| {}).await;
    for query in [ME, USER] {
        assert!(world.ask("ada", query).await["errors"].is_null());
    }
    world.counts().await;
    reload(&world, &mut settings, |_| {});
    for query in [ME, USER] {
        assert!(world.ask("ada", query).await["errors"].is_null());
    }
    assert_eq!(json!(world.counts().await), json!({}));
    let told = world.ask("ada", "{ __schema { queryType { name } } }").await;
    assert!(told["errors"].is_array(), "the new settings hold: {told}");
}

#[tokio::test]
async fn a_provider_whose_settings_differ_begins_anew_and_the_other_does_not() {
    let (world, mut settings) = start(|_| {}).await;
    for query in [ME, USER] {
        world.ask("ada", query).await;
    }
    world.counts().await;
    reload(&world, &mut settings, |settings| settings.oneall.private_key = Some(SecretString::from("another")));
    assert!(world.ask("ada", ME).await["errors"].is_null());
    assert_eq!(json!(world.counts().await), json!({}));
    // OneAll does not accept that key, which is found out by a call: nothing that another key read is left.
    assert!(world.ask("ada", USER).await["errors"].is_array());
    assert!(world.counts().await.values().sum::<u64>() > 0);
    reload(&world, &mut settings, |settings| settings.wordpress.fresh.me_seconds += 1);
    assert!(world.ask("ada", ME).await["errors"].is_null());
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": 1 }));
}

/// Holds a gateway that is set anew so to what a host asked for: once after it shut out a credential, once after it broke down.
async fn heeds(once: impl FnOnce(&mut Settings), again: impl FnOnce(&mut Settings)) {
    let (world, mut settings) = start(|_| {}).await;
    world.fault(json!({ "provider": "wordpress", "throttle": true, "times": 1 })).await;
    assert_eq!(codes(&world.ask("ben", ME).await)[0].0, "RATE_LIMITED");
    reload(&world, &mut settings, once);
    world.counts().await;
    assert_eq!(codes(&world.ask("ben", ME).await)[0].0, "RATE_LIMITED");
    assert_eq!(json!(world.counts().await), json!({}));

    world.fault(json!({ "provider": "wordpress", "status": 500 })).await;
    for _ in 0..20 {
        world.ask("ada", ME).await;
    }
    world.counts().await;
    reload(&world, &mut settings, again);
    assert!(world.ask("ada", "{ providers { circuit } }").await.to_string().contains("OPEN"));
    assert_eq!(codes(&world.ask("ada", ME).await)[0].0, "PROVIDER_UNAVAILABLE");
    assert_eq!(json!(world.counts().await), json!({}));
}

#[tokio::test]
async fn a_host_that_is_left_alone_and_a_credential_that_is_shut_out_stay_so() {
    heeds(|_| {}, |_| {}).await;
}

#[tokio::test]
async fn a_provider_whose_settings_differ_still_heeds_what_its_host_asked_for() {
    let (fresh, upstream) = (
        |settings: &mut Settings| settings.wordpress.fresh.me_seconds += 1,
        |settings: &mut Settings| settings.wordpress.upstream.attempt_timeout_ms -= 1,
    );
    heeds(fresh, upstream).await;
}

#[tokio::test]
async fn what_callers_took_and_what_is_held_against_an_address_stays() {
    let (world, mut settings) = start(|settings| {
        settings.limits.user_requests_per_minute = 1;
        settings.limits.failures_per_minute = 1;
    })
    .await;
    let status = async |asker: &Asker| {
        let request = world.gateway.request(asker, "{ __typename }", json!({}));
        request.send().await.unwrap().status().as_u16()
    };
    let (ada, forger) = (Asker::user("ada"), Asker::nobody().with("Authorization", "Bearer cg_a_b"));
    assert_eq!((status(&ada).await, status(&ada).await), (200, 429));
    assert_eq!((status(&forger).await, status(&forger).await), (401, 401));
    reload(&world, &mut settings, |_| {});
    assert_eq!((status(&forger).await, status(&ada).await), (429, 429));
    reload(&world, &mut settings, |settings| settings.limits.user_requests_per_minute = 2);
    assert_eq!(status(&ada).await, 200, "other limits begin anew");
}
