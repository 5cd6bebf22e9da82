//! Everything that is stored at OneAll: users, their identities, and their sign-ins, each list in order of creation.
//!
//! An index finds rows by token, so a store of a hundred thousand rows responds as fast as a small one.

use std::collections::HashMap;

use serde_json::Value;

use crate::sandbox::fixtures::identities::Identity;
use crate::sandbox::fixtures::sign_ins::{DetailFormat, SignIn, SignInDetail};
use crate::sandbox::fixtures::users::{self, User};

/// Everything that is stored at OneAll. Each list is in order of creation.
#[derive(Debug)]
pub(in crate::sandbox) struct OneAllStore {
    pub(in crate::sandbox) sign_ins: Vec<SignIn>,
    pub(in crate::sandbox) users: Vec<User>,
    pub(in crate::sandbox) identities: Vec<Identity>,
    sign_in_index: HashMap<String, usize>,
    user_index: HashMap<String, usize>,
    pub(super) identity_index: HashMap<String, usize>,
    added_count: u64,
}

impl OneAllStore {
    /// A store with these users and identities, and without sign-ins.
    pub(in crate::sandbox) fn new(mut users: Vec<User>, mut identities: Vec<Identity>) -> Self {
        users.sort_by_key(|user| user.created_at);
        identities.sort_by_key(|identity| identity.created_at);
        OneAllStore {
            sign_in_index: HashMap::new(),
            user_index: index_tokens(users.iter().map(|user| &user.token)),
            identity_index: index_tokens(identities.iter().map(|identity| &identity.token)),
            sign_ins: Vec::new(),
            users,
            identities,
            added_count: 0,
        }
    }

    /// Replaces all sign-ins.
    pub(in crate::sandbox) fn set_sign_ins(&mut self, mut sign_ins: Vec<SignIn>) {
        sign_ins.sort_by_key(|sign_in| sign_in.created_at);
        self.sign_in_index = index_tokens(sign_ins.iter().map(|sign_in| &sign_in.token));
        self.sign_ins = sign_ins;
    }

    /// Adds sign-ins that are newer than all others, of one user or of five users in turn. Returns their tokens.
    pub(in crate::sandbox) fn append_sign_ins(&mut self, count: u64, user: Option<&str>) -> Vec<String> {
        let newest = self.sign_ins.last().map_or(0, |sign_in| sign_in.created_at);
        let tokens: Vec<String> =
            (1..=count).map(|step| format!("5a4d0000-0000-4000-9100-{:012}", self.added_count + step)).collect();
        for (token, step) in tokens.iter().zip(1_i64..) {
            let user = user.map_or_else(|| users::token(step.unsigned_abs() % 5 + 1), str::to_owned);
            let sign_in = SignIn::new(token.clone(), newest + step * 60, user, DetailFormat::Y2016);
            self.sign_in_index.insert(token.clone(), self.sign_ins.len());
            self.sign_ins.push(sign_in);
        }
        self.added_count += count;
        tokens
    }

    /// Removes sign-ins. Returns how many existed.
    pub(in crate::sandbox) fn remove_sign_ins(&mut self, tokens: &[&str]) -> usize {
        let count_before = self.sign_ins.len();
        self.sign_ins.retain(|sign_in| !tokens.contains(&sign_in.token.as_str()));
        self.sign_in_index = index_tokens(self.sign_ins.iter().map(|sign_in| &sign_in.token));
        count_before - self.sign_ins.len()
    }

    /// A sign-in by token.
    pub(in crate::sandbox) fn find_sign_in(&self, token: &str) -> Option<&SignIn> {
        self.sign_ins.get(*self.sign_in_index.get(token)?)
    }

    /// A user by token.
    pub(in crate::sandbox) fn find_user(&self, token: &str) -> Option<&User> {
        self.users.get(*self.user_index.get(token)?)
    }

    /// An identity by token.
    pub(in crate::sandbox) fn find_identity(&self, token: &str) -> Option<&Identity> {
        self.identities.get(*self.identity_index.get(token)?)
    }

    /// The identities of a user.
    pub(in crate::sandbox) fn identities_of<'s>(&'s self, user: &'s User) -> impl Iterator<Item = &'s Identity> {
        user.identities.iter().filter_map(|token| self.find_identity(token))
    }

    /// The `result` node of a generated sign-in, with the current data of its user.
    pub(in crate::sandbox) fn sign_in_result(&self, sign_in: &SignIn) -> Option<Value> {
        let SignInDetail::Generated { user, format, identity_index } = &sign_in.detail else {
            return None;
        };
        let user = self.find_user(user)?;
        let index = identity_index.checked_rem(user.identities.len())?;
        let identity = self.identities_of(user).nth(index)?;
        let references = self.identities_of(user).map(Identity::reference).collect();
        Some(sign_in.result(*format, user, identity, references))
    }
}

/// The index of the first row with each token.
pub(super) fn index_tokens<'t>(tokens: impl Iterator<Item = &'t String>) -> HashMap<String, usize> {
    let mut index = HashMap::new();
    for (position, token) in tokens.enumerate() {
        index.entry(token.clone()).or_insert(position);
    }
    index
}
