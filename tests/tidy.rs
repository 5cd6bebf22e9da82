//! Rules for every file of `src`: its size, the size of its functions, its header and name, and calls that are banned.
//!
//! The test reads tokens, with comments and literals blanked out. It does not see what a macro expands to. Each rule is
//! also tried on a text that breaks it. Which module may use which is held by `tests/architecture.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "tidy/text.rs"]
mod text;

use std::fs;
use std::path::Path;

use text::{Named, Token, is_word, paths, text, tokens};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 60;

const NAMES_BANNED: [&str; 9] = ["util", "common", "helper", "types", "misc", "shared", "core", "manager", "mod"];

/// Tokens, with blanks between them, that are not written side by side; `var*` is any word with that beginning.
struct Ban {
    tokens: &'static str,
    allowed: &'static [&'static str],
    sample: &'static str,
    reason: &'static str,
}

const fn ban(
    tokens: &'static str,
    allowed: &'static [&'static str],
    sample: &'static str,
    reason: &'static str,
) -> Ban {
    Ban { tokens, allowed, sample, reason }
}

const PAUSABLE: &str = "tests pause tokio's clock, and only tokio's: use tokio::time";
const TERMINAL: &str = "what a room has to say it returns or traces; only the command talks to its terminal";
const CLOCK: &str = "the time of day is read at few places and handed on, so that an answer can be tested";
const CLOCKS: &[&str] = &[
    "src/graph",
    "src/app/commands/check",
    "src/sandbox/dates",
    "src/upstream/net/transport",
    "src/http/auth",
    "src/app",
];
const SEEN: &str = "this test must see every file and every name of a room";

const BANS: [Ban; 24] = [
    ban("std :: time :: Instant", &[], "use std::time::{Duration, Instant};", PAUSABLE),
    ban("thread :: sleep", &[], "fn f() { std::thread::sleep(d) }", PAUSABLE),
    ban("SystemTime :: now", CLOCKS, "let t = std::time::SystemTime::now();", CLOCK),
    ban("Utc :: now", &[], "let t = Utc::now();", CLOCK),
    ban(
        "env :: var*",
        &["src/app/commands", "src/config"],
        "use std::env::{self, vars_os};",
        "settings come by config",
    ),
    ban("println !", &["src/app/commands"], "println!(\"x\")", TERMINAL),
    ban("print !", &["src/app/commands"], "print!(\"x\")", TERMINAL),
    ban("eprintln !", &["src/app/commands"], "eprintln!(\"x\")", TERMINAL),
    ban("eprint !", &["src/app/commands"], "eprint!(\"x\")", TERMINAL),
    ban("dbg !", &[], "dbg!(x)", TERMINAL),
    ban(
        "process :: exit",
        &[],
        "std::process::exit(1)",
        "an exit skips every drop; the process ends when main returns its exit code",
    ),
    ban("process :: abort", &[], "std::process::abort()", "a panic is caught at the border, an abort is not"),
    ban("ValidationMode :: Fast", &[], "x(ValidationMode::Fast)", "it skips most rules of validation"),
    ban(". extension (", &[], "builder.extension(Tracing)", "one extension costs every field 9 to 27 percent"),
    ban(
        "async_graphql :: extensions",
        &[],
        "use async_graphql::{extensions::Tracing};",
        "no extension on the hot path",
    ),
    ban(
        "danger_accept_invalid*",
        &[],
        "b.danger_accept_invalid_certs(true)",
        "a credential goes to a proved host only",
    ),
    ban("Uuid :: parse*", &[], "Uuid::parse_str(t)", "a provider's token is a text of its own, whatever it looks like"),
    ban(
        "Uuid :: try_parse*",
        &[],
        "Uuid::try_parse(t)",
        "a provider's token is a text of its own, whatever it looks like",
    ),
    ban(
        "expose_secret",
        &[
            "src/upstream/net/transport",
            "src/upstream/cache/key",
            "src/upstream/tests",
            "src/config",
            "src/auth/jwt",
            "src/auth/service_key",
            "src/auth/pseudonym",
            "src/auth/token_hash",
            "src/app/commands/key",
            "src/app/sample_operations",
            "src/app/sandbox_settings",
        ],
        "k.expose_secret()",
        "a secret is opened where it is sent or its fingerprint taken",
    ),
    ban(
        "Caller :: operator",
        &["src/app", "src/auth/caller"],
        "let all = Caller::operator(None, None);",
        "who holds the settings may everything, and is never a request",
    ),
    ban("# [ path", &[], "#[path = \"x.rs\"] mod x;", SEEN),
    ban("include !", &["src/http/explorer"], "include!(\"x.rs\");", SEEN),
    ban("extern crate", &[], "extern crate self as us;", SEEN),
    ban("crate as", &[], "use crate as us;", SEEN),
];

fn too_long(file: &str, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = source.lines().count();
    if lines > FILE_LINES_MAX {
        wrong.push(format!("{file}: has {lines} lines; a file has at most {FILE_LINES_MAX}"));
    }
    let tokens = tokens(source);
    for at in 0..tokens.len() {
        if text(&tokens, at) == "fn" && text(&tokens, at + 1).starts_with(is_word) {
            let (line, lines) = (tokens[at].line, function_end(&tokens, at) + 1 - tokens[at].line);
            if lines > FUNCTION_LINES_MAX {
                let name = text(&tokens, at + 1);
                wrong.push(format!(
                    "{file}:{line}: `{name}` has {lines} lines; a function has at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
    }
    wrong
}

/// The line on which a function ends: at its last brace, or at the semicolon of one without a body.
fn function_end(tokens: &[Token], from: usize) -> usize {
    let (mut open, mut braces) = (0, 0);
    for token in &tokens[from..] {
        match token.text.as_str() {
            "(" | "[" => open += 1,
            ")" | "]" => open -= 1,
            "{" => braces += 1,
            "}" => braces -= 1,
            _ => {}
        }
        if open == 0 && braces == 0 && matches!(token.text.as_str(), "}" | ";") {
            return token.line;
        }
    }
    tokens.last().map_or(0, |token| token.line)
}

fn badly_named(file: &str, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !source.starts_with("//!") {
        wrong.push(format!("{file}:1: a file begins with `//!` and says what it is"));
    }
    let parts = file.trim_end_matches(".rs").split('/').filter(|part| NAMES_BANNED.contains(part));
    wrong.extend(parts.map(|part| format!("{file}: `{part}` says nothing; a file is called after what it holds")));
    wrong
}

fn banned(file: &str, source: &str) -> Vec<String> {
    let mut runs = vec![tokens(source)];
    let written_out = |named: Named| {
        let parts = named.path.join(" :: ");
        parts.split(' ').map(|text| Token { text: text.to_owned(), line: named.line }).collect()
    };
    runs.extend(paths(&runs[0]).into_iter().map(written_out));
    let stands_in = |place: &&str| file.strip_prefix(*place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
    let mut wrong = Vec::new();
    for ban in BANS.iter().filter(|ban| !ban.allowed.iter().any(stands_in)) {
        let banned: Vec<&str> = ban.tokens.split(' ').collect();
        let is_hit = |window: &&[Token]| window.iter().zip(&banned).all(|(token, banned)| matches(&token.text, banned));
        for hit in runs.iter().flat_map(|run| run.windows(banned.len())).filter(is_hit) {
            wrong.push(format!("{file}:{}: `{}` is not written here: {}", hit[0].line, banned.concat(), ban.reason));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

fn matches(token: &str, banned: &str) -> bool {
    match banned.strip_suffix('*') {
        Some(begin) if !begin.is_empty() => token.starts_with(begin),
        _ => token == banned,
    }
}

/// Holds a rule against every file of `src`.
fn hold(rule: fn(&str, &str) -> Vec<String>) {
    let mut files = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "src", &mut files);
    assert!(files.len() > 20, "only {} files found", files.len());
    let wrong: Vec<String> = files.iter().flat_map(|(file, source)| rule(file, source)).collect();
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

fn collect(root: &Path, folder: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(root, &name, files);
        } else if name.ends_with(".rs") {
            files.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn a_file_and_a_function_fit_into_one_view() {
    hold(too_long);
}

#[test]
fn a_file_says_what_it_is_by_its_name_and_its_first_line() {
    hold(badly_named);
}

#[test]
fn what_is_banned_is_not_called() {
    hold(banned);
}

#[test]
fn each_banned_call_is_caught_outside_the_places_where_it_is_allowed() {
    for ban in &BANS {
        let wrong = banned("src/graph/sample.rs", &format!("//! x\n{}", ban.sample));
        let is_allowed = ban.allowed.contains(&"src/graph");
        let wrong = if is_allowed { banned("src/model.rs", &format!("\n{}", ban.sample)) } else { wrong };
        assert!(
            wrong.iter().any(|line| line.contains(":2: ") && line.ends_with(ban.reason)),
            "{}: {wrong:?}",
            ban.sample
        );
        for place in ban.allowed {
            assert_eq!(banned(&format!("{place}.rs"), ban.sample), [""; 0]);
            assert_eq!(banned(&format!("{place}/x.rs"), ban.sample), [""; 0]);
        }
    }
    assert_eq!(banned("src/graph.rs", "use tokio::time::{Instant, sleep}; // println!\nlet a = \"dbg!\";"), [""; 0]);
}

#[test]
fn a_file_or_a_function_that_is_too_long_is_caught() {
    let function = |lines: usize| format!("fn f(a: [u8; 2]) -> [u8; 2] {{{}}}\nfn g();\n", "\n".repeat(lines - 1));
    assert_eq!(too_long("src/a.rs", &function(60)), [""; 0]);
    assert_eq!(too_long("src/a.rs", &function(61)), ["src/a.rs:1: `f` has 61 lines; a function has at most 60"]);
    assert_eq!(too_long("src/a.rs", &"\n".repeat(400)), [""; 0]);
    assert_eq!(too_long("src/a.rs", &"\n".repeat(401)), ["src/a.rs: has 401 lines; a file has at most 400"]);
}

#[test]
fn a_file_without_a_header_or_with_a_name_that_says_nothing_is_caught() {
    assert_eq!(badly_named("src/graph/id.rs", "//! x"), [""; 0]);
    assert_eq!(badly_named("src/graph/id.rs", "use x;").len(), 1);
    for name in ["src/util.rs", "src/graph/helper/id.rs", "src/http/mod.rs", "src/core/x.rs"] {
        assert_eq!(badly_named(name, "//! x").len(), 1, "{name}");
    }
}
