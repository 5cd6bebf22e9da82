//! A world of one test's own: a sandbox, or canned answers, and a gateway in front of it, each on a port of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::app::{self, Running};
use commongraph::auth::Scope;
use commongraph::auth::digest::Digest;
use commongraph::auth::service_key::{self, ExpiresAt};
use commongraph::config::Settings;
use commongraph::graph::document::limits::Limits;
use commongraph::sandbox::{
    self, JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM, JWT_SECRET, Person, Sandbox, people, services,
};
use commongraph::upstream;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A gateway before a sandbox.
pub struct World {
    pub sandbox: Sandbox,
    pub gateway: Gateway,
}

/// A running gateway and a way to ask it.
pub struct Gateway {
    pub running: Running,
    pub client: reqwest::Client,
}

/// Without what makes one request depend on those before it, or cost another number of calls: a test that is about the
/// cache, other attempts, the breaker or the rate turns on what it is about, by `as_shipped`.
fn plain(upstream: &mut upstream::Settings, cache: &mut upstream::CacheSettings) {
    cache.max_bytes = 0;
    upstream.retries_max = 0;
    upstream.breaker_calls_min = 1_000_000;
    upstream.calls_per_second_max = 1_000_000;
    upstream.calls_burst_max = 1_000_000;
}

/// Reaches the providers as the gateway does by default.
pub fn as_shipped(settings: &mut Settings) {
    settings.wordpress.upstream = upstream::Settings::default();
    settings.wordpress.cache = upstream::CacheSettings::default();
    settings.oneall.upstream = upstream::Settings::default();
    settings.oneall.cache = upstream::CacheSettings::default();
}

/// Limits for documents as large and as costly as any setting allows.
pub fn generous() -> Limits {
    Limits {
        bytes_max: 1 << 20,
        tokens_max: 20_000,
        depth_max: 30,
        aliases_max: 10_000,
        expanded_max: 50_000,
        selections_max: 50_000,
        calls_max: 10_000,
        rows_max: 10_000_000,
        ..Limits::default()
    }
}

/// One who asks: the headers of their requests.
#[derive(Clone, Debug, Default)]
pub struct Asker(pub Vec<(&'static str, String)>);

impl World {
    /// The sandbox as it ships, and a gateway with its defaults.
    pub async fn start() -> Self {
        Self::with(sandbox::Settings::default(), |_| {}).await
    }

    /// A sandbox, and a gateway that takes documents as large and as costly as any setting allows.
    pub async fn generous() -> Self {
        Self::with(sandbox::Settings::default(), |settings| settings.graph.limits = generous()).await
    }

    /// A sandbox and a gateway with other settings.
    pub async fn with(world: sandbox::Settings, change: impl FnOnce(&mut Settings)) -> Self {
        let sandbox = Sandbox::start(world).await.unwrap();
        let gateway = Gateway::start(|settings| {
            app::point_at(settings, &sandbox);
            change(settings);
        })
        .await;
        Self { sandbox, gateway }
    }

    /// Asks as a person or a service of the sandbox's world.
    pub async fn ask(&self, name: &str, query: &str) -> Value {
        let is_service = services().iter().any(|service| service.name == name);
        let asker = if is_service { Asker::service(name) } else { Asker::person(name) };
        self.gateway.ask(&asker, query, json!({})).await
    }

    /// What the providers were asked since the last time, by method and path.
    pub async fn counts(&self) -> BTreeMap<String, u64> {
        let url = format!("{}/__sandbox/requests?rows=false", self.sandbox.wordpress_url());
        let seen: Value = self.gateway.client.get(&url).send().await.unwrap().json().await.unwrap();
        self.gateway.client.delete(&url).send().await.unwrap().error_for_status().unwrap();
        serde_json::from_value(seen["counts"].clone()).unwrap()
    }

    /// How many calls the providers are answering at this moment.
    pub async fn open_calls(&self) -> u64 {
        let url = format!("{}/__sandbox/open", self.sandbox.wordpress_url());
        let seen: Value = self.gateway.client.get(url).send().await.unwrap().json().await.unwrap();
        seen["open"].as_u64().unwrap()
    }

    /// What the providers were asked to change so far: for each wish what, which object, how often it came and how often it
    /// changed anything.
    pub async fn writes(&self) -> Vec<(String, String, u64, u64)> {
        let url = format!("{}/__sandbox/writes", self.sandbox.wordpress_url());
        let log: Value = self.gateway.client.get(url).send().await.unwrap().json().await.unwrap();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap();
        let rows = log["writes"].as_array().unwrap().iter();
        rows.map(|row| (text(row, "operation"), text(row, "object"), number(row, "delivered"), number(row, "effects")))
            .collect()
    }

    /// The same, since the last time.
    pub async fn take_writes(&self) -> Vec<(String, String, u64, u64)> {
        let writes = self.writes().await;
        let url = format!("{}/__sandbox/writes", self.sandbox.wordpress_url());
        self.gateway.client.delete(url).send().await.unwrap().error_for_status().unwrap();
        writes
    }

    /// Replaces the sandbox's faults.
    pub async fn fault(&self, faults: Value) {
        let url = format!("{}/__sandbox/faults", self.sandbox.wordpress_url());
        let list = if faults.is_array() { faults } else { json!([faults]) };
        self.gateway.client.put(url).json(&list).send().await.unwrap().error_for_status().unwrap();
    }
}

impl Gateway {
    /// A gateway on a free port.
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        settings.http.drain.grace_ms = 0;
        settings.access = app::sandbox_settings::access();
        for (upstream, cache) in [
            (&mut settings.wordpress.upstream, &mut settings.wordpress.cache),
            (&mut settings.oneall.upstream, &mut settings.oneall.cache),
        ] {
            plain(upstream, cache);
        }
        // Tests ask as fast as they can; those of the limits set them.
        settings.limits = app::sandbox_settings::limits();
        change(&mut settings);
        let running = app::start(&settings, Vec::new()).await.unwrap();
        Self { running, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Where the graph is.
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.running.address)
    }

    /// A request that is ready to be sent.
    pub fn request(&self, asker: &Asker, query: &str, variables: Value) -> reqwest::RequestBuilder {
        let request = self.client.post(self.url()).json(&json!({ "query": query, "variables": variables }));
        asker.0.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    /// Asks, and reads the answer as JSON.
    pub async fn ask(&self, asker: &Asker, query: &str, variables: Value) -> Value {
        self.request(asker, query, variables).send().await.unwrap().json().await.unwrap()
    }
}

impl Asker {
    /// Nobody: no header at all.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Whoever has this WordPress.com token, and shows nothing beside it.
    pub fn alone(token: &str) -> Self {
        Self(vec![("X-WordPress-Token", token.to_owned())])
    }

    /// A service of the sandbox, by its key.
    pub fn service(name: &str) -> Self {
        let service = services().iter().find(|service| service.name == name).unwrap();
        Self(app::sample_operations::service_headers(service))
    }

    /// The service with every scope, with somebody's WordPress.com token beside its key.
    pub fn token(token: &str) -> Self {
        Self::service("shop").with("X-WordPress-Token", token)
    }

    /// A person who is this user at OneAll, by a JWT of their own.
    pub fn user(user: &str) -> Self {
        let claims = json!({
            "iss": JWT_ISSUER, "aud": JWT_AUDIENCE, "sub": user, "exp": 4_102_444_800_u64, JWT_ONEALL_USER_CLAIM: user,
        });
        Self::default().with("Authorization", &format!("Bearer {}", signed(&claims)))
    }

    /// The same with one header more.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    /// A service of this name that has a key with these scopes from now on.
    pub fn keyed(settings: &mut Settings, name: &str, scopes: &[Scope]) -> Self {
        let text = format!("cg_{name}_{:A<43}", "key-of-a-test-");
        let key = service_key::Settings {
            service: Some(name.to_owned()),
            sha256: Some(Digest::sha256(&text)),
            scopes: scopes.iter().copied().collect(),
            expires_at: Some(ExpiresAt(SystemTime::now() + Duration::from_secs(3_600))),
        };
        settings.access.keys.insert(name.to_owned(), key);
        Self::default().with("Authorization", &format!("Bearer {text}"))
    }

    /// A person of the sandbox's world, with the headers that the explorer's tabs carry.
    pub fn person(name: &str) -> Self {
        let person: &Person = people().iter().find(|person| person.name == name).unwrap();
        Self(app::sample_operations::headers(person))
    }
}

/// A JWT of the sandbox's issuer with these claims.
pub fn signed(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes()).unwrap();
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

/// A provider that gives the same answers for ever, and keeps what it was asked.
pub struct Canned {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
    task: tokio::task::JoinHandle<()>,
}

/// One answer: a path with its query or without, a status, a media type and a body.
pub type Answer = (&'static str, u16, &'static str, String);

impl Canned {
    /// Serves these answers; everything else is an empty 404.
    pub async fn start(answers: Vec<Answer>) -> Self {
        Self::with_headers(answers, &[]).await
    }

    /// Serves these answers, each with these headers beside its media type.
    pub async fn with_headers(answers: Vec<Answer>, headers: &[(&'static str, &'static str)]) -> Self {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heads: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let (seen, seen_heads) = (asked.clone(), heads.clone());
        let answers = Arc::new(answers);
        let routes = Router::new().fallback(move |request: Request| {
            let target = request.uri().path_and_query().unwrap().to_string();
            seen.lock().unwrap().push(target.clone());
            seen_heads.lock().unwrap().push(request.headers().clone());
            std::future::ready((headers.clone(), find(&answers, &target, request.uri().path())))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, asked, heads, task }
    }

    /// A JSON answer at this path.
    pub fn json(path: &'static str, body: impl ToString) -> Answer {
        (path, 200, "application/json", body.to_string())
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The headers that came with it, in the same order.
    pub fn heads(&self) -> Vec<HeaderMap> {
        self.heads.lock().unwrap().clone()
    }

    /// A gateway that takes this for WordPress.com and for OneAll.
    pub async fn gateway(&self) -> Gateway {
        Gateway::start(|settings| self.play(settings)).await
    }

    /// Points settings at this as both providers.
    pub fn play(&self, settings: &mut Settings) {
        settings.wordpress.base_url = self.url.clone();
        settings.oneall.base_url = Some(self.url.clone());
        settings.oneall.public_key = Some(SecretString::from("public"));
        settings.oneall.private_key = Some(SecretString::from("private"));
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn find(answers: &[Answer], target: &str, path: &str) -> Response {
    match answers.iter().find(|answer| answer.0 == target || answer.0 == path) {
        Some((_, status, media, body)) => {
            (StatusCode::from_u16(*status).unwrap(), [(header::CONTENT_TYPE, *media)], body.clone()).into_response()
        }
        None => (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain")], "").into_response(),
    }
}

/// An ID as the graph prints it.
pub fn id(plain: &str) -> String {
    URL_SAFE_NO_PAD.encode(plain)
}

/// Asks until it is so, for as long as any machine may need.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("it never came so far that {what}"));
}

/// The codes of an answer's errors, each with its path.
pub fn codes(answer: &Value) -> Vec<(String, String)> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let path = |error: &Value| {
        let parts = error["path"].as_array().cloned().unwrap_or_default();
        let parts: Vec<_> =
            parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
        parts.join(".")
    };
    errors.iter().map(|error| (error["extensions"]["code"].as_str().unwrap_or("-").to_owned(), path(error))).collect()
}
