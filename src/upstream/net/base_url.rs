//! Base URLs: how they are checked, and how the URL of a call is built from one.
//!
//! A path is built from segments that are escaped one by one, so no segment can change the path.

use url::Url;

/// Checks a base URL: https, or plain http to a loopback host.
///
/// # Errors
/// A sentence that says what is expected.
pub fn check_base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("{text:?} is not a URL; expected https://host[/path]"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("is not valid; expected https://host[/path] without user, password, query or fragment".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(format!("{text:?} would send credentials in plain text; http is for loopback hosts only")),
        other => Err(format!("the scheme {other:?} is not supported; expected https")),
    }
}

/// Whether a URL names a loopback host. The name is not resolved.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Returns the URL of this path and query below a base URL.
pub fn join_path(base: &Url, path: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in
            ["https://public-api.wordpress.com", "http://127.0.0.1:8080", "http://[::1]:1/x", "http://localhost"]
        {
            assert!(check_base(good).is_ok(), "{good}");
        }
        for bad in [
            "http://public-api.wordpress.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:pass@host",
            "https://host/?a=b",
            "host",
            "",
        ] {
            assert!(check_base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_segment_cannot_change_the_path() -> Result<(), String> {
        let base = check_base("https://host.example/base/")?;
        let url = join_path(&base, &["users", "../a?b#c/%2e", "x"], &[("filters", "a:b c&d")]);
        assert_eq!(url.as_str(), "https://host.example/base/users/..%2Fa%3Fb%23c%2F%252e/x?filters=a%3Ab+c%26d");
        Ok(())
    }
}
