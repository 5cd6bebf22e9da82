//! GraphQL over HTTP: parse the request, execute it, render the answer.
//!
//! A request is taken only in forms that a foreign page in a browser cannot send without asking first: a POST must say
//! that its body is JSON, and a GET may only query. Every refusal is a GraphQL error in JSON.

use async_graphql::{Request as Operation, Response as Outcome, Value, Variables};
use async_graphql_axum::GraphQLResponse;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::auth;
use crate::access::Caller;
use crate::graph::Graph;
use crate::graph::document::Checked;
use crate::graph::error::{Code, Error};

/// The header of a request that asks, with `1`, for the operation's cost in `extensions.cost`.
const COST_HEADER: &str = "x-commongraph-cost";

/// The two media types of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells how the request went.
    Graphql,
    /// `application/json`: the status is 200 for every well-formed GraphQL request.
    Json,
}

/// Why a request is not executed: a status and the error.
type Refusal = (StatusCode, Error);

/// The parameters of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(rename = "extensions")]
    _extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Answers one request.
pub(super) async fn answer(graph: &Graph, body_max: usize, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(media) = accepted(&head.headers) else {
        let message = "Accept application/graphql-response+json or application/json; nothing else is spoken here.";
        return refuse(StatusCode::NOT_ACCEPTABLE, Media::Json, vec![Error::bad_input(message)]);
    };
    let caller = match auth::caller(&head.headers) {
        Ok(caller) => caller,
        Err(error) => return challenge(refuse(StatusCode::UNAUTHORIZED, media, vec![error])),
    };
    let parameters = match head.method {
        Method::GET => from_query(head.uri.query().unwrap_or_default()),
        Method::POST => from_body(&head.headers, body, body_max).await,
        _ => return allow(refuse(StatusCode::METHOD_NOT_ALLOWED, media, vec![Error::bad_input("Use GET or POST.")])),
    };
    match parameters.and_then(operation) {
        Ok(operation) => run(graph, operation, &caller, &head, media).await,
        Err((status, error)) => refuse(status, media, vec![error]),
    }
}

/// Checks an operation's document and executes it.
async fn run(graph: &Graph, operation: Operation, caller: &Caller, head: &Parts, media: Media) -> Response {
    let checked = graph.check(operation).await;
    let is_query = checked.as_ref().map_or_else(|refusal| refusal.is_query, Checked::is_query);
    if head.method == Method::GET && !is_query {
        let error = Error::bad_input("GET may only query; send a mutation by POST.");
        return allow(refuse(StatusCode::METHOD_NOT_ALLOWED, media, vec![error]));
    }
    let checked = match checked {
        Ok(checked) => checked,
        Err(refusal) => return render(media, refusal.response),
    };
    let outcome = graph.execute(checked, caller).await;
    let wants_cost = head.headers.get(COST_HEADER).is_some_and(|value| value == "1");
    render(media, if wants_cost { outcome.with_cost() } else { outcome.response })
}

/// The best media type that the client takes.
fn accepted(headers: &HeaderMap) -> Option<Media> {
    let mut any = false;
    let mut best: Option<(u32, Media)> = None;
    for part in
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','))
    {
        any = true;
        let mut pieces = part.split(';').map(str::trim);
        let media = match pieces.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/graphql-response+json" => Media::Graphql,
            "application/json" | "application/*" | "*/*" => Media::Json,
            _ => continue,
        };
        let quality = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let weight = (quality.unwrap_or(0.0).clamp(0.0, 1.0) * 1_000.0) as u32;
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, media));
        }
    }
    if any { best.map(|(_, media)| media) } else { Some(Media::Json) }
}

fn from_query(query: &str) -> Result<Parameters, Refusal> {
    let mut parameters = Parameters { query: None, operation_name: None, variables: None, _extensions: None };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "query" => parameters.query = Some(value.into_owned()),
            "operationName" => parameters.operation_name = Some(value.into_owned()),
            "variables" if !value.is_empty() => {
                let variables = serde_json::from_str(&value);
                parameters.variables = variables.map_err(|_| bad("`variables` is not a JSON object."))?;
            }
            _ => {}
        }
    }
    Ok(parameters)
}

async fn from_body(headers: &HeaderMap, body: Body, body_max: usize) -> Result<Parameters, Refusal> {
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    if !json || headers.contains_key(header::CONTENT_ENCODING) {
        let message = "Send the body as Content-Type: application/json, in UTF-8 and not compressed.";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Error::bad_input(message)));
    }
    let body = to_bytes(body, body_max).await.map_err(|_| {
        let message = format!("The body is larger than {body_max} bytes, or broke off.");
        (StatusCode::PAYLOAD_TOO_LARGE, Error::own(Code::LimitExceeded, message))
    })?;
    let wanted = "The body is not a GraphQL request in JSON: wanted {\"query\": text, \"variables\": object, \"operationName\": text}.";
    serde_json::from_slice(&body).map_err(|_| bad(wanted))
}

fn is_json(content_type: &str) -> bool {
    let mut pieces = content_type.split(';').map(|piece| piece.trim().to_ascii_lowercase());
    let json = pieces.next().is_some_and(|media| media == "application/json");
    json && pieces.all(|piece| {
        !piece.starts_with("charset=") || piece.trim_start_matches("charset=").trim_matches('"') == "utf-8"
    })
}

fn operation(parameters: Parameters) -> Result<Operation, Refusal> {
    let query = parameters.query.filter(|query| !query.trim().is_empty());
    let query = query.ok_or_else(|| bad("`query` is missing: send the document as text."))?;
    let mut operation = Operation::new(query);
    if let Some(variables) = parameters.variables {
        operation = operation.variables(Variables::from_json(serde_json::Value::Object(variables)));
    }
    if let Some(name) = parameters.operation_name.filter(|name| !name.is_empty()) {
        operation = operation.operation_name(name);
    }
    Ok(operation)
}

/// Renders what an operation brought. Errors without data mean that it did not run.
fn render(media: Media, outcome: Outcome) -> Response {
    let refused = outcome.data == Value::Null && outcome.errors.iter().any(|error| error.path.is_empty());
    if refused {
        let errors: Vec<_> = outcome.errors.iter().map(|error| serde_json::json!(coded(error))).collect();
        let mut body = serde_json::json!({ "errors": errors });
        if !outcome.extensions.is_empty() {
            body["extensions"] = serde_json::json!(outcome.extensions);
        }
        return errors_alone(StatusCode::BAD_REQUEST, media, &body);
    }
    let mut response = GraphQLResponse::from(outcome).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, media.header());
    response
}

/// Gives an error of the library's own (syntax, validation, a limit) the code that a client can rely on.
fn coded(error: &async_graphql::ServerError) -> async_graphql::ServerError {
    let mut error = error.clone();
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", Code::BadInput.as_str());
        extensions.set("retryable", false);
    }
    error
}

/// An answer of errors alone: the operation did not run.
pub(super) fn refuse(status: StatusCode, media: Media, errors: Vec<Error>) -> Response {
    let errors: Vec<_> = errors
        .into_iter()
        .map(|error| serde_json::json!(async_graphql::Error::from(error).into_server_error(Default::default())))
        .map(|mut error| {
            error.as_object_mut().map(|error| error.remove("locations"));
            error
        })
        .collect();
    errors_alone(status, media, &serde_json::json!({ "errors": errors }))
}

fn errors_alone(status: StatusCode, media: Media, body: &serde_json::Value) -> Response {
    // As application/json, a well-formed request that fails validation is still answered with 200, for older clients.
    let status =
        if media == Media::Json && status == StatusCode::BAD_REQUEST { StatusCode::BAD_REQUEST } else { status };
    (status, [(header::CONTENT_TYPE, media.header())], body.to_string()).into_response()
}

fn allow(mut response: Response) -> Response {
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

fn challenge(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("X-WordPress-Token, X-OneAll-User"));
    response
}

fn bad(message: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, Error::bad_input(message))
}

impl Media {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Media::Graphql => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        })
    }
}
