//! The composition root: settings become upstreams, providers, the graph and the routes; nothing else joins rooms.

pub mod commands;
mod components;
mod gateway;
mod logging;
mod open_files;
mod reload;
pub mod sample_operations;
pub mod sandbox_settings;
mod signals;

pub use self::gateway::{PreparedGateway, Running};

use std::sync::Arc;

use secrecy::SecretString;

use self::components::Components;
use crate::auth::{self, Authenticator, Caller};
use crate::config::Settings;
use crate::graph::{Graph, Introspection, schema_directives};
use crate::http::AllowedHosts;
use crate::http::explorer::Tab;
use crate::metrics::Metrics;
use crate::sandbox::{self, Sandbox};

/// A gateway over a sandbox.
pub struct SandboxGateway {
    /// The gateway.
    pub gateway: Running,
    /// What to tell whoever started it.
    pub greeting: String,
    _sandbox: Sandbox,
}

/// The schema in the schema language.
pub fn schema() -> String {
    schema_directives::sdl()
}

/// Makes the graph over the providers that the settings name, whose calls are counted in these metrics.
///
/// # Errors
/// A sentence that names the setting.
pub fn graph(settings: &Settings, metrics: &Metrics) -> Result<Arc<Graph>, String> {
    Components::build(settings, metrics, None)?.graph()
}

/// One person's own credentials.
#[derive(Clone, Debug, Default)]
pub struct PersonalCredentials {
    /// Their WordPress.com token.
    pub wordpress_token: Option<SecretString>,
    /// Who they are at OneAll.
    pub oneall_user: Option<String>,
}

impl PersonalCredentials {
    /// Takes these for a person's credentials, by the rules that hold for a request's.
    ///
    /// # Errors
    /// A sentence that says what is wanted; it does not repeat what was given.
    pub fn parse(token: Option<&str>, user: Option<&str>) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}: wanted one token, without spaces or a scheme");
        let token = token.map(|text| auth::parse_wordpress_token(text).map_err(|_| wrong("the WordPress.com token")));
        let user = user.map(|text| {
            let user = auth::is_oneall_user_token(text).then(|| text.to_owned());
            user.ok_or_else(|| wrong("the OneAll user"))
        });
        Ok(Self { wordpress_token: token.transpose()?, oneall_user: user.transpose()? })
    }

    /// The operator of the settings at hand, reading as this person; as the whole OneAll site if they are nobody there.
    pub fn operator(self) -> Caller {
        Caller::operator(self.wordpress_token, self.oneall_user.as_deref())
    }
}

/// Starts a gateway for others, and returns once it answers.
///
/// # Errors
/// A sentence that names the setting, or says why the address cannot be listened on.
pub async fn start(settings: &Settings, tabs: Vec<Tab>) -> Result<Running, String> {
    start_with_metrics(settings, tabs, Metrics::default())
}

fn start_with_metrics(settings: &Settings, tabs: Vec<Tab>, metrics: Metrics) -> Result<Running, String> {
    PreparedGateway::build(Components::build(settings, &metrics, None)?, tabs, metrics)?.listen()
}

/// Starts a gateway for one person alone, on this machine alone; also gives the credential that each request must show.
///
/// # Errors
/// A sentence that names the setting, or says why the address cannot be listened on.
pub async fn start_personal(
    settings: Settings,
    credentials: PersonalCredentials,
) -> Result<(Running, SecretString), String> {
    let (prepared, bearer) = prepare_personal(settings, credentials, Metrics::default())?;
    Ok((prepared.listen()?, bearer))
}

/// Builds a gateway for one user, and returns the credential that each request must carry.
///
/// # Errors
/// A sentence that names the setting.
pub fn prepare_personal(
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
/// A sentence that says what cannot be listened on.
pub async fn start_sandbox_gateway(mut settings: Settings, metrics: Metrics) -> Result<SandboxGateway, String> {
    let sandbox = start_sandbox().await?;
    point_at(&mut settings, &sandbox);
    settings.graph.suggestions = true;
    // No load balancer has to notice that a sandbox stops.
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

/// Points settings at a running sandbox: its URLs and keys, and the credentials of its people and services.
pub fn point_at(settings: &mut Settings, sandbox: &Sandbox) {
    settings.http.allowed_hosts = AllowedHosts::Loopback;
    settings.graph.introspection = Introspection::All;
    settings.access = sandbox_settings::access();
    settings.limits = sandbox_settings::limits();
    // All clients of a sandbox are on this machine.
    settings.http.limits.connections_per_address_max = settings.http.limits.connections_max;

    settings.wordpress.base_url = sandbox.wordpress_url();
    settings.oneall.subdomain = None;
    settings.oneall.base_url = Some(sandbox.oneall_url());
    settings.oneall.public_key = Some(SecretString::from(sandbox::ONEALL_PUBLIC_KEY));
    settings.oneall.private_key = Some(SecretString::from(sandbox::ONEALL_PRIVATE_KEY));
}
