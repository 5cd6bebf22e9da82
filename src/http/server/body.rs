//! A request's body: one deadline for the whole of it, however its parts drip in, and what becomes of the part that no
//! handler reads.
//!
//! A request is often refused before its body is read. In HTTP/1.1 the next request on the connection comes after that
//! body, so the body must be drained before the connection is used again (RFC 9112, section 9.3). It is drained within
//! bounds of size and time before the response is sent. If that fails, the response must say `Connection: close`.
//!
//! In HTTP/2 the body is discarded while the response is sent, within the bounds of a connection that lingers; after them the
//! stream is reset with NO_ERROR. A reset at once would be allowed (RFC 9113, section 8.1), but with it some clients lose
//! the response or stop using the connection.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, header};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::{Sleep, sleep, timeout};

use super::lingering;

/// The largest rest of a body that is drained, in bytes. A client with more to send is better off with a new connection.
const DRAIN_BYTES_MAX: usize = 256 << 10;

/// How long draining may delay a response.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

/// The error that a handler gets instead of the rest of the body.
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
    /// Taken when this is dropped.
    inner: Option<Incoming>,
    /// None if there is nothing to wait for.
    end: Option<Pin<Box<Sleep>>>,
    progress: Progress,
    /// Receives the unread rest when this is dropped.
    rest: Option<oneshot::Sender<Unread>>,
}

/// How far a body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No handler has asked for it.
    Untouched,
    /// A part of it has been asked for.
    Begun,
    /// It was read to its end.
    Ended,
    /// It broke off, or took too long.
    Failed,
}

/// The rest of a body that no handler read.
struct Unread {
    body: Incoming,
    progress: Progress,
}

/// Receives the unread rest of one request's body.
pub(super) struct Rest {
    unread: oneshot::Receiver<Unread>,
    /// The client may wait for `100 Continue` before it sends the body.
    expects_continue: bool,
}

impl Timed {
    /// Gives the whole body this long from now.
    pub(super) fn new(inner: Incoming, wait: Duration) -> Self {
        let end = (!inner.is_end_stream()).then(|| Box::pin(sleep(wait)));
        Self { inner: Some(inner), end, progress: Progress::Untouched, rest: None }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(inner).poll_frame(context);
        if let Poll::Ready(frame) = frame {
            self.progress = match &frame {
                None => Progress::Ended,
                Some(Ok(_)) => Progress::Begun,
                Some(Err(_)) => Progress::Failed,
            };
            return Poll::Ready(frame.map(|frame| frame.map_err(Failure::from)));
        }
        self.progress = Progress::Begun;
        let is_late = self.end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready());
        if is_late {
            self.progress = Progress::Failed;
            return Poll::Ready(Some(Err(TooSlow.into())));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let is_read = self.progress == Progress::Ended || self.is_end_stream();
        if let (false, Some(rest), Some(body)) = (is_read, self.rest.take(), self.inner.take()) {
            // Without a receiver nobody uses the connection again.
            let _ = rest.send(Unread { body, progress: self.progress });
        }
    }
}

impl Rest {
    /// Lets the unread rest of this request's body arrive here once the handler drops it. None if there is no body.
    pub(super) fn of(request: &mut Request<Timed>) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let (sender, unread) = oneshot::channel();
        request.body_mut().rest = Some(sender);
        Some(Self { unread, expects_continue: request.headers().contains_key(header::EXPECT) })
    }

    /// Reads what is left of the body and discards it, after the handler has decided on the response. Returns whether the
    /// body is at its end: only then the connection can carry another request.
    pub(super) async fn drain(mut self) -> bool {
        let unread = match self.unread.try_recv() {
            Ok(unread) => unread,
            Err(TryRecvError::Closed) => return true,
            // The handler has left the body to somebody else.
            Err(TryRecvError::Empty) => return false,
        };
        let Unread { body, progress } = unread;
        // To read from it would ask the client for the body.
        let is_withheld = self.expects_continue && progress == Progress::Untouched;
        let is_too_large = body.size_hint().lower() > DRAIN_BYTES_MAX as u64;
        if progress == Progress::Failed || is_withheld || is_too_large {
            return false;
        }
        timeout(DRAIN_TIME_MAX, discard(body, DRAIN_BYTES_MAX)).await.unwrap_or(false)
    }

    /// Reads what is left of the body of an HTTP/2 request and discards it, while the response is sent.
    pub(super) fn drain_beside_response(mut self) {
        if let Ok(Unread { body, progress }) = self.unread.try_recv()
            && progress != Progress::Failed
        {
            // There are no more of these tasks than open streams, and each ends with its stream.
            tokio::spawn(timeout(lingering::TIME_MAX, discard(body, lingering::BYTES_MAX)));
        }
    }
}

/// Reads a body to its end. Returns whether it has one within the allowed bytes.
async fn discard(mut body: Incoming, mut allowed: usize) -> bool {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let length = frame.map(|frame| frame.data_ref().map_or(0, Bytes::len));
        match length.ok().and_then(|length| allowed.checked_sub(length)) {
            Some(left) => allowed = left,
            None => return false,
        }
    }
    true
}
