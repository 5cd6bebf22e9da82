//! Decides whether identities of two providers are the same external account, and by which evidence.
//!
//! The ID of the account at its service is proof. The profile URL is weaker, because a service may give a user name to
//! another person. It counts only on known hosts of the service, and only when one of the two has no ID. Names and email
//! addresses are never compared: different people may share them.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};

use super::catalogue;
use super::identity::{Identity, IdentityState};
use super::provider::Provider;
use super::scalar::Url;

/// Values that providers use for a missing account ID.
const NO_SUBJECT: [&str; 2] = ["0", "false"];

/// The maximum number of accounts of one identity that are compared. Two lists are compared pairwise, and each may be long.
const ACCOUNTS_MAX: usize = 100;

/// The evidence that two identities are the same account.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchEvidence {
    /// The service and the ID of the account there are equal.
    Subject,
    /// The profile URLs are equivalent, and not both providers know the ID of the account. Weaker than SUBJECT: a service may
    /// reuse user names.
    ProfileUrl,
}

/// An identity of the same account at the other provider.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct IdentityMatch {
    /// The identity at the other provider.
    pub identity: Arc<Identity>,
    /// The evidence for the match.
    pub matched_by: MatchEvidence,
}

/// The evidence that two identities of different providers are the same account, if any.
pub fn evidence(one: &Identity, other: &Identity) -> Option<MatchEvidence> {
    let service = service_key(one)?;
    if one.provider == other.provider || service_key(other)? != service {
        return None;
    }
    let subjects_of_one = subjects(one, &service);
    let subjects_of_other = subjects(other, &service);
    if !subjects_of_one.is_empty() && !subjects_of_other.is_empty() {
        return subjects_of_one
            .iter()
            .any(|subject| subjects_of_other.contains(subject))
            .then_some(MatchEvidence::Subject);
    }
    let page = |identity: &Identity| profile_page(&service, identity.profile_url.as_ref()?);
    (page(one)? == page(other)?).then_some(MatchEvidence::ProfileUrl)
}

/// Whether an identity is the account with this ID at the service with this key.
pub fn is_account(identity: &Identity, service: &str, subject: &str) -> bool {
    service_key(identity).is_some_and(|key| key == service) && subjects(identity, service).contains(&subject)
}

/// Whether two identities are the same account. Identities of one provider are compared by service and ID only.
pub fn is_same_account(one: &Identity, other: &Identity) -> bool {
    if one.key == other.key {
        return true;
    }
    if one.provider != other.provider {
        return evidence(one, other).is_some();
    }
    let Some(service) = service_key(one) else { return false };
    subjects(one, &service).iter().any(|subject| is_account(other, &service, subject))
}

/// The key of the service of a readable identity.
pub fn service_key(identity: &Identity) -> Option<String> {
    let readable = identity.state == IdentityState::Readable;
    identity.service.as_deref().filter(|_| readable).map(|slug| catalogue::key_for(identity.provider, slug))
}

/// The IDs of an identity's account at its service. OneAll may also list accounts at other services, which do not count.
fn subjects<'a>(identity: &'a Identity, service: &str) -> Vec<&'a str> {
    let at_service = |domain: Option<&str>| domain.is_none_or(|domain| catalogue::is_domain_of(service, domain));
    let listed = identity.accounts.iter().take(ACCOUNTS_MAX).filter(|account| at_service(account.domain.as_deref()));
    let subjects: Vec<Option<&str>> = match identity.provider {
        Provider::OneAll if !identity.accounts.is_empty() => listed.map(|account| account.user_id.as_deref()).collect(),
        _ => vec![identity.subject.as_deref()],
    };
    let is_valid = |subject: &&str| !subject.trim().is_empty() && !NO_SUBJECT.contains(subject);
    subjects.into_iter().flatten().filter(is_valid).collect()
}

/// The parts of a profile URL that identify an account: normalized host, path and query. `None` for a URL of another site
/// and for the home page of the service.
fn profile_page(service: &str, url: &Url) -> Option<String> {
    let url = url::Url::parse(url.as_str()).ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let path = url.path().trim_end_matches('/');
    if url.port().is_some() || path.is_empty() || !catalogue::is_host_of(service, host) {
        return None;
    }
    // All main hosts of a service have the same pages.
    let host = if catalogue::is_main_host_of(service, host) { service } else { host };
    Some(format!("{host}{path}?{}", url.query().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
