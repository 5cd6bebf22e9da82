//! Checks of the settings that depend on how the gateway runs: for all callers, for one user, or with a sandbox.

use std::net::SocketAddr;
use std::path::Path;

use toml::{Table, Value};

use super::environment::{VARIABLE_PREFIX, own_variables, variable_path};
use super::error::Error;
use super::{Settings, file};

/// The settings that are secret. The site's public key is not, but where it is set, the real site is meant.
const SECRETS: [&str; 5] =
    ["oneall.public_key", "oneall.private_key", "access.jwt.secret", "access.keys", "log.audit_key"];

/// The variables with a person's credentials, without their prefix.
const CREDENTIALS: [&str; 2] = ["WORDPRESS_TOKEN", "ONEALL_USER"];

/// Requires that callers can authenticate, as `serve` does without `--personal`.
///
/// # Errors
/// One line that names the settings that are required.
pub fn check_serve(settings: &Settings) -> Result<(), Error> {
    if settings.access.is_configured() {
        return Ok(());
    }
    let line = "access: no caller could authenticate; set access.jwt (issuer, audience, and jwks_url, jwks_file or \
                secret) or access.keys (`commongraph key new` creates a key), or use serve --personal for one user";
    Err(Error::new(line))
}

/// Requires addresses that only this machine can reach.
///
/// # Errors
/// One line that names the setting.
pub(crate) fn check_loopback(settings: &Settings, mode: &str) -> Result<(), Error> {
    let http = &settings.http;
    let all = [("http.listen", Some(http.listen)), ("http.metrics_listen", http.metrics_listen)];
    let is_open = |address: Option<SocketAddr>| address.is_some_and(|address| !address.ip().is_loopback());
    let Some((name, _)) = all.into_iter().find(|(_, address)| is_open(*address)) else { return Ok(()) };
    let line = format!("{name}: is not a loopback address; {mode} listens on loopback only: 127.0.0.1 or [::1]");
    Err(Error::new(&line))
}

/// Requires that no real secret is set. The sandbox would receive requests that are meant for a real provider, and its
/// responses could be taken for real ones.
///
/// # Errors
/// One line that names the first secret, or why the file cannot be read.
pub(crate) fn check_sandbox(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), Error> {
    let all: Vec<_> = environment.filter(|(_, text)| !text.is_empty()).collect();
    let of_person = |name: &str| name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| CREDENTIALS.contains(&rest));
    if let Some((name, _)) = all.iter().find(|(name, _)| of_person(name)) {
        return Err(secret_error(name));
    }
    for (name, text) in own_variables(all.into_iter()) {
        let path = variable_path(&name, &text)?.join(".");
        if SECRETS.iter().any(|secret| path == *secret || path.starts_with(&format!("{secret}."))) {
            return Err(secret_error(&name));
        }
    }
    let Some(path) = file else { return Ok(()) };
    let table: Table = toml::from_str(&file::read(path)?).map_err(|_| {
        Error::new(&format!("{}: is not TOML; the sandbox starts only if the file has no secrets", path.display()))
    })?;
    match SECRETS.iter().find(|secret| is_set(&table, secret)) {
        Some(secret) => Err(secret_error(&format!("{secret} in {}", path.display()))),
        None => Ok(()),
    }
}

fn secret_error(source: &str) -> Error {
    Error::new(&format!("{source}: is set; the sandbox does not start where real secrets are set: unset it"))
}

fn is_set(table: &Table, path: &str) -> bool {
    let mut table = Some(table);
    let mut value = None;
    for part in path.split('.') {
        value = table.and_then(|table| table.get(part));
        table = value.and_then(Value::as_table);
    }
    value.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_sandbox_rejects_each_real_secret_by_its_source() {
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
    fn serve_requires_a_way_to_authenticate() {
        let mut settings = Settings::default();
        assert!(check_serve(&settings).unwrap_err().to_string().starts_with("access: "));
        settings.access.jwt.issuer = Some("https://issuer.example".to_owned());
        assert_eq!(check_serve(&settings), Ok(()));
    }

    #[test]
    fn a_loopback_mode_rejects_other_addresses() {
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
