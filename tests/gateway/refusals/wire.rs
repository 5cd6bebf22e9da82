//! A provider that does not answer, or does not end: what comes of it, and that the other provider's part stays.

use serde_json::{Value, json};

use crate::harness::{World, codes};

/// One field of each provider.
const QUERY: &str = "{
    wordpress: connection(by: {keyringConnectionId: \"61001\"}) { provider }
    oneall: connection(by: {connectionToken: \"5a4d0000-0000-4000-8000-000000000001\"}) { provider } }";

#[tokio::test]
async fn a_provider_that_does_not_answer_costs_its_own_field_and_no_other() {
    let faults = [
        (json!({ "refuse": true }), "PROVIDER_UNAVAILABLE", true),
        (json!({ "cut": true }), "PROVIDER_UNAVAILABLE", true),
        (json!({ "hang": "head" }), "PROVIDER_TIMEOUT", true),
        (json!({ "hang": "body" }), "PROVIDER_TIMEOUT", true),
        (json!({ "big": 300 << 10 }), "LIMIT_EXCEEDED", false),
    ];
    for (down, up) in [("wordpress", "oneall"), ("oneall", "wordpress")] {
        let world = World::with(commongraph::sandbox::Settings::default(), |settings| {
            let wordpress = down == "wordpress";
            let upstream = if wordpress { &mut settings.wordpress.upstream } else { &mut settings.oneall.upstream };
            upstream.timeout_ms = 1_000;
            upstream.body_max_bytes = 256 << 10;
        })
        .await;
        for (fault, code, retryable) in &faults {
            let mut fault = fault.clone();
            fault["provider"] = json!(down);
            world.fault(fault.clone()).await;
            let answer = world.ask("olga", QUERY).await;
            assert_eq!(codes(&answer), [((*code).to_owned(), down.to_owned())], "{fault}");
            let expected = json!({ "code": code, "retryable": retryable, "provider": down.to_uppercase() });
            assert_eq!(answer["errors"][0]["extensions"], expected, "{fault}");
            assert_eq!(answer["data"], json!({ down: Value::Null, up: { "provider": up.to_uppercase() } }), "{fault}");
        }
        world.fault(json!([])).await;
        assert_eq!(world.ask("olga", QUERY).await["errors"], json!(null));
    }
}
