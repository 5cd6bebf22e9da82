//! What happens to an identity at OneAll, and to everything that shows it: given to another user, deleted, brought up to
//! date.
//!
//! An identity stands in its user's list, in the references of all that user's sign-ins, and in full in the sign-ins that
//! were made with it. All of them change together. A change looks at every sign-in: writes are rare.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::directory::{OneAll, index};
use crate::sandbox::oneall::write::Wish;
use crate::sandbox::sign_ins::{Detail, SignIn};
use crate::sandbox::stamp::{Offset, expiry, long, now, read_expiry};

/// How long a provider's new token is good for.
const TOKEN_SECONDS: i64 = 60 * 86_400;

impl OneAll {
    /// Gives an identity to another user, or deletes it; says whether anything is different now.
    pub(in crate::sandbox) fn move_identity(&mut self, token: &str, to: Option<&str>) -> bool {
        let Some(&place) = self.identity_at.get(token) else {
            return false;
        };
        let from = self.identities[place].user.clone();
        if to == Some(from.as_str()) {
            return false;
        }
        let at = self.find_user(&from).and_then(|user| user.identities.iter().position(|own| own == token));
        let end = to.and_then(|to| Some((to, self.find_user(to)?.identities.len())));
        self.pin(&from);
        to.into_iter().for_each(|to| self.pin(to));
        for sign_in in &mut self.sign_ins {
            follow(sign_in, &from, at, end);
        }
        for user in &mut self.users {
            if user.token == from {
                user.identities.retain(|own| own != token);
            } else if to == Some(user.token.as_str()) {
                user.identities.push(token.to_owned());
            }
        }
        match to {
            Some(to) => to.clone_into(&mut self.identities[place].user),
            None => {
                self.identities.remove(place);
                self.identity_at = index(self.identities.iter().map(|identity| &identity.token));
            }
        }
        self.rewrite(token, &from, to);
        true
    }

    /// Brings an identity up to date; says whether anything is different now.
    pub(in crate::sandbox) fn synchronize(&mut self, token: &str, wish: Wish) -> bool {
        let Some(identity) = self.identity_at.get(token).and_then(|at| self.identities.get_mut(*at)) else {
            return false;
        };
        let access = &mut identity.body["source"]["access_token"];
        let expired = access["date_expiration"].as_str().and_then(read_expiry).is_some_and(|at| at <= now());
        let renewed = expired || wish.force_token;
        if renewed {
            access["key"] = json!(format!("{}-renewed", access["key"].as_str().unwrap_or_default()));
            if access.get("date_expiration").is_some() {
                access["date_expiration"] = json!(expiry(now() + TOKEN_SECONDS));
            }
        }
        if wish.user_data {
            identity.updated = now().max(identity.updated + 1);
            identity.body["date_last_update"] = json!(long(identity.updated, Offset::Plus));
        }
        let body = identity.body.clone();
        for shown in self.sign_ins.iter_mut().filter_map(written).filter(|user| shows(user, token)) {
            shown["identity"] = body.clone();
        }
        renewed || wish.user_data
    }

    /// Ties each ordinary sign-in of a user to the identity that it shows, however many there will be.
    fn pin(&mut self, user: &str) {
        let many = self.find_user(user).map_or(0, |user| user.identities.len());
        for sign_in in &mut self.sign_ins {
            if let Detail::Ordinary { user: its, place, .. } = &mut sign_in.detail
                && its == user
            {
                *place = place.checked_rem(many).unwrap_or_default();
            }
        }
    }

    /// Brings the sign-ins that are kept written out in line with who has what.
    fn rewrite(&mut self, token: &str, from: &str, to: Option<&str>) {
        let references = |all: &OneAll, user: &str| -> Vec<Value> {
            all.find_user(user)
                .map_or_else(Vec::new, |user| all.identities_of(user).map(|identity| identity.reference()).collect())
        };
        let lists = [Some(from), to].map(|user| user.map(|user| (user, references(self, user))));
        for sign_in in &mut self.sign_ins {
            let Some(user) = written(sign_in) else {
                continue;
            };
            match to {
                None if shows(user, token) => {
                    sign_in.detail = Detail::Gone;
                    continue;
                }
                Some(to) if shows(user, token) => {
                    user["user_token"] = json!(to);
                    if user.get("uuid").is_some() {
                        user["uuid"] = json!(to);
                    }
                }
                _ => {}
            }
            let list = lists.iter().flatten().find(|(owner, _)| user["user_token"] == **owner);
            if let (Some((_, list)), Some(shown)) = (list, user.get_mut("identities")) {
                relist(shown, list);
            }
        }
    }
}

/// Takes an ordinary sign-in along with the identity at place `at` of `from`, or ends it with it.
fn follow(sign_in: &mut SignIn, from: &str, at: Option<usize>, end: Option<(&str, usize)>) {
    let Detail::Ordinary { user, place, .. } = &mut sign_in.detail else {
        return;
    };
    let Some(order) = at.filter(|_| user == from).map(|at| (*place).cmp(&at)) else {
        return;
    };
    match (order, end) {
        (Ordering::Less, _) => {}
        (Ordering::Greater, _) => *place -= 1,
        (Ordering::Equal, Some((to, last))) => {
            to.clone_into(user);
            *place = last;
        }
        (Ordering::Equal, None) => sign_in.detail = Detail::Gone,
    }
}

/// The user in a sign-in that is kept written out.
fn written(sign_in: &mut SignIn) -> Option<&mut Value> {
    match &mut sign_in.detail {
        Detail::Fixed { result, .. } | Detail::Sample(result) => result.pointer_mut("/data/user"),
        Detail::Gone | Detail::Ordinary { .. } => None,
    }
}

fn shows(user: &Value, token: &str) -> bool {
    user["identity"]["identity_token"] == token
}

/// Puts references in the place of others, in the same wrapping; an empty list is empty on purpose.
fn relist(shown: &mut Value, list: &[Value]) {
    match shown {
        Value::Array(rows) if rows.is_empty() => {}
        Value::Object(wrapped) if wrapped.contains_key("identity") => {
            wrapped.insert("identity".to_owned(), json!(list));
        }
        Value::Object(_) if list.len() == 1 => *shown = list[0].clone(),
        _ => *shown = json!(list),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// Who has what: each identity in one list, its owner's; each ordinary sign-in with an identity of its own user.
    fn assert_sound(all: &OneAll) {
        let listed: usize = all.users.iter().map(|user| user.identities.len()).sum();
        assert_eq!(listed, all.identities.len());
        for user in &all.users {
            assert!(all.identities_of(user).all(|identity| identity.user == user.token));
            assert_eq!(all.identities_of(user).count(), user.identities.len());
        }
        for sign_in in &all.sign_ins {
            let own = match &sign_in.detail {
                Detail::Ordinary { .. } => all.result(sign_in).expect("an ordinary sign-in can be shown"),
                Detail::Fixed { result, .. } => result.clone(),
                Detail::Gone | Detail::Sample(_) => continue,
            };
            let user = &own["data"]["user"];
            if let Some(identity) = user["identity"]["identity_token"].as_str() {
                let identity = all.find_identity(identity).expect("what is shown is there");
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
            let mut all = OneAll::build(8, 2);
            assert_sound(&all);
            for (which, to) in moves {
                if all.identities.is_empty() {
                    break;
                }
                let token = which.get(&all.identities).token.clone();
                let owner = all.find_identity(&token).unwrap().user.clone();
                let to = to.map(|to| to.get(&all.users).token.clone());
                let changed = all.move_identity(&token, to.as_deref());
                prop_assert_eq!(changed, to.as_deref() != Some(owner.as_str()));
                let now = all.find_identity(&token).map(|identity| identity.user.clone());
                prop_assert_eq!(now, to);
                assert_sound(&all);
            }
        }
    }
}
