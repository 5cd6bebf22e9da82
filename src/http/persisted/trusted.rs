//! Trusted documents by ID, read from a folder or a manifest when the gateway starts.
//!
//! A folder has one document in each `.graphql` file. Its IDs are the name of the file and the SHA-256 of its text. A
//! manifest is JSON: either `{id: text}`, as relay-compiler and codegen write it, or Apollo's
//! `{"format": "apollo-persisted-query-manifest", "operations": [{"id", "body"}]}`. The gateway does
//! not start if a document cannot be parsed, or if two documents have one ID.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::auth::digest::Digest;

/// The `format` of Apollo's manifest.
const APOLLO: &str = "apollo-persisted-query-manifest";

/// The optional prefix of an ID that is a hash.
const PREFIX: &str = "sha256:";

/// The suffix of the file of a document.
const SUFFIX: &str = ".graphql";

/// The depth to which folders are read.
const FOLDERS_MAX: usize = 16;

/// Trusted documents.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    by_id: HashMap<String, Arc<str>>,
    hashes: HashSet<Digest>,
}

impl Trusted {
    /// Reads the documents from a folder or a manifest.
    ///
    /// # Errors
    /// The rest of a sentence that begins with the name of the setting.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut trusted = Self::default();
        if path.is_dir() {
            trusted.read_folder(path, path, 0)?;
        } else {
            let text = fs::read_to_string(path).map_err(|error| format!(": cannot be read: {error}"))?;
            for (id, text) in manifest(&text)? {
                trusted.add(&id, &text, &format!(": the document {id}"))?;
            }
        }
        if trusted.by_id.is_empty() { Err(": there is no document".to_owned()) } else { Ok(trusted) }
    }

    /// Returns the document with this ID.
    pub(super) fn find(&self, id: &str) -> Option<Arc<str>> {
        let found = self.by_id.get(id).or_else(|| self.by_id.get(id.strip_prefix(PREFIX)?));
        found.cloned()
    }

    /// Returns whether a document with this hash is trusted.
    pub(super) fn has(&self, hash: &Digest) -> bool {
        self.hashes.contains(hash)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path, depth: usize) -> Result<(), String> {
        if depth > FOLDERS_MAX {
            return Err(format!(": folders are nested deeper than {FOLDERS_MAX}"));
        }
        let below = |path: &Path| match path.strip_prefix(root) {
            Ok(name) if name != Path::new("") => format!(": {}", name.display()),
            _ => ": the folder".to_owned(),
        };
        let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", below(folder));
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                self.read_folder(root, &path, depth + 1)?;
            } else if path.to_string_lossy().ends_with(SUFFIX) {
                let place = below(&path);
                let text = fs::read_to_string(&path).map_err(|error| format!("{place} cannot be read: {error}"))?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                self.add(&name, &text, &place)?;
                self.add(&Digest::sha256(&text).to_string(), &text, &place)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, id: &str, text: &str, place: &str) -> Result<(), String> {
        if async_graphql::parser::parse_query(text).is_err() {
            return Err(format!("{place} is not a GraphQL document"));
        }
        self.hashes.insert(Digest::sha256(text));
        let known = self.by_id.insert(id.to_owned(), text.into());
        match known.is_some_and(|known| *known != *text) {
            true => Err(format!("{place} has the ID of another document")),
            false => Ok(()),
        }
    }
}

/// Returns the IDs and texts of a manifest.
fn manifest(text: &str) -> Result<Vec<(String, String)>, String> {
    let wrong = || format!(": is no manifest; wanted {{id: text}}, or Apollo's with format {APOLLO}");
    let Ok(Value::Object(manifest)) = serde_json::from_str(text) else { return Err(wrong()) };
    let own = |value: &Value| value.as_str().map(str::to_owned);
    let documents: Option<Vec<_>> = match (manifest.get("format").and_then(Value::as_str), manifest.get("operations")) {
        (Some(APOLLO), Some(Value::Array(operations))) => {
            operations.iter().map(|one| Some((own(one.get("id")?)?, own(one.get("body")?)?))).collect()
        }
        _ => manifest.iter().map(|(id, text)| Some((id.clone(), own(text)?))).collect(),
    };
    documents.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_manifest_of_each_compiler_is_read() {
        let relay = r#"{"1a": "query A { a }", "2b": "query B { b }"}"#;
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{"id": "1a", "name": "A", "type": "query", "body": "query A { a }"}]}"#;
        assert_eq!(manifest(relay).unwrap().len(), 2);
        assert_eq!(manifest(apollo).unwrap(), [("1a".to_owned(), "query A { a }".to_owned())]);
        for wrong in ["", "[]", "{\"a\": 1}", "{\"format\": \"apollo-persisted-query-manifest\", \"operations\": [{}]}"]
        {
            assert!(manifest(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_may_have_the_hash_prefix_and_names_one_document() {
        let mut trusted = Trusted::default();
        trusted.add("1a", "{ a }", "").unwrap();
        assert_eq!(trusted.find("sha256:1a").as_deref(), Some("{ a }"));
        assert!(trusted.find("1").is_none());
        assert!(trusted.add("1a", "{ b }", "x").unwrap_err().contains("ID of another"));
        assert!(trusted.add("2b", "{", "x").unwrap_err().contains("not a GraphQL document"));
    }
}
