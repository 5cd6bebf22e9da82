//! A request's body, with an end to the wait for it: one deadline for the whole, however its parts drip in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// What a handler is told instead of the rest of the body.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The body did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the body did not come in time")
    }
}

impl std::error::Error for TooSlow {}

/// A body that has to be there by a moment.
pub(super) struct Timed {
    inner: Incoming,
    /// None if there is nothing to wait for.
    end: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// Gives the whole body this long from now.
    pub(super) fn new(inner: Incoming, wait: Duration) -> Self {
        let end = (!inner.is_end_stream()).then(|| Box::pin(sleep(wait)));
        Self { inner, end }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(frame) = frame {
            return Poll::Ready(frame.map(|frame| frame.map_err(Failure::from)));
        }
        let is_late = self.end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready());
        if is_late { Poll::Ready(Some(Err(TooSlow.into()))) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
