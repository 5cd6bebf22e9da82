//! A line before a number of turns: they are given in the order in which they are asked for, and only so many may wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Error;

/// Turns, and those who wait for one.
#[derive(Debug)]
pub struct Line {
    turns: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Line {
    /// So many turns at once, and so many who may wait.
    pub fn new(turns: usize, waiting_max: usize) -> Self {
        Self { turns: Semaphore::new(turns), waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Waits for a turn, which lasts as long as what is returned is held.
    ///
    /// # Errors
    /// Crowded, if too many wait already.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        // None is free as long as anybody waits, so nobody is overtaken.
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let _place = Place::take(self)?;
        self.turns.acquire().await.map_err(|_| Error::Crowded)
    }

    /// How many turns could be given at this moment.
    pub fn free(&self) -> usize {
        self.turns.available_permits()
    }

    /// How many wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A place in a line.
struct Place<'a>(&'a Line);

impl<'a> Place<'a> {
    fn take(line: &'a Line) -> Result<Self, Error> {
        let before = line.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(line);
        if before >= line.waiting_max { Err(Error::Crowded) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
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
    fn turns_go_in_order_and_whoever_finds_the_line_full_is_refused_at_once() {
        let line = Line::new(1, 2);
        let first = line.turn().now_or_never().unwrap().unwrap();
        let (mut second, mut third) = (Box::pin(line.turn()), Box::pin(line.turn()));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        assert_eq!(line.turn().now_or_never().unwrap().unwrap_err(), Error::Crowded);
        assert_eq!((line.free(), line.waiting()), (0, 2));
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "it was not asked for first");
        let turn = second.as_mut().now_or_never().unwrap().unwrap();
        drop((turn, third));
        assert_eq!((line.free(), line.waiting()), (1, 0));
    }

    #[test]
    fn where_nobody_may_wait_a_free_turn_is_given_all_the_same() {
        let line = Line::new(1, 0);
        let turn = line.turn().now_or_never().unwrap();
        assert!(turn.is_ok() && line.turn().now_or_never().unwrap().is_err());
    }
}
