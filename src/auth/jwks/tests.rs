//! Key sets good and bad, and when they are fetched; on a clock that tests move.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use super::*;
use crate::auth::jwt::forge::{Publisher, Signer, base64};

fn set(keys: &[Value]) -> Result<Set, &'static str> {
    Set::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// A key of the set, changed.
fn but(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn ring(publisher: &Publisher) -> JwksCache {
    JwksCache::start(Box::new(publisher.clone()), None).unwrap()
}

/// Lets the fetching task go on until nothing is left to do at this instant.
async fn settle() {
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn a_key_is_taken_for_its_one_algorithm() {
    let (p256, ed25519) = (Signer::p256().jwk("p"), Signer::ed25519().jwk("e"));
    let rsa = Signer::rsa().jwk("r");
    let of = |jwk: &Value| set(std::slice::from_ref(jwk)).ok().map(|set| set.key(None).unwrap().algorithm);
    use jsonwebtoken::Algorithm::{ES256, EdDSA, RS256};
    for (jwk, algorithm) in [(&rsa, RS256), (&p256, ES256), (&ed25519, EdDSA)] {
        assert_eq!(of(jwk), Some(algorithm));
        for name in ["RS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", "ES384", "HS256", "none", "RSA-OAEP"] {
            let fits = name == format!("{algorithm:?}");
            assert_eq!(of(&but(jwk.clone(), "alg", name.into())).is_some(), fits, "{name} {algorithm:?}");
        }
    }
}

#[test]
fn a_key_of_no_use_is_passed_over() {
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
        but(ed.clone(), "kid", "k".repeat(KID_LENGTH_MAX + 1).into()),
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
        assert!(taken.key(Some("good")).is_some() && taken.key(None).is_some(), "{bad}");
        assert!(set(std::slice::from_ref(&bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_set_that_is_none_or_too_large_is_refused() {
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
        assert!(Set::parse(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(80)]);
    }
    let many = |count| {
        set(&vec![but(Value::Null, "kty", "oct".into()); count].into_iter().chain([good.clone()]).collect::<Vec<_>>())
    };
    assert!(many(KEYS_MAX - 1).is_ok() && many(KEYS_MAX).is_err());
}

#[test]
fn a_name_is_needed_where_there_are_several_and_names_one_key_or_none() {
    let key = || Signer::ed25519();
    let unnamed = but(key().jwk("x"), "kid", Value::Null);
    let one = set(std::slice::from_ref(&unnamed)).unwrap();
    assert!(one.key(None).is_some() && one.key(Some("x")).is_none());
    let two = set(&[key().jwk("a"), key().jwk("b")]).unwrap();
    assert!(two.key(None).is_none() && two.key(Some("a")).is_some() && two.key(Some("A")).is_none());
    let twice = set(&[key().jwk("a"), key().jwk("b"), key().jwk("a"), Signer::p256().jwk("a")]).unwrap();
    assert!(twice.key(Some("a")).is_none() && twice.key(Some("b")).is_some());
    assert!(set(&[unnamed.clone(), unnamed]).unwrap().key(None).is_none());
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_start_and_every_ten_minutes_whether_asked_or_not() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let ring = ring(&publisher);
    assert!(ring.key(Some("1")).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("2")]);
    advance(FRESH - Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(publisher.fetches(), 1);
    advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(publisher.fetches(), 2);
    assert_eq!(ring.key(Some("1")).await.unwrap_err(), CredentialError::UnknownKey);
    assert!(ring.key(Some("2")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_fetches_once_a_minute_and_all_wait_for_that_one() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("old")]);
    let ring = ring(&publisher);
    assert!(ring.key(Some("old")).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("new")]);
    let asked = futures_util::future::join_all((0..50).map(|_| ring.key(Some("new")))).await;
    assert!(asked.iter().all(Result::is_ok));
    assert_eq!(publisher.fetches(), 2);
    for name in ["../../etc/passwd", "' OR 1=1 --", "old", ""] {
        assert_eq!(ring.key(Some(name)).await.unwrap_err(), CredentialError::UnknownKey, "{name}");
    }
    assert_eq!(publisher.fetches(), 2);
    advance(UNKNOWN).await;
    assert_eq!(ring.key(Some("newer")).await.unwrap_err(), CredentialError::UnknownKey);
    assert_eq!(ring.key(Some("newest")).await.unwrap_err(), CredentialError::UnknownKey);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_ends_no_fetch() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("old")]).taking(Duration::from_secs(1));
    let ring = ring(&publisher);
    assert!(ring.key(Some("old")).await.is_ok());
    publisher.publish(&[Signer::ed25519().jwk("new")]);
    assert!(timeout(Duration::from_millis(10), ring.key(Some("new"))).await.is_err());
    assert!(ring.key(Some("new")).await.is_ok());
    assert_eq!(publisher.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_stay_while_the_issuer_is_down_or_sends_nonsense() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let ring = ring(&publisher);
    assert!(ring.key(Some("1")).await.is_ok());
    publisher.go_down();
    for body in [None, Some("nonsense"), Some("{\"keys\":[]}")] {
        if let Some(body) = body {
            publisher.answer(body.into());
        }
        let before = publisher.fetches();
        advance(FRESH).await;
        settle().await;
        assert!(publisher.fetches() > before);
        assert!(ring.key(Some("1")).await.is_ok());
    }
    publisher.publish(&[Signer::ed25519().jwk("2")]);
    advance(AGAIN).await;
    settle().await;
    assert!(ring.key(Some("2")).await.is_ok() && ring.key(Some("1")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_keys_nothing_is_good_and_nobody_waits_long() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]).taking(Duration::from_secs(60));
    let ring = ring(&publisher);
    let begin = Instant::now();
    assert_eq!(ring.key(Some("1")).await.unwrap_err(), CredentialError::Unavailable);
    assert_eq!(begin.elapsed(), WAIT_MAX);
    // The fetch is given up by now, and the next has not begun.
    advance(FETCH_MAX - WAIT_MAX + Duration::from_millis(1)).await;
    settle().await;
    let begin = Instant::now();
    assert_eq!(ring.key(None).await.unwrap_err(), CredentialError::Unavailable);
    assert_eq!((begin.elapsed(), publisher.fetches()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_was_down_at_start_is_tried_again_soon() {
    let publisher = Publisher::of(&[]);
    publisher.go_down();
    let ring = ring(&publisher);
    assert_eq!(ring.key(Some("1")).await.unwrap_err(), CredentialError::Unavailable);
    publisher.publish(&[Signer::ed25519().jwk("1")]);
    advance(AGAIN).await;
    settle().await;
    assert!(ring.key(Some("1")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_once_the_ring_is_dropped() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    let ring = ring(&publisher);
    assert!(ring.key(Some("1")).await.is_ok());
    drop(ring);
    advance(10 * FRESH).await;
    settle().await;
    assert_eq!(publisher.fetches(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_no_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = Set::parse(&body);
        let _ = set(&[json!({ "kty": "RSA", "n": text, "e": text }), json!({ "kty": text, "crv": "P-256" })]);
    }
}
