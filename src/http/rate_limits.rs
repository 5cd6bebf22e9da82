//! Rate limits per minute: requests, provider calls and failed credentials.
//!
//! A request counts against its caller and against its address. A caller is a person or a service. Requests without a
//! credential, or with a WordPress.com token that is not verified yet, share the caller of their address.
//!
//! A request is charged when it arrives. Its provider calls are charged when it has run, since their number is only an
//! estimate before. So a budget can be overdrawn; then no operation that may need a call runs until it has refilled.
//!
//! No limit can be disabled.

mod budget;
mod credential_failures;
mod expiring_map;
mod headers;

pub(super) use self::headers::{POLICY, REMAINING, write_retry_after};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::budget::{Budget, Rate, Remaining};
use self::credential_failures::{CredentialCheck, CredentialFailures};
use crate::auth::Principal;
use crate::auth::token_hash::TokenHash;
use crate::graph::rate_limit::RateLimitSnapshot;
use crate::provider::CallContext;

/// The upper bound of every rate.
pub const PER_MINUTE_MAX: u32 = 10_000_000;

/// The rate limits of callers. A fifth of a minute's amount can be saved up.
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

/// The caller that a budget belongs to. It has no `Debug`: subjects and addresses identify people.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum CallerKey {
    /// Everybody at one address without a credential, or with a token that is not verified.
    Address(IpAddr),
    /// A person, by a verified WordPress.com token.
    Token(TokenHash),
    /// A person, by the subject of their JWT.
    User(Arc<str>),
    /// A service.
    Service(Arc<str>),
    /// The one person of a gateway in personal mode.
    Person,
}

/// The budgets of one kind of caller.
struct Budgets {
    requests: Budget<CallerKey>,
    calls: Budget<CallerKey>,
}

impl Budgets {
    fn new(requests: u32, calls: u32, calls_burst: u32, keys_max: usize) -> Self {
        let budget = |rate| Budget::new(rate, keys_max);
        Self { requests: budget(Rate::new(requests, 1)), calls: budget(Rate::new(calls, calls_burst)) }
    }
}

/// The rate limits of all callers and addresses.
pub struct RateLimits {
    anonymous: Budgets,
    user: Budgets,
    service: Budgets,
    address: Budgets,
    /// Readiness probes, per address. Apart from the requests: otherwise a busy address would make its prober take the
    /// gateway out of service.
    probes: Budget<CallerKey>,
    failures: CredentialFailures,
}

/// A limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetryAfter {
    /// Which one.
    pub(super) limit: LimitKind,
    /// The time until a retry can succeed.
    pub(super) after: Duration,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitKind {
    /// Requests of the caller.
    Requests,
    /// Provider calls of the caller.
    Calls,
    /// Requests of the address.
    AddressRequests,
    /// Provider calls of the address.
    AddressCalls,
    /// Readiness probes of the address.
    Probes,
    /// Failed credentials of the address.
    FailedCredentials,
}

impl LimitKind {
    /// Returns the error message.
    pub(super) fn message(self) -> &'static str {
        match self {
            LimitKind::Requests => "This caller's requests are spent; ask again later.",
            LimitKind::Calls => "This caller's calls to the providers are spent; ask again later.",
            LimitKind::AddressRequests => "The requests from this address are spent; ask again later.",
            LimitKind::AddressCalls => "The calls to the providers from this address are spent; ask again later.",
            LimitKind::Probes => "The probes from this address are spent; ask again later.",
            LimitKind::FailedCredentials => {
                "Too many credentials from this address were not good, or are being tried; ask again later."
            }
        }
    }
}

impl RateLimits {
    /// Creates the limits, with full budgets. Every full budget allows `operation_calls_max` calls, the most that one
    /// operation makes, so an operation that passes validation can run at some time.
    pub fn new(settings: &Settings, operation_calls_max: usize) -> Self {
        let calls_burst = u32::try_from(operation_calls_max).unwrap_or(u32::MAX);
        let budgets = |requests, calls| Budgets::new(requests, calls, calls_burst, settings.keys_max);
        Self {
            anonymous: budgets(settings.anonymous_requests_per_minute, settings.anonymous_calls_per_minute),
            user: budgets(settings.user_requests_per_minute, settings.user_calls_per_minute),
            service: budgets(settings.service_requests_per_minute, settings.service_calls_per_minute),
            address: budgets(settings.address_requests_per_minute, settings.address_calls_per_minute),
            probes: Budget::new(Rate::new(settings.address_requests_per_minute, 1), settings.keys_max),
            failures: CredentialFailures::new(settings.failures_per_minute, settings.keys_max),
        }
    }

    /// Charges a request to its address.
    ///
    /// # Errors
    /// If the limit is reached.
    pub(super) fn charge_address(&self, address: IpAddr) -> Result<(), RetryAfter> {
        let charged = self.address.requests.take(&CallerKey::Address(address));
        charged.map_err(|after| RetryAfter { limit: LimitKind::AddressRequests, after })
    }

    /// Starts the check of a token by a provider call, which is charged to the address. The result must be kept until the
    /// check ends. If another request checks the same token already, nothing more is charged.
    ///
    /// # Errors
    /// If the limit of calls is reached, or if too many credentials would have failed if all pending checks failed.
    pub(super) fn start_check(&self, address: IpAddr, token: TokenHash) -> Result<CredentialCheck<'_>, RetryAfter> {
        let check = self.failures.start_check(address, token).map_err(failed_credentials)?;
        if check.is_first() {
            let charged = self.address.calls.take(&CallerKey::Address(address));
            charged.map_err(|after| RetryAfter { limit: LimitKind::AddressCalls, after })?;
        }
        Ok(check)
    }

    /// Charges a readiness probe to its address.
    ///
    /// # Errors
    /// If the limit is reached.
    pub(super) fn charge_probe(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.probes.take(&CallerKey::Address(address)).map_err(|after| RetryAfter { limit: LimitKind::Probes, after })
    }

    /// Checks that credentials from this address are not blocked.
    ///
    /// # Errors
    /// If too many failed.
    pub(super) fn check_credentials(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.failures.check(address).map_err(failed_credentials)
    }

    /// Records a failed credential from this address.
    pub(super) fn record_failure(&self, address: IpAddr) {
        self.failures.record(address);
    }

    /// Returns the budgets of this principal at this address.
    pub(super) fn quota(&self, principal: &Principal, address: IpAddr) -> QuotaHandle<'_> {
        let (budgets, key) = match principal {
            // Anybody can invent any number of tokens.
            Principal::Anonymous | Principal::WordPress { is_verified: false, .. } => {
                (&self.anonymous, CallerKey::Address(address))
            }
            Principal::WordPress { token, is_verified: true } => (&self.user, CallerKey::Token(*token)),
            Principal::User { subject } => (&self.user, CallerKey::User(subject.clone())),
            Principal::Service { name, .. } => (&self.service, CallerKey::Service(name.clone())),
            Principal::Personal | Principal::Operator => (&self.user, CallerKey::Person),
        };
        QuotaHandle { caller: budgets, key, address: &self.address, address_key: CallerKey::Address(address) }
    }

    /// Writes the `RateLimit` headers of an address, for a request that is rejected before its caller is known: of the limit
    /// that is reached, or else of the requests. Limits that are not budgets of the address have no such headers.
    pub(super) fn write_headers(&self, headers: &mut HeaderMap, address: IpAddr, reached: Option<LimitKind>) {
        let (name, budget) = match reached {
            Some(LimitKind::FailedCredentials | LimitKind::Requests | LimitKind::Calls) => return,
            Some(LimitKind::Probes) => ("probes", &self.probes),
            Some(LimitKind::AddressCalls) => ("address-calls", &self.address.calls),
            _ => ("address", &self.address.requests),
        };
        headers::write(headers, &[(name, budget.rate(), budget.remaining(&CallerKey::Address(address)))]);
    }
}

fn failed_credentials(after: Duration) -> RetryAfter {
    RetryAfter { limit: LimitKind::FailedCredentials, after }
}

/// The budgets of one request: its caller's and its address's.
pub(super) struct QuotaHandle<'a> {
    caller: &'a Budgets,
    key: CallerKey,
    address: &'a Budgets,
    address_key: CallerKey,
}

impl<'a> QuotaHandle<'a> {
    /// The key of the caller's budgets.
    pub(super) fn key(&self) -> CallerKey {
        self.key.clone()
    }

    /// Charges a request to the caller.
    ///
    /// # Errors
    /// If the limit is reached.
    pub(super) fn charge_request(&self) -> Result<(), RetryAfter> {
        self.caller.requests.take(&self.key).map_err(|after| RetryAfter { limit: LimitKind::Requests, after })
    }

    /// Checks that an operation may run that is estimated to make this many calls. Returns the state of the budget.
    ///
    /// # Errors
    /// If it may make a call and a budget is empty or overdrawn.
    pub(super) fn check_calls(&self, estimated: usize) -> Result<RateLimitSnapshot, RetryAfter> {
        if estimated > 0 {
            self.caller.calls.check(&self.key).map_err(|after| RetryAfter { limit: LimitKind::Calls, after })?;
            let address = self.address.calls.check(&self.address_key);
            address.map_err(|after| RetryAfter { limit: LimitKind::AddressCalls, after })?;
        }
        let Remaining { count, full_in } = self.caller.calls.remaining(&self.key);
        Ok(RateLimitSnapshot { limit: self.caller.calls.rate().burst(), remaining: count, reset_after: full_in })
    }

    /// Returns a guard that charges these calls when it is dropped, also if the client leaves.
    pub(super) fn charge_calls_on_drop(&'a self, calls: &CallContext) -> ChargeGuard<'a> {
        ChargeGuard { quota: self, calls: calls.clone() }
    }

    /// Writes the `RateLimit` headers of the caller, or of the address if its limit of calls is reached.
    pub(super) fn write_headers(&self, headers: &mut HeaderMap, reached: Option<LimitKind>) {
        if reached == Some(LimitKind::AddressCalls) {
            let calls = &self.address.calls;
            return headers::write(headers, &[("address-calls", calls.rate(), calls.remaining(&self.address_key))]);
        }
        let Budgets { requests, calls } = self.caller;
        let policies = [("requests", requests), ("calls", calls)];
        headers::write(headers, &policies.map(|(name, budget)| (name, budget.rate(), budget.remaining(&self.key))));
    }
}

/// Charges the calls of an operation when it is dropped: as many as were started.
pub(super) struct ChargeGuard<'a> {
    quota: &'a QuotaHandle<'a>,
    calls: CallContext,
}

impl Drop for ChargeGuard<'_> {
    fn drop(&mut self) {
        let count = self.calls.started();
        self.quota.caller.calls.charge(&self.quota.key, count);
        self.quota.address.calls.charge(&self.quota.address_key, count);
    }
}
