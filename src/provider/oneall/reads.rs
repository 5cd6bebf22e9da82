//! OneAll's reads: they interpret the response, check its owner and set its TTL.
//!
//! The site's keys can read every user of the site. So what is read for a user is cached for that user only, and a
//! record of another user is cached as absent. Neither content, time nor cost distinguishes it from a record that does
//! not exist, even if it cannot be read. Only a response that is too large is reported as an error, because it concerns
//! the host.
//!
//! Services share one cache. Callers of these functions check the owner of the record again each time.

use std::sync::Arc;
use std::time::Duration;

use serde::de::{DeserializeOwned, IgnoredAny};

use super::envelope::{self, Envelope};
use super::payload::{ConnectionData, HasPagination, IdentityData, UserData};
use super::{Session, TtlSettings, malformed, mapping, not_configured, owner_of, owner_of_sign_in};
use crate::auth::Denied;
use crate::auth::grant::{SignInGrant, SiteKeyAccess, UserGrant};
use crate::model::{
    Connection, ConnectionToken, HealthState, Identity, IdentityToken, OneAllUser, Provider, UserToken,
};
use crate::provider::pages::{ListPage, PageParams};
use crate::provider::skipped::log_skipped;
use crate::provider::{EntityResult, Error, Reason};
use crate::upstream::{self, Cacheable, Circuit, Credential, Interpreted, Read, Reply};

impl Session {
    /// Checks that OneAll accepts the site's keys. For operators.
    ///
    /// # Errors
    /// That the keys are rejected, or that the site does not exist.
    pub async fn ping(&self) -> Result<(), Error> {
        let permit = self.require_grant(|grant| grant.operator_check().ok_or(Denied::NoCredential))?;
        let judge = |envelope: Envelope<IgnoredAny>| match envelope.exists()? {
            true => Ok(Some(Pong)),
            false => Ok(None),
        };
        match self.read(SiteRead::new(permit, &["tools", "ping.json"]), judge, |_| None).await? {
            Some(_) => Ok(()),
            None => {
                let detail = "the site does not exist; check oneall.subdomain";
                Err(Error::new(Provider::OneAll, Reason::Unsupported, detail))
            }
        }
    }

    /// The state of the circuit breaker. Closed if no site is configured.
    pub fn circuit(&self) -> Circuit {
        self.host.0.as_ref().map_or(Circuit::Closed, |site| site.upstream.circuit())
    }

    pub(super) async fn read_sign_in(&self, grant: SignInGrant, token: ConnectionToken) -> EntityResult<Connection> {
        let file = format!("{token}.json");
        let owner_grant = grant.clone();
        let map = move |envelope: Envelope<ConnectionData>| {
            let found = log_invalid_dates(|invalid_dates| mapping::sign_in(token.clone(), envelope, invalid_dates))
                .map_err(malformed)?;
            Ok(owner_grant.covers(owner_of_sign_in(&found)).then_some(found))
        };
        let ttl_settings = self.ttl_settings();
        let ttl = move |found: &Connection| {
            let has_succeeded = found.health.as_ref().is_some_and(|health| health.state == HealthState::Ok);
            Some(Duration::from_secs(if has_succeeded {
                ttl_settings.sign_ins_seconds
            } else {
                ttl_settings.lists_seconds
            }))
        };
        let path: [&str; 2] = ["connections", &file];
        self.read(
            SiteRead::with_token_path(grant.site_key_access(), &path).owner_unknown(!grant.covers(None)),
            map,
            ttl,
        )
        .await
    }

    pub(super) async fn read_user(&self, permit: SiteKeyAccess<'_>, token: UserToken) -> EntityResult<OneAllUser> {
        let file = format!("{token}.json");
        let map = move |data: UserData| {
            let user = log_invalid_dates(|invalid_dates| mapping::user(token.clone(), data, invalid_dates))?;
            log_skipped(Provider::OneAll, user.entry.as_ref().map_or(&[], |entry| &entry.skipped));
            Ok(Some(user))
        };
        self.read_data(SiteRead::with_token_path(permit, &["users", &file]), self.ttl_settings().users_seconds, map)
            .await
    }

    pub(super) async fn read_identity(&self, grant: UserGrant, token: IdentityToken) -> EntityResult<Identity> {
        let file = format!("{token}.json");
        let owner_grant = grant.clone();
        let map = move |data: IdentityData| {
            let found = log_invalid_dates(|invalid_dates| mapping::identity(token.clone(), data, invalid_dates))?;
            Ok(owner_grant.covers(owner_of(&found)).then_some(found))
        };
        let path: [&str; 2] = ["identities", &file];
        let read = SiteRead::with_token_path(grant.site_key_access(), &path).owner_unknown(!grant.covers(None));
        self.read_data(read, self.ttl_settings().users_seconds, map).await
    }

    /// Reads a page of a list, and logs its skipped rows.
    ///
    /// A page in another order than requested is an error, because its oldest rows would pass as the newest.
    pub(super) async fn list<P: DeserializeOwned + HasPagination, T>(
        &self,
        permit: SiteKeyAccess<'_>,
        path: &[&str],
        params: PageParams,
        map: impl Fn(P) -> ListPage<T> + Send + Sync + 'static,
    ) -> Result<ListPage<T>, Error>
    where
        ListPage<T>: Cacheable,
    {
        let page = params.page.to_string();
        let size = params.size.to_string();
        let direction = if params.newest_first { "desc" } else { "asc" };
        let query = [("page", &*page), ("entries_per_page", &*size), ("order_direction", direction)];
        let map = move |data: P| {
            if data.pagination().is_newest_first().is_some_and(|newest_first| newest_first != params.newest_first) {
                return Err("pagination.order.direction: expected the requested order".to_owned());
            }
            let page = map(data);
            let skipped: Vec<_> = page.skipped.iter().map(|skipped| skipped.value.clone()).collect();
            log_skipped(Provider::OneAll, &skipped);
            Ok(Some(page))
        };
        let read = SiteRead { query: &query, ..SiteRead::new(permit, path) };
        let page = self.read_data(read, self.ttl_settings().lists_seconds, map).await?;
        let page = page.ok_or_else(|| Error::new(Provider::OneAll, Reason::Unsupported, "the list does not exist"))?;
        Ok(Arc::unwrap_or_clone(page))
    }

    /// Reads the data of a response whose operation must have succeeded.
    async fn read_data<P: DeserializeOwned, T: Cacheable>(
        &self,
        request: SiteRead<'_>,
        ttl_seconds: u64,
        map: impl Fn(P) -> Result<Option<T>, String> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let map = move |envelope: Envelope<P>| match envelope.into_data()? {
            Some(data) => map(data).map_err(malformed),
            None => Ok(None),
        };
        self.read(request, map, move |_| Some(Duration::from_secs(ttl_seconds))).await
    }

    /// Reads the envelope of a response, also if its operation failed.
    async fn read<P: DeserializeOwned, T: Cacheable>(
        &self,
        request: SiteRead<'_>,
        map: impl Fn(Envelope<P>) -> Result<Option<T>, Error> + Send + Sync + 'static,
        ttl: impl Fn(&T) -> Option<Duration> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let (public_key, private_key) = site.keys.expose(request.permit);
        let credential = Credential::Basic(public_key, private_key);
        let SiteRead { path, query, masked, owner_unknown, .. } = request;
        let read = Read { path, query, masked, credential, reader: self.grant.user() };
        let judge = move |reply: &Reply| {
            let envelope = envelope::parse(reply);
            let meta = match &envelope {
                Ok(Some(envelope)) => Some(envelope.meta.clone()),
                _ => envelope::meta(reply),
            };
            let found = match envelope.and_then(|envelope| envelope.map_or(Ok(None), &map)) {
                Err(error) if owner_unknown && meta.is_some() && is_about_record(&error) => {
                    let provider = Provider::OneAll.name();
                    let Error { reason, detail, .. } = &error;
                    tracing::warn!(provider, ?reason, detail, "treated an unreadable record as absent");
                    Ok(None)
                }
                found => found,
            };
            let result = found.map(|found| found.map(|entity| upstream::Decoded { ttl: ttl(&entity), value: entity }));
            Interpreted { result, note: meta.map(|meta| meta.to_string()) }
        };
        self.calls.read(Provider::OneAll, &site.upstream, &read, judge).await
    }

    fn ttl_settings(&self) -> TtlSettings {
        self.host.0.as_ref().map(|site| site.ttl.clone()).unwrap_or_default()
    }
}

/// A read of the site, with the proof that the caller has a grant for it.
struct SiteRead<'a> {
    permit: SiteKeyAccess<'a>,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    /// Whether the last path segment is a token.
    masked: bool,
    /// Whether the grant covers only one user, and only the record itself names its owner. Then an unreadable record
    /// may belong to another user, and it must look absent.
    owner_unknown: bool,
}

impl<'a> SiteRead<'a> {
    fn new(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { permit, path, query: &[], masked: false, owner_unknown: false }
    }

    fn with_token_path(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { masked: true, ..Self::new(permit, path) }
    }

    fn owner_unknown(self, owner_unknown: bool) -> Self {
        Self { owner_unknown, ..self }
    }
}

/// The result of a successful ping.
struct Pong;

impl Cacheable for Pong {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>()
    }
}

/// Whether an error inside an envelope concerns the requested record, not the site or its keys.
fn is_about_record(error: &Error) -> bool {
    use Reason::{Expired, Malformed, NotAllowed, OwnedByAnother, Refused, Unsupported};
    matches!(error.reason, Expired | Malformed | NotAllowed | OwnedByAnother | Refused | Unsupported)
}

/// Maps an entity that was read on its own, and logs its fields with an invalid date.
fn log_invalid_dates<T>(map: impl FnOnce(&mut Vec<&'static str>) -> T) -> T {
    let mut invalid_dates = Vec::new();
    let found = map(&mut invalid_dates);
    log_skipped(Provider::OneAll, &mapping::invalid_date_rows(&invalid_dates));
    found
}
