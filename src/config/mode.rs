//! What a way of running asks of the settings beyond what every one of them does. What it refuses is one line.

use std::net::SocketAddr;
use std::path::Path;

use toml::{Table, Value};

use super::environment::{VARIABLE_PREFIX, own_variables, variable_path};
use super::error::Error;
use super::{Settings, file};

/// The settings that hold a real secret. The site's public key is none by itself, but whoever has set it means the real site.
const SECRETS: [&str; 5] =
    ["oneall.public_key", "oneall.private_key", "access.jwt.secret", "access.keys", "log.audit_key"];

/// The variables of commands that hold a person's credentials, without their prefix.
const PERSONS: [&str; 2] = ["WORDPRESS_TOKEN", "ONEALL_USER"];

/// Refuses to serve others without a way for them to say who they are.
///
/// # Errors
/// One line that names what is wanted.
pub fn check_serve(settings: &Settings) -> Result<(), Error> {
    if settings.access.is_configured() {
        return Ok(());
    }
    let line = "access: nobody could say who they are; wanted access.jwt (issuer, audience, and jwks_url, jwks_file or \
                secret) or access.keys (`commongraph key new` makes one); for yourself alone: serve --personal";
    Err(Error::new(line))
}

/// Refuses an address that others than this machine reach.
///
/// # Errors
/// One line that names the setting.
pub fn check_loopback(settings: &Settings, mode: &str) -> Result<(), Error> {
    let http = &settings.http;
    let all = [("http.listen", Some(http.listen)), ("http.metrics_listen", http.metrics_listen)];
    let is_open = |address: Option<SocketAddr>| address.is_some_and(|address| !address.ip().is_loopback());
    let Some((name, _)) = all.into_iter().find(|(_, address)| is_open(*address)) else { return Ok(()) };
    let line = format!("{name}: is not a loopback address; {mode} listens on loopback only: 127.0.0.1 or [::1]");
    Err(Error::new(&line))
}

/// Refuses to play the sandbox where real secrets are at hand: what is meant for the providers would be shown to a toy,
/// and what is thought to be real would be played.
///
/// # Errors
/// One line that names the first secret, or why the file cannot be read.
pub fn check_sandbox(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<(), Error> {
    let all: Vec<_> = environment.filter(|(_, text)| !text.is_empty()).collect();
    let of_person = |name: &str| name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| PERSONS.contains(&rest));
    if let Some((name, _)) = all.iter().find(|(name, _)| of_person(name)) {
        return Err(refuse(name));
    }
    for (name, text) in own_variables(all.into_iter()) {
        let path = variable_path(&name, &text)?.join(".");
        if SECRETS.iter().any(|secret| path == *secret || path.starts_with(&format!("{secret}."))) {
            return Err(refuse(&name));
        }
    }
    let Some(path) = file else { return Ok(()) };
    let table: Table = toml::from_str(&file::read(path)?).map_err(|_| {
        Error::new(&format!("{}: is not TOML; the sandbox must know that it holds no secret", path.display()))
    })?;
    match SECRETS.iter().find(|secret| is_set(&table, secret)) {
        Some(secret) => Err(refuse(&format!("{secret} in {}", path.display()))),
        None => Ok(()),
    }
}

fn refuse(place: &str) -> Error {
    Error::new(&format!("{place}: is set; the sandbox plays without real secrets: take it out of its environment"))
}

fn is_set(table: &Table, path: &str) -> bool {
    let mut here = Some(table);
    let mut found = None;
    for part in path.split('.') {
        found = here.and_then(|table| table.get(part));
        here = found.and_then(Value::as_table);
    }
    found.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_sandbox_refuses_each_real_secret_by_its_place() {
        let line = |name: &str| {
            let set = [(format!("{VARIABLE_PREFIX}{name}"), "canary".to_owned())];
            check_sandbox(None, set.into_iter()).unwrap_err().to_string()
        };
        for name in [
            "ONEALL__PRIVATE_KEY",
            "ONEALL__PUBLIC_KEY",
            "ACCESS__JWT__SECRET",
            "ACCESS__KEYS__A__SHA256",
            "LOG__AUDIT_KEY",
            "WORDPRESS_TOKEN",
            "ONEALL_USER",
        ] {
            let line = line(name);
            assert!(
                line.starts_with(&format!("{VARIABLE_PREFIX}{name}: is set")) && !line.contains("canary"),
                "{line}"
            );
        }
        let harmless = [("COMMONGRAPH_LISTEN", "x"), ("COMMONGRAPH_ONEALL__PRIVATE_KEY", ""), ("PATH", "x")];
        let harmless = harmless.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(check_sandbox(None, harmless.into_iter()), Ok(()));
    }

    #[test]
    fn nobody_is_served_who_cannot_say_who_they_are() {
        let mut settings = Settings::default();
        assert!(check_serve(&settings).unwrap_err().to_string().starts_with("access: "));
        settings.access.jwt.issuer = Some("https://issuer.example".to_owned());
        assert_eq!(check_serve(&settings), Ok(()));
    }

    #[test]
    fn loopback_is_held_to() {
        let mut settings = Settings::default();
        assert_eq!(check_loopback(&settings, "the sandbox"), Ok(()));
        settings.http.listen.set_ip([0, 0, 0, 0].into());
        assert!(
            check_loopback(&settings, "the sandbox")
                .unwrap_err()
                .to_string()
                .contains("the sandbox listens on loopback")
        );
        settings.http.listen.set_ip([127, 0, 0, 1].into());
        settings.http.metrics_listen = Some(([0, 0, 0, 0], 9090).into());
        let refused = check_loopback(&settings, "the sandbox").unwrap_err().to_string();
        assert!(refused.starts_with("http.metrics_listen: is not a loopback address"), "{refused}");
    }
}
