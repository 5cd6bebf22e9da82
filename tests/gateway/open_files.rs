//! Few open files: the limit is raised, and clients never take the files that calls to the providers need.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use commongraph::sandbox::{self, Sandbox};
use futures_util::future::join_all;
use serde_json::Value;

use crate::lifecycle::{File, Process, settings};
use crate::wire::{Wire, post};

/// The command under a limit of open files, as an option and a number of the shell's `ulimit`.
fn limited(ulimit: &str, arguments: &[&str]) -> Command {
    let script = format!("ulimit {ulimit} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_commongraph")]).args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMMONGRAPH_")) {
        command.env_remove(name);
    }
    command
}

fn run(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

/// Runs `check` on settings with which `serve` would start.
fn check(ulimit: &str) -> (Option<i32>, String) {
    let mut command = limited(ulimit, &["check"]);
    for (name, value) in [
        ("COMMONGRAPH_ACCESS__JWT__ISSUER", "https://login.example.com/"),
        ("COMMONGRAPH_ACCESS__JWT__AUDIENCE", "https://graph.example.com"),
        ("COMMONGRAPH_ACCESS__JWT__SECRET", "a-secret-of-this-test-with-32-bytes-or-more"),
    ] {
        command.env(name, value);
    }
    run(command)
}

#[test]
fn the_soft_limit_is_raised_to_the_hard_one() {
    let (code, table) = check("-Sn 1024");
    assert_eq!(code, Some(0), "{table}");
    let line = table.lines().find(|line| line.contains("open files")).unwrap();
    assert!(line.starts_with("ok") && !line.ends_with("1024"), "{line}");
}

#[test]
fn a_limit_that_is_too_small_is_reported_with_what_to_do() {
    let (code, table) = check("-n 1024");
    assert_eq!(code, Some(1), "{table}");
    let line = table.lines().find(|line| line.contains("open files")).unwrap();
    assert!(line.starts_with("FAIL"), "{line}");
    for part in ["the limit is 1024", "ulimit -n", "http.limits.connections_max from 1024 to 512"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn a_limit_that_leaves_nothing_for_clients_refuses_the_start() {
    let (code, said) = run(limited("-n 200", &["sandbox", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("open files: ") && said.contains("the limit is 200"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_every_connection_leave_files_for_the_providers() {
    let sandbox = Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let file = File::named("open-files");
    file.write(&settings(&sandbox, ""));
    let mut command = limited("-n 600", &["serve", "--config", file.path()]);
    let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut log = process.log();
    let warning = log.until("too few open files");
    assert!(warning.contains("WARN") && warning.contains("connections_max=88"), "{warning}");
    let line = log.until("address=");
    let address: SocketAddr =
        line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    // More than are admitted and than the reserve holds.
    let silent = (0..400).map(|n| Wire::open_from(if n % 2 == 0 { "127.0.0.2" } else { "127.0.0.3" }, address));
    let silent = join_all(silent).await;
    let mut wire = Wire::open_from("127.0.0.4", address).await;
    let query = "{ viewer { wordpressUser { displayName } } }";
    wire.say(&post(query, "x-wordpress-token: sandbox-wpcom-olga\r\n")).await;
    let answer: Value = serde_json::from_slice(&wire.reply().await.unwrap().body).unwrap();
    assert_eq!(answer["data"]["viewer"]["wordpressUser"]["displayName"], "Olga Brandt", "{answer}");
    drop(silent);
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0));
    let log = log.rest();
    assert!(!log.contains("cannot take connections"), "{log}");
}
