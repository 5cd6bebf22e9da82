//! The document stage: a text becomes an operation that is safe to execute, or a refusal, in time linear in the text.
//!
//! The library's own guards and validators follow every spread of every fragment, so a short text can keep them busy
//! for ever. They never see a document that was not measured here. The order is: the text's size, its tokens
//! and brackets (`scan`), one parse, the size with all fragments written out (`size`), validation, merging of equal
//! selections (`merge`), and the cost in calls to the providers and in rows (`cost`, by the table in `edges`). All but the last
//! depend on the text alone, so what was found is kept by the text, within a bound in bytes.
//!
//! Validation is apollo-compiler's, which knows all rules of the specification; the library's own misses selections
//! that conflict across fragments. The library validates again what it executes.

pub mod cost;
pub mod edges;
pub mod limits;
pub mod merge;
pub mod narrow;
pub mod scan;
pub mod size;
mod weight;

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

use self::cost::Cost;
use self::limits::Limits;
use self::merge::{Counts, Merged};
use self::size::Size;
use super::error::Error;
use super::operation::OperationErrorKind;

/// What the library's introspection has beyond the validator's.
const INTROSPECTION_MORE: &str = "extend type __Type { isOneOf: Boolean }";

/// How many characters of a validator's sentence are shown; names in it are the client's own and may be long.
const SENTENCE_MAX: usize = 300;

/// What a kept document takes in memory beside its text and its operations.
const BYTES_A_DOCUMENT: usize = 512;

/// What a large document takes in all.
const DOCUMENT_BYTES: usize = 64 << 10;

/// Checks documents, and keeps those that are good.
pub struct Documents {
    limits: Limits,
    schema: Valid<Schema>,
    known: Cache<String, Arc<Known>, ByBytes>,
}

/// An operation that may be executed.
#[derive(Debug)]
pub struct Checked {
    request: Request,
    operation: Positioned<OperationDefinition>,
    name: Option<Name>,
    estimate: CostEstimate,
}

/// What an operation may cost, and what it has.
#[derive(Clone, Copy, Debug)]
pub struct CostEstimate {
    calls: usize,
    budget: usize,
    depth: usize,
    counts: Counts,
}

/// Why a document is not executed.
#[derive(Debug)]
pub struct Refused {
    /// What the client is told; at most as many as an answer may have.
    pub errors: Vec<ServerError>,
    /// How many more there are.
    pub omitted: usize,
    /// Syntax for a text that is no document, Invalid for everything else.
    pub fault: OperationErrorKind,
    /// Whether all that the document asks for is to read; so a document counts that cannot be parsed.
    pub is_query: bool,
    /// The document, if it parses, is within all limits and only breaks rules of validation, each of which is told.
    pub(super) invalid: Option<Box<Request>>,
}

/// What is known of a good document.
struct Known {
    operations: Vec<(Option<Name>, Ready)>,
    /// The bytes that the operations take.
    weight: usize,
}

struct Ready {
    merged: Merged,
    size: Size,
    /// The cost, if no variable has a part in it.
    cost: Option<Cost>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Arc<Known>> for ByBytes {
    fn weight(&self, text: &String, known: &Arc<Known>) -> u64 {
        (BYTES_A_DOCUMENT + text.capacity() + known.weight) as u64
    }
}

impl Documents {
    /// Makes a checker for this schema, given in the schema language, that keeps this many bytes of good documents.
    ///
    /// # Errors
    /// A sentence, if the schema is not one.
    pub fn build(sdl: &str, limits: Limits, kept_max_bytes: usize) -> Result<Self, String> {
        let sdl = format!("{sdl}\n{INTROSPECTION_MORE}");
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|wrong| wrong.errors.to_string())?;
        // Few parts: a document that is larger than a part is not kept.
        let entries = kept_max_bytes / DOCUMENT_BYTES + 1;
        let known = Cache::with_weighter(entries, kept_max_bytes as u64, ByBytes);
        Ok(Self { limits, schema, known })
    }

    /// Checks a request's document and makes its operation ready.
    ///
    /// # Errors
    /// What the client is told: LIMIT_EXCEEDED or BAD_INPUT.
    pub fn check(&self, mut request: Request) -> Result<Checked, Refused> {
        let text = std::mem::take(&mut request.query);
        self.limits.hold("bytes_max", text.len(), "Bytes")?;
        let known = match self.known.get(&text) {
            Some(known) => known,
            None => {
                let known = Arc::new(self.read(&text, &mut request)?);
                self.known.insert(text, known.clone());
                known
            }
        };
        let (name, ready) = known.pick(request.operation_name.take().as_deref())?;
        ready.keep_declared(&mut request.variables);
        ready.fill_in(&mut request.variables);
        let list_entries = request.variables.values().map(size::longest_list).max().unwrap_or(0);
        self.limits.hold("list_entries_max", list_entries, "Entries of the longest list")?;
        let operation = &ready.merged.operation;
        let count = || cost::cost(&self.schema, &operation.node, &request.variables);
        let Cost { calls, rows, .. } = ready.cost.unwrap_or_else(count);
        self.limits.hold("calls_max", calls, "Calls to the providers")?;
        self.limits.hold("rows_max", rows, "Rows of all pages and lists")?;
        let (depth, counts) = (ready.size.depth, ready.merged.counts);
        let estimate = CostEstimate { calls, budget: self.limits.calls_max, depth, counts };
        Ok(Checked { request, operation: operation.clone(), name: name.clone(), estimate })
    }

    /// Reads a text that is not known.
    fn read(&self, text: &str, request: &mut Request) -> Result<Known, Refused> {
        let tokens = scan::scan(text).map_err(|offset| unreadable(text, scan::position(text, offset)))?;
        self.limits.hold("tokens_max", tokens.count, "Tokens")?;
        self.limits.hold("nesting_max", tokens.nesting, "Nested brackets")?;
        let document = parse_query(text).map_err(|error| not_parsed(text, &error))?;
        let size = self.measure(&document)?;
        if let Err(wrong) = Validated::parse_and_validate(&self.schema, text, "document.graphql") {
            return Err(self.refuse(&wrong.errors, document, std::mem::take(&mut request.variables)));
        }
        let mut operations = Vec::new();
        for (name, operation) in document.operations.iter() {
            let merged = merge::merge(&self.schema, &document, operation);
            self.hold_counts(&merged.counts)?;
            let cost = cost::cost(&self.schema, &merged.operation.node, &Variables::default());
            operations.push((name.cloned(), Ready { merged, size, cost: (!cost.varies).then_some(cost) }));
        }
        Ok(Known::new(operations))
    }

    /// Tells which rules a document breaks. To find a fault's line and column takes a walk through the text, so no more
    /// faults are told than an answer may have.
    fn refuse(&self, wrong: &DiagnosticList, document: ExecutableDocument, variables: Variables) -> Refused {
        let errors: Vec<_> = wrong.iter().take(self.limits.errors_max).map(sentence).collect();
        let omitted = wrong.len() - errors.len();
        let is_query = document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query);
        let invalid = (omitted == 0).then(|| {
            let mut invalid = Request::new("").variables(variables);
            invalid.set_parsed_query(document);
            Box::new(invalid)
        });
        Refused { errors, omitted, fault: OperationErrorKind::Invalid, is_query, invalid }
    }

    fn measure(&self, document: &ExecutableDocument) -> Result<Size, Error> {
        let written = size::written(document);
        self.limits.hold("directives_max", written.directives, "Directives")?;
        self.limits.hold("field_directives_max", written.field_directives, "Directives of one field")?;
        self.limits.hold("list_entries_max", written.list_entries, "Entries of the longest list")?;
        let size = size::size(document)?;
        self.limits.hold("expanded_max", size.selections, "Selections with all fragments written out")?;
        self.limits.hold("bytes_max", size.argument_bytes, "Bytes of arguments with all fragments written out")?;
        self.limits.hold("depth_max", size.depth, "Nested fields")?;
        self.limits.hold("introspection_depth_max", size.introspection_depth, "Nested fields of an introspection")?;
        self.limits.hold("introspection_lists_max", size.introspection_lists, "Nested lists of an introspection")?;
        Ok(size)
    }

    fn hold_counts(&self, counts: &Counts) -> Result<(), Error> {
        self.limits.hold("repeats_max", counts.repeats, "Repetitions of one field")?;
        self.limits.hold("root_fields_max", counts.root_fields, "Fields of the root")?;
        self.limits.hold("mutations_max", counts.mutations, "Mutations")?;
        self.limits.hold("introspections_max", counts.introspections, "Introspections")?;
        self.limits.hold("aliases_max", counts.aliases, "Aliases")?;
        self.limits.hold("selections_max", counts.selections, "Selections")
    }
}

impl Known {
    fn new(operations: Vec<(Option<Name>, Ready)>) -> Self {
        let name = |name: &Option<Name>| name.as_ref().map_or(0, weight::name);
        let parts = |(own, ready): &(_, Ready)| name(own) + weight::operation(&ready.merged.operation.node);
        let weight = weight::room(&operations) + operations.iter().map(parts).sum::<usize>();
        Self { operations, weight }
    }

    fn pick(&self, name: Option<&str>) -> Result<&(Option<Name>, Ready), Error> {
        let name = name.filter(|name| !name.is_empty());
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Error::bad_input("The document has several operations: name one in operationName.")),
            (Some(wanted), all) => {
                let is_wanted = |name: &Option<Name>| name.as_ref().is_some_and(|name| name == wanted);
                let found = all.iter().find(|(name, _)| is_wanted(name));
                found.ok_or_else(|| Error::bad_input("operationName names no operation of the document."))
            }
        }
    }
}

impl Ready {
    /// Drops variables that the operation does not declare: they would take memory for as long as it runs.
    fn keep_declared(&self, variables: &mut Variables) {
        let declared = &self.merged.operation.node.variable_definitions;
        variables.retain(|name, _| declared.iter().any(|variable| variable.node.name.node == *name));
    }

    /// Gives variables that the request leaves out their defaults: the library's `@skip` and `@include` know of none.
    fn fill_in(&self, variables: &mut Variables) {
        for definition in &self.merged.operation.node.variable_definitions {
            let default = definition.node.default_value.as_ref();
            let name = &definition.node.name.node;
            if let Some(default) = default.filter(|_| !variables.contains_key(name)) {
                variables.insert(name.clone(), default.node.clone());
            }
        }
    }
}

/// A document of one operation and no fragments.
fn alone(operation: Positioned<OperationDefinition>) -> ExecutableDocument {
    ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: Default::default() }
}

impl Checked {
    /// Whether the operation only reads.
    pub fn is_query(&self) -> bool {
        self.operation.node.ty == OperationType::Query
    }

    /// The operation, with its fragments written out and equal selections merged.
    pub(super) fn operation(&self) -> &Positioned<OperationDefinition> {
        &self.operation
    }

    /// The variables' values, defaults included.
    pub(super) fn variables(&self) -> &Variables {
        &self.request.variables
    }

    /// The request that executes the operation and nothing else.
    pub(super) fn into_request(self) -> Request {
        let mut request = self.request;
        request.set_parsed_query(alone(self.operation));
        request
    }

    /// The operation's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the operation may cost.
    pub fn estimate(&self) -> CostEstimate {
        self.estimate
    }
}

impl CostEstimate {
    /// How many calls it is expected to make.
    pub fn calls(self) -> usize {
        self.calls
    }

    /// The cost as clients see it in `extensions.cost`.
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

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            errors: vec![error.at(None)],
            omitted: 0,
            fault: OperationErrorKind::Invalid,
            is_query: true,
            invalid: None,
        }
    }
}

fn unreadable(text: &str, (line, column): (usize, usize)) -> Refused {
    let wrong = scan::wrong_at(text, (line, column));
    let error = Error::bad_input(format!("Syntax error at line {line}, column {column}: {wrong}."));
    let errors = vec![error.at(Some(Pos { line, column }))];
    Refused { errors, omitted: 0, fault: OperationErrorKind::Syntax, is_query: true, invalid: None }
}

/// Says where a text cannot be parsed, in words of our own: the parser's hold the text.
fn not_parsed(text: &str, error: &ParserError) -> Refused {
    let message = match error {
        ParserError::MultipleOperations { .. } => "An operation without a name must be the only one.",
        ParserError::OperationDuplicated { .. } => "Two operations have the same name.",
        ParserError::FragmentDuplicated { .. } => "Two fragments have the same name.",
        ParserError::MissingOperation => "The document has no operation.",
        _ => {
            let at = error.positions().next().unwrap_or(Pos { line: 1, column: 1 });
            return unreadable(text, (at.line, at.column));
        }
    };
    Refused::from(Error::bad_input(message))
}

type Diagnostic<'a> = apollo_compiler::diagnostic::Diagnostic<'a, apollo_compiler::validation::DiagnosticData>;

fn sentence(wrong: Diagnostic<'_>) -> ServerError {
    let message: String = wrong.error.to_string().chars().take(SENTENCE_MAX).collect();
    let at = wrong.line_column_range().map(|range| Pos { line: range.start.line, column: range.start.column });
    Error::bad_input(message).at(at)
}
