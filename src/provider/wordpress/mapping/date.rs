//! WordPress.com's dates: two formats, one sometimes without its space, and several values for "never".
//!
//! A date without a time zone is read as UTC. This is a guess: no source names the zone of Keyring's dates.

use chrono::{Datelike, NaiveDate};

use crate::model::DateTime;
use crate::provider::lenient::Scalar;

/// The error of a value that is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Reads a date. Returns `None` for never: `0000-00-00 00:00:00`, `""`, `false`, 0 and null.
pub(super) fn parse(value: &Scalar) -> Result<Option<DateTime>, Unreadable> {
    match value {
        Scalar::Absent | Scalar::Bool(false) | Scalar::Integer(0) => Ok(None),
        Scalar::Text(text) if is_never(text.trim()) => Ok(None),
        Scalar::Text(text) => parse_text(text.trim()).map(Some).ok_or(Unreadable),
        Scalar::Bool(true) | Scalar::Integer(_) | Scalar::Float(_) => Err(Unreadable),
    }
}

/// Whether the text means never: empty, or in year 0 or the year before, as PHP prints MySQL's zero date.
fn is_never(text: &str) -> bool {
    matches!(text, "" | "0") || text.starts_with("0000-") || text.starts_with("-0001-")
}

/// Reads RFC 3339 (applications, `/me`), `Y-m-d H:i:s` (Keyring), or the latter without its space, as documented.
fn parse_text(text: &str) -> Option<DateTime> {
    let date = DateTime::parse(text).or_else(|| parse_without_zone(text))?;
    (date.0.year() > 0).then_some(date)
}

fn parse_without_zone(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_at_checked("0000-00-00".len())?;
    let time = time.strip_prefix([' ', 'T']).unwrap_or(time);
    let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, b':', [2, 2, 2])?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(DateTime(date.and_hms_opt(hour, minute, second)?.and_utc()))
}

/// Three numbers with these counts of digits, separated by one character.
fn numbers(text: &str, separator: u8, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(char::from(separator));
    let mut found = [0; 3];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = if is_number { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, Unreadable> {
        parse(&Scalar::Text(text.to_owned())).map(|date| date.map(|date| date.to_string()))
    }

    #[test]
    fn each_format_of_a_date_is_read() {
        for (text, expected) in [
            ("2014-08-23 02:49:47", "2014-08-23T02:49:47Z"),
            ("2014-08-2302:49:47", "2014-08-23T02:49:47Z"),
            ("2014-08-23T02:49:47", "2014-08-23T02:49:47Z"),
            (" 2014-08-23 02:49:47 ", "2014-08-23T02:49:47Z"),
            ("2014-06-28T05:44:25+00:00", "2014-06-28T05:44:25Z"),
            ("2014-06-28T05:44:25+02:00", "2014-06-28T03:44:25Z"),
        ] {
            assert_eq!(read(text), Ok(Some(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_value_for_never_is_no_date() {
        for text in ["0000-00-00 00:00:00", "0000-00-0000:00:00", "0000-00-00T00:00:00+00:00", "", " ", "0"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
        // How PHP prints MySQL's zero date, and a year that does not exist.
        for text in ["-0001-11-30T00:00:00+00:00", "0000-01-01 00:00:00"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
        for value in [Scalar::Absent, Scalar::Bool(false), Scalar::Integer(0)] {
            assert_eq!(parse(&value), Ok(None), "{value:?}");
        }
    }

    #[test]
    fn an_invalid_date_is_an_error() {
        for value in [Scalar::Bool(true), Scalar::Integer(1), Scalar::Float(0.5)] {
            assert_eq!(parse(&value), Err(Unreadable), "{value:?}");
        }
        for text in [
            "soon",
            "2014-02-30 00:00:00",
            "2014-08-23 24:00:00",
            "2014-08-23 02:49:60",
            "2014-08-23",
            "2014-08-23 02:49",
            "2014-08-23 02:49:47 PM",
            "2014-08-23  02:49:47",
            "14-08-23 02:49:47",
            "+2014-8-23 02:49:47",
            "２０１４-08-23 02:49:47",
            "2014-08-2é 02:49:47",
            "99999-08-23 02:49:47",
        ] {
            assert_eq!(read(text), Err(Unreadable), "{text}");
        }
    }
}
