//! How many requests are answered at once, and how long one may take. What is too much is refused at once and cheaply:
//! before its body is read and its caller is known.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Settings, refuse};
use crate::graph::error::{Code, Error};

/// After how long it is worth asking again.
const AGAIN: Duration = Duration::from_secs(1);

/// The places of requests that are being answered; they outlast the routes.
#[derive(Clone, Debug)]
pub struct Load {
    places: Arc<Semaphore>,
    longest: Duration,
}

impl Load {
    /// As many places as the settings say, all free.
    pub fn new(settings: &Settings) -> Self {
        let places = Arc::new(Semaphore::new(settings.limits.requests_max));
        Self { places, longest: settings.timeouts.request() }
    }
}

/// Answers a request if there is a place for it, and as long as it keeps its time.
pub(super) async fn bound(State(load): State<Load>, request: Request, next: Next) -> Response {
    let Ok(_place) = load.places.try_acquire() else {
        return overloaded("The gateway is answering as many requests as it can; ask again in a moment.");
    };
    match timeout(load.longest, next.run(request)).await {
        Ok(response) => response,
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
