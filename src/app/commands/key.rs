//! `commongraph key new`: makes a service key and prints it once, with the settings that let it in.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use crate::auth::scope::{Scope, Scopes};
use crate::auth::service_key::{self, ExpiresAt, GeneratedKey, SECRET_BYTES};
use crate::config::VARIABLE_PREFIX;

const DAY: Duration = Duration::from_secs(86_400);

/// The random bytes behind an ID that nobody chose.
const ID_BYTES: usize = 5;

/// What key is wanted.
pub struct KeyRequest {
    /// Its ID; unless it is given, a random one.
    pub id: Option<String>,
    /// Whose it is to be.
    pub service: String,
    /// The names of its scopes.
    pub scopes: Vec<String>,
    /// How many days it is to be good for.
    pub days: u16,
}

/// Every scope's name and meaning.
pub fn scopes() -> impl Iterator<Item = (&'static str, &'static str)> {
    Scope::ALL.into_iter().map(|scope| (scope.as_str(), scope.description()))
}

/// Makes a key and returns what to print: its text, and the settings as TOML and as environment variables.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn new(request: &KeyRequest) -> Result<String, String> {
    let mut random = [0; SECRET_BYTES + ID_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| "the system gives no random bytes")?;
    let (secret, id) = random.split_first_chunk().ok_or("the system gives too few random bytes")?;
    let id = request.id.clone().unwrap_or_else(|| id.iter().map(|byte| format!("{byte:02x}")).collect());
    let fresh = service_key::generate(&id, secret).ok_or("--id: wanted 1 to 32 of a-z and 0-9")?;
    if !service_key::is_valid_service_name(&request.service) {
        return Err("--service: wanted 1 to 64 letters, digits, dots, hyphens and _".to_owned());
    }
    let named: Option<Scopes> = request.scopes.iter().map(|name| Scope::parse(name)).collect();
    let scopes = named.filter(|scopes| !scopes.is_empty()).ok_or("--scope: wanted the name of a scope; see --help")?;
    let end = ExpiresAt(SystemTime::now() + DAY * u32::from(request.days.max(1)));
    Ok(text(&id, &request.service, scopes, end, &fresh))
}

fn text(id: &str, service: &str, scopes: Scopes, end: ExpiresAt, fresh: &GeneratedKey) -> String {
    let (toml, variables) = settings(id, service, scopes, end, fresh);
    let key = fresh.text.expose_secret();
    format!(
        "The key, shown this once; the service sends it as `Authorization: Bearer <key>`:\n\n{key}\n\n\
         The gateway's settings, which hold only its digest; it is good until {end}:\n\n{toml}\n\
         or in the environment:\n\n{variables}"
    )
}

/// The settings as TOML, and as environment variables.
fn settings(id: &str, service: &str, scopes: Scopes, end: ExpiresAt, fresh: &GeneratedKey) -> (String, String) {
    let names = scopes.names();
    let (mut toml, mut variables) = (format!("[access.keys.{id}]\n"), String::new());
    for (name, value, is_list) in [
        ("service", service.to_owned(), false),
        ("sha256", fresh.sha256.to_string(), false),
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

    /// The lines of a part of what is printed, by its beginning.
    fn lines<'a>(printed: &'a str, begin: &str) -> Vec<&'a str> {
        printed.lines().filter(|line| line.starts_with(begin)).collect()
    }

    #[test]
    fn the_settings_printed_let_the_key_in_that_is_printed() {
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
    fn no_two_keys_are_alike_and_an_id_can_be_chosen() {
        let keys: HashSet<String> = (0..50).map(|_| lines(&new(&request()).unwrap(), "cg_")[0].to_owned()).collect();
        assert_eq!(keys.len(), 50);
        let chosen = new(&KeyRequest { id: Some("web2".to_owned()), ..request() }).unwrap();
        assert!(lines(&chosen, "cg_web2_").len() == 1 && lines(&chosen, "[access.keys.web2]").len() == 1);
    }

    #[test]
    fn what_is_wished_wrongly_is_told() {
        for (wrong, begin) in [
            (KeyRequest { id: Some("A".to_owned()), ..request() }, "--id: "),
            (KeyRequest { service: "a \"b\"".to_owned(), ..request() }, "--service: "),
            (KeyRequest { scopes: Vec::new(), ..request() }, "--scope: "),
            (KeyRequest { scopes: vec!["all".to_owned()], ..request() }, "--scope: "),
        ] {
            assert!(new(&wrong).unwrap_err().starts_with(begin));
        }
    }
}
