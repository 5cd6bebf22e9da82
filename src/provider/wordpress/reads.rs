//! WordPress.com's reads: they send the person's token, interpret the response and set its TTL.
//!
//! Each response also shows whether WordPress.com accepts the token. Until one does, the token may be an invented text.

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
use crate::upstream::{Cacheable, Credential, Decoded, Interpreted, Read, Reply};

impl Session {
    /// A row of a list that this operation or another one with the same token has cached.
    pub(super) fn cached_row<T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        has_key: impl Fn(&T) -> bool,
    ) -> Option<Arc<T>>
    where
        List<T>: Cacheable,
    {
        self.cached_list(path, query)?.rows.iter().find(|row| has_key(row)).cloned()
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
        ttl_seconds: u64,
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
        self.read_required(path, query, ttl_seconds, map).await
    }

    /// Reads what must exist: a list, or the person's own account.
    pub(super) async fn read_required<P: DeserializeOwned, T: Cacheable>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        ttl_seconds: u64,
        map: impl Fn(P) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Arc<T>, Error> {
        match self.read_optional(path, query, ttl_seconds, map).await? {
            Some(found) => Ok(found),
            None => Err(Error::new(Provider::WordPress, Reason::Unsupported, "the list does not exist")),
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

    /// The grant, after a check that its token was issued to this gateway's application.
    ///
    /// A cached response needs no check, because it was read with the token.
    pub(super) async fn verified_grant(&self) -> Result<&WordPressGrant, Error> {
        let grant = self.require_grant()?;
        let check =
            || Box::pin(async { self.host.token_audience(grant.token(), &self.calls.for_gateway_read()).await });
        match grant.audience(check).await {
            Audience::ThisApplication => Ok(grant),
            Audience::Unknown => Err(Error::denied(Provider::WordPress, Denied::AudienceUnknown)),
            Audience::OtherApplication => {
                let detail = "the token was issued to another application";
                Err(Error::new(Provider::WordPress, Reason::NotAuthenticated, detail))
            }
        }
    }

    /// Reads an entity that may not exist.
    pub(super) async fn read_optional<P: DeserializeOwned, T: Cacheable>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        ttl_seconds: u64,
        map: impl Fn(P) -> Result<T, String> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let grant = self.verified_grant().await?;
        let read = self.read(path, query)?;
        let ttl = Some(Duration::from_secs(ttl_seconds));
        let judge = move |reply: &Reply| {
            let result = decode_content(reply, &map).map(|found| found.map(|entity| Decoded { value: entity, ttl }));
            Interpreted { result, note: None }
        };
        let result = self.calls.read(Provider::WordPress, &self.host.upstream, &read, judge).await;
        match &result {
            Ok(Some(_)) if is_personal(path) => grant.record_accepted(),
            Err(error) if error.reason == Reason::NotAuthenticated => grant.record_rejected(),
            _ => {}
        }
        result
    }
}

/// Whether only the person can read this path. Anyone can read the catalogue and many sites.
fn is_personal(path: &[&str]) -> bool {
    path.get(2) == Some(&"me")
}

/// Decodes and maps the content of a response. Returns `None` if the entity does not exist.
fn decode_content<P: DeserializeOwned, T>(
    reply: &Reply,
    map: impl Fn(P) -> Result<T, String>,
) -> Result<Option<T>, Error> {
    match verdict::interpret(reply)? {
        Verdict::Content => map(payload::decode(&reply.body)?).map(Some).map_err(malformed),
        Verdict::Absent { .. } => Ok(None),
    }
}
