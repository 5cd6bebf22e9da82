//! Handles one request: a control endpoint, a read or a write.
//!
//! The order for reads and writes: log → match faults → delay → respond or change → apply the fault → delay → send.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use hyper::body::Incoming;
use serde_json::json;

use super::faults::apply::{Delivery, apply_fault};
use super::faults::{self, FaultPlan, FaultTarget};
use super::http::{SandboxRequest, SandboxResponse, WriteResult};
use super::provider::Provider;
use super::state::{SandboxData, SandboxState};
use super::write_log::WriteDescription;
use super::{control, oneall, wordpress};

/// Largest body of a write, in bytes. A larger body counts as empty.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A write request of either provider.
enum WriteRequest {
    WordPress(wordpress::write::WriteRequest),
    OneAll(oneall::write::WriteRequest),
}

impl WriteRequest {
    /// The write in a request; `None` for a read.
    fn parse(provider: Provider, request: &SandboxRequest, body: &[u8]) -> Option<Self> {
        match provider {
            Provider::WordPress => wordpress::write::WriteRequest::parse(request, body).map(WriteRequest::WordPress),
            Provider::OneAll => oneall::write::WriteRequest::parse(request, body).map(WriteRequest::OneAll),
        }
    }

    fn description(&self) -> WriteDescription {
        match self {
            WriteRequest::WordPress(write) => write.description(),
            WriteRequest::OneAll(write) => write.description(),
        }
    }

    fn execute(&self, data: &mut SandboxData, request: &SandboxRequest) -> WriteResult {
        match self {
            WriteRequest::WordPress(write) => write.execute(&mut data.wordpress, request),
            WriteRequest::OneAll(write) => write.execute(&mut data.oneall, request),
        }
    }
}

fn respond_to_read(provider: Provider, data: &SandboxData, request: &SandboxRequest) -> SandboxResponse {
    match provider {
        Provider::WordPress => wordpress::respond(&data.wordpress, request),
        Provider::OneAll => oneall::respond(&data.oneall, request),
    }
}

/// The handle of the person whose credential the request carries.
fn identify_person(provider: Provider, data: &SandboxData, request: &SandboxRequest) -> Option<String> {
    match provider {
        Provider::WordPress => wordpress::person(&data.wordpress, request).map(str::to_owned),
        Provider::OneAll => oneall::person(request).map(str::to_owned),
    }
}

/// Responds to one request of a connection.
///
/// # Errors
/// A fault requires that the connection closes without a response.
pub(super) async fn handle(
    request: Request<Incoming>,
    provider: Provider,
    state: &SandboxState,
) -> Result<Response<Body>, ConnectionClosed> {
    let (head, body) = request.into_parts();
    if let Some(path) = head.uri.path().strip_prefix("/__sandbox/") {
        let query = head.uri.query().unwrap_or_default();
        let response = control::respond(state, &head.method, path, query, Body::new(body)).await;
        return Ok(response.into_http());
    }
    let guard = state.in_flight.enter();
    let body = match head.method {
        Method::GET => Bytes::new(),
        _ => to_bytes(Body::new(body), BODY_BYTES_MAX).await.unwrap_or_default(),
    };
    let (delivery, delay) = process(&head, &body, provider, state).await;
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    match delivery {
        Delivery::Send(_, response) => Ok(response.map(|body| guard.until_sent(body))),
        // Ends when the client disconnects or the sandbox is dropped: both drop this future.
        Delivery::Hang => pending().await,
        Delivery::Close => Err(ConnectionClosed),
    }
}

/// Logs a request and executes it unless a fault prevents that. Returns what to send, and the delay before it.
async fn process(head: &Parts, body: &[u8], provider: Provider, state: &SandboxState) -> (Delivery, Option<Duration>) {
    let request = SandboxRequest::new(head);
    let person = identify_person(provider, &state.data(), &request);
    let person = person.as_deref();
    let logged_status = state.request_log().add(provider.name(), &request, person);
    let write = WriteRequest::parse(provider, &request, body);
    let log_key =
        write.as_ref().map(|write| state.write_log().record_delivery(provider.name(), person, write.description()));
    let target = FaultTarget { provider, method: request.method, path: request.path, person };
    let plan = faults::plan(&mut state.faults(), target);
    if let Some(delay) = plan.delay_before {
        tokio::time::sleep(delay).await;
    }
    let result = execute(write.as_ref(), &plan, provider, state, &request);
    let delivery = apply_fault(result.response, plan.effect);
    logged_status.set(delivery.status());
    if let Some(log_key) = log_key {
        state.write_log().record_result(&log_key, result.changed, delivery.status());
    }
    (delivery, plan.delay_after)
}

fn execute(
    write: Option<&WriteRequest>,
    plan: &FaultPlan,
    provider: Provider,
    state: &SandboxState,
    request: &SandboxRequest,
) -> WriteResult {
    match write {
        None => WriteResult { response: respond_to_read(provider, &state.data(), request), changed: false },
        Some(_) if plan.skip_write => WriteResult { response: SandboxResponse::json(200, &json!({})), changed: false },
        Some(write) => write.execute(&mut state.data_mut(), request),
    }
}

/// Makes hyper close the connection without a response.
#[derive(Debug)]
pub(super) struct ConnectionClosed;

impl fmt::Display for ConnectionClosed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the connection is closed by a fault")
    }
}

impl std::error::Error for ConnectionClosed {}
