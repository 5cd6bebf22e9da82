//! Dates in the formats of both providers.
//!
//! OneAll returns RFC 2822 dates. Some lack the plus of the offset, and the day is padded or not. Token expiry has a second
//! format without a time zone. WordPress.com returns `Y-m-d H:i:s`, sometimes without the space.

use std::time::SystemTime;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Utc};

/// How OneAll writes the offset of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetStyle {
    /// `+0200`, as in recorded responses.
    Plus,
    /// `  0200`: the plus was decoded as a space, after the space before it.
    TwoSpaces,
    /// ` 0200`, as in older documentation.
    OneSpace,
}

/// The Unix time of a `Y-m-d H:i:s` date in UTC; 0 if it is invalid.
pub(super) fn parse_utc(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map_or(0, |at| at.and_utc().timestamp())
}

/// The current Unix time.
pub(super) fn now() -> i64 {
    DateTime::<Utc>::from(SystemTime::now()).timestamp()
}

/// OneAll's date format, `Sun, 04 Sep 2016 10:07:02 +0200`, with one of three offsets.
pub(super) fn rfc2822_date(at: i64, offset: OffsetStyle) -> String {
    let local = local(at);
    let text = local.format("%a, %d %b %Y %H:%M:%S").to_string();
    let zone = local.format("%z").to_string();
    let bare = zone.trim_start_matches('+');
    match offset {
        OffsetStyle::Plus => format!("{text} {zone}"),
        OffsetStyle::TwoSpaces => format!("{text}  {bare}"),
        OffsetStyle::OneSpace => format!("{text} {bare}"),
    }
}

/// OneAll's expiry date without a time zone, `09/04/2016 10:42:18`.
pub(super) fn expiry_date(at: i64) -> String {
    local(at).format("%m/%d/%Y %H:%M:%S").to_string()
}

/// The Unix time of an expiry date, at most an hour early; `None` if it is invalid.
pub(super) fn parse_expiry_date(text: &str) -> Option<i64> {
    let at = NaiveDateTime::parse_from_str(text, "%m/%d/%Y %H:%M:%S").ok()?;
    Some(at.and_utc().timestamp() - 2 * 3600)
}

/// WordPress.com's date format, `Y-m-d H:i:s`.
pub(super) fn mysql_datetime(at: i64) -> String {
    utc(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// RFC 3339 with `+00:00`, as in connected applications.
pub(super) fn rfc3339_date(at: i64) -> String {
    utc(at).format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn utc(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap_or_default()
}

/// The provider's local time: one hour ahead of UTC, two from April to October. This approximates a real time zone.
fn local(at: i64) -> DateTime<FixedOffset> {
    let utc = utc(at);
    let hours = if (4..=10).contains(&utc.month()) { 2 } else { 1 };
    match FixedOffset::east_opt(hours * 3600) {
        Some(zone) => utc.with_timezone(&zone),
        None => utc.fixed_offset(),
    }
}
