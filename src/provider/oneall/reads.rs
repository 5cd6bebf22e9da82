//! OneAll's reads as they are: what is asked, what the answer means, and for how long it is fresh.
//!
//! The site's keys read every user of the site, so what is read for a person is kept for that person alone, and of a
//! record that is not theirs nothing is kept but that there is none: neither what comes back, nor when, nor what it costs
//! tells a stranger's record from one that does not exist; nor does it tell if the record cannot be read. An answer too large to
//! be a record is the host's trouble, and told as such. Services share what is read. Whoever calls these checks the
//! record's owner against the caller's grant once more, each time.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio_util::task::TaskTracker;
use url::Url;

use super::envelope::{self, Opened};
use super::payload::{ConnectionData, IdentityData, Paged, UserData};
use super::{Reads, Settings, mapping, not_configured, owner_of, owner_of_sign_in};
use crate::auth::Denied;
use crate::auth::grant::{SignInGrant, SiteKeyAccess, UserGrant};
use crate::metrics::Metrics;
use crate::model::{
    Connection, ConnectionToken, HealthState, Identity, IdentityToken, OneAllUser, Provider, UserToken,
};
use crate::provider::pages::{ListPage, PageParams};
use crate::provider::{Answer, Error, Reason, tell_left_out};
use crate::upstream::{self, Circuit, Credential, Judged, Keep, Own, Plan, Read, Reply};

/// The TTL of responses, in seconds. With 0, a response is stale at once: it is served and revalidated.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Fresh {
    /// A sign-in that succeeded. It does not change any more.
    #[schemars(range(max = 86_400))]
    pub sign_ins_seconds: u64,
    /// Pages of lists, and sign-ins that have not succeeded.
    #[schemars(range(max = 86_400))]
    pub lists_seconds: u64,
    /// Users and identities.
    #[schemars(range(max = 86_400))]
    pub users_seconds: u64,
}

impl Default for Fresh {
    fn default() -> Self {
        Self { sign_ins_seconds: 3_600, lists_seconds: 10, users_seconds: 60 }
    }
}

/// How many callers at least share the host's turns, however much one of them asks for.
const SHARES: usize = 4;

/// The way to the site. Its keys are everybody's one credential, so turns are given by who pays.
pub(super) fn plan(base: Url, settings: &Settings, writes: &TaskTracker, metrics: &Metrics) -> Plan<Error> {
    Plan {
        provider: Provider::OneAll.name(),
        base,
        settings: settings.upstream.clone(),
        cache: settings.cache.clone(),
        own: Own::OfPayer((settings.upstream.concurrent_max / SHARES).max(1)),
        writes: writes.clone(),
        metrics: metrics.clone(),
        explain: |error| Error::from((Provider::OneAll, error)),
        before: None,
    }
}

impl Reads {
    /// Asks OneAll whether it accepts the site's keys; for their operator.
    ///
    /// # Errors
    /// That it does not, or that there is no such site.
    pub async fn ping(&self) -> Result<(), Error> {
        let permit = self.granted(|grant| grant.operator_check().ok_or(Denied::NoCredential))?;
        let judge = |opened: Opened<IgnoredAny>| match opened.went_well()? {
            true => Ok(Some(Pong)),
            false => Ok(None),
        };
        match self.get(Ask::plain(permit, &["tools", "ping.json"]), judge, |_| None).await? {
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

    pub(super) async fn read_sign_in(&self, grant: SignInGrant, token: ConnectionToken) -> Answer<Connection> {
        let file = format!("{token}.json");
        let covering = grant.clone();
        let map = move |opened: Opened<ConnectionData>| {
            let found = told(|odd| mapping::sign_in(token.clone(), opened, odd)).map_err(malformed)?;
            Ok(covering.covers(owner_of_sign_in(&found)).then_some(found))
        };
        let fresh = self.fresh();
        let lasts = move |found: &Connection| {
            let is_over = found.health.as_ref().is_some_and(|health| health.state == HealthState::Ok);
            Some(Duration::from_secs(if is_over { fresh.sign_ins_seconds } else { fresh.lists_seconds }))
        };
        let path: [&str; 2] = ["connections", &file];
        self.get(Ask::secret(grant.site_key_access(), &path).unproved(!grant.covers(None)), map, lasts).await
    }

    pub(super) async fn read_user(&self, permit: SiteKeyAccess<'_>, token: UserToken) -> Answer<OneAllUser> {
        let file = format!("{token}.json");
        let map = move |data: UserData| {
            let user = told(|odd| mapping::user(token.clone(), data, odd))?;
            tell_left_out(Provider::OneAll, user.entry.as_ref().map_or(&[], |entry| &entry.skipped));
            Ok(Some(user))
        };
        self.data(Ask::secret(permit, &["users", &file]), self.fresh().users_seconds, map).await
    }

    pub(super) async fn read_identity(&self, grant: UserGrant, token: IdentityToken) -> Answer<Identity> {
        let file = format!("{token}.json");
        let covering = grant.clone();
        let map = move |data: IdentityData| {
            let found = told(|odd| mapping::identity(token.clone(), data, odd))?;
            Ok(covering.covers(owner_of(&found)).then_some(found))
        };
        let path: [&str; 2] = ["identities", &file];
        let ask = Ask::secret(grant.site_key_access(), &path).unproved(!grant.covers(None));
        self.data(ask, self.fresh().users_seconds, map).await
    }

    /// A page of a list; what of it could not be read is told once for each answer. One in another order than was asked for is
    /// no answer: its oldest rows would pass for the newest.
    pub(super) async fn list<P: DeserializeOwned + Paged, T>(
        &self,
        permit: SiteKeyAccess<'_>,
        path: &[&str],
        ask: PageParams,
        map: impl Fn(P) -> ListPage<T> + Send + Sync + 'static,
    ) -> Result<ListPage<T>, Error>
    where
        ListPage<T>: Keep,
    {
        let (page, size) = (ask.page.to_string(), ask.size.to_string());
        let direction = if ask.newest_first { "desc" } else { "asc" };
        let query = [("page", &*page), ("entries_per_page", &*size), ("order_direction", direction)];
        let map = move |data: P| {
            if data.pagination().is_newest_first().is_some_and(|newest_first| newest_first != ask.newest_first) {
                return Err("pagination.order.direction: expected what was asked for".to_owned());
            }
            let page = map(data);
            let skipped: Vec<_> = page.skipped.iter().map(|skipped| skipped.value.clone()).collect();
            tell_left_out(Provider::OneAll, &skipped);
            Ok(Some(page))
        };
        let ask = Ask { query: &query, ..Ask::plain(permit, path) };
        let page = self.data(ask, self.fresh().lists_seconds, map).await?;
        let page = page.ok_or_else(|| Error::new(Provider::OneAll, Reason::Unsupported, "there is no such list"))?;
        Ok(Arc::unwrap_or_clone(page))
    }

    /// What a plain read brought; its operation must have gone well.
    async fn data<P: DeserializeOwned, T: Keep>(
        &self,
        ask: Ask<'_>,
        fresh_seconds: u64,
        map: impl Fn(P) -> Result<Option<T>, String> + Send + Sync + 'static,
    ) -> Answer<T> {
        let map = move |opened: Opened<P>| match opened.into_data()? {
            Some(data) => map(data).map_err(malformed),
            None => Ok(None),
        };
        self.get(ask, map, move |_| Some(Duration::from_secs(fresh_seconds))).await
    }

    /// What a read brought, whatever became of its operation.
    async fn get<P: DeserializeOwned, T: Keep>(
        &self,
        ask: Ask<'_>,
        map: impl Fn(Opened<P>) -> Result<Option<T>, Error> + Send + Sync + 'static,
        lasts: impl Fn(&T) -> Option<Duration> + Send + Sync + 'static,
    ) -> Answer<T> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let (public_key, private_key) = site.keys.expose(ask.permit);
        let credential = Credential::Basic(public_key, private_key);
        let Ask { path, query, masked, unproved, .. } = ask;
        let read = Read { path, query, masked, credential, reader: self.grant.user() };
        let judge = move |reply: &Reply| {
            let opened = envelope::open(reply);
            let meta = match &opened {
                Ok(Some(opened)) => Some(opened.meta.clone()),
                _ => envelope::meta(reply),
            };
            let found = match opened.and_then(|opened| opened.map_or(Ok(None), &map)) {
                Err(error) if unproved && meta.is_some() && is_of_record(&error) => {
                    let (provider, detail) = (error.provider.name(), &error.detail);
                    tracing::warn!(provider, reason = ?error.reason, detail, "a record cannot be read and is taken for none");
                    Ok(None)
                }
                found => found,
            };
            let result = found.map(|found| found.map(|noun| upstream::Fresh { lasts: lasts(&noun), noun }));
            Judged { result, note: meta.map(|meta| meta.to_string()) }
        };
        self.calls.read(Provider::OneAll, &site.upstream, &read, judge).await
    }

    fn fresh(&self) -> Fresh {
        self.host.0.as_ref().map(|site| site.fresh.clone()).unwrap_or_default()
    }
}

/// What is asked of OneAll, and the proof that a grant is held for it.
struct Ask<'a> {
    permit: SiteKeyAccess<'a>,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    /// Whether the last segment holds a token.
    masked: bool,
    /// Whether the grant reaches one user's records, and whose this one is stands in it alone. If it cannot be read, it may
    /// be a stranger's, and then nothing may tell that it is there.
    unproved: bool,
}

impl<'a> Ask<'a> {
    fn plain(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { permit, path, query: &[], masked: false, unproved: false }
    }

    fn secret(permit: SiteKeyAccess<'a>, path: &'a [&'a str]) -> Self {
        Self { masked: true, ..Self::plain(permit, path) }
    }

    fn unproved(self, unproved: bool) -> Self {
        Self { unproved, ..self }
    }
}

/// That the site's keys are accepted.
struct Pong;

impl Keep for Pong {
    fn withheld(&self) -> Option<Self> {
        None
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

/// Whether an error that stands in an envelope is about the one record, and not about the site or its keys.
fn is_of_record(error: &Error) -> bool {
    use Reason::{Expired, Malformed, NotAllowed, NotTheirs, Refused, Unsupported};
    matches!(error.reason, Expired | Malformed | NotAllowed | NotTheirs | Refused | Unsupported)
}

/// Maps one thing that was read by itself; the log is told of the fields in which something stands that is no date.
fn told<T>(map: impl FnOnce(&mut Vec<&'static str>) -> T) -> T {
    let mut odd = Vec::new();
    let found = map(&mut odd);
    tell_left_out(Provider::OneAll, &mapping::no_dates(&odd));
    found
}

pub(super) fn malformed(detail: String) -> Error {
    Error::new(Provider::OneAll, Reason::Malformed, detail)
}
