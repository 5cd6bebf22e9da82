//! The graph: its schema, and the execution of one operation in it.
//!
//! An operation gets loaders of its own and runs with them to its end; nothing it read outlives it. Logging, metrics
//! and caches stay outside the schema: one registered extension would slow every field.

pub mod audit;
pub mod by;
mod circuit;
pub mod cursor;
pub mod document;
pub mod edge;
pub mod error;
pub mod filter;
pub mod id;
mod input;
pub mod lists;
pub mod matching;
pub mod mutation;
pub mod operation;
pub mod order;
pub mod page;
pub mod query;
pub mod rights;
pub mod terms;
mod told;
pub mod walk;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_graphql::{Context, EmptySubscription, Request, Response, SDLExportOptions, Schema, SchemaBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::audit::Audit;
use self::document::limits::Limits;
use self::document::{Checked, Documents, Expense, Refused};
use self::error::mask;
use self::input::Inputs;
use self::mutation::Mutation;
use self::operation::{Allowed, Rejected};
use self::query::Query;
use self::terms::{RateLimit, Terms};
use crate::auth::Caller;
use crate::loader::{Loaders, drive};
use crate::model::DateTime;
use crate::provider::Calls;
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;
use crate::upstream::Budget;

/// How deep selections may be nested for the library's walkers: above every depth that the document stage can allow.
const RECURSION_MAX: usize = 128;

/// A name that no operation can have: a document under it is validated and not executed.
const NO_OPERATION: &str = "";

/// The schema, documents and execution.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who may run introspection queries. `/schema.graphql` is always public.
    pub introspection: Introspection,
    /// Whether an error about an unknown name suggests similar names. Has an effect only if `introspection` is `all`. The
    /// sandbox turns it on.
    pub suggestions: bool,
    /// The memory for validated documents, in bytes. A stored document is not validated again.
    #[schemars(range(min = 1, max = 1 << 30))]
    pub documents_max_bytes: usize,
    /// The size and the cost of one document.
    pub limits: Limits,
    /// The time for one operation from its arrival, in milliseconds. Reads that are open then fail with `PROVIDER_TIMEOUT`.
    /// Must be shorter than `http.timeouts.request_ms`. A request may shorten it with `X-Commongraph-Deadline`.
    #[schemars(range(min = 1, max = 600_000))]
    pub deadline_ms: u64,
}

/// Who may run introspection queries.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Every caller with a valid credential.
    #[default]
    Callers,
    /// Everyone.
    All,
    /// No one.
    None,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            introspection: Introspection::default(),
            suggestions: false,
            documents_max_bytes: 16 << 20,
            limits: Limits::default(),
            deadline_ms: 8_000,
        }
    }
}

/// The graph over both providers.
pub struct Graph {
    settings: Settings,
    schema: Schema<Query, Mutation, EmptySubscription>,
    documents: Documents,
    inputs: Inputs,
    wordpress: Arc<WordPress>,
    oneall: Arc<OneAll>,
    /// Makes of a caller the number that stands for them where they wait for a provider, under a random key.
    payers: RandomState,
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

impl Outcome {
    /// The same, with the operation's cost in `extensions.cost`.
    pub fn with_cost(mut self) -> Self {
        self.response.extensions.insert("cost".to_owned(), self.expense.to_value());
        self
    }

    /// The same, with its reads in `extensions.gateway.calls`; or, for a caller who may not be told, with why not.
    pub fn with_calls(mut self, caller: &Caller) -> Self {
        told::calls(&self.calls, caller, &mut self.response.extensions);
        self
    }
}

impl Graph {
    /// Builds the graph over these providers.
    ///
    /// # Errors
    /// A sentence, if its own schema is not one.
    pub fn build(settings: Settings, wordpress: Arc<WordPress>, oneall: Arc<OneAll>) -> Result<Self, String> {
        let sdl = sdl();
        let documents = Documents::build(&sdl, settings.limits.clone(), settings.documents_max_bytes)?;
        // A suggestion names what an introspection would.
        let schema = if settings.suggestions && settings.introspection == Introspection::All {
            schema().finish()
        } else {
            schema().disable_suggestions().finish()
        };
        Ok(Self {
            settings,
            schema,
            documents,
            inputs: Inputs::read(&sdl),
            wordpress,
            oneall,
            payers: RandomState::new(),
        })
    }

    /// Checks a request, so that what it asks can be executed.
    ///
    /// # Errors
    /// Why not, made for clients; nothing has run.
    pub async fn check(&self, request: Request, caller: &Caller, allowed: Allowed) -> Result<Checked, Rejected> {
        let checked = match self.documents.check(request) {
            Ok(checked) => self.admit(checked, caller, allowed),
            Err(refused) => Err(self.reject(refused, allowed).await),
        };
        checked.map_err(|mut rejected| {
            mask::cap(&mut rejected.errors, &mut rejected.extensions, self.settings.limits.errors_max);
            rejected
        })
    }

    /// Checks what the document stage leaves open: what this request may ask, and its variables.
    fn admit(&self, checked: Checked, caller: &Caller, allowed: Allowed) -> Result<Checked, Rejected> {
        let is_told = match self.settings.introspection {
            Introspection::Callers => !caller.is_anonymous(),
            Introspection::All => true,
            Introspection::None => false,
        };
        if !is_told {
            operation::refuse_introspection(checked.operation())?;
        }
        operation::allow(checked.is_query(), allowed)?;
        self.inputs.check(&checked.operation().node, checked.variables())?;
        Ok(checked)
    }

    /// Says why a document is refused: that it may not come this way, before any rule that it breaks.
    async fn reject(&self, refused: Refused, allowed: Allowed) -> Rejected {
        let Refused { mut errors, omitted, fault, is_query, invalid } = refused;
        if let Err(rejected) = operation::allow(is_query, allowed) {
            return rejected;
        }
        if let Some(invalid) = invalid {
            // The library's validator speaks of the same faults in sentences that can suggest a name.
            let said = self.schema.execute(invalid.operation_name(NO_OPERATION)).await.errors;
            let mut faults: Vec<_> = said.into_iter().filter(|error| !error.locations.is_empty()).collect();
            mask::refused(&mut faults);
            errors = if faults.is_empty() { errors } else { faults };
        }
        let mut rejected = Rejected::new(fault, errors);
        mask::omit(&mut rejected.extensions, omitted);
        rejected
    }

    /// Tells the metrics how the providers' hosts stand.
    pub fn measure(&self) {
        self.wordpress.measure();
        self.oneall.measure();
    }

    /// What an operation may spend that was asked for at this instant: so many calls, until its deadline, or the one that
    /// its caller wants if that is sooner.
    pub fn calls(&self, asked: Instant, wanted: Option<Duration>) -> Calls {
        let most = Duration::from_millis(self.settings.deadline_ms);
        let deadline = asked + wanted.map_or(most, |wanted| wanted.min(most));
        Calls::within(Budget::calls(self.settings.limits.calls_max).until(deadline))
    }

    /// Executes one operation for one caller, on these terms. Dropping the future ends its calls. The cost that was counted
    /// before is an estimate where a provider alone knows how long a list is; so the calls are also counted as they are made.
    pub async fn execute(&self, checked: Checked, caller: &Caller, terms: Terms) -> Outcome {
        let calls = terms.calls.clone().paid_by(self.payers.hash_one(caller.principal()));
        let now = SystemTime::now();
        let wordpress = self.wordpress.reads(caller.wordpress_or_denied().clone(), calls.clone(), now);
        let oneall = self.oneall.reads(caller.oneall().clone(), calls.clone());
        let (loaders, loads) = Loaders::build(wordpress, oneall);
        let expense = checked.expense();
        let now = DateTime(now.into());
        let rate_limit = terms.allowance.map(|allowance| RateLimit::new(allowance, expense.calls(), now));
        let audit = Audit::begin(&terms, caller.principal(), checked.name());
        let request = checked.into_request().data(loaders).data(now).data(rate_limit).data(audit);
        let mut response = drive(self.schema.execute(request), loads).await;
        mask::cap(&mut response.errors, &mut response.extensions, self.settings.limits.errors_max);
        told::stale(&calls.list(), &mut response.extensions);
        Outcome { response, calls, expense }
    }
}

/// The schema in the schema language, by which documents are checked; `rights::sdl` adds who may ask what.
pub fn sdl() -> String {
    schema().finish().sdl_with_options(
        SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items(),
    )
}

fn schema() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).limit_recursive_depth(RECURSION_MAX)
}

/// What a resolver may ask of its operation.
pub trait ContextExt {
    /// The operation's loaders, which have read nothing from before its last change.
    fn loaders(&self) -> &Loaders;
    /// When the operation began.
    fn now(&self) -> DateTime;
    /// What the audit log will say of the operation.
    fn audit(&self) -> &Audit;
    /// The caller's budget; None where nobody counts.
    fn rate_limit(&self) -> Option<RateLimit>;
    /// Adds an error beside this field's value, which stays.
    fn report(&self, error: error::Error);
}

impl ContextExt for Context<'_> {
    fn loaders(&self) -> &Loaders {
        self.data_unchecked::<Loaders>().latest()
    }

    fn now(&self) -> DateTime {
        *self.data_unchecked()
    }

    fn audit(&self) -> &Audit {
        self.data_unchecked()
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        *self.data_unchecked()
    }

    fn report(&self, error: error::Error) {
        let error = async_graphql::Error::from(error).into_server_error(self.item.pos);
        self.add_error(self.set_error_path(error));
    }
}
