//! OneAll identities: social accounts as the provider keeps them, live-looking credentials included.
//!
//! Every credential is a canary, `canary-access-token-07` and the like with the identity's number, so that a test
//! can prove that none of them ever leaves the gateway.

use serde_json::{Value, json};

use super::answer::{with, without};
use super::stamp::{Offset, expiry, long, moment, now};

const DAY: i64 = 86_400;
/// Owner of the documentation's example.
pub(super) const SAMPLE_USER: &str = "12345678-1234-1234-1234-123456789012";

/// A social account, owned by exactly one user.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) token: String,
    /// Token of the owner.
    pub(super) user: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    /// When it was last brought up to date, in seconds since 1970.
    pub(super) updated: i64,
    /// The account as the provider prints it within a user or a sign-in.
    pub(super) body: Value,
}

impl Identity {
    /// What a read of it by itself shows: its owner too.
    pub(super) fn alone(&self) -> Value {
        with(self.body.clone(), json!({"user_token": self.user}))
    }

    /// The short reference: token and provider.
    pub(super) fn reference(&self) -> Value {
        json!({"identity_token": self.token, "provider": self.body["provider"]})
    }
}

/// When an identity made at this time was last brought up to date, unless someone asked for it since.
fn updated(created: i64) -> i64 {
    created + 400 * DAY
}

/// The identity that the documentation prints within its example of a sign-in.
pub(super) fn sample() -> Identity {
    let picture = "http://a1.twimg.com/sticky/default_profile_images/default_profile_6_normal.png";
    let token = "a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa";
    Identity {
        token: token.to_owned(),
        user: SAMPLE_USER.to_owned(),
        created: moment("2011-08-25 11:35:40"),
        updated: updated(moment("2011-08-25 11:35:40")),
        body: json!({
            "identity_token": token,
            "provider": "twitter",
            "id": "http://twitter.com/ExampleUser",
            "displayName": "Firstname Lastname",
            "name": {"formatted": "Firstname Lastname"},
            "preferredUsername": "MyUserNameRocks",
            "thumbnailUrl": picture,
            "urls": [{"value": "http://twitter.com/ExampleUser", "type": "profile"}],
            "accounts": [{"domain": "twitter.com", "userid": "123456789", "username": "ExampleUser"}],
            "photos": [{"value": picture, "type": "thumbnail"}],
        }),
    }
}

/// Token of the fixed identity with this number.
pub(super) fn token(number: u64) -> String {
    format!("5a4d0000-0000-4000-8002-{number:012}")
}

/// The identity of a user who is like any other; `series` keeps fixed and generated numbers apart.
pub(super) fn ordinary(token: String, user: String, number: u64, series: &str, name: &str) -> Identity {
    const PROVIDERS: [(&str, &str); 5] = [
        ("google", "Google"),
        ("facebook", "Facebook"),
        ("twitter", "Twitter"),
        ("windowslive", "Windows Live"),
        ("github", "GitHub"),
    ];
    let (provider, label) = PROVIDERS[(number % 5) as usize];
    let created = moment("2011-01-10 09:00:00") + (number % 3000) as i64 * DAY;
    let account = Account(provider, label, name, &format!("77{number:09}"));
    plain(token, user, created, &format!("{series}{number:02}"), account)
}

/// Provider, its label, the person's name, the account's number there.
pub(super) struct Account<'a>(pub(super) &'a str, pub(super) &'a str, pub(super) &'a str, pub(super) &'a str);

/// An identity without any oddity.
pub(super) fn plain(token: String, user: String, created: i64, canary: &str, account: Account) -> Identity {
    let body = body(&token, canary, created, account);
    Identity { token, user, created, updated: updated(created), body }
}

fn body(token: &str, canary: &str, created: i64, account: Account) -> Value {
    let Account(provider, label, name, uid) = account;
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    let page = format!("https://{provider}.example/{uid}");
    json!({
        "identity_token": token,
        "date_creation": long(created, Offset::Plus),
        "date_last_update": long(updated(created), Offset::Plus),
        "provider": provider,
        "provider_identity_uid": format!("PIU{uid:0>33}"),
        "source": {
            "name": label,
            "key": provider,
            "access_token": {
                "key": format!("canary-access-token-{canary}"),
                "secret": format!("canary-access-secret-{canary}"),
            },
        },
        "id": page,
        "displayName": name,
        "name": {"formatted": name, "givenName": given, "familyName": family},
        "preferredUsername": name,
        "profileUrl": page,
        "pictureUrl": format!("https://img.example/{provider}/{uid}.jpg"),
        "urls": [{"value": page, "type": "profile"}],
        "accounts": [{"domain": format!("{provider}.com"), "userid": uid}],
        "photos": [
            {"value": format!("https://img.example/{provider}/{uid}.jpg?sz=50"), "size": "2:XS"},
            {"value": format!("https://img.example/{provider}/{uid}.jpg?sz=400"), "size": "5:L"},
        ],
    })
}

/// Number, owner's number, day, provider, label, name, account number.
type Line = (u64, u64, &'static str, &'static str, &'static str, &'static str, &'static str);

const LINES: [Line; 20] = [
    (1, 1, "2016-09-04", "google", "Google", "Olga Brandt", "118118118118118118118"),
    (2, 1, "2013-06-23", "twitter", "Twitter", "Olga Brandt", "300400500"),
    (3, 1, "2014-02-11", "facebook", "Facebook", "Olga Brandt", "30203020"),
    (4, 2, "2011-06-02", "twitter", "Twitter", "Ada Reed", "200300400"),
    (5, 2, "2013-03-03", "facebook", "Facebook", "Ada Reed", "10201020"),
    (6, 2, "2015-10-19", "google", "Google", "Ada Reed", "110022003300440055660"),
    (7, 2, "2018-01-08", "wordpress", "WordPress.com", "Ada Reed", "40417"),
    (8, 3, "2012-04-21", "linkedin", "LinkedIn", "Cleo Vance", "cleo-vance-9"),
    (9, 3, "2013-12-24", "google", "Google", "Cleo Vance", "109109109109109109109"),
    (10, 4, "2014-02-28", "github", "GitHub", "Finn Ashby", "5550001"),
    // The namesake: Ada's name, another account. The same account as Gus's at WordPress.com.
    (11, 5, "2014-07-14", "twitter", "Twitter", "Ada Reed", "999000111"),
    (12, 6, "2022-11-02", "windowslive", "Windows Live", "Jules Verity", "jv-000012"),
    (13, 7, "2012-12-12", "twitter", "Twitter", "Mira Olden", "131313"),
    (14, 7, "2013-01-13", "facebook", "Facebook", "Mira Olden", "141414"),
    (15, 8, "2013-02-14", "windowslive", "Windows Live", "Sol Lone", "151515"),
    (16, 10, "2016-06-16", "google", "Google", "Ezra Clock", "161616"),
    (17, 10, "2017-07-17", "google", "Google", "Ezra Clock", "171717"),
    (18, 10, "2018-08-18", "google", "Google", "Ezra Clock", "181818"),
    (19, 11, "2019-09-19", "openid", "", "Bare Bones", "191919"),
    (20, 5, "2023-01-20", "apple", "Apple", "Gus Marsh", "001234.apple.2020"),
];

/// The fixed identities, one line each plus what sets some apart.
pub(super) fn list() -> Vec<Identity> {
    LINES
        .into_iter()
        .map(|(number, owner, day, provider, label, name, uid)| {
            let created = moment(&format!("{day} 08:07:02"));
            let token = token(number);
            let account = Account(provider, label, name, uid);
            let body = quirk(number, created, body(&token, &format!("{number:02}"), created, account));
            Identity { token, user: super::users::token(owner), created, updated: updated(created), body }
        })
        .collect()
}

/// Of this one the service told no ID of the account: only its page says that it is Keyring's 51002.
fn told_by_page() -> Value {
    json!({
        "emails": [{"value": "ada@fen.example", "is_verified": 1}], "gender": "unknown",
        "accounts": [{"domain": "facebook.com", "username": "ada.reed"}],
        "profileUrl": "http://www.facebook.com/ada.reed/",
    })
}

/// What sets an identity apart from the plain ones.
fn quirk(number: u64, created: i64, body: Value) -> Value {
    let expires = |at: i64| {
        json!({
            "name": "Google", "key": "google",
            "access_token": {"key": format!("canary-access-token-{number:02}"), "date_expiration": expiry(at)},
            "refresh_token": {"key": format!("canary-refresh-token-{number:02}")},
        })
    };
    match number {
        1 => with(
            body,
            json!({
                "source": expires(created + 3600),
                "emails": [{"value": "olga@mail.example", "is_verified": true}],
                "gender": "female",
                "languages": [{"value": "de", "type": "native"}],
                "browser": {
                    "agent": "Mozilla/5.0 (X11; Linux x86_64)", "type": "Firefox",
                    "version": {"major": "52", "full": "52.0"}, "platform": {"name": "Linux", "type": "desktop"},
                },
            }),
        ),
        // As old identities are: no source, typed photos, a user name.
        2 => with(
            without(body, &["source", "date_creation", "date_last_update", "provider_identity_uid"]),
            json!({
                "accounts": [{"domain": "twitter.com", "userid": "300400500", "username": "olga_ops"}],
                "thumbnailUrl": "http://img.example/olga_normal.png",
                "photos": [{"value": "http://img.example/olga_normal.png", "type": "thumbnail"}],
            }),
        ),
        3 => with(body, json!({"emails": [{"value": "olga@mail.example", "is_verified": "true"}], "pictureUrl": null})),
        4 => with(
            body,
            json!({
                "accounts": [{"domain": "twitter.com", "userid": "200300400", "username": "adareed"}],
                "utcOffset": "2:00", "birthday": "01/01/1980",
            }),
        ),
        5 => with(body, told_by_page()),
        6 => with(
            body,
            json!({"emails": [{"value": "ada@fen.example"}, {"value": "ada.reed@mail.example", "is_verified": "1"}]}),
        ),
        12 => with(body, super::contacts::full()),
        16 => with(body, json!({"source": expires(moment("2016-06-16 09:07:02"))})),
        17 => with(body, json!({"source": expires(now() + 3 * DAY)})),
        18 => with(body, json!({"source": expires(now() + 4000 * DAY)})),
        // Almost nothing, and empty maps as empty lists.
        19 => json!({
            "identity_token": token(19), "provider": "openid", "name": [], "source": [], "emails": [],
            "accounts": [], "customData": [],
        }),
        20 => without(body, &["id", "profileUrl", "pictureUrl", "urls", "photos"]),
        _ => body,
    }
}
