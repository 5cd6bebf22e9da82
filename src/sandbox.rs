//! The sandbox: real HTTP servers on loopback that play WordPress.com and OneAll.
//!
//! The demo, the tests and the benchmarks all talk to these two ports as they would to the providers. The room
//! is an island on purpose: it names no other room and shares no payload type, since a misspelt field that both
//! sides read from one type would be misspelt on both and every test would pass.
//!
//! - `world` and its neighbours hold what exists: people, accounts, sign-ins, users, applications, sites.
//! - `wordpress` and `oneall` answer in each provider's own words, oddities included; what changes the world is in the
//!   `write` of each, and `ledger` keeps what was delivered and what took effect.
//! - `fault` and `spoil` break answers on demand; `control` is the door for both, for the logs, for changes from outside,
//!   and for the `gauge` of answers under way.
//! - `crowd` makes as many people as a test wants, each told by a marker.
//!
//! Each sandbox has a world of its own, made anew when it starts.
//!
//! Nothing here is for production: tokens are printed in the source and nothing is encrypted.

mod answer;
mod applications;
mod contacts;
mod control;
mod crowd;
mod dress;
mod fault;
mod gauge;
mod identities;
mod keyring;
mod ledger;
mod odd_sign_ins;
mod oneall;
mod people;
mod publicize;
mod record;
mod server;
mod services;
mod sign_ins;
mod sites;
mod spoil;
mod stamp;
mod users;
mod wordpress;
mod world;

pub use crowd::{SYNTHETIC_USERS_MAX, SyntheticUser, synthetic_user};
pub use people::{
    JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM, JWT_SECRET, ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, Person,
    Service, WORDPRESS_CLIENT_ID, people, services,
};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use server::{Provider, Stage};

/// Where the two servers listen and how large their world is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the WordPress.com server; port 0 takes a free one.
    pub wordpress: SocketAddr,
    /// Address of the OneAll server; port 0 takes a free one.
    pub oneall: SocketAddr,
    /// How many generated OneAll sign-ins are added to the fixed ones.
    pub extra_sign_ins: usize,
    /// How many generated Keyring connections are added to the operator's.
    pub extra_keyring: usize,
    /// How many generated people there are besides the fixed ones, at most [`SYNTHETIC_USERS_MAX`]; [`synthetic_user`] tells each.
    pub synthetic_users: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Settings { wordpress: free, oneall: free, extra_sign_ins: 0, extra_keyring: 0, synthetic_users: 0 }
    }
}

/// The two running servers; both stop, open connections included, when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    wordpress: SocketAddr,
    oneall: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Sandbox {
    /// Binds both ports, builds the world and starts answering.
    pub async fn start(settings: Settings) -> std::io::Result<Sandbox> {
        let wordpress = TcpListener::bind(settings.wordpress).await?;
        let oneall = TcpListener::bind(settings.oneall).await?;
        let addresses = (wordpress.local_addr()?, oneall.local_addr()?);
        let stage = Arc::new(Stage::new(&settings));
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(wordpress, Provider::WordPress, Arc::clone(&stage)));
        tasks.spawn(server::serve(oneall, Provider::OneAll, stage));
        tracing::debug!(wordpress = %addresses.0, oneall = %addresses.1, "sandbox listens");
        Ok(Sandbox { wordpress: addresses.0, oneall: addresses.1, _tasks: tasks })
    }

    /// The root URL of the WordPress.com server, without a trailing slash.
    pub fn wordpress_url(&self) -> String {
        format!("http://{}", self.wordpress)
    }

    /// The root URL of the OneAll server, without a trailing slash.
    pub fn oneall_url(&self) -> String {
        format!("http://{}", self.oneall)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
