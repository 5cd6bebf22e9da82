//! commongraph: a GraphQL gateway that puts WordPress.com and OneAll on one common graph.
//!
//! The rooms, in the order in which a request meets them. A room names only rooms further down; `tests/tidy.rs` holds
//! that. `model` holds the nouns that `graph` and `provider` share, `auth` who asks and what they may read, and
//! `sandbox` is an island that plays the providers.

pub mod app;
pub mod config;
pub mod http;

pub mod graph;
pub mod loader;
pub mod metrics;
pub mod provider;
pub mod upstream;

pub mod auth;
pub mod model;
pub mod sandbox;
