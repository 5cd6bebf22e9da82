//! Refuses what a page in a browser could send: under a name that is not the gateway's, or from another site.
//!
//! A page can point a name it owns at 127.0.0.1 and then talk to a listener there as its own origin (DNS rebinding); its
//! requests still carry that name. So a gateway with something that lies open to whoever reaches it, the sandbox or one
//! person's own, answers to this machine's names only. One that serves others lies open to nobody: a page under any name
//! would have to have a credential, so names are held to only where some are set. A page can also make a browser send
//! a GET here that it cannot read; a browser says from where that comes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::refuse;
use super::settings::{Hosts, Origins, Settings};
use crate::graph::error::{Error, ErrorCode};

/// Whose page makes the request, as a browser tells it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Whether a page is opened or something is fetched for one.
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// What the answer is for.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Which names the gateway answers to, and whose pages may ask.
pub(super) struct Gate {
    hosts: Hosts,
    origins: Origins,
}

impl Gate {
    /// What the settings say.
    pub(super) fn of(settings: &Settings) -> Self {
        Self { hosts: settings.allowed_hosts.clone(), origins: settings.allowed_origins.clone() }
    }

    fn answers_to(&self, host: &str) -> bool {
        match &self.hosts {
            Hosts::Any => true,
            Hosts::ThisMachine => is_this_machine(host),
            Hosts::Named(names) => names.iter().any(|name| is_named(host, name)),
        }
    }
}

/// Lets a request pass if it names this gateway and comes from no other site's page but those of the named origins. A
/// preflight asks nothing of the graph; whether it is granted is decided behind this.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let host = text(request.headers(), &header::HOST);
    if !gate.answers_to(host) {
        let message = match gate.hosts {
            Hosts::ThisMachine => {
                "This gateway listens on loopback only; the Host of a request must be localhost, 127.0.0.1 or [::1]."
            }
            _ => "This gateway does not answer to the name in Host.",
        };
        return refuse(StatusCode::MISDIRECTED_REQUEST, vec![Error::new(ErrorCode::Forbidden, message).at(None)]);
    }
    let harmless = request.method() == Method::OPTIONS || opens_explorer(&request);
    if is_foreign(request.headers(), &gate.origins) && !harmless {
        let message = "A page of another site cannot use this gateway.";
        return refuse(StatusCode::FORBIDDEN, vec![Error::new(ErrorCode::Forbidden, message).at(None)]);
    }
    next.run(request).await
}

/// Whether a browser says that the request comes from a page of another site, or of another port of this machine.
fn is_foreign(headers: &HeaderMap, named: &Origins) -> bool {
    let elsewhere = matches!(text(headers, &SEC_FETCH_SITE), "cross-site" | "same-site");
    let (origin, own) = (text(headers, &header::ORIGIN), text(headers, &header::HOST));
    let is_own = origin.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && host.eq_ignore_ascii_case(own)
    });
    elsewhere && !is_own && !named.0.iter().any(|named| named == origin)
}

/// Whether a person follows a link to the explorer, which asks nothing before they do.
fn opens_explorer(request: &Request) -> bool {
    let headers = request.headers();
    let opens = text(headers, &SEC_FETCH_MODE) == "navigate" && text(headers, &SEC_FETCH_DEST) == "document";
    opens && request.method() == Method::GET && request.uri().path() == "/"
}

/// The header's text; empty if it is absent or no text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a request's `Host` is this name; a name without a port stands for all of its ports.
fn is_named(host: &str, name: &str) -> bool {
    let alone = host.parse::<Authority>().ok().filter(|host| !name_has_port(name) && host.port().is_some());
    let host = alone.as_ref().map_or(host, Authority::host);
    host.eq_ignore_ascii_case(name)
}

fn name_has_port(name: &str) -> bool {
    name.parse::<Authority>().is_ok_and(|name| name.port().is_some())
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_of_another_site_is_foreign() {
        let asks = |site: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
            is_foreign(&headers, &Origins(vec!["https://app.example".to_owned()]))
        };
        for (site, origin, foreign) in [
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
            assert_eq!(asks(site, origin), foreign, "{site} {origin:?}");
        }
        assert!(!is_foreign(&HeaderMap::new(), &Origins::default()));
    }

    #[test]
    fn a_name_is_one_of_those_that_are_set() {
        let named = |name: &str| Hosts::Named(vec![name.to_owned()]);
        let answers = |hosts: Hosts, host: &str| Gate { hosts, origins: Origins::default() }.answers_to(host);
        for (name, host, answered) in [
            ("api.example", "api.example", true),
            ("api.example", "API.example:8443", true),
            ("api.example", "api.example.evil", false),
            ("api.example", "evil.example", false),
            ("api.example", "", false),
            ("api.example:8443", "api.example:8443", true),
            ("api.example:8443", "api.example", false),
            ("[::1]", "[::1]:80", true),
        ] {
            assert_eq!(answers(named(name), host), answered, "{name} {host}");
        }
        assert!(answers(Hosts::Any, "evil.example") && !answers(Hosts::ThisMachine, "evil.example"));
    }

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
