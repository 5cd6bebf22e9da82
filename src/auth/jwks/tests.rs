//! Key sets, valid and not, and when they are fetched, on a paused clock.
#![allow(clippy::unwrap_used)]

use jsonwebtoken::Algorithm::{ES256, EdDSA, RS256};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use super::*;
use crate::auth::jwt::forge::{Publisher, Signer, base64};

fn set(keys: &[Value]) -> Result<KeySet, &'static str> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// A JWK with one member replaced.
fn but(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn cache(publisher: &Publisher) -> JwksCache {
    JwksCache::start(Box::new(publisher.clone()), None).unwrap()
}

/// Lets the task run until it waits.
async fn settle() {
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn a_key_is_used_with_one_algorithm() {
    let (p256, ed25519) = (Signer::p256().jwk("p"), Signer::ed25519().jwk("e"));
    let rsa = Signer::rsa().jwk("r");
    let of = |jwk: &Value| set(std::slice::from_ref(jwk)).ok().map(|set| set.find(None, EdDSA).unwrap().algorithm);
    for (jwk, algorithm) in [(&rsa, RS256), (&p256, ES256), (&ed25519, EdDSA)] {
        assert_eq!(of(jwk), Some(algorithm));
        for name in [
            "RS256", "ES256", "EdDSA", "Ed25519", "Ed448", "PS256", "RS384", "RS512", "ES384", "HS256", "none",
            "RSA-OAEP",
        ] {
            let fits = name == format!("{algorithm:?}") || (name == "Ed25519" && algorithm == EdDSA);
            assert_eq!(of(&but(jwk.clone(), "alg", name.into())).is_some(), fits, "{name} {algorithm:?}");
        }
    }
}

#[test]
fn an_unusable_key_is_ignored() {
    let good = Signer::ed25519().jwk("good");
    let (rsa, p256, ed) = (Signer::rsa().jwk("x"), Signer::p256().jwk("x"), Signer::ed25519().jwk("x"));
    let small = base64(&[0xff; 128]);
    let mut padded = vec![0; 200];
    padded.extend([0xff; 128]);
    for bad in [
        Signer::shared(b"0123456789012345678901234567890123456789").jwk("x"),
        but(ed.clone(), "use", "enc".into()),
        but(ed.clone(), "key_ops", json!(["sign"])),
        but(ed.clone(), "key_ops", json!([])),
        but(ed.clone(), "key_ops", "verify".into()),
        but(ed.clone(), "d", "AAAA".into()),
        but(rsa.clone(), "d", 3.into()),
        but(ed.clone(), "crv", "Ed448".into()),
        but(ed.clone(), "crv", "X25519".into()),
        but(ed.clone(), "x", base64(&[1; 31]).into()),
        but(ed.clone(), "x", "not base64".into()),
        but(ed.clone(), "kid", "".into()),
        but(ed.clone(), "kid", "k".repeat(KID_MAX_BYTES + 1).into()),
        but(ed.clone(), "kid", 3.into()),
        but(ed, "kty", "EC".into()),
        but(p256.clone(), "crv", "P-384".into()),
        but(p256.clone(), "crv", "secp256k1".into()),
        but(p256.clone(), "x", base64(&[1; 32]).into()),
        but(p256.clone(), "y", base64(&[1; 33]).into()),
        but(p256, "y", Value::Null),
        but(rsa.clone(), "n", small.into()),
        but(rsa.clone(), "n", base64(&padded).into()),
        but(rsa.clone(), "n", base64(&[0xff; 1_025]).into()),
        but(rsa.clone(), "n", "".into()),
        but(rsa.clone(), "n", "AAAA".into()),
        but(rsa.clone(), "e", "AQ".into()),
        but(rsa.clone(), "e", "".into()),
        but(rsa.clone(), "e", "AQAA".into()),
        but(rsa, "kty", "rsa".into()),
        json!({}),
        json!(null),
        json!("key"),
        json!([]),
    ] {
        let taken = set(&[bad.clone(), good.clone()]).unwrap();
        assert!(taken.find(Some("good"), EdDSA).is_some() && taken.find(None, EdDSA).is_some(), "{bad}");
        assert!(set(std::slice::from_ref(&bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_malformed_or_oversized_set_is_refused() {
    let good = Signer::ed25519().jwk("good");
    let text = json!({ "keys": [good] }).to_string();
    for bad in [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"keys\":{}}".to_owned(),
        "{\"keys\":[]}".to_owned(),
        format!("\u{FEFF}{text}"),
        format!("{text}{text}"),
        text[..text.len() - 1].to_owned(),
        format!("{{\"keys\":[],{}", &text[1..]),
        format!("{text}{}", " ".repeat(BODY_MAX_BYTES)),
        format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        assert!(KeySet::parse(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(80)]);
    }
    let many = |count| {
        set(&vec![but(Value::Null, "kty", "oct".into()); count].into_iter().chain([good.clone()]).collect::<Vec<_>>())
    };
    assert!(many(KEYS_MAX - 1).is_ok() && many(KEYS_MAX).is_err());
}

#[test]
fn a_key_is_found_by_its_id_and_the_only_key_without_one() {
    let unnamed = but(Signer::ed25519().jwk("x"), "kid", Value::Null);
    let one = set(std::slice::from_ref(&unnamed)).unwrap();
    assert!(one.find(None, EdDSA).is_some() && one.find(Some("x"), EdDSA).is_some());
    assert!(one.find(Some("x"), RS256).is_none(), "the only key is of another algorithm");
    let two = set(&[Signer::ed25519().jwk("a"), Signer::ed25519().jwk("b")]).unwrap();
    assert!(two.find(None, EdDSA).is_none() && two.find(Some("a"), EdDSA).is_some());
    assert!(two.find(Some("A"), EdDSA).is_none());
    let mixed = set(&[unnamed.clone(), Signer::ed25519().jwk("a")]).unwrap();
    assert!(mixed.find(Some("x"), EdDSA).is_none() && mixed.find(None, EdDSA).is_none());
    let named = set(&[Signer::ed25519().jwk("a")]).unwrap();
    assert!(named.find(Some("x"), EdDSA).is_none(), "an ID is never ignored where the key has one");
}

#[test]
fn a_key_listed_twice_counts_once_and_distinct_keys_with_one_id_are_ignored() {
    let (key, other) = (Signer::ed25519().jwk("a"), Signer::ed25519().jwk("a"));
    let p256 = Signer::p256().jwk("a");
    let twice = set(&[key.clone(), key.clone()]).unwrap();
    assert!(twice.find(Some("a"), EdDSA).is_some() && twice.find(None, EdDSA).is_some());
    let described = but(but(key.clone(), "alg", "EdDSA".into()), "x5t", "AAAA".into());
    assert!(set(&[key.clone(), described]).unwrap().find(Some("a"), EdDSA).is_some());
    let unnamed = but(key.clone(), "kid", Value::Null);
    assert!(set(&[unnamed.clone(), unnamed.clone()]).unwrap().find(None, EdDSA).is_some());
    let renamed = but(key.clone(), "kid", "b".into());
    let names = set(&[key.clone(), renamed]).unwrap();
    assert!(names.find(Some("b"), EdDSA).is_some() && names.find(None, EdDSA).is_some());
    assert!(set(&[key.clone(), other.clone()]).is_err(), "it is not known which of the two is meant");
    let kinds = set(&[key.clone(), p256.clone()]).unwrap();
    assert_eq!(kinds.find(Some("a"), ES256).unwrap().algorithm, ES256);
    assert_eq!(kinds.find(Some("a"), EdDSA).unwrap().algorithm, EdDSA);
    assert_eq!(kinds.find(Some("a"), RS256).map(|key| key.algorithm == RS256), Some(false));
    let mixed = set(&[key, other, p256, Signer::ed25519().jwk("b")]).unwrap();
    assert_eq!(mixed.find(Some("a"), EdDSA).unwrap().algorithm, ES256);
    assert!(mixed.find(Some("b"), EdDSA).is_some() && mixed.find(None, EdDSA).is_none());
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_start_and_every_ten_minutes() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let cache = cache(&publisher);
    assert!(cache.key(Some("1"), EdDSA).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("2")]);
    advance(REFRESH_INTERVAL - Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(publisher.fetches(), 1);
    advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(publisher.fetches(), 2);
    assert_eq!(cache.key(Some("1"), EdDSA).await.unwrap_err(), CredentialError::UnknownKey);
    assert!(cache.key(Some("2"), EdDSA).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_causes_one_fetch_a_minute_that_all_wait_for() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("old")]);
    let cache = cache(&publisher);
    assert!(cache.key(Some("old"), EdDSA).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("new")]);
    let asked = futures_util::future::join_all((0..50).map(|_| cache.key(Some("new"), EdDSA))).await;
    assert!(asked.iter().all(Result::is_ok));
    assert_eq!(publisher.fetches(), 2);
    for name in ["../../etc/passwd", "' OR 1=1 --", "old", ""] {
        assert_eq!(cache.key(Some(name), EdDSA).await.unwrap_err(), CredentialError::UnknownKey, "{name}");
    }
    assert_eq!(publisher.fetches(), 2);
    advance(UNKNOWN_KID_INTERVAL).await;
    assert_eq!(cache.key(Some("newer"), EdDSA).await.unwrap_err(), CredentialError::UnknownKey);
    assert_eq!(cache.key(Some("newest"), EdDSA).await.unwrap_err(), CredentialError::UnknownKey);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_disconnects_cancels_no_fetch() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("old")]).taking(Duration::from_secs(1));
    let cache = cache(&publisher);
    assert!(cache.key(Some("old"), EdDSA).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("new")]);
    assert!(timeout(Duration::from_millis(10), cache.key(Some("new"), EdDSA)).await.is_err());
    assert!(cache.key(Some("new"), EdDSA).await.is_ok());
    assert_eq!(publisher.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_stay_while_fetches_fail() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let cache = cache(&publisher);
    assert!(cache.key(Some("1"), EdDSA).await.is_ok());
    publisher.go_down();
    for body in [None, Some("nonsense"), Some("{\"keys\":[]}")] {
        if let Some(body) = body {
            publisher.respond(body.into());
        }
        let before = publisher.fetches();
        advance(REFRESH_INTERVAL).await;
        settle().await;
        assert!(publisher.fetches() > before);
        assert!(cache.key(Some("1"), EdDSA).await.is_ok());
    }
    publisher.publish(&[Signer::ed25519().jwk("2")]);
    advance(RETRY_INTERVAL).await;
    settle().await;
    assert!(cache.key(Some("2"), EdDSA).await.is_ok() && cache.key(Some("1"), EdDSA).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_keys_no_token_is_accepted_and_waiting_is_bounded() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]).taking(Duration::from_secs(60));
    let cache = cache(&publisher);
    let begin = Instant::now();
    assert_eq!(cache.key(Some("1"), EdDSA).await.unwrap_err(), CredentialError::Unavailable);
    assert_eq!(begin.elapsed(), WAIT_TIMEOUT);
    // The fetch has timed out by now, and the next one has not started.
    advance(FETCH_TIMEOUT - WAIT_TIMEOUT + Duration::from_millis(1)).await;
    settle().await;
    let begin = Instant::now();
    assert_eq!(cache.key(None, EdDSA).await.unwrap_err(), CredentialError::Unavailable);
    assert_eq!((begin.elapsed(), publisher.fetches()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_fetch_is_retried_soon() {
    let publisher = Publisher::of(&[]);
    publisher.go_down();
    let cache = cache(&publisher);
    assert_eq!(cache.key(Some("1"), EdDSA).await.unwrap_err(), CredentialError::Unavailable);
    publisher.publish(&[Signer::ed25519().jwk("1")]);
    advance(RETRY_INTERVAL).await;
    settle().await;
    assert!(cache.key(Some("1"), EdDSA).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_after_the_cache_is_dropped() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let cache = cache(&publisher);
    assert!(cache.key(Some("1"), EdDSA).await.is_ok());
    drop(cache);
    advance(10 * REFRESH_INTERVAL).await;
    settle().await;
    assert_eq!(publisher.fetches(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = KeySet::parse(&body);
        let _ = set(&[json!({ "kty": "RSA", "n": text, "e": text }), json!({ "kty": text, "crv": "P-256" })]);
    }
}
