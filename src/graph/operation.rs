//! Operations before execution: which types a request may contain, and why an operation is rejected.
//!
//! A rejected operation has not run, so its response has no `data`.

use std::collections::BTreeMap;

use async_graphql::parser::types::{OperationDefinition, Selection, SelectionSet};
use async_graphql::{Positioned, ServerError, Value};
use serde::Serialize;

use super::error::{Error, ErrorCode};

/// The operation types that a request may contain, by its HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedOperations {
    /// Queries only. Required for GET, which is a safe method.
    QueriesOnly,
    /// Queries and mutations.
    All,
}

/// An operation that is not executed. Its JSON is the whole response.
#[derive(Debug, Serialize)]
pub struct OperationError {
    /// The kind of error.
    #[serde(skip)]
    pub kind: OperationErrorKind,
    /// The errors, ready for the client.
    pub errors: Vec<ServerError>,
    /// The `extensions` of the response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, Value>,
}

/// Why an operation is not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationErrorKind {
    /// The document cannot be parsed.
    Syntax,
    /// The document, the operation name or a variable is invalid, or a limit is exceeded.
    Invalid,
    /// The operation is not a query, and the request may only contain queries.
    NotAQuery,
}

impl OperationError {
    pub(super) fn new(kind: OperationErrorKind, errors: Vec<ServerError>) -> Self {
        Self { kind, errors, extensions: BTreeMap::new() }
    }
}

/// Rejects an operation type that the request may not contain.
pub(super) fn check_kind(is_query: bool, allowed: AllowedOperations) -> Result<(), OperationError> {
    if is_query || allowed == AllowedOperations::All {
        return Ok(());
    }
    let error = Error::bad_input("Mutations are not allowed with GET. Send them with POST.");
    Err(OperationError::new(OperationErrorKind::NotAQuery, vec![error.at(None)]))
}

/// Rejects an introspection query. Fragments must be expanded already.
pub(super) fn reject_introspection(operation: &Positioned<OperationDefinition>) -> Result<(), OperationError> {
    if has_introspection(&operation.node.selection_set.node) {
        let message = "Introspection is not allowed for this caller. The schema is at /schema.graphql.";
        return Err(OperationError::new(
            OperationErrorKind::Invalid,
            vec![Error::new(ErrorCode::Forbidden, message).at(None)],
        ));
    }
    Ok(())
}

fn has_introspection(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            matches!(field.node.name.node.as_str(), "__schema" | "__type")
                || has_introspection(&field.node.selection_set.node)
        }
        Selection::InlineFragment(fragment) => has_introspection(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}
