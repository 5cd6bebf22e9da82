//! The components that have state from one request to the next: providers, authentication, rate limits, pseudonyms.
//!
//! A reload keeps each component whose settings did not change, with its state: cached responses, circuit breakers, an
//! issuer's keys, counted requests. A component whose settings changed is rebuilt, never updated in place, so it cannot
//! mix old and new settings.
//!
//! If the host of a rebuilt provider is the same, two things are carried over: a pause that the host asked for, and the
//! record of the data that mutations have changed.

use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::task::TaskTracker;

use crate::auth::Authenticator;
use crate::auth::pseudonym::Pseudonymizer;
use crate::auth::token_hash::is_same_secret;
use crate::config::Settings;
use crate::graph::Graph;
use crate::http::CallerState;
use crate::http::rate_limits::RateLimits;
use crate::metrics::Metrics;
use crate::provider::registry::{ProviderSettings, Providers};

/// The stateful components, and the settings that they were built from.
pub(super) struct Components {
    settings: Settings,
    writes: TaskTracker,
    providers: Providers,
    authenticator: Arc<Authenticator>,
    limits: Arc<RateLimits>,
    pseudonymizer: Arc<Pseudonymizer>,
}

impl Components {
    /// Builds the components of these settings, and keeps those of `previous` whose settings did not change. Calls to
    /// providers are counted in `metrics`.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(super) fn build(settings: &Settings, metrics: &Metrics, previous: Option<&Self>) -> Result<Self, String> {
        let same = |is_same: fn(&Settings, &Settings) -> bool| previous.filter(|old| is_same(&old.settings, settings));
        let writes = previous.map(|old| old.writes.clone()).unwrap_or_default();
        let old_providers = previous.map(|old| (&old.providers, provider_settings(&old.settings)));
        let providers = Providers::build(provider_settings(settings), &writes, metrics, old_providers)?;
        let limits =
            match same(|old, new| old.limits == new.limits && old.graph.limits.calls_max == new.graph.limits.calls_max)
            {
                Some(old) => old.limits.clone(),
                None => Arc::new(RateLimits::new(&settings.limits, settings.graph.limits.calls_max)),
            };
        let pseudonymizer =
            match same(|old, new| is_same_secret(old.log.audit_key.as_ref(), new.log.audit_key.as_ref())) {
                Some(old) => old.pseudonymizer.clone(),
                None => Arc::new(Pseudonymizer::new(settings.log.audit_key.as_ref())?),
            };
        let known = previous.map(|old| &*old.authenticator);
        let checker = providers.audience_checker();
        let authenticator = Authenticator::from_settings(&settings.access, checker, known, SystemTime::now())?;
        let authenticator = Arc::new(authenticator);
        let settings = settings.clone();
        Ok(Self { settings, writes, providers, authenticator, limits, pseudonymizer })
    }

    /// Replaces the authenticator.
    pub(super) fn with_authenticator(self, authenticator: Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator), ..self }
    }

    /// The settings that the components were built from.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The mutations in flight, including those at providers that a reload has replaced.
    pub(super) fn writes(&self) -> TaskTracker {
        self.writes.clone()
    }

    /// Decides who is allowed to send requests.
    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Makes the pseudonyms of callers for the audit log.
    pub(super) fn pseudonymizer(&self) -> Arc<Pseudonymizer> {
        self.pseudonymizer.clone()
    }

    /// Builds a graph over the providers.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(super) fn graph(&self) -> Result<Arc<Graph>, String> {
        let graph = Graph::build(self.settings.graph.clone(), self.providers.clone())?;
        Ok(Arc::new(graph))
    }

    /// What the HTTP layer needs to authenticate and limit callers.
    pub(super) fn callers(&self) -> CallerState {
        CallerState {
            authenticator: self.authenticator.clone(),
            limits: self.limits.clone(),
            pseudonymizer: self.pseudonymizer.clone(),
        }
    }
}

fn provider_settings(settings: &Settings) -> ProviderSettings<'_> {
    ProviderSettings { wordpress: &settings.wordpress, oneall: &settings.oneall }
}
