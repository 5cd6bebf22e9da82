//! The faults of the soak test, drawn from a seed.

use serde_json::{Value, json};

use super::cast::Dice;

/// Up to three faults, each for one provider and a share of its requests. Half of the time there are none, so that the
/// providers recover. WordPress.com's throttle lasts for a minute, so it is rare and affects one person only.
pub fn random_faults(dice: &mut Dice) -> Value {
    let count = if dice.below(2) == 0 { 0 } else { 1 + dice.below(3) };
    (0..count).map(|_| random_fault(dice)).collect()
}

fn random_fault(dice: &mut Dice) -> Value {
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
