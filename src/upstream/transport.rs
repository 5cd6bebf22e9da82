//! The wire: one HTTP call by reqwest, its body counted while it is read.
//!
//! reqwest's own settings allow redirects, proxies from the environment and endless time and bodies; here each is set.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use secrecy::ExposeSecret;
use url::Url;

use super::{Credential, Error, Reply, Settings};

/// The longest wait that is believed; a host that asks for more is asked again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Makes the pooled client of one host.
pub(super) fn build(base: &Url, settings: &Settings) -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("commongraph/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(base.scheme() == "https")
        .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .pool_max_idle_per_host(settings.concurrent_max)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| format!("the HTTP client cannot be made: {}", error.without_url()))
}

/// Sends one GET and reads the whole answer.
pub(super) async fn get(
    client: &Client,
    mut url: Url,
    credential: Credential<'_>,
    body_max: usize,
) -> Result<Reply, Error> {
    if let Credential::Parameter(name, secret) = credential {
        url.query_pairs_mut().append_pair(name, secret.expose_secret());
    }
    let mut request = client.get(url).header(ACCEPT, "application/json");
    if let Some(shown) = show(credential)? {
        request = request.header(AUTHORIZATION, shown);
    }
    let response = request.send().await.map_err(|error| classify(&error))?;
    let status = response.status().as_u16();
    let content_type = media_type(response.headers());
    let retry_after = retry_after(response.headers());
    let body = read_body(response, body_max).await?;
    Ok(Reply { status, content_type, retry_after, body })
}

async fn read_body(mut response: Response, body_max: usize) -> Result<Bytes, Error> {
    if response.content_length().is_some_and(|length| length > body_max as u64) {
        return Err(Error::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > body_max {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The credential as a header, if that is where it is shown.
fn show(credential: Credential<'_>) -> Result<Option<HeaderValue>, Error> {
    use base64::Engine;
    let text = match credential {
        Credential::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        Credential::Basic(name, password) => {
            let pair = format!("{}:{}", name.expose_secret(), password.expose_secret());
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
        Credential::Parameter(..) | Credential::Nothing => return Ok(None),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| Error::Unreachable)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn classify(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        Error::TimedOut
    } else if error.is_connect() || error.is_builder() {
        Error::Unreachable
    } else {
        Error::Broken
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads `Retry-After` in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let moment = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
            (moment.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers)
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_absurd() {
        assert_eq!(waits("2"), Some(Duration::from_secs(2)));
        assert_eq!(waits("999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(waits("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        assert_eq!(waits("Tue, 31 Dec 2199 23:59:59 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("-1"), None);
    }
}
