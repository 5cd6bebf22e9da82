//! OneAll's dates: RFC 2822 as PHP writes it, with three faults that occur in its responses and documentation.
//!
//! - The plus of an offset may be a space (`13:38:21  0200`, also together with `+0200` in one document).
//! - The weekday may be wrong (`Tue, 1 Sep 2011`).
//! - The day may have a single digit.
//!
//! So repeated spaces are joined, a bare offset gets its plus back, and the redundant weekday is dropped.
//!
//! OneAll has a second format, `MM/DD/YYYY HH:MM:SS` without a zone. It occurs only next to live credentials, which are
//! never decoded, so it needs no parser.

use crate::model::DateTime;

/// The maximum length of a date, in bytes. OneAll's dates have 31.
const LENGTH_MAX: usize = 64;

/// Reads a date. Returns `None` for any other text.
pub fn parse(text: &str) -> Option<DateTime> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.first().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit())) {
        words.remove(0);
    }
    let (offset, rest) = words.split_last()?;
    // Four words precede an offset: day, month, year and time. A lone year is no offset.
    let plus = if rest.len() == 4 && is_bare_offset(offset) { "+" } else { "" };
    let text = format!("{} {plus}{offset}", rest.join(" "));
    chrono::DateTime::parse_from_rfc2822(&text).ok().map(|moment| DateTime(moment.to_utc()))
}

fn is_bare_offset(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use chrono::{FixedOffset, TimeZone};
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        parse(text).map(|moment| moment.to_string())
    }

    #[test]
    fn an_offset_without_a_sign_is_positive() {
        for text in [
            "Thu, 25 Aug 2011 13:38:21 +0200",
            "Thu, 25 Aug 2011 13:38:21 0200",
            "Thu, 25 Aug 2011 13:38:21  0200",
            " Thu,  25 Aug 2011 13:38:21\t0200 ",
        ] {
            assert_eq!(read(text).as_deref(), Some("2011-08-25T11:38:21Z"), "{text:?}");
        }
        assert_eq!(read("Thu, 25 Aug 2011 13:38:21 -0200").as_deref(), Some("2011-08-25T15:38:21Z"));
        assert_eq!(read("Thu, 25 Aug 2011 13:38:21 GMT").as_deref(), Some("2011-08-25T13:38:21Z"));
    }

    #[test]
    fn a_wrong_weekday_and_a_single_digit_day_are_accepted() {
        assert_eq!(read("Tue, 1 Sep 2011 11:01:12 +0200").as_deref(), Some("2011-09-01T09:01:12Z"));
        assert_eq!(read("Wed, 14 Jan 2011 12:13:00 0200").as_deref(), Some("2011-01-14T10:13:00Z"));
        assert_eq!(read("1 Sep 2011 11:01:12 +0200").as_deref(), Some("2011-09-01T09:01:12Z"));
    }

    #[test]
    fn a_date_without_a_zone_or_meaning_is_none() {
        let long = format!("Thu, 25 Aug 2011 13:38:21 +0200{}", " ".repeat(LENGTH_MAX));
        for text in [
            "",
            " ",
            ",",
            "0200",
            "Thu,",
            "09/04/2016 10:42:18",
            "Thu, 25 Aug 2011",
            "Thu, 25 Aug 2011 13:38:21",
            "Thu, 32 Aug 2011 13:38:21 +0200",
            "Thu, 25 Aug 2011 25:38:21 +0200",
            "Thu, 25 Aug 2011 13:38:21 9999",
            "2011-08-25T13:38:21+02:00",
            "\u{661}\u{662}, å",
            long.as_str(),
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn each_format_that_php_writes_is_read(
            seconds in 0_i64..4_102_444_800,
            quarters in -48_i32..=56,
            bare in any::<bool>(),
            padded in any::<bool>(),
        ) {
            let zone = FixedOffset::east_opt(quarters * 900).unwrap();
            let moment = zone.timestamp_opt(seconds, 0).unwrap();
            let form = if padded { "%a, %d %b %Y %H:%M:%S %z" } else { "Mon, %-d %b %Y %H:%M:%S %z" };
            let mut text = moment.format(form).to_string();
            if bare {
                text = text.replace('+', " ");
            }
            prop_assert_eq!(parse(&text), Some(DateTime(moment.to_utc())));
        }

        #[test]
        fn any_text_is_accepted(text in any::<String>(), tail in "[0-9A-Za-z,:/+ -]{0,40}") {
            let _ = parse(&text);
            let _ = parse(&tail);
        }
    }
}
