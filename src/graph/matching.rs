//! Where an outside account is looked for: among what is the person's own at each provider, and nowhere else.
//!
//! That is the identities behind the Keyring connections of the WordPress.com token, and those of the OneAll user whom
//! the JWT names. The two need not be one person's: each list is what its own credential reaches, and neither opens more
//! of the other. Neither provider can find an account by itself; each list is one call, once an operation. A whole OneAll
//! site is never searched, whoever asks: it may have a million identities, each a call.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::Context;

use super::ContextExt;
use super::error::Error;
use super::filter::beyond_oneall;
use super::lists::{behind_keyring, of_user};
use crate::model::{Identity, IdentityMatch, IdentityState, Provider, matching};
use crate::provider::List;

/// The same account as the other provider sees it. None where there is nothing to compare: no place to look, or an
/// identity of which nothing is known.
pub async fn same_as(ctx: &Context<'_>, identity: &Identity) -> Option<Result<Vec<IdentityMatch>, Error>> {
    if !identity.complete || identity.state == IdentityState::Encrypted {
        return None;
    }
    let loaders = ctx.loaders();
    let list = match identity.provider {
        Provider::WordPress => of_user(loaders).await?,
        Provider::OneAll => behind_keyring(loaders).await?,
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

/// The person's own identity that is this account. An error of one provider stands beside the other's answer.
pub async fn account(ctx: &Context<'_>, service: &str, subject: &str) -> Option<Result<Arc<Identity>, Error>> {
    let loaders = ctx.loaders();
    let (oneall, keyring) = futures_util::join!(of_user(loaders), behind_keyring(loaders));
    let mut errors = Vec::new();
    if oneall.is_none() && keyring.is_none() {
        // Nobody's own: the provider's word for a missing credential.
        errors.extend(loaders.wordpress.reads.keyring_connections().await.err().map(Error::from));
    } else if oneall.is_none() && loaders.oneall.reads.may_list_identities().is_ok() {
        errors.push(beyond_oneall("it has no way to find an account; only a person's own are searched, by their JWT"));
    }
    let mut found = None;
    for list in [oneall, keyring].into_iter().flatten() {
        match list {
            Ok(list) => {
                let is_it = |row: &&Arc<Identity>| matching::is_account(row, service, subject);
                found = found.or_else(|| list.rows.iter().find(is_it).cloned());
            }
            Err(error) => errors.insert(0, error.into()),
        }
    }
    let Some(found) = found else { return errors.into_iter().next().map(Err) };
    let failed = errors.into_iter().filter(|error| error.code != super::error::Code::UnsupportedByProvider);
    failed.for_each(|error| ctx.report(error));
    Some(Ok(found))
}
