//! A tour of the graph: the operations that the explorer's tabs, the sandbox's greeting and the README show.

use std::fmt::Write;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::http::explorer::Tab;
use crate::sandbox::{Person, Service, people, services};

/// A person's accounts page: one operation over both providers.
pub const ACCOUNTS: &str = r#"query Accounts {
  connections(first: 10) {
    totalCount
    nodes {
      provider
      kind
      createdAt
      service { key label iconUrl }
      health { state needsAttention reason action { kind url } }
      identity { displayName username profileUrl }
    }
    incomplete { provider code message }
    pageInfo { hasNextPage endCursor }
  }
  applications(first: 5) {
    nodes {
      name
      iconUrl
      authorizedAt
      access { kind }
      permissions { name description risk }
      site { name url }
    }
  }
}
"#;

/// To take back an application's access, and to read what is left.
pub const TAKE_BACK: &str = r#"mutation TakeBack($id: ID!) {
  applicationRevoke(input: { id: $id }) {
    deletedApplicationId
    userErrors { code message path }
    viewer { applications(first: 5) { totalCount nodes { id name } } }
  }
}
"#;

/// The grant of the sandbox's operator that is taken back: the second to one application.
pub const TAKE_BACK_ID: &str = "YXBwbGljYXRpb246NjEwMDAy";

/// Whose own a request asks for, and every identity they linked.
pub const VIEWER: &str = r#"query Me {
  viewer {
    wordpressUser { displayName email tokenScope sites { name url } }
    oneallUser {
      lastLoginAt
      loginCount
      identities { service { label } displayName profile { location languages { value } } }
    }
  }
}
"#;

/// What a callback has to ask: who just signed in. The token is the one its request carried.
pub const CALLBACK: &str = r#"query WhoSignedIn($token: String!) {
  connection(by: { connectionToken: $token }) {
    createdAt
    health { state reason }
    identity { state displayName emails { value verified } service { label } }
    record {
      ... on SignInRecord {
        plugin { key action reason }
        result { succeeded info }
        user { userToken }
      }
    }
  }
}
"#;

/// What a service may ask that lists the site and has no right to what identifies a person outside.
pub const REPORT: &str = r#"query SiteReport {
  connections(first: 5) {
    totalCount
    nodes { createdAt health { state } service { label } identity { displayName emails { value } } }
    incomplete { provider code message }
  }
}
"#;

/// What anybody may ask, and one thing that they may not.
pub const NOBODY: &str = r#"query AsNobody {
  providers { provider configured authorized detail }
  service(key: "google") { label providers }
  connections(first: 1) { totalCount }
}
"#;

/// The sign-in that the sandbox's callback would receive.
pub const CALLBACK_TOKEN: &str = "5a4d0000-0000-4000-8000-000000000001";

/// The headers by which a request is this person's: their JWT, or for the operator the key of the shop's service, and
/// their WordPress.com token beside it.
pub fn headers(person: &Person) -> Vec<(&'static str, String)> {
    let token = person.wordpress_token.map(|token| ("X-WordPress-Token", token.to_owned()));
    [("Authorization", authorization(person))].into_iter().chain(token).collect()
}

/// What a person's requests show in `Authorization`.
pub fn authorization(person: &Person) -> String {
    let shop = services().first().filter(|_| person.operator).map(|service| service.key);
    format!("Bearer {}", shop.unwrap_or(person.jwt))
}

/// The headers by which a request is this service's.
pub fn service_headers(service: &Service) -> Vec<(&'static str, String)> {
    vec![("Authorization", format!("Bearer {}", service.key))]
}

/// The explorer's tabs for the sandbox: the tour, one tab as each person and service of it, and one as nobody.
pub fn tabs() -> Vec<Tab> {
    let tab = |title: String, headers: Vec<(&str, String)>, query: &str, variables: Value| Tab {
        title,
        query: query.to_owned(),
        variables: pretty(&variables),
        headers: pretty(&Value::Object(headers.into_iter().map(|(n, v)| (n.to_owned(), json!(v))).collect())),
    };
    let mut tabs = Vec::new();
    for person in people().iter().filter(|person| person.operator) {
        tabs.push(tab("Accounts page".to_owned(), headers(person), ACCOUNTS, json!({})));
        tabs.push(tab("Take back".to_owned(), headers(person), TAKE_BACK, json!({ "id": TAKE_BACK_ID })));
    }
    for service in services().iter().filter(|service| service.name == "login") {
        tabs.push(tab("Callback".to_owned(), service_headers(service), CALLBACK, json!({ "token": CALLBACK_TOKEN })));
    }
    for person in people().iter().filter(|person| !person.operator) {
        tabs.push(tab(format!("As {}", person.name), headers(person), VIEWER, json!({})));
    }
    for service in services().iter().filter(|service| service.name == "report") {
        tabs.push(tab("As the report".to_owned(), service_headers(service), REPORT, json!({})));
    }
    tabs.push(tab("As nobody".to_owned(), Vec::new(), NOBODY, json!({})));
    tabs
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => String::new(),
        _ => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// What a gateway for one person says when it is ready: with what each request must show.
pub fn personal_greeting(gateway: SocketAddr, bearer: &SecretString) -> String {
    format!(
        "commongraph is ready, for you alone.\n\n  graph      http://{gateway}/graphql\n\n\
         Each request must show this; it is good until the gateway stops:\n  Authorization: Bearer {}\n",
        bearer.expose_secret()
    )
}

/// What the sandbox says when it is ready: where to look, who is there, and what is worth trying.
pub fn greeting(gateway: SocketAddr, explorer: bool, wordpress: &str, oneall: &str) -> String {
    let explorer = if explorer { format!("  explorer   http://{gateway}/\n") } else { String::new() };
    let mut text = format!(
        "commongraph is ready, against a sandbox of both providers.\n\n\
         {explorer}  \
         graph      http://{gateway}/graphql\n  \
         schema     http://{gateway}/schema.graphql\n\n  \
         WordPress.com is played at {wordpress}, OneAll at {oneall};\n  \
         either tells what it was asked at /__sandbox/requests.\n\nPeople:\n"
    );
    for person in people() {
        let _ = writeln!(text, "  {:<6} {}", person.name, person.about);
        let own = [("Authorization", format!("Bearer {}", person.jwt))];
        let token = person.wordpress_token.map(|token| ("X-WordPress-Token", token.to_owned()));
        for (name, value) in own.into_iter().chain(token) {
            let _ = writeln!(text, "         {name}: {value}");
        }
    }
    text.push_str("\nServices:\n");
    for service in services() {
        let _ =
            writeln!(text, "  {:<6} {}\n         Authorization: Bearer {}", service.name, service.about, service.key);
    }
    text.push_str("\nA request without any of these is nobody's, here too.\n");
    let operator = people().iter().find(|person| person.operator).map(headers).unwrap_or_default();
    let header: String = operator.iter().map(|(name, value)| format!(" -H '{name}: {value}'")).collect();
    let take_back = format!(
        "mutation {{ applicationRevoke(input: {{ id: \\\"{TAKE_BACK_ID}\\\" }}) {{ deletedApplicationId userErrors {{ code message }} }} }}"
    );
    let examples = [
        (
            "whose accounts are these?",
            "{ connections(first: 5) { totalCount nodes { provider service { label } identity { displayName } health { state } } } }",
        ),
        ("which applications may write?", "{ applications { nodes { name permissions { name risk } } } }"),
        ("take back an application's access", &take_back),
        (
            "who just signed in?",
            "{ connection(by: { connectionToken: \\\"5a4d0000-0000-4000-8000-000000000001\\\" }) { identity { displayName } } }",
        ),
    ];
    text.push_str("\nWorth trying:\n");
    for (title, query) in examples {
        let _ = writeln!(
            text,
            "  # {title}\n  curl -s http://{gateway}/graphql -H 'Content-Type: application/json'{header} \\\n    -d '{{\"query\":\"{query}\"}}'"
        );
    }
    text
}
