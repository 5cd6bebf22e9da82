//! OneAll's reads as they are: what is asked, what the answer means, and for how long it is fresh.
//!
//! The site's keys read every user of the site, so what is read for a person is kept for that person alone, and of a
//! record that is not theirs nothing is kept but that there is none: neither what comes back, nor when, nor what it costs
//! tells a stranger's record from one that does not exist; nor does it tell if the record cannot be read. An answer too large to
//! be a record is the host's trouble, and told as such. Services share what is read. Whoever calls these checks the
//! record's owner against the caller's grant once more, each time.

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
use crate::upstream::{self, Cacheable, Circuit, Credential, Judged, Read, Reply};

impl Session {
    /// Asks OneAll whether it accepts the site's keys; for their operator.
    ///
    /// # Errors
    /// That it does not, or that there is no such site.
    pub async fn ping(&self) -> Result<(), Error> {
        let permit = self.require_grant(|grant| grant.operator_check().ok_or(Denied::NoCredential))?;
        let judge = |envelope: Envelope<IgnoredAny>| match envelope.is_found()? {
            true => Ok(Some(Pong)),
            false => Ok(None),
        };
        match self.read(SiteRead::fields(permit, &["tools", "ping.json"]), judge, |_| None).await? {
            Some(_) => Ok(()),
            None => {
                let detail = "there is no such site; look at oneall.subdomain";
                Err(Error::new(Provider::OneAll, Reason::Unsupported, detail))
            }
        }
    }

    /// Whether OneAll is called at the moment; it is not in trouble as long as there is none to call.
    pub fn circuit(&self) -> Circuit {
        self.host.0.as_ref().map_or(Circuit::Closed, |site| site.upstream.circuit())
    }

    pub(super) async fn read_sign_in(&self, grant: SignInGrant, token: ConnectionToken) -> EntityResult<Connection> {
        let file = format!("{token}.json");
        let covering = grant.clone();
        let map = move |envelope: Envelope<ConnectionData>| {
            let found = log_invalid_dates(|invalid_dates| mapping::sign_in(token.clone(), envelope, invalid_dates))
                .map_err(malformed)?;
            Ok(covering.covers(owner_of_sign_in(&found)).then_some(found))
        };
        let fresh = self.fresh();
        let ttl = move |found: &Connection| {
            let is_over = found.health.as_ref().is_some_and(|health| health.state == HealthState::Ok);
            Some(Duration::from_secs(if is_over { fresh.sign_ins_seconds } else { fresh.lists_seconds }))
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
        self.read_data(SiteRead::with_token_path(permit, &["users", &file]), self.fresh().users_seconds, map).await
    }

    pub(super) async fn read_identity(&self, grant: UserGrant, token: IdentityToken) -> EntityResult<Identity> {
        let file = format!("{token}.json");
        let covering = grant.clone();
        let map = move |data: IdentityData| {
            let found = log_invalid_dates(|invalid_dates| mapping::identity(token.clone(), data, invalid_dates))?;
            Ok(covering.covers(owner_of(&found)).then_some(found))
        };
        let path: [&str; 2] = ["identities", &file];
        let params = SiteRead::with_token_path(grant.site_key_access(), &path).owner_unknown(!grant.covers(None));
        self.read_data(params, self.fresh().users_seconds, map).await
    }

    /// A page of a list; what of it could not be read is told once for each answer. One in another order than was asked for is
    /// no answer: its oldest rows would pass for the newest.
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
        let (page, size) = (params.page.to_string(), params.size.to_string());
        let direction = if params.newest_first { "desc" } else { "asc" };
        let query = [("page", &*page), ("entries_per_page", &*size), ("order_direction", direction)];
        let map = move |data: P| {
            if data.pagination().is_newest_first().is_some_and(|newest_first| newest_first != params.newest_first) {
                return Err("pagination.order.direction: expected what was asked for".to_owned());
            }
            let page = map(data);
            let skipped: Vec<_> = page.skipped.iter().map(|skipped| skipped.value.clone()).collect();
            log_skipped(Provider::OneAll, &skipped);
            Ok(Some(page))
        };
        let params = SiteRead { query: &query, ..SiteRead::fields(permit, path) };
        let page = self.read_data(params, self.fresh().lists_seconds, map).await?;
        let page = page.ok_or_else(|| Error::new(Provider::OneAll, Reason::Unsupported, "there is no such list"))?;
        Ok(Arc::unwrap_or_clone(page))
    }

    /// What a plain read brought; its operation must have gone well.
    async fn read_data<P: DeserializeOwned, T: Cacheable>(
        &self,
        params: SiteRead<'_>,
        fresh_seconds: u64,
        map: impl Fn(P) -> Result<Option<T>, String> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let map = move |envelope: Envelope<P>| match envelope.into_data()? {
            Some(data) => map(data).map_err(malformed),
            None => Ok(None),
        };
        self.read(params, map, move |_| Some(Duration::from_secs(fresh_seconds))).await
    }

    /// What a read brought, whatever became of its operation.
    async fn read<P: DeserializeOwned, T: Cacheable>(
        &self,
        params: SiteRead<'_>,
        map: impl Fn(Envelope<P>) -> Result<Option<T>, Error> + Send + Sync + 'static,
        ttl: impl Fn(&T) -> Option<Duration> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let (public_key, private_key) = site.keys.expose(params.permit);
        let credential = Credential::Basic(public_key, private_key);
        let SiteRead { path, query, masked, owner_unknown, .. } = params;
        let read = Read { path, query, masked, credential, reader: self.grant.user() };
        let judge = move |reply: &Reply| {
            let envelope = envelope::parse(reply);
            let meta = match &envelope {
                Ok(Some(envelope)) => Some(envelope.meta.clone()),
                _ => envelope::meta(reply),
            };
            let found = match envelope.and_then(|envelope| envelope.map_or(Ok(None), &map)) {
                Err(error) if owner_unknown && meta.is_some() && concerns_record(&error) => {
                    let (provider, detail) = (error.provider.name(), &error.detail);
                    tracing::warn!(provider, reason = ?error.reason, detail, "a record cannot be read and is taken for none");
                    Ok(None)
                }
                found => found,
            };
            let result = found.map(|found| found.map(|noun| upstream::Fresh { lasts: ttl(&noun), noun }));
            Judged { result, note: meta.map(|meta| meta.to_string()) }
        };
        self.calls.read(Provider::OneAll, &site.upstream, &read, judge).await
    }

    fn fresh(&self) -> TtlSettings {
        self.host.0.as_ref().map(|site| site.fresh.clone()).unwrap_or_default()
    }
}

/// What is asked of OneAll, and the proof that a grant is held for it.
struct SiteRead<'a> {
    permit: SiteKeyAccess<'a>,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    /// Whether the last segment holds a token.
    masked: bool,
    /// Whether the grant reaches one user's records, and whose this one is stands in it alone. If it cannot be read, it may
    /// be a stranger's, and then nothing may tell that it is there.
    owner_unknown: bool,
}

impl<'a> SiteRead<'a> {
    fn fields(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { permit, path, query: &[], masked: false, owner_unknown: false }
    }

    fn with_token_path(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { masked: true, ..Self::fields(permit, path) }
    }

    fn owner_unknown(self, owner_unknown: bool) -> Self {
        Self { owner_unknown, ..self }
    }
}

/// That the site's keys are accepted.
struct Pong;

impl Cacheable for Pong {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>()
    }
}

/// Whether an error that stands in an envelope is about the one record, and not about the site or its keys.
fn concerns_record(error: &Error) -> bool {
    use Reason::{Expired, Malformed, NotAllowed, OwnedByAnother, Refused, Unsupported};
    matches!(error.reason, Expired | Malformed | NotAllowed | OwnedByAnother | Refused | Unsupported)
}

/// Maps one thing that was read by itself; the log is told of the fields in which something stands that is no date.
fn log_invalid_dates<T>(map: impl FnOnce(&mut Vec<&'static str>) -> T) -> T {
    let mut invalid_dates = Vec::new();
    let found = map(&mut invalid_dates);
    log_skipped(Provider::OneAll, &mapping::invalid_date_rows(&invalid_dates));
    found
}
