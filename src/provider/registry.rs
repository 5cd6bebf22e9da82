//! All providers of the gateway. A new provider is added to the three structs of this file.
//!
//! The fields are concrete types, not trait objects: each session has reads of its own, and the compiler then finds the
//! places that a new provider must be added to.

use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::task::TaskTracker;

use super::calls::CallContext;
use super::oneall::{self, OneAll};
use super::wordpress::{self, WordPress};
use crate::auth::Caller;
use crate::auth::token_audience::CheckAudience;
use crate::metrics::Metrics;

/// The providers for the life of the process, or until their settings change.
#[derive(Clone, Debug)]
pub struct Providers {
    wordpress: Arc<WordPress>,
    oneall: Arc<OneAll>,
}

/// The settings of the providers.
#[derive(Clone, Copy, Debug)]
pub struct ProviderSettings<'a> {
    /// `[wordpress]`.
    pub wordpress: &'a wordpress::Settings,
    /// `[oneall]`.
    pub oneall: &'a oneall::Settings,
}

/// The providers' sessions for one operation of one caller.
pub struct Sessions {
    /// Reads and writes WordPress.com.
    pub wordpress: wordpress::Session,
    /// Reads and writes OneAll.
    pub oneall: oneall::Session,
}

impl Providers {
    /// Builds the providers. `writes` tracks the writes that outlive their operation.
    ///
    /// A provider of `previous` whose settings are equal is reused. Otherwise the state of its host is carried over, if
    /// the new settings name the same host.
    ///
    /// # Errors
    /// A sentence that names the invalid setting.
    pub fn build(
        settings: ProviderSettings<'_>,
        writes: &TaskTracker,
        metrics: &Metrics,
        previous: Option<(&Self, ProviderSettings<'_>)>,
    ) -> Result<Self, String> {
        let old_wordpress = previous.map(|(providers, settings)| (&providers.wordpress, settings.wordpress));
        let old_oneall = previous.map(|(providers, settings)| (&providers.oneall, settings.oneall));
        Ok(Self {
            wordpress: reuse_or_build(settings.wordpress, old_wordpress, |old| {
                WordPress::build(settings.wordpress, writes, metrics, old)
            })?,
            oneall: reuse_or_build(settings.oneall, old_oneall, |old| {
                OneAll::build(settings.oneall, writes, metrics, old)
            })?,
        })
    }

    /// Starts the sessions of one operation. `now` decides what has expired.
    pub fn sessions(&self, caller: &Caller, calls: &CallContext, now: SystemTime) -> Sessions {
        Sessions {
            wordpress: self.wordpress.session(caller.wordpress_or_denied().clone(), calls.clone(), now),
            oneall: self.oneall.session(caller.oneall().clone(), calls.clone()),
        }
    }

    /// The check of a token's audience, if the settings name the application that tokens must be issued to.
    pub fn audience_checker(&self) -> Option<Arc<dyn CheckAudience>> {
        self.wordpress.checks_audience().then(|| self.wordpress.clone() as _)
    }

    /// Updates the metrics with the state of the providers' hosts.
    pub fn update_metrics(&self) {
        self.wordpress.update_metrics();
        self.oneall.update_metrics();
    }
}

fn reuse_or_build<T, S: PartialEq>(
    settings: &S,
    previous: Option<(&Arc<T>, &S)>,
    build: impl FnOnce(Option<&T>) -> Result<T, String>,
) -> Result<Arc<T>, String> {
    match previous {
        Some((old, old_settings)) if old_settings == settings => Ok(old.clone()),
        _ => build(previous.map(|(old, _)| &**old)).map(Arc::new),
    }
}
