//! The graph: its schema, and the execution of one operation in it.
//!
//! An operation gets loaders of its own and runs with them to its end; nothing it read outlives it. Logging, metrics
//! and caches stay outside the schema: one registered extension would slow every field.

pub mod cursor;
pub mod edge;
pub mod error;
pub mod id;
mod input;
pub mod lists;
pub mod operation;
pub mod page;
pub mod query;
pub mod walk;

use std::sync::Arc;
use std::time::SystemTime;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Request, Response, SDLExportOptions, Schema, SchemaBuilder,
};

use serde::Deserialize;

use self::input::Inputs;
use self::operation::{Allowed, Checked, Rejected};
use self::query::Query;
use crate::access::Caller;
use crate::loader::{Loaders, drive};
use crate::model::DateTime;
use crate::provider::Calls;
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;

/// How deep an operation's fields may be nested. The usual introspection query is 15 deep.
const DEPTH_MAX: usize = 20;

/// How many fields an operation may have, its fragments counted each time they are used.
const COMPLEXITY_MAX: usize = 1_000;

/// How deep selections may be nested for the parser and the validator.
const RECURSION_MAX: usize = 32;

/// How many directives a field may have.
const DIRECTIVES_MAX: usize = 3;

/// How many aliases an operation may have.
const ALIASES_MAX: usize = 30;

/// What the graph tells of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether the schema may be asked for in the graph itself.
    pub introspection: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { introspection: true }
    }
}

/// The graph over both providers.
pub struct Graph {
    settings: Settings,
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
    inputs: Inputs,
    wordpress: Arc<WordPress>,
    oneall: Arc<OneAll>,
}

/// What an operation brought, and what it cost.
pub struct Outcome {
    /// The answer.
    pub response: Response,
    /// The calls it took.
    pub calls: Calls,
}

impl Graph {
    /// Builds the graph over these providers.
    pub fn build(settings: Settings, wordpress: WordPress, oneall: OneAll) -> Self {
        let schema = if settings.introspection { schema() } else { schema().disable_suggestions() };
        let inputs = Inputs::read(&sdl());
        Self { settings, schema: schema.finish(), inputs, wordpress: Arc::new(wordpress), oneall: Arc::new(oneall) }
    }

    /// Checks a request, so that what it asks can be executed.
    ///
    /// # Errors
    /// Why not, made for clients; nothing has run.
    pub fn check(&self, mut request: Request, allowed: Allowed) -> Result<Checked, Rejected> {
        // The document's own stage (limits, merging, cost, known documents) has its place here: before any walker of the
        // library, and leaving the parsed document in the request.
        let document = operation::parse(&request.query)?;
        if !self.settings.introspection {
            operation::refuse_introspection(&document)?;
        }
        let operation = operation::choose(&document, request.operation_name.as_deref())?;
        operation::allow(operation, allowed)?;
        self.inputs.check(&operation.node, &request.variables)?;
        request.set_parsed_query(document);
        Ok(Checked(request))
    }

    /// Executes one operation for one caller. Dropping the future ends its calls.
    pub async fn execute(&self, Checked(request): Checked, caller: &Caller) -> Outcome {
        let calls = Calls::default();
        let now = SystemTime::now();
        let wordpress = self.wordpress.reads(caller.wordpress().cloned(), calls.clone(), now);
        let oneall = self.oneall.reads(caller.oneall().clone(), calls.clone());
        let (loaders, loads) = Loaders::build(wordpress, oneall);
        let response = drive(self.schema.execute(request.data(loaders).data(DateTime(now.into()))), loads).await;
        Outcome { response, calls }
    }
}

/// The schema in the schema language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    schema().finish().sdl_with_options(
        SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items(),
    )
}

fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .limit_depth(DEPTH_MAX)
        .limit_complexity(COMPLEXITY_MAX)
        .limit_recursive_depth(RECURSION_MAX)
        .limit_directives(DIRECTIVES_MAX)
        .limit_aliases(ALIASES_MAX)
}

/// What a resolver may ask of its operation.
pub trait ContextExt {
    /// The operation's loaders.
    fn loaders(&self) -> &Loaders;
    /// When the operation began.
    fn now(&self) -> DateTime;
    /// Adds an error beside this field's value, which stays.
    fn report(&self, error: error::Error);
}

impl ContextExt for Context<'_> {
    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }

    fn now(&self) -> DateTime {
        *self.data_unchecked()
    }

    fn report(&self, error: error::Error) {
        let error = async_graphql::Error::from(error).into_server_error(self.item.pos);
        self.add_error(self.set_error_path(error));
    }
}
