//! Sample operations for the explorer's tabs and the tests, and the messages that the program prints at start.

use std::fmt::Write;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::http::explorer::Tab;
use crate::sandbox::{Person, Service, people, services};

/// The accounts page of a person: one query for both providers.
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

/// Revokes an application's access and reads the remaining applications.
pub const TAKE_BACK: &str = r#"mutation TakeBack($id: ID!) {
  applicationRevoke(input: { id: $id }) {
    deletedApplicationId
    userErrors { code message path }
    viewer { applications(first: 5) { totalCount nodes { id name } } }
  }
}
"#;

/// The ID of the application that [`TAKE_BACK`] revokes in the sandbox: the second authorization of one application.
pub const TAKE_BACK_ID: &str = "YXBwbGljYXRpb246NjEwMDAy";

/// The viewer's accounts at both providers, with every linked identity.
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

/// The query of a login callback: who has just signed in. The token is the `connection_token` of the callback's request.
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

/// The query of a service that lists the site's sign-ins and may not read e-mail addresses.
pub const REPORT: &str = r#"query SiteReport {
  connections(first: 5) {
    totalCount
    nodes { createdAt health { state } service { label } identity { displayName emails { value } } }
    incomplete { provider code message }
  }
}
"#;

/// Fields that need no credential, and one that does.
pub const NOBODY: &str = r#"query AsNobody {
  providers { provider configured authorized detail }
  service(key: "google") { label providers }
  connections(first: 1) { totalCount }
}
"#;

/// The `connection_token` of a sign-in in the sandbox.
pub const CALLBACK_TOKEN: &str = "5a4d0000-0000-4000-8000-000000000001";

/// The headers of a person's request: `Authorization`, and the WordPress.com token if the person has one.
pub fn headers(person: &Person) -> Vec<(&'static str, String)> {
    let token = person.wordpress_token.map(|token| ("X-WordPress-Token", token.to_owned()));
    [("Authorization", authorization(person))].into_iter().chain(token).collect()
}

/// The `Authorization` header of a person: the JWT, or the key of the service `shop` for the operator.
pub fn authorization(person: &Person) -> String {
    let shop = services().first().filter(|_| person.operator).map(|service| service.key);
    format!("Bearer {}", shop.unwrap_or(person.jwt))
}

/// The headers of a service's request.
pub fn service_headers(service: &Service) -> Vec<(&'static str, String)> {
    vec![("Authorization", format!("Bearer {}", service.key))]
}

/// The explorer's tabs for the sandbox: sample operations of the operator, one of each other person and service, and one
/// without a credential.
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

/// The message of a gateway for one person when it is ready, with the credential that each request must carry.
pub fn personal_greeting(gateway: SocketAddr, bearer: &SecretString) -> String {
    format!(
        "commongraph is ready, for you only.\n\n  graph      http://{gateway}/graphql\n\n\
         Each request must carry this header. It is valid until the gateway stops:\n  Authorization: Bearer {}\n",
        bearer.expose_secret()
    )
}

/// The message of the sandbox when it is ready: its URLs, people and services, and one example.
pub fn greeting(gateway: SocketAddr, explorer: bool, wordpress: &str, oneall: &str) -> String {
    let explorer = if explorer { format!("  explorer   http://{gateway}/\n") } else { String::new() };
    let mut text = format!(
        "commongraph is ready, with a sandbox of WordPress.com and OneAll.\n\n\
         {explorer}  \
         graph      http://{gateway}/graphql\n  \
         schema     http://{gateway}/schema.graphql\n  \
         wordpress  {wordpress}\n  \
         oneall     {oneall}\n\n\
         People (X-WordPress-Token: sandbox-wpcom-NAME):\n"
    );
    for person in people() {
        let _ = writeln!(text, "  {:<6} {}", person.name, person.about);
    }
    text.push_str("Services (Authorization: Bearer KEY):\n");
    for service in services() {
        let _ = writeln!(text, "  {}  {}", service.key, service.about);
    }
    let operator = people().iter().find(|person| person.operator).map(headers).unwrap_or_default();
    let headers: String = operator.iter().map(|(name, value)| format!(" -H '{name}: {value}'")).collect();
    let _ = write!(
        text,
        "JWTs and all other credentials: {wordpress}/__sandbox/credentials\n\
         Example:\n  \
         curl -s http://{gateway}/graphql -H 'Content-Type: application/json'{headers} \\\n    \
         -d '{{\"query\":\"{{ connections(first: 3) {{ totalCount nodes {{ service {{ label }} health {{ state }} }} }} }}\"}}'\n"
    );
    text
}
