//! A connection's bytes, with an end to the patience for a client that does not read what it asked for.
//!
//! A client has a stock of patience. Waiting for it uses the stock up, every byte that it takes gives some back, and
//! what a whole stock was is never exceeded: a client that reads nothing is gone after that time, one that drips along
//! more slowly than `RATE` some time later, and one that reads as networks do never. Time in which nothing is waiting to
//! be written costs nothing. It stands below TLS, where bytes are those of the wire.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::{Handle, Work};

/// The least that a client has to read in the long run, in bytes a second.
const RATE: u32 = 16 << 10;

/// How much longer a client may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stock {
    whole: Duration,
    left: Duration,
}

impl Stock {
    fn new(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    fn wait(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    fn earn(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = self.whole.min(self.left + Duration::from_secs(1) * bytes / RATE);
    }
}

/// A stream that gives up on a client that does not read.
pub(super) struct Patient<T> {
    inner: T,
    stock: Stock,
    /// A write that the client does not take yet.
    waiting: Option<Waiting>,
    /// The connection, which is not idle while a write waits.
    connection: Option<Handle>,
}

/// A write that waits for the client.
struct Waiting {
    since: Instant,
    /// The end of the patience for it.
    end: Pin<Box<Sleep>>,
    _work: Option<Work>,
}

impl<T> Patient<T> {
    /// Waits for a client that reads nothing as long as this.
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self { inner, stock: Stock::new(patience), waiting: None, connection: None }
    }

    /// Counts a write that waits among the work of this connection.
    pub(super) fn counted_by(self, connection: Handle) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// Takes down how a write went; the end of the patience takes the place of waiting on.
    fn judge(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            if let Some(waiting) = self.waiting.take() {
                self.stock.wait(waiting.since.elapsed());
            }
            self.stock.earn(*result.as_ref().unwrap_or(&0));
            return Poll::Ready(result);
        }
        let Self { stock, waiting, connection, .. } = self;
        let waiting = waiting.get_or_insert_with(|| {
            let since = Instant::now();
            let end = Box::pin(sleep_until(since + stock.left));
            Waiting { since, end, _work: connection.as_ref().map(Handle::work) }
        });
        ready!(waiting.end.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, out)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.judge(context, written)
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

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Writes this much to a client that reads `step` bytes a second; the seconds it took, and how it ended.
    async fn write_to(step: usize, bytes: usize) -> (u64, bool) {
        let (server, mut client) = duplex(64 << 10);
        let mut server = Patient::new(server, PATIENCE);
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
    async fn a_client_that_reads_nothing_is_given_up() {
        assert_eq!(write_to(0, 1 << 20).await, (10, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_drips_is_given_up_too_and_later() {
        let (took, whole) = write_to(100, 1 << 20).await;
        assert!((10..=12).contains(&took) && !whole, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_and_steadily_gets_its_whole_answer() {
        let (took, whole) = write_to(8 << 10, 128 << 10).await;
        assert!(whole, "{took}");
        let (took, whole) = write_to(32 << 10, 4 << 20).await;
        assert!(whole && took > 60, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_anything_to_write_costs_nothing() {
        let (server, mut client) = duplex(8 << 10);
        let mut server = Patient::new(server, PATIENCE);
        for _ in 0..20 {
            server.write_all(&[0; 4 << 10]).await.unwrap();
            client.read_exact(&mut [0; 4 << 10]).await.unwrap();
            sleep(Duration::from_secs(60)).await;
        }
    }
}
