//! How many requests are answered at once, how long one may take, and how many answers wait to be read. What is too much
//! is refused at once and cheaply: before its body is read and its caller is known.
//!
//! An answer that is not read is not counted among the requests, or a few clients that do not read would stop all others;
//! and each address has no more than a part of what may be unread, or it would stop the other addresses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::server::{Guest, Guests};
use super::{Settings, graphql, refuse};
use crate::graph::error::{Code, Error};

/// After how long it is worth asking again.
const AGAIN: Duration = Duration::from_secs(1);

/// For how many addresses there is room that read none of their answers.
const ADDRESSES: usize = 4;

/// The places of requests that are being answered, and of answers that are not sent; they outlast the routes.
#[derive(Clone, Debug)]
pub struct Load {
    places: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    /// Who holds the places of answers: one address as many as there are requests.
    holders: Guests,
    longest: Duration,
}

/// The place of an answer, until it is sent or given up.
#[derive(Clone, Debug)]
pub(super) struct Unsent {
    _held: Arc<(Guest, OwnedSemaphorePermit)>,
}

impl Load {
    /// As many places as the settings say, all free.
    pub fn new(settings: &Settings) -> Self {
        let max = settings.limits.requests_max;
        let places = |count| Arc::new(Semaphore::new(count));
        let (answers, holders) = (places(max * ADDRESSES), Guests::new(max));
        Self { places: places(max), answers, holders, longest: settings.timeouts.request() }
    }

    /// A place for an answer to whoever asks this, if there is one.
    fn place(&self, request: &Request) -> Option<Unsent> {
        let holder = self.holders.enter(graphql::address(request.extensions()))?;
        let place = self.answers.clone().try_acquire_owned().ok()?;
        Some(Unsent { _held: Arc::new((holder, place)) })
    }
}

/// Refuses a request of more headers than are taken.
pub(super) async fn count_headers(State(max): State<usize>, request: Request, next: Next) -> Response {
    let has = request.headers().len();
    if has <= max {
        return next.run(request).await;
    }
    let message = format!("The request has {has} headers; at most {max} are taken.");
    let error = Error::own(Code::LimitExceeded, message);
    refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, vec![error.at(None)])
}

/// Answers a request if there is a place for it, and as long as it keeps its time.
pub(super) async fn bound(State(load): State<Load>, request: Request, next: Next) -> Response {
    let Ok(_place) = load.places.try_acquire() else {
        return overloaded("The gateway is answering as many requests as it can; ask again in a moment.");
    };
    let Some(unsent) = load.place(&request) else {
        return overloaded("Too many answers of the gateway wait to be read; read them, or ask again in a moment.");
    };
    match timeout(load.longest, next.run(request)).await {
        Ok(mut response) => {
            response.extensions_mut().insert(unsent);
            response
        }
        Err(_) => {
            tracing::warn!("a request took too long and was given up");
            overloaded("The gateway could not answer in time; ask again in a moment.")
        }
    }
}

fn overloaded(message: &str) -> Response {
    let error = Error { retry_after: Some(AGAIN), ..Error::own(Code::Overloaded, message) };
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, vec![error.at(None)]);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN.as_secs()));
    response
}
