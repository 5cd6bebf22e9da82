//! Refuses what a page in a browser could send by a name of its own: the `Host` must be this machine.
//!
//! A page can point a name it owns at 127.0.0.1 and then talk to this listener as its own origin (DNS rebinding); its
//! requests still carry that name.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::refuse;
use crate::graph::error::{Code, Error};

/// Lets a request pass if it names this machine.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if named.is_some_and(is_this_machine) {
        return next.run(request).await;
    }
    let message = "This gateway listens on loopback only; the Host of a request must be localhost, 127.0.0.1 or [::1].";
    refuse(StatusCode::MISDIRECTED_REQUEST, vec![Error::own(Code::Forbidden, message).at(None)])
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for good in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "LOCALHOST:1"] {
            assert!(is_this_machine(good), "{good}");
        }
        for bad in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0:1", "[::]"]
        {
            assert!(!is_this_machine(bad), "{bad}");
        }
    }
}
