//! A user of the OneAll site, with all the identities they linked.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::payload::{Identity, User, UserData, Veil, Watched};
use super::identity::{readable, state};
use super::{NO_DATE, count, dated, is_about, path};
use crate::model::user::OneAllUserEntry;
use crate::model::{self, IdentityState, IdentityToken, OneAllUser, UserToken};
use crate::provider::LeftOut;
use crate::provider::lenient::Loose;

/// The user that was asked for, or what is wrong with the answer.
///
/// Where a site encrypts its users' data there is a user still, in state ENCRYPTED, with whatever is plain. An identity
/// that is no more than encrypted data has no key by which it could be shown, so it is in that state alone; one that
/// cannot be named for another reason is noted with its place, as is a date of one.
pub fn user(token: UserToken, payload: UserData, odd: &mut Vec<&'static str>) -> Result<OneAllUser, String> {
    let (user, mut sealed) = match payload.plain.user {
        Veil::Open(user) => (user.plain, user.vault || payload.vault),
        Veil::Absent if !payload.vault => return Err("user: expected an object".to_owned()),
        Veil::Sealed | Veil::Absent => (User::default(), true),
    };
    let answered = if user.user_token == Loose::Nothing { &user.uuid } else { &user.user_token };
    if !is_about(token.as_str(), answered) {
        return Err("user_token: an answer about another user".to_owned());
    }
    let own = |node: Watched<Identity>, odd: &mut _| {
        let key = node.plain.identity_token.clone().text().and_then(|text| IdentityToken::parse(&text));
        Ok::<_, String>(readable(key.ok_or("identity_token: expected a token")?, node, Some(token.clone()), odd))
    };
    let (mut identities, mut left_out) = (Vec::new(), LeftOut::default());
    for (index, row) in (0..).zip(user.identities.0.0) {
        let (place, mut its_odd) = (|| path("identities", index, &row.place), Vec::new());
        let found = match row.value {
            Ok(Veil::Sealed) => {
                sealed = true;
                continue;
            }
            Ok(Veil::Open(node)) => own(node, &mut its_odd),
            Ok(Veil::Absent) => Err("expected an object".to_owned()),
            Err(detail) => Err(detail),
        };
        match found {
            Ok(identity) => identities.push(identity),
            Err(detail) => left_out.note(index, place, detail),
        }
        for field in its_odd {
            left_out.note(index, || format!("{}.{field}", place()), NO_DATE.to_owned());
        }
    }
    // OneAll's own mobile kits read `identity` or `identities`, whichever came.
    match user.identity {
        Veil::Open(node) => identities.extend(own(node, odd).ok()),
        Veil::Sealed => sealed = true,
        Veil::Absent => {}
    }
    let entry = OneAllUserEntry {
        state: state(sealed || identities.iter().any(|identity| identity.state == IdentityState::Encrypted)),
        created_at: dated(user.date_creation, "date_creation", odd),
        last_login_at: dated(user.date_last_login, "date_last_login", odd),
        login_count: count(user.num_logins).and_then(|number| i32::try_from(number).ok()),
        identities: distinct(identities),
        skipped: left_out.of("identities"),
    };
    Ok(OneAllUser { key: token, entry: Some(entry) })
}

/// Each identity once, where it first stood; a full one replaces a short reference to it.
fn distinct(identities: Vec<model::Identity>) -> Vec<Arc<model::Identity>> {
    let mut places = HashMap::new();
    let mut kept: Vec<Arc<model::Identity>> = Vec::new();
    for identity in identities {
        let place = *places.entry(identity.key.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(Arc::new(identity)),
            Some(known) if identity.complete && !known.complete => *known = Arc::new(identity),
            Some(_) => {}
        }
    }
    kept
}
