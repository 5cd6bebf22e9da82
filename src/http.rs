//! The HTTP layer: routes, middleware, the GraphQL endpoint and the server. This file only lists the modules.
//!
//! `router` has every route, and the middleware in the order in which a request passes it. `graphql::handler` handles an
//! operation. `server` accepts connections.
//!
//! No cookie is ever read. Credentials are in headers that a browser does not add by itself, and a body must be JSON, so
//! a page of another site needs a preflight, which only named origins get.

mod auth;
pub mod explorer;
mod graphql;
mod health;
mod metrics_endpoint;
mod middleware;
pub mod persisted;
pub mod rate_limits;
mod readiness;
mod request_context;
mod response;
mod router;
pub mod server;
mod settings;
mod state;
mod static_file;
mod text_list;

pub use self::middleware::client_ip::TrustedProxies;
pub use self::router::routes;
pub use self::settings::{AllowedHeaders, AllowedHosts, AllowedOrigins, Profile, Settings};
pub use self::state::{CallerState, SharedState};
