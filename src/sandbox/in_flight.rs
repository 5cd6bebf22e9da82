//! Counts the responses in progress: started, and neither fully sent nor abandoned by the client.
//!
//! It shows a test that a client which disconnects cancels its upstream calls. The request log cannot show that: a call
//! that nothing waits for leaves no trace there, but its response would remain in progress here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// The number of responses in progress.
#[derive(Debug, Default)]
pub(super) struct InFlight(Arc<AtomicUsize>);

/// One response in progress, counted until this is dropped.
#[derive(Debug)]
pub(super) struct InFlightGuard(Arc<AtomicUsize>);

impl InFlight {
    /// Counts one more response.
    pub(super) fn enter(&self) -> InFlightGuard {
        self.0.fetch_add(1, Ordering::SeqCst);
        InFlightGuard(Arc::clone(&self.0))
    }

    /// The current number.
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl InFlightGuard {
    /// The body, counted until it is sent or dropped.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(CountedBody { body, _guard: self })
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct CountedBody {
    body: Body,
    _guard: InFlightGuard,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
