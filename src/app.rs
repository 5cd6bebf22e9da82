//! The composition root: settings become upstreams, providers, the graph and the routes; nothing else joins rooms.

pub mod check;
pub mod issuer;
pub mod key;
pub mod lifecycle;
pub mod query;
mod running;
pub mod tour;

pub use self::running::Running;

use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;

use crate::access::{self, Caller, OneAllActor};
use crate::config::Settings;
use crate::graph::{Graph, sdl};
use crate::http::explorer::{self, Tab};
use crate::http::{self, Standing};
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;
use crate::sandbox::{self, Sandbox};

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
    if settings.http.shows_explorer() && !explorer::ASSETS_BUILT {
        tracing::info!("the explorer's files are not built in; its page loads them from outside (see playground/)");
    }
    Running::start(settings, tabs).await
}

/// Makes everything that stands between a request and the providers; what outlasts it is in `standing`.
fn routes(settings: &Settings, tabs: Vec<Tab>, standing: &Standing) -> Result<Router, String> {
    http::routes(graph(settings)?, &settings.http, tabs, standing)
}

/// Starts a sandbox and a gateway over it.
///
/// # Errors
/// A sentence that says what cannot be listened on.
pub async fn play(mut settings: Settings) -> Result<Playing, String> {
    let sandbox = start_sandbox().await?;
    point_at(&mut settings, &sandbox);
    settings.graph.suggestions = true;
    // No load balancer has to notice that a sandbox stops.
    settings.http.drain.grace_ms = 0;
    let gateway = start(&settings, tour::tabs()).await?;
    let explorer = settings.http.shows_explorer();
    let greeting = tour::greeting(gateway.address, explorer, &sandbox.wordpress_url(), &sandbox.oneall_url());
    Ok(Playing { gateway, greeting, _sandbox: sandbox })
}

async fn start_sandbox() -> Result<Sandbox, String> {
    let sandbox = Sandbox::start(sandbox::Settings::default());
    sandbox.await.map_err(|error| format!("the sandbox cannot start: {error}"))
}

/// Points settings at a running sandbox, with its keys.
pub fn point_at(settings: &mut Settings, sandbox: &Sandbox) {
    settings.wordpress.base_url = sandbox.wordpress_url();
    settings.oneall.subdomain = None;
    settings.oneall.base_url = Some(sandbox.oneall_url());
    settings.oneall.public_key = Some(SecretString::from(sandbox::ONEALL_PUBLIC_KEY));
    settings.oneall.private_key = Some(SecretString::from(sandbox::ONEALL_PRIVATE_KEY));
}
