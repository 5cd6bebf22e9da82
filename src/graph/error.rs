//! A provider's reason becomes a client's code and sentence: the only place where that happens, and where causes stop.
//!
//! What a client sees is a code out of one table, a sentence that says what to do, and the numbers it needs to decide
//! whether to ask again. The cause stands in the log already, where the provider's answer was read.

pub mod mask;

use std::time::Duration;

use async_graphql::indexmap::IndexMap;
use async_graphql::resolver_utils::EnumType;
use async_graphql::{Enum, ErrorExtensions, Name, Pos, ServerError, Value};

use crate::auth::{Denied, Scope};
use crate::model::Provider;
use crate::provider::{self, Reason};

/// The exact words by which Apollo's clients know that they have to send the text.
const NOT_FOUND: &str = "PersistedQueryNotFound";

/// The exact words by which Apollo's clients know that they need not send hashes again.
const NOT_SUPPORTED: &str = "PersistedQueryNotSupported";

/// Every code that an error of this gateway can carry in `extensions.code`. A client goes by the code, never by the message:
/// codes are added, never changed or reused, so treat one that you do not know like INTERNAL.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[graphql(name = "ErrorCode")]
pub enum Code {
    /// No credential for this, or one that is not accepted (401 if it is the gateway that does not). Retryable: no.
    /// What to do: send a valid one: in `Authorization`, for WordPress.com in `X-WordPress-Token`.
    Unauthenticated,
    /// The credential does not reach this. Retryable: no. What to do: ask with the scope that `scope` names, or do
    /// without.
    Forbidden,
    /// The person has to sign in afresh. Retryable: no. What to do: send the person through sign-in; with two-step
    /// sign-in WordPress.com may say this for ever.
    ReauthorizationRequired,
    /// The provider asks to slow down, or without a `provider` the gateway does (429). Retryable: yes. What to do: wait
    /// `retryAfterSeconds`; asking earlier prolongs it.
    RateLimited,
    /// The provider cannot be reached or is out of order. Retryable: yes. What to do: ask again later.
    ProviderUnavailable,
    /// The provider did not answer in time. Retryable: yes. What to do: ask again later.
    ProviderTimeout,
    /// The provider's answer cannot be understood. Retryable: no. What to do: report it; the log says where, without
    /// its content.
    ProviderMalformed,
    /// The gateway has no access to this provider. Retryable: no. What to do: set its keys.
    NotConfigured,
    /// The request makes no sense as it is. Retryable: no. What to do: correct the ID, cursor, argument or document.
    BadInput,
    /// The provider cannot do this, or not for this person or site. Retryable: no. What to do: do without.
    UnsupportedByProvider,
    /// The request, or a provider's answer, is larger than the gateway takes. Retryable: no. What to do: ask for less;
    /// `limit`, `allowed` and `actual` say of what.
    LimitExceeded,
    /// No document is known by the request's hash or ID. Retryable: no. What to do: send the text, as Apollo's clients
    /// do by themselves.
    PersistedQueryNotFound,
    /// Documents are not known by hash or ID here. Retryable: no. What to do: send texts only.
    PersistedQueryNotSupported,
    /// The gateway has too much to do, or did not get done in time. Retryable: yes. What to do: ask again after
    /// `Retry-After`.
    Overloaded,
    /// A mutation was sent, and nobody knows whether it is done. Retryable: no. What to do: read the thing again before
    /// trying anew; the gateway never sends it again by itself.
    Uncertain,
    /// The gateway failed. Retryable: no. What to do: report it with `requestId`; the log has the cause under it.
    Internal,
}

impl Code {
    /// Every code, in the order of the table in `docs/errors.md`.
    pub const ALL: [Code; 16] = [
        Code::Unauthenticated,
        Code::Forbidden,
        Code::ReauthorizationRequired,
        Code::RateLimited,
        Code::ProviderUnavailable,
        Code::ProviderTimeout,
        Code::ProviderMalformed,
        Code::NotConfigured,
        Code::BadInput,
        Code::UnsupportedByProvider,
        Code::LimitExceeded,
        Code::PersistedQueryNotFound,
        Code::PersistedQueryNotSupported,
        Code::Overloaded,
        Code::Uncertain,
        Code::Internal,
    ];

    /// The code as it is in `extensions.code`.
    pub fn as_str(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("INTERNAL", |item| item.name)
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Code::RateLimited | Code::ProviderUnavailable | Code::ProviderTimeout | Code::Overloaded)
    }

    /// What a person reads, about this provider.
    fn sentence(self, provider: Provider) -> String {
        let title = provider.title();
        match self {
            Code::Unauthenticated if provider == Provider::WordPress => {
                format!("{title} needs the person's token: send a valid one in X-WordPress-Token.")
            }
            Code::Unauthenticated => format!("{title} does not accept the gateway's keys for the site."),
            Code::Forbidden => format!("The credentials of this request do not reach this at {title}."),
            Code::ReauthorizationRequired => {
                format!("{title} wants the person to sign in afresh; asking again with the same token will not help.")
            }
            Code::RateLimited => format!("{title} asks to slow down; ask again after retryAfterSeconds."),
            Code::ProviderUnavailable => format!("{title} cannot be reached or is out of order; ask again later."),
            Code::ProviderTimeout => format!("{title} did not answer in time; ask again later."),
            Code::ProviderMalformed => format!("{title} gave an answer that cannot be understood."),
            Code::NotConfigured => format!("This gateway has no access to {title}; see its settings."),
            Code::BadInput => format!("{title} does not accept what was asked."),
            Code::UnsupportedByProvider => format!("{title} cannot do this, or not for this person or site."),
            Code::LimitExceeded => format!("{title} gave an answer that is larger than the gateway takes."),
            Code::PersistedQueryNotFound => NOT_FOUND.to_owned(),
            Code::PersistedQueryNotSupported => NOT_SUPPORTED.to_owned(),
            Code::Overloaded => "The gateway has too much to do; ask again later.".to_owned(),
            Code::Uncertain => format!(
                "{title} was asked once and its answer does not say whether this is done; read again before trying anew."
            ),
            Code::Internal => Self::internal_sentence().to_owned(),
        }
    }

    /// What a person reads when the gateway failed.
    fn internal_sentence() -> &'static str {
        "The gateway failed; the request's ID leads to the cause in its log."
    }
}

impl From<Reason> for Code {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotAuthenticated => Code::Unauthenticated,
            Reason::NotAllowed | Reason::NotTheirs => Code::Forbidden,
            Reason::Expired => Code::ReauthorizationRequired,
            Reason::Throttled => Code::RateLimited,
            Reason::Unavailable => Code::ProviderUnavailable,
            Reason::TimedOut => Code::ProviderTimeout,
            Reason::Malformed => Code::ProviderMalformed,
            Reason::NotConfigured => Code::NotConfigured,
            Reason::Unsupported => Code::UnsupportedByProvider,
            Reason::Refused => Code::BadInput,
            Reason::TooLarge | Reason::OverBudget => Code::LimitExceeded,
            Reason::Uncertain => Code::Uncertain,
            Reason::Denied(Denied::NoCredential | Denied::NoToken | Denied::TokenAlone) => Code::Unauthenticated,
            Reason::Denied(Denied::AudienceUnknown) => Code::ProviderUnavailable,
            Reason::Denied(Denied::MissingScope(_) | Denied::ServicesOnly(_)) => Code::Forbidden,
        }
    }
}

/// An error made for clients: all of it may be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// The code.
    pub code: Code,
    /// What a person reads.
    pub message: String,
    /// Whose failure it is, if a provider's.
    pub provider: Option<Provider>,
    /// How long to wait before asking again, if that is known.
    pub retry_after: Option<Duration>,
    /// The status and error identifier of the provider's answer.
    pub upstream: Option<(Option<u16>, Option<String>)>,
    /// Which row of the provider's list, or of the page, it is about.
    pub row: Option<String>,
    /// The limit that a document goes over.
    pub exceeded: Option<Box<Exceeded>>,
    /// The scope that a service's key needs for this.
    pub scope: Option<Scope>,
}

/// A limit, and what goes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit's name, as in the settings.
    pub limit: &'static str,
    /// Its value.
    pub max: usize,
    /// What the document has.
    pub has: usize,
}

impl Error {
    /// The request makes no sense as it is.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::own(Code::BadInput, message)
    }

    /// An error of the gateway's own.
    pub fn own(code: Code, message: impl Into<String>) -> Self {
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

    /// No document is known by the hash or ID of the request.
    pub fn persisted_query_not_found() -> Self {
        Self::own(Code::PersistedQueryNotFound, NOT_FOUND)
    }

    /// Documents are not known by hash or ID here.
    pub fn persisted_query_not_supported() -> Self {
        Self::own(Code::PersistedQueryNotSupported, NOT_SUPPORTED)
    }

    /// The gateway failed; its log has the cause.
    pub fn internal() -> Self {
        Self::own(Code::Internal, Code::internal_sentence())
    }

    /// The error as part of an answer, at a place of the document if it has one there.
    pub fn at(self, place: Option<Pos>) -> ServerError {
        let mut error = async_graphql::Error::from(self).into_server_error(Pos::default());
        error.locations = place.into_iter().collect();
        error
    }

    /// A row of a provider's list or a value in it, or all but the first of many, could not be read and was left out.
    pub fn skipped(provider: Provider, skipped: &provider::SkippedRow) -> Self {
        let title = provider.title();
        let message = match skipped.rows {
            0 | 1 => format!("{title} gave a row or a value that cannot be understood; it was left out."),
            rows => format!("{title} gave {rows} more rows that cannot be understood; they were left out."),
        };
        let row = Some(skipped.path.clone());
        Self { provider: Some(provider), row, ..Self::own(Code::ProviderMalformed, message) }
    }
}

impl From<provider::Error> for Error {
    fn from(error: provider::Error) -> Self {
        let code = Code::from(error.reason);
        let message = match error.reason {
            Reason::OverBudget => "The operation has made as many calls to the providers as it may.".to_owned(),
            Reason::Denied(why) => denied(why, error.provider),
            _ => code.sentence(error.provider),
        };
        Self {
            code,
            message,
            provider: Some(error.provider),
            // A provider may say when to come back whatever it refused; it means something only where coming back helps.
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

/// What a caller reads who may not read something at this provider.
fn denied(why: Denied, provider: Provider) -> String {
    let title = provider.title();
    match why {
        Denied::NoToken => Code::Unauthenticated.sentence(provider),
        Denied::NoCredential => {
            format!("{title} needs to know who asks: send a person's JWT or a service key as Bearer in Authorization.")
        }
        Denied::TokenAlone => format!(
            "{title} is not read with a token alone: send a person's JWT or a service key as Bearer in Authorization too."
        ),
        Denied::AudienceUnknown => {
            format!("{title} cannot say at present whether this token was issued for this gateway; ask again later.")
        }
        Denied::MissingScope(scope) => format!("The service's key has not the scope {scope}."),
        Denied::ServicesOnly(scope) => {
            format!("No person may do this, only a service whose key has the scope {scope}.")
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
                extensions.set("actual", exceeded.has);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_spelled_for_clients() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    }

    #[test]
    fn a_cause_is_not_shown() {
        let error = provider::Error::new(Provider::OneAll, Reason::Malformed, "canary: line 3 column 9");
        assert!(!format!("{:?}", async_graphql::Error::from(Error::from(error))).contains("canary"));
    }

    #[test]
    fn a_wait_is_told_only_where_asking_again_can_help() {
        let wait = Some(Duration::from_secs(7));
        for (reason, told) in [(Reason::NotAllowed, None), (Reason::Malformed, None), (Reason::Throttled, wait)] {
            let error = provider::Error { retry_after: wait, ..provider::Error::new(Provider::WordPress, reason, "") };
            assert_eq!(Error::from(error).retry_after, told, "{reason:?}");
        }
    }
}
