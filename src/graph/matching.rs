//! Finds an external account among the viewer's own identities.
//!
//! These are the identities of the Keyring connections of the WordPress.com token and those of the OneAll user that the JWT
//! names. Each list is limited to what its own credential may read. Neither provider can search for an account, and each
//! list costs one call per operation. A whole OneAll site is never searched: it may have a million identities.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::Context;

use super::error::{Error, ErrorCode};
use crate::graph::context::ContextExt;
use crate::graph::pagination::filter::oneall_unsupported;
use crate::graph::pagination::lists::{keyring_identities, oneall_user_identities};
use crate::model::{Identity, IdentityMatch, IdentityState, Provider, matching};
use crate::provider::List;

/// The other provider's identities of the same account. `None` when there is no list to search or the identity is encrypted.
pub(crate) async fn same_as(ctx: &Context<'_>, identity: &Identity) -> Option<Result<Vec<IdentityMatch>, Error>> {
    if !identity.complete || identity.state == IdentityState::Encrypted {
        return None;
    }
    let loaders = ctx.loaders();
    let list = match identity.provider {
        Provider::WordPress => oneall_user_identities(loaders).await?,
        Provider::OneAll => keyring_identities(loaders).await?,
    };
    Some(list.map(|list| matches(identity, &list)).map_err(Error::from))
}

fn matches(identity: &Identity, list: &List<Identity>) -> Vec<IdentityMatch> {
    let mut seen = HashSet::new();
    let matched = list.rows.iter().filter_map(|other| {
        let matched_by = matching::evidence(identity, other)?;
        seen.insert(&other.key).then(|| IdentityMatch { identity: other.clone(), matched_by })
    });
    matched.collect()
}

/// The viewer's own identity of this account. If one provider fails, its error is added to the other's answer.
pub(crate) async fn find_account(
    ctx: &Context<'_>,
    service: &str,
    subject: &str,
) -> Option<Result<Arc<Identity>, Error>> {
    let loaders = ctx.loaders();
    let (oneall, keyring) = futures_util::join!(oneall_user_identities(loaders), keyring_identities(loaders));
    let mut errors = Vec::new();
    if oneall.is_none() && keyring.is_none() {
        // No list to search: report the missing credential.
        errors.extend(loaders.wordpress.session.keyring_connections().await.err().map(Error::from));
    } else if oneall.is_none() && loaders.oneall.session.may_list_identities().is_ok() {
        errors.push(oneall_unsupported("it cannot search for an account. Send the JWT of the person"));
    }
    let mut found = None;
    for list in [oneall, keyring].into_iter().flatten() {
        match list {
            Ok(list) => {
                let is_account = |row: &&Arc<Identity>| matching::is_account(row, service, subject);
                found = found.or_else(|| list.rows.iter().find(is_account).cloned());
            }
            Err(error) => errors.insert(0, error.into()),
        }
    }
    let Some(found) = found else { return errors.into_iter().next().map(Err) };
    let reported = errors.into_iter().filter(|error| error.code != ErrorCode::UnsupportedByProvider);
    reported.for_each(|error| ctx.report(error));
    Some(Ok(found))
}
