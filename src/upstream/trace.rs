//! The trace that a call belongs to: W3C's `traceparent`, read, made and passed on.
//!
//! A trace is a name for what belongs together and nothing else: it is part of no key, so equal reads of different
//! traces still share a call, which then bears the trace of whoever began it. `tracestate` is dropped: it holds what a
//! client's own tools say to each other, and a provider is none of them.

use std::fmt::{self, Write};

/// The length of the whole value in the version that is spoken here; later ones may be longer.
const LENGTH: usize = 55;

/// The only flag that is passed on: that whoever asks keeps this trace.
const SAMPLED: u8 = 1;

/// One trace, and who calls in it. It prints its ID alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    span: u64,
    flags: u8,
}

impl Trace {
    /// Reads `traceparent`. None if it is not well-formed; then nothing of it counts.
    pub fn read(text: &str) -> Option<Self> {
        let (version, rest) = part(text, 2)?;
        let (id, rest) = part(rest.strip_prefix('-')?, 32)?;
        let (span, rest) = part(rest.strip_prefix('-')?, 16)?;
        let (flags, rest) = part(rest.strip_prefix('-')?, 2)?;
        let ends_well = match version {
            0 => rest.is_empty(),
            0xff => false,
            // What a later version adds is behind another hyphen.
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let trace = Self { id, span: u64::try_from(span).ok()?, flags: u8::try_from(flags).ok()? & SAMPLED };
        (ends_well && trace.id != 0 && trace.span != 0).then_some(trace)
    }

    /// A trace of one's own, of these random numbers; nobody is known to keep it.
    pub fn new(id: u128, span: u64) -> Self {
        Self { id: id.max(1), span: span.max(1), flags: 0 }
    }

    /// The same trace, for a call under this random number.
    pub fn call(self, span: u64) -> Self {
        Self { span: span.max(1), ..self }
    }

    /// The value of `traceparent`.
    pub fn header(self) -> String {
        let Self { id, span, flags } = self;
        let mut text = String::with_capacity(LENGTH);
        // Writing into memory fails for no reason.
        let _ = write!(text, "00-{id:032x}-{span:016x}-{flags:02x}");
        text
    }
}

/// The trace's ID, in hexadecimal.
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

/// Takes so many digits of small hexadecimal off a text.
fn part(text: &str, digits: usize) -> Option<(u128, &str)> {
    let (part, rest) = text.split_at_checked(digits)?;
    let is_small = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_small.then(|| u128::from_str_radix(part, 16).ok())?.map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_taken_if_it_is_well_formed() {
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
            assert_eq!(Trace::read(&text).map(Trace::header), expected, "{text}");
        }
    }

    #[test]
    fn a_trace_prints_its_id_and_no_more() {
        let trace = Trace::new(7, 9).call(11);
        assert_eq!((trace.to_string(), format!("{trace:?}")), (format!("{:032x}", 7), format!("{:032x}", 7)));
        assert_eq!(trace.header(), format!("00-{:032x}-{:016x}-00", 7, 11));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn what_is_made_is_read_again(id: u128, span: u64, next: u64) {
            let trace = Trace::new(id, span);
            prop_assert_eq!(trace.header().len(), LENGTH);
            prop_assert_eq!(Trace::read(&trace.header()), Some(trace));
            let call = trace.call(next);
            prop_assert_eq!(Trace::read(&call.header()), Some(call));
            prop_assert_eq!(call.to_string(), trace.to_string());
        }

        #[test]
        fn whatever_is_read_is_passed_on_well_formed(text in "(00-)?[0-9a-f-]{0,60}.{0,3}") {
            if let Some(trace) = Trace::read(&text) {
                prop_assert_eq!(Trace::read(&trace.header()), Some(trace));
                prop_assert!(text.contains(&trace.to_string()));
            }
        }
    }
}
