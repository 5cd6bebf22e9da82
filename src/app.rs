//! The composition root: settings become upstreams, providers, the graph and the routes; nothing else joins rooms.

pub mod check;
pub mod issuer;
pub mod key;
pub mod query;
pub mod tour;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::access::{self, Caller, OneAllActor};
use crate::config::Settings;
use crate::graph::{Graph, sdl};
use crate::http;
use crate::http::explorer::{self, Tab};
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;
use crate::sandbox::{self, Sandbox};

/// How long a gateway that was asked to stop goes on with what it has taken.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A gateway that answers at an address; it stops when this is dropped.
pub struct Running {
    /// Where it answers.
    pub address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

/// A gateway over a sandbox.
pub struct Playing {
    /// The gateway.
    pub gateway: Running,
    /// What to tell whoever started it.
    pub greeting: String,
    _sandbox: Sandbox,
}

/// The schema in the schema language.
pub fn schema() -> String {
    sdl()
}

/// Makes the graph over the providers that the settings name.
///
/// # Errors
/// A sentence that names the setting.
pub fn graph(settings: &Settings) -> Result<Arc<Graph>, String> {
    let wordpress = WordPress::build(&settings.wordpress)?;
    let oneall = OneAll::build(&settings.oneall)?;
    Ok(Arc::new(Graph::build(settings.graph.clone(), wordpress, oneall)?))
}

/// Makes the caller that these describe, by the rules that hold for a request's headers.
///
/// # Errors
/// A sentence that says what is wanted; it does not repeat what was given.
pub fn caller(token: Option<&str>, user: Option<&str>) -> Result<Caller, String> {
    let wrong = |what: &str| format!("{what}: wanted one token, without spaces or a scheme");
    let token = token.map(|text| access::wordpress_token(text).ok_or_else(|| wrong("the WordPress.com token")));
    let actor = user.map(|text| access::oneall_actor(text).ok_or_else(|| wrong("the OneAll user")));
    Ok(Caller::on_loopback(token.transpose()?, actor.transpose()?.unwrap_or(OneAllActor::Site)))
}

/// Starts a gateway and returns once it answers.
///
/// # Errors
/// A sentence that names the setting, or says why the address cannot be listened on.
pub async fn start(settings: &Settings, tabs: Vec<Tab>) -> Result<Running, String> {
    let routes = http::routes(graph(settings)?, &settings.http, tabs)?;
    let cannot = |error: io::Error| format!("http.listen: cannot listen on {}: {error}", settings.http.listen);
    let listener = TcpListener::bind(settings.http.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    if settings.http.shows_explorer() && !explorer::ASSETS_BUILT {
        tracing::info!("the explorer's files are not built in; its page loads them from outside (see playground/)");
    }
    Ok(Running { address, task: tokio::spawn(serve(listener, routes)) })
}

/// Starts a sandbox and a gateway over it.
///
/// # Errors
/// A sentence that says what cannot be listened on.
pub async fn play(mut settings: Settings) -> Result<Playing, String> {
    let sandbox = start_sandbox().await?;
    point_at(&mut settings, &sandbox);
    settings.graph.suggestions = true;
    let gateway = start(&settings, tour::tabs()).await?;
    let explorer = settings.http.shows_explorer();
    let greeting = tour::greeting(gateway.address, explorer, &sandbox.wordpress_url(), &sandbox.oneall_url());
    Ok(Playing { gateway, greeting, _sandbox: sandbox })
}

async fn start_sandbox() -> Result<Sandbox, String> {
    let sandbox = Sandbox::start(sandbox::Settings::default());
    sandbox.await.map_err(|error| format!("the sandbox cannot start: {error}"))
}

/// Serves until the process is asked to stop, and then until what was taken is answered: for a while, since a client
/// that never ends its request would hold the process for ever, and not after being asked again.
async fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    let (tell, told) = oneshot::channel();
    let stop = async move {
        stop_asked().await;
        let _ = tell.send(());
    };
    let patience = async {
        if told.await.is_err() {
            // Serving has ended by itself, which the other branch tells.
            std::future::pending::<()>().await;
        }
        let _ = tokio::time::timeout(DRAIN_MAX, stop_asked()).await;
    };
    tokio::select! {
        ended = axum::serve(listener, routes).with_graceful_shutdown(stop).into_future() => ended,
        () = patience => {
            tracing::warn!("stopped with requests under way");
            Ok(())
        }
    }
}

impl Running {
    /// Waits until the gateway was asked to stop and has answered what it had taken, as far as that takes seconds.
    ///
    /// # Errors
    /// When listening failed.
    pub async fn wait(mut self) -> Result<(), String> {
        match (&mut self.task).await {
            Ok(ended) => ended.map_err(|error| format!("the gateway stopped: {error}")),
            Err(error) => Err(format!("the gateway stopped: {error}")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when this process is asked to stop: Ctrl-C or SIGTERM.
async fn stop_asked() {
    let ctrl_c = async {
        // Without a handler there is nothing to wait for: the default action ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = ctrl_c => {}
        () = terminate => {}
    }
}

/// Points settings at a running sandbox, with its keys.
pub fn point_at(settings: &mut Settings, sandbox: &Sandbox) {
    settings.wordpress.base_url = sandbox.wordpress_url();
    settings.oneall.subdomain = None;
    settings.oneall.base_url = Some(sandbox.oneall_url());
    settings.oneall.public_key = Some(SecretString::from(sandbox::ONEALL_PUBLIC_KEY));
    settings.oneall.private_key = Some(SecretString::from(sandbox::ONEALL_PRIVATE_KEY));
}
