//! `[access.jwt]`: the issuer of JWTs, and the validation of its settings.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

/// The minimum length of a shared secret, in bytes: the length of the hash (RFC 7518, section 3.2).
const SECRET_MIN_BYTES: usize = 32;

/// The maximum length of a setting, in bytes.
const TEXT_MAX_BYTES: usize = 1_024;

/// The JWTs of persons. Without these settings, no JWT is accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The exact value of the `iss` claim.
    pub issuer: Option<String>,
    /// The value that the `aud` claim must be or contain.
    pub audience: Option<String>,
    /// The secret for HS256, at least 32 bytes. Set one of `secret`, `jwks_file` and `jwks_url`.
    #[schemars(with = "Option<String>")]
    pub secret: Option<SecretString>,
    /// A file with the key set (JWKS) of the issuer.
    pub jwks_file: Option<PathBuf>,
    /// The URL of the key set (JWKS) of the issuer.
    pub jwks_url: Option<String>,
    /// The claim that holds the person's OneAll user token.
    pub oneall_user_claim: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            secret: None,
            jwks_file: None,
            jwks_url: None,
            oneall_user_claim: "https://commongraph/oneall_user_token".to_owned(),
        }
    }
}

impl Settings {
    /// Returns whether any of the settings is set.
    pub fn is_set(&self) -> bool {
        self.issuer.is_some() || self.audience.is_some() || !self.key_settings().is_empty()
    }

    /// Validates the settings. Reads no file and calls no host.
    ///
    /// # Errors
    /// One line: the setting, and what is expected.
    pub fn validate(&self) -> Result<(), String> {
        if !is_text(&self.oneall_user_claim) {
            return Err(
                "access.jwt.oneall_user_claim: is not valid; expected the name of a claim, without spaces".to_owned()
            );
        }
        if !self.is_set() {
            return Ok(());
        }
        for (name, value) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            match value {
                None => return Err(format!("access.jwt.{name}: is required; issuer and audience are always checked")),
                Some(value) if !is_text(value) => {
                    return Err(format!(
                        "access.jwt.{name}: is not valid; expected a text without spaces, exactly as in the tokens"
                    ));
                }
                Some(_) => {}
            }
        }
        match *self.key_settings() {
            ["secret"] => self.validate_secret(),
            ["jwks_url"] => self.parse_jwks_url().map(|_| ()),
            [_] => Ok(()),
            [] => Err("access.jwt.jwks_url: is required, or jwks_file, or secret".to_owned()),
            [first, second, ..] => {
                Err(format!("access.jwt.{second}: is not allowed together with {first}; remove one of them"))
            }
        }
    }

    /// Returns the names of the settings that are set and give keys.
    fn key_settings(&self) -> Vec<&'static str> {
        let secret = self.secret.as_ref().map(|_| "secret");
        let file = self.jwks_file.as_ref().map(|_| "jwks_file");
        let url = self.jwks_url.as_ref().map(|_| "jwks_url");
        [secret, file, url].into_iter().flatten().collect()
    }

    fn validate_secret(&self) -> Result<(), String> {
        let secret = self.secret.as_ref().map_or("", |secret| secret.expose_secret());
        // Copying can add white space at the ends, and then no signature is valid.
        if secret.len() < SECRET_MIN_BYTES || secret.trim() != secret {
            return Err("access.jwt.secret: is not valid; expected 32 bytes or more, without white space at the ends"
                .to_owned());
        }
        Ok(())
    }

    /// Parses the URL of the key set: https, or http on loopback.
    pub(super) fn parse_jwks_url(&self) -> Result<Url, String> {
        const EXPECTED: &str = "access.jwt.jwks_url: is not valid; expected https://host/path without user, password or \
                              fragment; http is allowed for loopback hosts only";
        let url = self.jwks_url.as_deref().filter(|text| is_text(text)).and_then(|text| Url::parse(text).ok());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
            .ok_or(EXPECTED.to_owned())
    }
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_MAX_BYTES).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
