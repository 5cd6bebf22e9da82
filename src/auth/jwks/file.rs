//! A key set in a file, read at start and at every refresh, so that a changed file needs no restart.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{BODY_MAX_BYTES, JwksSource};

/// The path of a file that holds a key set.
#[derive(Debug)]
pub struct JwksFile(pub PathBuf);

impl JwksFile {
    /// Reads the file, up to one byte more than [`BODY_MAX_BYTES`].
    ///
    /// # Errors
    /// If the file cannot be read. The message does not contain the path.
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

impl JwksSource for JwksFile {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        let path = self.0.clone();
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || read(&path));
            reading.await.map_err(|_| "the file cannot be read".to_owned())?
        })
    }
}
