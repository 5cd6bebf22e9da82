//! WordPress.com's reads as they are: with the person's token, what the answer means, and how long it is fresh.
//!
//! Each answer tells also whether WordPress.com accepts the token: of one that nobody has accepted, nobody knows that it is
//! more than a made-up text.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::verdict::{self, Verdict};
use super::{Session, malformed, payload};
use crate::auth::token_audience::Audience;
use crate::auth::{Denied, WordPressGrant};
use crate::model::Provider;
use crate::provider::skipped::log_skipped;
use crate::provider::{EntityResult, Error, List, Reason};
use crate::upstream::{Cacheable, Credential, Fresh, Judged, Read, Reply};

impl Session {
    /// A row of a list that was read lately, by this operation or another with the same token.
    pub(super) fn cached_row<T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        is_it: impl Fn(&T) -> bool,
    ) -> Option<Arc<T>>
    where
        List<T>: Cacheable,
    {
        self.cached_list(path, query)?.rows.iter().find(|row| is_it(row)).cloned()
    }

    pub(super) fn cached_list<T>(&self, path: &[&str], query: &[(&str, &str)]) -> Option<Arc<List<T>>>
    where
        List<T>: Cacheable,
    {
        self.calls.peek(Provider::WordPress, &self.host.upstream, &self.read(path, query).ok()?).flatten()
    }

    /// Reads a list.
    pub(super) async fn read_list<P: DeserializeOwned, T: Send + Sync + 'static>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        fresh_seconds: u64,
        map: impl Fn(P) -> List<T> + Send + Sync + 'static,
    ) -> Result<Arc<List<T>>, Error>
    where
        List<T>: Cacheable,
    {
        let map = move |payload| {
            let list = map(payload);
            log_skipped(Provider::WordPress, &list.skipped);
            Ok(list)
        };
        self.read_required(path, query, fresh_seconds, map).await
    }

    /// Reads what must be there: a list, or the person's own account.
    pub(super) async fn read_required<P: DeserializeOwned, T: Cacheable>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        fresh_seconds: u64,
        map: impl Fn(P) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Arc<T>, Error> {
        match self.read_optional(path, query, fresh_seconds, map).await? {
            Some(found) => Ok(found),
            None => Err(Error::new(Provider::WordPress, Reason::Unsupported, "there is no such list")),
        }
    }

    /// A read with the person's token.
    pub(super) fn read<'a>(&'a self, path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Result<Read<'a>, Error> {
        let credential = Credential::Bearer(self.require_grant()?.token());
        Ok(Read { path, query, masked: false, credential, reader: None })
    }

    pub(super) fn require_grant(&self) -> Result<&WordPressGrant, Error> {
        self.grant.as_ref().map_err(|why| Error::denied(Provider::WordPress, *why))
    }

    /// The same, once it is known that its token may be used. What is kept needs no such proof: it was read with the token.
    pub(super) async fn verified_grant(&self) -> Result<&WordPressGrant, Error> {
        let grant = self.require_grant()?;
        let asking =
            || Box::pin(async { self.host.token_audience(grant.token(), &self.calls.for_gateway_read()).await });
        match grant.audience(asking).await {
            Audience::ThisApplication => Ok(grant),
            Audience::Unknown => Err(Error::denied(Provider::WordPress, Denied::AudienceUnknown)),
            Audience::OtherApplication => {
                let detail = "the token was issued to another application";
                Err(Error::new(Provider::WordPress, Reason::NotAuthenticated, detail))
            }
        }
    }

    /// Reads what may be there.
    pub(super) async fn read_optional<P: DeserializeOwned, T: Cacheable>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        fresh_seconds: u64,
        map: impl Fn(P) -> Result<T, String> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let (grant, read) = (self.verified_grant().await?, self.read(path, query)?);
        let lasts = Some(Duration::from_secs(fresh_seconds));
        let judge = move |reply: &Reply| {
            let result = understand(reply, &map).map(|found| found.map(|noun| Fresh { noun, lasts }));
            Judged { result, note: None }
        };
        let answer = self.calls.read(Provider::WordPress, &self.host.upstream, &read, judge).await;
        match &answer {
            Ok(Some(_)) if is_of_person(path) => grant.record_accepted(),
            Err(error) if error.reason == Reason::NotAuthenticated => grant.record_rejected(),
            _ => {}
        }
        answer
    }
}

/// Whether what is there is shown to the person alone. The catalogue, and many a site, is shown to anybody.
fn is_of_person(path: &[&str]) -> bool {
    path.get(2) == Some(&"me")
}

/// What an answer holds, if it is one and holds anything.
fn understand<P: DeserializeOwned, T>(reply: &Reply, map: impl Fn(P) -> Result<T, String>) -> Result<Option<T>, Error> {
    match verdict::interpret(reply)? {
        Verdict::Content => map(payload::decode(&reply.body)?).map(Some).map_err(malformed),
        Verdict::Absent { .. } => Ok(None),
    }
}
