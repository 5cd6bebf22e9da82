//! A key set in a file: read at start, and again when the keys are fetched afresh, so a new file needs no restart.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{BODY_MAX_BYTES, Source};

/// A file that holds a key set.
#[derive(Debug)]
pub struct File(pub PathBuf);

impl File {
    /// Reads it, up to one byte more than a set may have.
    ///
    /// # Errors
    /// When it cannot be read; tells no path.
    pub fn read(&self) -> Result<Bytes, String> {
        read(&self.0)
    }
}

fn read(path: &Path) -> Result<Bytes, String> {
    let mut body = Vec::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(BODY_MAX_BYTES as u64 + 1).read_to_end(&mut body));
    read.map_err(|error| format!("the file cannot be read: {}", error.kind()))?;
    Ok(body.into())
}

impl Source for File {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        let path = self.0.clone();
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || read(&path));
            reading.await.map_err(|_| "the file cannot be read".to_owned())?
        })
    }
}
