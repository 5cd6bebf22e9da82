//! A write in the words of this room: what is asked of a host, what its answer says, and how it ended.

use bytes::Bytes;
use url::{Url, form_urlencoded};

use super::{Credential, Error};

/// What a write asks of a host.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The method.
    pub method: Method,
    /// The path below the base URL, one text per segment; each is escaped.
    pub path: &'a [&'a str],
    /// The query, as names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// Which segment holds a token, which no record may show.
    pub masked: Option<usize>,
    /// What to show the host; never a parameter of the query.
    pub credential: Credential<'a>,
    /// For whom alone answers are kept, as in a `Read` of whoever writes.
    pub reader: Option<&'a str>,
    /// What is sent with it.
    pub body: Body<'a>,
    /// Where the host shows what this changes.
    pub shown: Shown<'a>,
}

/// Where a host shows a thing. What is kept of that counts for nothing to whoever changes the thing, however that ended;
/// `changes` says what it does to others.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The paths at and below which each is shown what is their own.
    pub own: &'a [&'a [&'a str]],
    /// The paths at and below which others are shown this very thing.
    pub common: &'a [&'a [&'a str]],
    /// Of what is there, only what mentions one of these tokens; all of it, if there is none.
    pub about: &'a [&'a str],
}

/// How a write is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// What is sent with a write.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Nothing.
    Nothing,
    /// Names and values, as a form.
    Form(&'a [(&'a str, &'a str)]),
    /// A text that is JSON.
    Json(&'a str),
}

/// What an answer says of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Changed,
    /// There is no such thing.
    Absent,
}

/// What a provider made of the answer to a write.
pub struct Said<E> {
    /// What it says, or why it was refused.
    pub result: Result<Done, E>,
    /// What the provider's envelope said of the answer, for records; it holds no content.
    pub note: Option<String>,
}

/// How a write ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// There is no such thing.
    Absent,
    /// The host refused it, and nothing has changed.
    Refused,
    /// It was not sent.
    Unsent,
    /// It was sent, and nobody knows whether it is done.
    Uncertain,
}

/// A write as it goes over the wire.
#[derive(Debug)]
pub struct Order {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// The media type and the bytes of what is sent with it.
    pub body: Option<(&'static str, Bytes)>,
}

/// Why there is no answer to an order, and whether any of it may have reached the host.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered {
    /// Why.
    pub error: Error,
    /// Whether it may have been sent.
    pub sent: bool,
}

impl Method {
    /// The word for it in explanations and metrics.
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

impl Body<'_> {
    /// The media type and the bytes, if there is anything to send.
    pub fn carried(self) -> Option<(&'static str, Bytes)> {
        match self {
            Body::Nothing => None,
            Body::Form(pairs) => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                Some(("application/x-www-form-urlencoded", text.into()))
            }
            Body::Json(text) => Some(("application/json", text.to_owned().into())),
        }
    }
}

impl Ended {
    /// The word for it in the metrics and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Done => "done",
            Ended::Absent => "absent",
            Ended::Refused => "refused",
            Ended::Unsent => "unsent",
            Ended::Uncertain => "uncertain",
        }
    }
}

impl Unanswered {
    /// Nothing was sent.
    pub fn unsent(error: Error) -> Self {
        Self { error, sent: false }
    }

    /// It may have been sent.
    pub fn sent(error: Error) -> Self {
        Self { error, sent: true }
    }
}
