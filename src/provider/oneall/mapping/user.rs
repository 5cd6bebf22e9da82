//! Maps a user of the site, with all linked identities.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::payload::{EncryptionAware, Identity, MaybeEncrypted, User, UserData};
use super::identity::{readable, state};
use super::{EXPECTED_DATE, count, date_field, is_requested, path};
use crate::model::user::OneAllUserEntry;
use crate::model::{self, IdentityState, IdentityToken, OneAllUser, UserToken};
use crate::provider::lenient::Scalar;
use crate::provider::skipped::SkippedRows;

/// Maps a user that was read on its own. An error names the invalid field.
///
/// A user with encrypted data is still a user, in state ENCRYPTED, with the plain fields. An identity that is only
/// encrypted data has no key, so only the state shows it. Another identity without a valid key is skipped and reported,
/// and so is an invalid date of an identity.
pub fn user(token: UserToken, payload: UserData, invalid_dates: &mut Vec<&'static str>) -> Result<OneAllUser, String> {
    let (user, mut is_encrypted) = match payload.fields.user {
        MaybeEncrypted::Plain(user) => (user.fields, user.has_encrypted || payload.has_encrypted),
        MaybeEncrypted::Absent if !payload.has_encrypted => return Err("user: expected an object".to_owned()),
        MaybeEncrypted::Encrypted | MaybeEncrypted::Absent => (User::default(), true),
    };
    let token_in_response = if user.user_token == Scalar::Absent { &user.uuid } else { &user.user_token };
    if !is_requested(token.as_str(), token_in_response) {
        return Err("user_token: the response is about another user".to_owned());
    }
    let map_identity = |node: EncryptionAware<Identity>, invalid_dates: &mut _| {
        let key = node.fields.identity_token.clone().text().and_then(|text| IdentityToken::parse(&text));
        Ok::<_, String>(readable(
            key.ok_or("identity_token: expected a token")?,
            node,
            Some(token.clone()),
            invalid_dates,
        ))
    };
    let mut identities = Vec::new();
    let mut skipped = SkippedRows::default();
    for (index, row) in (0..).zip(user.identities.0.0) {
        let row_path = || path("identities", index, &row.key);
        let mut row_invalid_dates = Vec::new();
        let found = match row.value {
            Ok(MaybeEncrypted::Encrypted) => {
                is_encrypted = true;
                continue;
            }
            Ok(MaybeEncrypted::Plain(node)) => map_identity(node, &mut row_invalid_dates),
            Ok(MaybeEncrypted::Absent) => Err("expected an object".to_owned()),
            Err(detail) => Err(detail),
        };
        match found {
            Ok(identity) => identities.push(identity),
            Err(detail) => skipped.push(index, row_path, detail),
        }
        for field in row_invalid_dates {
            skipped.push(index, || format!("{}.{field}", row_path()), EXPECTED_DATE.to_owned());
        }
    }
    // OneAll's own mobile kits read `identity` or `identities`, whichever came.
    match user.identity {
        MaybeEncrypted::Plain(node) => identities.extend(map_identity(node, invalid_dates).ok()),
        MaybeEncrypted::Encrypted => is_encrypted = true,
        MaybeEncrypted::Absent => {}
    }
    let entry = OneAllUserEntry {
        state: state(is_encrypted || identities.iter().any(|identity| identity.state == IdentityState::Encrypted)),
        created_at: date_field(user.date_creation, "date_creation", invalid_dates),
        last_login_at: date_field(user.date_last_login, "date_last_login", invalid_dates),
        login_count: count(user.num_logins).and_then(|number| i32::try_from(number).ok()),
        identities: distinct(identities),
        skipped: skipped.into_rows("identities"),
    };
    Ok(OneAllUser { key: token, entry: Some(entry) })
}

/// The identities without duplicates, in their order. A complete one replaces a short reference to it.
fn distinct(identities: Vec<model::Identity>) -> Vec<Arc<model::Identity>> {
    let mut positions = HashMap::new();
    let mut distinct: Vec<Arc<model::Identity>> = Vec::new();
    for identity in identities {
        let position = *positions.entry(identity.key.clone()).or_insert(distinct.len());
        match distinct.get_mut(position) {
            None => distinct.push(Arc::new(identity)),
            Some(known) if identity.complete && !known.complete => *known = Arc::new(identity),
            Some(_) => {}
        }
    }
    distinct
}
