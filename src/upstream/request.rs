//! What is asked of a host: reads, writes, and the credential that each carries.

use bytes::Bytes;
use secrecy::SecretString;
use url::{Url, form_urlencoded};

/// A read: a GET with one credential.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The path below the base URL, one string per segment. Each is escaped, so no segment can change the path.
    pub path: &'a [&'a str],
    /// The query, as names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// Whether the last segment is a token, which is masked in every record.
    pub masked: bool,
    /// The credential that is sent.
    pub credential: Credential<'a>,
    /// If set, the response is cached and shared for this reader only.
    pub reader: Option<&'a str>,
}

/// The credential that a host is sent.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// An OAuth bearer token.
    Bearer(&'a SecretString),
    /// A user name and a password.
    Basic(&'a SecretString, &'a SecretString),
    /// A query parameter, by its name. It appears in no record of the call.
    Parameter(&'a str, &'a SecretString),
}

/// A [`Credential`] that a task owns, so that it can outlive the request.
pub enum OwnedCredential {
    /// An OAuth bearer token.
    Bearer(SecretString),
    /// A user name and a password.
    Basic(SecretString, SecretString),
    /// A query parameter, by its name.
    Parameter(String, SecretString),
}

impl OwnedCredential {
    /// Borrows the credential.
    pub fn borrow(&self) -> Credential<'_> {
        match self {
            OwnedCredential::Bearer(token) => Credential::Bearer(token),
            OwnedCredential::Basic(name, password) => Credential::Basic(name, password),
            OwnedCredential::Parameter(name, token) => Credential::Parameter(name, token),
        }
    }
}

impl From<Credential<'_>> for OwnedCredential {
    fn from(credential: Credential<'_>) -> Self {
        match credential {
            Credential::Bearer(token) => OwnedCredential::Bearer(token.clone()),
            Credential::Basic(name, password) => OwnedCredential::Basic(name.clone(), password.clone()),
            Credential::Parameter(name, token) => OwnedCredential::Parameter(name.to_owned(), token.clone()),
        }
    }
}

/// A write: a request that changes something at the host.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, one string per segment. Each is escaped.
    pub path: &'a [&'a str],
    /// The query, as names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// The index of the segment that is a token, which is masked in every record.
    pub masked: Option<usize>,
    /// The credential that is sent; never [`Credential::Parameter`].
    pub credential: Credential<'a>,
    /// The reader under which the writer's own responses are cached, as in [`Read`].
    pub reader: Option<&'a str>,
    /// The request body.
    pub body: Body<'a>,
    /// Which cached responses the write may change.
    pub affects: AffectedPaths<'a>,
}

/// The paths whose cached responses a write may change.
///
/// The writer's own cached responses are always discarded. `cache::invalidation` says what happens to those of others.
#[derive(Clone, Copy, Debug)]
pub struct AffectedPaths<'a> {
    /// Paths at and below which each caller sees an object of their own.
    pub per_caller: &'a [&'a [&'a str]],
    /// Paths at and below which all callers see the changed object itself.
    pub shared: &'a [&'a [&'a str]],
    /// Only responses that reference one of these tokens are affected. If empty, all are.
    pub references: &'a [&'a str],
}

/// The HTTP method of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Method {
    /// Returns the method's name, as records and metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        }
    }
}

/// The body of a write.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// No body.
    Empty,
    /// Names and values, form-encoded.
    Form(&'a [(&'a str, &'a str)]),
    /// A JSON document.
    Json(&'a str),
}

impl Body<'_> {
    /// Returns the media type and the bytes, or `None` for an empty body.
    pub fn encode(self) -> Option<(&'static str, Bytes)> {
        match self {
            Body::Empty => None,
            Body::Form(pairs) => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                Some(("application/x-www-form-urlencoded", text.into()))
            }
            Body::Json(text) => Some(("application/json", text.to_owned().into())),
        }
    }
}

/// A write as the transport sends it.
#[derive(Debug)]
pub struct OutgoingRequest {
    /// The HTTP method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The media type and the bytes of the body, if any.
    pub body: Option<(&'static str, Bytes)>,
}
