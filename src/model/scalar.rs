//! The two scalars of our own: a moment and a link that is safe to show.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

/// A moment, in RFC 3339, always in UTC: `2014-08-23T02:49:47Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// A link that is safe to open or show: http or https, without a user name or password in it.
///
/// What a provider sends otherwise (`javascript:`, an empty text, broken text) is null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url(String);

/// A link that bears a one-time mark: it is for one person and one visit, so it is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneTimeLink<K> {
    /// The link, as it just came.
    Known(Url),
    /// There was one, and it was not kept. This is whose link it was, to be read again.
    Redacted(K),
}

impl<K> OneTimeLink<K> {
    /// Whether the link itself is at hand.
    pub fn is_known(&self) -> bool {
        matches!(self, OneTimeLink::Known(_))
    }

    /// The link, if it is at hand.
    pub fn known(&self) -> Option<&Url> {
        match self {
            OneTimeLink::Known(url) => Some(url),
            OneTimeLink::Redacted(_) => None,
        }
    }
}

impl DateTime {
    /// Reads RFC 3339 text.
    pub fn parse(text: &str) -> Option<Self> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|moment| Self(moment.to_utc()))
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Url {
    /// Takes a provider's text if it is a link that is safe to show; the text stays as it was.
    pub fn parse(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let url = url::Url::parse(text).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        plain.then(|| Self(text.to_owned()))
    }

    /// The link as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A moment, in RFC 3339, always in UTC: `2014-08-23T02:49:47Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => DateTime::parse(text)
                .ok_or_else(|| InputValueError::custom("a DateTime is RFC 3339 text such as 2014-08-23T02:49:47Z")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A link that is safe to open or show: http or https, without a user name or password in it. What a provider sends otherwise is null.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => {
                Url::parse(text).ok_or_else(|| InputValueError::custom("a URL is an http or https link"))
            }
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
    fn a_link_is_http_without_credentials() {
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
    fn a_moment_is_printed_in_utc() {
        let moment = DateTime::parse("2011-08-25T13:35:40+02:00").map(|m| m.to_string());
        assert_eq!(moment.as_deref(), Some("2011-08-25T11:35:40Z"));
    }
}
