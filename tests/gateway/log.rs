//! What is logged while a test runs, kept for it to read.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is logged on this thread, on which the test, its gateway and its sandbox all run.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        let lines = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).with_writer(self.clone());
        tracing::subscriber::set_default(lines.finish())
    }

    /// Listens to the audit log alone, one JSON object a line, until the guard is dropped.
    pub fn listen_to_audit(&self) -> DefaultGuard {
        let lines = tracing_subscriber::fmt().json().with_env_filter("off,commongraph::audit=info");
        tracing::subscriber::set_default(lines.with_writer(self.clone()).finish())
    }

    /// Listens to the lines of operations alone, one JSON object a line, until the guard is dropped.
    pub fn listen_to_operations(&self) -> DefaultGuard {
        let lines = tracing_subscriber::fmt().json().with_env_filter("off,commongraph::operation=info");
        tracing::subscriber::set_default(lines.with_writer(self.clone()).finish())
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Forgets it.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
