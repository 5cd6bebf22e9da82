//! How well a connection works: WordPress.com's word for it, weighed against the date on which it ends.
//!
//! The word can be older than the date, as a connection is tested only now and then. So a date that has passed
//! overrules every word that does not already say that something is wrong. The words are an open set;
//! one that is not known is kept and judged as Unknown, and so is none at all (null, as v2 Publicize rows have it):
//! nothing said is not "ok". Nor is an "ok" worth anything beside an end that cannot be read, for it may have passed.

use chrono::TimeDelta;

use super::date::Unreadable;
use crate::model::{ConnectionHealth, DateTime, HealthAction, HealthActionKind, HealthState, OneTimeLink, Url};

/// How long before its end a connection that works counts as ending.
const EXPIRING: TimeDelta = TimeDelta::days(7);

/// Judges a connection by its status, its end, and where it can be renewed.
pub(super) fn health(
    status: Option<String>,
    ends: Result<Option<DateTime>, Unreadable>,
    refresh_url: Option<Url>,
    now: DateTime,
) -> ConnectionHealth {
    let state = state(status.as_deref(), ends, now);
    ConnectionHealth {
        state,
        provider_status: status,
        reason: None,
        action: action(state).map(|kind| {
            let url = refresh_url.filter(|_| kind == HealthActionKind::Reconnect).map(OneTimeLink::Known);
            HealthAction { kind, url }
        }),
        expires_at: ends.unwrap_or_default(),
    }
}

/// One word for how it works.
fn state(word: Option<&str>, ends: Result<Option<DateTime>, Unreadable>, now: DateTime) -> HealthState {
    let said = match word {
        Some("ok") => HealthState::Ok,
        // Calypso once took this for dead; Jetpack's review of the status says that it still works.
        Some("must_reauth") => HealthState::Expiring,
        Some("broken") => HealthState::Broken,
        Some("invalid") => HealthState::Failed,
        Some("unsupported") => HealthState::Unsupported,
        _ => HealthState::Unknown,
    };
    let Ok(end) = ends else {
        return if said == HealthState::Ok { HealthState::Unknown } else { said };
    };
    let left = end.map(|end| end.0.signed_duration_since(now.0));
    match (said, left) {
        (HealthState::Ok | HealthState::Expiring | HealthState::Unknown, Some(left)) if left <= TimeDelta::zero() => {
            HealthState::Reauthorize
        }
        (HealthState::Ok, Some(left)) if left <= EXPIRING => HealthState::Expiring,
        _ => said,
    }
}

/// What a person can do in such a state.
fn action(state: HealthState) -> Option<HealthActionKind> {
    match state {
        HealthState::Broken | HealthState::Expiring | HealthState::Reauthorize => Some(HealthActionKind::Reconnect),
        HealthState::Failed | HealthState::Unsupported => Some(HealthActionKind::Disconnect),
        HealthState::Ok | HealthState::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(text: &str) -> DateTime {
        DateTime::parse(text).unwrap()
    }

    #[test]
    fn a_word_and_a_date_make_a_state() {
        use HealthState::{Broken, Expiring, Failed, Reauthorize, Unknown, Unsupported};
        let now = at("2026-05-10T12:00:00Z");
        let past = Some(at("2026-05-10T12:00:00Z"));
        let soon = Some(at("2026-05-17T12:00:00Z"));
        let later = Some(at("2026-05-17T12:00:01Z"));
        let table = [
            // the word, and the state without a date, after it, up to seven days before it, and earlier
            (Some("ok"), [HealthState::Ok, Reauthorize, Expiring, HealthState::Ok]),
            (Some("must_reauth"), [Expiring, Reauthorize, Expiring, Expiring]),
            (Some("broken"), [Broken, Broken, Broken, Broken]),
            (Some("invalid"), [Failed, Failed, Failed, Failed]),
            (Some("unsupported"), [Unsupported, Unsupported, Unsupported, Unsupported]),
            (None, [Unknown, Reauthorize, Unknown, Unknown]),
            (Some("refresh-failed"), [Unknown, Reauthorize, Unknown, Unknown]),
            (Some("OK"), [Unknown, Reauthorize, Unknown, Unknown]),
        ];
        for (word, states) in table {
            for (date, expected) in [None, past, soon, later].into_iter().zip(states) {
                assert_eq!(state(word, Ok(date), now), expected, "{word:?} {date:?}");
            }
            let [without, ..] = states;
            let expected = if without == HealthState::Ok { Unknown } else { without };
            assert_eq!(state(word, Err(Unreadable), now), expected, "{word:?}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let (first, last) =
            (DateTime(chrono::DateTime::<chrono::Utc>::MIN_UTC), DateTime(chrono::DateTime::<chrono::Utc>::MAX_UTC));
        assert_eq!(state(Some("ok"), Ok(Some(last)), first), HealthState::Ok);
        assert_eq!(state(Some("ok"), Ok(Some(first)), last), HealthState::Reauthorize);
    }

    #[test]
    fn what_can_be_done_follows_from_the_state() {
        let now = at("2026-05-10T12:00:00Z");
        let refresh = Url::parse("https://public-api.example/connect/?action=request");
        let reconnect = |url: &Option<Url>| {
            Some(HealthAction { kind: HealthActionKind::Reconnect, url: url.clone().map(OneTimeLink::Known) })
        };
        let disconnect = Some(HealthAction { kind: HealthActionKind::Disconnect, url: None });
        for (word, expected) in [
            ("ok", None),
            ("new_word", None),
            ("broken", reconnect(&refresh)),
            ("must_reauth", reconnect(&refresh)),
            ("invalid", disconnect.clone()),
            ("unsupported", disconnect),
        ] {
            let health = health(Some(word.to_owned()), Ok(None), refresh.clone(), now);
            assert_eq!(health.action, expected, "{word}");
            assert_eq!(health.provider_status.as_deref(), Some(word));
        }
        assert_eq!(health(Some("broken".to_owned()), Ok(None), None, now).action, reconnect(&None));
    }
}
