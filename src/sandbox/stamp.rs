//! Points in time, written as each provider writes them.
//!
//! OneAll prints RFC 2822 dates of which some lost the plus of their offset, pads or does not pad the day, and
//! has a second, zone-less form for token expiry. WordPress.com prints `Y-m-d H:i:s`, at times without the blank.

use std::time::SystemTime;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Utc};

/// Which of OneAll's spellings of an offset to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offset {
    /// `+0200`, as in recorded traffic.
    Plus,
    /// `  0200`: a plus that became a blank, after the blank that was there.
    TwoSpaces,
    /// ` 0200`, as on older pages.
    OneSpace,
}

/// Seconds since 1970 of a `Y-m-d H:i:s` in UTC; 0 when it cannot be read.
pub(super) fn moment(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map_or(0, |at| at.and_utc().timestamp())
}

/// Seconds since 1970, now.
pub(super) fn now() -> i64 {
    DateTime::<Utc>::from(SystemTime::now()).timestamp()
}

/// OneAll's long date, `Sun, 04 Sep 2016 10:07:02 +0200` in one of three spellings.
pub(super) fn long(at: i64, offset: Offset) -> String {
    let local = local(at);
    let text = local.format("%a, %d %b %Y %H:%M:%S").to_string();
    let zone = local.format("%z").to_string();
    let bare = zone.trim_start_matches('+');
    match offset {
        Offset::Plus => format!("{text} {zone}"),
        Offset::TwoSpaces => format!("{text}  {bare}"),
        Offset::OneSpace => format!("{text} {bare}"),
    }
}

/// OneAll's zone-less expiry date, `09/04/2016 10:42:18`.
pub(super) fn expiry(at: i64) -> String {
    local(at).format("%m/%d/%Y %H:%M:%S").to_string()
}

/// Seconds since 1970 of such an expiry date, an hour early at the most; none when it cannot be read.
pub(super) fn read_expiry(text: &str) -> Option<i64> {
    let at = NaiveDateTime::parse_from_str(text, "%m/%d/%Y %H:%M:%S").ok()?;
    Some(at.and_utc().timestamp() - 2 * 3600)
}

/// WordPress.com's `Y-m-d H:i:s`.
pub(super) fn plain(at: i64) -> String {
    utc(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// RFC 3339 with `+00:00`, as connected applications carry it.
pub(super) fn rfc3339(at: i64) -> String {
    utc(at).format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn utc(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap_or_default()
}

/// The provider's local time: one hour ahead, two from April to October. Close enough to a real zone.
fn local(at: i64) -> DateTime<FixedOffset> {
    let utc = utc(at);
    let hours = if (4..=10).contains(&utc.month()) { 2 } else { 1 };
    match FixedOffset::east_opt(hours * 3600) {
        Some(zone) => utc.with_timezone(&zone),
        None => utc.fixed_offset(),
    }
}
