//! commongraph: a GraphQL gateway that puts WordPress.com and OneAll on one common graph.
//!
//! The modules, in the order in which a request meets them. A module uses only modules further down; `tests/architecture.rs`
//! checks that. `model` has the entities that `graph` and `provider` share, `auth` identifies callers and decides what
//! they may read, and `keyed_hash` hashes secrets. `sandbox` simulates the providers and uses no other module.

pub mod app;
pub mod config;
pub mod http;

pub mod graph;
mod loader;
pub mod metrics;
pub mod provider;
pub mod upstream;

pub mod auth;
mod keyed_hash;
pub mod model;
pub mod sandbox;
