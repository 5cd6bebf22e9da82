//! A bounded store of automatic persisted queries by hash. The least recently used one is evicted first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::auth::digest::Digest;

/// Documents by their hash.
pub(super) struct Store {
    count_max: usize,
    bytes_max: usize,
    bytes: usize,
    /// The number of uses so far, which orders the documents.
    now: u64,
    texts: HashMap<Digest, (u64, Arc<str>)>,
    by_use: BTreeMap<u64, Digest>,
}

/// Parses the hash of a document. It must be in lower case, as every client writes it.
pub(super) fn parse(text: &str) -> Option<Digest> {
    Digest::parse(text).filter(|_| !text.bytes().any(|digit| digit.is_ascii_uppercase()))
}

impl Store {
    /// Creates an empty store with these bounds.
    pub(super) fn new(count_max: usize, bytes_max: usize) -> Self {
        Self { count_max, bytes_max, bytes: 0, now: 0, texts: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// Returns the document with this hash.
    pub(super) fn get(&mut self, hash: &Digest) -> Option<Arc<str>> {
        let (used, text) = self.texts.get_mut(hash)?;
        self.now += 1;
        self.by_use.remove(used);
        self.by_use.insert(self.now, *hash);
        *used = self.now;
        Some(text.clone())
    }

    /// Stores a document, which must have this hash. A document larger than the whole store is not stored.
    pub(super) fn put(&mut self, hash: Digest, text: Arc<str>) {
        if self.get(&hash).is_some() || text.len() > self.bytes_max {
            return;
        }
        self.now += 1;
        self.bytes += text.len();
        self.by_use.insert(self.now, hash);
        self.texts.insert(hash, (self.now, text));
        while self.texts.len() > self.count_max || self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            let freed = self.texts.remove(&oldest).map_or(0, |(_, text)| text.len());
            self.bytes -= freed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_sha_256_of_the_text_in_lower_case_hex() {
        let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        assert_eq!(Digest::sha256("{__typename}").to_string(), hash);
        assert_eq!(parse(hash), Some(Digest::sha256("{__typename}")));
        for bad in ["", "ecf4", &hash.to_uppercase(), &hash.replace('e', "+"), &format!("{hash}0")] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_full_store_evicts_the_least_recently_used_document() {
        let mut store = Store::new(3, 10);
        let put = |store: &mut Store, text: &str| store.put(Digest::sha256(text), text.into());
        let has = |store: &Store, text: &str| store.texts.contains_key(&Digest::sha256(text));
        for text in ["a", "b", "c"] {
            put(&mut store, text);
        }
        assert_eq!(store.get(&Digest::sha256("a")).as_deref(), Some("a"));
        put(&mut store, "d");
        assert!(has(&store, "a") && !has(&store, "b") && has(&store, "c") && has(&store, "d"));
        put(&mut store, "12345678");
        assert!(has(&store, "12345678") && has(&store, "d") && has(&store, "a") != has(&store, "c"));
        put(&mut store, "more than the ten bytes");
        assert!(!has(&store, "more than the ten bytes") && has(&store, "12345678"));
        assert!(store.bytes <= 10 && store.by_use.len() == store.texts.len());
    }
}
