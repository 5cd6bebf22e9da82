//! The border: every route, and the layers in the order in which a request meets them.
//!
//! A request is taken for what it says only if no page in a browser could have sent it: the body must be JSON, so a
//! foreign page needs a preflight, which is granted to named origins only. Nothing here is a browser's to bring by
//! itself, as a cookie is; who asks stands in headers that only a program sets.

mod auth;
mod compression;
mod cors;
pub mod explorer;
mod graphql;
mod guard;
pub mod health;
mod host;
pub mod limits;
pub mod load;
mod meter;
mod origin;
pub mod peer;
pub mod persisted;
mod scrape;
pub mod server;
mod settings;
mod static_file;

pub use self::settings::{AllowedHeaders, Hosts, Origins, Profile, Settings};

use std::sync::Arc;

use async_graphql::ServerError;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get};
use tokio_util::task::TaskTracker;

use self::graphql::Edge;
use self::health::Readiness;
use self::limits::Limits;
use self::load::Load;
use self::persisted::Persisted;
use self::server::Guests;
use self::static_file::{REVALIDATE, StaticFile};
use crate::auth::Authenticator;
use crate::auth::digest::Digest;
use crate::auth::pseudonym::Pseudonymizer;
use crate::graph::error::Error;
use crate::graph::{Graph, schema_directives};
use crate::metrics::Metrics;

/// When a client may retry after a 429 or 503 for which no better time is known, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// What the schema's text is.
const SDL_TYPE: &str = "application/graphql; charset=utf-8";

/// What outlasts the routes when they are made anew.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whether requests are wanted.
    pub readiness: Readiness,
    /// What requests may hold at once.
    pub load: Load,
    /// The writes that are under way; whoever asked for them may have left.
    writes: TaskTracker,
    /// What is counted.
    pub metrics: Metrics,
    /// The addresses that have connections open.
    guests: Guests,
}

impl Standing {
    /// What a server begins with.
    pub fn new(settings: &Settings, writes: TaskTracker, metrics: Metrics) -> Self {
        let guests = Guests::new(settings.limits.connections_per_address_max);
        Self { readiness: Readiness::default(), load: Load::new(settings, &metrics), writes, metrics, guests }
    }

    /// From now on these settings are in force.
    pub fn follow(&self, settings: &Settings) {
        self.guests.list(settings.trusted_proxies.networks().unwrap_or_default());
    }
}

/// How callers are met.
pub struct Callers {
    /// Who is let in.
    pub access: Arc<Authenticator>,
    /// What they may take.
    pub limits: Arc<Limits>,
    /// What the audit log calls them.
    pub aliases: Arc<Pseudonymizer>,
}

/// Every route of the gateway.
///
/// # Errors
/// A sentence that names the setting, if the trusted documents cannot be read or a proxy is no address.
pub fn routes(
    graph: Arc<Graph>,
    callers: Callers,
    settings: &Settings,
    tabs: Vec<explorer::Tab>,
    standing: &Standing,
) -> Result<Router, String> {
    let proxies =
        settings.trusted_proxies.networks().ok_or("http.trusted_proxies: names something that is no network")?;
    let edge = Arc::new(Edge {
        graph,
        callers,
        persisted: Persisted::build(settings)?,
        profile: settings.profile,
        body_max: settings.body_max_bytes,
        batch_max: settings.batch_max,
        answer_max: settings.limits.answer_max_bytes,
        load: standing.load.clone(),
        metrics: standing.metrics.clone(),
    });
    let sdl = schema_directives::sdl();
    let schema = StaticFile::new(SDL_TYPE, Digest::sha256(&sdl).to_string(), sdl);
    let send_schema = get(async move |headers: HeaderMap| schema.respond(&headers, REVALIDATE).await);
    let mut pages = Router::new().route("/schema.graphql", send_schema);
    if settings.shows_explorer() {
        pages = pages.merge(explorer::routes(tabs));
    }
    let pages = pages.fallback(nothing_here).method_not_allowed_fallback(read_only);
    let routes = pages
        .layer(middleware::from_fn_with_state(edge.clone(), meter::pages))
        .layer(middleware::from_fn_with_state(standing.load.clone(), load::run))
        // Counted where it is known who asks.
        .merge(Router::new().route("/graphql", any(graphql::answer)).with_state(edge.clone()));
    // Within the layers that let pages read an answer: a page is to know that it is to come again.
    let routes = routes
        .layer(middleware::from_fn_with_state(standing.load.clone(), load::bound))
        .layer(middleware::from_fn(server::require));
    // Read from the last line up: that is the order in which a request meets the layers.
    let routes = cors::open(routes, settings)
        .merge(scrape::routes(edge.clone()).layer(middleware::from_fn(server::require)))
        .layer(middleware::from_fn_with_state(Arc::new(origin::Gate::of(settings)), origin::check))
        .merge(health::routes(standing.readiness.clone(), edge))
        .layer(middleware::from_fn_with_state(settings.limits.headers_max, load::count_headers))
        .layer(middleware::from_fn(host::check))
        .layer(middleware::from_fn(protect));
    Ok(compression::open(routes)
        .layer(middleware::from_fn_with_state(Arc::new(peer::Listed::new(proxies)), peer::learn))
        .layer(middleware::from_fn_with_state(standing.metrics.clone(), guard::watch)))
}

async fn nothing_here() -> Response {
    let error = Error::bad_input("There is nothing here; the graph is at /graphql.");
    refuse(StatusCode::NOT_FOUND, vec![error.at(None)])
}

async fn read_only() -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, vec![Error::bad_input("Use GET here.").at(None)])
}

/// Adds what every response has: it is private, its type must not be guessed, and a 429 or 503 says when to retry.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_temporary = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    if is_temporary {
        headers.entry(header::RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.append(header::VARY, HeaderValue::from_static(auth::VARY));
    response
}

/// An answer of errors alone, as JSON.
fn refuse(status: StatusCode, errors: Vec<ServerError>) -> Response {
    graphql::errors_alone(status, graphql::Media::Json, &errors)
}
