//! The gateway from outside: every test drives it over HTTP, against the sandbox or against canned answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod harness;
mod wire;

mod access;
mod accounts;
mod attacks;
mod audit;
mod border;
mod breaker;
mod cache;
mod callback;
mod command;
mod crowd;
mod documents;
mod edge;
mod fields;
mod filters;
mod flight;
mod hanging;
mod leaks;
mod leaving;
mod lifecycle;
mod limits;
mod log;
mod lookups;
mod matching;
mod matrix;
mod metrics;
mod modes;
mod observe;
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
mod showcases;
mod sweep;
mod tls;
