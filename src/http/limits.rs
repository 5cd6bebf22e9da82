//! What each caller may take: requests, calls to the providers, and tries of credentials, by the minute.
//!
//! A caller is counted by who they are, wherever they come from, and beside that by their address, which also stands for
//! whoever says nothing of themselves, or nothing but a token that WordPress.com has not accepted yet. A request is paid for when it comes. Its calls are paid for when it has run, as
//! many as were begun (what needs no provider costs nothing), since before that their number is an estimate; so a budget
//! can be overdrawn, and then nothing that may need a call runs until it is paid back. Nothing here can be switched off.

mod budget;
mod failures;
mod fields;
mod table;

pub(super) use self::fields::{LEFT, POLICY, write_wait};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::budget::{Budget, Left, Rate};
use self::failures::{Failures, Try};
use crate::auth::Principal;
use crate::auth::token_hash::TokenHash;
use crate::graph::rate_limit::RateLimitSnapshot;
use crate::provider::CallContext;

/// The upper bound of every rate.
pub const PER_MINUTE_MAX: u32 = 10_000_000;

/// What each caller may take. A fifth of a minute's amount can be saved up.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Requests per minute of one address without a credential, or with a WordPress.com token that is not accepted yet.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub anonymous_requests_per_minute: u32,
    /// Provider calls per minute for these requests.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub anonymous_calls_per_minute: u32,
    /// Requests per minute of one person, by JWT or by an accepted WordPress.com token alone.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub user_requests_per_minute: u32,
    /// Provider calls per minute for one person.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub user_calls_per_minute: u32,
    /// Requests per minute of one service, over all its keys.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub service_requests_per_minute: u32,
    /// Provider calls per minute for one service. The default is half of the default rate of one provider.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub service_calls_per_minute: u32,
    /// Requests per minute from one address, or from one /64 network for IPv6, over all its callers.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub address_requests_per_minute: u32,
    /// Provider calls per minute for one address. The default is three quarters of the default rate of one provider.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub address_calls_per_minute: u32,
    /// Invalid credentials per minute from one address. After them, credentials from this address must wait.
    #[schemars(range(min = 1, max = PER_MINUTE_MAX))]
    pub failures_per_minute: u32,
    /// Callers of each kind whose rate limits are remembered. Fewer would evict each other too soon.
    #[schemars(range(min = 1_000, max = 10_000_000))]
    pub keys_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            anonymous_requests_per_minute: 60,
            anonymous_calls_per_minute: 300,
            user_requests_per_minute: 600,
            user_calls_per_minute: 3_000,
            service_requests_per_minute: 6_000,
            service_calls_per_minute: 6_000,
            address_requests_per_minute: 12_000,
            address_calls_per_minute: 9_000,
            failures_per_minute: 10,
            keys_max: 65_536,
        }
    }
}

/// Whose budget it is. It prints nothing: subjects and addresses are people's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// All at one address who are not authenticated, or whose token is not confirmed.
    Address(IpAddr),
    /// A person, by a confirmed WordPress.com token.
    Token(TokenHash),
    /// A person, by the subject of their JWT.
    User(Arc<str>),
    /// A service.
    Service(Arc<str>),
    /// The one person of a gateway in personal mode.
    Person,
}

/// The two budgets of one kind of callers.
struct Class {
    requests: Budget<Key>,
    calls: Budget<Key>,
}

impl Class {
    fn new(requests: u32, calls: u32, calls_at_once: u32, keys_max: usize) -> Self {
        let budget = |rate| Budget::new(rate, keys_max);
        Self { requests: budget(Rate::new(requests, 1)), calls: budget(Rate::new(calls, calls_at_once)) }
    }
}

/// The budgets of all callers.
pub struct Limits {
    anonymous: Class,
    user: Class,
    service: Class,
    address: Class,
    /// Asked by who looks whether requests are wanted; apart, so that what is asked of the graph from an address does not
    /// make its prober take the gateway out of service.
    probes: Budget<Key>,
    failures: Failures,
}

/// What has to wait, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Why.
    pub(super) over: Over,
    /// How long.
    pub(super) time: Duration,
}

/// Which budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The caller's requests.
    Requests,
    /// The caller's calls.
    Calls,
    /// The requests of all from this address.
    Address,
    /// The calls for all from this address.
    AddressCalls,
    /// The looks at whether requests are wanted, of all from this address.
    Probes,
    /// Credentials from this address that were not good.
    Failures,
}

impl Over {
    /// What the caller reads.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Over::Requests => "This caller's requests are spent; ask again later.",
            Over::Calls => "This caller's calls to the providers are spent; ask again later.",
            Over::Address => "The requests from this address are spent; ask again later.",
            Over::AddressCalls => "The calls to the providers from this address are spent; ask again later.",
            Over::Probes => "The probes from this address are spent; ask again later.",
            Over::Failures => {
                "Too many credentials from this address were not good, or are being tried; ask again later."
            }
        }
    }
}

impl Limits {
    /// Whole budgets for everybody. An operation makes at most `operation_calls_max` calls: so many fit into every whole
    /// budget, so that whatever the document stage lets through can run at some time.
    pub fn new(settings: &Settings, operation_calls_max: usize) -> Self {
        let at_once = u32::try_from(operation_calls_max).unwrap_or(u32::MAX);
        let class = |requests, calls| Class::new(requests, calls, at_once, settings.keys_max);
        Self {
            anonymous: class(settings.anonymous_requests_per_minute, settings.anonymous_calls_per_minute),
            user: class(settings.user_requests_per_minute, settings.user_calls_per_minute),
            service: class(settings.service_requests_per_minute, settings.service_calls_per_minute),
            address: class(settings.address_requests_per_minute, settings.address_calls_per_minute),
            probes: Budget::new(Rate::new(settings.address_requests_per_minute, 1), settings.keys_max),
            failures: Failures::new(settings.failures_per_minute, settings.keys_max),
        }
    }

    /// Takes a request out of the address's budget.
    ///
    /// # Errors
    /// If it is spent.
    pub(super) fn enter(&self, address: IpAddr) -> Result<(), Wait> {
        let taken = self.address.requests.take(&Key::Address(address));
        taken.map_err(|time| Wait { over: Over::Address, time })
    }

    /// Begins to find out whose a token is before it lets anybody in, by a call out of the address's budget; to be held until
    /// it is known. As long as the same is being found out for another request, it costs nothing more.
    ///
    /// # Errors
    /// If the budget is spent, or if too many would not be good, were all that are being tried not.
    pub(super) fn ask(&self, address: IpAddr, token: TokenHash) -> Result<Try<'_>, Wait> {
        let trying = self.failures.begin(address, token).map_err(|time| Wait { over: Over::Failures, time })?;
        if trying.is_first() {
            let taken = self.address.calls.take(&Key::Address(address));
            taken.map_err(|time| Wait { over: Over::AddressCalls, time })?;
        }
        Ok(trying)
    }

    /// Takes a look at whether requests are wanted out of the address's budget for that.
    ///
    /// # Errors
    /// If it is spent.
    pub(super) fn probe(&self, address: IpAddr) -> Result<(), Wait> {
        self.probes.take(&Key::Address(address)).map_err(|time| Wait { over: Over::Probes, time })
    }

    /// Whether a credential from this address may be tried.
    ///
    /// # Errors
    /// If too many were not good.
    pub(super) fn may_try(&self, address: IpAddr) -> Result<(), Wait> {
        self.failures.check(address).map_err(|time| Wait { over: Over::Failures, time })
    }

    /// Notes that a credential from this address was not good.
    pub(super) fn failed(&self, address: IpAddr) {
        self.failures.note(address);
    }

    /// Who pays for a request of this principal from this address.
    pub(super) fn payer(&self, principal: &Principal, address: IpAddr) -> Payer<'_> {
        let (class, key) = match principal {
            // Anybody can make up tokens, as many as they like.
            Principal::Anonymous | Principal::WordPress { is_verified: false, .. } => {
                (&self.anonymous, Key::Address(address))
            }
            Principal::WordPress { token, is_verified: true } => (&self.user, Key::Token(*token)),
            Principal::User { subject } => (&self.user, Key::User(subject.clone())),
            Principal::Service { name, .. } => (&self.service, Key::Service(name.clone())),
            Principal::Personal | Principal::Operator => (&self.user, Key::Person),
        };
        Payer { class, key, of_address: &self.address, address: Key::Address(address) }
    }

    /// Writes what the address has left of the budget that is spent, else of its requests, for a caller who is refused before
    /// they are let in. Of what is no budget of the address, bad credentials and somebody's own, only the wait is told.
    pub(super) fn tell(&self, headers: &mut HeaderMap, address: IpAddr, over: Option<Over>) {
        let (name, budget) = match over {
            Some(Over::Failures | Over::Requests | Over::Calls) => return,
            Some(Over::Probes) => ("probes", &self.probes),
            Some(Over::AddressCalls) => ("address-calls", &self.address.calls),
            _ => ("address", &self.address.requests),
        };
        fields::write(headers, &[(name, budget.rate(), budget.left(&Key::Address(address)))]);
    }
}

/// One who pays: a caller and their address.
pub(super) struct Payer<'a> {
    class: &'a Class,
    key: Key,
    of_address: &'a Class,
    address: Key,
}

impl<'a> Payer<'a> {
    /// The key of the caller's budgets.
    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    /// Takes a request out of the caller's budget.
    ///
    /// # Errors
    /// If it is spent.
    pub(super) fn take(&self) -> Result<(), Wait> {
        self.class.requests.take(&self.key).map_err(|time| Wait { over: Over::Requests, time })
    }

    /// Whether an operation that is expected to make so many calls may run, and what of the budget it finds.
    ///
    /// # Errors
    /// If it may need a call and what was called before is not paid back.
    pub(super) fn afford(&self, expected: usize) -> Result<RateLimitSnapshot, Wait> {
        if expected > 0 {
            self.class.calls.check(&self.key).map_err(|time| Wait { over: Over::Calls, time })?;
            self.of_address.calls.check(&self.address).map_err(|time| Wait { over: Over::AddressCalls, time })?;
        }
        let Left { remaining, whole_in } = self.class.calls.left(&self.key);
        Ok(RateLimitSnapshot { limit: self.class.calls.rate().burst(), remaining, reset_after: whole_in })
    }

    /// The bill for these calls: whatever of them has begun is paid for when it is dropped, also if the client leaves.
    pub(super) fn bill(&'a self, calls: &CallContext) -> Bill<'a> {
        Bill { payer: self, calls: calls.clone() }
    }

    /// Writes what the caller has left; or the address, if it is its budget that is spent.
    pub(super) fn tell(&self, headers: &mut HeaderMap, over: Option<Over>) {
        if over == Some(Over::AddressCalls) {
            let calls = &self.of_address.calls;
            return fields::write(headers, &[("address-calls", calls.rate(), calls.left(&self.address))]);
        }
        let Class { requests, calls } = self.class;
        let left = |budget: &Budget<Key>| (budget.rate(), budget.left(&self.key));
        let ((rate, requests), (calls_rate, calls)) = (left(requests), left(calls));
        fields::write(headers, &[("requests", rate, requests), ("calls", calls_rate, calls)]);
    }
}

/// What has to be paid for an operation's calls.
pub(super) struct Bill<'a> {
    payer: &'a Payer<'a>,
    calls: CallContext,
}

impl Drop for Bill<'_> {
    fn drop(&mut self) {
        let count = self.calls.started();
        self.payer.class.calls.charge(&self.payer.key, count);
        self.payer.of_address.calls.charge(&self.payer.address, count);
    }
}
