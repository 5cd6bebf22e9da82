//! An operation before it runs: the document is parsed, the operation chosen, its kind allowed, its variables coerced.
//!
//! Whatever is refused here has run nothing, so the answer has no `data`. Messages name places and names of the
//! document and never repeat its text.

use async_graphql::parser::Error as ParseError;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Positioned, Request, ServerError};

use super::error::{Code, Error};

/// What a request may do, by how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Read only, as a safe method of HTTP must.
    Queries,
    /// Everything that the schema has.
    Everything,
}

/// An operation that was checked and may be executed.
#[derive(Debug)]
pub struct Checked(pub(super) Request);

/// Why an operation is not executed.
#[derive(Debug)]
pub struct Rejected {
    /// What kind of fault it is.
    pub fault: Fault,
    /// Every fault found, made for clients.
    pub errors: Vec<ServerError>,
}

/// What kind of fault keeps an operation from being executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text is not a GraphQL document.
    Syntax,
    /// The document, the choice of the operation or a variable's value is not valid.
    Invalid,
    /// The operation does more than read, and the request may only read.
    NotAQuery,
}

impl Rejected {
    pub(super) fn new(fault: Fault, error: ServerError) -> Self {
        Self { fault, errors: vec![error] }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, Error::bad_input(message).at(None))
    }
}

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<ExecutableDocument, Rejected> {
    async_graphql::parser::parse_query(text).map_err(|error| unparsable(&error))
}

fn unparsable(error: &ParseError) -> Rejected {
    let place = error.positions().next();
    let (fault, message) = match error {
        ParseError::Syntax { start, .. } => {
            let (line, column) = (start.line, start.column);
            (Fault::Syntax, format!("The document cannot be parsed: see line {line}, column {column}."))
        }
        ParseError::RecursionLimitExceeded => (Fault::Syntax, "The document is nested too deep.".to_owned()),
        ParseError::MultipleOperations { .. } => {
            (Fault::Invalid, "An operation without a name must be the only one of its document.".to_owned())
        }
        ParseError::OperationDuplicated { .. } => {
            (Fault::Invalid, "Two operations of the document have the same name.".to_owned())
        }
        ParseError::FragmentDuplicated { .. } => {
            (Fault::Invalid, "Two fragments of the document have the same name.".to_owned())
        }
        ParseError::MissingOperation => (Fault::Invalid, "The document has no operation.".to_owned()),
        // The rest is about schemas.
        _ => (Fault::Syntax, "The document has no operation that could be run.".to_owned()),
    };
    Rejected::new(fault, Error::bad_input(message).at(place))
}

/// Finds the operation that a request means.
pub(super) fn choose<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Rejected> {
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(only),
        (DocumentOperations::Single(_), Some(_)) => {
            Err(Rejected::invalid("No operation has the name in operationName."))
        }
        (DocumentOperations::Multiple(all), Some(name)) => {
            all.get(name).ok_or_else(|| Rejected::invalid("No operation has the name in operationName."))
        }
        (DocumentOperations::Multiple(all), None) => match all.values().next() {
            Some(only) if all.len() == 1 => Ok(only),
            _ => Err(Rejected::invalid("The document has several operations: name one in operationName.")),
        },
    }
}

/// Refuses an operation that does more than the request may.
pub(super) fn allow(operation: &Positioned<OperationDefinition>, allowed: Allowed) -> Result<(), Rejected> {
    if allowed == Allowed::Everything || operation.node.ty == OperationType::Query {
        return Ok(());
    }
    let error = Error::bad_input("GET may only query; send a mutation by POST.");
    Err(Rejected::new(Fault::NotAQuery, error.at(Some(operation.pos))))
}

/// Refuses a document that asks for the schema. It looks at each selection once, whatever spreads it.
pub(super) fn refuse_introspection(document: &ExecutableDocument) -> Result<(), Rejected> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    if operations.chain(fragments).any(introspects) {
        let message = "This gateway does not answer questions about its schema; read it at /schema.graphql.";
        return Err(Rejected::new(Fault::Invalid, Error::own(Code::Forbidden, message).at(None)));
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
