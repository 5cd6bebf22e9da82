//! Tokens that are good, what is read of them, and settings that are refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use secrecy::SecretString;
use serde_json::json;

use super::forge::{AUDIENCE, ISSUER, NOW, Publisher, SECRET, Signer, USER, at, settings, shared};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_good_token_of_each_algorithm_is_taken() {
    let (p256, ed25519) = (Signer::p256(), Signer::ed25519());
    let publisher = Publisher::of(&[Signer::rsa().jwk("r"), p256.jwk("p"), ed25519.jwk("e")]);
    let verifier = publisher.verifier();
    for (kid, signer) in [("r", Signer::rsa()), ("p", &p256), ("e", &ed25519)] {
        let claims = verifier.verify(&signer.claiming(kid, &json!({})), at(NOW), LookupMode::AllowFetch).await.unwrap();
        assert_eq!(claims.subject, "auth0|ada");
        assert_eq!(claims.oneall_user.as_deref(), Some("5a4d0000-0000-4000-8000-00000000ada1"));
        assert_eq!(claims.scopes.names(), ["gateway:explain"]);
    }
    assert_eq!(publisher.fetches(), 1);
    let token = Signer::shared(SECRET.as_bytes()).token(&json!({ "alg": "HS256" }), &json!({}));
    assert!(shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn with_the_keys_at_hand_nobody_is_asked() {
    let (old, new) = (Signer::ed25519(), Signer::ed25519());
    let publisher = Publisher::of(&[old.jwk("old")]);
    let verifier = publisher.verifier();
    let (known, unknown) = (old.claiming("old", &json!({})), new.claiming("new", &json!({})));
    assert_eq!(verifier.verify(&known, at(NOW), LookupMode::CachedOnly).await, Err(CredentialError::Unavailable));
    assert!(verifier.verify(&known, at(NOW), LookupMode::AllowFetch).await.is_ok());
    publisher.publish(&[old.jwk("old"), new.jwk("new")]);
    assert!(verifier.verify(&known, at(NOW), LookupMode::CachedOnly).await.is_ok());
    assert_eq!(verifier.verify(&unknown, at(NOW), LookupMode::CachedOnly).await, Err(CredentialError::UnknownKey));
    tokio::task::yield_now().await;
    assert_eq!(publisher.fetches(), 1);
    assert!(verifier.verify(&unknown, at(NOW), LookupMode::AllowFetch).await.is_ok());
}

#[tokio::test]
async fn what_may_be_absent_may_be_absent() {
    let signer = Signer::shared(SECRET.as_bytes());
    let changes = json!({ "nbf": null, "iat": null, "scope": null, USER: null });
    let claims = shared()
        .verify(&signer.token(&json!({ "alg": "HS256" }), &changes), at(NOW), LookupMode::AllowFetch)
        .await
        .unwrap();
    assert_eq!((claims.oneall_user, claims.scopes.is_empty()), (None, true));
}

#[tokio::test]
async fn a_type_is_read_in_any_case_and_a_name_of_the_secret_means_nothing() {
    let signer = Signer::shared(SECRET.as_bytes());
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = signer.token(&json!({ "alg": "HS256", "typ": typ, "kid": "anything", "x5t": "x" }), &json!({}));
        assert!(shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.is_ok(), "{typ}");
    }
    for typ in [json!("JWS"), json!("logout+jwt"), json!("dpop+jwt"), json!(""), json!(3), json!(null)] {
        let token = signer.token(&json!({ "alg": "HS256", "typ": typ }), &json!({}));
        assert_eq!(
            shared().verify(&token, at(NOW), LookupMode::AllowFetch).await,
            Err(CredentialError::Malformed),
            "{typ}"
        );
    }
}

#[tokio::test]
async fn times_hold_to_the_second_with_thirty_of_leeway() {
    let signer = Signer::shared(SECRET.as_bytes());
    let token = signer.claiming("", &json!({ "exp": NOW + 100, "nbf": NOW }));
    let verifier = shared();
    for (when, found) in [
        (0, Err(CredentialError::NotYetValid)),
        (NOW - 31, Err(CredentialError::NotYetValid)),
        (NOW - 30, Ok(())),
        (NOW + 99, Ok(())),
        (NOW + 129, Ok(())),
        (NOW + 130, Err(CredentialError::Expired)),
        (u64::from(u32::MAX), Err(CredentialError::Expired)),
    ] {
        assert_eq!(verifier.verify(&token, at(when), LookupMode::AllowFetch).await.map(|_| ()), found, "{when}");
    }
    let before_1970 = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1);
    assert_eq!(verifier.verify(&token, before_1970, LookupMode::AllowFetch).await, Err(CredentialError::NotYetValid));
    let ends_soon = signer.claiming("", &json!({ "exp": 10, "nbf": null }));
    assert_eq!(
        verifier.verify(&ends_soon, before_1970, LookupMode::AllowFetch).await,
        Err(CredentialError::NotYetValid)
    );
}

#[tokio::test]
async fn an_audience_may_be_one_of_several_and_the_claim_of_the_user_any() {
    let settings =
        Settings { secret: Some(SecretString::from(SECRET)), oneall_user_claim: "sub".to_owned(), ..settings() };
    let verifier = Verifier::build(&settings, &|_| Err(String::new()), None).unwrap().unwrap();
    let changes = json!({ "aud": ["https://other.example", AUDIENCE], "sub": "ada-1" });
    let token = Signer::shared(SECRET.as_bytes()).claiming("", &changes);
    assert_eq!(
        verifier.verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap().oneall_user.as_deref(),
        Some("ada-1")
    );
}

#[tokio::test]
async fn nothing_that_prints_itself_prints_a_person_or_a_secret() {
    let settings = Settings { secret: Some(SecretString::from(SECRET)), ..settings() };
    let token = Signer::shared(SECRET.as_bytes()).claiming("", &json!({}));
    let claims = shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap();
    let printed = format!("{settings:?} {:?} {claims:?}", shared());
    assert!(!printed.contains(SECRET) && !printed.contains("ada"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_key_set_in_a_file_is_read_at_start_and_read_again() {
    let path = std::env::temp_dir().join(format!("commongraph-keys-{}.json", uuid::Uuid::new_v4()));
    let (first, second) = (Signer::ed25519(), Signer::ed25519());
    std::fs::write(&path, json!({ "keys": [first.jwk("1")] }).to_string()).unwrap();
    let settings = Settings { jwks_file: Some(path.clone()), ..settings() };
    let build = || Verifier::build(&settings, &|_| panic!("a file is fetched from nowhere"), None);
    let verifier = build().unwrap().unwrap();
    assert!(verifier.verify(&first.claiming("1", &json!({})), at(NOW), LookupMode::AllowFetch).await.is_ok());
    std::fs::write(&path, json!({ "keys": [second.jwk("2")] }).to_string()).unwrap();
    assert!(verifier.verify(&second.claiming("2", &json!({})), at(NOW), LookupMode::AllowFetch).await.is_ok());
    assert_eq!(
        verifier.verify(&first.claiming("1", &json!({})), at(NOW), LookupMode::AllowFetch).await,
        Err(CredentialError::UnknownKey)
    );
    std::fs::write(&path, "SECRET").unwrap();
    assert_eq!(build().unwrap_err(), "access.jwt.jwks_file: this is no key set");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(build().unwrap_err(), "access.jwt.jwks_file: the file cannot be read: entity not found");
}

#[test]
fn what_is_wrong_with_the_settings_is_told_in_one_line() {
    let good = || Settings { secret: Some(SecretString::from(SECRET)), ..settings() };
    let url = |url: &str| Settings { jwks_url: Some(url.to_owned()), ..settings() };
    let missing = |name| format!("access.jwt.{name}: is missing; issuer and audience are always checked");
    let text = |name| format!("access.jwt.{name}: wanted one text without spaces, as the tokens have it");
    let secret = "access.jwt.secret: wanted 32 bytes or more, without white space around them".to_owned();
    let address = "access.jwt.jwks_url: wanted https://host/path without user, password or fragment; plain http is \
                   for loopback hosts only"
        .to_owned();
    let wrong = [
        (Settings { issuer: None, ..good() }, missing("issuer")),
        (Settings { audience: None, ..good() }, missing("audience")),
        (Settings { issuer: Some(ISSUER.to_owned()), ..Settings::default() }, missing("audience")),
        (Settings { secret: Some(SecretString::from(SECRET)), ..Settings::default() }, missing("issuer")),
        (Settings { issuer: Some(String::new()), ..good() }, text("issuer")),
        (Settings { audience: Some("SEC RET".to_owned()), ..good() }, text("audience")),
        (Settings { audience: Some("x".repeat(1_025)), ..good() }, text("audience")),
        (
            settings(),
            "access.jwt.jwks_url: is missing; or jwks_file, or secret, for tokens to be checked with".to_owned(),
        ),
        (
            Settings { jwks_url: Some("https://SECRET.example".to_owned()), ..good() },
            "access.jwt.jwks_url: stands beside secret; only one of them can be".to_owned(),
        ),
        (
            Settings { jwks_file: Some("SECRET".into()), ..url("https://SECRET.example") },
            "access.jwt.jwks_url: stands beside jwks_file; only one of them can be".to_owned(),
        ),
        (Settings { secret: Some(SecretString::from("SECRET-of-31-bytes-is-too-short")), ..good() }, secret.clone()),
        (Settings { secret: Some(SecretString::from(format!("{SECRET}\n"))), ..good() }, secret.clone()),
        (Settings { secret: Some(SecretString::from("")), ..good() }, secret),
        (
            Settings { oneall_user_claim: String::new(), ..Settings::default() },
            "access.jwt.oneall_user_claim: wanted the name of a claim, without spaces".to_owned(),
        ),
    ];
    let addresses = [
        "http://issuer.example/SECRET",
        "ftp://127.0.0.1/SECRET",
        "https://me:SECRET@issuer.example/",
        "https://issuer.example/#SECRET",
        "SECRET",
        "",
        "file:///SECRET",
        "http://localhost.example/SECRET",
        "https://issuer.example/SEC RET",
    ];
    for (settings, line) in wrong.into_iter().chain(addresses.map(|wrong| (url(wrong), address.clone()))) {
        assert_eq!(settings.check(), Err(line));
    }
    for address in
        ["https://issuer.example/keys?v=2", "http://127.0.0.1:9/keys", "http://[::1]/keys", "http://localhost/k"]
    {
        assert_eq!(url(address).check(), Ok(()), "{address}");
    }
    assert_eq!((Settings::default().check(), Settings::default().is_set()), (Ok(()), false));
    assert!(Verifier::build(&Settings::default(), &|_| Err(String::new()), None).unwrap().is_none());
}

#[test]
fn without_a_runtime_a_key_set_is_refused_and_does_not_panic() {
    let settings = Settings { jwks_url: Some("https://issuer.example/keys".to_owned()), ..settings() };
    let built = Verifier::build(&settings, &|_| Ok(Box::new(Publisher::of(&[]))), None);
    assert_eq!(built.unwrap_err(), "the issuer's keys are kept within a tokio runtime only");
}
