//! The HTTP server: accepts connections, answers their requests, and stops without losing one.
//!
//! The accept loop is our own for two reasons: `axum::serve` waits for slow clients without a limit, and hyper-util's
//! automatic protocol detection keeps silent connections open.
//!
//! `listener` accepts connections, `admission` decides which may be open, `connection` speaks HTTP on each, and `service`
//! answers requests. What a client may do on a connection is bounded in `connection`, `write_timeout`, `body` and
//! `http2_timeouts`.

mod admission;
mod body;
mod connection;
mod http2_timeouts;
mod lingering;
mod listener;
mod per_ip_limit;
mod service;
mod settings;
mod tls;
mod write_timeout;

pub(super) use self::admission::require as require_admission;
pub use self::admission::reserve_size;
pub(super) use self::body::TooSlow;
pub use self::listener::{METRICS_CONNECTIONS_MAX, Server};
pub(super) use self::per_ip_limit::PerIpLimit;
pub use self::settings::{Drain, Limits, Timeouts, Tls};
