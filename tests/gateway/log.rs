//! What is logged while a test runs, kept for it to read.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::MakeWriter;

/// A second listener, for ever. While there is but one, a line of code that a thread without it comes by first is silent
/// from then on, on every thread; of two, both are asked.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// Everything that is logged on this thread, on which the test, its gateway and its sandbox all run.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        LazyLock::force(&ANOTHER);
        let lines = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).with_writer(self.clone());
        tracing::subscriber::set_default(lines.finish())
    }

    /// Listens to the audit log alone, one JSON object a line, until the guard is dropped.
    pub fn listen_to_audit(&self) -> DefaultGuard {
        LazyLock::force(&ANOTHER);
        let lines = tracing_subscriber::fmt().json().with_env_filter("off,commongraph::audit=info");
        tracing::subscriber::set_default(lines.with_writer(self.clone()).finish())
    }

    /// Listens to the lines of operations alone, one JSON object a line, until the guard is dropped.
    pub fn listen_to_operations(&self) -> DefaultGuard {
        LazyLock::force(&ANOTHER);
        let lines = tracing_subscriber::fmt().json().with_env_filter("off,commongraph::operation=info");
        tracing::subscriber::set_default(lines.with_writer(self.clone()).finish())
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// The same as the fields of each line, where it is JSON.
    pub fn records(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone()).collect()
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
