//! The settings: a TOML file, then the environment, then flags. Each module owns its settings type and its defaults.
//!
//! What is wrong is told in one line: the setting, the place it was set, the fault, and what is allowed. The line never
//! holds a value, since any value may be a key that stands in the wrong place. A file means what it writes: `1.5` is no
//! whole number, `1` is not `true`, and `"5000"` is text. The environment knows text only, so there a text that reads
//! as a number or as a truth value is one where the setting wants one, and stays text where it wants text.

mod bounds;
mod consistency;
mod environment;
mod error;
mod error_text;
mod file;
pub mod log_filter;
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
pub use self::environment::VARIABLE_PREFIX;
pub use self::error::Error;
use self::error::{InvalidSetting, with_source};
use self::provenance::SourceMap;
pub use self::relaxed::relaxed;
pub use self::settings::{LogFormat, LogSettings, Settings};

/// Where the address comes from that the caller gives.
const LISTEN_FLAG: &str = "--listen (or COMMONGRAPH_LISTEN)";

/// Reads the settings: `file`, over it the variables of `environment` that are the gateway's and not empty, over both
/// the address `listen`. What none of them sets has the default of its room.
///
/// # Errors
/// One line about the first thing that is wrong, in the file, in the environment, or in what both give together.
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
