//! The custom scalars `DateTime` and `URL`, and one-time links.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use super::heap_size::HeapSize;

/// An RFC 3339 date and time in UTC, such as `2014-08-23T02:49:47Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An http or https URL without credentials, so it is safe to show and open.
///
/// Other URLs of a provider (`javascript:`, empty or invalid text) become null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub struct Url(String);

/// A link with a one-time nonce. It is valid for one person and one visit, so it is never cached.
#[derive(Clone, Debug, PartialEq, Eq, HeapSize)]
pub enum OneTimeLink<K> {
    /// The link, just read.
    Known(Url),
    /// The link was removed before caching. The key is that of its object, to read it again.
    Redacted(K),
}

impl<K> OneTimeLink<K> {
    /// Whether the link is present.
    pub fn is_known(&self) -> bool {
        matches!(self, OneTimeLink::Known(_))
    }

    /// The link, if it is present.
    pub fn known(&self) -> Option<&Url> {
        match self {
            OneTimeLink::Known(url) => Some(url),
            OneTimeLink::Redacted(_) => None,
        }
    }
}

impl DateTime {
    /// Parses RFC 3339 text.
    pub fn parse(text: &str) -> Option<Self> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.to_utc()))
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Url {
    /// Parses a provider's URL. `None` when it is not safe to show. The text is not normalized.
    pub fn parse(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let url = url::Url::parse(text).ok()?;
        let is_safe = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        is_safe.then(|| Self(text.to_owned()))
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An RFC 3339 date and time in UTC, such as `2014-08-23T02:49:47Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => DateTime::parse(text).ok_or_else(|| {
                InputValueError::custom("a DateTime must be RFC 3339 text, such as 2014-08-23T02:49:47Z")
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// An http or https URL without credentials, so it is safe to show and open. Other URLs of a provider become null.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Url::parse(text)
                .ok_or_else(|| InputValueError::custom("a URL must be an http or https URL without credentials")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_http_without_credentials() {
        for good in ["http://twitter.com/ExampleUser", "https://img.example/a.png?w=100"] {
            assert_eq!(Url::parse(good).map(|url| url.0).as_deref(), Some(good));
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "https://user@host.example/",
            "http://a b/",
            "ht\ntp://a/",
            "//host/path",
            "data:,x",
        ] {
            assert_eq!(Url::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn date_times_are_printed_in_utc() {
        let time = DateTime::parse("2011-08-25T13:35:40+02:00").map(|m| m.to_string());
        assert_eq!(time.as_deref(), Some("2011-08-25T11:35:40Z"));
    }
}
