//! What must never leave: credentials of the providers' own, the site's keys, other people's tokens and marks.
//!
//! The sandbox fills every secret field with a canary. Here everything that can be asked is asked, by everybody, in
//! health and in trouble, and no canary may show up in an answer, a header, a printed setting or a line of the log.

use std::collections::{BTreeSet, HashSet};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use commongraph::app::PersonalCredentials;
use commongraph::app::commands::query::{self, QueryCaller, QueryRequest};
use commongraph::auth::service_key::{self, ServiceKeys};
use commongraph::auth::{Authenticator, Credentials, LookupMode, Rejection, Scope};
use commongraph::config::Settings;
use commongraph::sandbox::{
    JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM, JWT_SECRET, ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, people,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, World, codes};
use crate::log::Log;
use crate::selection::Types;

/// What nobody may read anywhere.
fn secrets() -> Vec<String> {
    let pair = STANDARD.encode(format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}"));
    let fixed = [
        "canary",
        "Basic ",
        "Bearer ",
        "sandbox-wpcom-",
        "cg_",
        "eyJ",
        JWT_SECRET,
        ONEALL_PUBLIC_KEY,
        ONEALL_PRIVATE_KEY,
    ];
    fixed.iter().map(|secret| (*secret).to_owned()).chain([pair]).collect()
}

fn check(text: &str, place: &str) {
    for secret in secrets() {
        if let Some(at) = text.find(&secret) {
            let from = text[..at].char_indices().rev().nth(120).map_or(0, |(at, _)| at);
            panic!("{secret} in {place}: {}", &text[from..at + secret.len()]);
        }
    }
}

/// Sends an operation and checks all that comes back; the links' marks must be the asker's own.
async fn ask(world: &World, person: &str, query: &str) -> Value {
    let asker = Asker::person(person).with("X-Commongraph-Explain", "1");
    let request = world.gateway.request(&asker, query, json!({}));
    let response = request.send().await.unwrap();
    let head = format!("{} {:?}", response.status(), response.headers());
    let text = response.text().await.unwrap();
    let place = format!("an answer to {person}: {}", query.get(..60).unwrap_or(query));
    check(&head, &place);
    check(&text, &place);
    assert!(!head.contains("nonce"), "{head}");
    for other in people().iter().filter(|other| other.name != person) {
        assert!(!text.contains(&format!("n-{}-", other.name)), "a mark of {} in {place}", other.name);
    }
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert!(answer["data"].is_object(), "{}: {query}", answer["errors"]);
    answer
}

/// Operations that together ask for every field, in lists and one by one.
fn everything(types: &Types) -> Vec<String> {
    let mut fields = types.each_field("Query");
    fields.retain(|field| !field.starts_with("viewer"));
    fields.extend(types.each_field("Viewer").iter().map(|field| format!("viewer {{ {field} }}")));
    let connection = types.everything("Connection");
    let numbers = (1..=24).map(|number| format!("5a4d0000-0000-4000-8000-{number:012}"));
    for token in numbers.chain(["8875cb47-9b2e-40f9-8ae0-8428c06937a9".to_owned()]) {
        fields.push(format!("connection(by: {{ connectionToken: \"{token}\" }}){connection}"));
    }
    fields.push(format!("connection(by: {{ keyringConnectionId: 1234567 }}){connection}"));
    fields.push(format!("application(by: {{ connectedApplicationId: 8367271 }}){}", types.everything("Application")));
    for number in [2, 4, 12, 17] {
        let token = format!("5a4d0000-0000-4000-8002-{number:012}");
        fields.push(format!("identity(by: {{ identityToken: \"{token}\" }}){}", types.everything("Identity")));
    }
    fields.push(format!("service(key: \"facebook\"){}", types.everything("Service")));
    for (plain, kind) in [
        ("publicize:7700123/88001", "Connection"),
        ("sign-in:5a4d0000-0000-4000-8000-000000000006", "Connection"),
        ("encrypted:5a4d0000-0000-4000-8000-000000000005", "Identity"),
        ("account:keyring:51001", "Identity"),
        ("plugin:social_login", "Application"),
        ("service:google", "Service"),
        ("site:7700123", "Site"),
    ] {
        let id = URL_SAFE_NO_PAD.encode(plain);
        fields.push(format!("node(id: \"{id}\") {{ ... on {kind}{} }}", types.everything(kind)));
    }
    fields.into_iter().map(|field| format!("{{ {field} }}")).collect()
}

#[tokio::test]
async fn no_secret_leaves_in_an_answer_whoever_asks_and_whatever_they_ask() {
    let world = World::generous().await;
    let log = Log::default();
    let _guard = log.listen();
    let operations = everything(&Types::read(&world.gateway).await);
    for person in people() {
        let mut answered = 0;
        // The sign-ins one by one are many; those who own some of them ask for them all.
        let asks_one_by_one = person.operator || ["ada", "cleo"].contains(&person.name);
        for operation in operations.iter().filter(|text| asks_one_by_one || !text.contains("connectionToken:")) {
            let answer = ask(&world, person.name, operation).await;
            answered += usize::from(answer["errors"].is_null());
        }
        assert!(answered > 3, "{} was answered {answered} times", person.name);
    }
    // What is withheld was there to be told.
    let token = people()[0].wordpress_token.unwrap();
    let me = world.gateway.client.get(format!("{}/rest/v1.1/me", world.sandbox.wordpress_url()));
    assert!(me.bearer_auth(token).send().await.unwrap().text().await.unwrap().contains("canary"));
    check_log(&log);
    check_metrics(&world).await;
}

/// No secret, and no OneAll token or name of a person, is in what is counted.
async fn check_metrics(world: &World) {
    let text = crate::metrics::scrape(&world.gateway).await;
    assert!(text.contains("commongraph_upstream_calls_total"), "{text}");
    check(&text, "the metrics");
    for word in people().iter().map(|person| person.name).chain(["5a4d0000", "127.0.0.1", "nonce"]) {
        assert!(!text.contains(word), "{word} is in the metrics");
    }
}

#[tokio::test]
async fn no_secret_leaves_in_trouble() {
    let world = World::generous().await;
    let log = Log::default();
    let _guard = log.listen();
    let types = Types::read(&world.gateway).await;
    let operations = [
        format!("{{ connections(first: 5) {{ incomplete {{ message }} nodes{} }} }}", types.everything("Connection")),
        format!("{{ applications{} }}", types.everything("ApplicationConnection")),
        format!(
            "{{ viewer {{ oneallUser{} wordpressUser{} }} }}",
            types.everything("OneAllUser"),
            types.everything("WordPressUser")
        ),
        "{ services { nodes { description } } identities { nodes { username } } }".to_owned(),
    ];
    let says = |status: u16, body: Value| json!({ "status": status, "body": body });
    let faults = [
        says(401, json!({ "error": "invalid_token", "message": "canary-message" })),
        says(403, json!({ "error": "canary message", "message": "canary-message" })),
        says(500, json!("canary-text")),
        says(
            200,
            json!({ "connections": "canary-text", "connected_applications": "canary", "sites": 1, "services": "canary" }),
        ),
        says(200, json!({ "connections": [{ "ID": { "canary-key": "canary" }, "service": ["canary"] }] })),
        says(200, json!({ "canary-key": { "canary": [] } })),
        says(
            200,
            json!({ "response": { "request": { "status": { "code": "canary", "info": "canary" } }, "result": { "data": "canary" } } }),
        ),
        says(200, json!({ "response": { "request": { "status": { "code": 503, "info": "canary" } } } })),
        says(
            200,
            json!({ "response": { "result": { "data": { "connection": "canary", "user": { "identity": "canary" } } } } }),
        ),
        json!({ "status": 302, "headers": { "Location": "http://127.0.0.1:1/?canary" } }),
        json!({ "status": 429, "headers": { "Retry-After": "canary", "Set-Cookie": "canary=1" } }),
        json!({ "shape": "bad_row" }),
        json!({ "shape": "garbage" }),
        json!({ "cut": true }),
        json!({ "refuse": true }),
        json!({ "throttle": true }),
    ];
    for fault in faults {
        world.fault(fault.clone()).await;
        for person in ["olga", "ada", "cleo"] {
            let mut told = 0;
            for operation in &operations {
                told += codes(&ask(&world, person, operation).await).len();
            }
            assert!(told > 0, "{person} is told nothing of {fault}");
        }
    }
    assert!(log.text().contains("provider request failed"), "the log tells the cause");
    check_log(&log);
    check_metrics(&world).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_logged_without_its_content() {
    let log = Log::default();
    let _guard = log.listen();
    let canned = Canned::start(vec![Canned::json(
        "/rest/v1.1/me/keyring-connections",
        json!({ "connections": [{ "ID": "canary-id", "refresh_URL": "canary" }, ["canary"], "canary", { "ID": { "canary": 1 } }] }),
    )])
    .await;
    let gateway = canned.gateway().await;
    let answer =
        gateway.ask(&Asker::token("canary-token"), "{ viewer { connections { nodes { id } } } }", json!({})).await;
    assert!(codes(&answer).iter().filter(|(code, _)| code == "PROVIDER_MALFORMED").count() >= 4, "{answer}");
    check(&answer.to_string(), "the answer");
    assert!(canned.asked().contains(&"/rest/v1.1/me/keyring-connections".to_owned()));
    assert_eq!(log.text().matches("skipped unreadable rows").count(), 1, "a line for a list, not for a row");
    check_log(&log);
}

#[tokio::test]
async fn no_secret_stands_in_the_list_of_calls() {
    let mut made = 0;
    for person in people() {
        for document in [commongraph::app::sample_operations::ACCOUNTS, commongraph::app::sample_operations::VIEWER] {
            let caller = QueryCaller::SandboxUser(Some(person.name.to_owned()));
            let request = QueryRequest { document: document.to_owned(), variables: None, operation: None, caller };
            let reply = query::run(Settings::default(), request).await.unwrap();
            made += reply.calls.len();
            check(&reply.calls.join("\n"), "the list of calls");
            check(&reply.json, "an answer");
            assert!(!reply.calls.join("\n").contains("nonce"));
        }
    }
    assert!(made > 20, "{made} calls were listed");
}

#[tokio::test]
async fn settings_print_no_secret() {
    let world = World::start().await;
    let mut settings = Settings::default();
    commongraph::app::point_at(&mut settings, &world.sandbox);
    let printed = format!("{settings:?} {settings:#?}");
    assert!(printed.contains("127.0.0.1"), "{printed}");
    check(&printed, "the settings");
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_repeated() {
    let world = World::start().await;
    for (name, value) in
        [("X-WordPress-Token", "canary token"), ("Authorization", "Bearer canary/../canary"), ("X-WordPress-Token", "")]
    {
        let asker = Asker(vec![(name, value.to_owned())]);
        let answer = world.gateway.ask(&asker, "{ viewer { wordpressUser { userId } } }", json!({})).await;
        assert_eq!(codes(&answer)[0].0, "UNAUTHENTICATED");
        check(&answer.to_string(), "a refusal");
    }
    let wrong = Asker::token("canary-unknown");
    let answer = world.gateway.ask(&wrong, "{ viewer { wordpressUser { userId } } }", json!({})).await;
    assert_eq!(codes(&answer), [("UNAUTHENTICATED".to_owned(), "viewer.wordpressUser".to_owned())]);
    check(&answer.to_string(), "a refusal");
}

/// No secret, and no link's mark, is in what was logged.
fn check_log(log: &Log) {
    let text = log.text();
    assert!(!text.is_empty(), "something was logged");
    check(&text, "the log");
    assert!(!text.contains("nonce"), "a link's mark is in the log");
    for place in ["connections", "users", "identities"] {
        for token in ["5a4d0000", "8875cb47"] {
            assert!(!text.contains(&format!("/{place}/{token}")), "a OneAll token is in the log");
        }
    }
}

/// The credentials of one gateway and its callers, each with a word of its own in it.
struct Marked {
    /// The words, each with what it stands in.
    words: Vec<(&'static str, String)>,
    /// Good and bad ones, as they are shown.
    askers: Vec<Asker>,
}

impl Marked {
    /// Puts the gateway's own into the settings and makes the callers'.
    fn of(settings: &mut Settings) -> Self {
        let secret = "marked-secret-of-the-issuer-7f3a91c2";
        settings.access.jwt.secret = Some(SecretString::from(secret));
        let mut words = vec![
            ("the issuer's secret", secret.to_owned()),
            ("the site's public key", ONEALL_PUBLIC_KEY.to_owned()),
            ("the site's private key", ONEALL_PRIVATE_KEY.to_owned()),
            ("the site's keys as they are sent", STANDARD.encode(format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}"))),
        ];
        let key = Asker::keyed(settings, "marked", &Scope::ALL);
        words.push(("a service's key", key.0[0].1.trim_start_matches("Bearer ").to_owned()));
        words.push(("a service's secret", key.0[0].1.rsplit_once('_').unwrap().1.to_owned()));
        let mut askers =
            vec![Asker::nobody(), key.clone(), key.clone().with("X-WordPress-Token", "sandbox-wpcom-olga")];
        for person in people() {
            let claims = json!({
                "iss": JWT_ISSUER, "aud": JWT_AUDIENCE, "sub": person.name, "exp": 4_102_444_800_u64,
                JWT_ONEALL_USER_CLAIM: person.oneall_user.unwrap_or("nobody"),
            });
            let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()).unwrap();
            let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
            let shown = Asker::nobody().with("Authorization", &format!("Bearer {token}"));
            askers.push(shown.clone());
            words.push(("a JWT's signature", token.rsplit_once('.').unwrap().1.to_owned()));
            words.push(("a JWT's claims", token.split('.').nth(1).unwrap().to_owned()));
            if let Some(token) = person.wordpress_token {
                words.push(("a WordPress.com token", token.to_owned()));
                askers.extend([Asker::alone(token), shown.with("X-WordPress-Token", token)]);
            }
        }
        let mut marked = Self { words, askers };
        marked.attack(&key);
        marked
    }

    /// What is shown and is no good.
    fn attack(&mut self, key: &Asker) {
        let key = &key.0[0].1;
        let mut number = 0;
        let mut word = |what: &'static str| {
            number += 1;
            let word = format!("marked{number}b81d");
            self.words.push((what, word.clone()));
            word
        };
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let bad = [
            ("Authorization", format!("Basic {}", word("another scheme"))),
            ("Authorization", format!("Bearer {} {}", word("two words"), word("two words"))),
            ("Authorization", word("no scheme")),
            ("Authorization", format!("Bearer {}", word("no JWT"))),
            ("Authorization", format!("Bearer cg_{}_{}", word("an unknown id"), word("an unknown secret"))),
            ("Authorization", key.replace("key-of", &word("a wrong secret"))),
            (
                "Authorization",
                format!(
                    "Bearer {}.{}.{}",
                    part(r#"{"alg":"HS256"}"#.to_owned()),
                    part(word("claims")),
                    word("a signature")
                ),
            ),
            ("Authorization", format!("Bearer {}.{}.", part(r#"{"alg":"none"}"#.to_owned()), word("an unsigned JWT"))),
            (
                "Authorization",
                format!("Bearer {}.e30.AAAA", part(format!(r#"{{"alg":"HS256","kid":"{}"}}"#, word("a kid")))),
            ),
            ("X-WordPress-Token", word("an unknown token")),
            ("X-WordPress-Token", format!("{} {}", word("two tokens"), word("two tokens"))),
        ];
        self.askers.extend(bad.map(|(name, value)| Asker(vec![(name, value)])));
    }

    fn check(&self, place: &str, text: &str) {
        if let Some((what, word)) = self.words.iter().find(|(_, word)| text.contains(word)) {
            let at = text.find(word).unwrap();
            let from = text[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
            panic!("{what} in {place}: {}", &text[from..at + word.len()]);
        }
    }
}

/// Where a gateway says something of itself, all of it asked by the service that may read everything.
const PLACES: [&str; 8] =
    ["/", "/schema.graphql", "/health/live", "/health/ready", "/metrics", "/graphql?query=", "/debug", "/none/such"];

/// The Debug of what holds a credential.
async fn printed(settings: &Settings, token: &str, jwt: &str) -> String {
    let access = Authenticator::from_settings(&settings.access, None, None, SystemTime::now()).unwrap();
    let credentials = Credentials { authorization: Some(jwt), wordpress_token: Some(token) };
    let caller = access
        .authenticate(credentials, SystemTime::now(), LookupMode::AllowFetch, |_| Ok::<_, Rejection>(()))
        .await
        .unwrap();
    let keys = ServiceKeys::from_settings(&settings.access.keys, SystemTime::now()).unwrap();
    let one = PersonalCredentials::parse(Some(token), None).unwrap();
    let fresh = service_key::generate("fresh", &[7; service_key::SECRET_BYTES]).unwrap();
    assert!(!format!("{fresh:?}").contains("BwcHBwcH"), "{fresh:?}");
    format!("{settings:#?} {caller:?} {keys:?} {one:?} {:?} {:?}", one.clone().operator(), caller.wordpress_or_denied())
}

#[tokio::test]
async fn no_credential_that_is_shown_or_held_is_told_anywhere() {
    let log = Log::default();
    let _guard = log.listen();
    let (mut marked, mut kept) = (None, Settings::default());
    let world = World::with(Default::default(), |settings| {
        marked = Some(Marked::of(settings));
        kept = settings.clone();
    })
    .await;
    let marked = marked.unwrap();
    let unique: HashSet<_> = marked.words.iter().map(|(_, word)| word).collect();
    assert!(unique.len() == marked.words.len() && unique.len() > 40, "{} words", unique.len());
    let operations = [
        commongraph::app::sample_operations::ACCOUNTS,
        commongraph::app::sample_operations::VIEWER,
        commongraph::app::sample_operations::NOBODY,
        "{ connections(first: 3) { nodes { health { state } identity { emails { value } } } } identities { totalCount } }",
        "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000001\" }) { identity { displayName } } }",
        "{ __schema { queryType { name } } }",
        "{ nonsense",
        "{ nonsense(of: \"none\") }",
        "mutation { nonsense }",
    ];
    let troubles = [
        json!([]),
        json!([{ "status": 401, "body": { "error": "invalid_token", "message": "no" } }]),
        json!([{ "status": 503 }]),
        json!([{ "shape": "garbage" }]),
        json!([{ "cut": true }, { "refuse": true }]),
        json!([{ "throttle": true }]),
    ];
    let (mut asked, mut statuses) = (0, BTreeSet::new());
    for trouble in &troubles {
        world.fault(trouble.clone()).await;
        for asker in &marked.askers {
            for operation in operations {
                let request = world.gateway.request(asker, operation, json!({})).header("X-Commongraph-Cost", "1");
                let response = request.send().await.unwrap();
                statuses.insert(response.status().as_u16());
                let text = format!("{:?} {}", response.headers().clone(), response.text().await.unwrap());
                marked.check("an answer", &text);
                asked += 1;
            }
        }
    }
    assert!(asked > 1_000 && statuses == BTreeSet::from([200, 401]), "{asked} {statuses:?}");
    // A new place that tells something goes here: a dump of the cache, a list of traces.
    let key = marked.askers[1].clone();
    for place in PLACES {
        let url = world.gateway.url().replace("/graphql", place);
        let request = key.0.iter().fold(world.gateway.client.get(url), |it, (name, value)| it.header(*name, value));
        let text = request.send().await.unwrap().text().await.unwrap();
        // The explorer of a sandbox shows its people's credentials; there is none here.
        marked.check(place, &text);
    }
    marked.check("what is printed", &printed(&kept, "sandbox-wpcom-olga", &key.0[0].1).await);
    marked.check("the log", &log.text());
    assert!(log.text().contains("a credential was rejected"), "the log tells of refusals");
}
