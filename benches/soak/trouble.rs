//! The troubles of the soak: which faults the providers have next, drawn from a seed.

use serde_json::{Value, json};

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

/// Up to three faults, each at one provider and for a share of its requests; every other time none at all, so that the
/// providers recover. WordPress.com's ban is drawn for one person alone and seldom, since it lasts for a minute.
pub fn troubles(dice: &mut Dice) -> Value {
    let count = if dice.below(2) == 0 { 0 } else { 1 + dice.below(3) };
    (0..count).map(|_| trouble(dice)).collect()
}

fn trouble(dice: &mut Dice) -> Value {
    let mut fault = match dice.below(18) {
        0 => json!({ "status": 500 }),
        1 => json!({ "status": 502, "content_type": "text/html", "body": "<html><h1>Bad gateway</h1></html>" }),
        2 => json!({ "status": 503 }),
        3 => json!({ "status": 503, "headers": { "Retry-After": "1" } }),
        4 => json!({ "status": 429, "headers": { "Retry-After": "1" } }),
        5 => json!({ "status": 429 }),
        6 => json!({ "refuse": true }),
        7 => json!({ "cut": true }),
        8 => json!({ "hang": "head" }),
        9 => json!({ "hang": "body" }),
        10 => json!({ "shape": "garbage" }),
        11 => json!({ "shape": "html" }),
        12 => json!({ "shape": "null" }),
        13 => json!({ "shape": "bad_row" }),
        14 => json!({ "big": 4 << 20 }),
        15 => json!({ "status": 401, "body": { "error": "invalid_token", "message": "no" } }),
        16 => json!({ "throttle": true, "person": format!("crowd-{:04}", dice.below(15)) }),
        _ => json!({ "latency_ms": 5 + dice.below(300) }),
    };
    fault["provider"] = json!(["wordpress", "oneall"][dice.below(2) as usize]);
    fault["rate"] = json!([0.02, 0.1, 0.3, 1.0][dice.below(4) as usize]);
    fault["seed"] = json!(dice.below(1_000_000));
    fault
}
