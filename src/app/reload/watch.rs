//! Watches files for changes of their content. A change counts once the content is complete.
//!
//! A file may be seen half-written. So a new content counts only when two successive checks find the same, and every
//! file can be read. Only digests are stored, because a file may contain secrets.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

/// How much of a file is read at once, in bytes.
const BLOCK_BYTES: usize = 16 << 10;

/// The digest of a file's content. `None` if the file cannot be read.
type Content = Option<[u8; 32]>;

/// A group of files that are reloaded together, and the content that was last seen of them.
#[derive(Debug)]
pub(super) struct WatchedFiles {
    paths: Vec<PathBuf>,
    /// The content that is in use.
    accepted: Vec<Content>,
    /// The content at the last check.
    seen: Vec<Content>,
}

impl WatchedFiles {
    /// Watches these files, whose content is in use now.
    pub(super) fn new<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().cloned().collect();
        let contents = contents(&paths);
        Self { paths, accepted: contents.clone(), seen: contents }
    }

    /// Checks the files, and accepts their content if it is new and the last check found the same.
    pub(super) fn has_settled(&mut self) -> bool {
        let now = contents(&self.paths);
        let is_new = now != self.accepted && now.iter().all(Option::is_some);
        let has_settled = is_new && now == self.seen;
        if has_settled {
            self.accepted.clone_from(&now);
        }
        self.seen = now;
        has_settled
    }

    /// Accepts the content as it is, because it is about to be read.
    pub(super) fn accept(&mut self) {
        self.accepted = contents(&self.paths);
    }

    /// Whether the files still have the accepted content.
    pub(super) fn is_unchanged(&self) -> bool {
        contents(&self.paths) == self.accepted
    }
}

fn contents(paths: &[PathBuf]) -> Vec<Content> {
    paths.iter().map(|path| content(path)).collect()
}

fn content(path: &Path) -> Content {
    // Opening a named pipe would wait for its writer.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let mut context = Context::new(&SHA256);
    let mut block = [0; BLOCK_BYTES];
    loop {
        match file.read(&mut block).ok()? {
            0 => return context.finish().as_ref().try_into().ok(),
            count => context.update(block.get(..count)?),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The temporary folder of one test. It is removed when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("commongraph-watch-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_change_counts_once_and_only_after_two_equal_checks() {
        let folder = Folder::new("one");
        let path = folder.write("a", "whole");
        let mut watched = WatchedFiles::new([&path]);
        assert!(!watched.has_settled());
        folder.write("a", "ha");
        assert!(!watched.has_settled());
        folder.write("a", "half");
        assert!(!watched.has_settled(), "it has grown since the last check");
        assert!(watched.has_settled() && watched.is_unchanged());
        assert!(!watched.has_settled());
        folder.write("a", "more");
        assert!(!watched.is_unchanged());
        assert!(!watched.has_settled());
        folder.write("a", "half");
        assert!(!watched.has_settled() && !watched.has_settled(), "this content is in use");
    }

    #[test]
    fn a_deleted_file_is_not_a_change() {
        let folder = Folder::new("gone");
        let path = folder.write("a", "one");
        let mut watched = WatchedFiles::new([&path]);
        fs::remove_file(&path).unwrap();
        assert!(!watched.has_settled() && !watched.has_settled());
        folder.write("a", "two");
        assert!(!watched.has_settled() && watched.has_settled());
    }

    #[test]
    fn files_of_one_group_settle_together() {
        let folder = Folder::new("pair");
        let paths = [folder.write("certificate", "1"), folder.write("key", "1")];
        let mut watched = WatchedFiles::new(&paths);
        folder.write("certificate", "2");
        assert!(!watched.has_settled());
        folder.write("key", "2");
        assert!(!watched.has_settled(), "the key is not settled");
        assert!(watched.has_settled());
    }

    #[test]
    fn content_that_was_accepted_does_not_settle_again() {
        let folder = Folder::new("read");
        let path = folder.write("a", "one");
        let mut watched = WatchedFiles::new([&path]);
        folder.write("a", "two");
        watched.accept();
        assert!(!watched.has_settled() && !watched.has_settled());
    }
}
