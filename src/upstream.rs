//! The client of one provider's host: few calls, each bounded, and a cached answer when the host has none.
//!
//! A read goes down one path, written in `read`: cache, call budget, single flight, then the attempts in `attempt`.
//! Each attempt passes the credential's throttle, the circuit breaker, the queues and the rate limit before it is sent.
//! A write, in `write`, passes the same policies, is sent at most once and is never shared or cached.
//!
//! - `client`: [`Upstream`], its configuration, and what reads and writes share.
//! - `cache`: keys, entries, invalidation, single flight, background revalidation.
//! - `policy`: breaker, retry, rate, queues, throttling, deadlines. Each is a pure value over instants that it is given.
//! - `net`: HTTP, DNS, base URLs.
//!
//! Redirects are never followed, so a credential never reaches another host. Nothing is cached or shared except under
//! the credential that read it. No error, log line or metric of this module contains a credential, a header or a body.

mod attempt;
mod budget;
mod cache;
mod call;
mod client;
mod error;
mod host_state;
mod net;
mod outcome;
mod policy;
mod read;
mod reply;
mod request;
mod settings;
mod trace;
mod write;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use self::budget::{Budget, CacheMode};
pub use self::call::{Call, Verdict};
pub use self::client::{Upstream, UpstreamConfig};
pub use self::error::Error;
pub use self::host_state::HostState;
pub use self::net::base_url::{check_base, is_loopback};
pub use self::outcome::{Failure, Outcome, WriteStatus};
pub use self::policy::breaker::Circuit;
pub use self::policy::throttle::{ConcurrencyScope, THROTTLE_MAX};
pub use self::reply::{Cacheable, Decoded, Interpreted, Reply, WriteReply};
pub use self::request::{AffectedPaths, Body, Credential, Method, Read, Write};
pub use self::settings::{CacheSettings, Settings};
pub use self::trace::Trace;
