//! Whether two providers speak of the same outside account, judged by their records alone, and by which evidence.
//!
//! An account's own ID at its service is proof. The page about it is weaker: it counts only at hosts known to be the
//! service's, and only where not both sides give an ID, since a name in a link can pass to somebody else. A person's name
//! or e-mail address is never looked at: namesakes exist, and an address proves nothing of an account.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};

use super::{Identity, IdentityState, Provider, Url, catalogue};

/// Texts that providers put where an account has no ID.
const NO_SUBJECT: [&str; 2] = ["0", "false"];

/// How many accounts of one identity are looked at. Two lists are compared row by row, and either may be as long as an
/// answer has room for.
const ACCOUNTS_MAX: usize = 100;

/// By what two identities are seen to be the same outside account.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchEvidence {
    /// The service and the account's own ID there are the same: Keyring's `external_ID` and OneAll's `accounts[].userid`.
    Subject,
    /// The page about the account is the same, but for `http` or `https`, `www.` and a slash at its end, and not both
    /// providers tell the account's ID. Weaker: a service may give a name in a link to another account some day.
    ProfileUrl,
}

/// The same outside account as another provider sees it. The two stay two identities, each under its own ID.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct IdentityMatch {
    /// The other provider's identity.
    pub identity: Arc<Identity>,
    /// Why the two are taken for one account.
    pub matched_by: MatchEvidence,
}

/// The evidence that two identities of different providers are the same outside account; none if there is none.
pub fn evidence(one: &Identity, other: &Identity) -> Option<MatchEvidence> {
    let service = service_key(one)?;
    if one.provider == other.provider || service_key(other)? != service {
        return None;
    }
    let (mine, theirs) = (subjects(one, &service), subjects(other, &service));
    if !mine.is_empty() && !theirs.is_empty() {
        return mine.iter().any(|subject| theirs.contains(subject)).then_some(MatchEvidence::Subject);
    }
    let page = |identity: &Identity| profile_page(&service, identity.profile_url.as_ref()?);
    (page(one)? == page(other)?).then_some(MatchEvidence::ProfileUrl)
}

/// Whether an identity is the account with this ID at this service, by our key for it.
pub fn is_account(identity: &Identity, service: &str, subject: &str) -> bool {
    service_key(identity).is_some_and(|key| key == service) && subjects(identity, service).contains(&subject)
}

/// Whether two identities are the same account, whoever tells of it: for one provider, by service and ID alone.
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

/// Our key for the service of an identity that can be read.
pub fn service_key(identity: &Identity) -> Option<String> {
    let readable = identity.state == IdentityState::Readable;
    identity.service.as_deref().filter(|_| readable).map(|slug| catalogue::key_for(identity.provider, slug))
}

/// The account's IDs at its service. OneAll can name accounts at other services beside it; those are not this account.
fn subjects<'a>(identity: &'a Identity, service: &str) -> Vec<&'a str> {
    let at_service = |domain: Option<&str>| domain.is_none_or(|domain| catalogue::is_domain_of(service, domain));
    let listed = identity.accounts.iter().take(ACCOUNTS_MAX).filter(|account| at_service(account.domain.as_deref()));
    let subjects: Vec<Option<&str>> = match identity.provider {
        Provider::OneAll if !identity.accounts.is_empty() => listed.map(|account| account.user_id.as_deref()).collect(),
        _ => vec![identity.subject.as_deref()],
    };
    let is_one = |subject: &&str| !subject.trim().is_empty() && !NO_SUBJECT.contains(subject);
    subjects.into_iter().flatten().filter(is_one).collect()
}

/// What of a link names an account at this service: the host in one spelling, the path and the query. None for a link
/// that is not at the service, and for its front page, which is everybody's.
fn profile_page(service: &str, url: &Url) -> Option<String> {
    let url = url::Url::parse(url.as_str()).ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let path = url.path().trim_end_matches('/');
    if url.port().is_some() || path.is_empty() || !catalogue::is_host_of(service, host) {
        return None;
    }
    // A service's second host leads to the same pages.
    let host = if catalogue::is_main_host_of(service, host) { service } else { host };
    Some(format!("{host}{path}?{}", url.query().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
