//! The health of a connection, from WordPress.com's status word and the expiry date.
//!
//! WordPress.com tests a connection only now and then, so the date may be newer than the word. A date in the past
//! overrides every word that does not already report a failure. The words are an open set. An unknown word, and a
//! missing one (null in v2 Publicize rows), mean `Unknown`. So does "ok" with an unreadable date, because the date may
//! have passed.

use chrono::TimeDelta;

use super::date::Unreadable;
use crate::model::{ConnectionHealth, DateTime, HealthAction, HealthActionKind, HealthState, OneTimeLink, Url};

/// A working connection that expires within this time is `Expiring`.
const EXPIRING_WITHIN: TimeDelta = TimeDelta::days(7);

/// The health of a connection by its status word, its expiry date, and the link that refreshes it.
pub(super) fn health(
    status: Option<String>,
    expires_at: Result<Option<DateTime>, Unreadable>,
    refresh_url: Option<Url>,
    now: DateTime,
) -> ConnectionHealth {
    let state = state(status.as_deref(), expires_at, now);
    ConnectionHealth {
        state,
        provider_status: status,
        reason: None,
        action: action(state).map(|kind| {
            let url = refresh_url.filter(|_| kind == HealthActionKind::Reconnect).map(OneTimeLink::Known);
            HealthAction { kind, url }
        }),
        expires_at: expires_at.unwrap_or_default(),
    }
}

/// The state by the status word and the expiry date.
fn state(word: Option<&str>, expires_at: Result<Option<DateTime>, Unreadable>, now: DateTime) -> HealthState {
    let reported = match word {
        Some("ok") => HealthState::Ok,
        // Calypso once treated this as dead. Jetpack's review of the status says that it still works.
        Some("must_reauth") => HealthState::Expiring,
        Some("broken") => HealthState::Broken,
        Some("invalid") => HealthState::Failed,
        Some("unsupported") => HealthState::Unsupported,
        _ => HealthState::Unknown,
    };
    let Ok(expires_at) = expires_at else {
        return if reported == HealthState::Ok { HealthState::Unknown } else { reported };
    };
    let left = expires_at.map(|end| end.0.signed_duration_since(now.0));
    match (reported, left) {
        (HealthState::Ok | HealthState::Expiring | HealthState::Unknown, Some(left)) if left <= TimeDelta::zero() => {
            HealthState::Reauthorize
        }
        (HealthState::Ok, Some(left)) if left <= EXPIRING_WITHIN => HealthState::Expiring,
        _ => reported,
    }
}

/// What a person can do in this state.
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
    fn the_word_and_the_date_decide_the_state() {
        use HealthState::{Broken, Expiring, Failed, Reauthorize, Unknown, Unsupported};
        let now = at("2026-05-10T12:00:00Z");
        let past = Some(at("2026-05-10T12:00:00Z"));
        let soon = Some(at("2026-05-17T12:00:00Z"));
        let later = Some(at("2026-05-17T12:00:01Z"));
        let table = [
            // The word, and the state without a date, with a past date, up to seven days before the date, and earlier.
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
    fn extreme_dates_do_not_overflow() {
        let (first, last) =
            (DateTime(chrono::DateTime::<chrono::Utc>::MIN_UTC), DateTime(chrono::DateTime::<chrono::Utc>::MAX_UTC));
        assert_eq!(state(Some("ok"), Ok(Some(last)), first), HealthState::Ok);
        assert_eq!(state(Some("ok"), Ok(Some(first)), last), HealthState::Reauthorize);
    }

    #[test]
    fn the_action_follows_from_the_state() {
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
