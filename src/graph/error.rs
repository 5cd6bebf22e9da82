//! The errors that clients see: codes, messages and extensions.
//!
//! This is the only place where a provider's reason becomes a code and a message. Causes stop here: they were logged when
//! the provider's response was read, and are never shown to a client.

pub mod mask;

use std::time::Duration;

use async_graphql::indexmap::IndexMap;
use async_graphql::resolver_utils::EnumType;
use async_graphql::{Enum, ErrorExtensions, Name, Pos, ServerError, Value};

use crate::auth::{Denied, Scope};
use crate::model::Provider;
use crate::provider::{self, Reason};

/// The message by which Apollo clients know that they must send the document.
const PERSISTED_QUERY_NOT_FOUND: &str = "PersistedQueryNotFound";

/// The message by which Apollo clients know that they must stop sending hashes.
const PERSISTED_QUERY_NOT_SUPPORTED: &str = "PersistedQueryNotSupported";

/// The codes in `errors[].extensions.code`. Use the code, not the message, to decide what to do.
///
/// Codes may be added but are never changed or reused. Treat an unknown code like INTERNAL.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The credential is missing or was not accepted. Retryable: no. What to do: send a valid credential in
    /// `Authorization`, or for WordPress.com in `X-WordPress-Token`.
    Unauthenticated,
    /// The credential does not permit this. Retryable: no. What to do: use a credential with the scope in `scope`.
    Forbidden,
    /// The person must sign in again. Retryable: no. What to do: send the person through sign-in. Some accounts with
    /// two-step sign-in never succeed at WordPress.com.
    ReauthorizationRequired,
    /// The rate limit of `provider`, or of the gateway if there is no `provider`, is exceeded. Retryable: yes. What to
    /// do: retry after `retryAfterSeconds`. Earlier requests extend the wait.
    RateLimited,
    /// The provider is unreachable or failing. Retryable: yes. What to do: retry later.
    ProviderUnavailable,
    /// The request to the provider timed out. Retryable: yes. What to do: retry later.
    ProviderTimeout,
    /// The provider sent a response that the gateway cannot read. Retryable: no. What to do: report it. The log names
    /// the place, without the content.
    ProviderMalformed,
    /// The gateway is not configured for this provider. Retryable: no. What to do: set the keys of the provider.
    NotConfigured,
    /// The request is not valid. Retryable: no. What to do: correct the ID, cursor, argument or document.
    BadInput,
    /// The provider does not support this, or not for this person or site. Retryable: no. What to do: do not request
    /// it.
    UnsupportedByProvider,
    /// The request, or a response of a provider, exceeds a limit. Retryable: no. What to do: request less. `limit`,
    /// `allowed` and `actual` name the limit.
    LimitExceeded,
    /// No document has this hash or ID. Retryable: no. What to do: send the document. Apollo clients do so
    /// automatically.
    PersistedQueryNotFound,
    /// Persisted queries are not enabled. Retryable: no. What to do: send the document with each request.
    PersistedQueryNotSupported,
    /// The gateway is overloaded. Retryable: yes. What to do: retry after the time in the `Retry-After` header.
    Overloaded,
    /// The mutation was sent, but its result is unknown. Retryable: no. What to do: read the object before you try
    /// again. The gateway never repeats a mutation.
    Uncertain,
    /// An internal error occurred. Retryable: no. What to do: report it with the `requestId`, under which the log has
    /// the cause.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the table in `docs/errors.md`.
    pub const ALL: [ErrorCode; 16] = [
        ErrorCode::Unauthenticated,
        ErrorCode::Forbidden,
        ErrorCode::ReauthorizationRequired,
        ErrorCode::RateLimited,
        ErrorCode::ProviderUnavailable,
        ErrorCode::ProviderTimeout,
        ErrorCode::ProviderMalformed,
        ErrorCode::NotConfigured,
        ErrorCode::BadInput,
        ErrorCode::UnsupportedByProvider,
        ErrorCode::LimitExceeded,
        ErrorCode::PersistedQueryNotFound,
        ErrorCode::PersistedQueryNotSupported,
        ErrorCode::Overloaded,
        ErrorCode::Uncertain,
        ErrorCode::Internal,
    ];

    /// The code as it appears in `extensions.code`.
    pub fn as_str(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("INTERNAL", |item| item.name)
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            ErrorCode::RateLimited
                | ErrorCode::ProviderUnavailable
                | ErrorCode::ProviderTimeout
                | ErrorCode::Overloaded
        )
    }

    /// The message of an error of this provider.
    fn message(self, provider: Provider) -> String {
        let title = provider.title();
        match self {
            ErrorCode::Unauthenticated if provider == Provider::WordPress => {
                format!("A valid {title} token is required. Send it in the X-WordPress-Token header.")
            }
            ErrorCode::Unauthenticated => format!("{title} rejected the gateway's keys for the site."),
            ErrorCode::Forbidden => format!("The credentials do not permit this at {title}."),
            ErrorCode::ReauthorizationRequired => {
                format!("{title} requires the person to sign in again. A retry with the same token will fail.")
            }
            ErrorCode::RateLimited => {
                format!("The rate limit of {title} is exceeded. Retry after the time in retryAfterSeconds.")
            }
            ErrorCode::ProviderUnavailable => format!("{title} is unavailable. Retry later."),
            ErrorCode::ProviderTimeout => format!("The request to {title} timed out. Retry later."),
            ErrorCode::ProviderMalformed => format!("{title} sent a response that cannot be read."),
            ErrorCode::NotConfigured => {
                format!("The gateway is not configured for {title}. Set its keys in the settings.")
            }
            ErrorCode::BadInput => format!("{title} rejected the request as invalid."),
            ErrorCode::UnsupportedByProvider => {
                format!("{title} does not support this, or not for this person or site.")
            }
            ErrorCode::LimitExceeded => format!("The response of {title} exceeds the size limit."),
            ErrorCode::PersistedQueryNotFound => PERSISTED_QUERY_NOT_FOUND.to_owned(),
            ErrorCode::PersistedQueryNotSupported => PERSISTED_QUERY_NOT_SUPPORTED.to_owned(),
            ErrorCode::Overloaded => "The gateway is overloaded. Retry later.".to_owned(),
            ErrorCode::Uncertain => format!(
                "The request was sent to {title}, but its result is unknown. Read the object before you try again."
            ),
            ErrorCode::Internal => Self::internal_message().to_owned(),
        }
    }

    /// The message of an internal error.
    fn internal_message() -> &'static str {
        "Internal error. Quote the request ID when you report it."
    }
}

impl From<Reason> for ErrorCode {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotAuthenticated => ErrorCode::Unauthenticated,
            Reason::NotAllowed | Reason::OwnedByAnother => ErrorCode::Forbidden,
            Reason::Expired => ErrorCode::ReauthorizationRequired,
            Reason::Throttled => ErrorCode::RateLimited,
            Reason::Unavailable => ErrorCode::ProviderUnavailable,
            Reason::Overloaded => ErrorCode::Overloaded,
            Reason::TimedOut => ErrorCode::ProviderTimeout,
            Reason::Malformed => ErrorCode::ProviderMalformed,
            Reason::NotConfigured => ErrorCode::NotConfigured,
            Reason::Unsupported => ErrorCode::UnsupportedByProvider,
            Reason::Refused => ErrorCode::BadInput,
            Reason::TooLarge | Reason::OverBudget => ErrorCode::LimitExceeded,
            Reason::Uncertain => ErrorCode::Uncertain,
            Reason::Denied(Denied::NoCredential | Denied::NoToken | Denied::TokenAlone) => ErrorCode::Unauthenticated,
            Reason::Denied(Denied::AudienceUnknown) => ErrorCode::ProviderUnavailable,
            Reason::Denied(Denied::MissingScope(_) | Denied::ServicesOnly(_)) => ErrorCode::Forbidden,
        }
    }
}

/// An error for clients. All of it may be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// The error code.
    pub code: ErrorCode,
    /// The message, for people.
    pub message: String,
    /// The provider that failed, if any.
    pub provider: Option<Provider>,
    /// The time to wait before a retry, if known.
    pub retry_after: Option<Duration>,
    /// The status and the error code of the provider's response.
    pub upstream: Option<(Option<u16>, Option<String>)>,
    /// The row of the provider's list or of the page that has the error.
    pub row: Option<String>,
    /// The limit that the document exceeds.
    pub exceeded: Option<Box<Exceeded>>,
    /// The scope that a service key needs.
    pub scope: Option<Scope>,
}

/// A limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The name of the limit in the settings.
    pub limit: &'static str,
    /// The value of the limit.
    pub max: usize,
    /// The value in the document.
    pub actual: usize,
}

impl Error {
    /// A BAD_INPUT error.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadInput, message)
    }

    /// An error without a provider.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            provider: None,
            retry_after: None,
            upstream: None,
            row: None,
            exceeded: None,
            scope: None,
        }
    }

    /// No document has the hash or ID of the request.
    pub fn persisted_query_not_found() -> Self {
        Self::new(ErrorCode::PersistedQueryNotFound, PERSISTED_QUERY_NOT_FOUND)
    }

    /// Persisted queries are not enabled.
    pub fn persisted_query_not_supported() -> Self {
        Self::new(ErrorCode::PersistedQueryNotSupported, PERSISTED_QUERY_NOT_SUPPORTED)
    }

    /// An internal error. The log has the cause.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, ErrorCode::internal_message())
    }

    /// The error as an entry of `errors`, with a location if there is one.
    pub fn at(self, location: Option<Pos>) -> ServerError {
        let mut error = async_graphql::Error::from(self).into_server_error(Pos::default());
        error.locations = location.into_iter().collect();
        error
    }

    /// Rows of a provider's list that could not be read and were skipped.
    pub fn skipped_row(provider: Provider, skipped: &provider::SkippedRow) -> Self {
        let title = provider.title();
        let message = match skipped.rows {
            0 | 1 => format!("A row or value from {title} cannot be read and was skipped."),
            rows => format!("{rows} more rows from {title} cannot be read and were skipped."),
        };
        let row = Some(skipped.path.clone());
        Self { provider: Some(provider), row, ..Self::new(ErrorCode::ProviderMalformed, message) }
    }
}

impl From<provider::Error> for Error {
    fn from(error: provider::Error) -> Self {
        let code = ErrorCode::from(error.reason);
        let message = match error.reason {
            Reason::OverBudget => "The operation exceeds its limit of calls to the providers. Request less.".to_owned(),
            Reason::Denied(why) => denied_message(why, error.provider),
            _ => code.message(error.provider),
        };
        Self {
            code,
            message,
            provider: Some(error.provider),
            // Providers send Retry-After with many errors. It has a meaning only when a retry can succeed.
            retry_after: error.retry_after.filter(|_| code.is_retryable()),
            upstream: (error.status.is_some() || error.code.is_some()).then_some((error.status, error.code)),
            row: None,
            exceeded: None,
            scope: match error.reason {
                Reason::Denied(Denied::MissingScope(scope) | Denied::ServicesOnly(scope)) => Some(scope),
                _ => None,
            },
        }
    }
}

/// The message for a caller without permission at this provider.
fn denied_message(why: Denied, provider: Provider) -> String {
    let title = provider.title();
    match why {
        Denied::NoToken => ErrorCode::Unauthenticated.message(provider),
        Denied::NoCredential => {
            format!("{title} requires a credential. Send a JWT or a service key in `Authorization: Bearer`.")
        }
        Denied::TokenAlone => format!(
            "{title} requires a second credential. Also send a JWT or a service key in `Authorization: Bearer`."
        ),
        Denied::AudienceUnknown => {
            format!("The token could not be verified with {title}. Retry later.")
        }
        Denied::MissingScope(scope) => format!("The service key lacks the scope {scope}."),
        Denied::ServicesOnly(scope) => {
            format!("Only a service whose key has the scope {scope} may do this.")
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        async_graphql::Error::new(error.message).extend_with(|_, extensions| {
            extensions.set("code", error.code.as_str());
            extensions.set("retryable", error.code.is_retryable());
            if let Some(provider) = error.provider {
                extensions.set("provider", provider);
            }
            if let Some(wait) = error.retry_after {
                extensions.set("retryAfterSeconds", wait.as_millis().div_ceil(1_000) as u64);
            }
            if let Some((status, code)) = error.upstream {
                let mut upstream = IndexMap::new();
                upstream.insert(Name::new("status"), Value::from(status.map(u64::from)));
                upstream.insert(Name::new("code"), Value::from(code));
                extensions.set("upstream", Value::Object(upstream));
            }
            if let Some(scope) = error.scope {
                extensions.set("scope", scope.as_str());
            }
            if let Some(row) = error.row {
                extensions.set("row", row);
            }
            if let Some(exceeded) = error.exceeded {
                extensions.set("limit", exceeded.limit);
                extensions.set("allowed", exceeded.max);
                extensions.set("actual", exceeded.actual);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_upper_case() {
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    }

    #[test]
    fn causes_are_not_shown() {
        let error = provider::Error::new(Provider::OneAll, Reason::Malformed, "canary: line 3 column 9");
        assert!(!format!("{:?}", async_graphql::Error::from(Error::from(error))).contains("canary"));
    }

    #[test]
    fn a_lack_of_resources_is_overloaded_and_retryable() {
        let error = provider::Error::from((Provider::OneAll, crate::upstream::Error::OutOfResources));
        let code = Error::from(error).code;
        assert_eq!((code, code.is_retryable()), (ErrorCode::Overloaded, true));
    }

    #[test]
    fn retry_after_is_set_only_for_retryable_codes() {
        let wait = Some(Duration::from_secs(7));
        for (reason, expected) in [(Reason::NotAllowed, None), (Reason::Malformed, None), (Reason::Throttled, wait)] {
            let error = provider::Error { retry_after: wait, ..provider::Error::new(Provider::WordPress, reason, "") };
            assert_eq!(Error::from(error).retry_after, expected, "{reason:?}");
        }
    }
}
