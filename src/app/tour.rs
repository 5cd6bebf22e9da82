//! A tour of the graph: the operations that the explorer's tabs, the sandbox's greeting and the README show.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::explorer::Tab;
use crate::sandbox::{Person, people};

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

/// Whom a request acts for, and every identity they linked.
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
        user { userToken loginCount }
      }
    }
  }
}
"#;

/// The sign-in that the sandbox's callback would receive.
pub const CALLBACK_TOKEN: &str = "5a4d0000-0000-4000-8000-000000000001";

/// The headers by which a request acts as this person.
pub fn headers(person: &Person) -> Vec<(&'static str, &'static str)> {
    let token = person.wordpress_token.map(|token| ("X-WordPress-Token", token));
    let user = person_at_oneall(person).map(|user| ("X-OneAll-User", user));
    token.into_iter().chain(user).collect()
}

/// What a request says of whom it acts for at OneAll: nothing for the operator, who acts for the site.
pub fn person_at_oneall(person: &Person) -> Option<&'static str> {
    if person.operator { None } else { person.oneall_user.or(Some("none")) }
}

/// The explorer's tabs for the sandbox: the tour as its operator, and one tab as each other person.
pub fn tabs() -> Vec<Tab> {
    let tab = |title: String, person: &Person, query: &str, variables: Value| Tab {
        title,
        query: query.to_owned(),
        variables: pretty(&variables),
        headers: pretty(&Value::Object(headers(person).into_iter().map(|(n, v)| (n.to_owned(), json!(v))).collect())),
    };
    let mut tabs = Vec::new();
    for person in people() {
        if person.operator {
            tabs.push(tab("Accounts page".to_owned(), person, ACCOUNTS, json!({})));
            tabs.push(tab("Callback".to_owned(), person, CALLBACK, json!({ "token": CALLBACK_TOKEN })));
        } else {
            tabs.push(tab(format!("As {}", person.name), person, VIEWER, json!({})));
        }
    }
    tabs
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => String::new(),
        _ => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// What the sandbox says when it is ready: where to look, who is there, and three things worth trying.
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
        for (name, value) in headers(person) {
            let _ = writeln!(text, "         {name}: {value}");
        }
    }
    let operator = people().iter().find(|person| person.operator).map(headers).unwrap_or_default();
    let header: String = operator.iter().map(|(name, value)| format!(" -H '{name}: {value}'")).collect();
    let examples = [
        (
            "whose accounts are these?",
            "{ connections(first: 5) { totalCount nodes { provider service { label } identity { displayName } health { state } } } }",
        ),
        ("which applications may write?", "{ applications { nodes { name permissions { name risk } } } }"),
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
