//! The ways of running: which settings each of them refuses, in one line, with exit code 2 and without a secret.

use std::process::{Command, Output};

/// Stands in every value that could be a secret.
const CANARY: &str = "canary";

const NUMBER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Variables by their names without the prefix, with their values.
type Set = &'static [(&'static str, &'static str)];

const SITE: [(&str, &str); 3] =
    [("ONEALL__SUBDOMAIN", "acme"), ("ONEALL__PUBLIC_KEY", "canary-public"), ("ONEALL__PRIVATE_KEY", "canary-private")];

const JWT: [(&str, &str); 3] = [
    ("ACCESS__JWT__ISSUER", "https://issuer.example"),
    ("ACCESS__JWT__AUDIENCE", "https://graph.example"),
    ("ACCESS__JWT__SECRET", "canary-canary-canary-canary-canary"),
];

const KEY: [(&str, &str); 4] = [
    ("ACCESS__KEYS__A1__SERVICE", "shop"),
    ("ACCESS__KEYS__A1__SHA256", NUMBER),
    ("ACCESS__KEYS__A1__SCOPES", "oneall:users:read"),
    ("ACCESS__KEYS__A1__EXPIRES_AT", "2100-01-01T00:00:00Z"),
];

/// Runs the command with nothing of ours in the environment but these, by their names without the prefix.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commongraph"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMMONGRAPH_")) {
        command.env_remove(name);
    }
    let ours = environment.iter().map(|(name, value)| (format!("COMMONGRAPH_{name}"), value));
    command.args(arguments).envs(ours).output().unwrap()
}

/// The one line with which a start is refused.
fn refusal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, environment);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?} {environment:?}: {said}");
    assert!(said.lines().count() == 1 && !said.contains(CANARY), "{said}");
    // No value comes back, secret or not. A file's name is no value but a place.
    let values = environment.iter().filter(|(name, value)| value.len() > 5 && *name != "CONFIG");
    let echoed: Vec<_> = values.filter(|(_, value)| said.contains(value)).collect();
    assert!(echoed.is_empty(), "{echoed:?}: {said}");
    said
}

/// The one line with which a start is refused. `check` refuses the same in the same line.
fn refusal_of_serve_and_check(environment: &[(&str, &str)]) -> String {
    let line = refusal(&["serve", "--listen", "127.0.0.1:0"], environment);
    assert_eq!(refusal(&["check"], environment), line);
    line
}

/// The first settings but those named, and the others.
fn with<'a>(first: &[(&'a str, &'a str)], others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_replaced = |name: &str| others.iter().any(|(other, _)| *other == name);
    let kept = first.iter().copied().filter(|(name, _)| !is_replaced(name));
    kept.chain(others.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

#[test]
fn what_the_sandbox_prints_opens_no_gateway_to_real_providers() {
    use commongraph::auth::digest::Digest;
    use commongraph::sandbox::{JWT_SECRET, services};
    let digest = Digest::sha256(services()[0].key).to_string();
    for (first, name, value, told) in [
        (&JWT[..], "ACCESS__JWT__SECRET", JWT_SECRET, "access.jwt.secret"),
        (&KEY, "ACCESS__KEYS__A1__SHA256", &digest, "access.keys.a1.sha256"),
    ] {
        // Neither over the real providers, nor over what stands on this machine and may lead to them.
        let local = [("ONEALL__BASE_URL", "http://127.0.0.1:9"), ("WORDPRESS__BASE_URL", "http://127.0.0.1:9")];
        for beside in [Vec::new(), with(&SITE[1..], &local)] {
            let said = refusal_of_serve_and_check(&with(&with(first, &beside), &[(name, value)]));
            assert!(said.contains(&format!("{told}: the sandbox's value is public")), "{said}");
        }
    }
}

#[test]
fn each_configuration_in_which_callers_cannot_be_known_is_refused() {
    let cases: [(Set, Set, &str); 24] = [
        (&SITE, &[], "access: no caller could authenticate"),
        (&JWT, &[("ACCESS__JWT__ISSUER", "")], "access.jwt.issuer"),
        (&JWT, &[("ACCESS__JWT__AUDIENCE", "")], "access.jwt.audience"),
        (&JWT, &[("ACCESS__JWT__SECRET", "")], "access.jwt.jwks_url"),
        (&JWT, &[("ACCESS__JWT__SECRET", "canary-too-short")], "access.jwt.secret"),
        (&JWT, &[("ACCESS__JWT__SECRET", " canary-canary-canary-canary-canary")], "access.jwt.secret"),
        (&JWT, &[("ACCESS__JWT__ISSUER", "two canaries")], "access.jwt.issuer"),
        (&JWT, &[("ACCESS__JWT__JWKS_URL", "https://canary.example/keys")], "access.jwt.jwks_url"),
        (
            &JWT,
            &[("ACCESS__JWT__SECRET", ""), ("ACCESS__JWT__JWKS_URL", "http://canary.example")],
            "access.jwt.jwks_url",
        ),
        (&JWT, &[("ACCESS__JWT__SECRET", ""), ("ACCESS__JWT__JWKS_FILE", "/no/such/keys")], "access.jwt.jwks_file"),
        (&JWT, &[("ACCESS__JWT__ISSUERS", "canary")], "access.jwt.issuers"),
        (&JWT, &[("ACCESS__JWT__ONEALL_USER_CLAIM", "a canary")], "access.jwt.oneall_user_claim"),
        (&JWT, &[("ACCESS__WORDPRESS_ALONE", "perhaps")], "access.wordpress_alone"),
        (&JWT, &[("ACCESS__DISABLED", "true")], "access.disabled"),
        (&JWT, &[("HTTP__ALLOWED_HOSTS", "*")], "http.allowed_hosts"),
        (&JWT, &[("HTTP__ALLOWED_ORIGINS", "*")], "http.allowed_origins"),
        (&JWT, &[("GRAPH__INTROSPECTION", "true")], "graph.introspection"),
        (&JWT, &[("WORDPRESS__CLIENT_ID", "canary")], "wordpress.client_id"),
        (&JWT, &[("WORDPRESS__BASE_URL", "http://canary.example")], "wordpress.base_url"),
        (&KEY, &[("ACCESS__KEYS__A1__SERVICE", "")], "access.keys.a1.service"),
        (&KEY, &[("ACCESS__KEYS__A1__SHA256", CANARY)], "access.keys.a1.sha256"),
        (&KEY, &[("ACCESS__KEYS__A1__SCOPES", "oneall:canary")], "access.keys.a1.scopes"),
        (&KEY, &[("ACCESS__KEYS__A1__EXPIRES_AT", "")], "access.keys.a1.expires_at"),
        (&KEY, &[("ACCESS__KEYS__A1__EXPIRES_AT", "canary")], "access.keys.a1.expires_at"),
    ];
    for (first, others, begin) in cases {
        let line = refusal_of_serve_and_check(&with(first, others));
        assert!(line.starts_with(&format!("commongraph: {begin}")), "{begin}: {line}");
    }
}

#[test]
fn each_setting_that_is_wrong_is_refused_by_its_name_whatever_it_is_about() {
    let cases: [(Set, &str); 53] = [
        (&[("HTTP__LISTENN", "canary")], "http.listenn"),
        (&[("NONSENSE", "canary")], "nonsense"),
        (&[("HTTP__LISTEN__PORT", "987654")], "http.listen"),
        (&[("HTTP__BODY_MAX_BYTES", "987654321987")], "http.body_max_bytes"),
        (&[("HTTP__BODY_MAX_BYTES", "0")], "http.body_max_bytes"),
        (&[("HTTP__BODY_MAX_BYTES", "-1")], "http.body_max_bytes"),
        (&[("HTTP__BODY_MAX_BYTES", "canary")], "http.body_max_bytes"),
        (&[("HTTP__EXPLORER", "canary")], "http.explorer"),
        (&[("HTTP__PROFILE", "canary")], "http.profile"),
        (&[("HTTP__BATCH_MAX", "11")], "http.batch_max"),
        (&[("HTTP__PERSISTED_MAX", "987654321")], "http.persisted_max"),
        (&[("HTTP__ALLOWED_ORIGINS", "https://canary.example/path")], "http.allowed_origins"),
        (&[("HTTP__ALLOWED_HEADERS", "x-my-header, canary header")], "http.allowed_headers"),
        (&[("HTTP__ALLOWED_HOSTS", "https://canary.example")], "http.allowed_hosts"),
        (&[("HTTP__TRUSTED_DOCUMENTS__MODE", "canary")], "http.trusted_documents.mode"),
        (&[("HTTP__TRUSTED_DOCUMENTS__MODE", "enforce")], "http.trusted_documents.path"),
        (
            &[("HTTP__TRUSTED_DOCUMENTS__MODE", "log"), ("HTTP__TRUSTED_DOCUMENTS__PATH", "/no/such/folder")],
            "http.trusted_documents.path",
        ),
        (&[("HTTP__TRUSTED_PROXIES", "canary.example")], "http.trusted_proxies"),
        (&[("HTTP__TRUSTED_PROXIES", "10.0.0.0/33")], "http.trusted_proxies"),
        (&[("HTTP__TLS__CERTIFICATE_FILE", "/no/such/canary.pem")], "http.tls.private_key_file"),
        (&[("HTTP__TLS__PRIVATE_KEY_FILE", "/no/such/canary.pem")], "http.tls.certificate_file"),
        (
            &[("HTTP__TLS__CERTIFICATE_FILE", "/no/such/1.pem"), ("HTTP__TLS__PRIVATE_KEY_FILE", "/no/such/2.pem")],
            "http.tls.certificate_file",
        ),
        (&[("HTTP__LIMITS__CONNECTIONS_MAX", "0")], "http.limits.connections_max"),
        (&[("HTTP__LIMITS__REQUESTS_MAX", "987654321")], "http.limits.requests_max"),
        (&[("HTTP__LIMITS__HEADERS_MAX", "987654321")], "http.limits.headers_max"),
        (&[("HTTP__LIMITS__ANSWER_MAX_BYTES", "0")], "http.limits.answer_max_bytes"),
        (&[("HTTP__TIMEOUTS__HEADER_MS", "0")], "http.timeouts.header_ms"),
        (&[("HTTP__TIMEOUTS__REQUEST_MS", "987654321987")], "http.timeouts.request_ms"),
        (&[("HTTP__TIMEOUTS__CONNECTION_AGE_MS", "0")], "http.timeouts.connection_age_ms"),
        (&[("HTTP__DRAIN__MAX_MS", "987654321987")], "http.drain.max_ms"),
        (&[("GRAPH__INTROSPECTION", "canary")], "graph.introspection"),
        (&[("GRAPH__SUGGESTIONS", "canary")], "graph.suggestions"),
        (&[("GRAPH__LIMITS__DEPTH_MAX", "987654321")], "graph.limits.depth_max"),
        (&[("GRAPH__LIMITS__CALLS_MAX", "0")], "graph.limits.calls_max"),
        (&[("GRAPH__LIMITS__TOKENS_MAX", "1.5")], "graph.limits.tokens_max"),
        (&[("GRAPH__DOCUMENTS_MAX_BYTES", "987654321987")], "graph.documents_max_bytes"),
        (&[("WORDPRESS__BASE_URL", "canary")], "wordpress.base_url"),
        (&[("WORDPRESS__BASE_URL", "https://canary:canary@wp.example")], "wordpress.base_url"),
        (&[("WORDPRESS__BASE_URL", "ftp://canary.example")], "wordpress.base_url"),
        (&[("WORDPRESS__KEYRING_API", "canary")], "wordpress.keyring_api"),
        (&[("WORDPRESS__UPSTREAM__TIMEOUT_MS", "0")], "wordpress.upstream.timeout_ms"),
        (&[("WORDPRESS__UPSTREAM__CONCURRENT_MAX", "987654321")], "wordpress.upstream.concurrent_max"),
        (&[("ONEALL__BASE_URL", "http://canary.example")], "oneall.base_url"),
        (&[("ONEALL__SUBDOMAIN", "canary.example/x")], "oneall.subdomain"),
        (&[("ONEALL__PUBLIC_KEY", "")], "oneall.public_key"),
        (&[("ONEALL__PRIVATE_KEY", "")], "oneall.private_key"),
        (&[("ONEALL__SUBDOMAIN", "")], "oneall.subdomain"),
        (&[("ONEALL__PRIVATE_KEY", "canary canary")], "oneall.private_key"),
        (&[("LOG__FILTER", "canary=canary=canary")], "log.filter"),
        (&[("LOG__FILTER", "wran")], "log.filter"),
        (&[("LOG__FILTER", "verbose!!")], "log.filter"),
        (&[("LOG__FILTER", "info,canary")], "log.filter"),
        (&[("LOG__FORMAT", "canary")], "log.format"),
    ];
    let good = [&SITE[..], &JWT[..]].concat();
    for (others, begin) in cases {
        let line = refusal_of_serve_and_check(&with(&good, others));
        assert!(line.starts_with(&format!("commongraph: {begin}")), "{begin}: {line}");
    }
}

#[test]
fn the_sandbox_does_not_start_beside_real_secrets_nor_for_others() {
    let file = std::env::temp_dir().join(format!("commongraph-modes-{}.toml", std::process::id()));
    std::fs::write(&file, "[oneall]\nprivate_key = \"canary-private\"\n").unwrap();
    let path = file.to_str().unwrap();
    for (environment, place) in [
        (SITE[2], "COMMONGRAPH_ONEALL__PRIVATE_KEY"),
        (SITE[1], "COMMONGRAPH_ONEALL__PUBLIC_KEY"),
        (JWT[2], "COMMONGRAPH_ACCESS__JWT__SECRET"),
        (KEY[1], "COMMONGRAPH_ACCESS__KEYS__A1__SHA256"),
        (("WORDPRESS_TOKEN", "canary"), "COMMONGRAPH_WORDPRESS_TOKEN"),
        (("ONEALL_USER", "canary"), "COMMONGRAPH_ONEALL_USER"),
        (("CONFIG", path), "oneall.private_key in "),
        (("CONFIG", "/no/such/file.toml"), "/no/such/file.toml"),
    ] {
        let line = refusal(&["sandbox", "--listen", "127.0.0.1:0"], &[environment]);
        assert!(line.starts_with(&format!("commongraph: {place}")), "{place}: {line}");
    }
    std::fs::remove_file(file).unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0"] {
        let line = refusal(&["sandbox", "--listen", listen], &[]);
        assert!(line.starts_with("commongraph: http.listen: is not a loopback address"), "{line}");
    }
}

#[test]
fn one_persons_gateway_starts_for_a_person_and_on_this_machine_only() {
    let personal =
        |listen: &str, environment: &[(&str, &str)]| refusal(&["serve", "--personal", "--listen", listen], environment);
    let token = ("WORDPRESS_TOKEN", "canary");
    assert!(personal("0.0.0.0:0", &[token]).starts_with("commongraph: http.listen: is not a loopback address"));
    assert!(personal("127.0.0.1:0", &[]).contains("COMMONGRAPH_WORDPRESS_TOKEN or COMMONGRAPH_ONEALL_USER"));
    assert!(personal("127.0.0.1:0", &[("WORDPRESS_TOKEN", "canary token")]).contains("the WordPress.com token"));
    assert!(personal("127.0.0.1:0", &[("ONEALL_USER", "../canary")]).contains("the OneAll user"));
}

#[test]
fn the_rights_are_printed_for_a_person_to_read() {
    let output = run(&["check", "--access"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let line = |begin: &str| {
        let found = text.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {text}"));
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line("the list of the site's sign-ins"),
        "the list of the site's sign-ins - - never oneall:connections:list"
    );
    assert_eq!(line("Identity.emails"), "Identity.emails person | oneall:personal");
    assert_eq!(line("Query.providers"), "Query.providers public");
}
