//! Valid tokens, what is read from them, and settings that are refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use secrecy::SecretString;
use serde_json::json;

use super::forge::{AUDIENCE, ISSUER, NOW, Publisher, SECRET, Signer, USER, at, claims, settings, shared};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_valid_token_of_each_algorithm_is_accepted() {
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
async fn with_cached_keys_only_nothing_is_fetched() {
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
async fn optional_claims_may_be_absent_or_null() {
    let signer = Signer::shared(SECRET.as_bytes());
    let absent = claims(&json!({ "nbf": null, "iat": null, "scope": null, USER: null }));
    let mut null = absent.clone();
    ["scope", "scp", USER].iter().for_each(|name| null[name] = json!(null));
    for payload in [absent, null] {
        let token = signer.raw("{\"alg\":\"HS256\"}", &payload.to_string());
        let claims = shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap();
        assert_eq!((claims.oneall_user, claims.scopes.is_empty()), (None, true), "{payload}");
    }
}

#[tokio::test]
async fn a_type_has_any_case_and_a_key_id_is_ignored_with_a_shared_secret() {
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
async fn times_have_thirty_seconds_of_leeway() {
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
async fn times_may_have_a_fraction() {
    let signer = Signer::shared(SECRET.as_bytes());
    let now = NOW as f64;
    let token = signer.claiming("", &json!({ "exp": now + 100.75, "nbf": now + 0.25, "iat": now - 0.5 }));
    let verifier = shared();
    let at = |seconds: f64| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs_f64(seconds);
    for (when, found) in [
        (now - 29.5, Ok(())),
        (now - 30.0, Err(CredentialError::NotYetValid)),
        (now + 130.5, Ok(())),
        (now + 130.75, Err(CredentialError::Expired)),
    ] {
        assert_eq!(verifier.verify(&token, at(when), LookupMode::AllowFetch).await.map(|_| ()), found, "{when}");
    }
}

#[tokio::test]
async fn scopes_are_a_text_or_a_list_in_scope_or_else_in_scp() {
    let signer = Signer::shared(SECRET.as_bytes());
    let both = ["gateway:explain", "gateway:no-cache"];
    for (changes, expected) in [
        (json!({ "scope": "openid gateway:explain gateway:no-cache" }), &both[..]),
        (json!({ "scope": ["openid", "gateway:explain", "gateway:no-cache"] }), &both),
        (json!({ "scope": [] }), &[]),
        (json!({ "scope": "" }), &[]),
        // One entry of a list is one scope.
        (json!({ "scope": ["gateway:explain gateway:no-cache"] }), &[]),
        (json!({ "scope": null, "scp": "gateway:explain" }), &both[..1]),
        (json!({ "scope": null, "scp": ["gateway:explain"] }), &both[..1]),
        (json!({ "scope": "openid", "scp": ["gateway:explain"] }), &[]),
    ] {
        let token = signer.claiming("", &changes);
        let claims = shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap();
        assert_eq!(claims.scopes.names(), expected, "{changes}");
    }
}

#[tokio::test]
async fn the_audience_may_be_in_a_list_and_the_user_claim_can_be_chosen() {
    let settings =
        Settings { secret: Some(SecretString::from(SECRET)), oneall_user_claim: "sub".to_owned(), ..settings() };
    let verifier = Verifier::with_source(&settings, &|_| Err(String::new()), None).unwrap().unwrap();
    let changes = json!({ "aud": ["https://other.example", AUDIENCE], "sub": "ada-1" });
    let token = Signer::shared(SECRET.as_bytes()).claiming("", &changes);
    assert_eq!(
        verifier.verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap().oneall_user.as_deref(),
        Some("ada-1")
    );
}

#[tokio::test]
async fn debug_output_contains_no_person_and_no_secret() {
    let settings = Settings { secret: Some(SecretString::from(SECRET)), ..settings() };
    let token = Signer::shared(SECRET.as_bytes()).claiming("", &json!({}));
    let claims = shared().verify(&token, at(NOW), LookupMode::AllowFetch).await.unwrap();
    let printed = format!("{settings:?} {:?} {claims:?}", shared());
    assert!(!printed.contains(SECRET) && !printed.contains("ada"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_key_set_in_a_file_is_read_at_start_and_at_each_refresh() {
    let path = std::env::temp_dir().join(format!("commongraph-keys-{}.json", uuid::Uuid::new_v4()));
    let (first, second) = (Signer::ed25519(), Signer::ed25519());
    std::fs::write(&path, json!({ "keys": [first.jwk("1")] }).to_string()).unwrap();
    let settings = Settings { jwks_file: Some(path.clone()), ..settings() };
    let build = || Verifier::with_source(&settings, &|_| panic!("a file causes no fetch"), None);
    let verifier = build().unwrap().unwrap();
    assert!(verifier.verify(&first.claiming("1", &json!({})), at(NOW), LookupMode::AllowFetch).await.is_ok());
    std::fs::write(&path, json!({ "keys": [second.jwk("2")] }).to_string()).unwrap();
    assert!(verifier.verify(&second.claiming("2", &json!({})), at(NOW), LookupMode::AllowFetch).await.is_ok());
    assert_eq!(
        verifier.verify(&first.claiming("1", &json!({})), at(NOW), LookupMode::AllowFetch).await,
        Err(CredentialError::UnknownKey)
    );
    std::fs::write(&path, "SECRET").unwrap();
    assert_eq!(build().unwrap_err(), "access.jwt.jwks_file: not a JWK set");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(build().unwrap_err(), "access.jwt.jwks_file: the file cannot be read: entity not found");
}

#[test]
fn wrong_settings_are_reported_in_one_line() {
    let good = || Settings { secret: Some(SecretString::from(SECRET)), ..settings() };
    let url = |url: &str| Settings { jwks_url: Some(url.to_owned()), ..settings() };
    let missing = |name| format!("access.jwt.{name}: is required; issuer and audience are always checked");
    let text =
        |name| format!("access.jwt.{name}: is not valid; expected a text without spaces, exactly as in the tokens");
    let secret =
        "access.jwt.secret: is not valid; expected 32 bytes or more, without white space at the ends".to_owned();
    let address = "access.jwt.jwks_url: is not valid; expected https://host/path without user, password or fragment; \
                   http is allowed for loopback hosts only"
        .to_owned();
    let wrong = [
        (Settings { issuer: None, ..good() }, missing("issuer")),
        (Settings { audience: None, ..good() }, missing("audience")),
        (Settings { issuer: Some(ISSUER.to_owned()), ..Settings::default() }, missing("audience")),
        (Settings { secret: Some(SecretString::from(SECRET)), ..Settings::default() }, missing("issuer")),
        (Settings { issuer: Some(String::new()), ..good() }, text("issuer")),
        (Settings { audience: Some("SEC RET".to_owned()), ..good() }, text("audience")),
        (Settings { audience: Some("x".repeat(1_025)), ..good() }, text("audience")),
        (settings(), "access.jwt.jwks_url: is required, or jwks_file, or secret".to_owned()),
        (
            Settings { jwks_url: Some("https://SECRET.example".to_owned()), ..good() },
            "access.jwt.jwks_url: is not allowed together with secret; remove one of them".to_owned(),
        ),
        (
            Settings { jwks_file: Some("SECRET".into()), ..url("https://SECRET.example") },
            "access.jwt.jwks_url: is not allowed together with jwks_file; remove one of them".to_owned(),
        ),
        (Settings { secret: Some(SecretString::from("SECRET-of-31-bytes-is-too-short")), ..good() }, secret.clone()),
        (Settings { secret: Some(SecretString::from(format!("{SECRET}\n"))), ..good() }, secret.clone()),
        (Settings { secret: Some(SecretString::from("")), ..good() }, secret),
        (
            Settings { oneall_user_claim: String::new(), ..Settings::default() },
            "access.jwt.oneall_user_claim: is not valid; expected the name of a claim, without spaces".to_owned(),
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
        assert_eq!(settings.validate(), Err(line));
    }
    for address in
        ["https://issuer.example/keys?v=2", "http://127.0.0.1:9/keys", "http://[::1]/keys", "http://localhost/k"]
    {
        assert_eq!(url(address).validate(), Ok(()), "{address}");
    }
    assert_eq!((Settings::default().validate(), Settings::default().is_set()), (Ok(()), false));
    assert!(Verifier::with_source(&Settings::default(), &|_| Err(String::new()), None).unwrap().is_none());
}

#[test]
fn outside_of_a_runtime_a_key_set_is_an_error_and_no_panic() {
    let settings = Settings { jwks_url: Some("https://issuer.example/keys".to_owned()), ..settings() };
    let built = Verifier::with_source(&settings, &|_| Ok(Box::new(Publisher::of(&[]))), None);
    assert_eq!(built.unwrap_err(), "the key set can be fetched within a tokio runtime only");
}
