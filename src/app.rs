//! The application: builds the gateway from its settings, and runs the commands.
//!
//! This is the composition root. Settings become providers, the graph, the routes and the server here, and nowhere
//! else.

pub mod commands;
mod components;
mod gateway;
mod logging;
mod open_files;
mod reload;
pub mod sample_operations;
pub mod sandbox_settings;
mod signals;

pub use self::gateway::Running;

use std::sync::Arc;

use secrecy::SecretString;

use self::components::Components;
use self::gateway::PreparedGateway;
use crate::auth::{self, Authenticator, Caller};
use crate::config::Settings;
use crate::graph::{Graph, Introspection, schema_directives};
use crate::http::AllowedHosts;
use crate::http::explorer::Tab;
use crate::metrics::Metrics;
use crate::sandbox::{self, Sandbox};

/// A running gateway whose providers are a sandbox. Both stop when it is dropped.
struct SandboxGateway {
    /// The gateway.
    gateway: Running,
    /// The text to print once it runs: addresses, credentials and examples.
    greeting: String,
    _sandbox: Sandbox,
}

/// The schema of the graph, as SDL.
pub fn schema() -> String {
    schema_directives::sdl()
}

/// Builds the graph over the providers of these settings. Calls to providers are counted in `metrics`.
///
/// # Errors
/// A sentence that names the setting.
pub fn graph(settings: &Settings, metrics: &Metrics) -> Result<Arc<Graph>, String> {
    Components::build(settings, metrics, None)?.graph()
}

/// The credentials of one person at the providers, for `serve --personal` and `query`.
#[derive(Clone, Debug, Default)]
pub struct PersonalCredentials {
    /// Their WordPress.com token.
    pub wordpress_token: Option<SecretString>,
    /// The token of the OneAll user.
    pub oneall_user: Option<String>,
}

impl PersonalCredentials {
    /// Parses credentials by the rules of the headers of a request.
    ///
    /// # Errors
    /// A sentence that says what is expected. It does not repeat the credential.
    pub fn parse(token: Option<&str>, user: Option<&str>) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}: is not valid; expected one token, without spaces or a scheme");
        let token = token.map(|text| auth::parse_wordpress_token(text).map_err(|_| wrong("the WordPress.com token")));
        let user = user.map(|text| {
            let user = auth::is_oneall_user_token(text).then(|| text.to_owned());
            user.ok_or_else(|| wrong("the OneAll user"))
        });
        Ok(Self { wordpress_token: token.transpose()?, oneall_user: user.transpose()? })
    }

    /// The operator, with the access of this person. Without a OneAll user, it reads the whole OneAll site.
    pub fn operator(self) -> Caller {
        Caller::operator(self.wordpress_token, self.oneall_user.as_deref())
    }
}

/// Starts a gateway for all callers, and returns once it listens.
///
/// # Errors
/// A sentence that names the setting, or says why the gateway cannot listen.
pub async fn start(settings: &Settings, tabs: Vec<Tab>) -> Result<Running, String> {
    start_with_metrics(settings, tabs, Metrics::default())
}

fn start_with_metrics(settings: &Settings, tabs: Vec<Tab>, metrics: Metrics) -> Result<Running, String> {
    PreparedGateway::build(Components::build(settings, &metrics, None)?, tabs, metrics)?.listen()
}

/// Starts a gateway for one person, and returns the credential that each request must carry. It accepts only a `Host`
/// of this machine.
///
/// # Errors
/// A sentence that names the setting, or says why the gateway cannot listen.
pub async fn start_personal(
    settings: Settings,
    credentials: PersonalCredentials,
) -> Result<(Running, SecretString), String> {
    let (prepared, bearer) = prepare_personal(settings, credentials, Metrics::default())?;
    Ok((prepared.listen()?, bearer))
}

/// Builds a gateway for one person, and returns the credential that each request must carry.
///
/// # Errors
/// A sentence that names the setting.
fn prepare_personal(
    mut settings: Settings,
    credentials: PersonalCredentials,
    metrics: Metrics,
) -> Result<(PreparedGateway, SecretString), String> {
    settings.http.allowed_hosts = AllowedHosts::Loopback;
    settings.access = auth::Settings::default();
    let (authenticator, bearer) =
        Authenticator::personal(credentials.wordpress_token, credentials.oneall_user.as_deref())?;
    let components = Components::build(&settings, &metrics, None)?.with_authenticator(authenticator);
    Ok((PreparedGateway::build(components, Vec::new(), metrics)?, bearer))
}

/// Starts a sandbox and a gateway over it.
///
/// # Errors
/// A sentence that names the setting, or says why the sandbox or the gateway cannot listen.
async fn start_sandbox_gateway(mut settings: Settings, metrics: Metrics) -> Result<SandboxGateway, String> {
    let sandbox = start_sandbox().await?;
    point_at(&mut settings, &sandbox);
    settings.graph.suggestions = true;
    // No load balancer has to see that the sandbox is about to stop.
    settings.http.drain.grace_ms = 0;
    let gateway = start_with_metrics(&settings, sample_operations::tabs(), metrics)?;
    let explorer = settings.http.shows_explorer();
    let greeting =
        sample_operations::greeting(gateway.address, explorer, &sandbox.wordpress_url(), &sandbox.oneall_url());
    Ok(SandboxGateway { gateway, greeting, _sandbox: sandbox })
}

async fn start_sandbox() -> Result<Sandbox, String> {
    let sandbox = Sandbox::start(sandbox::Settings::default());
    sandbox.await.map_err(|error| format!("the sandbox cannot start: {error}"))
}

/// Changes settings to use a running sandbox: its addresses, its keys, its users and its services.
///
/// Introspection is open to all and the rate limits are very high, because a sandbox listens on this machine only.
pub fn point_at(settings: &mut Settings, sandbox: &Sandbox) {
    settings.http.allowed_hosts = AllowedHosts::Loopback;
    settings.graph.introspection = Introspection::All;
    settings.access = sandbox_settings::access();
    settings.limits = sandbox_settings::limits();
    // All clients have the same address.
    settings.http.limits.connections_per_address_max = settings.http.limits.connections_max;

    settings.wordpress.base_url = sandbox.wordpress_url();
    settings.oneall.subdomain = None;
    settings.oneall.base_url = Some(sandbox.oneall_url());
    settings.oneall.public_key = Some(SecretString::from(sandbox::ONEALL_PUBLIC_KEY));
    settings.oneall.private_key = Some(SecretString::from(sandbox::ONEALL_PRIVATE_KEY));
}
