//! The settings: a TOML file, then the environment, then flags. Each room owns its settings type and its defaults.
//!
//! What is wrong is told in one line: the setting, the place it was set, the fault, and what is allowed. The line never
//! holds a value, since any value may be a key that stands in the wrong place. A file means what it writes: `1.5` is no
//! whole number, `1` is not `true`, and `"5000"` is text. The environment knows text only, so there a text that reads
//! as a number or as a truth value is one where the setting wants one, and stays text where it wants text.

mod bounds;
pub mod log_filter;
pub mod mode;
mod place;
mod relaxed;
mod words;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use self::bounds::schema;
use self::place::Places;
pub use self::relaxed::relaxed;
use crate::auth::pseudonym::{self, KEY_MIN_BYTES};
use crate::http::limits;
use crate::http::persisted::Mode;
use crate::provider::{oneall, wordpress};
use crate::{auth, graph, http};

/// What the names of the gateway's environment variables begin with; `__` parts the levels behind it.
pub const VARIABLE_PREFIX: &str = "COMMONGRAPH_";

/// The variables that the command reads by itself, without their prefix; none of them is a setting.
const VARIABLES_OF_COMMAND: [&str; 4] = ["CONFIG", "LISTEN", "ONEALL_USER", "WORDPRESS_TOKEN"];

/// Where the address comes from that the caller gives.
const LISTEN_FLAG: &str = "--listen (or COMMONGRAPH_LISTEN)";

/// All settings of the gateway.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The HTTP server.
    pub http: http::Settings,
    /// Authentication.
    pub access: auth::Settings,
    /// Rate limits.
    pub limits: limits::Settings,
    /// The schema, documents and execution.
    pub graph: graph::Settings,
    /// WordPress.com.
    pub wordpress: wordpress::Settings,
    /// OneAll. It is read only if a site and both keys are set.
    pub oneall: oneall::Settings,
    /// Logging.
    pub log: LogSettings,
}

/// Logging.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The lowest level that is logged, for all targets or per target: `info`, or `warn,commongraph=debug`. A word that is
    /// not a level is refused. The audit log and the start line are always logged.
    pub filter: String,
    /// The format of a log line.
    pub format: LogFormat,
    /// The key of the pseudonyms in the audit log, at least 32 bytes. Not set: a random key for each process.
    #[schemars(with = "Option<String>")]
    pub audit_key: Option<SecretString>,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for a terminal.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::default(), audit_key: None }
    }
}

/// Why there are no settings: one line, without any value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// A control character in the name of a key, a variable or a file would tear the line.
    fn new(line: &str) -> Self {
        Self(line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.0
    }
}

/// What is wrong with which setting.
#[derive(Debug)]
struct Fault {
    key: String,
    what: String,
}

impl Fault {
    fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into() }
    }
}

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
    let text = file.map(|path| Ok((path.display().to_string(), read(path)?))).transpose()?;
    assemble(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment, listen)
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(&format!("{}: there is no such file", path.display())),
        std::io::ErrorKind::InvalidData => Error::new(&format!("{}: is not UTF-8 text", path.display())),
        _ => Error::new(&format!("{}: cannot be read: {error}", path.display())),
    })
}

fn assemble(
    file: Option<(&str, &str)>,
    environment: impl Iterator<Item = (String, String)>,
    listen: Option<SocketAddr>,
) -> Result<Settings, Error> {
    let mut places = Places::default();
    let mut table = Table::new();
    if let Some((name, text)) = file {
        table = places.read(name, text)?;
        decode(table.clone()).map_err(|fault| places.blame(fault))?;
    }
    for (name, text) in own_variables(environment) {
        let path = variable_path(&name, &text)?;
        let value =
            fit(&path, text).map_err(|fault| Error::new(&format!("{}: {}", name_in(&fault.key, &name), fault.what)))?;
        places.set(path.join("."), name);
        insert(&mut table, &path, value);
    }
    let mut settings = decode(table.clone()).map_err(|fault| places.blame(fault))?;
    bounds::check(&table).map_err(|fault| places.blame(fault))?;
    if let Some(listen) = listen {
        settings.http.listen = listen;
        places.set("http.listen".to_owned(), LISTEN_FLAG.to_owned());
    }
    check(&settings, &places).map_err(|fault| places.blame(fault))?;
    Ok(settings)
}

fn name_in(key: &str, place: &str) -> String {
    if key.is_empty() { place.to_owned() } else { format!("{key} in {place}") }
}

fn decode(table: Table) -> Result<Settings, Fault> {
    serde_path_to_error::deserialize(Value::Table(table))
        .map_err(|error| Fault::new(error.path().to_string(), words::explain(error.inner().message())))
}

/// The gateway's own variables that are set, in the order of their names.
fn own_variables(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_own =
        |name: &str| name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| !VARIABLES_OF_COMMAND.contains(&rest));
    let mut own: Vec<_> = environment.filter(|(name, text)| is_own(name) && !text.is_empty()).collect();
    own.sort();
    own
}

fn variable_path(name: &str, text: &str) -> Result<Vec<String>, Error> {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    if rest.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(Error::new(&format!("{name}: no such setting; names of variables are in capitals")));
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::new(&format!("{name}: is not UTF-8 text")));
    }
    Ok(rest.split("__").map(str::to_ascii_lowercase).collect())
}

/// Finds the value that a variable's text stands for: the first of text, number and truth value that the setting
/// takes.
fn fit(path: &[String], text: String) -> Result<Value, Fault> {
    let number = text.parse().ok().map(Value::Integer);
    let truth = text.parse().ok().map(Value::Boolean);
    let mut fault = Fault::new("", "");
    for value in [Some(Value::String(text)), number, truth].into_iter().flatten() {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match decode(alone) {
            Ok(_) => return Ok(value),
            // What is allowed is said of the text; any other kind of value is further off.
            Err(_) if words::is_choice(&fault.what) => {}
            Err(found) => fault = found,
        }
    }
    let key = path.join(".");
    if words::is_unknown(&fault.what) {
        fault.what.push_str("; two underscores part the levels");
    } else if fault.key != key {
        fault = Fault::new(key, format!("no such setting; {} has none below it", fault.key));
    }
    Err(fault)
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            table.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            if let Value::Table(inner) = table.entry(name).or_insert_with(|| Value::Table(Table::new())) {
                insert(inner, rest, value);
            }
        }
    }
}

fn check(settings: &Settings, places: &Places) -> Result<(), Fault> {
    check_http(&settings.http)?;
    if settings.graph.deadline_ms >= settings.http.timeouts.request_ms {
        return Err(Fault::new("graph.deadline_ms", "is not shorter than http.timeouts.request_ms"));
    }
    bounds::check_attempts(settings)?;
    settings.access.jwt.validate().map_err(|message| silence(&message))?;
    settings.wordpress.base().map_err(|message| silence(&message))?;
    if settings
        .wordpress
        .client_id
        .as_deref()
        .is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Fault::new("wordpress.client_id", "is no application's number; wanted digits"));
    }
    check_oneall(&settings.oneall, places)?;
    if settings.log.audit_key.as_ref().is_some_and(|key| !pseudonym::is_valid_key(key)) {
        return Err(Fault::new("log.audit_key", format!("is too short; wanted {KEY_MIN_BYTES} bytes or more")));
    }
    log_filter::parse(&settings.log.filter).map(drop).map_err(|message| Fault::new("log.filter", message))
}

fn check_http(http: &http::Settings) -> Result<(), Fault> {
    if !http.allowed_origins.are_origins() {
        let what = "names something that is no origin; wanted such as https://app.example.com, each by name, never *";
        return Err(Fault::new("http.allowed_origins", what));
    }
    if !http.allowed_headers.are_names() {
        let what = "contains a value that is not a header name; list names such as x-my-header, never *";
        return Err(Fault::new("http.allowed_headers", what));
    }
    if !http.allowed_hosts.are_hosts() {
        let what = "names something that is no host; wanted such as api.example.com, with a port or without, never *";
        return Err(Fault::new("http.allowed_hosts", what));
    }
    check_server(http)?;
    if http.trusted_documents.mode != Mode::Off && http.trusted_documents.path.is_none() {
        let what = "is missing; needed for every mode of http.trusted_documents but off";
        return Err(Fault::new("http.trusted_documents.path", what));
    }
    Ok(())
}

fn check_server(http: &http::Settings) -> Result<(), Fault> {
    // One caller's share must hold the largest body or answer, also while some others hold theirs.
    if http.limits.bodies_max_bytes / 32 < http.body_max_bytes {
        return Err(Fault::new("http.limits.bodies_max_bytes", "is less than 32 times http.body_max_bytes"));
    }
    if http.limits.unread_answers_max_bytes / 16 < http.limits.answer_max_bytes {
        let what = "is less than 16 times http.limits.answer_max_bytes";
        return Err(Fault::new("http.limits.unread_answers_max_bytes", what));
    }
    if http.drain.grace_ms > http.drain.max_ms {
        return Err(Fault::new("http.drain.max_ms", "is shorter than http.drain.grace_ms, which it includes"));
    }
    if http.trusted_proxies.networks().is_none() {
        let what = "names something that is no address and no network, or all addresses; wanted such as 10.0.0.0/8 or \
                    192.0.2.1";
        return Err(Fault::new("http.trusted_proxies", what));
    }
    match (&http.tls.certificate_file, &http.tls.private_key_file) {
        (Some(_), None) => Err(Fault::new("http.tls.private_key_file", "is missing; needed beside the certificate")),
        (None, Some(_)) => Err(Fault::new("http.tls.certificate_file", "is missing; needed beside the private key")),
        _ => Ok(()),
    }
}

/// OneAll is set whole or not at all, so that a misspelt half is not taken for the wish to do without it.
fn check_oneall(settings: &oneall::Settings, places: &Places) -> Result<(), Fault> {
    let site = settings.subdomain.as_ref().map(|_| "subdomain").or(settings.base_url.as_ref().map(|_| "base_url"));
    let public_key = settings.public_key.as_ref().map(|_| "public_key");
    let private_key = settings.private_key.as_ref().map(|_| "private_key");
    let parts = [("subdomain", site), ("public_key", public_key), ("private_key", private_key)];
    let Some(set) = parts.iter().find_map(|(_, set)| *set) else { return Ok(()) };
    if let Some((missing, _)) = parts.iter().find(|(_, set)| set.is_none()) {
        let because = places.name(&format!("oneall.{set}"));
        let or = if *missing == "subdomain" { " (or oneall.base_url)" } else { "" };
        return Err(Fault::new(format!("oneall.{missing}{or}"), format!("is missing; needed beside {because}")));
    }
    for (name, key) in [("public_key", &settings.public_key), ("private_key", &settings.private_key)] {
        if !key.as_ref().is_some_and(is_key) {
            return Err(Fault::new(
                format!("oneall.{name}"),
                "is not a key; wanted one word of letters, digits and hyphens",
            ));
        }
    }
    settings.base().map(|_| ()).map_err(|message| silence(&message))
}

/// White space or a line end around a key, as `$(cat …)` and copying leave it, would be refused by OneAll only later.
fn is_key(key: &SecretString) -> bool {
    let key = key.expose_secret();
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Takes a room's sentence apart, `setting: what is wrong`, and takes out what it quotes from the value.
fn silence(message: &str) -> Fault {
    let (key, what) = message.split_once(": ").unwrap_or(("", message));
    match (what.find('"'), what.rfind('"')) {
        (Some(from), Some(to)) if from < to => Fault::new(key, format!("{}\"…\"{}", &what[..from], &what[to + 1..])),
        _ => Fault::new(key, what),
    }
}
