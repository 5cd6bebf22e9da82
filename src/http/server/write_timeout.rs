//! A stream that gives up on a client that does not read its response.
//!
//! A client has a budget of waiting time. Waiting uses it up, and each byte that the client reads refills it, up to the
//! full budget. A client that reads nothing is closed after the full budget, one that reads more slowly than [`RATE`] some
//! time later, and one that reads at the speed of a network never. Time without a pending write costs nothing.
//!
//! The stream is below TLS, so it counts the bytes on the wire.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::{Handle, Work};

/// The rate at which a client must read in the long run, in bytes per second.
const RATE: u32 = 16 << 10;

/// The time that a client may still be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WaitBudget {
    full: Duration,
    left: Duration,
}

impl WaitBudget {
    fn new(full: Duration) -> Self {
        Self { full, left: full }
    }

    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    fn refill(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = self.full.min(self.left + Duration::from_secs(1) * bytes / RATE);
    }
}

/// A stream that gives up on a client that does not read.
pub(super) struct WriteTimeout<T> {
    inner: T,
    budget: WaitBudget,
    /// A write that waits for the client.
    waiting: Option<Waiting>,
    /// The connection, which is not idle while a write waits.
    connection: Option<Handle>,
}

/// A write that waits for the client.
struct Waiting {
    since: Instant,
    /// Ends when the budget is used up.
    end: Pin<Box<Sleep>>,
    _work: Option<Work>,
}

impl<T> WriteTimeout<T> {
    /// Waits for this long for a client that reads nothing.
    pub(super) fn new(inner: T, wait_max: Duration) -> Self {
        Self { inner, budget: WaitBudget::new(wait_max), waiting: None, connection: None }
    }

    /// Counts a write that waits as work of this connection.
    pub(super) fn counted_by(self, connection: Handle) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// Accounts for the result of a write, and replaces a pending one by an error once the budget is used up.
    fn account(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            if let Some(waiting) = self.waiting.take() {
                self.budget.spend(waiting.since.elapsed());
            }
            self.budget.refill(*result.as_ref().unwrap_or(&0));
            return Poll::Ready(result);
        }
        let Self { budget, waiting, connection, .. } = self;
        let waiting = waiting.get_or_insert_with(|| {
            let since = Instant::now();
            let end = Box::pin(sleep_until(since + budget.left));
            Waiting { since, end, _work: connection.as_ref().map(Handle::work) }
        });
        ready!(waiting.end.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteTimeout<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, out)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.account(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.account(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::sleep;

    use super::*;

    const WAIT_MAX: Duration = Duration::from_secs(10);

    /// Writes `bytes` to a client that reads `step` bytes per second. Returns the seconds and whether the client got all.
    async fn write_to(step: usize, bytes: usize) -> (u64, bool) {
        let (server, mut client) = duplex(64 << 10);
        let mut server = WriteTimeout::new(server, WAIT_MAX);
        let reading = tokio::spawn(async move {
            let mut taken = vec![0; step.max(1)];
            while step > 0 && client.read(&mut taken).await.is_ok_and(|count| count > 0) {
                sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        });
        let began = Instant::now();
        let ended = server.write_all(&vec![0; bytes]).await;
        reading.abort();
        (began.elapsed().as_secs(), ended.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_times_out() {
        assert_eq!(write_to(0, 1 << 20).await, (10, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_too_slowly_times_out_later() {
        let (took, whole) = write_to(100, 1 << 20).await;
        assert!((10..=12).contains(&took) && !whole, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_and_steadily_gets_the_whole_response() {
        let (took, whole) = write_to(8 << 10, 128 << 10).await;
        assert!(whole, "{took}");
        let (took, whole) = write_to(32 << 10, 4 << 20).await;
        assert!(whole && took > 60, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_a_pending_write_costs_nothing() {
        let (server, mut client) = duplex(8 << 10);
        let mut server = WriteTimeout::new(server, WAIT_MAX);
        for _ in 0..20 {
            server.write_all(&[0; 4 << 10]).await.unwrap();
            client.read_exact(&mut [0; 4 << 10]).await.unwrap();
            sleep(Duration::from_secs(60)).await;
        }
    }
}
