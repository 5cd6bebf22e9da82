//! The writer with outputs that block, fail, and take a part of a line only.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use super::*;

const LONG: Duration = Duration::from_secs(600);

/// What an output does with the next write.
enum Step {
    Take(usize),
    Fail(ErrorKind),
}

/// An output whose writes wait until the test decides each of them.
struct Scripted {
    entered: Sender<()>,
    steps: Receiver<Step>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        match self.steps.recv() {
            Ok(Step::Take(count)) => {
                let taken = &bytes[..count.min(bytes.len())];
                self.written.lock().unwrap().extend_from_slice(taken);
                Ok(taken.len())
            }
            Ok(Step::Fail(kind)) => Err(kind.into()),
            // The test has dropped its end: every write succeeds.
            Err(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Fixture {
    writer: Writer,
    /// Receives a message when a write starts.
    entered: Receiver<()>,
    steps: Sender<Step>,
    written: Arc<Mutex<Vec<u8>>>,
    drops: Arc<Mutex<Vec<Kind>>>,
    reports: Receiver<Dropped>,
}

impl Fixture {
    fn start() -> Self {
        let (steps, receiver) = mpsc::channel();
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let drops: Arc<Mutex<Vec<Kind>>> = Arc::default();
        let (report, reports) = mpsc::channel();
        let (sender, entered) = mpsc::channel();
        let output = Scripted { entered: sender, steps: receiver, written: written.clone() };
        let on_drop = drops.clone();
        let writer = Writer::start(
            output,
            move |kind| on_drop.lock().unwrap().push(kind),
            move |dropped| report.send(dropped).unwrap_or_default(),
        );
        Self { writer: writer.unwrap(), entered, steps, written, drops, reports }
    }

    fn allow(&self, step: Step) {
        self.steps.send(step).unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    fn dropped(&self, kind: Kind) -> usize {
        self.drops.lock().unwrap().iter().filter(|dropped| **dropped == kind).count()
    }
}

#[test]
fn lines_are_written_whole_and_in_order() {
    let log = Fixture::start();
    log.writer.push(Kind::Operational, b"one\n");
    log.writer.push(Kind::Audit, b"two\n");
    for step in [
        Step::Take(1),
        Step::Fail(ErrorKind::Interrupted),
        Step::Fail(ErrorKind::WouldBlock),
        Step::Take(9),
        Step::Take(9),
    ] {
        log.allow(step);
    }
    assert!(log.writer.flush(LONG));
    assert_eq!(log.text(), "one\ntwo\n");
    assert!(log.drops.lock().unwrap().is_empty());
}

#[test]
fn a_blocked_output_blocks_no_writer_and_drops_audit_lines_only_at_their_limit() {
    let log = Fixture::start();
    let line = [b'x'; 1_000];
    let lines = |max_bytes: usize| max_bytes / size(&line);
    // The output accepts nothing, so the thread has the first line. It counts as queued until it is written.
    for _ in 0..lines(QUEUE_MAX_BYTES) + 7 {
        log.writer.push(Kind::Operational, &line);
    }
    assert_eq!(log.dropped(Kind::Operational), 7);
    for _ in 0..lines(AUDIT_QUEUE_MAX_BYTES) {
        log.writer.push(Kind::Audit, &line);
    }
    assert_eq!(log.dropped(Kind::Audit), 0);
    log.writer.push(Kind::Audit, &line);
    assert_eq!((log.dropped(Kind::Operational), log.dropped(Kind::Audit)), (7, 1));
    assert!(!log.writer.flush(Duration::ZERO), "the end of the process does not wait for it");

    // The reader reads again: all queued lines are written, and the dropped lines are reported.
    let Fixture { writer, steps, reports, .. } = log;
    drop(steps);
    assert_eq!(reports.recv_timeout(LONG).unwrap(), Dropped { operational: 7, audit: 1 });
    assert!(writer.flush(LONG));
}

#[test]
fn a_failed_line_is_counted_and_reported_when_lines_can_be_written_again() {
    let log = Fixture::start();
    for kind in [ErrorKind::BrokenPipe, ErrorKind::StorageFull] {
        log.writer.push(Kind::Operational, b"lost\n");
        log.allow(Step::Fail(kind));
    }
    log.writer.push(Kind::Audit, b"lost\n");
    log.allow(Step::Fail(ErrorKind::BrokenPipe));
    assert!(log.writer.flush(LONG));
    assert_eq!((log.dropped(Kind::Operational), log.dropped(Kind::Audit)), (2, 1));
    assert!(log.reports.try_recv().is_err(), "a report would be lost too");
    log.writer.push(Kind::Operational, b"written\n");
    log.allow(Step::Take(9));
    assert_eq!(log.reports.recv_timeout(LONG).unwrap(), Dropped { operational: 2, audit: 1 });
    assert_eq!(log.text(), "written\n");
    assert!(log.reports.try_recv().is_err());
}

#[test]
fn dropped_lines_are_reported_though_the_queue_is_never_empty() {
    let log = Fixture::start();
    log.writer.push(Kind::Audit, b"x");
    log.entered.recv_timeout(LONG).unwrap();
    let long = vec![b'x'; QUEUE_MAX_BYTES];
    log.writer.push(Kind::Operational, &long);
    assert_eq!(log.dropped(Kind::Operational), 1, "it is larger than the queue");
    for _ in 0..LINES_BETWEEN_REPORTS {
        log.writer.push(Kind::Audit, b"x");
    }
    // As many lines are written as lie between reports; the queue is not empty then.
    (0..LINES_BETWEEN_REPORTS).for_each(|_| log.allow(Step::Take(1)));
    assert_eq!(log.reports.recv_timeout(LONG).unwrap(), Dropped { operational: 1, audit: 0 });
}
