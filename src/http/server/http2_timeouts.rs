//! The timeouts of an HTTP/2 connection: without a request, and for a response that is not read.
//!
//! A client can hold a connection or a response by means of the protocol, such as flow control, while the socket below
//! makes progress. So [`write_timeout`](super::write_timeout) alone is not enough.
//!
//! What was handed to the h2 library cannot be observed. So a response is handed over in pieces, of which the last is one
//! byte: the library takes the next piece only when the client has room for all pieces before it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::admission::Work;
use crate::http::middleware::concurrency_limit::UnreadAnswer;

/// How long a connection may be idle between requests.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long a request may take until its response is read.
const REQUEST_MAX: Duration = Duration::from_secs(60);

/// The largest piece of a response, in bytes: one frame.
const PIECE_BYTES: usize = 16 << 10;

/// The timeouts of one connection.
#[derive(Debug)]
pub(super) struct Http2Timeouts {
    state: Mutex<State>,
    /// How long a client may read nothing of a response.
    write: Duration,
}

#[derive(Debug)]
struct State {
    /// The deadlines of each request in flight.
    in_flight: BTreeMap<u64, Deadlines>,
    next_id: u64,
    /// When an idle connection is closed.
    idle_until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// Of the whole request.
    request: Instant,
    /// Of the next piece of its response, if one waits.
    piece: Option<Instant>,
}

/// Why a connection timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeoutReason {
    /// No request is in flight.
    Idle,
    /// A response is not read.
    Unread,
}

impl State {
    /// Returns when the connection times out, and why, if nothing changes.
    fn next_timeout(&self) -> (Instant, TimeoutReason) {
        let deadlines = self.in_flight.values();
        let first =
            deadlines.map(|deadlines| deadlines.piece.unwrap_or(deadlines.request).min(deadlines.request)).min();
        first.map_or((self.idle_until, TimeoutReason::Idle), |first| (first, TimeoutReason::Unread))
    }
}

impl Http2Timeouts {
    /// Starts the timeouts of a new connection: `first` until the first request, and `write` while the client reads nothing of
    /// a response.
    pub(super) fn new(first: Duration, write: Duration) -> Arc<Self> {
        let state = State { in_flight: BTreeMap::new(), next_id: 0, idle_until: Instant::now() + first };
        Arc::new(Self { state: Mutex::new(state), write })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the timeouts of a request, which is in flight until the result is dropped.
    pub(super) fn start_request(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        let id = state.next_id;
        state.next_id += 1;
        state.in_flight.insert(id, Deadlines { request: Instant::now() + REQUEST_MAX, piece: None });
        InFlight { timeouts: Arc::clone(self), id }
    }

    /// Waits until the connection times out.
    pub(super) async fn timed_out(&self) -> TimeoutReason {
        loop {
            let (at, reason) = self.state().next_timeout();
            if at <= Instant::now() {
                return reason;
            }
            // Never longer than a new request may take.
            sleep_until(at.min(Instant::now() + self.write.min(REQUEST_MAX))).await;
        }
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight {
    timeouts: Arc<Http2Timeouts>,
    id: u64,
}

impl InFlight {
    /// Starts the timeout of a piece of the response.
    fn start_piece(&self) {
        let deadline = Instant::now() + self.timeouts.write;
        if let Some(deadlines) = self.timeouts.state().in_flight.get_mut(&self.id) {
            deadlines.piece = Some(deadline);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.timeouts.state();
        state.in_flight.remove(&self.id);
        state.idle_until = Instant::now() + IDLE_MAX;
    }
}

/// A response body in pieces. Its request is in flight, and its bytes are reserved, until it is sent or dropped.
pub(super) struct TrackedBody<B> {
    inner: B,
    /// What was read from `inner` and is not passed on yet.
    rest: Bytes,
    /// None for HTTP/1.1.
    in_flight: Option<InFlight>,
    unread: Option<UnreadAnswer>,
    /// Keeps the connection from being idle.
    _work: Option<Work>,
}

impl<B: Body<Data = Bytes>> TrackedBody<B> {
    /// Creates a body that is sent in pieces if `in_flight` is set.
    pub(super) fn new(inner: B, in_flight: Option<InFlight>, unread: Option<UnreadAnswer>) -> Self {
        Self { inner, rest: Bytes::new(), in_flight, unread, _work: None }
    }

    /// Counts the response as work of its connection.
    pub(super) fn counted_as(self, work: Work) -> Self {
        Self { _work: Some(work), ..self }
    }

    /// Returns the next piece.
    fn piece(&mut self) -> Bytes {
        let is_last = self.in_flight.is_some() && self.inner.is_end_stream();
        let length = match self.rest.len() {
            length @ 2..=PIECE_BYTES if is_last => length - 1,
            length => length.min(PIECE_BYTES),
        };
        self.rest.split_to(length)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for TrackedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)).map(|frame| frame.map(Frame::into_data)) {
                // hyper and h2 buffer slices of these bytes, so they stay reserved until they are written.
                Some(Ok(Ok(data))) => {
                    self.rest = match &self.unread {
                        Some(unread) => unread.hold(data),
                        None => data,
                    };
                }
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.in_flight.iter().for_each(InFlight::start_piece);
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.size_hint();
        let rest = self.rest.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_times_out_before_an_idle_one() {
        let began = Instant::now();
        let timeouts = Http2Timeouts::new(5 * SECOND, 10 * SECOND);
        assert_eq!(timeouts.timed_out().await, TimeoutReason::Idle);
        assert_eq!(began.elapsed().as_secs(), 5);
        let timeouts = Http2Timeouts::new(5 * SECOND, 10 * SECOND);
        drop(timeouts.start_request());
        let began = Instant::now();
        assert_eq!(timeouts.timed_out().await, TimeoutReason::Idle);
        assert_eq!(began.elapsed(), IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_unread_response_times_out_despite_other_requests() {
        let timeouts = Http2Timeouts::new(5 * SECOND, 10 * SECOND);
        let began = Instant::now();
        let held = timeouts.start_request();
        let busy = async {
            loop {
                drop(timeouts.start_request());
                sleep(SECOND).await;
            }
        };
        tokio::select! {
            reason = timeouts.timed_out() => assert_eq!(reason, TimeoutReason::Unread),
            () = busy => {}
        }
        assert_eq!(began.elapsed(), REQUEST_MAX);
        drop(held);
        assert_eq!(timeouts.state().next_timeout().1, TimeoutReason::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_piece_times_out_before_a_request_in_progress() {
        let timeouts = Http2Timeouts::new(5 * SECOND, 10 * SECOND);
        let began = Instant::now();
        let in_progress = timeouts.start_request();
        let answer = async {
            sleep(7 * SECOND).await;
            let mut body = TrackedBody::new(
                axum::body::Body::from(vec![0; 3 * PIECE_BYTES]),
                Some(timeouts.start_request()),
                None,
            );
            for _ in 0..2 {
                assert!(poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.is_some());
                sleep(7 * SECOND).await;
            }
            body
        };
        let body = tokio::select! {
            _ = timeouts.timed_out() => None,
            body = answer => Some(body),
        };
        assert_eq!((timeouts.timed_out().await, began.elapsed()), (TimeoutReason::Unread, 24 * SECOND));
        drop((body, in_progress));
    }

    #[tokio::test]
    async fn a_response_is_sent_in_pieces_of_which_the_last_is_one_byte() {
        let lengths = async |length: usize, in_flight| {
            let mut body = TrackedBody::new(axum::body::Body::from(vec![7; length]), in_flight, None);
            let (mut lengths, mut left) = (Vec::new(), length);
            while !body.is_end_stream() {
                assert_eq!(body.size_hint().exact(), Some(left as u64));
                let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                let data = frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok());
                lengths.extend(data.map(|data| data.len()));
                left = length - lengths.iter().sum::<usize>();
            }
            lengths
        };
        let timeouts = Http2Timeouts::new(SECOND, SECOND);
        assert_eq!(lengths(0, Some(timeouts.start_request())).await, [0; 0]);
        assert_eq!(lengths(1, Some(timeouts.start_request())).await, [1]);
        assert_eq!(lengths(100, Some(timeouts.start_request())).await, [99, 1]);
        assert_eq!(lengths(PIECE_BYTES + 1, Some(timeouts.start_request())).await, [PIECE_BYTES, 1]);
        assert_eq!(lengths(2 * PIECE_BYTES, Some(timeouts.start_request())).await, [PIECE_BYTES, PIECE_BYTES - 1, 1]);
        assert_eq!(lengths(PIECE_BYTES + 9, None).await, [PIECE_BYTES, 9], "HTTP/1.1 does not need it");
    }
}
