//! Estimated costs: batching, fields of list rows, arguments that save calls, and nested pages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use async_graphql::{Request, Variables};

use crate::graph::document::limits::Limits;
use crate::graph::document::{CheckedOperation, DocumentChecker, DocumentError};

fn checker() -> DocumentChecker {
    DocumentChecker::new(&crate::graph::schema::sdl(), Limits::default(), 1 << 20).unwrap()
}

fn check(text: &str) -> Result<CheckedOperation, DocumentError> {
    checker().check(Request::new(text))
}

fn calls(text: &str) -> usize {
    check(text).unwrap_or_else(|error| panic!("{text}: {:?}", error.errors)).estimate().calls
}

#[test]
fn a_repeated_field_costs_the_same_as_one() {
    let one = "connections(first: 10) { nodes { health { state } } } ";
    assert_eq!(calls(&format!("{{ {one} }}")), 13);
    assert_eq!(calls(&format!("{{ {} }}", one.repeat(120))), 13);
    assert_eq!(calls(&format!("{{ {} }}", "viewer { wordpressUser { email } } ".repeat(150))), 1);
    let fragments = format!("{{ {} }} fragment F on Query {{ {one} }}", "...F ... { ...F } ".repeat(40));
    assert_eq!(calls(&fragments), 13);
}

#[test]
fn calls_are_counted_per_row_per_batch_and_per_list() {
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
fn a_mutation_costs_its_call_and_later_reads_count_again() {
    let list = "viewer { connections { totalCount } }";
    let revoke =
        |selection: &str| format!("applicationRevoke(input: {{ id: 1 }}) {{ userErrors {{ code }} {selection} }}");
    let disconnect =
        |selection: &str| format!("connectionDisconnect(input: {{ id: 1 }}) {{ deletedConnectionId {selection} }}");
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
fn arguments_that_save_calls_lower_the_cost() {
    let checker = checker();
    let cost = |arguments: &str, variables: serde_json::Value| {
        let text = format!(
            "query($f: ConnectionFilter, $p: [Provider!], $o: ConnectionOrder) {{
                 connections(first: 10 {arguments}) {{ nodes {{ identity {{ id }} }} }}
                 a: __typename @include(if: true) b: viewer {{ connections(filter: $f, orderBy: $o) {{ totalCount }} }}
                 c: applications(filter: {{provider: $p}}) {{ totalCount }} }}"
        );
        let request = Request::new(text).variables(Variables::from_json(variables));
        // The viewer's two lists are also read by `connections`. The list of applications is one more call.
        checker.check(request).unwrap().estimate().calls - 1
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
fn nested_pages_are_limited_by_their_rows() {
    let nest = |depth: usize| {
        let (open, close) = ("service { connections(first: 100) { nodes { ".repeat(depth), "} } } ".repeat(depth));
        format!("{{ viewer {{ connections(first: 100) {{ nodes {{ {open} id {close} }} }} }} }}")
    };
    assert_eq!(calls(&nest(1)), 2, "100 rows with 100 rows each are within the limit");
    let error = check(&nest(2)).unwrap_err();
    assert!(error.errors[0].message.starts_with("Rows of all pages and lists: the document has 1"), "{error:?}");
    let extensions = error.errors[0].extensions.as_ref().unwrap();
    assert_eq!(extensions.get("limit").unwrap().to_string(), "\"rows_max\"");
}
