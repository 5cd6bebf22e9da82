//! The writer of the log: a bounded queue, and one thread that writes it out. No other thread ever waits for stderr.
//!
//! A reader of stderr can stop: a full pipe, a stopped terminal, a full disk. A line that does not fit into the queue,
//! or that cannot be written, is dropped and counted. The audit log has a queue limit of its own, so that a flood of
//! other lines costs no audit line. The thread reports what was dropped as soon as lines can be written again.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};
use std::thread;
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::graph::audit;

/// The most bytes that wait to be written, of all lines but the audit log's. About 4,000 lines.
const QUEUE_MAX_BYTES: usize = 1 << 20;

/// The most bytes of the audit log that wait to be written. About 30,000 lines.
const AUDIT_QUEUE_MAX_BYTES: usize = 8 << 20;

/// What a queued line costs in addition to its text.
const LINE_OVERHEAD_BYTES: usize = 64;

/// How many lines are written before dropped lines are reported, if the queue is never empty.
const LINES_BETWEEN_REPORTS: usize = 1_024;

/// How long the thread waits before it tries a non-blocking stderr again.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// The kind of a line. It decides which queue limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A line of the operational log.
    Operational,
    /// A line of the audit log.
    Audit,
}

/// How many lines were dropped since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) operational: u64,
    pub(super) audit: u64,
}

enum Message {
    Line(Kind, Vec<u8>),
    /// Answered when all lines before it are written.
    Flush(SyncSender<()>),
}

/// The queue, as a destination for formatted lines.
#[derive(Clone)]
pub(super) struct Writer {
    sender: Sender<Message>,
    queues: Arc<Queues>,
}

/// The queues of both kinds of lines, and the function that is called for each dropped line.
struct Queues {
    operational: Queue,
    audit: Queue,
    on_drop: Box<dyn Fn(Kind) + Send + Sync>,
}

struct Queue {
    max_bytes: usize,
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

impl Queue {
    fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: AtomicUsize::new(0), dropped: AtomicU64::new(0) }
    }

    /// Reserves room for a line, if there is enough.
    fn reserve(&self, size: usize) -> bool {
        let reserved = |bytes: usize| bytes.checked_add(size).filter(|bytes| *bytes <= self.max_bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserved).is_ok()
    }

    fn release(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Queues {
    fn for_kind(&self, kind: Kind) -> &Queue {
        match kind {
            Kind::Operational => &self.operational,
            Kind::Audit => &self.audit,
        }
    }

    fn drop_line(&self, kind: Kind) {
        self.for_kind(kind).dropped.fetch_add(1, Ordering::Relaxed);
        (self.on_drop)(kind);
    }

    fn dropped(&self) -> Dropped {
        let count = |queue: &Queue| queue.dropped.load(Ordering::Relaxed);
        Dropped { operational: count(&self.operational), audit: count(&self.audit) }
    }
}

fn size(line: &[u8]) -> usize {
    line.len() + LINE_OVERHEAD_BYTES
}

impl Writer {
    /// Starts the thread that writes to `output`. `on_drop` is called for each dropped line. `report` is called on the
    /// thread with the totals when they have grown and lines can be written.
    ///
    /// # Errors
    /// If the thread cannot start.
    pub(super) fn start(
        output: impl Write + Send + 'static,
        on_drop: impl Fn(Kind) + Send + Sync + 'static,
        report: impl FnMut(Dropped) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let queues = Arc::new(Queues {
            operational: Queue::new(QUEUE_MAX_BYTES),
            audit: Queue::new(AUDIT_QUEUE_MAX_BYTES),
            on_drop: Box::new(on_drop),
        });
        let thread = WriterThread {
            receiver,
            queues: queues.clone(),
            output,
            report,
            reported: Dropped::default(),
            lines: 0,
            is_writable: true,
        };
        thread::Builder::new().name("log".to_owned()).spawn(move || thread.run())?;
        Ok(Self { sender, queues })
    }

    /// Queues a line, or drops it if the queue of its kind is full.
    pub(super) fn push(&self, kind: Kind, line: &[u8]) {
        if !self.queues.for_kind(kind).reserve(size(line)) {
            return self.queues.drop_line(kind);
        }
        if self.sender.send(Message::Line(kind, line.to_vec())).is_err() {
            self.queues.drop_line(kind);
        }
    }

    /// Waits until all lines that are queued now are written, at most for this time. Returns whether they are.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let (done, flushed) = mpsc::sync_channel(1);
        self.sender.send(Message::Flush(done)).is_ok() && flushed.recv_timeout(timeout).is_ok()
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter { writer: self, kind: Kind::Operational }
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Self::Writer {
        let kind = if line.target() == audit::TARGET { Kind::Audit } else { Kind::Operational };
        LineWriter { writer: self, kind }
    }
}

/// Queues one formatted line. The formatter writes each line in one call.
pub(super) struct LineWriter<'a> {
    writer: &'a Writer,
    kind: Kind,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.push(self.kind, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct WriterThread<W, R> {
    receiver: Receiver<Message>,
    queues: Arc<Queues>,
    output: W,
    report: R,
    reported: Dropped,
    /// Lines written since dropped lines were last looked for.
    lines: usize,
    /// Whether the last line could be written.
    is_writable: bool,
}

impl<W: Write, R: FnMut(Dropped)> WriterThread<W, R> {
    fn run(mut self) {
        while let Some(message) = self.next() {
            match message {
                Message::Line(kind, line) => self.write(kind, &line),
                // The channel has room for this one message, and the receiver may have timed out.
                Message::Flush(done) => drop(done.try_send(())),
            }
        }
    }

    /// The next message; none when no writer is left.
    fn next(&mut self) -> Option<Message> {
        if self.lines >= LINES_BETWEEN_REPORTS {
            self.report_dropped();
        }
        match self.receiver.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                self.report_dropped();
                self.receiver.recv().ok()
            }
        }
    }

    fn write(&mut self, kind: Kind, line: &[u8]) {
        self.is_writable = write_line(&mut self.output, line).is_ok();
        self.queues.for_kind(kind).release(size(line));
        self.lines += 1;
        if !self.is_writable {
            self.queues.drop_line(kind);
        }
    }

    fn report_dropped(&mut self) {
        self.lines = 0;
        let dropped = self.queues.dropped();
        if self.is_writable && dropped != self.reported {
            self.reported = dropped;
            (self.report)(dropped);
        }
    }
}

/// Writes a whole line. A destination that another process made non-blocking is tried again until it takes more.
fn write_line(output: &mut impl Write, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(RETRY_AFTER),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
