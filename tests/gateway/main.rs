//! The gateway from outside: every test drives it over HTTP, against the sandbox or against canned answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod harness;

mod accounts;
mod command;
mod documents;
mod lookups;
mod pages;
mod schema;
