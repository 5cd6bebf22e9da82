//! Rejects a request that a browser sends for a page of another site (cross-site request forgery).
//!
//! A page can make a browser send a GET whose response the page cannot read. The browser says in `Sec-Fetch-Site` where
//! the request comes from. Pages of `http.allowed_origins` are allowed, and so is a link to the explorer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::graph::error::{Error, ErrorCode};
use crate::http::response::error_response;
use crate::http::settings::AllowedOrigins;

/// The relation of the page to this gateway.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Whether the browser opens a page or fetches something for one.
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// What the response is used as.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Rejects a request of another site's page, unless its origin is allowed. A preflight runs no operation: `cors` decides
/// whether it is granted.
pub(in crate::http) async fn check(
    State(allowed): State<Arc<AllowedOrigins>>,
    request: Request,
    next: Next,
) -> Response {
    let is_harmless = request.method() == Method::OPTIONS || opens_explorer(&request);
    if is_cross_origin(request.headers(), &allowed) && !is_harmless {
        let message = "A page of another site cannot use this gateway.";
        return error_response(StatusCode::FORBIDDEN, &Error::new(ErrorCode::Forbidden, message).at(None));
    }
    next.run(request).await
}

/// Returns whether a browser says that the request comes from a page of another origin that is not allowed. Another port
/// of the same machine is another origin.
fn is_cross_origin(headers: &HeaderMap, allowed: &AllowedOrigins) -> bool {
    let is_from_elsewhere = matches!(text(headers, &SEC_FETCH_SITE), "cross-site" | "same-site");
    let origin = text(headers, &header::ORIGIN);
    let own_host = text(headers, &header::HOST);
    let is_own = origin.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && host.eq_ignore_ascii_case(own_host)
    });
    is_from_elsewhere && !is_own && !allowed.0.iter().any(|allowed| allowed == origin)
}

/// Returns whether a person follows a link to the explorer, which runs no operation by itself.
fn opens_explorer(request: &Request) -> bool {
    let headers = request.headers();
    let opens = text(headers, &SEC_FETCH_MODE) == "navigate" && text(headers, &SEC_FETCH_DEST) == "document";
    opens && request.method() == Method::GET && request.uri().path() == "/"
}

/// Returns the text of a header, or an empty text if it is absent or not text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_request_of_another_origin_is_recognized() {
        let check = |site: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
            is_cross_origin(&headers, &AllowedOrigins(vec!["https://app.example".to_owned()]))
        };
        for (site, origin, expected) in [
            ("cross-site", None, true),
            ("cross-site", Some("https://evil.example"), true),
            ("cross-site", Some("null"), true),
            ("cross-site", Some("https://app.example"), false),
            ("same-site", None, true),
            ("same-site", Some("http://localhost:3000"), true),
            ("same-site", Some("http://localhost:8080"), false),
            ("same-origin", None, false),
            ("same-origin", Some("http://localhost:8080"), false),
            ("none", None, false),
        ] {
            assert_eq!(check(site, origin), expected, "{site} {origin:?}");
        }
        assert!(!is_cross_origin(&HeaderMap::new(), &AllowedOrigins::default()));
    }
}
