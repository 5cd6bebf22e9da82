//! What goes on on one connection of many requests, and until when that is borne: for HTTP/2, where a client can hold a
//! connection or an answer by the protocol's own means while the bytes below seem well.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// How long a connection may lie idle between requests.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long an answer may take to be read, from the request on.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Traffic(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When each answer under way was asked for.
    open: BTreeMap<u64, Instant>,
    next: u64,
    /// When an idle connection is closed.
    idle_until: Instant,
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
        match self.open.values().next() {
            Some(oldest) => (*oldest + ANSWER_MAX, Overdue::Unread),
            None => (self.idle_until, Overdue::Idle),
        }
    }
}

impl Traffic {
    /// A connection that just began; its first request has to come within this time.
    pub(super) fn new(first: Duration) -> Arc<Self> {
        let state = State { open: BTreeMap::new(), next: 0, idle_until: Instant::now() + first };
        Arc::new(Self(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down that a request came, until what is returned is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Instant::now());
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
            sleep_until(at.min(Instant::now() + ANSWER_MAX)).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct UnderWay {
    traffic: Arc<Traffic>,
    number: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.traffic.state();
        state.open.remove(&self.number);
        state.idle_until = Instant::now() + IDLE_MAX;
    }
}

/// A body that keeps its request under way until it is sent or dropped.
pub(super) struct Counted<B> {
    inner: B,
    _under_way: Option<UnderWay>,
}

impl<B> Counted<B> {
    /// Ties the two together.
    pub(super) fn new(inner: B, under_way: Option<UnderWay>) -> Self {
        Self { inner, _under_way: under_way }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_any_request_is_closed_early_and_an_idle_one_late() {
        let began = Instant::now();
        let traffic = Traffic::new(5 * SECOND);
        assert_eq!(traffic.overdue().await, Overdue::Idle);
        assert_eq!(began.elapsed().as_secs(), 5);
        let traffic = Traffic::new(5 * SECOND);
        drop(traffic.enter());
        let began = Instant::now();
        assert_eq!(traffic.overdue().await, Overdue::Idle);
        assert_eq!(began.elapsed(), IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_answer_that_is_not_read_closes_the_connection_whatever_comes_beside_it() {
        let traffic = Traffic::new(5 * SECOND);
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
}
