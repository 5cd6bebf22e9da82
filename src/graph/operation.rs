//! An operation before it runs: what kinds a request may bring, and why one is not executed.
//!
//! Whatever is refused has run nothing, so the answer has no `data`.

use std::collections::BTreeMap;

use async_graphql::parser::types::{OperationDefinition, Selection, SelectionSet};
use async_graphql::{Positioned, ServerError, Value};
use serde::Serialize;

use super::error::{Code, Error};

/// What a request may do, by how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Read only, as a safe method of HTTP must.
    Queries,
    /// Everything that the schema has.
    Everything,
}

/// Why an operation is not executed; written out it is the whole answer.
#[derive(Debug, Serialize)]
pub struct Rejected {
    /// What kind of fault it is.
    #[serde(skip)]
    pub fault: Fault,
    /// The faults found, made for clients.
    pub errors: Vec<ServerError>,
    /// What is told beside them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, Value>,
}

/// What kind of fault keeps an operation from being executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text is not a GraphQL document.
    Syntax,
    /// The document goes over a limit, or it, the choice of the operation or a variable's value is not valid.
    Invalid,
    /// The operation does more than read, and the request may only read.
    NotAQuery,
}

impl Rejected {
    pub(super) fn new(fault: Fault, errors: Vec<ServerError>) -> Self {
        Self { fault, errors, extensions: BTreeMap::new() }
    }
}

/// Refuses what does more than the request may.
pub(super) fn allow(is_query: bool, allowed: Allowed) -> Result<(), Rejected> {
    if is_query || allowed == Allowed::Everything {
        return Ok(());
    }
    let error = Error::bad_input("GET may only query; send a mutation by POST.");
    Err(Rejected::new(Fault::NotAQuery, vec![error.at(None)]))
}

/// Refuses an operation that asks for the schema; its fragments have been written out.
pub(super) fn refuse_introspection(operation: &Positioned<OperationDefinition>) -> Result<(), Rejected> {
    if introspects(&operation.node.selection_set.node) {
        let message =
            "This gateway does not answer this caller questions about its schema; read it at /schema.graphql.";
        return Err(Rejected::new(Fault::Invalid, vec![Error::own(Code::Forbidden, message).at(None)]));
    }
    Ok(())
}

fn introspects(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            matches!(field.node.name.node.as_str(), "__schema" | "__type")
                || introspects(&field.node.selection_set.node)
        }
        Selection::InlineFragment(fragment) => introspects(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}
