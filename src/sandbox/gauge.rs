//! How many answers are under way: begun, and neither sent to their end nor given up by the client.
//!
//! It is how a test sees that a client which goes away takes its calls with it: a call that nobody waits for any more
//! leaves no trace in the log, but the answer to it would stay open here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// The number of answers under way.
#[derive(Debug, Default)]
pub(super) struct Gauge(Arc<AtomicUsize>);

/// One answer under way, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Underway(Arc<AtomicUsize>);

impl Gauge {
    /// Counts one more.
    pub(super) fn enter(&self) -> Underway {
        self.0.fetch_add(1, Ordering::SeqCst);
        Underway(Arc::clone(&self.0))
    }

    /// How many there are.
    pub(super) fn read(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Underway {
    /// The body, counted until it is sent or dropped.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Counted { body, _underway: self })
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counted {
    body: Body,
    _underway: Underway,
}

impl HttpBody for Counted {
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
