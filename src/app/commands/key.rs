//! `commongraph key new`: creates a service key, and prints it once with the settings that accept it.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use crate::auth::scope::{Scope, Scopes};
use crate::auth::service_key::{self, ExpiresAt, GeneratedKey, SECRET_BYTES};
use crate::config::VARIABLE_PREFIX;

const DAY: Duration = Duration::from_secs(86_400);

/// The number of random bytes of an ID that is not chosen.
const ID_BYTES: usize = 5;

/// The key to create.
pub(super) struct KeyRequest {
    /// The public ID of the key. Without one, it is random.
    pub(super) id: Option<String>,
    /// The service that uses the key.
    pub(super) service: String,
    /// The names of the key's scopes.
    pub scopes: Vec<String>,
    /// The number of days for which the key is valid.
    pub(super) days: u16,
}

/// The name and the description of every scope.
pub fn scopes() -> impl Iterator<Item = (&'static str, &'static str)> {
    Scope::ALL.into_iter().map(|scope| (scope.as_str(), scope.description()))
}

/// Creates a key, and returns the text to print: the key, and its settings as TOML and as environment variables.
///
/// # Errors
/// A sentence that names the argument and says what is expected.
pub(super) fn new(request: &KeyRequest) -> Result<String, String> {
    let mut random = [0; SECRET_BYTES + ID_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| "cannot get random bytes from the system")?;
    let (secret, id) = random.split_first_chunk().ok_or("got too few random bytes from the system")?;
    let id = request.id.clone().unwrap_or_else(|| id.iter().map(|byte| format!("{byte:02x}")).collect());
    let generated =
        service_key::generate(&id, secret).ok_or("--id: is not valid; expected 1 to 32 characters of a-z and 0-9")?;
    if !service_key::is_valid_service_name(&request.service) {
        return Err(
            "--service: is not valid; expected 1 to 64 letters, digits, dots, hyphens and underscores".to_owned()
        );
    }
    let scopes: Option<Scopes> = request.scopes.iter().map(|name| Scope::parse(name)).collect();
    let scopes = scopes
        .filter(|scopes| !scopes.is_empty())
        .ok_or("--scope: is not a scope; `commongraph key new --help` lists the scopes")?;
    let end = ExpiresAt(SystemTime::now() + DAY * u32::from(request.days.max(1)));
    Ok(text(&id, &request.service, scopes, end, &generated))
}

fn text(id: &str, service: &str, scopes: Scopes, end: ExpiresAt, generated: &GeneratedKey) -> String {
    let (toml, variables) = settings(id, service, scopes, end, generated);
    let key = generated.text.expose_secret();
    format!(
        "The key, which is shown only once. The service sends it as `Authorization: Bearer <key>`:\n\n{key}\n\n\
         The gateway's settings, which have only the digest of the key. It expires at {end}:\n\n{toml}\n\
         Or as environment variables:\n\n{variables}"
    )
}

/// The settings as TOML, and as environment variables.
fn settings(id: &str, service: &str, scopes: Scopes, end: ExpiresAt, generated: &GeneratedKey) -> (String, String) {
    let names = scopes.names();
    let mut toml = format!("[access.keys.{id}]\n");
    let mut variables = String::new();
    for (name, value, is_list) in [
        ("service", service.to_owned(), false),
        ("sha256", generated.sha256.to_string(), false),
        ("scopes", names.join(","), true),
        ("expires_at", end.to_string(), false),
    ] {
        let written = if is_list { format!("[\"{}\"]", names.join("\", \"")) } else { format!("\"{value}\"") };
        let _ = writeln!(toml, "{name} = {written}");
        let _ = writeln!(
            variables,
            "{VARIABLE_PREFIX}ACCESS__KEYS__{}__{}={value}",
            id.to_uppercase(),
            name.to_uppercase()
        );
    }
    (toml, variables)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, HashSet};

    use crate::auth::service_key::{ServiceKeys, Settings};

    use super::*;

    fn request() -> KeyRequest {
        let scopes = vec!["oneall:users:read".to_owned(), "oneall:personal".to_owned()];
        KeyRequest { id: None, service: "backend".to_owned(), scopes, days: 90 }
    }

    /// The printed lines that start with a prefix.
    fn lines<'a>(printed: &'a str, prefix: &str) -> Vec<&'a str> {
        printed.lines().filter(|line| line.starts_with(prefix)).collect()
    }

    #[test]
    fn the_printed_settings_accept_the_printed_key() {
        let printed = new(&request()).unwrap();
        let table = printed.split("[access.keys.").nth(1).unwrap().split("\n\n").next().unwrap();
        let keys: BTreeMap<String, Settings> = toml::from_str(&format!("[{table}")).unwrap();
        let now = SystemTime::now();
        let keys = ServiceKeys::from_settings(&keys, now).unwrap();
        let key = lines(&printed, "cg_")[0];
        assert_eq!(keys.verify(key, now + DAY * 89).unwrap().scopes.names(), request().scopes);
        assert!(keys.verify(key, now + DAY * 90).is_err());
        let variables = lines(&printed, "COMMONGRAPH_ACCESS__KEYS__");
        assert_eq!(variables.len(), 4, "{printed}");
        assert!(variables[2].ends_with("__SCOPES=oneall:users:read,oneall:personal"), "{printed}");
    }

    #[test]
    fn keys_are_unique_and_an_id_can_be_chosen() {
        let keys: HashSet<String> = (0..50).map(|_| lines(&new(&request()).unwrap(), "cg_")[0].to_owned()).collect();
        assert_eq!(keys.len(), 50);
        let chosen = new(&KeyRequest { id: Some("web2".to_owned()), ..request() }).unwrap();
        assert!(lines(&chosen, "cg_web2_").len() == 1 && lines(&chosen, "[access.keys.web2]").len() == 1);
    }

    #[test]
    fn an_invalid_argument_is_rejected_by_name() {
        for (invalid, prefix) in [
            (KeyRequest { id: Some("A".to_owned()), ..request() }, "--id: "),
            (KeyRequest { service: "a \"b\"".to_owned(), ..request() }, "--service: "),
            (KeyRequest { scopes: Vec::new(), ..request() }, "--scope: "),
            (KeyRequest { scopes: vec!["all".to_owned()], ..request() }, "--scope: "),
        ] {
            assert!(new(&invalid).unwrap_err().starts_with(prefix));
        }
    }
}
