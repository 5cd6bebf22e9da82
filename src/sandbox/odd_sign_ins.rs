//! The sign-ins that are not like the others, one oddity each.
//!
//! Numbers 1 to 24; the table in `world` says which is which. Ciphertexts are canaries like the credentials:
//! a test can prove that they are withheld.
//!
//! Guesses: the list's word `failed` of 3 and 4, since `succeeded` is the only one that is ever shown; the plugin's reason
//! `identity_unlinked` of 8. `refresh-failed` of 16 and `loud_voice` of 24 are made up to be words that nobody knows.

use serde_json::{Value, json};

use super::answer::without;
use super::identities;
use super::sign_ins::{Detail, Shape, SignIn, plugin, token};
use super::stamp::moment;
use super::users;
use super::world::OneAll;

/// Token of the documentation's own example.
const SAMPLE_TOKEN: &str = "8875cb47-9b2e-40f9-8ae0-8428c06937a9";

/// Number, time in UTC, number of the user.
const LINES: [(u64, &str, u64); 24] = [
    (1, "2016-09-04 08:42:19", 1),
    (2, "2012-05-30 17:01:00", 2),
    (3, "2013-08-09 10:11:12", 1),
    (4, "2017-03-28 06:55:41", 3),
    (5, "2020-01-15 12:00:00", 3),
    (6, "2020-01-16 12:00:00", 3),
    (7, "2020-01-17 12:00:00", 3),
    (8, "2021-05-05 05:05:05", 5),
    (9, "2021-06-06 06:06:06", 4),
    (10, "2013-01-20 09:30:00", 7),
    (11, "2013-02-20 09:30:00", 8),
    (12, "2022-11-02 13:14:15", 6),
    (13, "2018-07-07 07:07:07", 2),
    (14, "2018-09-09 09:09:09", 2),
    (15, "2014-04-01 10:00:00", 2),
    (16, "2019-03-03 03:03:03", 1),
    (17, "2019-10-10 10:10:10", 11),
    (18, "2011-09-01 09:01:12", 2),
    (19, "2015-05-15 15:15:15", 2),
    (20, "2022-02-02 02:02:02", 5),
    (21, "2016-06-16 08:07:02", 10),
    (22, "2026-02-03 08:07:02", 10),
    (23, "2026-08-18 08:07:02", 10),
    (24, "2024-12-31 23:59:59", 2),
];

/// The odd sign-ins, the documentation's example, and the row that a list holds twice.
pub(super) fn list(oneall: &OneAll) -> Vec<SignIn> {
    let mut all = vec![sample()];
    for (number, at, user) in LINES {
        let shape = if matches!(number, 2 | 18) { Shape::First } else { Shape::Second };
        let mut sign_in = SignIn::ordinary(token(number), moment(at), users::token(user), shape);
        sign_in.status = match number {
            3 | 4 => Some(json!("failed")),
            14 => None,
            16 => Some(json!("refresh-failed")),
            17 => Some(Value::Null),
            _ => sign_in.status,
        };
        if number == 24 {
            sign_in.callback_uri = String::new();
        }
        if let Some(detail) = detail(oneall, number, &sign_in) {
            sign_in.detail = detail;
        }
        if number == 15 {
            all.push(sign_in.clone());
        }
        all.push(sign_in);
    }
    all
}

/// The answer of an odd sign-in; `None` leaves it ordinary.
fn detail(oneall: &OneAll, number: u64, sign_in: &SignIn) -> Option<Detail> {
    let fixed = |status, result| Some(Detail::Fixed { status, result });
    match number {
        3 => return fixed(200, failed_sign_in()),
        4 => return fixed(400, failed_link()),
        19 => return Some(Detail::Gone),
        _ => {}
    }
    let mut result = oneall.result(sign_in)?;
    let data = &mut result["data"];
    match number {
        5 => data["user"]["identity"] = json!("canary-ciphertext-05=="),
        6 => {
            data["user"] = without(data["user"].clone(), &["identity", "identities"]);
            data["user"]["identity_vault"] = json!({"data": "canary-ciphertext-06==", "iv": "canary-iv-06"});
        }
        7 => data["user"]["identity"] = json!({"provider": "linkedin", "data": "canary-ciphertext-07=="}),
        8 => {
            data["plugin"] = plugin("social_link", "unlink_identity", "identity_unlinked");
            data["user"]["identities"] = json!([]);
        }
        9 => {
            data["user"]["publish_token"] = json!({
                "key": "canary-publish-token-09",
                "date_creation": "Sun, 06 Jun 2021 08:06:06 +0200",
                "date_expiration": "Mon, 06 Jun 2022 08:06:06 +0200",
            });
        }
        10 => data["user"]["identities"] = json!({"identity": data["user"]["identities"]}),
        11 => data["user"]["identities"] = data["user"]["identities"][0].take(),
        13 => result["status"] = json!({"flag": "", "code": 200}),
        14 => *data = without(data.clone(), &["plugin", "action"]),
        17 => data["plugin"] = json!({"key": "social_login", "data": []}),
        18 => data["connection"]["date"] = json!("Tue, 1 Sep 2011 11:01:12 +0200"),
        20 => data["plugin"] = plugin("single_sign_on", "login", "user_authenticated"),
        21 => {}
        22 => use_identity(oneall, data, 17),
        23 => use_identity(oneall, data, 18),
        24 => {
            data["plugin"] = json!({"key": "loud_voice", "data": {"status": "success"}});
            data["connection"]["date_creation"] = json!("some time ago");
        }
        _ => return None,
    }
    fixed(200, result)
}

fn use_identity(oneall: &OneAll, data: &mut Value, number: u64) {
    if let Some(identity) = oneall.find_identity(&identities::token(number)) {
        data["user"]["identity"] = identity.body.clone();
    }
}

fn failed_sign_in() -> Value {
    json!({
        "status": {"flag": "error", "code": 401, "info": "The user did not authenticate successfully"},
        "data": {"plugin": {"name": "social_link"}},
    })
}

fn failed_link() -> Value {
    json!({
        "data": {"plugin": {
            "key": "social_link",
            "data": {
                "action": "link_identity",
                "operation": "user_profile_read",
                "reason": "identity_is_linked_to_another_user",
                "status": "error",
            },
        }},
    })
}

/// The newer documentation page's example, as printed.
fn sample() -> SignIn {
    let result = json!({
        "status": {"flag": "success", "code": 200, "info": "The user successfully authenticated"},
        "data": {
            "connection": {
                "connection_token": SAMPLE_TOKEN,
                "date": "Thu, 25 Aug 2011 13:35:40 +0200",
                "plugin": "social_link",
            },
            "user": {
                "user_token": identities::SAMPLE_USER,
                "identity": identities::sample().body,
            },
        },
    });
    SignIn {
        token: SAMPLE_TOKEN.to_owned(),
        callback_uri: "https://shop.example/callback".to_owned(),
        status: Some(json!("succeeded")),
        at: moment("2011-08-25 11:35:40"),
        detail: Detail::Sample(result),
    }
}
