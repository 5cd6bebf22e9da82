//! What goes on on one connection of many requests, and until when that is borne: for HTTP/2, where a client can hold a
//! connection or an answer by the protocol's own means while the bytes below seem well.
//!
//! What was handed to the protocol is out of sight. So an answer goes out in pieces, of which the last is one byte: the
//! protocol takes the next piece only when the client has room for all before it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::admission::Work;
use crate::http::load::UnreadAnswer;

/// How long a connection may lie idle between requests.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long an answer may take to be read, from the request on.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The largest piece of an answer, in bytes: a frame.
const PIECE_BYTES: usize = 16 << 10;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Traffic {
    state: Mutex<State>,
    /// How long a client may take nothing of an answer.
    patience: Duration,
}

#[derive(Debug)]
struct State {
    /// Until when each request under way is borne with.
    open: BTreeMap<u64, Until>,
    next: u64,
    /// When an idle connection is closed.
    idle_until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Until {
    /// The whole of it.
    end: Instant,
    /// The next piece of its answer, if there is one.
    piece: Option<Instant>,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing is under way.
    Idle,
    /// An answer is not read.
    Unread,
}

impl State {
    /// When there is a reason to close the connection, and which, as things stand.
    fn due(&self) -> (Instant, Overdue) {
        let first = self.open.values().map(|until| until.piece.unwrap_or(until.end).min(until.end)).min();
        first.map_or((self.idle_until, Overdue::Idle), |first| (first, Overdue::Unread))
    }
}

impl Traffic {
    /// A connection that just began; its first request has to come within this time, and a client may take nothing of an
    /// answer for as long as the patience.
    pub(super) fn new(first: Duration, patience: Duration) -> Arc<Self> {
        let state = State { open: BTreeMap::new(), next: 0, idle_until: Instant::now() + first };
        Arc::new(Self { state: Mutex::new(state), patience })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down that a request came, until what is returned is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Until { end: Instant::now() + ANSWER_MAX, piece: None });
        UnderWay { traffic: Arc::clone(self), number }
    }

    /// Ends when the connection is to be closed.
    pub(super) async fn overdue(&self) -> Overdue {
        loop {
            let (at, reason) = self.state().due();
            if at <= Instant::now() {
                return reason;
            }
            // Never longer than a new request could be overdue.
            sleep_until(at.min(Instant::now() + self.patience.min(ANSWER_MAX))).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct UnderWay {
    traffic: Arc<Traffic>,
    number: u64,
}

impl UnderWay {
    /// A piece of the answer waits for the client from now on.
    fn wait(&self) {
        let next = Instant::now() + self.traffic.patience;
        if let Some(until) = self.traffic.state().open.get_mut(&self.number) {
            until.piece = Some(next);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.traffic.state();
        state.open.remove(&self.number);
        state.idle_until = Instant::now() + IDLE_MAX;
    }
}

/// A body in pieces that keeps its request under way, and its bytes reserved, until it is sent or dropped.
pub(super) struct Counted<B> {
    inner: B,
    /// What the inner one gave and is not passed on.
    rest: Bytes,
    /// None for a connection of one request at a time.
    under_way: Option<UnderWay>,
    unread: Option<UnreadAnswer>,
    /// Keeps the connection from being idle.
    _work: Option<Work>,
}

impl<B: Body<Data = Bytes>> Counted<B> {
    /// Ties them together.
    pub(super) fn new(inner: B, under_way: Option<UnderWay>, unread: Option<UnreadAnswer>) -> Self {
        Self { inner, rest: Bytes::new(), under_way, unread, _work: None }
    }

    /// Counts the answer among the work of its connection.
    pub(super) fn counted_as(self, work: Work) -> Self {
        Self { _work: Some(work), ..self }
    }

    /// The next piece of what is there.
    fn piece(&mut self) -> Bytes {
        let is_all = self.under_way.is_some() && self.inner.is_end_stream();
        let length = match self.rest.len() {
            length @ 2..=PIECE_BYTES if is_all => length - 1,
            length => length.min(PIECE_BYTES),
        };
        self.rest.split_to(length)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)).map(|frame| frame.map(Frame::into_data)) {
                // What hyper and h2 buffer are slices of these bytes, so it stays counted until it is written.
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
        self.under_way.iter().for_each(UnderWay::wait);
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
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
    async fn a_connection_without_any_request_is_closed_early_and_an_idle_one_late() {
        let began = Instant::now();
        let traffic = Traffic::new(5 * SECOND, 10 * SECOND);
        assert_eq!(traffic.overdue().await, Overdue::Idle);
        assert_eq!(began.elapsed().as_secs(), 5);
        let traffic = Traffic::new(5 * SECOND, 10 * SECOND);
        drop(traffic.enter());
        let began = Instant::now();
        assert_eq!(traffic.overdue().await, Overdue::Idle);
        assert_eq!(began.elapsed(), IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_answer_that_is_not_read_closes_the_connection_whatever_comes_beside_it() {
        let traffic = Traffic::new(5 * SECOND, 10 * SECOND);
        let began = Instant::now();
        let held = traffic.enter();
        let busy = async {
            loop {
                drop(traffic.enter());
                sleep(SECOND).await;
            }
        };
        tokio::select! {
            reason = traffic.overdue() => assert_eq!(reason, Overdue::Unread),
            () = busy => {}
        }
        assert_eq!(began.elapsed(), ANSWER_MAX);
        drop(held);
        assert_eq!(traffic.state().due().1, Overdue::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_which_nothing_is_taken_closes_the_connection_sooner_than_one_that_is_being_made() {
        let traffic = Traffic::new(5 * SECOND, 10 * SECOND);
        let (began, made) = (Instant::now(), traffic.enter());
        let answer = async {
            sleep(7 * SECOND).await;
            let mut body = Counted::new(axum::body::Body::from(vec![0; 3 * PIECE_BYTES]), Some(traffic.enter()), None);
            for _ in 0..2 {
                assert!(poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.is_some());
                sleep(7 * SECOND).await;
            }
            body
        };
        let body = tokio::select! {
            _ = traffic.overdue() => None,
            body = answer => Some(body),
        };
        assert_eq!((traffic.overdue().await, began.elapsed()), (Overdue::Unread, 24 * SECOND));
        drop((body, made));
    }

    #[tokio::test]
    async fn an_answer_goes_out_in_pieces_of_which_the_last_is_one_byte() {
        let lengths = async |length: usize, under_way| {
            let mut body = Counted::new(axum::body::Body::from(vec![7; length]), under_way, None);
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
        let traffic = Traffic::new(SECOND, SECOND);
        assert_eq!(lengths(0, Some(traffic.enter())).await, [0; 0]);
        assert_eq!(lengths(1, Some(traffic.enter())).await, [1]);
        assert_eq!(lengths(100, Some(traffic.enter())).await, [99, 1]);
        assert_eq!(lengths(PIECE_BYTES + 1, Some(traffic.enter())).await, [PIECE_BYTES, 1]);
        assert_eq!(lengths(2 * PIECE_BYTES, Some(traffic.enter())).await, [PIECE_BYTES, PIECE_BYTES - 1, 1]);
        assert_eq!(lengths(PIECE_BYTES + 9, None).await, [PIECE_BYTES, 9], "by HTTP/1.1 there is no need");
    }
}
