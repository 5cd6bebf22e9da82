//! Reads who asks out of a request's headers; one credential per header, no guessing.

use axum::http::{HeaderMap, HeaderName};

use crate::access::{self, Caller, OneAllActor};
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

/// Makes the caller that these headers describe.
///
/// # Errors
/// UNAUTHENTICATED, if a header is there but cannot be what it is meant to be: a broken credential is never taken for
/// a missing one.
pub(super) fn caller(headers: &HeaderMap) -> Result<Caller, Error> {
    let token = single(headers, &WORDPRESS_TOKEN, access::wordpress_token)?;
    let actor = single(headers, &ONEALL_USER, access::oneall_actor)?;
    Ok(Caller::on_loopback(token, actor.unwrap_or(OneAllActor::Site)))
}

fn single<T>(headers: &HeaderMap, name: &HeaderName, take: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(take).map(Some).ok_or_else(|| wrong(name)),
        (Some(_), Some(_)) => Err(wrong(name)),
    }
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
