//! A file that does not change while the process runs: compressed once per coding, and revalidated by its `ETag`.
//!
//! Anybody may request these files, so a request must cost next to nothing. Each coding is compressed on its first request
//! and then shared. The validator is strong (RFC 9110, section 8.8.3), so each coding has an `ETag` of its own.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::task::spawn_blocking;

use super::middleware::compression::{Encoding, MIN_BYTES};

/// Caches store the file and revalidate it before each use.
pub(super) const REVALIDATE: &str = "no-cache";

/// A file in memory, with its compressed forms.
pub(super) struct StaticFile {
    media_type: &'static str,
    /// Changes whenever the content does.
    hash: String,
    content: Bytes,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

impl StaticFile {
    /// A file with this `Content-Type`. The hash must change with the content, and must be safe inside an `ETag`.
    pub(super) fn new(media_type: &'static str, hash: impl Into<String>, content: impl Into<Bytes>) -> Arc<Self> {
        let (brotli, gzip) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { media_type, hash: hash.into(), content: content.into(), brotli, gzip })
    }

    /// Responds to a GET with these headers: the file in the preferred coding, or 304 if the client has it already.
    pub(super) async fn respond(self: Arc<Self>, request: &HeaderMap, cache_control: &'static str) -> Response {
        let encoding = Encoding::preferred(request).filter(|_| self.content.len() as u64 >= MIN_BYTES);
        if is_listed(request, &self.etag(encoding)) {
            return self.with_headers(StatusCode::NOT_MODIFIED.into_response(), encoding, cache_control);
        }
        let compressed = match encoding {
            Some(encoding) => self.compressed(encoding).await.map(|content| (encoding, content)),
            None => None,
        };
        let Some((encoding, content)) = compressed else {
            return self.with_headers(self.content.clone().into_response(), None, cache_control);
        };
        let mut response = self.with_headers(content.into_response(), Some(encoding), cache_control);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        response
    }

    /// The file in this coding; none if it cannot be compressed.
    async fn compressed(self: &Arc<Self>, encoding: Encoding) -> Option<Bytes> {
        if let Some(ready) = self.form(encoding).get() {
            return ready.clone();
        }
        let file = Arc::clone(self);
        // On a thread of its own, to its end even if the client leaves: it is never done twice.
        let compress = move || file.form(encoding).get_or_init(|| encoding.compress(&file.content).ok()).clone();
        spawn_blocking(compress).await.ok().flatten()
    }

    fn form(&self, encoding: Encoding) -> &OnceLock<Option<Bytes>> {
        match encoding {
            Encoding::Brotli => &self.brotli,
            Encoding::Gzip => &self.gzip,
        }
    }

    fn etag(&self, encoding: Option<Encoding>) -> String {
        match encoding {
            Some(encoding) => format!("\"{}-{}\"", self.hash, encoding.name()),
            None => format!("\"{}\"", self.hash),
        }
    }

    fn with_headers(
        &self,
        mut response: Response,
        encoding: Option<Encoding>,
        cache_control: &'static str,
    ) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag(encoding)) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// Whether `If-None-Match` lists this entity tag, by the weak comparison.
fn is_listed(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept_encoding: &'static str, known: Option<&HeaderValue>) -> HeaderMap {
        let accepted = (header::ACCEPT_ENCODING, HeaderValue::from_static(accept_encoding));
        let known = known.map(|etag| (header::IF_NONE_MATCH, etag.clone()));
        [accepted].into_iter().chain(known).collect()
    }

    #[tokio::test]
    async fn each_coding_has_an_entity_tag_and_is_compressed_once() {
        let file = StaticFile::new("text/plain", "hash", "x".repeat(10_000));
        let mut tags = Vec::new();
        for accepted in ["identity", "gzip", "br"] {
            let whole = file.clone().respond(&headers(accepted, None), REVALIDATE).await;
            assert_eq!(whole.status(), StatusCode::OK);
            assert_eq!(whole.headers().get(header::CONTENT_ENCODING).is_some(), accepted != "identity");
            let tag = whole.headers()[header::ETAG].clone();
            assert!(!tags.contains(&tag), "{tag:?}");
            for other in &tags {
                let other = file.clone().respond(&headers(accepted, Some(other)), REVALIDATE).await;
                assert_eq!(other.status(), StatusCode::OK);
            }
            let known = file.clone().respond(&headers(accepted, Some(&tag)), REVALIDATE).await;
            assert_eq!((known.status(), &known.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
            assert_eq!(known.headers()[header::CACHE_CONTROL], REVALIDATE);
            tags.push(tag);
        }
        let first = file.compressed(Encoding::Gzip).await.map(|bytes| bytes.as_ptr());
        let second = file.compressed(Encoding::Gzip).await.map(|bytes| bytes.as_ptr());
        assert!(first.is_some() && first == second, "both are the same allocation");
    }

    #[test]
    fn an_entity_tag_is_found_among_others_and_by_the_weak_comparison() {
        for (list, is_found) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", W/\"a\" ,\"c\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let request = [(header::IF_NONE_MATCH, HeaderValue::from_static(list))].into_iter().collect();
            assert_eq!(is_listed(&request, "\"a\""), is_found, "{list}");
        }
    }
}
