//! The host that a request addresses: exactly one, and well-formed (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
//!
//! Every later layer reads `Host` and nothing else. So this layer rejects requests that two readers could understand
//! differently, and writes the authority of the request target into `Host` where there is one.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::graph::error::Error;
use crate::http::response::error_response;

/// Rejects a request without one well-formed host, whatever its path.
pub(in crate::http) async fn check(mut request: Request, next: Next) -> Response {
    match effective_host(&request) {
        Ok(Some(host)) => {
            request.headers_mut().insert(header::HOST, host);
        }
        Ok(None) => {}
        Err(message) => return error_response(StatusCode::BAD_REQUEST, &Error::bad_input(message).at(None)),
    }
    next.run(request).await
}

/// The host that counts: the authority of the request target, or else `Host`. None only in HTTP/1.0, which does not
/// require one.
///
/// # Errors
/// What is wrong with the request, as a sentence for the client.
fn effective_host<B>(request: &Request<B>) -> Result<Option<HeaderValue>, &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("The request has more than one Host header. Send exactly one.");
    }
    let target = request.uri().authority().map(Authority::as_str);
    let is_missing = match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => false,
        Version::HTTP_11 => host.is_none(),
        _ => host.is_none() && target.is_none(),
    };
    if is_missing {
        return Err("The request has no Host header. HTTP/1.1 requires exactly one.");
    }
    let is_wrong = host.is_some_and(|host| !host.to_str().is_ok_and(is_host));
    if is_wrong || !target.is_none_or(is_host) {
        return Err(
            "The host of the request is malformed. Send a name or an address, and a port if it is not the default.",
        );
    }
    let differs = |target: &str| host.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(target.as_bytes()));
    if request.version() >= Version::HTTP_2 && target.is_some_and(differs) {
        return Err("The Host header and :authority differ. Send :authority alone.");
    }
    Ok(target.and_then(|target| HeaderValue::from_str(target).ok()).or_else(|| host.cloned()))
}

/// Whether a text is `uri-host [ ":" port ]`, without user information. The empty host is well-formed.
fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return text.is_empty() };
    let port = text.strip_prefix(authority.host()).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    !text.contains('@') && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn host(version: Version, target: &str, hosts: &[&str]) -> Option<Option<String>> {
        let request = Request::builder().version(version).uri(target);
        let request = hosts.iter().fold(request, |request, host| request.header(header::HOST, *host));
        let host = effective_host(&request.body(()).unwrap()).ok()?;
        Some(host.map(|host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn the_request_target_takes_precedence_over_the_header() {
        let found = |host: &str| Some(Some(host.to_owned()));
        for (target, hosts, expected) in [
            ("/graphql", &["localhost"][..], found("localhost")),
            ("/graphql", &[""], found("")),
            ("https://localhost:1/graphql", &["localhost:1"], found("localhost:1")),
            ("http://evil.example/graphql", &["localhost"], found("evil.example")),
            ("http://localhost/graphql", &["evil.example"], found("localhost")),
            ("http://localhost/graphql", &[], None),
            ("http://u@localhost/graphql", &["localhost"], None),
        ] {
            assert_eq!(host(Version::HTTP_11, target, hosts), expected, "{target} {hosts:?}");
        }
        assert_eq!(host(Version::HTTP_2, "https://localhost:1/graphql", &[]), found("localhost:1"));
        assert_eq!(host(Version::HTTP_2, "https://LOCALHOST/graphql", &["localhost"]), found("LOCALHOST"));
        assert_eq!(host(Version::HTTP_2, "https://localhost/graphql", &["evil.example"]), None);
        assert_eq!(host(Version::HTTP_2, "https://u@localhost/graphql", &[]), None);
        assert_eq!(host(Version::HTTP_2, "/graphql", &[]), None);
    }

    #[test]
    fn only_http_1_0_may_leave_the_host_out() {
        assert_eq!(host(Version::HTTP_10, "/graphql", &[]), Some(None));
        assert_eq!(host(Version::HTTP_11, "/graphql", &[]), None);
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            assert_eq!(host(version, "/graphql", &["localhost", "localhost"]), None, "{version:?}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_a_port_or_without() {
        for good in ["localhost", "a.example:8080", "127.0.0.1", "[::1]", "[::1]:80", "a.example:", "a-b_c.example", ""]
        {
            assert!(is_host(good), "{good}");
        }
        for bad in
            ["a b", "u@a", "u:p@a:1", "a/b", "a?b", "a#b", "::1", "[::1", "a:b", "a:80:80", "a:80x", "[::1]x", "a,b c"]
        {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
