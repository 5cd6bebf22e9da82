//! The limit of open files of the process: raised at the start, and compared with what the settings need.
//!
//! Each connection of a client and each call to a provider takes a file. If clients could take all of them, calls to a
//! healthy provider would fail. So where the limit is too small, fewer connections are admitted than
//! `http.limits.connections_max`.

use crate::config::Settings;
use crate::http::server::{METRICS_CONNECTIONS_MAX, reserve_size};

/// Files beyond connections and calls: listeners, standard streams, settings, certificates, the runtime's own, and
/// connections to providers that are being replaced.
const OTHER: u64 = 128;

/// The fewest connections with which the gateway starts, where the settings allow more.
const CONNECTIONS_MIN: u64 = 16;

/// What the limit of open files leaves for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// The connections that may be admitted: `connections_max`, or fewer.
    pub(super) connections_max: usize,
    /// What the settings need and what the process has.
    pub(super) text: String,
    /// Whether everything fits.
    pub(super) is_whole: bool,
}

/// Raises the soft limit of open files to the hard limit, and returns the limit that is in force.
pub(super) fn raise() -> Option<u64> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => Some(limit),
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            current()
        }
    }
}

#[cfg(unix)]
fn current() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

#[cfg(not(unix))]
fn current() -> Option<u64> {
    None
}

/// Compares what these settings need with this limit.
///
/// # Errors
/// A sentence, if fewer than the minimum of connections would be left.
pub(super) fn fit(settings: &Settings, limit: u64) -> Result<Fit, String> {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let asked = settings.http.limits.connections_max;
    let calls = count(settings.wordpress.upstream.concurrent_max) + count(settings.oneall.upstream.concurrent_max);
    let metrics = settings.http.metrics_listen.map_or(0, |_| with_reserve(METRICS_CONNECTIONS_MAX));
    let other = calls + metrics + count(reserve_size(asked)) + OTHER;
    let text = format!("{} are required, the limit is {limit}", other + count(asked));
    let left = limit.saturating_sub(other);
    if left >= count(asked) {
        return Ok(Fit { connections_max: asked, text, is_whole: true });
    }
    let text = format!("{text}; raise it (ulimit -n, LimitNOFILE=), or lower http.limits.connections_max from {asked}");
    if left < CONNECTIONS_MIN.min(count(asked)) {
        return Err(format!("open files: {text} and concurrent_max of both providers"));
    }
    Ok(Fit {
        connections_max: usize::try_from(left).unwrap_or(asked),
        text: format!("{text} to {left}"),
        is_whole: false,
    })
}

fn with_reserve(connections_max: usize) -> u64 {
    u64::try_from(connections_max + reserve_size(connections_max)).unwrap_or(u64::MAX)
}

/// Raises the limit, and returns how many connections may be admitted. Logs a warning if they are fewer than the
/// settings allow.
///
/// # Errors
/// A sentence, if fewer than the minimum of connections would be left.
pub(super) fn prepare(settings: &Settings) -> Result<usize, String> {
    let Some(limit) = raise() else { return Ok(settings.http.limits.connections_max) };
    let fit = fit(settings, limit)?;
    if !fit.is_whole {
        tracing::warn!(connections_max = fit.connections_max, "too few open files for all connections: {}", fit.text);
    }
    Ok(fit.connections_max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn connections_are_limited_to_the_open_files_that_are_left() {
        let mut settings = Settings::default();
        let need = 1_024 + 256 + 2 * 64 + OTHER;
        let admitted = |settings: &Settings, limit| fit(settings, limit).map(|fit| (fit.connections_max, fit.is_whole));
        assert_eq!(admitted(&settings, u64::MAX), Ok((1_024, true)));
        assert_eq!(admitted(&settings, need), Ok((1_024, true)));
        assert_eq!(admitted(&settings, need - 1), Ok((1_023, false)));
        assert_eq!(admitted(&settings, 1_024), Ok((512, false)));
        assert_eq!(admitted(&settings, need - 1_024 + 16), Ok((16, false)));
        let refused = fit(&settings, need - 1_024 + 15).unwrap_err();
        assert!(refused.contains("http.limits.connections_max") && refused.contains("concurrent_max"), "{refused}");
        settings.http.metrics_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        assert_eq!(admitted(&settings, 1_024), Ok((432, false)));
        settings.http.limits.connections_max = 1;
        assert!(fit(&settings, 512).unwrap().is_whole);
    }
}
