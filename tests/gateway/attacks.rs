//! What forgers send in `Authorization`: each is 401 with a challenge, asks nobody, and is not repeated to whoever sent it.
//!
//! Which check each of them fails is tried beside the checks; here they come over HTTP, to a gateway that knows people by
//! an issuer's key set and services by their keys.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use commongraph::auth::Scope;
use commongraph::auth::service_key::ExpiresAt;
use commongraph::config::Settings;
use commongraph::graph::Introspection;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::harness::{Asker, World, codes};

const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://graph.example";
const USER: &str = "5a4d0000-0000-4000-8001-000000000002";

/// The last second of the test's tokens, and a time that is over.
const LATE: u64 = 4_102_444_800;
const OVER: u64 = 1_000_000_000;

/// Asks for a thing of Ada's at OneAll, so that whoever is let in causes a call.
const QUERY: &str = "{ it: viewer { oneallUser { loginCount } } }";

/// A key of an issuer.
pub struct Key(Ed25519KeyPair);

impl Key {
    pub fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    pub fn jwk(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x })
    }

    /// A token of any header and claims.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes()).as_ref());
        format!("{text}.{signature}")
    }

    /// A good token by the key of this name.
    pub fn good(&self, kid: &str) -> String {
        self.token(&json!({ "alg": "EdDSA", "kid": kid }), &claims(json!({})))
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The claims of a good token, with changes; one that is null is left out.
pub fn claims(changes: Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": LATE, "oneall_user": USER });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

/// Publishes key sets on loopback.
pub struct Issuer {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    is_down: Arc<AtomicBool>,
    fetched: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Issuer {
    pub async fn start(keys: Vec<Value>) -> Self {
        let (keys, is_down, fetched) = (Arc::new(Mutex::new(keys)), Arc::<AtomicBool>::default(), Arc::default());
        let (set, down, count) = (Arc::clone(&keys), Arc::clone(&is_down), Arc::<AtomicUsize>::clone(&fetched));
        let routes = Router::new().fallback(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let status = if down.load(Ordering::Relaxed) { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
            let body = json!({ "keys": *set.lock().unwrap() }).to_string();
            std::future::ready((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }).abort_handle();
        Self { url, keys, is_down, fetched, task }
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::Relaxed)
    }

    /// A world whose people are known by this issuer.
    pub async fn world(&self) -> World {
        self.world_with(|_| {}).await
    }

    async fn world_with(&self, change: impl FnOnce(&mut Settings)) -> World {
        World::with(Default::default(), |settings| {
            let jwt = &mut settings.access.jwt;
            (jwt.secret, jwt.jwks_url) = (None, Some(self.url.clone()));
            (jwt.issuer, jwt.audience) = (Some(ISSUER.to_owned()), Some(AUDIENCE.to_owned()));
            change(settings);
        })
        .await
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn bearer(token: &str) -> Asker {
    Asker::nobody().with("Authorization", &format!("Bearer {token}"))
}

/// The status of an answer, and what it says.
pub async fn told(world: &World, asker: &Asker) -> (u16, Value) {
    let response = world.gateway.request(asker, QUERY, json!({})).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

pub async fn is_let_in(world: &World, token: &str) -> bool {
    let (status, answer) = told(world, &bearer(token)).await;
    let is_there = answer["data"]["it"]["oneallUser"]["loginCount"].is_number();
    assert!(matches!(status, 200 | 401) && is_there == (status == 200), "{status}: {answer}");
    is_there
}

/// Holds a request to the refusal of a bad credential, word for word the same for all but what has expired.
async fn refused(world: &World, asker: &Asker, name: &str) {
    let shown = asker.0.iter().map(|(_, value)| value.as_str());
    let pieces: Vec<&str> = shown.flat_map(|value| value.split([' ', '.', '_'])).filter(|it| it.len() > 9).collect();
    for query in [QUERY, "{ __typename }", "{ nonsense"] {
        let response = world.gateway.request(asker, query, json!({})).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert_eq!(status, 401, "{name}: {text}");
        let challenge = headers["www-authenticate"].to_str().unwrap();
        assert_eq!(challenge, "Bearer realm=\"commongraph\", error=\"invalid_token\"", "{name}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(codes(&answer), [("UNAUTHENTICATED".to_owned(), String::new())], "{name}: {text}");
        assert!(answer.get("data").is_none(), "{name}: {text}");
        let all = format!("{headers:?} {text}");
        let echoed: Vec<_> = pieces.iter().filter(|piece| all.contains(**piece)).collect();
        assert!(echoed.is_empty(), "{name}: {echoed:?} comes back: {all}");
    }
}

/// Tokens that are no good, each with what is wrong.
fn forged(key: &Key) -> Vec<(&'static str, String)> {
    let head = json!({ "alg": "EdDSA", "kid": "a" });
    let with = |changes: Value| key.token(&head, &claims(changes));
    let headed = |changes: Value| {
        let mut head = head.clone();
        changes.as_object().unwrap().iter().for_each(|(name, value)| head[name] = value.clone());
        key.token(&head, &claims(json!({})))
    };
    let unsigned = |algorithm: &str| format!("{}.{}.", part(&json!({ "alg": algorithm })), part(&claims(json!({}))));
    let public = key.0.public_key().as_ref().to_vec();
    let swapped = |kid: Value, secret: &[u8]| {
        let head = if kid.is_null() { json!({ "alg": "HS256" }) } else { json!({ "alg": "HS256", "kid": kid }) };
        let text = format!("{}.{}", part(&head), part(&claims(json!({}))));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let stranger = Key::new();
    let good = key.good("a");
    let (body, signature) = good.rsplit_once('.').unwrap();
    let mut tokens = vec![
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("none, with a signature", format!("{}AAAA", unsigned("NONE"))),
        ("no signature", format!("{body}.")),
        ("two parts", body.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("a cut signature", good[..good.len() - 1].to_owned()),
        ("another's signature", stranger.good("a")),
        ("the public key as a secret", swapped(json!("a"), &public)),
        ("the public key's text as a secret", swapped(json!(null), STANDARD.encode(&public).as_bytes())),
        ("an empty secret", swapped(json!("a"), b"")),
        ("another algorithm of the key's family", headed(json!({ "alg": "ES256" }))),
        ("an algorithm that is none", headed(json!({ "alg": "HS512" }))),
        ("an algorithm that is no text", headed(json!({ "alg": ["EdDSA"] }))),
        ("a kid that is a path", headed(json!({ "kid": "../../../../dev/null" }))),
        ("a kid that is a query", headed(json!({ "kid": "a' UNION SELECT 'a" }))),
        ("a kid that is a number", headed(json!({ "kid": 1 }))),
        ("a kid that is long", headed(json!({ "kid": "a".repeat(300) }))),
        ("a key set of its own", headed(json!({ "jku": "http://127.0.0.1:1/evil-keys" }))),
        ("a key of its own", headed(json!({ "jwk": stranger.jwk("a") }))),
        ("a certificate of its own", headed(json!({ "x5u": "http://127.0.0.1:1/evil-chain" }))),
        ("what must be understood", headed(json!({ "crit": ["exp"] }))),
        ("a type of another kind", headed(json!({ "typ": "dpop+jwt" }))),
        ("a long subject", with(json!({ "sub": "a".repeat(257) }))),
        ("another's expired token", stranger.token(&head, &claims(json!({ "exp": OVER })))),
    ];
    tokens.extend(
        [
            ("no issuer", json!({ "iss": null })),
            ("another issuer", json!({ "iss": "https://issuer.example" })),
            ("issuers", json!({ "iss": [ISSUER] })),
            ("no audience", json!({ "aud": null })),
            ("another audience", json!({ "aud": "https://shop.example" })),
            ("no end", json!({ "exp": null })),
            ("an end of text", json!({ "exp": "4102444800" })),
            ("an end before 1970", json!({ "exp": -0.5 })),
            ("expired", json!({ "exp": OVER })),
            ("no subject", json!({ "sub": null })),
            ("a beginning of text", json!({ "nbf": "1" })),
            ("a beginning to come", json!({ "nbf": LATE })),
            ("a user that is a path", json!({ "oneall_user": "../users" })),
            ("users", json!({ "oneall_user": [USER] })),
            ("scopes that are no text", json!({ "scope": ["oneall:personal", 1] })),
        ]
        .map(|(name, changes)| (name, with(changes))),
    );
    tokens
}

#[tokio::test]
async fn a_forged_jwt_opens_nothing_and_asks_nobody() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let world = issuer.world().await;
    assert!(is_let_in(&world, &key.good("a")).await, "a good token is let in");
    world.counts().await;
    let tokens = forged(&key);
    for (name, token) in &tokens {
        refused(&world, &bearer(token), name).await;
        // A good WordPress.com token beside it makes it no better.
        refused(&world, &bearer(token).with("X-WordPress-Token", "sandbox-wpcom-ada"), name).await;
    }
    assert_eq!(json!(world.counts().await), json!({}), "{} forgeries", tokens.len());
    assert!(issuer.fetched() <= 2, "the issuer was asked {} times", issuer.fetched());
    assert!(is_let_in(&world, &key.good("a")).await, "a good token is let in afterwards");
}

#[tokio::test]
async fn whoever_forges_is_told_the_same_whatever_check_they_fail() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let world = issuer.world().await;
    for (name, token) in forged(&key) {
        let (_, answer) = told(&world, &bearer(&token)).await;
        let wanted = if name == "expired" { "has expired." } else { "is not valid." };
        assert_eq!(answer["errors"][0]["message"], format!("The credential in Authorization {wanted}"), "{name}");
    }
}

#[tokio::test]
async fn a_header_that_is_no_bearer_credential_is_refused() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let world = issuer.world().await;
    let good = key.good("a");
    for odd in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        good.clone(),
        format!("Bearer{good}"),
        format!("Bearer\t{good}"),
        format!("Bearer {good} {good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer \"{good}\""),
        format!("Basic {}", STANDARD.encode(format!("ada:{good}"))),
        format!("Basic {good}"),
        format!("DPoP {good}"),
        format!("Token {good}"),
        format!("Digest username=\"ada\", response=\"{good}\""),
        format!("Negotiate {good}"),
    ] {
        refused(&world, &Asker::nobody().with("Authorization", &odd), &odd).await;
    }
    let twice = bearer(&good).with("Authorization", &format!("Bearer {good}"));
    refused(&world, &twice, "the same twice").await;
    let mixed = bearer(&good).with("Authorization", "Basic b2xnYTpvbGdh");
    refused(&world, &mixed, "two schemes").await;
    let tokens = Asker::alone("sandbox-wpcom-ada").with("X-WordPress-Token", "sandbox-wpcom-gus");
    refused(&world, &tokens, "two WordPress.com tokens").await;
    assert_eq!(json!(world.counts().await), json!({}));
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "] {
        let asker = Asker::nobody().with("Authorization", &format!("{scheme} {good}"));
        assert_eq!(told(&world, &asker).await.0, 200, "{scheme}: a scheme is a word in any case");
    }
}

#[tokio::test]
async fn a_service_key_that_is_not_to_the_letter_is_refused() {
    let (key, issuer) = (Key::new(), Issuer::start(Vec::new()).await);
    let mut late = Asker::nobody();
    let world = issuer
        .world_with(|settings| {
            late = Asker::keyed(settings, "late", &[Scope::UsersRead]);
            settings.access.keys.get_mut("late").unwrap().expires_at = Some(ExpiresAt(SystemTime::now()));
        })
        .await;
    refused(&world, &late, "an expired key").await;
    let good = Asker::service("shop").0[0].1.trim_start_matches("Bearer ").to_owned();
    let (begin, secret) = good.rsplit_once('_').unwrap();
    let other = Asker::service("login").0[0].1.rsplit_once('_').unwrap().1.to_owned();
    let last = |end: char| format!("{}{end}", &good[..good.len() - 1]);
    let forgeries = [
        ("an unknown id", format!("cg_nobody_{secret}")),
        ("another service's id", format!("cg_login_{secret}")),
        ("another service's secret", format!("{begin}_{other}")),
        ("no id", format!("cg__{secret}")),
        ("no secret", format!("{begin}_")),
        ("the id alone", begin.to_owned()),
        ("a truncated secret", good[..good.len() - 1].to_owned()),
        ("a longer secret", format!("{good}A")),
        ("another last letter", last(if good.ends_with('A') { 'B' } else { 'A' })),
        ("another case", good.to_uppercase()),
        ("an id in capitals", good.replacen("cg_shop", "cg_SHOP", 1)),
        ("padding", format!("{good}=")),
        ("a digest for a secret", format!("cg_shop_{}", "0".repeat(64))),
        ("zeros", format!("cg_shop_{}", "A".repeat(43))),
        ("huge", format!("cg_shop_{}", "A".repeat(20_000))),
        ("a key as a JWT", format!("{good}.{good}.{good}")),
        ("the signed key", key.good(&good)),
    ];
    for (name, text) in forgeries {
        // Without keys of the issuer, a JWT cannot be checked, which is the gateway's trouble.
        if name == "another case" || name == "the signed key" {
            let (status, answer) = told(&world, &bearer(&text)).await;
            assert!(matches!(status, 401 | 503) && !answer.to_string().contains(&text), "{name}: {answer}");
            continue;
        }
        refused(&world, &bearer(&text), name).await;
    }
    assert_eq!(json!(world.counts().await), json!({}));
    let (status, _) = told(&world, &bearer(&good)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_issuer_that_changes_its_keys_is_followed_and_one_that_is_down_is_remembered() {
    let [first, second, third] = [Key::new(), Key::new(), Key::new()];
    let issuer = Issuer::start(vec![first.jwk("a")]).await;
    let world = issuer.world().await;
    assert!(is_let_in(&world, &first.good("a")).await);
    assert_eq!(issuer.fetched(), 1);

    // A new key is known by its name as soon as a token has it; the old one is out with the set that does not hold it.
    *issuer.keys.lock().unwrap() = vec![second.jwk("b")];
    assert!(is_let_in(&world, &first.good("a")).await, "nobody has asked for another yet");
    assert!(is_let_in(&world, &second.good("b")).await);
    assert_eq!(issuer.fetched(), 2);
    assert!(!is_let_in(&world, &first.good("a")).await);

    // Names that nobody has make it ask no more: it has asked within the minute.
    for number in 0..50 {
        assert!(!is_let_in(&world, &third.good(&format!("made-up-{number}"))).await);
    }
    assert_eq!(issuer.fetched(), 2, "names that are made up cost the issuer nothing");

    // An issuer that is down, or has nothing to say, changes nothing.
    issuer.is_down.store(true, Ordering::Relaxed);
    issuer.keys.lock().unwrap().clear();
    for _ in 0..5 {
        assert!(is_let_in(&world, &second.good("b")).await);
        assert!(!is_let_in(&world, &third.good("c")).await);
    }
    assert!(issuer.fetched() <= 3, "{}", issuer.fetched());
}

#[tokio::test]
async fn the_keys_of_an_issuer_that_is_down_outlast_other_settings_and_no_other_issuer() {
    let key = Key::new();
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let mut settings = Settings::default();
    let world = issuer.world_with(|all| settings = all.clone()).await;
    assert!(is_let_in(&world, &key.good("a")).await);
    // Made-up names have it asked once a minute; a reload asks at once.
    let new = Key::new();
    assert!(!is_let_in(&world, &new.good("b")).await);
    issuer.keys.lock().unwrap().push(new.jwk("b"));
    assert!(!is_let_in(&world, &new.good("b")).await);
    world.gateway.running.reload(&settings).unwrap();
    assert!(is_let_in(&world, &new.good("b")).await);

    issuer.is_down.store(true, Ordering::Relaxed);
    settings.graph.introspection = Introspection::None;
    settings.access.jwt.audience = Some("https://other.example".to_owned());
    world.gateway.running.reload(&settings).unwrap();
    assert!(!is_let_in(&world, &key.good("a")).await, "what the settings want of a token holds at once");
    settings.access.jwt.audience = Some(AUDIENCE.to_owned());
    world.gateway.running.reload(&settings).unwrap();
    assert!(is_let_in(&world, &key.good("a")).await);

    let other = Issuer::start(vec![Key::new().jwk("a")]).await;
    settings.access.jwt.jwks_url = Some(other.url.clone());
    world.gateway.running.reload(&settings).unwrap();
    assert!(!is_let_in(&world, &key.good("a")).await, "another issuer's keys are its own");
}
