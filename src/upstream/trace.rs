//! W3C Trace Context: `traceparent` is parsed, created and passed on to the providers.
//!
//! A trace only names what belongs together. It is part of no cache key, so equal reads of different traces still share
//! a call, which carries the trace of its starter. `tracestate` is dropped: it carries data between a client's own
//! tracing tools.

use std::fmt::{self, Write};

/// The length of `traceparent` in version 00. Later versions may be longer.
const LENGTH: usize = 55;

/// The only flag that is passed on: the client records this trace.
const SAMPLED: u8 = 1;

/// One trace, and the span that calls in it. It prints the trace ID alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    span: u64,
    flags: u8,
}

impl Trace {
    /// Parses `traceparent`. Returns `None` if it is not well-formed.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = hex_digits(text, 2)?;
        let (id, rest) = hex_digits(rest.strip_prefix('-')?, 32)?;
        let (span, rest) = hex_digits(rest.strip_prefix('-')?, 16)?;
        let (flags, rest) = hex_digits(rest.strip_prefix('-')?, 2)?;
        let ends_well = match version {
            0 => rest.is_empty(),
            0xff => false,
            // A later version adds its fields after another hyphen.
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let trace = Self { id, span: u64::try_from(span).ok()?, flags: u8::try_from(flags).ok()? & SAMPLED };
        (ends_well && trace.id != 0 && trace.span != 0).then_some(trace)
    }

    /// A new trace of these random numbers, not sampled.
    pub fn new(id: u128, span: u64) -> Self {
        Self { id: id.max(1), span: span.max(1), flags: 0 }
    }

    /// Returns the same trace with another span, a random number.
    pub fn with_span(self, span: u64) -> Self {
        Self { span: span.max(1), ..self }
    }

    /// Returns the value of `traceparent`.
    pub fn header(self) -> String {
        let Self { id, span, flags } = self;
        let mut text = String::with_capacity(LENGTH);
        // Writing to a string cannot fail.
        let _ = write!(text, "00-{id:032x}-{span:016x}-{flags:02x}");
        text
    }
}

/// Prints the trace ID in hexadecimal.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Splits this many lower-case hexadecimal digits off a text.
fn hex_digits(text: &str, digits: usize) -> Option<(u128, &str)> {
    let (part, rest) = text.split_at_checked(digits)?;
    let is_lower_hex = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_lower_hex.then(|| u128::from_str_radix(part, 16).ok())?.map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_parsed() {
        let (id, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let zeros = ["0".repeat(32), "0".repeat(16)];
        for (text, taken) in [
            (format!("00-{id}-{span}-01"), Some("01")),
            (format!("00-{id}-{span}-00"), Some("00")),
            (format!("00-{id}-{span}-03"), Some("01")),
            (format!("01-{id}-{span}-01"), Some("01")),
            (format!("cc-{id}-{span}-01-what-comes-later"), Some("01")),
            (format!("cc-{id}-{span}-01.x"), None),
            (format!("00-{id}-{span}-01-more"), None),
            (format!("00-{id}-{span}-1"), None),
            (format!("00-{id}-{span}-"), None),
            (format!("00-{id}-{span}"), None),
            (format!("ff-{id}-{span}-01"), None),
            (format!("0-{id}-{span}-01"), None),
            (format!("00-{}-{span}-01", zeros[0]), None),
            (format!("00-{id}-{}-01", zeros[1]), None),
            (format!("00-{}-{span}-01", id.to_uppercase()), None),
            (format!("00-{}-{span}-01", &id[1..]), None),
            (format!("00-+{}-{span}-01", &id[1..]), None),
            (format!("00_{id}_{span}_01"), None),
            (format!(" 00-{id}-{span}-01"), None),
            (format!("00-{id}-{span}-01 "), None),
            (format!("00-é{}-{span}-01", &id[2..]), None),
            (String::new(), None),
        ] {
            let expected = taken.map(|flags| format!("00-{id}-{span}-{flags}"));
            assert_eq!(Trace::parse(&text).map(Trace::header), expected, "{text}");
        }
    }

    #[test]
    fn a_trace_prints_its_id_alone() {
        let trace = Trace::new(7, 9).with_span(11);
        assert_eq!((trace.to_string(), format!("{trace:?}")), (format!("{:032x}", 7), format!("{:032x}", 7)));
        assert_eq!(trace.header(), format!("00-{:032x}-{:016x}-00", 7, 11));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn a_trace_round_trips(id: u128, span: u64, next: u64) {
            let trace = Trace::new(id, span);
            prop_assert_eq!(trace.header().len(), LENGTH);
            prop_assert_eq!(Trace::parse(&trace.header()), Some(trace));
            let call = trace.with_span(next);
            prop_assert_eq!(Trace::parse(&call.header()), Some(call));
            prop_assert_eq!(call.to_string(), trace.to_string());
        }

        #[test]
        fn a_parsed_trace_is_passed_on_well_formed(text in "(00-)?[0-9a-f-]{0,60}.{0,3}") {
            if let Some(trace) = Trace::parse(&text) {
                prop_assert_eq!(Trace::parse(&trace.header()), Some(trace));
                prop_assert!(text.contains(&trace.to_string()));
            }
        }
    }
}
