//! Reads who asks out of a request's headers; one credential per header, no guessing.

use axum::http::{HeaderMap, HeaderName};
use secrecy::SecretString;

use crate::access::{Caller, OneAllActor};
use crate::graph::error::{Code, Error};

/// Carries the person's OAuth token for WordPress.com, passed on to it and kept nowhere.
const WORDPRESS_TOKEN: HeaderName = HeaderName::from_static("x-wordpress-token");

/// Names the person's user at OneAll; the request is then answered with what is theirs and nothing else of the site.
/// `none` stands for a person who has no account there; without the header the request acts for the site as a whole.
const ONEALL_USER: HeaderName = HeaderName::from_static("x-oneall-user");

/// The request headers on which an answer depends.
pub(super) const VARY: &str = "Accept, Origin, X-WordPress-Token, X-OneAll-User, X-Commongraph-Cost";

/// The headers by which a request says who asks.
pub(super) const HEADERS: [HeaderName; 2] = [WORDPRESS_TOKEN, ONEALL_USER];

/// The longest token taken, in bytes; WordPress.com's have 64.
const TOKEN_LENGTH_MAX: usize = 1_024;

/// The longest user token taken, in bytes; OneAll's have 36.
const USER_LENGTH_MAX: usize = 128;

/// Makes the caller that these headers describe.
///
/// # Errors
/// UNAUTHENTICATED, if a header is there but cannot be what it is meant to be: a broken credential is never taken for
/// a missing one.
pub(super) fn caller(headers: &HeaderMap) -> Result<Caller, Error> {
    let token = single(headers, &WORDPRESS_TOKEN, TOKEN_LENGTH_MAX, |b| b.is_ascii_graphic())?;
    let user = single(headers, &ONEALL_USER, USER_LENGTH_MAX, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')?;
    Ok(Caller::on_loopback(token.map(SecretString::from), actor(user)))
}

/// For whom a request acts at OneAll, from what it says of it.
pub(crate) fn actor(user: Option<String>) -> OneAllActor {
    match user.as_deref() {
        None => OneAllActor::Site,
        Some("none") => OneAllActor::Nobody,
        Some(user) => OneAllActor::User(user.to_owned()),
    }
}

fn single(
    headers: &HeaderMap,
    name: &HeaderName,
    length_max: usize,
    plain: impl Fn(u8) -> bool,
) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(name) { Err(wrong(name)) } else { Ok(None) };
    };
    let text = value.to_str().map_err(|_| wrong(name))?;
    let fits = (1..=length_max).contains(&text.len()) && text.bytes().all(plain);
    if fits { Ok(Some(text.to_owned())) } else { Err(wrong(name)) }
}

fn wrong(name: &HeaderName) -> Error {
    let message = format!("The header {name} does not hold what it should: one token, without spaces or a scheme.");
    Error::own(Code::Unauthenticated, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ONEALL_USER, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_broken_credential_is_not_taken_for_a_missing_one() {
        assert_eq!(caller(&headers(&[])).unwrap().oneall().user(), None);
        assert_eq!(caller(&headers(&["ada"])).unwrap().oneall().user(), Some("ada"));
        assert!(!caller(&headers(&["none"])).unwrap().oneall().reaches_anything());
        for bad in [vec![""], vec!["a b"], vec!["../x"], vec!["ada", "ben"]] {
            assert_eq!(caller(&headers(&bad)).unwrap_err().code, Code::Unauthenticated, "{bad:?}");
        }
    }
}
