//! The parameters of a GraphQL request, from a query string or a JSON body.
//!
//! The same rules apply to both. `null`, and in a query string the empty text, mean that a parameter is absent. Unknown
//! parameters are ignored. An error names the parameter of the wrong type.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Uri, header};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::media::is_json;
use super::request_error::{RequestError, RequestErrorKind};
use crate::graph::error::{Error, ErrorCode};
use crate::http::middleware::concurrency_limit::Pending;
use crate::http::server::TooSlow;

/// The names under which clients send the ID of a document: that of the specification, and Relay's two.
const IDS: [&str; 3] = ["documentId", "doc_id", "id"];

/// The parameters of one operation.
#[derive(Debug, Default, PartialEq)]
pub(in crate::http) struct Parameters {
    /// The text of the document.
    pub(in crate::http) query: Option<String>,
    /// The name of the operation to execute.
    pub(in crate::http) operation_name: Option<String>,
    /// The values of the variables.
    pub(in crate::http) variables: Option<Map<String, Value>>,
    /// Extensions of the protocol, such as `persistedQuery`.
    pub(in crate::http) extensions: Map<String, Value>,
    /// The ID of the document, instead of its text.
    pub(in crate::http) document_id: Option<String>,
}

/// The operations in a request body.
pub(super) enum GraphQLBody {
    /// One operation.
    Single(Parameters),
    /// A list of operations.
    Batch(Vec<Parameters>),
}

impl Parameters {
    fn new(mut given: Map<String, Value>) -> Result<Self, RequestError> {
        let id = IDS.iter().find_map(|name| given.get(*name).and_then(Value::as_str));
        let document_id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        Ok(Self {
            query: text(&mut given, "query")?,
            operation_name: text(&mut given, "operationName")?,
            variables: object(&mut given, "variables")?,
            extensions: object(&mut given, "extensions")?.unwrap_or_default(),
            document_id,
        })
    }
}

fn text(given: &mut Map<String, Value>, name: &str) -> Result<Option<String>, RequestError> {
    match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(malformed(format!("The parameter {name} must be text."))),
    }
}

fn object(given: &mut Map<String, Value>, name: &str) -> Result<Option<Map<String, Value>>, RequestError> {
    match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(malformed(format!("The parameter {name} must be an object."))),
    }
}

fn malformed(message: impl Into<String>) -> RequestError {
    RequestError::new(RequestErrorKind::Malformed, Error::bad_input(message))
}

/// Parses the parameters of a GET.
pub(super) fn from_query(headers: &HeaderMap, uri: &Uri, length_max: usize) -> Result<Parameters, RequestError> {
    // A page of another site can send a GET with the media type of a form. No other client has a reason to.
    if headers.contains_key(header::CONTENT_TYPE) {
        check_type(headers)?;
    }
    let query = uri.query().unwrap_or_default();
    if query.len() > length_max {
        let message = format!("The address is longer than {length_max} bytes; send the operation by POST.");
        return Err(RequestError::new(RequestErrorKind::UriTooLong, Error::new(ErrorCode::LimitExceeded, message)));
    }
    let mut given = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        let value = match &*name {
            "query" | "operationName" => Value::String(value.into_owned()),
            id if IDS.contains(&id) => Value::String(value.into_owned()),
            "variables" | "extensions" => {
                let wrong = |_| malformed(format!("The parameter {name} must be an object, written as JSON."));
                serde_json::from_str(&value).map_err(wrong)?
            }
            _ => continue,
        };
        if given.insert(name.to_string(), value).is_some() {
            return Err(malformed(format!("The parameter {name} is given twice.")));
        }
    }
    Parameters::new(given)
}

/// Parses the parameters of a POST.
pub(super) fn from_body(body: &[u8]) -> Result<GraphQLBody, RequestError> {
    let unreadable =
        |_| RequestError::new(RequestErrorKind::Unreadable, Error::bad_input("The body is not JSON in UTF-8."));
    match serde_json::from_slice(body).map_err(unreadable)? {
        Value::Object(given) => Parameters::new(given).map(GraphQLBody::Single),
        Value::Array(all) => all.into_iter().map(member).collect::<Result<_, _>>().map(GraphQLBody::Batch),
        _ => Err(malformed("The body must be an object with the parameter query.")),
    }
}

fn member(value: Value) -> Result<Parameters, RequestError> {
    match value {
        Value::Object(given) => Parameters::new(given),
        _ => Err(malformed("The list holds something that is no operation.")),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), RequestError> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let one = types.next().filter(|_| types.next().is_none()).and_then(|value| value.to_str().ok());
    if one.is_some_and(is_json) && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    let message = "Send the body as Content-Type: application/json, in UTF-8 and not compressed.";
    Err(RequestError::new(RequestErrorKind::MediaType, Error::bad_input(message)))
}

/// Receives the body of a POST. At most `length_max` bytes are held, whatever `Content-Length` says. They count as pending
/// until the body is complete.
pub(super) async fn receive(
    headers: &HeaderMap,
    body: Body,
    length_max: usize,
    mut pending: Pending<'_>,
) -> Result<Bytes, RequestError> {
    check_type(headers)?;
    let claimed = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if claimed.is_some_and(|claimed| claimed > length_max as u64) {
        return Err(too_large(length_max));
    }
    let mut read = BytesMut::new();
    let mut frames = body.into_data_stream();
    while let Some(frame) = pending.hold(frames.next()).await? {
        let frame = frame.map_err(broken)?;
        if read.len() + frame.len() > length_max {
            return Err(too_large(length_max));
        }
        pending.receive(frame.len())?;
        read.extend_from_slice(&frame);
    }
    Ok(read.freeze())
}

fn broken(error: axum::Error) -> RequestError {
    match error.into_inner().is::<TooSlow>() {
        true => RequestError::new(RequestErrorKind::TooSlow, Error::bad_input("The body did not come in time.")),
        false => RequestError::new(RequestErrorKind::Unreadable, Error::bad_input("The body broke off.")),
    }
}

fn too_large(length_max: usize) -> RequestError {
    let message = format!("The body is larger than {length_max} bytes.");
    RequestError::new(RequestErrorKind::TooLarge, Error::new(ErrorCode::LimitExceeded, message))
}
