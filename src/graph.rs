//! The GraphQL layer: validates and executes one operation at a time.
//!
//! Each operation gets loaders of its own, and nothing that it read outlives it. Logging, metrics and caches are outside
//! the schema, because an async-graphql extension would slow every field.

pub mod audit;
mod context;
pub mod document;
pub mod error;
pub mod execution;
mod fields;
mod id;
mod lookup;
mod matching;
mod mutation;
pub mod operation;
mod pagination;
mod query;
pub mod rate_limit;
mod response_extensions;
mod schema;
pub mod schema_directives;
mod settings;
mod variables;

pub use self::settings::{Introspection, Settings};

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use async_graphql::Request;
use tokio::time::Instant;

use self::audit::AuditRecord;
use self::document::{CheckedOperation, DocumentChecker, DocumentError};
use self::error::mask;
use self::execution::{ExecutionContext, ExecutionResult};
use self::operation::{AllowedOperations, OperationError};
use self::rate_limit::RateLimit;
use self::schema::GatewaySchema;
use self::variables::InputTypes;
use crate::auth::Caller;
use crate::loader::{Loaders, run_with_loads};
use crate::model::DateTime;
use crate::provider::CallContext;
use crate::provider::registry::Providers;
use crate::upstream::Budget;

/// An operation name that cannot exist. A document that is sent with it is validated but not executed.
const NO_OPERATION: &str = "";

/// The GraphQL service over both providers.
pub struct Graph {
    settings: Settings,
    schema: GatewaySchema,
    documents: DocumentChecker,
    input_types: InputTypes,
    providers: Providers,
    /// Hashes a caller to the number that identifies it in the providers' queues. The key is random.
    caller_hasher: RandomState,
}

impl Graph {
    /// Builds the service over these providers.
    ///
    /// # Errors
    /// A message when the gateway's own schema is invalid.
    pub fn build(settings: Settings, providers: Providers) -> Result<Self, String> {
        let sdl = schema::sdl();
        let documents = DocumentChecker::new(&sdl, settings.limits.clone(), settings.documents_max_bytes)?;
        // A suggestion reveals names that introspection would show.
        let schema = if settings.suggestions && settings.introspection == Introspection::All {
            schema::builder().finish()
        } else {
            schema::builder().disable_suggestions().finish()
        };
        Ok(Self {
            settings,
            schema,
            documents,
            input_types: InputTypes::from_sdl(&sdl),
            providers,
            caller_hasher: RandomState::new(),
        })
    }

    /// Parses and validates a request. Nothing is executed.
    ///
    /// # Errors
    /// The reasons why the operation cannot be executed, ready for the client.
    pub async fn check(
        &self,
        request: Request,
        caller: &Caller,
        allowed: AllowedOperations,
    ) -> Result<CheckedOperation, OperationError> {
        let checked = match self.documents.check(request) {
            Ok(checked) => self.check_operation(checked, caller, allowed),
            Err(error) => Err(self.explain_invalid(error, allowed).await),
        };
        checked.map_err(|mut error| {
            mask::truncate(&mut error.errors, &mut error.extensions, self.settings.limits.errors_max);
            error
        })
    }

    /// Checks what does not depend on the document alone: the caller's permissions and the variables.
    fn check_operation(
        &self,
        checked: CheckedOperation,
        caller: &Caller,
        allowed: AllowedOperations,
    ) -> Result<CheckedOperation, OperationError> {
        let may_introspect = match self.settings.introspection {
            Introspection::Callers => !caller.is_anonymous(),
            Introspection::All => true,
            Introspection::None => false,
        };
        if !may_introspect {
            operation::reject_introspection(checked.operation())?;
        }
        operation::check_kind(checked.is_query(), allowed)?;
        self.input_types.check(&checked.operation().node, checked.variables())?;
        Ok(checked)
    }

    /// Turns a document error into the client's error. A forbidden operation type is reported before any invalid rule.
    async fn explain_invalid(&self, error: DocumentError, allowed: AllowedOperations) -> OperationError {
        let DocumentError { mut errors, omitted, kind, is_query, invalid } = error;
        if let Err(error) = operation::check_kind(is_query, allowed) {
            return error;
        }
        if let Some(invalid) = invalid {
            // async-graphql's validator finds the same errors, and its messages can suggest a similar name.
            let errors_found = self.schema.execute(invalid.operation_name(NO_OPERATION)).await.errors;
            let mut located: Vec<_> = errors_found.into_iter().filter(|error| !error.locations.is_empty()).collect();
            mask::mask_request_errors(&mut located);
            errors = if located.is_empty() { errors } else { located };
        }
        let mut error = OperationError::new(kind, errors);
        mask::note_omitted(&mut error.extensions, omitted);
        error
    }

    /// Updates the metrics with the state of the providers' hosts.
    pub fn measure(&self) {
        self.providers.update_metrics();
    }

    /// The call budget of an operation that arrived at `arrived`. The client may ask for a shorter deadline than the
    /// configured one.
    pub fn calls(&self, arrived: Instant, timeout: Option<Duration>) -> CallContext {
        let timeout_max = Duration::from_millis(self.settings.deadline_ms);
        let deadline = arrived + timeout.map_or(timeout_max, |timeout| timeout.min(timeout_max));
        CallContext::with_budget(Budget::new(self.settings.limits.calls_max).with_deadline(deadline))
    }

    /// Executes one operation. Dropping the future cancels its reads.
    ///
    /// The estimated cost is not exact where only the provider knows the length of a list. So calls are also counted as
    /// they are made.
    pub async fn execute(
        &self,
        checked: CheckedOperation,
        caller: &Caller,
        context: ExecutionContext,
    ) -> ExecutionResult {
        let calls = context.calls.clone().for_caller(self.caller_hasher.hash_one(caller.principal()));
        let started = SystemTime::now();
        let (loaders, loads) = Loaders::build(self.providers.sessions(caller, &calls, started));
        let estimate = checked.estimate();
        let now = DateTime(started.into());
        let rate_limit = context.rate_limit.map(|snapshot| RateLimit::new(snapshot, estimate.calls(), now));
        let audit = AuditRecord::new(&context, caller.principal(), checked.name());
        let request = checked.into_request().data(loaders).data(now).data(rate_limit).data(audit);
        let mut response = run_with_loads(self.schema.execute(request), loads).await;
        mask::truncate(&mut response.errors, &mut response.extensions, self.settings.limits.errors_max);
        response_extensions::add_stale_reads(&calls.records(), &mut response.extensions);
        ExecutionResult { response, calls, estimate }
    }
}
