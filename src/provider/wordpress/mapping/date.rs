//! WordPress.com's dates: two formats on one API, one of which loses its blank at times, and many ways to say never.
//!
//! A date without a zone is taken as UTC. That is a guess: nothing says which zone Keyring's dates are in.

use chrono::{Datelike, NaiveDate};

use crate::model::DateTime;
use crate::provider::lenient::Scalar;

/// What stands in a date's place and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Reads a date; none where it says never: `0000-00-00 00:00:00`, `""`, `false`, 0, null.
pub(super) fn moment(value: &Scalar) -> Result<Option<DateTime>, Unreadable> {
    match value {
        Scalar::Absent | Scalar::Bool(false) | Scalar::Integer(0) => Ok(None),
        Scalar::Text(text) if is_never(text.trim()) => Ok(None),
        Scalar::Text(text) => parse(text.trim()).map(Some).ok_or(Unreadable),
        Scalar::Bool(true) | Scalar::Integer(_) | Scalar::Float(_) => Err(Unreadable),
    }
}

/// Nothing, or a zero date: one of year 0, or of the year before it, as PHP prints MySQL's. Nothing here is older than
/// the web.
fn is_never(text: &str) -> bool {
    matches!(text, "" | "0") || text.starts_with("0000-") || text.starts_with("-0001-")
}

/// RFC 3339 (applications, `/me`), `Y-m-d H:i:s` (Keyring), or the same glued as the documentation prints it.
fn parse(text: &str) -> Option<DateTime> {
    let moment = DateTime::parse(text).or_else(|| parse_plain(text))?;
    (moment.0.year() > 0).then_some(moment)
}

fn parse_plain(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_at_checked("0000-00-00".len())?;
    let time = time.strip_prefix([' ', 'T']).unwrap_or(time);
    let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, b':', [2, 2, 2])?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(DateTime(date.and_hms_opt(hour, minute, second)?.and_utc()))
}

/// Three numbers of so many digits each, with one character between them and nothing else.
fn numbers(text: &str, between: u8, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(char::from(between));
    let mut found = [0; 3];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        *number = if plain { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, Unreadable> {
        moment(&Scalar::Text(text.to_owned())).map(|moment| moment.map(|moment| moment.to_string()))
    }

    #[test]
    fn a_date_comes_in_four_spellings() {
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
    fn never_is_no_date() {
        for text in ["0000-00-00 00:00:00", "0000-00-0000:00:00", "0000-00-00T00:00:00+00:00", "", " ", "0"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
        // How PHP prints MySQL's zero date, and a year that is none.
        for text in ["-0001-11-30T00:00:00+00:00", "0000-01-01 00:00:00"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
        for value in [Scalar::Absent, Scalar::Bool(false), Scalar::Integer(0)] {
            assert_eq!(moment(&value), Ok(None), "{value:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_said_to_be_none_and_never_a_panic() {
        for value in [Scalar::Bool(true), Scalar::Integer(1), Scalar::Float(0.5)] {
            assert_eq!(moment(&value), Err(Unreadable), "{value:?}");
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
