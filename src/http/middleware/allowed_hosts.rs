//! Rejects a request whose `Host` is not a name of this gateway.
//!
//! A page can point a name that it owns at 127.0.0.1 and then use a listener there as its own origin (DNS rebinding). Its
//! requests still carry that name. So a gateway that serves without a credential, such as the sandbox, answers only to the
//! names of the loopback addresses. Where every caller needs a credential, such a page gains nothing, so the names are
//! checked only if `http.allowed_hosts` is set.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::graph::error::{Error, ErrorCode};
use crate::http::response::error_response;
use crate::http::settings::AllowedHosts;

/// Rejects a request for another host. `host_header` has left at most one `Host` header.
pub(in crate::http) async fn check(State(allowed): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_allowed(&allowed, host) {
        return next.run(request).await;
    }
    let message = match *allowed {
        AllowedHosts::Loopback => {
            "This gateway listens on loopback only; the Host of a request must be localhost, 127.0.0.1 or [::1]."
        }
        _ => "This gateway does not answer to the name in Host.",
    };
    error_response(StatusCode::MISDIRECTED_REQUEST, &Error::new(ErrorCode::Forbidden, message).at(None))
}

fn is_allowed(allowed: &AllowedHosts, host: &str) -> bool {
    match allowed {
        AllowedHosts::Any => true,
        AllowedHosts::Loopback => is_loopback(host),
        AllowedHosts::Named(names) => names.iter().any(|name| matches_name(host, name)),
    }
}

/// Returns whether `host` is this name. A name without a port matches every port.
fn matches_name(host: &str, name: &str) -> bool {
    let with_port = host.parse::<Authority>().ok().filter(|host| !has_port(name) && host.port().is_some());
    let host = with_port.as_ref().map_or(host, Authority::host);
    host.eq_ignore_ascii_case(name)
}

fn has_port(name: &str) -> bool {
    name.parse::<Authority>().is_ok_and(|name| name.port().is_some())
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_matches_one_of_the_allowed_names() {
        let named = |name: &str| AllowedHosts::Named(vec![name.to_owned()]);
        for (name, host, expected) in [
            ("api.example", "api.example", true),
            ("api.example", "API.example:8443", true),
            ("api.example", "api.example.evil", false),
            ("api.example", "evil.example", false),
            ("api.example", "", false),
            ("api.example:8443", "api.example:8443", true),
            ("api.example:8443", "api.example", false),
            ("[::1]", "[::1]:80", true),
        ] {
            assert_eq!(is_allowed(&named(name), host), expected, "{name} {host}");
        }
        assert!(is_allowed(&AllowedHosts::Any, "evil.example") && !is_allowed(&AllowedHosts::Loopback, "evil.example"));
    }

    #[test]
    fn only_loopback_names_and_addresses_are_loopback() {
        for good in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "LOCALHOST:1"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0:1", "[::]"]
        {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
