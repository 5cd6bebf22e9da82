//! A key that verifies signatures, bound to one algorithm.
//!
//! The key decides the algorithm, never the token: RSA verifies RS256, P-256 verifies ES256, Ed25519 verifies EdDSA, and
//! a shared secret verifies HS256. PS256 and longer hashes are not supported, because issuers that offer them also
//! offer one of these. A key set is public, so a shared secret in it is known to everybody and a private key in it has
//! leaked. Both are ignored.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::KID_MAX_BYTES;

/// The minimum size of an RSA key, in bits.
const RSA_BITS_MIN: usize = 2_048;

/// The maximum size of an RSA key, in bits. A larger key makes each verification slow.
const RSA_BITS_MAX: usize = 8_192;

/// A key and the algorithm it is used with.
pub struct VerifyingKey {
    /// The only algorithm that this key is used with.
    pub algorithm: Algorithm,
    /// The key.
    pub decoding: DecodingKey,
}

/// The members of a JWK that decide whether and how it is used.
#[derive(Deserialize)]
struct Jwk<'a> {
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

impl VerifyingKey {
    /// Makes the key of a secret that the issuer shares with the gateway.
    ///
    /// # Errors
    /// If the secret is empty.
    pub fn from_secret(secret: &[u8]) -> Result<Self, &'static str> {
        let decoding = DecodingKey::from_secret(secret).map_err(|_| "must not be empty")?;
        Ok(Self { algorithm: Algorithm::HS256, decoding })
    }

    /// Reads one JWK and its `kid`. Returns `None` if the key cannot be used here: it has another kind or purpose, or
    /// is not valid.
    pub(super) fn parse(text: &str) -> Option<(Option<String>, Self)> {
        let jwk: Jwk = serde_json::from_str(text).ok()?;
        let is_for_verifying = jwk.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let has_valid_kid = jwk.kid.as_ref().is_none_or(|kid| (1..=KID_MAX_BYTES).contains(&kid.len()));
        if !is_for_verifying || !has_valid_kid || jwk.d.is_some() {
            return None;
        }
        let (algorithm, names, decoding): (_, &[&str], _) = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", _) => (Algorithm::RS256, &["RS256"], jwk.rsa()?),
            ("EC", Some("P-256")) => (Algorithm::ES256, &["ES256"], jwk.p256()?),
            // RFC 9864 replaces the first name with the second.
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, &["EdDSA", "Ed25519"], jwk.ed25519()?),
            _ => return None,
        };
        let has_valid_algorithm = jwk.alg.as_deref().is_none_or(|alg| names.contains(&alg));
        has_valid_algorithm.then_some((jwk.kid, Self { algorithm, decoding }))
    }

    /// Returns whether two public keys are the same key for the same algorithm.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same_key = match (self.decoding.kind(), other.decoding.kind()) {
            (SecretOrDer(one), SecretOrDer(other)) => one == other,
            (RsaModulusExponent { n, e }, RsaModulusExponent { n: other_n, e: other_e }) => {
                n == other_n && e == other_e
            }
            _ => false,
        };
        is_same_key && self.algorithm == other.algorithm
    }
}

impl Jwk<'_> {
    fn rsa(&self) -> Option<DecodingKey> {
        let n = decode(self.n.as_ref()?)?;
        let e = decode(self.e.as_ref()?)?;
        let n = &n[n.iter().position(|byte| *byte != 0)?..];
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        let is_odd = e.last().is_some_and(|last| last % 2 == 1);
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) || !is_odd || *e == [1] {
            return None;
        }
        let components = RsaPublicKeyComponents { n, e: &*e };
        components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
        Some(DecodingKey::from_rsa_raw_components(n, &e))
    }

    fn p256(&self) -> Option<DecodingKey> {
        let x = decode(self.x.as_ref()?)?;
        let y = decode(self.y.as_ref()?)?;
        if x.len() != 32 || y.len() != 32 {
            return None;
        }
        let point = [&[4][..], &x, &y].concat();
        is_valid(&ECDSA_P256_SHA256_FIXED, &point).then(|| DecodingKey::from_ec_der(&point))
    }

    fn ed25519(&self) -> Option<DecodingKey> {
        let x = decode(self.x.as_ref()?)?;
        (x.len() == 32 && is_valid(&ED25519, &x)).then(|| DecodingKey::from_ed_der(&x))
    }
}

fn is_valid<A: VerificationAlgorithm>(algorithm: &'static A, key: &[u8]) -> bool {
    ParsedPublicKey::new(algorithm, key).is_ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.algorithm)
    }
}
