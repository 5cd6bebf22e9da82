//! Changes of an identity at OneAll: relink, delete and synchronize.
//!
//! An identity occurs in the list of its user and in the references of all sign-ins of that user. The sign-ins that used it
//! contain it in full. All of them change together. A change visits every sign-in, which is acceptable because writes are rare.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::store::{OneAllStore, index_tokens};
use crate::sandbox::dates::{OffsetStyle, expiry_date, now, parse_expiry_date, rfc2822_date};
use crate::sandbox::fixtures::sign_ins::{SignIn, SignInDetail};

/// Lifetime of a renewed access token, in seconds.
const TOKEN_SECONDS: i64 = 60 * 86_400;

/// What a synchronization updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct SynchronizeOptions {
    pub(in crate::sandbox) update_user_data: bool,
    /// Whether the access token is renewed before it expires.
    pub(in crate::sandbox) force_token_update: bool,
}

impl OneAllStore {
    /// Links an identity to another user, or deletes it without one. Returns whether anything changed.
    pub(in crate::sandbox) fn move_identity(&mut self, token: &str, to: Option<&str>) -> bool {
        let Some(&position) = self.identity_index.get(token) else {
            return false;
        };
        let from = self.identities[position].user.clone();
        if to == Some(from.as_str()) {
            return false;
        }
        let old_index = self.find_user(&from).and_then(|user| user.identities.iter().position(|own| own == token));
        let destination = to.and_then(|to| Some((to, self.find_user(to)?.identities.len())));
        self.normalize_identity_indices(&from);
        to.into_iter().for_each(|to| self.normalize_identity_indices(to));
        for sign_in in &mut self.sign_ins {
            move_generated_sign_in(sign_in, &from, old_index, destination);
        }
        for user in &mut self.users {
            if user.token == from {
                user.identities.retain(|own| own != token);
            } else if to == Some(user.token.as_str()) {
                user.identities.push(token.to_owned());
            }
        }
        match to {
            Some(to) => to.clone_into(&mut self.identities[position].user),
            None => {
                self.identities.remove(position);
                self.identity_index = index_tokens(self.identities.iter().map(|identity| &identity.token));
            }
        }
        self.update_fixed_sign_ins(token, &from, to);
        true
    }

    /// Updates an identity from its provider. Returns whether anything changed.
    pub(in crate::sandbox) fn synchronize(&mut self, token: &str, options: SynchronizeOptions) -> bool {
        let Some(identity) = self.identity_index.get(token).and_then(|index| self.identities.get_mut(*index)) else {
            return false;
        };
        let access_token = &mut identity.body["source"]["access_token"];
        let expires_at = access_token["date_expiration"].as_str().and_then(parse_expiry_date);
        let is_renewed = options.force_token_update || expires_at.is_some_and(|at| at <= now());
        if is_renewed {
            access_token["key"] = json!(format!("{}-renewed", access_token["key"].as_str().unwrap_or_default()));
            if access_token.get("date_expiration").is_some() {
                access_token["date_expiration"] = json!(expiry_date(now() + TOKEN_SECONDS));
            }
        }
        if options.update_user_data {
            identity.updated_at = now().max(identity.updated_at + 1);
            identity.body["date_last_update"] = json!(rfc2822_date(identity.updated_at, OffsetStyle::Plus));
        }
        let body = identity.body.clone();
        for user in self.sign_ins.iter_mut().filter_map(fixed_user).filter(|user| has_identity(user, token)) {
            user["identity"] = body.clone();
        }
        is_renewed || options.update_user_data
    }

    /// Reduces the identity index of a user's sign-ins below the number of identities, so that it stays valid when that
    /// number changes.
    fn normalize_identity_indices(&mut self, user: &str) {
        let count = self.find_user(user).map_or(0, |user| user.identities.len());
        for sign_in in &mut self.sign_ins {
            if let SignInDetail::Generated { user: owner, identity_index, .. } = &mut sign_in.detail
                && owner == user
            {
                *identity_index = identity_index.checked_rem(count).unwrap_or_default();
            }
        }
    }

    /// Updates the users in sign-ins with a fixed result after an identity was moved or deleted.
    fn update_fixed_sign_ins(&mut self, token: &str, from: &str, to: Option<&str>) {
        let references = |store: &OneAllStore, user: &str| -> Vec<Value> {
            store
                .find_user(user)
                .map_or_else(Vec::new, |user| store.identities_of(user).map(|identity| identity.reference()).collect())
        };
        let lists = [Some(from), to].map(|user| user.map(|user| (user, references(self, user))));
        for sign_in in &mut self.sign_ins {
            let Some(user) = fixed_user(sign_in) else {
                continue;
            };
            match to {
                None if has_identity(user, token) => {
                    sign_in.detail = SignInDetail::Deleted;
                    continue;
                }
                Some(to) if has_identity(user, token) => {
                    user["user_token"] = json!(to);
                    if user.get("uuid").is_some() {
                        user["uuid"] = json!(to);
                    }
                }
                _ => {}
            }
            let list = lists.iter().flatten().find(|(owner, _)| user["user_token"] == **owner);
            if let (Some((_, list)), Some(current)) = (list, user.get_mut("identities")) {
                replace_references(current, list);
            }
        }
    }
}

/// Updates a generated sign-in of `from` when the identity at `old_index` moves to `destination` or is deleted.
fn move_generated_sign_in(
    sign_in: &mut SignIn,
    from: &str,
    old_index: Option<usize>,
    destination: Option<(&str, usize)>,
) {
    let SignInDetail::Generated { user, identity_index, .. } = &mut sign_in.detail else {
        return;
    };
    let Some(order) = old_index.filter(|_| user == from).map(|old_index| (*identity_index).cmp(&old_index)) else {
        return;
    };
    match (order, destination) {
        (Ordering::Less, _) => {}
        (Ordering::Greater, _) => *identity_index -= 1,
        (Ordering::Equal, Some((to, last))) => {
            to.clone_into(user);
            *identity_index = last;
        }
        (Ordering::Equal, None) => sign_in.detail = SignInDetail::Deleted,
    }
}

/// The user in a sign-in with a fixed result.
fn fixed_user(sign_in: &mut SignIn) -> Option<&mut Value> {
    match &mut sign_in.detail {
        SignInDetail::Fixed { result, .. } | SignInDetail::DocumentedSample(result) => result.pointer_mut("/data/user"),
        SignInDetail::Deleted | SignInDetail::Generated { .. } => None,
    }
}

fn has_identity(user: &Value, token: &str) -> bool {
    user["identity"]["identity_token"] == token
}

/// Replaces the references in a list and keeps its wrapper. An empty list is an edge case and stays empty.
fn replace_references(current: &mut Value, list: &[Value]) {
    match current {
        Value::Array(rows) if rows.is_empty() => {}
        Value::Object(wrapper) if wrapper.contains_key("identity") => {
            wrapper.insert("identity".to_owned(), json!(list));
        }
        Value::Object(_) if list.len() == 1 => *current = list[0].clone(),
        _ => *current = json!(list),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::sandbox::fixtures;

    /// Each identity is in one list, its owner's. Each sign-in shows an identity of its own user.
    fn assert_consistent(store: &OneAllStore) {
        let listed: usize = store.users.iter().map(|user| user.identities.len()).sum();
        assert_eq!(listed, store.identities.len());
        for user in &store.users {
            assert!(store.identities_of(user).all(|identity| identity.user == user.token));
            assert_eq!(store.identities_of(user).count(), user.identities.len());
        }
        for sign_in in &store.sign_ins {
            let result = match &sign_in.detail {
                SignInDetail::Generated { .. } => {
                    store.sign_in_result(sign_in).expect("a generated sign-in has a result")
                }
                SignInDetail::Fixed { result, .. } => result.clone(),
                SignInDetail::Deleted | SignInDetail::DocumentedSample(_) => continue,
            };
            let user = &result["data"]["user"];
            if let Some(identity) = user["identity"]["identity_token"].as_str() {
                let identity = store.find_identity(identity).expect("the identity exists");
                assert_eq!(user["user_token"], identity.user);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn after_any_moves_each_identity_and_each_sign_in_has_one_owner(
            moves in prop::collection::vec((any::<Index>(), prop::option::weighted(0.7, any::<Index>())), 1..40),
        ) {
            let mut store = fixtures::oneall::store(8, 2);
            assert_consistent(&store);
            for (identity, to) in moves {
                if store.identities.is_empty() {
                    break;
                }
                let token = identity.get(&store.identities).token.clone();
                let owner = store.find_identity(&token).unwrap().user.clone();
                let to = to.map(|to| to.get(&store.users).token.clone());
                let changed = store.move_identity(&token, to.as_deref());
                prop_assert_eq!(changed, to.as_deref() != Some(owner.as_str()));
                let new_owner = store.find_identity(&token).map(|identity| identity.user.clone());
                prop_assert_eq!(new_owner, to);
                assert_consistent(&store);
            }
        }
    }
}
