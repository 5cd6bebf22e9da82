//! A semaphore with a bounded queue: permits are given in order, and only so many callers may wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::upstream::error::Error;

/// Permits, and the callers that wait for one.
#[derive(Debug)]
pub struct Queue {
    permits: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Queue {
    /// A queue with this many permits and places to wait.
    pub fn new(permits: usize, waiting_max: usize) -> Self {
        Self { permits: Semaphore::new(permits), waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Waits for a permit. It is released when dropped.
    ///
    /// # Errors
    /// [`Error::QueueFull`].
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, Error> {
        // The semaphore is fair: while anybody waits, no permit is available here.
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let _waiting = WaitingGuard::new(self)?;
        self.permits.acquire().await.map_err(|_| Error::QueueFull)
    }

    /// Returns the number of free permits.
    pub fn available(&self) -> usize {
        self.permits.available_permits()
    }

    /// Returns the number of callers that wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A place in the queue.
struct WaitingGuard<'a>(&'a Queue);

impl<'a> WaitingGuard<'a> {
    fn new(queue: &'a Queue) -> Result<Self, Error> {
        let waiting = queue.waiting.fetch_add(1, Ordering::Relaxed);
        let guard = Self(queue);
        if waiting >= queue.waiting_max { Err(Error::QueueFull) } else { Ok(guard) }
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn permits_are_given_in_order_and_a_full_queue_refuses() {
        let queue = Queue::new(1, 2);
        let first = queue.acquire().now_or_never().unwrap().unwrap();
        let (mut second, mut third) = (Box::pin(queue.acquire()), Box::pin(queue.acquire()));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        assert_eq!(queue.acquire().now_or_never().unwrap().unwrap_err(), Error::QueueFull);
        assert_eq!((queue.available(), queue.waiting()), (0, 2));
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "it did not come first");
        let permit = second.as_mut().now_or_never().unwrap().unwrap();
        drop((permit, third));
        assert_eq!((queue.available(), queue.waiting()), (1, 0));
    }

    #[test]
    fn a_free_permit_is_given_where_nobody_may_wait() {
        let queue = Queue::new(1, 0);
        let permit = queue.acquire().now_or_never().unwrap();
        assert!(permit.is_ok() && queue.acquire().now_or_never().unwrap().is_err());
    }
}
