//! What operations cost: what is batched, what is carried, what an argument spares, and rows within rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use async_graphql::{Request, Variables};

use crate::graph::document::limits::Limits;
use crate::graph::document::{Checked, Documents, Refused};

fn documents() -> Documents {
    Documents::build(&crate::graph::schema::sdl(), Limits::default(), 1 << 20).unwrap()
}

fn checked(text: &str) -> Result<Checked, Refused> {
    documents().check(Request::new(text))
}

fn calls(text: &str) -> usize {
    checked(text).unwrap_or_else(|refused| panic!("{text}: {:?}", refused.errors)).estimate().calls
}

#[test]
fn a_field_written_often_costs_what_it_costs_once() {
    let one = "connections(first: 10) { nodes { health { state } } } ";
    assert_eq!(calls(&format!("{{ {one} }}")), 13);
    assert_eq!(calls(&format!("{{ {} }}", one.repeat(120))), 13);
    assert_eq!(calls(&format!("{{ {} }}", "viewer { wordpressUser { email } } ".repeat(150))), 1);
    let fragments = format!("{{ {} }} fragment F on Query {{ {one} }}", "...F ... { ...F } ".repeat(40));
    assert_eq!(calls(&fragments), 13);
}

#[test]
fn a_cost_counts_rows_batches_and_what_is_carried() {
    for (text, expected) in [
        ("{ __typename providers { detail } }", 0),
        ("{ viewer { wordpressUser { username } } }", 1),
        ("{ connections(first: 100) { nodes { id kind record { ... on SignInRecord { status } } } } }", 3),
        ("{ connections { nodes { identity { displayName } record { ... on SignInRecord { action } } } } }", 3 + 20),
        ("{ connections(last: 4) { nodes { health { state } } edges { node { identity { id } } } } }", 3 + 4),
        ("{ viewer { connections(first: 100) { nodes { identity { id } service { description } } } } }", 2 + 1),
        ("{ viewer { connections { nodes { sites { name url } } } needsAttentionCount } }", 2 + 1),
        ("{ connection(by: {id: 1}) { health { state } identity { oneallUser { loginCount } } } }", 1 + 1),
        ("{ identities(first: 100) { nodes { id service { key } } } }", 2),
        ("{ identities(first: 100) { nodes { displayName } } }", 2 + 100),
        ("{ viewer { wordpressUser { sites { publicizeConnections { id } } } } }", 2 + 20),
        ("{ identities(first: 9) { nodes { sameAs { matchedBy identity { displayName } } } } }", 3 + 9),
        ("{ viewer { identities { nodes { sameAs { matchedBy } connections { nodes { health { state } } } } } } }", 3),
        ("{ services { nodes { connections { totalCount } identities { totalCount } } } }", 1 + 3),
        ("{ identity(by: {id: 1}) { id } }", 1),
        ("{ identity(by: {account: {service: \"google\", subject: \"1\"}}) { id } }", 2),
    ] {
        assert_eq!(calls(text), expected, "{text}");
    }
}

#[test]
fn a_change_costs_its_call_and_what_is_read_after_it_is_read_anew() {
    let list = "viewer { connections { totalCount } }";
    let revoke = |more: &str| format!("applicationRevoke(input: {{ id: 1 }}) {{ userErrors {{ code }} {more} }}");
    let disconnect = |more: &str| format!("connectionDisconnect(input: {{ id: 1 }}) {{ deletedConnectionId {more} }}");
    for (text, expected) in [
        (format!("mutation {{ {} }}", revoke("")), 1),
        (format!("mutation {{ {} }}", revoke(list)), 1 + 2),
        (format!("mutation {{ {} b: {} }}", revoke(list), revoke(list)), 2 * (1 + 2)),
        (format!("mutation {{ {} {} }}", revoke(list), disconnect(list)), 2 * (1 + 2)),
        (format!("mutation {{ {} }}", disconnect("deletedPublicizeConnectionIds")), 1 + 1),
        ("mutation { identitySynchronize(input: { id: 1 }) { identity { id } } }".to_owned(), 2 + 1),
        ("mutation { __typename }".to_owned(), 0),
    ] {
        assert_eq!(calls(&text), expected, "{text}");
    }
}

#[test]
fn an_argument_that_spares_a_read_spares_its_cost() {
    let documents = documents();
    let cost = |arguments: &str, variables: serde_json::Value| {
        let text = format!(
            "query($f: ConnectionFilter, $p: [Provider!], $o: ConnectionOrder) {{
                 connections(first: 10 {arguments}) {{ nodes {{ identity {{ id }} }} }}
                 a: __typename @include(if: true) b: viewer {{ connections(filter: $f, orderBy: $o) {{ totalCount }} }}
                 c: applications(filter: {{provider: $p}}) {{ totalCount }} }}"
        );
        let request = Request::new(text).variables(Variables::from_json(variables));
        // The viewer's two lists are the same that `connections` reads; the applications are one call more.
        documents.check(request).unwrap().estimate().calls - 1
    };
    let none = serde_json::json!({});
    assert_eq!(cost("", none.clone()), 3 + 10);
    assert_eq!(cost(", filter: {provider: [WORDPRESS]}", none.clone()), 2);
    assert_eq!(cost(", filter: {provider: WORDPRESS}", none.clone()), 2);
    assert_eq!(cost(", filter: {provider: [ONEALL, WORDPRESS], createdSince: \"x\"}", none.clone()), 3 + 10);
    assert_eq!(cost(", filter: {service: \"google\"}", none.clone()), 2);
    assert_eq!(cost(", filter: {service: null, needsAttention: false}", none.clone()), 2);
    assert_eq!(cost(", orderBy: {field: SERVICE, direction: ASC}", none.clone()), 2);
    assert_eq!(cost(", orderBy: {field: CREATED_AT, direction: ASC}", none.clone()), 3 + 10);
    assert_eq!(cost(", filter: $f", none.clone()), 3 + 10);
    assert_eq!(cost(", filter: $f", serde_json::json!({ "f": { "provider": ["WORDPRESS"] } })), 2);
    assert_eq!(cost(", filter: $f", serde_json::json!({ "f": { "provider": ["ONEALL"] } })), 1 + 10);
    assert_eq!(cost(", filter: {provider: $p}", serde_json::json!({ "p": ["WORDPRESS"] })), 2);
    assert_eq!(cost(", orderBy: $o", serde_json::json!({ "o": { "field": "LABEL", "direction": "ASC" } })), 2);
}

#[test]
fn pages_within_pages_are_refused_by_their_rows() {
    let nest = |depth: usize| {
        let (open, close) = ("service { connections(first: 100) { nodes { ".repeat(depth), "} } } ".repeat(depth));
        format!("{{ viewer {{ connections(first: 100) {{ nodes {{ {open} id {close} }} }} }} }}")
    };
    assert_eq!(calls(&nest(1)), 2, "100 rows, each with a service and 100 more, are an answer that can be carried");
    let refused = checked(&nest(2)).unwrap_err();
    assert!(refused.errors[0].message.starts_with("Rows of all pages and lists: the document has 1"), "{refused:?}");
    let extensions = refused.errors[0].extensions.as_ref().unwrap();
    assert_eq!(extensions.get("limit").unwrap().to_string(), "\"rows_max\"");
}
