//! A document before it runs: parsed once, and what is wrong with it told in a sentence of our own.
//!
//! Two things the library tells badly. For a syntax error it prints the line in which it stands, and a client may send
//! any document as one line, so the answer would be as long as the question. And a variable that is missing is null to
//! it, so that a client reads of the argument around it and not of the variable.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Pos, Request, ServerError, Value};

/// Parses a request's document, and checks that the variables it needs are there.
///
/// # Errors
/// Where and what is wrong, without the document's text.
pub fn check(request: &mut Request) -> Result<(), ServerError> {
    let name = request.operation_name.clone();
    let needed = match request.parsed_query() {
        Ok(document) => needed(document, name.as_deref()),
        Err(error) => return Err(without_source(error)),
    };
    let given = |name: &str| request.variables.get(name).is_some_and(|value| *value != Value::Null);
    match needed.into_iter().find(|needed| !given(&needed.name)) {
        Some(Needed { name, kind, at }) => {
            Err(ServerError::new(format!("The variable ${name} is missing: it is a {kind}."), Some(at)))
        }
        None => Ok(()),
    }
}

/// A variable that an operation cannot do without.
struct Needed {
    name: String,
    kind: String,
    at: Pos,
}

/// The variables without which the operation cannot run. Which operation that is, or that there is none, is for the
/// execution to say.
fn needed(document: &ExecutableDocument, name: Option<&str>) -> Vec<Needed> {
    let Some(operation) = operation(document, name) else { return Vec::new() };
    let variables = operation.variable_definitions.iter().map(|variable| &variable.node);
    variables
        .filter(|variable| !variable.var_type.node.nullable && variable.default_value.is_none())
        .map(|variable| Needed {
            name: variable.name.node.to_string(),
            kind: variable.var_type.node.to_string(),
            at: variable.name.pos,
        })
        .collect()
}

fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(only), _) => Some(&only.node),
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name).map(|one| &one.node),
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values().next().map(|one| &one.node),
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// The parser's error, of which only what it expected is kept where it shows the source.
fn without_source(mut error: ServerError) -> ServerError {
    if !error.message.contains('\n') {
        return error;
    }
    let place = error.locations.first().copied().unwrap_or_default();
    // The diagram's last line names rules of the grammar, as in `expected selection_set or field`.
    let expected = error.message.rsplit_once("\n  = ").map(|(_, expected)| expected.replace('_', " "));
    let expected = expected.map(|expected| format!(": {expected}")).unwrap_or_default();
    error.message = format!("Syntax error at line {}, column {}{expected}.", place.line, place.column);
    error
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    fn said(query: &str, variables: serde_json::Value) -> Option<String> {
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        check(&mut request).err().map(|error| error.message)
    }

    #[test]
    fn a_syntax_error_tells_its_place_and_none_of_the_document() {
        let document = format!("{{ {} !", "canary ".repeat(1_000));
        let message = said(&document, json!({})).unwrap();
        assert!(message.starts_with("Syntax error at line 1, column 7004: expected "), "{message}");
        assert!(message.len() < 200 && !message.contains("canary") && !message.contains('\n'), "{message}");
    }

    #[test]
    fn only_a_variable_that_is_needed_can_be_missing() {
        let query = "query A($t: [Int!]!, $u: Int, $v: Int! = 1) { __typename }";
        assert_eq!(said(query, json!({ "u": 1 })).unwrap(), "The variable $t is missing: it is a [Int!]!.");
        assert!(said(query, json!({ "t": null })).is_some());
        assert_eq!(said(query, json!({ "t": [] })), None);
    }

    #[test]
    fn the_variables_are_those_of_the_operation_that_is_asked_for() {
        let query = "query A($t: Int!) { __typename } query B { __typename }";
        let of = |name: &str| check(&mut Request::new(query).operation_name(name)).is_err();
        assert!(of("A") && !of("B") && !of("C"));
        assert_eq!(said(query, json!({})), None);
    }
}
