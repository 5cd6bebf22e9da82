//! Tokens of common issuers and credentials that are too large, over HTTP.

use serde_json::{Value, json};

use crate::attacks::{Issuer, Key, bearer, claims, is_let_in, told};
use crate::harness::Asker;

#[tokio::test]
async fn key_sets_and_tokens_as_common_issuers_make_them_are_accepted() {
    let key = Key::new();
    let mut unnamed = key.jwk("a");
    unnamed.as_object_mut().unwrap().retain(|name, _| name != "kid" && name != "use");
    let mut renamed = key.jwk("a");
    renamed["alg"] = json!("Ed25519");
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "a", "pub": "AAAA" });
    for keys in [vec![unnamed], vec![renamed.clone()], vec![renamed.clone(), renamed.clone()], vec![unknown, renamed]] {
        let issuer = Issuer::start(keys.clone()).await;
        let world = issuer.world().await;
        for changes in [
            json!({}),
            json!({ "scope": ["openid", "gateway:explain"] }),
            json!({ "scp": "openid" }),
            json!({ "exp": 4_102_444_800.5, "nbf": 1.25, "iat": 2.5 }),
        ] {
            for alg in ["EdDSA", "Ed25519"] {
                let token = key.token(&json!({ "alg": alg, "kid": "a" }), &claims(changes.clone()));
                assert!(is_let_in(&world, &token).await, "{alg} {changes} {keys:?}");
            }
        }
        let stranger = Key::new().good("a");
        assert!(!is_let_in(&world, &stranger).await, "{keys:?}");
    }
}

#[tokio::test]
async fn a_null_claim_is_an_absent_claim() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let world = issuer.world().await;
    let mut claims = claims(json!({}));
    claims["scope"] = Value::Null;
    claims["oneall_user"] = Value::Null;
    let token = key.token(&json!({ "alg": "EdDSA", "kid": "a" }), &claims);
    let (status, answer) = told(&world, &bearer(&token)).await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "it": null })), "{answer}");
}

#[tokio::test]
async fn a_credential_that_is_too_large_is_refused_with_the_limit() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let world = issuer.world().await;
    let large = key.token(&json!({ "alg": "EdDSA", "kid": "a" }), &claims(json!({ "padding": "x".repeat(9_000) })));
    let limited = "The credential in Authorization is too large: it exceeds the limit of 8192 bytes.";
    for (asker, message) in [
        (bearer(&large), limited),
        (bearer(&format!("cg_shop_{}", "A".repeat(8_192))), limited),
        (
            Asker::alone(&"x".repeat(1_025)),
            "The token in X-WordPress-Token is too large: it exceeds the limit of 1024 bytes.",
        ),
    ] {
        let (status, answer) = told(&world, &asker).await;
        assert_eq!((status, answer["errors"][0]["message"].as_str()), (401, Some(message)), "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
    assert_eq!(json!(world.counts().await), json!({}));
}
