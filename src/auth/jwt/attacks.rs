//! Forged, modified and foreign tokens. Each is rejected for its reason, and none causes a call.
#![allow(clippy::unwrap_used)]

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::forge::{AUDIENCE, ISSUER, NOW, Publisher, SECRET, Signer, USER, at, base64, claims, shared};
use super::*;
use crate::auth::BEARER_MAX_BYTES;

fn hs() -> Signer {
    Signer::shared(SECRET.as_bytes())
}

/// Verifies a token with the shared secret.
async fn verify(token: &str) -> Result<(), CredentialError> {
    verify_with(&shared(), token).await
}

async fn verify_with(verifier: &Verifier, token: &str) -> Result<(), CredentialError> {
    verifier.verify(token, at(NOW), LookupMode::AllowFetch).await.map(|_| ())
}

/// Verifies the valid claims with changes, signed with the shared secret.
async fn verify_claims(changes: Value) -> Result<(), CredentialError> {
    verify(&hs().token(&json!({ "alg": "HS256" }), &changes)).await
}

#[tokio::test(start_paused = true)]
async fn alg_none_is_rejected_in_every_spelling() {
    let publisher = Publisher::of(&[Signer::ed25519().jwk("1")]);
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = base64(json!({ "alg": none, "kid": "1" }).to_string().as_bytes());
        let message = format!("{header}.{}", base64(claims(&json!({})).to_string().as_bytes()));
        for (token, reason) in [
            (format!("{message}."), CredentialError::Malformed),
            (message.clone(), CredentialError::Malformed),
            (format!("{message}.AAAA"), CredentialError::WrongAlgorithm),
        ] {
            assert_eq!(verify(&token).await, Err(reason));
            assert_eq!(verify_with(&publisher.verifier(), &token).await, Err(reason));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_public_key_is_never_used_as_a_shared_secret() {
    let Signer::Rsa(pair) = Signer::rsa() else { unreachable!() };
    let publisher = Publisher::of(&[Signer::rsa().jwk("r")]);
    let verifier = publisher.verifier();
    for secret in public_forms(pair) {
        for header in
            [json!({ "alg": "HS256" }), json!({ "alg": "HS256", "kid": "r" }), json!({ "alg": "HS256", "kid": "x" })]
        {
            let token = Signer::shared(&secret).token(&header, &json!({}));
            assert_eq!(verify_with(&verifier, &token).await, Err(CredentialError::WrongAlgorithm));
        }
    }
    let named = Signer::rsa().claiming("r", &json!({}));
    assert!(verify_with(&verifier, &named).await.is_ok());
    assert_eq!(publisher.fetches(), 1, "a token with a shared secret causes no fetch");
}

/// The encodings of a public key: PKCS #1 and SPKI, each as DER and as PEM with and without a final newline, and JWK.
fn public_forms(pair: &RsaKeyPair) -> Vec<Vec<u8>> {
    let pkcs1 = pair.public_key().as_ref().to_vec();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let mut forms = vec![pkcs1.clone(), spki.as_ref().to_vec(), Signer::rsa().jwk("r").to_string().into_bytes()];
    for (der, name) in [(pkcs1, "RSA PUBLIC KEY"), (spki.as_ref().to_vec(), "PUBLIC KEY")] {
        let lines: Vec<String> =
            STANDARD.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let pem = format!("-----BEGIN {name}-----\n{}\n-----END {name}-----", lines.join("\n"));
        forms.extend([pem.clone().into_bytes(), format!("{pem}\n").into_bytes()]);
    }
    forms
}

#[tokio::test(start_paused = true)]
async fn a_key_is_used_with_its_own_algorithm_only() {
    let (p256, ed25519) = (Signer::p256(), Signer::ed25519());
    let verifier = Publisher::of(&[Signer::rsa().jwk("r"), p256.jwk("p"), ed25519.jwk("e")]).verifier();
    for (kid, signer) in [("r", Signer::rsa()), ("p", &p256), ("e", &ed25519)] {
        for alg in
            ["RS256", "ES256", "EdDSA", "Ed25519", "HS256", "RS384", "RS512", "PS256", "ES384", "HS512", "ES256K"]
        {
            let token = signer.token(&json!({ "alg": alg, "kid": kid }), &json!({}));
            let found = verify_with(&verifier, &token).await;
            let is_its_own = alg.replace("Ed25519", "EdDSA") == signer.algorithm();
            assert_eq!(found, if is_its_own { Ok(()) } else { Err(CredentialError::WrongAlgorithm) }, "{alg}");
        }
        let token = signer.token(&json!({ "alg": signer.algorithm(), "kid": kid }), &json!({}));
        assert_eq!(
            verify(&token).await,
            Err(CredentialError::WrongAlgorithm),
            "a public-key signature where a secret is shared"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_id_is_looked_up_and_nothing_else() {
    let (one, two) = (Signer::ed25519(), Signer::ed25519());
    let publisher = Publisher::of(&[one.jwk("1"), two.jwk("2")]);
    let verifier = publisher.verifier();
    let of = async |kid: Value| {
        let token = one.token(&json!({ "alg": "EdDSA", "kid": kid }), &json!({}));
        verify_with(&verifier, &token).await
    };
    assert_eq!(of(json!("1")).await, Ok(()));
    assert_eq!(of(json!("2")).await, Err(CredentialError::BadSignature));
    for kid in ["../../dev/null", "' UNION SELECT 'x", "1\0", "1 ", "", "https://evil.example/1", "01", "１"] {
        assert_eq!(of(json!(kid)).await, Err(CredentialError::UnknownKey), "{kid}");
    }
    for kid in [json!("k".repeat(257)), json!(1), json!(["1"]), json!({ "1": 1 }), json!(null), json!(true)] {
        assert_eq!(of(kid.clone()).await, Err(CredentialError::Malformed), "{kid}");
    }
    let unnamed = one.token(&json!({ "alg": "EdDSA" }), &json!({}));
    assert_eq!(verify_with(&verifier, &unnamed).await, Err(CredentialError::UnknownKey));
    assert!(publisher.fetches() <= 2);
    let alone = Publisher::of(&[one.jwk("1")]).verifier();
    assert!(verify_with(&alone, &unnamed).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_brings_or_locates_a_key_is_rejected_and_nothing_is_fetched() {
    let (own, forged) = (Signer::ed25519(), Signer::ed25519());
    let publisher = Publisher::of(&[own.jwk("1")]);
    let verifier = publisher.verifier();
    let good = own.token(&json!({ "alg": "EdDSA", "kid": "1" }), &json!({}));
    assert!(verify_with(&verifier, &good).await.is_ok());
    // A listener at the location in the token.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let evil = format!("http://{}/keys", listener.local_addr().unwrap());
    for (name, value) in [
        ("jku", json!(evil)),
        ("x5u", json!(evil)),
        ("jwk", forged.jwk("1")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("jku", json!(null)),
    ] {
        for signer in [&own, &forged] {
            let header = json!({ "alg": "EdDSA", "kid": "1", name: value });
            let found = verify_with(&verifier, &signer.token(&header, &json!({}))).await;
            assert_eq!(found, Err(CredentialError::Malformed), "{name}");
        }
    }
    assert_eq!(publisher.fetches(), 1);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn the_issuer_and_the_audience_must_match() {
    for (changes, reason) in [
        (json!({ "aud": "https://other.example" }), CredentialError::WrongAudience),
        (json!({ "aud": ["https://other.example"] }), CredentialError::WrongAudience),
        (json!({ "aud": [] }), CredentialError::WrongAudience),
        (json!({ "aud": "" }), CredentialError::WrongAudience),
        (json!({ "aud": format!("{AUDIENCE}/") }), CredentialError::WrongAudience),
        (json!({ "aud": format!("{AUDIENCE} https://other.example") }), CredentialError::WrongAudience),
        (json!({ "aud": [AUDIENCE, 3] }), CredentialError::Malformed),
        (json!({ "aud": { AUDIENCE: true } }), CredentialError::Malformed),
        (json!({ "iss": "https://evil.example/" }), CredentialError::WrongIssuer),
        (json!({ "iss": ISSUER.trim_end_matches('/') }), CredentialError::WrongIssuer),
        (json!({ "iss": ISSUER.to_uppercase() }), CredentialError::WrongIssuer),
        (json!({ "iss": [ISSUER, "https://evil.example/"] }), CredentialError::WrongIssuer),
        (json!({ "iss": [ISSUER] }), CredentialError::WrongIssuer),
        (json!({ "iss": 3 }), CredentialError::Malformed),
    ] {
        assert_eq!(verify_claims(changes.clone()).await, Err(reason), "{changes}");
    }
}

#[tokio::test]
async fn required_claims_must_be_present() {
    for name in ["iss", "aud", "sub", "exp"] {
        assert_eq!(verify_claims(json!({ name: null })).await, Err(CredentialError::Malformed), "{name}");
        // A required claim that is null is missing too.
        let payload = claims(&json!({ name: "X" })).to_string().replace("\"X\"", "null");
        let token = hs().raw("{\"alg\":\"HS256\"}", &payload);
        assert_eq!(verify(&token).await, Err(CredentialError::Malformed), "{name}");
    }
}

#[tokio::test]
async fn a_claim_of_the_wrong_type_is_never_treated_as_absent() {
    let null = |name: &str| claims(&json!({ name: "X" })).to_string().replace("\"X\"", "null");
    for name in ["exp", "nbf"] {
        assert_eq!(
            verify(&hs().raw("{\"alg\":\"HS256\"}", &null(name))).await,
            Err(CredentialError::Malformed),
            "{name}"
        );
    }
    for name in ["exp", "nbf"] {
        let huge = [u64::MAX, i64::MAX as u64, (NOW + 300) * 1_000].map(|time| json!(time));
        let odd = [
            json!("1800000000"),
            json!(-1),
            json!(-0.5),
            json!(2.5e11 * 2.0),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(""),
        ];
        for value in odd.into_iter().chain(huge) {
            assert_eq!(verify_claims(json!({ name: value })).await, Err(CredentialError::Malformed), "{name}: {value}");
        }
        for number in ["1e400", "1e9999999", "18446744073709551616", "0x7fffffff", "NaN", "Infinity", "01"] {
            let payload = claims(&json!({ name: "X" })).to_string().replace("\"X\"", number);
            let token = hs().raw("{\"alg\":\"HS256\"}", &payload);
            assert_eq!(verify(&token).await, Err(CredentialError::Malformed), "{name}: {number}");
        }
    }
    for sub in [json!(""), json!(3), json!(["ada"]), json!({}), json!("x".repeat(257)), json!("a\nb"), json!("a\0")] {
        assert_eq!(verify_claims(json!({ "sub": sub })).await, Err(CredentialError::Malformed), "{sub}");
    }
    assert_eq!(verify_claims(json!({ "sub": "é".repeat(256) })).await, Ok(()));
    for scope in
        [json!(["gateway:explain", 3]), json!([null]), json!([["gateway:explain"]]), json!(3), json!({}), json!(true)]
    {
        assert_eq!(verify_claims(json!({ "scope": scope })).await, Err(CredentialError::Malformed), "{scope}");
        assert_eq!(
            verify_claims(json!({ "scope": null, "scp": scope })).await,
            Err(CredentialError::Malformed),
            "{scope}"
        );
    }
    let long = json!("x".repeat(129));
    for user in
        [json!(""), json!(3), json!(["ada"]), json!("x/../../users"), json!("%2e"), json!("a?b"), json!("a b"), long]
    {
        assert_eq!(verify_claims(json!({ USER: user })).await, Err(CredentialError::Malformed), "{user}");
    }
}

#[tokio::test]
async fn an_expired_or_premature_token_is_rejected() {
    assert_eq!(verify_claims(json!({ "exp": NOW - 30 })).await, Err(CredentialError::Expired));
    assert_eq!(verify_claims(json!({ "exp": 0 })).await, Err(CredentialError::Expired));
    assert_eq!(verify_claims(json!({ "nbf": NOW + 31 })).await, Err(CredentialError::NotYetValid));
    assert_eq!(verify_claims(json!({ "exp": NOW - 29, "nbf": NOW + 30 })).await, Ok(()));
}

#[tokio::test]
async fn a_text_in_another_format_is_rejected() {
    let good = hs().claiming("", &json!({}));
    assert_eq!(verify(&good).await, Ok(()));
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{good}."),
        format!("{good}.."),
        format!("{good}.{signature}"),
        format!(".{good}"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!("Bearer {good}"),
        format!("{header}.{payload}.!!!!"),
        format!("!.{payload}.{signature}"),
        "A".repeat(1 << 20),
        ".".repeat(1 << 20),
        good.replace('.', "\u{FF0E}"),
    ] {
        assert_eq!(
            verify(&token).await,
            Err(CredentialError::Malformed),
            "{}",
            token.chars().take(90).collect::<String>()
        );
    }
    let most = hs().claiming("", &json!({ "padding": "x".repeat(5_500) }));
    assert!((7_000..=BEARER_MAX_BYTES).contains(&most.len()));
    assert_eq!(verify(&most).await, Ok(()));
}

#[tokio::test]
async fn ambiguous_json_is_rejected() {
    let good = claims(&json!({})).to_string();
    let (alg, twice) = ("{\"alg\":\"HS256\"}", format!("{{\"sub\":\"root\",{}", &good[1..]));
    let user = format!("{},\"{USER}\":\"root\"}}", &good[..good.len() - 1]);
    let deep = format!("{{\"x\":{}1{},{}", "[".repeat(2_000), "]".repeat(2_000), &good[1..]);
    let own = ["[]", "null", "\"x\"", "", "{}", "not json"].map(str::to_owned);
    let changed = [twice, user, deep, format!("\u{FEFF}{good}"), format!("{good}{good}"), format!("{good}x")];
    for payload in own.into_iter().chain(changed) {
        assert_eq!(verify(&hs().raw(alg, &payload)).await, Err(CredentialError::Malformed), "{payload:.60}");
    }
    for header in [
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}",
        "\u{FEFF}{\"alg\":\"HS256\"}",
        "[\"HS256\"]",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":null}",
        "{\"ALG\":\"HS256\"}",
        "{}",
        "{\"alg\":\"HS256\"",
    ] {
        assert_eq!(verify(&hs().raw(header, &good)).await, Err(CredentialError::Malformed), "{header}");
    }
    assert_eq!(verify(&hs().raw("{\"alg\":\"hs256\"}", &good)).await, Err(CredentialError::WrongAlgorithm));
    assert_eq!(verify(&hs().raw(alg, &good)).await, Ok(()));
}

#[tokio::test]
async fn a_signature_is_valid_for_its_own_token_only() {
    let (ada, ben) = (hs().claiming("", &json!({})), hs().claiming("", &json!({ "sub": "ben" })));
    let (body, signature) = (ada.rsplit_once('.').unwrap().0, ben.rsplit_once('.').unwrap().1);
    assert_eq!(verify(&format!("{body}.{signature}")).await, Err(CredentialError::BadSignature));
    let other = Signer::shared(b"another secret that has 32 bytes or more").claiming("", &json!({}));
    assert_eq!(verify(&other).await, Err(CredentialError::BadSignature));
    for short in ["", "AA", "AAAA"] {
        assert!(verify(&format!("{body}.{short}")).await.is_err());
    }
}

/// Returns a verifier with a key of each algorithm, and a valid token of each.
async fn verifier_and_tokens() -> (Verifier, Vec<String>) {
    let (p256, ed25519) = (Signer::p256(), Signer::ed25519());
    let verifier = Publisher::of(&[Signer::rsa().jwk("r"), p256.jwk("p"), ed25519.jwk("e")]).verifier();
    let tokens = [("r", Signer::rsa()), ("p", &p256), ("e", &ed25519)].map(|(kid, key)| key.claiming(kid, &json!({})));
    for token in &tokens {
        verify_with(&verifier, token).await.unwrap();
    }
    (verifier, tokens.into())
}

#[tokio::test(start_paused = true)]
async fn a_token_with_one_changed_or_missing_character_is_rejected() {
    let (verifier, mut tokens) = verifier_and_tokens().await;
    tokens.push(hs().claiming("", &json!({})));
    let shared = shared();
    for token in &tokens {
        for (at_byte, was) in token.bytes().enumerate() {
            for with in [Some(b'A'), Some(b'_'), Some(b'.'), Some(was ^ 1), Some(was ^ 0x20), None] {
                let mut changed = token.clone().into_bytes();
                match with {
                    Some(with) => changed[at_byte] = with,
                    None => drop(changed.remove(at_byte)),
                }
                let changed = String::from_utf8(changed).unwrap();
                if changed != *token {
                    let found = [verify_with(&verifier, &changed).await, verify_with(&shared, &changed).await];
                    assert!(found.iter().all(Result::is_err), "{changed}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_token_with_changed_characters_is_rejected(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let good = hs().claiming("k", &json!({}));
        let mut changed: Vec<char> = good.chars().collect();
        for (at, with) in changes {
            let at = at.index(changed.len());
            changed[at] = with;
        }
        let changed: String = changed.into_iter().collect();
        prop_assert_eq!(runtime.block_on(verify(&changed)).is_ok(), changed == good);
    }

    #[test]
    fn any_header_and_payload_are_rejected_without_a_panic(header in ".{0,60}", payload in ".{0,60}", text in "[A-Za-z0-9_.-]{0,200}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let forged = hs().raw(&header, &payload);
        prop_assert!(runtime.block_on(verify(&forged)).is_err());
        let forged = hs().raw("{\"alg\":\"HS256\"}", &payload);
        prop_assert!(runtime.block_on(verify(&forged)).is_err());
        prop_assert!(runtime.block_on(verify(&text)).is_err());
    }
}
