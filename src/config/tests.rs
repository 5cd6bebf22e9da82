//! Invalid settings and the exact line that reports each, then valid settings and which source overrides which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod values;

use std::iter::empty;

use secrecy::ExposeSecret;

use super::*;
use crate::{http, provider::wordpress};

/// The text of a file, and the line that reports its error. `F` is the name of the file.
const INVALID_FILES: [(&str, &str); 84] = [
    // Names.
    ("htpp = 1", "htpp in F:1: no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log"),
    (
        "[http]\nport = 1",
        "http.port in F:2: no such setting; allowed here: listen, metrics_listen, body_max_bytes, explorer, profile, allowed_hosts, allowed_origins, allowed_headers, batch_max, persisted_max, persisted_max_bytes, \
          trusted_documents, trusted_proxies, limits, timeouts, drain, tls",
    ),
    (
        "\n[oneall]\npublick_key = 'SECRET'",
        "oneall.publick_key in F:3: no such setting; allowed here: subdomain, base_url, public_key, private_key, \
         upstream, cache, fresh",
    ),
    (
        "wordpress.base_ulr = 'SECRET'",
        "wordpress.base_ulr in F:1: no such setting; allowed here: base_url, keyring_api, client_id, upstream, \
         concurrent_per_token_max, cache, fresh",
    ),
    (
        "[wordpress.upstream]\ntimeout = 1",
        "wordpress.upstream.timeout in F:2: no such setting; allowed here: connect_timeout_ms, read_timeout_ms, \
         attempt_timeout_ms, write_timeout_ms, timeout_ms, body_max_bytes, concurrent_max, waiting_max, \
         calls_per_second_max, calls_burst_max, retries_max, breaker_calls_min",
    ),
    (
        "[graph]\nx = 1",
        "graph.x in F:2: no such setting; allowed here: introspection, suggestions, documents_max_bytes, limits, deadline_ms",
    ),
    ("[log]\nlevel = 'info'", "log.level in F:2: no such setting; allowed here: filter, format, audit_key"),
    ("\"a\\nb\" = 1", "a b in F:1: no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log"),
    (
        "\u{FEFF}[http]\r\nport = 1",
        "http.port in F:2: no such setting; allowed here: listen, metrics_listen, body_max_bytes, explorer, profile, allowed_hosts, allowed_origins, allowed_headers, batch_max, persisted_max, persisted_max_bytes, \
          trusted_documents, trusted_proxies, limits, timeouts, drain, tls",
    ),
    // Types.
    ("http = 3", "http in F:1: is a whole number; expected a table"),
    (
        "[http]\nlisten = 8080",
        "http.listen in F:2: is a whole number; expected an IP address and a port, such as 127.0.0.1:8080",
    ),
    ("[http]\nexplorer = 1", "http.explorer in F:2: is a whole number; expected true or false"),
    ("[http]\nexplorer = 'true'", "http.explorer in F:2: is text; expected true or false"),
    (
        "[wordpress.upstream]\ntimeout_ms = '5000'",
        "wordpress.upstream.timeout_ms in F:2: is text; expected a whole number",
    ),
    (
        "[wordpress.upstream]\ntimeout_ms = 1.5",
        "wordpress.upstream.timeout_ms in F:2: is a fraction; expected a whole number",
    ),
    (
        "[wordpress.upstream.timeout_ms]\nx = 1",
        "wordpress.upstream.timeout_ms in F:1: is a table; expected a whole number",
    ),
    ("[oneall]\nprivate_key = 987654321", "oneall.private_key in F:2: is a whole number; expected text"),
    (
        "[oneall]\nprivate_key = ['SECRET']",
        "oneall.private_key in F:2: is a list; only http.allowed_origins, http.allowed_headers, http.allowed_hosts, http.trusted_proxies and a key's scopes take one",
    ),
    ("[wordpress]\nkeyring_api = 'SECRET'", "wordpress.keyring_api in F:2: is not allowed; allowed values: v1.1, v2"),
    ("[wordpress]\nkeyring_api = 2", "wordpress.keyring_api in F:2: is not valid; expected text"),
    ("[log]\nformat = 'xml'", "log.format in F:2: is not allowed; allowed values: human, json"),
    (
        "oneall = ['SECRET']",
        "oneall in F:1: is a list; only http.allowed_origins, http.allowed_headers, http.allowed_hosts, http.trusted_proxies and a key's scopes take one",
    ),
    (
        "[[log]]",
        "log in F:1: is a list; only http.allowed_origins, http.allowed_headers, http.allowed_hosts, http.trusted_proxies and a key's scopes take one",
    ),
    // Ranges.
    (
        "[limits]\nuser_requests_per_minute = 0",
        "limits.user_requests_per_minute in F:2: out of range; allowed: 1 to 10000000",
    ),
    ("[limits]\nkeys_max = 999", "limits.keys_max in F:2: out of range; allowed: 1000 to 10000000"),
    (
        "[limits]\nfailures_per_minute = 10000001",
        "limits.failures_per_minute in F:2: out of range; allowed: 1 to 10000000",
    ),
    ("[log]\naudit_key = 'SECRET'", "log.audit_key in F:2: is too short; expected 32 bytes or more"),
    (
        "[wordpress.upstream]\ntimeout_ms = 0",
        "wordpress.upstream.timeout_ms in F:2: out of range; allowed: 1 to 600000",
    ),
    (
        "[wordpress.upstream]\ntimeout_ms = -5",
        "wordpress.upstream.timeout_ms in F:2: out of range; expected a whole number, 0 or more",
    ),
    (
        "oneall.upstream.connect_timeout_ms = 0",
        "oneall.upstream.connect_timeout_ms in F:1: out of range; allowed: 1 to 60000",
    ),
    (
        "oneall.upstream.body_max_bytes = 0",
        "oneall.upstream.body_max_bytes in F:1: out of range; allowed: 1 to 268435456",
    ),
    ("oneall.upstream.concurrent_max = 0", "oneall.upstream.concurrent_max in F:1: out of range; allowed: 1 to 10000"),
    (
        "oneall.upstream.concurrent_max = 9223372036854775807",
        "oneall.upstream.concurrent_max in F:1: out of range; allowed: 1 to 10000",
    ),
    ("oneall.upstream.retries_max = 6", "oneall.upstream.retries_max in F:1: out of range; allowed: 0 to 5"),
    ("oneall.upstream.waiting_max = 0", "oneall.upstream.waiting_max in F:1: out of range; allowed: 1 to 100000"),
    ("wordpress.cache.absent_seconds = 6", "wordpress.cache.absent_seconds in F:1: out of range; allowed: 0 to 5"),
    ("oneall.fresh.users_seconds = 86401", "oneall.fresh.users_seconds in F:1: out of range; allowed: 0 to 86400"),
    ("graph.deadline_ms = 0", "graph.deadline_ms in F:1: out of range; allowed: 1 to 600000"),
    ("graph.deadline_ms = 15000", "graph.deadline_ms in F:1: must be less than http.timeouts.request_ms"),
    ("graph.limits.depth_max = 0", "graph.limits.depth_max in F:1: out of range; allowed: 1 to 30"),
    ("graph.limits.calls_max = 10001", "graph.limits.calls_max in F:1: out of range; allowed: 1 to 10000"),
    ("graph.documents_max_bytes = 0", "graph.documents_max_bytes in F:1: out of range; allowed: 1 to 1073741824"),
    ("http.body_max_bytes = 0", "http.body_max_bytes in F:1: out of range; allowed: 1 to 16777216"),
    ("http.limits.connections_max = 0", "http.limits.connections_max in F:1: out of range; allowed: 1 to 65536"),
    ("http.limits.headers_max = 257", "http.limits.headers_max in F:1: out of range; allowed: 1 to 256"),
    ("http.timeouts.body_ms = 0", "http.timeouts.body_ms in F:1: out of range; allowed: 1 to 300000"),
    ("http.drain.max_ms = 1", "http.drain.max_ms in F:1: must not be less than http.drain.grace_ms, which it includes"),
    ("http.drain.grace_ms = 300001", "http.drain.grace_ms in F:1: out of range; allowed: 0 to 300000"),
    // Values.
    (
        "http.trusted_proxies = ['10.0.0.0/8', 'SECRET']",
        "http.trusted_proxies in F:1: contains a value that is not an address or a network, or a network of all addresses; list \
         values such as 10.0.0.0/8 or 192.0.2.1",
    ),
    (
        "http.trusted_proxies = 7",
        "http.trusted_proxies in F:1: is a whole number; expected a list of addresses and networks",
    ),
    ("http.tls.certificate_file = 'SECRET'", "http.tls.private_key_file: is required with http.tls.certificate_file"),
    ("http.tls.private_key_file = 'SECRET'", "http.tls.certificate_file: is required with http.tls.private_key_file"),
    (
        "[http]\nlisten = 'localhost:8080'",
        "http.listen in F:2: is not an address; expected an IP address and a port, such as 127.0.0.1:8080",
    ),
    (
        "http.allowed_hosts = ['SECRET/path']",
        "http.allowed_hosts in F:1: contains a value that is not a host; list hosts such as api.example.com, with or \
         without a port, never *",
    ),
    ("[access]\nwordpress_alone = 'SECRET'", "access.wordpress_alone in F:2: is text; expected true or false"),
    (
        "[access.keys.a1]\nscopes = ['SECRET']",
        "access.keys.a1.scopes in F:2: is not allowed; allowed values: oneall:connections:read, oneall:connections:list, \
         oneall:users:read, oneall:personal, oneall:identities:synchronize, oneall:identities:relink, \
         oneall:identities:delete, gateway:metrics, gateway:explain, gateway:no-cache",
    ),
    ("[access.keys.a1]\nsha256 = 'SECRET'", "access.keys.a1.sha256 in F:2: is not valid; expected 64 hex digits"),
    (
        "[access.jwt]\nissuer = 'https://issuer.example'\naudience = 'a'\nsecret = 'SECRET'",
        "access.jwt.secret in F:4: is not valid; expected 32 bytes or more, without white space at the ends",
    ),
    ("wordpress.client_id = 'SECRET'", "wordpress.client_id in F:1: is not the ID of an application; expected digits"),
    ("wordpress.base_url = 'SECRET'", "wordpress.base_url in F:1: \"…\" is not a URL; expected https://host[/path]"),
    (
        "wordpress.base_url = 'http://example.com'",
        "wordpress.base_url in F:1: \"…\" would send credentials in plain text; http is for loopback hosts only",
    ),
    (
        "wordpress.base_url = 'https://SECRET:SECRET@example.com'",
        "wordpress.base_url in F:1: is not valid; expected https://host[/path] without user, password, query or fragment",
    ),
    ("wordpress.base_url = 'SECRET:x'", "wordpress.base_url in F:1: the scheme \"…\" is not supported; expected https"),
    (
        "log.filter = 'info=SECRET=x'",
        "log.filter in F:1: directive 1 is not a level (off, error, warn, info, debug, trace) or target=level",
    ),
    ("http.profile = 'SECRET'", "http.profile in F:1: is not allowed; allowed values: stable, draft"),
    ("http.batch_max = 11", "http.batch_max in F:1: out of range; allowed: 0 to 10"),
    ("http.persisted_max = 1000001", "http.persisted_max in F:1: out of range; allowed: 0 to 1000000"),
    ("http.persisted_max_bytes = 0", "http.persisted_max_bytes in F:1: out of range; allowed: 1 to 1073741824"),
    ("http.allowed_origins = 7", "http.allowed_origins in F:1: is a whole number; expected a list of origins"),
    (
        "http.allowed_origins = ['*']",
        "http.allowed_origins in F:1: contains a value that is not an origin; list origins such as \
         https://app.example.com, never *",
    ),
    (
        "http.allowed_origins = ['https://SECRET.example/']",
        "http.allowed_origins in F:1: contains a value that is not an origin; list origins such as \
         https://app.example.com, never *",
    ),
    ("http.allowed_origins = [['SECRET']]", "http.allowed_origins[0]: is a list; expected text"),
    (
        "http.trusted_documents.mode = 'SECRET'",
        "http.trusted_documents.mode in F:1: is not allowed; allowed values: off, log, enforce",
    ),
    (
        "[http.trusted_documents]\nmode = 'log'",
        "http.trusted_documents.path: is required, unless http.trusted_documents.mode is off",
    ),
    (
        "graph.introspection = 'SECRET'",
        "graph.introspection in F:1: is not allowed; allowed values: callers, all, none",
    ),
    // Either all settings of OneAll are set or none.
    (
        "[oneall]\npublic_key = 'SECRET'\nprivate_key = 'SECRET'",
        "oneall.subdomain (or oneall.base_url): is required with oneall.public_key in F:2",
    ),
    (
        "[oneall]\nsubdomain = 'acme'\nprivate_key = 'SECRET'",
        "oneall.public_key: is required with oneall.subdomain in F:2",
    ),
    (
        "[oneall]\nbase_url = 'https://localhost'\npublic_key = 'SECRET'",
        "oneall.private_key: is required with oneall.base_url in F:2",
    ),
    (
        "[oneall]\nsubdomain = 'a/b'\npublic_key = 'SECRET'\nprivate_key = 'SECRET'",
        "oneall.subdomain in F:2: is not valid; expected letters, digits and hyphens",
    ),
    (
        "[oneall]\nsubdomain = 'acme'\npublic_key = 'SECRET'\nprivate_key = \"SECRET\\n\"",
        "oneall.private_key in F:4: is not a key; expected letters, digits, hyphens and underscores",
    ),
    // TOML itself.
    ("[oneall]\nprivate_key = SECRET", "F:2:15: is not TOML: string values must be quoted, expected literal string"),
    ("[oneall]\nprivate_key = 'SECRET", "F:2:22: is not TOML: invalid literal string, expected `'`"),
    ("[http]\n[http]", "F:2:2: is not TOML: duplicate key"),
    ("oneall.private_key = 99999999999999999999", "F:1:22: a number is too large or not a number"),
];

/// A variable without its prefix, its text, and the line that reports its error. `V` is the whole name.
const INVALID_VARIABLES: [(&str, &str, &str); 19] = [
    (
        "ONEALL__PUBLICK_KEY",
        "SECRET",
        "oneall.publick_key in V: no such setting; allowed here: subdomain, base_url, public_key, private_key, \
         upstream, cache, fresh; two underscores separate the levels",
    ),
    (
        "ONEALL_PUBLIC_KEY",
        "SECRET",
        "oneall_public_key in V: no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log; \
         two underscores separate the levels",
    ),
    (
        "HTPP__LISTEN",
        "127.0.0.1:1",
        "htpp in V: no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log; two underscores separate the levels",
    ),
    ("HTTP__LISTEN__PORT", "1", "http.listen.port in V: no such setting; http.listen is not a table"),
    ("ONEALL__PUBLIC_KEY__", "SECRET", "oneall.public_key. in V: no such setting; oneall.public_key is not a table"),
    (
        "",
        "SECRET",
        "V: no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log; two underscores separate the levels",
    ),
    ("http__listen", "127.0.0.1:1", "V: no such setting; names of variables are in upper case"),
    ("HTTP", "SECRET", "http in V: is text; expected a table"),
    (
        "HTTP__LISTEN",
        "8080",
        "http.listen in V: is a whole number; expected an IP address and a port, such as 127.0.0.1:8080",
    ),
    ("HTTP__EXPLORER", "yes", "http.explorer in V: is text; expected true or false"),
    (
        "HTTP__ALLOWED_ORIGINS",
        "https://a.example, *",
        "http.allowed_origins in V: contains a value that is not an origin; list origins such as \
         https://app.example.com, never *",
    ),
    ("HTTP__BODY_MAX_BYTES", "256k", "http.body_max_bytes in V: is text; expected a whole number"),
    ("WORDPRESS__UPSTREAM__TIMEOUT_MS", "0", "wordpress.upstream.timeout_ms in V: out of range; allowed: 1 to 600000"),
    (
        "WORDPRESS__UPSTREAM__TIMEOUT_MS",
        "-1",
        "wordpress.upstream.timeout_ms in V: out of range; expected a whole number, 0 or more",
    ),
    ("WORDPRESS__BASE_URL", "SECRET", "wordpress.base_url in V: \"…\" is not a URL; expected https://host[/path]"),
    ("WORDPRESS__BASE_URL", "\u{FFFD}", "V: is not UTF-8 text"),
    ("GRAPH__INTROSPECTION", "true", "graph.introspection in V: is not allowed; allowed values: callers, all, none"),
    ("LOG__FORMAT", "SECRET", "log.format in V: is not allowed; allowed values: human, json"),
    (
        "ONEALL__PRIVATE_KEY",
        "SECRET",
        "oneall.subdomain (or oneall.base_url): is required with oneall.private_key in V",
    ),
];

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let own = |(name, text): &(&str, &str)| (format!("{VARIABLE_PREFIX}{name}"), (*text).to_owned());
    pairs.iter().map(own).collect::<Vec<_>>().into_iter()
}

fn error_line(file: &str, pairs: &[(&str, &str)]) -> String {
    assemble(Some(("F", file)), variables(pairs), None).expect_err(file).to_string()
}

#[test]
fn an_invalid_file_is_rejected_by_setting_source_problem_and_allowed_values() {
    for (file, line) in INVALID_FILES {
        assert_eq!(error_line(file, &[]), line, "{file}");
    }
}

#[test]
fn an_invalid_variable_is_rejected_by_setting_and_name() {
    for (name, text, line) in INVALID_VARIABLES {
        let place = format!("{VARIABLE_PREFIX}{name}");
        let line = if let Some(rest) = line.strip_prefix("V:") { format!("{place}:{rest}") } else { line.to_owned() };
        let line = line.replace("in V", &format!("in {place}"));
        assert_eq!(error_line("", &[(name, text)]), line, "{name}={text}");
    }
}

#[test]
fn an_unreadable_file_is_rejected_by_name() {
    let line = |path: &str| load(Some(Path::new(path)), empty(), None).unwrap_err().to_string();
    assert_eq!(line("no/such.toml"), "no/such.toml: file not found");
    assert!(line("src").starts_with("src: cannot be read: "), "{}", line("src"));
    let allowed = "no such setting; allowed here: http, access, limits, graph, wordpress, oneall, log";
    assert_eq!(line("rustfmt.toml"), format!("max_width in rustfmt.toml:1: {allowed}"));
}

#[test]
fn settings_without_a_source_have_their_defaults() {
    let settings = load(None, empty(), None).unwrap();
    assert_eq!(settings.http, http::Settings::default());
    assert_eq!(settings.wordpress, wordpress::Settings::default());
    assert_eq!((settings.log.filter.as_str(), settings.log.format), ("info", LogFormat::Human));
    assert!(settings.oneall.base().unwrap().is_none());
}

#[test]
fn the_environment_overrides_the_file_and_the_flag_overrides_both() {
    let file = "http.listen = '127.0.0.1:1'\nhttp.explorer = true\n[wordpress]\nbase_url = 'https://file.example'";
    let pairs = [("HTTP__LISTEN", "127.0.0.1:2"), ("HTTP__EXPLORER", "false"), ("HTTP__BODY_MAX_BYTES", "77")];
    let settings = assemble(Some(("F", file)), variables(&pairs), Some("[::1]:3".parse().unwrap())).unwrap();
    assert_eq!(settings.http.listen, "[::1]:3".parse().unwrap());
    assert_eq!(settings.http.explorer, Some(false));
    assert_eq!(settings.http.body_max_bytes, 77);
    assert_eq!(settings.wordpress.base_url, "https://file.example");
    let settings = assemble(Some(("F", file)), variables(&pairs), None).unwrap();
    assert_eq!(settings.http.listen, "127.0.0.1:2".parse().unwrap());
}

#[test]
fn origins_are_a_list_in_a_file_and_separated_by_commas_in_a_variable() {
    let file = "http.allowed_origins = ['https://a.example', 'http://localhost:3000']";
    let listed = assemble(Some(("F", file)), empty(), None).unwrap().http.allowed_origins;
    let pairs = [("HTTP__ALLOWED_ORIGINS", "https://a.example,http://localhost:3000")];
    assert_eq!(assemble(None, variables(&pairs), None).unwrap().http.allowed_origins, listed);
    assert_eq!(listed.0, ["https://a.example", "http://localhost:3000"]);
}

#[test]
fn a_variable_that_reads_as_a_number_is_text_where_the_setting_takes_text() {
    for key in ["0123", "42", "true", "1e5"] {
        let pairs = [("ONEALL__SUBDOMAIN", "7"), ("ONEALL__PUBLIC_KEY", key), ("ONEALL__PRIVATE_KEY", key)];
        let settings = assemble(None, variables(&pairs), None).unwrap();
        assert_eq!(settings.oneall.public_key.unwrap().expose_secret(), key);
        assert_eq!(settings.oneall.private_key.unwrap().expose_secret(), key);
        assert_eq!(settings.oneall.subdomain.as_deref(), Some("7"));
    }
}

#[test]
fn empty_variables_and_variables_of_commands_are_not_settings() {
    let pairs = [("ONEALL__PUBLIC_KEY", ""), ("NONSENSE", ""), ("CONFIG", "x"), ("LISTEN", "x"), ("ONEALL_USER", "x")];
    assert!(assemble(None, variables(&pairs), None).is_ok());
    let others = [("PATH".to_owned(), "x".to_owned()), ("COMMONGRAPHICS".to_owned(), "x".to_owned())];
    assert!(assemble(None, others.into_iter(), None).is_ok());
}

#[test]
fn an_error_names_the_source_that_set_the_value_last() {
    let line = error_line("wordpress.upstream.timeout_ms = 5", &[("WORDPRESS__UPSTREAM__TIMEOUT_MS", "0")]);
    let begin = "wordpress.upstream.timeout_ms in COMMONGRAPH_WORDPRESS__UPSTREAM__TIMEOUT_MS: ";
    assert!(line.starts_with(begin), "{line}");
}
