//! Limits what requests hold at once: running operations, pending request bodies, and unread responses.
//!
//! A request passes three limits, one after another:
//!
//! 1. **Pending.** While its caller is authenticated or its body is received, it holds bytes of `bodies_max_bytes`, and
//!    nothing else. Callers and addresses share these bytes (see `shares`), so slow bodies of some never stop others.
//! 2. **Running.** Once the body is there, it takes one of `requests_max` permits until its response is rendered.
//! 3. **Unread.** Its response holds bytes of `unread_answers_max_bytes` until the last byte has left the process.
//!
//! A request over a limit is refused with 503, `OVERLOADED` and `Retry-After`. A mutation that has run is never refused:
//! room for a response with its outcome is reserved before it runs.

mod shares;

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::poll;
use hyper::body::Body;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use self::shares::{Reservation, SharedBytes};
use super::client_ip;
use crate::graph::error::{Error, ErrorCode};
use crate::http::rate_limits::CallerKey;
use crate::http::response::{error_response, timed_out_mutation};
use crate::http::settings::Settings;
use crate::metrics::{LimitMeter, Metrics};

/// The `Retry-After` of a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a pending request counts for in addition to its head and its body, in bytes: its futures and its stream.
const PENDING_BYTES: usize = 4 << 10;

/// The divisor for the share of a caller in the pending bytes. A caller alone gets one eighteenth.
const PENDING_DIVISOR: usize = 16;

/// The divisor for the share of an address in the unread bytes. An address alone gets one tenth.
const UNREAD_DIVISOR: usize = 8;

/// What a response counts for at least, in bytes: its head, and the buffers of a small body.
const ANSWER_BYTES: usize = 16 << 10;

/// What is reserved for the response of a mutation before it runs, in bytes. Its outcome fits into that.
pub(in crate::http) const MUTATION_BYTES: usize = 64 << 10;

/// The limits. Clones share them, and they outlast a reload.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    running: Arc<Semaphore>,
    pending: SharedBytes<CallerKey>,
    unread: SharedBytes<()>,
    running_meter: LimitMeter,
    request_timeout: Duration,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Overload {
    /// The connection is not admitted, and no idle one makes room for it.
    Connections,
    /// `requests_max` requests are running.
    Running,
    /// The caller's share of `bodies_max_bytes` is used up.
    Pending,
    /// The address's share of `unread_answers_max_bytes` is used up.
    Unread,
    /// The request took longer than `request_ms`.
    TimedOut,
}

/// A request that is not ready to run: its caller is being authenticated, or its body is being received.
pub(in crate::http) struct Pending<'a> {
    limit: &'a ConcurrencyLimit,
    address: IpAddr,
    caller: CallerKey,
    bytes: usize,
    reservation: Option<Reservation<CallerKey>>,
}

/// A request that runs.
#[derive(Debug)]
pub(in crate::http) struct Running<'a> {
    /// The reservation of its answer.
    pub(in crate::http) answer: UnreadAnswer,
    _permit: SemaphorePermit<'a>,
}

/// The bytes of a response, reserved until the last clone is dropped.
#[derive(Clone, Debug)]
pub(in crate::http) struct UnreadAnswer(Arc<Reservation<()>>);

/// Whether a mutation of a request has started: from then on, no answer may say that nothing has run.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct MutationStarted(Arc<AtomicBool>);

/// The bytes of a response with their reservation. Slices of them hold both.
struct ReservedBytes {
    bytes: Bytes,
    _answer: UnreadAnswer,
}

impl ConcurrencyLimit {
    /// Creates the limits of these settings, with everything free.
    pub fn new(settings: &Settings, metrics: &Metrics) -> Self {
        let limits = &settings.limits;
        Self {
            running: Arc::new(Semaphore::new(limits.requests_max)),
            pending: SharedBytes::new(limits.bodies_max_bytes, PENDING_DIVISOR, metrics.limit("bodies_max_bytes")),
            unread: SharedBytes::new(
                limits.unread_answers_max_bytes,
                UNREAD_DIVISOR,
                metrics.limit("unread_answers_max_bytes"),
            ),
            running_meter: metrics.limit("requests_max"),
            request_timeout: settings.timeouts.request(),
        }
    }

    /// Begins to count what a request with these headers holds until it can run. `caller` pays for it: where nobody is
    /// authenticated yet, the address does.
    pub(in crate::http) fn pending(&self, address: IpAddr, caller: CallerKey, headers: &HeaderMap) -> Pending<'_> {
        let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        Pending { limit: self, address, caller, bytes: PENDING_BYTES + head, reservation: None }
    }

    /// Takes a permit to run, and the least bytes of an answer.
    ///
    /// # Errors
    /// If all permits are taken, or the address has too many unread answers.
    pub(in crate::http) fn start(&self, address: IpAddr) -> Result<Running<'_>, Overload> {
        let permit = self.running.try_acquire().map_err(|_| {
            self.running_meter.refuse();
            Overload::Running
        })?;
        let answer = self.unread.reserve(address, (), ANSWER_BYTES).ok_or(Overload::Unread)?;
        Ok(Running { answer: UnreadAnswer(Arc::new(answer)), _permit: permit })
    }
}

impl Pending<'_> {
    /// Awaits a future. Bytes are reserved only if it is not ready at once.
    ///
    /// # Errors
    /// If the caller's share does not allow them.
    pub(in crate::http) async fn hold<F: Future>(&mut self, future: F) -> Result<F::Output, Overload> {
        let mut future = pin!(future);
        if let Poll::Ready(output) = poll!(future.as_mut()) {
            return Ok(output);
        }
        self.reserve()?;
        Ok(future.await)
    }

    /// Counts bytes of the body that were received.
    ///
    /// # Errors
    /// If the caller's share does not allow them.
    pub(in crate::http) fn receive(&mut self, bytes: usize) -> Result<(), Overload> {
        self.bytes += bytes;
        match &self.reservation {
            Some(_) => self.reserve(),
            None => Ok(()),
        }
    }

    fn reserve(&mut self) -> Result<(), Overload> {
        let is_reserved = match &self.reservation {
            Some(reservation) => reservation.add(self.bytes.saturating_sub(reservation.bytes())),
            None => {
                self.reservation = self.limit.pending.reserve(self.address, self.caller.clone(), self.bytes);
                self.reservation.is_some()
            }
        };
        if is_reserved { Ok(()) } else { Err(Overload::Pending) }
    }
}

impl UnreadAnswer {
    /// Reserves room for the outcome of a mutation that is about to run.
    ///
    /// # Errors
    /// If the share of the address does not allow it.
    pub(in crate::http) fn expect_mutation(&self) -> Result<(), Overload> {
        if self.0.add(MUTATION_BYTES) { Ok(()) } else { Err(Overload::Unread) }
    }

    /// Reserves room for a body of this length. Returns `false`, and changes nothing, if there is none.
    pub(in crate::http) fn fit(&self, length: usize) -> bool {
        self.0.add(length.saturating_sub(self.0.bytes()))
    }

    /// Frees what a body of this length does not need.
    pub(in crate::http) fn shrink(&self, length: usize) {
        self.0.shrink(length.max(ANSWER_BYTES));
    }

    /// Ties the reservation to bytes of the answer: it lasts until the last slice of them is dropped, wherever that is.
    pub(in crate::http) fn hold(&self, bytes: Bytes) -> Bytes {
        if bytes.is_empty() { bytes } else { Bytes::from_owner(ReservedBytes { bytes, _answer: self.clone() }) }
    }
}

impl AsRef<[u8]> for ReservedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl MutationStarted {
    /// Notes that a mutation starts.
    pub(in crate::http) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Overload {
    /// Returns the error that the client receives.
    pub(in crate::http) fn error(self) -> Error {
        let message = match self {
            Overload::Connections => "Too many connections are busy. Retry after the time in Retry-After.",
            Overload::Running => "The gateway runs as many requests as it can. Retry after the time in Retry-After.",
            Overload::Pending => {
                "Too many request bodies or authentications are pending. Retry after the time in Retry-After."
            }
            Overload::Unread => {
                "Too many responses have not been read yet. Read the responses that you requested, then retry."
            }
            Overload::TimedOut => "The request timed out. Retry after the time in Retry-After.",
        };
        Error { retry_after: Some(RETRY_AFTER), ..Error::new(ErrorCode::Overloaded, message) }
    }

    /// Returns the response that the client receives.
    pub(in crate::http) fn response(self) -> Response {
        let mut response = error_response(StatusCode::SERVICE_UNAVAILABLE, &self.error().at(None));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        response
    }
}

/// Refuses a request while all permits are taken, before its credentials are checked, and ends one that takes too long.
pub(in crate::http) async fn bound(
    State(limit): State<ConcurrencyLimit>,
    mut request: Request,
    next: Next,
) -> Response {
    if limit.running.available_permits() == 0 {
        limit.running_meter.refuse();
        return Overload::Running.response();
    }
    let mutation_started = MutationStarted::default();
    request.extensions_mut().insert(mutation_started.clone());
    let answered = timeout(limit.request_timeout, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        tracing::warn!("a request timed out");
        if mutation_started.is_set() { timed_out_mutation() } else { Overload::TimedOut.response() }
    })
}

/// Runs a request that has no body under the same limits as an operation.
pub(in crate::http) async fn run(State(limit): State<ConcurrencyLimit>, request: Request, next: Next) -> Response {
    let running = match limit.start(client_ip::limit_key(request.extensions())) {
        Ok(running) => running,
        Err(overload) => return overload.response(),
    };
    let mut response = next.run(request).await;
    let length = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    if !running.answer.fit(length) {
        response = Overload::Unread.response();
    }
    response.extensions_mut().insert(running.answer);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::{pending, ready};
    use std::net::Ipv4Addr;

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn load(change: impl FnOnce(&mut Settings)) -> ConcurrencyLimit {
        let mut settings = Settings::default();
        change(&mut settings);
        ConcurrencyLimit::new(&settings, &Metrics::default())
    }

    fn pending_of(load: &ConcurrencyLimit) -> Pending<'_> {
        load.pending(ADDRESS, CallerKey::Address(ADDRESS), &HeaderMap::new())
    }

    #[tokio::test]
    async fn what_is_ready_at_once_reserves_nothing_and_what_waits_is_bounded() {
        let load = load(|settings| settings.limits.bodies_max_bytes = 18 * PENDING_BYTES);
        let mut first = pending_of(&load);
        let waiting = async { first.hold(pending::<()>()).await };
        let mut waiting = pin!(waiting);
        assert!(poll!(waiting.as_mut()).is_pending());
        assert_eq!(pending_of(&load).hold(ready(1)).await, Ok(1));
        assert_eq!(pending_of(&load).hold(pending::<()>()).await, Err(Overload::Pending));
    }

    #[tokio::test]
    async fn received_bytes_count() {
        let load = load(|settings| settings.limits.bodies_max_bytes = 18 * 2 * PENDING_BYTES);
        let mut one = pending_of(&load);
        let waiting = one.hold(tokio::task::yield_now()).await;
        assert_eq!(waiting, Ok(()));
        assert_eq!(one.receive(PENDING_BYTES), Ok(()));
        assert_eq!(one.receive(1), Err(Overload::Pending));
    }

    #[test]
    fn an_answer_keeps_its_bytes_until_its_last_slice_is_gone() {
        let load = load(|settings| settings.limits.unread_answers_max_bytes = 20 << 20);
        let running = load.start(ADDRESS).unwrap();
        assert!(running.answer.fit(2 << 20) && !running.answer.fit(3 << 20));
        let mut slice = running.answer.hold(Bytes::from(vec![7; 2 << 20]));
        let last = slice.split_off((2 << 20) - 1);
        drop((running, slice));
        assert_eq!(load.start(ADDRESS).unwrap_err(), Overload::Unread);
        drop(last);
        assert!(load.start(ADDRESS).is_ok());
    }

    #[test]
    fn room_for_the_outcome_is_reserved_before_a_mutation_runs() {
        let load = load(|settings| settings.limits.unread_answers_max_bytes = 10 * (2 * ANSWER_BYTES + MUTATION_BYTES));
        let first = load.start(ADDRESS).unwrap();
        assert_eq!(first.answer.expect_mutation(), Ok(()));
        let second = load.start(ADDRESS).unwrap();
        assert_eq!(second.answer.expect_mutation(), Err(Overload::Unread));
        assert!(first.answer.fit(MUTATION_BYTES) && !second.answer.fit(MUTATION_BYTES));
    }
}
