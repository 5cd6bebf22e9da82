//! The graph: its schema, and the execution of one operation in it.
//!
//! An operation gets loaders of its own and runs with them to its end; nothing it read outlives it. Logging, metrics
//! and caches stay outside the schema: one registered extension would slow every field.

pub mod cursor;
pub mod document;
pub mod edge;
pub mod error;
pub mod id;
pub mod lists;
pub mod page;
pub mod query;
pub mod walk;

use std::sync::Arc;
use std::time::SystemTime;

use async_graphql::{Context, EmptyMutation, EmptySubscription, Request, Response, SDLExportOptions, Schema, Value};
use serde::Deserialize;

use self::document::limits::Limits;
use self::document::{Checked, Documents, Expense, Refused};
use self::query::Query;
use crate::access::Caller;
use crate::loader::{Loaders, drive};
use crate::model::DateTime;
use crate::provider::Calls;
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;

/// How deep selections may be nested for the library's walkers: above every depth that the document stage can allow.
const RECURSION_MAX: usize = 128;

/// A name that no operation can have: a document under it is validated and not executed.
const NO_OPERATION: &str = "";

/// How the graph is asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether an unknown name is answered with the known ones that are like it.
    pub suggestions: bool,
    /// How many bytes of documents that were found good are kept.
    pub documents_max_bytes: usize,
    /// What a document may have, and what an operation may cost.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { suggestions: false, documents_max_bytes: 16 << 20, limits: Limits::default() }
    }
}

/// The graph over both providers.
pub struct Graph {
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
    documents: Documents,
    errors_max: usize,
    calls_max: usize,
    wordpress: Arc<WordPress>,
    oneall: Arc<OneAll>,
}

/// What an operation brought, and what it cost.
pub struct Outcome {
    /// The answer.
    pub response: Response,
    /// The calls it took.
    pub calls: Calls,
    /// What it was expected to cost.
    pub expense: Expense,
}

/// Why an operation is not executed.
pub struct Refusal {
    /// An answer of errors alone.
    pub response: Response,
    /// Whether all that the document asks for is to read.
    pub is_query: bool,
}

impl Outcome {
    /// The answer, with the operation's cost in `extensions.cost`.
    pub fn with_cost(mut self) -> Response {
        self.response.extensions.insert("cost".to_owned(), self.expense.to_value());
        self.response
    }
}

impl Graph {
    /// Builds the graph over these providers.
    ///
    /// # Errors
    /// A sentence, if its own schema is not one.
    pub fn build(settings: &Settings, wordpress: WordPress, oneall: OneAll) -> Result<Self, String> {
        let documents = Documents::build(&sdl(), settings.limits.clone(), settings.documents_max_bytes)?;
        let Limits { errors_max, calls_max, .. } = settings.limits;
        let (wordpress, oneall) = (Arc::new(wordpress), Arc::new(oneall));
        Ok(Self { schema: schema(settings.suggestions), documents, errors_max, calls_max, wordpress, oneall })
    }

    /// Checks a request's document and makes its operation ready.
    ///
    /// # Errors
    /// A limit that the document goes over, or a rule that it breaks.
    pub async fn check(&self, request: Request) -> Result<Checked, Refusal> {
        let Refused { mut errors, is_query, invalid } = match self.documents.check(request) {
            Ok(checked) => return Ok(checked),
            Err(refused) => refused,
        };
        if let Some(invalid) = invalid {
            // The library's validator speaks of the same faults in sentences that can suggest a name.
            let said = self.schema.execute(invalid.operation_name(NO_OPERATION)).await.errors;
            let faults: Vec<_> = said.into_iter().filter(|error| !error.locations.is_empty()).collect();
            errors = if faults.is_empty() { errors } else { faults };
        }
        Err(Refusal { response: self.shortened(Response::from_errors(errors)), is_query })
    }

    /// Executes one operation for one caller. Dropping the future ends its calls. The cost that was counted before is an
    /// estimate where a provider alone knows how long a list is; so the calls are also counted as they are made.
    pub async fn execute(&self, checked: Checked, caller: &Caller) -> Outcome {
        let calls = Calls::within(self.calls_max);
        let now = SystemTime::now();
        let wordpress = self.wordpress.reads(caller.wordpress().cloned(), calls.clone(), now);
        let oneall = self.oneall.reads(caller.oneall().clone(), calls.clone());
        let (loaders, loads) = Loaders::build(wordpress, oneall);
        let expense = checked.expense();
        let request = checked.request.data(loaders).data(DateTime(now.into()));
        let response = drive(self.schema.execute(request), loads).await;
        Outcome { response: self.shortened(response), calls, expense }
    }

    /// Leaves out what is beyond the most errors of an answer, and says how many that are.
    fn shortened(&self, mut response: Response) -> Response {
        let omitted = response.errors.len().saturating_sub(self.errors_max);
        if omitted > 0 {
            response.errors.truncate(self.errors_max);
            response.extensions.insert("errorsOmitted".to_owned(), Value::from(omitted));
        }
        response
    }
}

/// The schema in the schema language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    schema(false).sdl_with_options(
        SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items(),
    )
}

fn schema(suggestions: bool) -> Schema<Query, EmptyMutation, EmptySubscription> {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).limit_recursive_depth(RECURSION_MAX);
    if suggestions { schema.finish() } else { schema.disable_suggestions().finish() }
}

/// What a resolver may ask of its operation.
pub trait ContextExt {
    /// The operation's loaders.
    fn loaders(&self) -> &Loaders;
    /// When the operation began.
    fn now(&self) -> DateTime;
}

impl ContextExt for Context<'_> {
    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }

    fn now(&self) -> DateTime {
        *self.data_unchecked()
    }
}
