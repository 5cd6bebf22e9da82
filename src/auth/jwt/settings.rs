//! `[access.jwt]`: whose tokens are taken, and what of the settings is refused.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

/// The least length of a shared secret, in bytes: as many as the hash has.
const SECRET_LENGTH_MIN: usize = 32;

/// The longest text of a setting, in bytes.
const TEXT_LENGTH_MAX: usize = 1_024;

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
    /// Whether anything says whose tokens are taken.
    pub fn is_set(&self) -> bool {
        self.issuer.is_some() || self.audience.is_some() || !self.families().is_empty()
    }

    /// Says what is wrong with these, if anything is. Reads no file and asks no host.
    ///
    /// # Errors
    /// One line: the setting, and what is wanted.
    pub fn check(&self) -> Result<(), String> {
        if !is_text(&self.oneall_user_claim) {
            return Err("access.jwt.oneall_user_claim: wanted the name of a claim, without spaces".to_owned());
        }
        if !self.is_set() {
            return Ok(());
        }
        for (name, value) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            match value {
                None => return Err(format!("access.jwt.{name}: is missing; issuer and audience are always checked")),
                Some(value) if !is_text(value) => {
                    return Err(format!("access.jwt.{name}: wanted one text without spaces, as the tokens have it"));
                }
                Some(_) => {}
            }
        }
        match *self.families() {
            ["secret"] => self.check_secret(),
            ["jwks_url"] => self.url().map(|_| ()),
            [_] => Ok(()),
            [] => {
                Err("access.jwt.jwks_url: is missing; or jwks_file, or secret, for tokens to be checked with"
                    .to_owned())
            }
            [first, second, ..] => Err(format!("access.jwt.{second}: stands beside {first}; only one of them can be")),
        }
    }

    /// The settings that say what signatures are checked with.
    fn families(&self) -> Vec<&'static str> {
        let secret = self.secret.as_ref().map(|_| "secret");
        let file = self.jwks_file.as_ref().map(|_| "jwks_file");
        let url = self.jwks_url.as_ref().map(|_| "jwks_url");
        [secret, file, url].into_iter().flatten().collect()
    }

    fn check_secret(&self) -> Result<(), String> {
        let secret = self.secret.as_ref().map_or("", |secret| secret.expose_secret());
        // Copying and `$(cat …)` leave white space at the ends, and then every signature is bad.
        if secret.len() < SECRET_LENGTH_MIN || secret.trim() != secret {
            return Err("access.jwt.secret: wanted 32 bytes or more, without white space around them".to_owned());
        }
        Ok(())
    }

    /// Where the key set is.
    pub(super) fn url(&self) -> Result<Url, String> {
        const WANTED: &str = "access.jwt.jwks_url: wanted https://host/path without user, password or fragment; plain \
                              http is for loopback hosts only";
        let url = self.jwks_url.as_deref().filter(|text| is_text(text)).and_then(|text| Url::parse(text).ok());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
            .ok_or(WANTED.to_owned())
    }
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_LENGTH_MAX).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
