//! A test issuer: new keys, a key set that can change, and tokens with any content, valid or not.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Settings, Verifier};
use crate::auth::jwks::JwksSource;

pub const ISSUER: &str = "https://issuer.example/";
pub const AUDIENCE: &str = "https://gateway.example";
pub const USER: &str = "https://commongraph/oneall_user_token";
pub const SECRET: &str = "a secret that has 32 bytes or more";

/// The current time in every test, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A key that signs.
pub enum Signer {
    Shared(Vec<u8>),
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub fn shared(secret: &[u8]) -> Self {
        Self::Shared(secret.to_vec())
    }

    /// Returns the same key in all tests, because generating one is slow.
    pub fn rsa() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Shared(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// Returns the public key as a JWK.
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Shared(secret) => json!({ "kty": "oct", "k": base64(secret) }),
            Self::Rsa(pair) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": base64(&parts.n), "e": base64(&parts.e) })
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..]) })
            }
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) }),
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// Signs a message.
    pub fn sign(&self, message: &str) -> Vec<u8> {
        let (message, random) = (message.as_bytes(), SystemRandom::new());
        match self {
            Self::Shared(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Returns a signed token with this header and payload.
    pub fn raw(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", base64(header.as_bytes()), base64(payload.as_bytes()));
        let signature = base64(&self.sign(&message));
        format!("{message}.{signature}")
    }

    /// Returns a token with this header and the valid claims with changes; `null` removes a claim.
    pub fn token(&self, header: &Value, changes: &Value) -> String {
        self.raw(&header.to_string(), &claims(changes).to_string())
    }

    /// Returns a token of the key with this ID and the valid claims with changes.
    pub fn claiming(&self, kid: &str, changes: &Value) -> String {
        self.token(&json!({ "alg": self.algorithm(), "typ": "JWT", "kid": kid }), changes)
    }
}

pub fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the valid claims with changes; `null` removes a claim.
pub fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "auth0|ada", "exp": NOW + 300, "nbf": NOW - 10, "iat": NOW,
        "scope": "openid gateway:explain", USER: "5a4d0000-0000-4000-8000-00000000ada1",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name)
        } else {
            claims.as_object_mut().unwrap().insert(name.clone(), value.clone())
        };
    }
    claims
}

/// Publishes a key set and counts its fetches.
#[derive(Clone)]
pub struct Publisher {
    body: Arc<Mutex<Result<Bytes, String>>>,
    fetches: Arc<AtomicUsize>,
    takes: Duration,
}

impl Publisher {
    pub fn of(keys: &[Value]) -> Self {
        let publisher = Self {
            body: Arc::new(Mutex::new(Err(String::new()))),
            fetches: Arc::default(),
            takes: Duration::from_millis(50),
        };
        publisher.publish(keys);
        publisher
    }

    /// Sets how long a fetch takes.
    pub fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    pub fn publish(&self, keys: &[Value]) {
        self.respond(json!({ "keys": keys }).to_string().into());
    }

    pub fn respond(&self, body: Bytes) {
        *self.body.lock().unwrap() = Ok(body);
    }

    pub fn go_down(&self) {
        *self.body.lock().unwrap() = Err("no answer".to_owned());
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// Returns a verifier that fetches this key set.
    pub fn verifier(&self) -> Verifier {
        let settings = Settings { jwks_url: Some("https://issuer.example/keys".to_owned()), ..settings() };
        Verifier::with_source(&settings, &|_| Ok(Box::new(self.clone())), None).unwrap().unwrap()
    }
}

impl JwksSource for Publisher {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            tokio::time::sleep(self.takes).await;
            self.body.lock().unwrap().clone()
        })
    }
}

/// Returns settings with issuer and audience but without keys.
pub fn settings() -> Settings {
    Settings { issuer: Some(ISSUER.to_owned()), audience: Some(AUDIENCE.to_owned()), ..Settings::default() }
}

/// Returns a verifier for the shared secret.
pub fn shared() -> Verifier {
    let settings = Settings { secret: Some(SecretString::from(SECRET)), ..settings() };
    Verifier::with_source(&settings, &|_| panic!("a shared secret causes no fetch"), None).unwrap().unwrap()
}
