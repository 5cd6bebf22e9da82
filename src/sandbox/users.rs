//! OneAll users: a person with any number of identities, and the four spellings of that number.

use serde_json::{Value, json};

use super::stamp::{Offset, long, moment};

const DAY: i64 = 86_400;

/// How the details of a user carry the list of identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// A list, as documented.
    List,
    /// An object around the list, `{"identity": […]}`, as of 2013.
    Wrapped,
    /// One identity without any list around it; two are listed.
    Lone,
    /// No key at all while there is no identity.
    Missing,
}

impl Wrapping {
    /// Puts the identities under their key the way this user has them.
    pub(super) fn put(self, user: &mut Value, identities: Vec<Value>) {
        user["identities"] = match self {
            Wrapping::Missing if identities.is_empty() => return,
            Wrapping::Wrapped => json!({"identity": identities}),
            Wrapping::Lone if identities.len() < 2 => identities.into_iter().next().unwrap_or_default(),
            _ => Value::Array(identities),
        };
    }
}

/// A person known to the site.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) token: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    /// Seconds since 1970.
    pub(super) last_login: i64,
    pub(super) logins: u64,
    /// Tokens of the identities, the first one first linked.
    pub(super) identities: Vec<String>,
    pub(super) wrapping: Wrapping,
    /// How this user's dates spell their offset.
    pub(super) offset: Offset,
}

impl User {
    /// The details without the identities; their `num_logins` is a text.
    pub(super) fn head(&self) -> Value {
        let mut created = long(self.created, self.offset);
        if self.token == token(8) {
            // A documented date whose weekday is wrong and whose day is not padded: it was a Thursday.
            created = "Tue, 1 Sep 2011 11:01:12 +0200".to_owned();
        }
        json!({
            "user_token": self.token,
            "date_creation": created,
            "date_last_login": long(self.last_login, self.offset),
            "num_logins": self.logins.to_string(),
        })
    }
}

/// Token of the fixed user with this number.
pub(super) fn token(number: u64) -> String {
    format!("5a4d0000-0000-4000-8001-{number:012}")
}

/// A user who is like any other.
pub(super) fn ordinary(token: String, number: u64, identity: String) -> User {
    let created = moment("2011-01-10 09:00:00") + (number % 3000) as i64 * DAY;
    User {
        token,
        created,
        last_login: created + 30 * DAY,
        logins: number % 90 + 1,
        identities: vec![identity],
        wrapping: Wrapping::List,
        offset: Offset::Plus,
    }
}

/// The fixed users 1 to 11; their identities are found by owner later.
pub(super) fn list() -> Vec<User> {
    (1..=11)
        .map(|number| User {
            token: token(number),
            created: match number {
                8 => moment("2011-09-01 09:01:12"),
                _ => moment("2011-02-01 09:01:12") + number as i64 * 60 * DAY,
            },
            last_login: moment("2026-08-01 07:00:00") + number as i64 * 3600,
            logins: [148, 64, 12, 3, 9, 27, 5, 1, 0, 33, 2][(number - 1) as usize % 11],
            identities: Vec::new(),
            wrapping: match number {
                7 => Wrapping::Wrapped,
                8 => Wrapping::Lone,
                9 => Wrapping::Missing,
                _ => Wrapping::List,
            },
            offset: match number % 3 {
                0 => Offset::OneSpace,
                1 => Offset::Plus,
                _ => Offset::TwoSpaces,
            },
        })
        .collect()
}
