//! OneAll connections, here called sign-ins: the row of the list and both generations of details.
//!
//! A sign-in like any other keeps only its user and shape and is written out when it is read, so that a world of a
//! hundred thousand of them stays small.

use serde_json::{Value, json};

use super::identities::Identity;
use super::stamp::{Offset, long};
use super::users::User;

/// One sign-in of one person.
#[derive(Debug, Clone)]
pub(super) struct SignIn {
    pub(super) token: String,
    pub(super) callback_uri: String,
    /// The word in the list; `None` leaves the key out.
    pub(super) status: Option<Value>,
    /// Seconds since 1970.
    pub(super) at: i64,
    pub(super) detail: Detail,
}

/// What a read of one sign-in answers.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    /// Nothing: the list has it, a read does not.
    Gone,
    /// A successful sign-in of this user, in this shape, with the identity at this place (counted round).
    Ordinary { user: String, shape: Shape, place: usize },
    /// Exactly this status and `result` node.
    Fixed { status: u16, result: Value },
    /// The documentation's own example, date and all.
    Sample(Value),
}

/// The two generations of details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As documented in 2011: `plugin` is a text within `connection`, the date is `date`.
    First,
    /// As recorded in 2016: `plugin` is an object beside `connection`, the date is `date_creation`.
    Second,
}

/// Token of the fixed sign-in with this number.
pub(super) fn token(number: u64) -> String {
    format!("5a4d0000-0000-4000-8000-{number:012}")
}

impl SignIn {
    /// A successful sign-in of a user.
    pub(super) fn ordinary(token: String, at: i64, user: String, shape: Shape) -> Self {
        SignIn {
            token,
            callback_uri: "https://shop.example/callback".to_owned(),
            status: Some(json!("succeeded")),
            at,
            detail: Detail::Ordinary { user, shape, place: 0 },
        }
    }

    /// The same with another of the user's identities.
    pub(super) fn using(mut self, other: usize) -> Self {
        if let Detail::Ordinary { place, .. } = &mut self.detail {
            *place = other;
        }
        self
    }

    /// The row of the list.
    pub(super) fn row(&self) -> Value {
        let mut row = json!({
            "connection_token": self.token,
            "callback_uri": self.callback_uri,
            "date_creation": long(self.at, Offset::Plus),
        });
        if let Some(status) = &self.status {
            row["status"] = status.clone();
        }
        row
    }

    /// The `result` node of a successful sign-in.
    pub(super) fn result(&self, shape: Shape, user: &User, used: &Identity, references: Vec<Value>) -> Value {
        let status = json!({"flag": "success", "code": 200, "info": "The user successfully authenticated"});
        match shape {
            Shape::First => json!({
                "status": status,
                "data": {
                    "connection": {
                        "connection_token": self.token,
                        "date": long(self.at, Offset::TwoSpaces),
                        "plugin": if self.at % 2 == 0 { "social_login" } else { "social_link" },
                    },
                    "user": {"user_token": user.token, "identity": used.body},
                },
            }),
            Shape::Second => json!({
                "status": status,
                "data": {
                    "action": "authenticate_user",
                    "plugin": plugin("social_login", "login", "user_authenticated"),
                    "connection": {
                        "connection_token": self.token,
                        "date_creation": long(self.at, Offset::Plus),
                        "callback_uri": self.callback_uri,
                        "status": "succeeded",
                    },
                    "user": {
                        "uuid": user.token,
                        "user_token": user.token,
                        "identity": used.body,
                        "identities": references,
                    },
                },
            }),
        }
    }
}

/// A successful plugin report of the second generation.
pub(super) fn plugin(key: &str, action: &str, reason: &str) -> Value {
    json!({
        "key": key,
        "data": {"action": action, "operation": "user_profile_read", "reason": reason, "status": "success"},
    })
}
