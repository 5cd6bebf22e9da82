//! A user of the OneAll site, with all the identities they linked.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::payload::{EncryptionAware, Identity, MaybeEncrypted, User, UserData};
use super::identity::{readable, state};
use super::{NO_DATE, count, date_field, is_about, path};
use crate::model::user::OneAllUserEntry;
use crate::model::{self, IdentityState, IdentityToken, OneAllUser, UserToken};
use crate::provider::lenient::Scalar;
use crate::provider::skipped::SkippedRows;

/// The user that was asked for, or what is wrong with the answer.
///
/// Where a site encrypts its users' data there is a user still, in state ENCRYPTED, with whatever is plain. An identity
/// that is no more than encrypted data has no key by which it could be shown, so it is in that state alone; one that
/// cannot be named for another reason is noted with its place, as is a date of one.
pub fn user(token: UserToken, payload: UserData, invalid_dates: &mut Vec<&'static str>) -> Result<OneAllUser, String> {
    let (user, mut sealed) = match payload.fields.user {
        MaybeEncrypted::Plain(user) => (user.fields, user.has_encrypted || payload.has_encrypted),
        MaybeEncrypted::Absent if !payload.has_encrypted => return Err("user: expected an object".to_owned()),
        MaybeEncrypted::Encrypted | MaybeEncrypted::Absent => (User::default(), true),
    };
    let answered = if user.user_token == Scalar::Absent { &user.uuid } else { &user.user_token };
    if !is_about(token.as_str(), answered) {
        return Err("user_token: an answer about another user".to_owned());
    }
    let own = |node: EncryptionAware<Identity>, invalid_dates: &mut _| {
        let key = node.fields.identity_token.clone().text().and_then(|text| IdentityToken::parse(&text));
        Ok::<_, String>(readable(
            key.ok_or("identity_token: expected a token")?,
            node,
            Some(token.clone()),
            invalid_dates,
        ))
    };
    let (mut identities, mut skipped) = (Vec::new(), SkippedRows::default());
    for (index, row) in (0..).zip(user.identities.0.0) {
        let (place, mut row_invalid_dates) = (|| path("identities", index, &row.key), Vec::new());
        let found = match row.value {
            Ok(MaybeEncrypted::Encrypted) => {
                sealed = true;
                continue;
            }
            Ok(MaybeEncrypted::Plain(node)) => own(node, &mut row_invalid_dates),
            Ok(MaybeEncrypted::Absent) => Err("expected an object".to_owned()),
            Err(detail) => Err(detail),
        };
        match found {
            Ok(identity) => identities.push(identity),
            Err(detail) => skipped.push(index, place, detail),
        }
        for field in row_invalid_dates {
            skipped.push(index, || format!("{}.{field}", place()), NO_DATE.to_owned());
        }
    }
    // OneAll's own mobile kits read `identity` or `identities`, whichever came.
    match user.identity {
        MaybeEncrypted::Plain(node) => identities.extend(own(node, invalid_dates).ok()),
        MaybeEncrypted::Encrypted => sealed = true,
        MaybeEncrypted::Absent => {}
    }
    let entry = OneAllUserEntry {
        state: state(sealed || identities.iter().any(|identity| identity.state == IdentityState::Encrypted)),
        created_at: date_field(user.date_creation, "date_creation", invalid_dates),
        last_login_at: date_field(user.date_last_login, "date_last_login", invalid_dates),
        login_count: count(user.num_logins).and_then(|number| i32::try_from(number).ok()),
        identities: distinct(identities),
        skipped: skipped.into_rows("identities"),
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
