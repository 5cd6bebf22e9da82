//! Everything at OneAll: users, their identities, and their sign-ins, each list in the order of creation.
//!
//! What a provider's list is asked for by token is found by an index, so that a world of a hundred thousand rows answers
//! as fast as a small one.

use std::collections::HashMap;

use serde_json::Value;

use crate::sandbox::identities::{self, Identity};
use crate::sandbox::sign_ins::{self, Detail, Shape, SignIn};
use crate::sandbox::stamp::moment;
use crate::sandbox::users::{self, User};
use crate::sandbox::{crowd, odd_sign_ins};

/// Names of the fixed ordinary users 12 to 20.
const NAMES: [&str; 9] = [
    "Ines Park",
    "Joan Holt",
    "Kofi Lind",
    "Lena Moor",
    "Milo Nash",
    "Nora Pike",
    "Otto Quill",
    "Pia Rowe",
    "Ravi Stone",
];

/// Everything at OneAll; each list is kept in the order of creation.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct OneAll {
    pub(in crate::sandbox) sign_ins: Vec<SignIn>,
    pub(in crate::sandbox) users: Vec<User>,
    pub(in crate::sandbox) identities: Vec<Identity>,
    sign_in_at: HashMap<String, usize>,
    pub(super) user_at: HashMap<String, usize>,
    pub(super) identity_at: HashMap<String, usize>,
    appended: u64,
}

impl OneAll {
    /// The fixed holdings, enlarged by generated sign-ins and a crowd of this size.
    pub(super) fn build(extra: u64, crowd: usize) -> Self {
        let mut all = OneAll { users: users::list(), identities: identities::list(), ..OneAll::default() };
        for (number, name) in (12..).zip(NAMES) {
            let (user, identity) = (users::token(number), identities::token(number + 20));
            all.users.push(users::ordinary(user.clone(), number, identity.clone()));
            all.identities.push(identities::ordinary(identity, user, number, "", name));
        }
        let sample = identities::sample();
        all.users.push(users::ordinary(sample.user.clone(), 227, sample.token.clone()));
        all.identities.push(sample);
        let extra_users = if extra == 0 { 0 } else { (extra / 4).max(1) };
        for number in 1..=extra_users {
            let user = format!("5a4d0000-0000-4000-9001-{number:012}");
            let identity = format!("5a4d0000-0000-4000-9002-{number:012}");
            let name = format!("Visitor {number}");
            all.users.push(users::ordinary(user.clone(), number, identity.clone()));
            all.identities.push(identities::ordinary(identity, user, number, "9-", &name));
        }
        for member in (0..crowd).map(crowd::synthetic_user) {
            all.users.push(crowd::user(&member));
            all.identities.extend(crowd::identities(&member));
        }
        for user in users_without_identities(&mut all.users) {
            let own = all.identities.iter().filter(|identity| identity.user == user.token);
            user.identities = own.map(|identity| identity.token.clone()).collect();
        }
        all.users.sort_by_key(|user| user.created);
        all.identities.sort_by_key(|identity| identity.created);
        all.user_at = index(all.users.iter().map(|user| &user.token));
        all.identity_at = index(all.identities.iter().map(|identity| &identity.token));
        all.sign_ins = odd_sign_ins::list(&all);
        all.sign_ins.extend(bulk());
        all.sign_ins.extend(generated(extra, extra_users));
        all.sign_ins.extend((0..crowd).flat_map(|index| crowd::sign_ins(&crowd::synthetic_user(index))));
        all.sign_ins.sort_by_key(|sign_in| sign_in.at);
        all.sign_in_at = index(all.sign_ins.iter().map(|sign_in| &sign_in.token));
        all
    }

    /// Adds sign-ins that are newer than all others, of this user or of a few in turn; answers their tokens.
    pub(in crate::sandbox) fn append_sign_ins(&mut self, count: u64, user: Option<&str>) -> Vec<String> {
        let newest = self.sign_ins.last().map_or(0, |sign_in| sign_in.at);
        let tokens: Vec<String> =
            (1..=count).map(|step| format!("5a4d0000-0000-4000-9100-{:012}", self.appended + step)).collect();
        for (token, step) in tokens.iter().zip(1_i64..) {
            let user = user.map_or_else(|| users::token(step.unsigned_abs() % 5 + 1), str::to_owned);
            let sign_in = SignIn::ordinary(token.clone(), newest + step * 60, user, Shape::Second);
            self.sign_in_at.insert(token.clone(), self.sign_ins.len());
            self.sign_ins.push(sign_in);
        }
        self.appended += count;
        tokens
    }

    /// Removes sign-ins from list and reads; says how many there were.
    pub(in crate::sandbox) fn remove_sign_ins(&mut self, tokens: &[&str]) -> usize {
        let before = self.sign_ins.len();
        self.sign_ins.retain(|sign_in| !tokens.contains(&sign_in.token.as_str()));
        self.sign_in_at = index(self.sign_ins.iter().map(|sign_in| &sign_in.token));
        before - self.sign_ins.len()
    }

    /// A sign-in by token.
    pub(in crate::sandbox) fn find_sign_in(&self, token: &str) -> Option<&SignIn> {
        self.sign_ins.get(*self.sign_in_at.get(token)?)
    }

    /// A user by token.
    pub(in crate::sandbox) fn find_user(&self, token: &str) -> Option<&User> {
        self.users.get(*self.user_at.get(token)?)
    }

    /// An identity by token.
    pub(in crate::sandbox) fn find_identity(&self, token: &str) -> Option<&Identity> {
        self.identities.get(*self.identity_at.get(token)?)
    }

    /// The identities of a user.
    pub(in crate::sandbox) fn identities_of<'w>(&'w self, user: &'w User) -> impl Iterator<Item = &'w Identity> {
        user.identities.iter().filter_map(|token| self.find_identity(token))
    }

    /// The `result` node of an ordinary sign-in, written with what its user has now.
    pub(in crate::sandbox) fn result(&self, sign_in: &SignIn) -> Option<Value> {
        let Detail::Ordinary { user, shape, place } = &sign_in.detail else {
            return None;
        };
        let user = self.find_user(user)?;
        let place = place.checked_rem(user.identities.len())?;
        let used = self.identities_of(user).nth(place)?;
        let references = self.identities_of(user).map(Identity::reference).collect();
        Some(sign_in.result(*shape, user, used, references))
    }
}

fn users_without_identities(users: &mut [User]) -> impl Iterator<Item = &mut User> {
    users.iter_mut().filter(|user| user.identities.is_empty())
}

/// The fixed sign-ins 25 to 48: Olga, Ada, Cleo, Finn, Gus and the ordinary users in turn.
fn bulk() -> impl Iterator<Item = SignIn> {
    let start = moment("2011-10-03 07:30:00");
    (25_u64..=48).zip(1_u32..).map(move |(number, step)| {
        let turn = number % 14;
        let user = if turn < 5 { turn + 1 } else { turn + 7 };
        let shape = if number % 2 == 0 { Shape::First } else { Shape::Second };
        // About every 226 days, to the summer of 2026.
        let at = start + i64::from(step) * (226 * 86_400 + 37);
        SignIn::ordinary(sign_ins::token(number), at, users::token(user), shape).using(step as usize)
    })
}

/// Sign-ins for a large world: every ten minutes from 2020 on.
fn generated(count: u64, users: u64) -> impl Iterator<Item = SignIn> {
    let start = moment("2020-01-01 00:00:00");
    (1..=count).zip(0_i64..).map(move |(number, step)| {
        let token = format!("5a4d0000-0000-4000-9000-{number:012}");
        let user = format!("5a4d0000-0000-4000-9001-{:012}", number % users.max(1) + 1);
        let shape = if number % 2 == 0 { Shape::First } else { Shape::Second };
        SignIn::ordinary(token, start + step * 600, user, shape)
    })
}

/// Where each token stands first.
pub(super) fn index<'t>(tokens: impl Iterator<Item = &'t String>) -> HashMap<String, usize> {
    let mut at = HashMap::new();
    for (place, token) in tokens.enumerate() {
        at.entry(token.clone()).or_insert(place);
    }
    at
}
