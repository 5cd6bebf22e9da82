//! The sandbox: two HTTP servers on loopback that imitate WordPress.com and OneAll.
//!
//! The `sandbox` command, the tests and the benchmarks call these servers as they would call the providers. The module
//! shares no type with the rest of the program. A misspelt field that both sides read from one type would be misspelt on
//! both sides, and every test would pass.
//!
//! | module | content |
//! |---|---|
//! | `server`, `router` | accept connections, and handle one request |
//! | `state` | what the two servers share: data, logs and faults |
//! | `wordpress`, `oneall` | the routes, errors and stored data of each provider, its quirks included |
//! | `fixtures` | the people, accounts and sign-ins that exist at start, and the generated ones |
//! | `faults` | failures on request: which requests fail, and how |
//! | `control` | the endpoints under `/__sandbox/`: logs, faults and changes to the data |
//! | `request_log`, `write_log`, `in_flight` | what was requested, what was changed, how many responses are in progress |
//!
//! Each sandbox has data of its own, built when it starts. It is not for production: credentials are constants in the
//! source, and nothing is encrypted.

mod control;
mod dates;
mod faults;
mod fixtures;
mod http;
mod in_flight;
mod json;
mod oneall;
mod provider;
mod request_log;
mod router;
mod server;
mod state;
mod wordpress;
mod write_log;

pub use fixtures::people::{
    JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM, JWT_SECRET, ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, Person,
    Service, WORDPRESS_CLIENT_ID, people, services,
};
pub use fixtures::synthetic_users::{SYNTHETIC_USERS_MAX, SyntheticUser, synthetic_user};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use provider::Provider;
use state::{SandboxData, SandboxState};

/// Where the two servers listen, and how many generated rows are added to the fixed ones.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> std::io::Result<()> {
/// use commongraph::sandbox::{Sandbox, Settings};
///
/// let sandbox = Sandbox::start(Settings { synthetic_users: 10, ..Settings::default() }).await?;
/// assert!(sandbox.wordpress_url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the WordPress.com server. Port 0 selects a free port.
    pub wordpress: SocketAddr,
    /// Address of the OneAll server. Port 0 selects a free port.
    pub oneall: SocketAddr,
    /// Number of generated OneAll sign-ins.
    pub extra_sign_ins: usize,
    /// Number of generated Keyring connections of the operator.
    pub extra_keyring: usize,
    /// Number of generated users, at most [`SYNTHETIC_USERS_MAX`]. [`synthetic_user`] describes each of them.
    pub synthetic_users: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Settings { wordpress: free, oneall: free, extra_sign_ins: 0, extra_keyring: 0, synthetic_users: 0 }
    }
}

/// The two running servers. Dropping this stops both and closes their connections.
#[derive(Debug)]
pub struct Sandbox {
    wordpress: SocketAddr,
    oneall: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Sandbox {
    /// Binds both ports, builds the data and starts to serve.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub async fn start(settings: Settings) -> std::io::Result<Sandbox> {
        let wordpress_listener = TcpListener::bind(settings.wordpress).await?;
        let oneall_listener = TcpListener::bind(settings.oneall).await?;
        let wordpress = wordpress_listener.local_addr()?;
        let oneall = oneall_listener.local_addr()?;
        let data = SandboxData::new(settings.extra_sign_ins, settings.extra_keyring, settings.synthetic_users);
        let state = Arc::new(SandboxState::new(data));
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(wordpress_listener, Provider::WordPress, Arc::clone(&state)));
        tasks.spawn(server::serve(oneall_listener, Provider::OneAll, state));
        tracing::debug!(%wordpress, %oneall, "sandbox is listening");
        Ok(Sandbox { wordpress, oneall, _tasks: tasks })
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
