//! What the crowd and the soak have in common: a person's JWT, the markers in a text, and numbers that come of a seed.

use commongraph::sandbox::{JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM, JWT_SECRET, SyntheticUser};
use serde_json::json;

const MARKER: &str = "crowd-";
const MARKER_LENGTH: usize = MARKER.len() + 4;

/// Numbers that look random and come of a seed and a place alone (the mixing of SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64, place: u64) -> Self {
        Self(seed ^ place.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The JWT by which a person of the crowd asks.
pub fn jwt(member: &SyntheticUser) -> String {
    let claims = json!({
        "iss": JWT_ISSUER, "aud": JWT_AUDIENCE, "sub": member.name, "exp": 4_102_444_800_u64,
        JWT_ONEALL_USER_CLAIM: member.oneall_user,
    });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes()).unwrap();
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// Every marker of a person of the crowd in a text.
pub fn markers(text: &str) -> Vec<&str> {
    let all = text.match_indices(MARKER).filter_map(|(at, _)| text.get(at..at + MARKER_LENGTH));
    all.filter(|marker| marker[MARKER.len()..].bytes().all(|sign| sign.is_ascii_digit())).collect()
}
