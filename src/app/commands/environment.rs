//! The environment variables of the commands, and the settings that are loaded with them.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::arguments::{Credentials, Source, Token};
use crate::config::{self, Settings};

impl Source {
    /// The settings file that the flag or the environment names.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(config_file)
    }
}

impl Token {
    /// The WordPress.com token that the flag or the environment gives.
    pub(super) fn read(&self) -> Result<Option<String>, String> {
        match &self.wordpress_token {
            Some(token) => Ok(Some(token.clone())),
            None => variable("COMMONGRAPH_WORDPRESS_TOKEN"),
        }
    }
}

impl Credentials {
    /// The OneAll user that the flag or the environment gives.
    pub(super) fn oneall_user(&self) -> Result<Option<String>, String> {
        match &self.oneall_user {
            Some(user) => Ok(Some(user.clone())),
            None => variable("COMMONGRAPH_ONEALL_USER"),
        }
    }
}

/// Loads the settings from the file, the environment and the flag `--listen`.
pub(super) fn load(source: &Source, listen: Option<SocketAddr>) -> Result<Settings, String> {
    let listen = listen_address(listen)?;
    Ok(config::load(source.file().as_deref(), variables(), listen)?)
}

/// The settings file that the environment names.
pub(super) fn config_file() -> Option<PathBuf> {
    std::env::var_os("COMMONGRAPH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The address to listen on: the flag, or else the environment variable.
pub(super) fn listen_address(flag: Option<SocketAddr>) -> Result<Option<SocketAddr>, String> {
    if flag.is_some() {
        return Ok(flag);
    }
    let wrong = |_| "COMMONGRAPH_LISTEN: is not an address; expected an IP address and a port, such as 127.0.0.1:8080";
    Ok(variable("COMMONGRAPH_LISTEN")?.map(|text| text.parse().map_err(wrong)).transpose()?)
}

/// The value of a variable. An empty variable counts as unset.
pub(super) fn variable(name: &str) -> Result<Option<String>, String> {
    let value = std::env::var_os(name).filter(|text| !text.is_empty());
    value.map(|text| text.into_string().map_err(|_| format!("{name}: is not UTF-8 text"))).transpose()
}

/// All variables. A value that is not UTF-8 becomes replacement characters, which the settings reject by name.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
