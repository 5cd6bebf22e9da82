//! Checks documents: turns a text into an operation that is safe to execute, or into errors, in time linear in the text.
//!
//! The steps, in order:
//!
//! 1. the size of the text, its tokens and its nested brackets (`lexer_limits`);
//! 2. one parse;
//! 3. the size after fragments are expanded (`complexity`);
//! 4. validation;
//! 5. merging of equal selections (`normalize`);
//! 6. the cost in provider calls and rows (`cost`, by the `cost_model`).
//!
//! async-graphql's validators follow every fragment spread, so a short text can keep them busy for a very long time. They
//! must never see a document that was not measured here.
//!
//! All steps before the cost depend on the text only, so their result is cached by the text. The cache is bounded in bytes.
//!
//! apollo-compiler validates, because async-graphql misses fields that conflict across fragments. async-graphql validates
//! again what it executes.

mod complexity;
mod cost;
pub mod cost_model;
mod lexer_limits;
pub mod limits;
mod memory_size;
mod normalize;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument as Validated, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::parser::{Error as ParserError, parse_query};
use async_graphql::{Name, Pos, Positioned, Request, ServerError, Value, Variables};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use self::complexity::Complexity;
use self::cost::Cost;
use self::limits::{Limit, Limits};
use self::normalize::{NormalizedOperation, SelectionCounts};
use super::error::Error;
use super::operation::OperationErrorKind;

/// The introspection fields of async-graphql that apollo-compiler does not have.
const INTROSPECTION_EXTENSION: &str = "extend type __Type { isOneOf: Boolean }";

/// The maximum length of a validation message, in characters. Names in it come from the client and may be long.
const MESSAGE_MAX: usize = 300;

/// The memory of a cached document without its text and its operations, in bytes.
const DOCUMENT_OVERHEAD: usize = 512;

/// The memory of a large cached document, in bytes.
const LARGE_DOCUMENT: usize = 64 << 10;

/// Checks documents and caches valid ones.
pub struct DocumentChecker {
    limits: Limits,
    schema: Valid<Schema>,
    cache: Cache<String, Arc<CachedDocument>, MemoryWeighter>,
}

/// An operation that may be executed.
#[derive(Debug)]
pub struct CheckedOperation {
    request: Request,
    operation: Positioned<OperationDefinition>,
    name: Option<Name>,
    estimate: CostEstimate,
}

/// The estimated cost of an operation, with the counts of its selections.
#[derive(Clone, Copy, Debug)]
pub struct CostEstimate {
    calls: usize,
    budget: usize,
    depth: usize,
    counts: SelectionCounts,
}

/// Why a document cannot be executed.
#[derive(Debug)]
pub struct DocumentError {
    /// The errors for the client, at most [`Limits::errors_max`].
    pub errors: Vec<ServerError>,
    /// The number of further errors.
    pub omitted: usize,
    /// `Syntax` for a text that cannot be parsed, `Invalid` for everything else.
    pub kind: OperationErrorKind,
    /// Whether the document contains queries only. True for a text that cannot be parsed.
    pub is_query: bool,
    /// The document, if it can be parsed, is within all limits, and `errors` has all its validation errors.
    pub(super) invalid: Option<Box<Request>>,
}

/// A valid document.
struct CachedDocument {
    operations: Vec<(Option<Name>, PreparedOperation)>,
    /// The memory of the operations, in bytes.
    memory_size: usize,
}

/// A valid operation.
struct PreparedOperation {
    normalized: NormalizedOperation,
    complexity: Complexity,
    /// The cost. `None` if it depends on variables.
    cost: Option<Cost>,
}

#[derive(Clone)]
struct MemoryWeighter;

impl Weighter<String, Arc<CachedDocument>> for MemoryWeighter {
    fn weight(&self, text: &String, document: &Arc<CachedDocument>) -> u64 {
        (DOCUMENT_OVERHEAD + text.capacity() + document.memory_size) as u64
    }
}

impl DocumentChecker {
    /// Creates a checker for the schema in `sdl`. Its cache holds at most `cache_max_bytes`.
    ///
    /// # Errors
    /// A message when the schema is not valid.
    pub fn new(sdl: &str, limits: Limits, cache_max_bytes: usize) -> Result<Self, String> {
        let sdl = format!("{sdl}\n{INTROSPECTION_EXTENSION}");
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|invalid| invalid.errors.to_string())?;
        // The cache chooses its number of shards by this. A document that is larger than a shard is not cached, so the
        // shards must be few.
        let entries = cache_max_bytes / LARGE_DOCUMENT + 1;
        let cache = Cache::with_weighter(entries, cache_max_bytes as u64, MemoryWeighter);
        Ok(Self { limits, schema, cache })
    }

    /// Checks the document of a request and prepares its operation.
    ///
    /// # Errors
    /// LIMIT_EXCEEDED or BAD_INPUT.
    pub fn check(&self, mut request: Request) -> Result<CheckedOperation, DocumentError> {
        let text = std::mem::take(&mut request.query);
        self.limits.ensure_within(Limit::Bytes, text.len())?;
        let document = match self.cache.get(&text) {
            Some(document) => document,
            None => {
                let document = Arc::new(self.read(&text, &mut request)?);
                self.cache.insert(text, document.clone());
                document
            }
        };
        let (name, prepared) = document.operation(request.operation_name.take().as_deref())?;
        prepared.remove_undeclared(&mut request.variables);
        prepared.add_defaults(&mut request.variables);
        let list_entries = request.variables.values().map(complexity::longest_list).max().unwrap_or(0);
        self.limits.ensure_within(Limit::ListEntries, list_entries)?;
        let operation = &prepared.normalized.operation;
        let estimate = || cost::estimate(&self.schema, &operation.node, &request.variables);
        let Cost { calls, rows, .. } = prepared.cost.unwrap_or_else(estimate);
        self.limits.ensure_within(Limit::Calls, calls)?;
        self.limits.ensure_within(Limit::Rows, rows)?;
        let depth = prepared.complexity.depth;
        let counts = prepared.normalized.counts;
        let estimate = CostEstimate { calls, budget: self.limits.calls_max, depth, counts };
        Ok(CheckedOperation { request, operation: operation.clone(), name: name.clone(), estimate })
    }

    /// Parses and validates a text that is not in the cache.
    fn read(&self, text: &str, request: &mut Request) -> Result<CachedDocument, DocumentError> {
        let counts = lexer_limits::count_tokens(text)
            .map_err(|offset| syntax_error(text, lexer_limits::line_and_column(text, offset)))?;
        self.limits.ensure_within(Limit::Tokens, counts.tokens)?;
        self.limits.ensure_within(Limit::Nesting, counts.nesting)?;
        let document = parse_query(text).map_err(|error| parse_error(text, &error))?;
        let complexity = self.measure(&document)?;
        if let Err(invalid) = Validated::parse_and_validate(&self.schema, text, "document.graphql") {
            return Err(self.validation_error(&invalid.errors, document, std::mem::take(&mut request.variables)));
        }
        let mut operations = Vec::new();
        for (name, operation) in document.operations.iter() {
            let normalized = normalize::normalize(&self.schema, &document, operation);
            self.check_counts(&normalized.counts)?;
            let cost = cost::estimate(&self.schema, &normalized.operation.node, &Variables::default());
            let cost = (!cost.depends_on_variables).then_some(cost);
            operations.push((name.cloned(), PreparedOperation { normalized, complexity, cost }));
        }
        Ok(CachedDocument::new(operations))
    }

    /// Lists the validation errors, at most as many as a response may have. Finding the line and column of an error walks
    /// the text, so the cost of each is linear.
    fn validation_error(
        &self,
        invalid: &DiagnosticList,
        document: ExecutableDocument,
        variables: Variables,
    ) -> DocumentError {
        let errors: Vec<_> = invalid.iter().take(self.limits.errors_max).map(validation_message).collect();
        let omitted = invalid.len() - errors.len();
        let is_query = document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query);
        let invalid = (omitted == 0).then(|| {
            let mut invalid = Request::new("").variables(variables);
            invalid.set_parsed_query(document);
            Box::new(invalid)
        });
        DocumentError { errors, omitted, kind: OperationErrorKind::Invalid, is_query, invalid }
    }

    fn measure(&self, document: &ExecutableDocument) -> Result<Complexity, Error> {
        let source = complexity::count_source(document);
        self.limits.ensure_within(Limit::Directives, source.directives)?;
        self.limits.ensure_within(Limit::FieldDirectives, source.field_directives)?;
        self.limits.ensure_within(Limit::ListEntries, source.list_entries)?;
        let complexity = complexity::measure(document)?;
        self.limits.ensure_within(Limit::Expanded, complexity.selections)?;
        self.limits.ensure_within(Limit::ArgumentBytes, complexity.argument_bytes)?;
        self.limits.ensure_within(Limit::Depth, complexity.depth)?;
        self.limits.ensure_within(Limit::IntrospectionDepth, complexity.introspection_depth)?;
        self.limits.ensure_within(Limit::IntrospectionLists, complexity.introspection_lists)?;
        Ok(complexity)
    }

    fn check_counts(&self, counts: &SelectionCounts) -> Result<(), Error> {
        self.limits.ensure_within(Limit::Repeats, counts.repeats)?;
        self.limits.ensure_within(Limit::RootFields, counts.root_fields)?;
        self.limits.ensure_within(Limit::Mutations, counts.mutations)?;
        self.limits.ensure_within(Limit::Introspections, counts.introspections)?;
        self.limits.ensure_within(Limit::Aliases, counts.aliases)?;
        self.limits.ensure_within(Limit::Selections, counts.selections)
    }
}

impl CachedDocument {
    fn new(operations: Vec<(Option<Name>, PreparedOperation)>) -> Self {
        let name_size = |name: &Option<Name>| name.as_ref().map_or(0, memory_size::name);
        let size = |(name, prepared): &(Option<Name>, PreparedOperation)| {
            name_size(name) + memory_size::operation(&prepared.normalized.operation.node)
        };
        let memory_size = memory_size::list(&operations) + operations.iter().map(size).sum::<usize>();
        Self { operations, memory_size }
    }

    /// The operation with this name, or the only operation.
    fn operation(&self, name: Option<&str>) -> Result<&(Option<Name>, PreparedOperation), Error> {
        let name = name.filter(|name| !name.is_empty());
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Error::bad_input("The document has several operations. Set `operationName`.")),
            (Some(wanted), all) => {
                let is_wanted = |name: &Option<Name>| name.as_ref().is_some_and(|name| name == wanted);
                let found = all.iter().find(|(name, _)| is_wanted(name));
                found.ok_or_else(|| Error::bad_input("The document has no operation named in `operationName`."))
            }
        }
    }
}

impl PreparedOperation {
    /// Removes variables that the operation does not declare. They would use memory while it runs.
    fn remove_undeclared(&self, variables: &mut Variables) {
        let declared = &self.normalized.operation.node.variable_definitions;
        variables.retain(|name, _| declared.iter().any(|variable| variable.node.name.node == *name));
    }

    /// Adds the defaults of missing variables, because async-graphql's `@skip` and `@include` ignore defaults.
    fn add_defaults(&self, variables: &mut Variables) {
        for definition in &self.normalized.operation.node.variable_definitions {
            let default = definition.node.default_value.as_ref();
            let name = &definition.node.name.node;
            if let Some(default) = default.filter(|_| !variables.contains_key(name)) {
                variables.insert(name.clone(), default.node.clone());
            }
        }
    }
}

/// A document with this operation only, which has no named fragments.
fn single_operation_document(operation: Positioned<OperationDefinition>) -> ExecutableDocument {
    ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: Default::default() }
}

impl CheckedOperation {
    /// Whether the operation is a query.
    pub fn is_query(&self) -> bool {
        self.operation.node.ty == OperationType::Query
    }

    /// The normalized operation.
    pub(super) fn operation(&self) -> &Positioned<OperationDefinition> {
        &self.operation
    }

    /// The values of the variables, with defaults.
    pub(super) fn variables(&self) -> &Variables {
        &self.request.variables
    }

    /// The request that executes this operation.
    pub(super) fn into_request(self) -> Request {
        let mut request = self.request;
        request.set_parsed_query(single_operation_document(self.operation));
        request
    }

    /// The name of the operation, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The estimated cost of the operation.
    pub fn estimate(&self) -> CostEstimate {
        self.estimate
    }
}

impl CostEstimate {
    /// The number of provider calls.
    pub fn calls(self) -> usize {
        self.calls
    }

    /// The value of `extensions.cost`.
    pub fn to_value(self) -> Value {
        let mut cost = IndexMap::new();
        for (name, number) in [
            ("calls", self.calls),
            ("budget", self.budget),
            ("remaining", self.budget.saturating_sub(self.calls)),
            ("depth", self.depth),
            ("selections", self.counts.selections),
            ("aliases", self.counts.aliases),
            ("rootFields", self.counts.root_fields),
        ] {
            cost.insert(Name::new(name), Value::from(number));
        }
        Value::Object(cost)
    }
}

impl DocumentError {
    fn new(kind: OperationErrorKind, error: ServerError) -> Self {
        Self { errors: vec![error], omitted: 0, kind, is_query: true, invalid: None }
    }
}

impl From<Error> for DocumentError {
    fn from(error: Error) -> Self {
        Self::new(OperationErrorKind::Invalid, error.at(None))
    }
}

fn syntax_error(text: &str, (line, column): (usize, usize)) -> DocumentError {
    let unexpected = lexer_limits::describe_unexpected(text, (line, column));
    let error = Error::bad_input(format!("Syntax error at line {line}, column {column}: {unexpected}."));
    DocumentError::new(OperationErrorKind::Syntax, error.at(Some(Pos { line, column })))
}

/// Describes where and why a text cannot be parsed. The parser's own messages are not used, because they quote the text.
fn parse_error(text: &str, error: &ParserError) -> DocumentError {
    let message = match error {
        ParserError::MultipleOperations { .. } => {
            "A document with an anonymous operation must have no other operation."
        }
        ParserError::OperationDuplicated { .. } => "Two operations have the same name. Rename one.",
        ParserError::FragmentDuplicated { .. } => "Two fragments have the same name. Rename one.",
        ParserError::MissingOperation => "The document has no operation.",
        _ => {
            let at = error.positions().next().unwrap_or(Pos { line: 1, column: 1 });
            return syntax_error(text, (at.line, at.column));
        }
    };
    DocumentError::from(Error::bad_input(message))
}

type Diagnostic<'a> = apollo_compiler::diagnostic::Diagnostic<'a, apollo_compiler::validation::DiagnosticData>;

fn validation_message(diagnostic: Diagnostic<'_>) -> ServerError {
    let message: String = diagnostic.error.to_string().chars().take(MESSAGE_MAX).collect();
    let at = diagnostic.line_column_range().map(|range| Pos { line: range.start.line, column: range.start.column });
    Error::bad_input(message).at(at)
}
