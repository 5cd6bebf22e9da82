//! The settings: a TOML file, overridden by environment variables, overridden by flags.
//!
//! Each module has its own settings type, with its defaults and ranges. This module reads all of them, and checks what
//! the types do not. An invalid setting is reported in one line: the setting, its source, what is wrong, and what is
//! allowed. The line never contains a value, because any value may be a secret that is set in the wrong place.
//!
//! A file has types: `1.5` is not a whole number, `1` is not `true`, and `"5000"` is text. The environment has only
//! text, see `environment`.

mod bounds;
mod consistency;
mod environment;
mod error;
mod error_text;
mod file;
pub(crate) mod log_filter;
pub mod mode;
mod provenance;
mod relaxed;
mod settings;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;

use toml::Table;

pub use self::bounds::schema;
pub(crate) use self::environment::VARIABLE_PREFIX;
pub use self::error::Error;
use self::error::{InvalidSetting, with_source};
use self::provenance::SourceMap;
pub(crate) use self::relaxed::relaxed;
pub use self::settings::{LogFormat, LogSettings, Settings};

/// The source of the address that a command passes to [`load`].
const LISTEN_FLAG: &str = "--listen (or COMMONGRAPH_LISTEN)";

/// Loads the settings. Variables of `environment` override `file`, and `listen` overrides both. Empty variables count
/// as unset. A setting without a source has its default.
///
/// # Errors
/// One line about the first invalid setting, in the file, in the environment, or in the combination of both.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    listen: Option<SocketAddr>,
) -> Result<Settings, Error> {
    let text = file.map(|path| Ok((path.display().to_string(), file::read(path)?))).transpose()?;
    assemble(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment, listen)
}

fn assemble(
    file: Option<(&str, &str)>,
    environment: impl Iterator<Item = (String, String)>,
    listen: Option<SocketAddr>,
) -> Result<Settings, Error> {
    let mut sources = SourceMap::default();
    let mut table = Table::new();
    if let Some((name, text)) = file {
        table = file::parse(name, text, &mut sources)?;
        Settings::decode(table.clone()).map_err(|invalid| sources.error(invalid))?;
    }
    for (name, text) in environment::own_variables(environment) {
        let path = environment::variable_path(&name, &text)?;
        let error =
            |invalid: InvalidSetting| Error::new(&format!("{}: {}", with_source(&invalid.key, &name), invalid.problem));
        let value = environment::parse_value(&path, text).map_err(error)?;
        sources.set(path.join("."), name);
        environment::insert(&mut table, &path, value);
    }
    let mut settings = Settings::decode(table.clone()).map_err(|invalid| sources.error(invalid))?;
    bounds::check(&table).map_err(|invalid| sources.error(invalid))?;
    if let Some(listen) = listen {
        settings.http.listen = listen;
        sources.set("http.listen".to_owned(), LISTEN_FLAG.to_owned());
    }
    consistency::check(&settings, &sources).map_err(|invalid| sources.error(invalid))?;
    Ok(settings)
}
