//! What remembers something from one request to the next: the providers, who is let in, what callers have taken.
//!
//! A reload takes over each part whose settings stay as they are, with all that it remembers: what was read, who is shut
//! out, which host is left alone, the issuer's keys, what is held against an address. A part whose settings differ begins
//! anew, even where they differ in what it could have been told: nothing of it can then be of two minds. Only what a
//! provider's host asked for, and what was changed there, outlasts other settings too, as long as the host is the same.

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

/// The parts, and the settings that they were made from.
pub struct Components {
    settings: Settings,
    writes: TaskTracker,
    providers: Providers,
    authenticator: Arc<Authenticator>,
    limits: Arc<RateLimits>,
    pseudonymizer: Arc<Pseudonymizer>,
}

impl Components {
    /// The parts that these settings describe, as far as they can those of `previous`; calls are counted in these metrics.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn build(settings: &Settings, metrics: &Metrics, previous: Option<&Self>) -> Result<Self, String> {
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

    /// The same parts for whom this access lets in.
    pub fn with_authenticator(self, authenticator: Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator), ..self }
    }

    /// The settings that they were made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The writes that are under way, also at providers that a reload has replaced.
    pub fn writes(&self) -> TaskTracker {
        self.writes.clone()
    }

    /// Who is let in.
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// What the audit log calls callers.
    pub fn pseudonymizer(&self) -> Arc<Pseudonymizer> {
        self.pseudonymizer.clone()
    }

    /// A graph over the providers.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn graph(&self) -> Result<Arc<Graph>, String> {
        let graph = Graph::build(self.settings.graph.clone(), self.providers.clone())?;
        Ok(Arc::new(graph))
    }

    /// How callers are met.
    pub fn callers(&self) -> CallerState {
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
