//! Fields of entities that need another read or that only this layer knows: one module per entity.

mod application;
mod connection;
mod identity;
pub(crate) mod resolve;
mod service;
mod site;
mod user;
