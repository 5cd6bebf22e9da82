//! The gateway from outside: every test drives it over HTTP, against the sandbox or against canned answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod harness;
mod wire;

mod access;
mod accounts;
mod audit;
mod border;
mod breaker;
mod cache;
mod callback;
mod command;
mod documents;
mod edge;
mod fields;
mod flight;
mod hanging;
mod leaks;
mod leaving;
mod lifecycle;
mod limits;
mod log;
mod lookups;
mod matrix;
mod modes;
mod outage;
mod pages;
mod persisted;
mod profile;
mod readme;
mod refusals;
mod rows;
mod schema;
mod seeds;
mod selection;
mod separation;
mod server;
mod tls;
