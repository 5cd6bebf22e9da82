//! The end of an HTTP/1 connection that the gateway closes while the client may still be sending.
//!
//! If a socket is closed with unread input, the system resets the connection, and the client can lose the response that it
//! has not read yet. So the gateway closes its writing side first, then reads and discards what arrives until the client
//! closes too (RFC 9112, section 9.6). Both the amount and the time are bounded.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The most that is read and discarded, in bytes.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// How long a client may send nothing before the connection is closed.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// How long all of it may take.
pub(super) const TIME_MAX: Duration = Duration::from_secs(10);

/// The size of one read, in bytes.
const READ_BYTES: usize = 16 << 10;

/// Waits for the client to close the connection, after the writing side was closed.
pub(super) async fn linger<T: AsyncRead + Unpin>(socket: &mut T) {
    // It is over in either case.
    let _ = timeout(TIME_MAX, discard(socket)).await;
}

async fn discard<T: AsyncRead + Unpin>(socket: &mut T) {
    let mut buffer = vec![0; READ_BYTES];
    let mut allowed = BYTES_MAX;
    while allowed > 0 {
        match timeout(IDLE_MAX, socket.read(&mut buffer)).await {
            Ok(Ok(length @ 1..)) => allowed = allowed.saturating_sub(length),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    /// How long the connection lingers for a client that sends `bytes` every `pause`, `times` times, and then waits.
    async fn lingers(bytes: usize, pause: Duration, times: usize) -> Duration {
        let (mut server, mut client) = duplex(64 << 10);
        let client = tokio::spawn(async move {
            for _ in 0..times {
                if client.write_all(&vec![0; bytes]).await.is_err() {
                    return;
                }
                sleep(pause).await;
            }
            std::future::pending::<()>().await;
        });
        let began = Instant::now();
        linger(&mut server).await;
        client.abort();
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_and_the_amount_are_bounded() {
        assert_eq!(lingers(0, Duration::ZERO, 0).await, IDLE_MAX);
        assert_eq!(lingers(1, Duration::from_secs(1), usize::MAX).await, TIME_MAX);
        assert!(lingers(1 << 20, Duration::from_millis(1), usize::MAX).await < IDLE_MAX, "16 MiB are enough");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_client_closes() {
        let (mut server, client) = duplex(64);
        drop(client);
        let began = Instant::now();
        linger(&mut server).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
