//! One key: what a signature is checked with, and the one algorithm it is good for.
//!
//! A key is taken for exactly one algorithm, and never the token's choice: an RSA key for RS256, a P-256 key for ES256,
//! an Ed25519 key for EdDSA, a shared secret for HS256. PS256 and the longer hashes are left out, because nothing needs
//! them that could not use one of these. A set is public, so a shared secret in one is known to everybody and a private
//! key in one has leaked: neither is taken.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::KID_LENGTH_MAX;

/// The least size of an RSA key, in bits.
const RSA_BITS_MIN: usize = 2_048;

/// The largest size of an RSA key, in bits; beyond it each check takes long.
const RSA_BITS_MAX: usize = 8_192;

/// A key, bound to its algorithm.
pub struct Key {
    /// What it is good for.
    pub algorithm: Algorithm,
    /// The key itself.
    pub decoding: DecodingKey,
}

/// The members of a JWK that say whether and for what it is good.
#[derive(Deserialize)]
struct Payload<'a> {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

impl Key {
    /// A secret that the issuer shares with the gateway.
    pub fn shared(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, decoding: DecodingKey::from_secret(secret) }
    }

    /// Takes one key of a set, with its name; `None` if it is of no use here.
    pub(super) fn parse(text: &str) -> Option<(Option<String>, Self)> {
        let key: Payload = serde_json::from_str(text).ok()?;
        let is_to_verify = key.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
            && key.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let is_named_well = key.kid.as_ref().is_none_or(|kid| (1..=KID_LENGTH_MAX).contains(&kid.len()));
        if !is_to_verify || !is_named_well || key.d.is_some() {
            return None;
        }
        let (algorithm, name, decoding) = match (&*key.kty, key.crv.as_deref()) {
            ("RSA", _) => (Algorithm::RS256, "RS256", key.rsa()?),
            ("EC", Some("P-256")) => (Algorithm::ES256, "ES256", key.p256()?),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA", key.ed25519()?),
            _ => return None,
        };
        let is_its_own = key.alg.as_deref().is_none_or(|alg| alg == name);
        is_its_own.then_some((key.kid, Self { algorithm, decoding }))
    }
}

impl Payload<'_> {
    fn rsa(&self) -> Option<DecodingKey> {
        let (n, e) = (bytes(self.n.as_ref()?)?, bytes(self.e.as_ref()?)?);
        let n = &n[n.iter().position(|byte| *byte != 0)?..];
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        let is_odd = e.last().is_some_and(|last| last % 2 == 1);
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) || !is_odd || *e == [1] {
            return None;
        }
        let parts = RsaPublicKeyComponents { n, e: &*e };
        parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
        Some(DecodingKey::from_rsa_raw_components(n, &e))
    }

    fn p256(&self) -> Option<DecodingKey> {
        let (x, y) = (bytes(self.x.as_ref()?)?, bytes(self.y.as_ref()?)?);
        if x.len() != 32 || y.len() != 32 {
            return None;
        }
        let point = [&[4][..], &x, &y].concat();
        is_valid(&ECDSA_P256_SHA256_FIXED, &point).then(|| DecodingKey::from_ec_der(&point))
    }

    fn ed25519(&self) -> Option<DecodingKey> {
        let x = bytes(self.x.as_ref()?)?;
        (x.len() == 32 && is_valid(&ED25519, &x)).then(|| DecodingKey::from_ed_der(&x))
    }
}

fn is_valid<A: VerificationAlgorithm>(algorithm: &'static A, key: &[u8]) -> bool {
    ParsedPublicKey::new(algorithm, key).is_ok()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.algorithm)
    }
}
