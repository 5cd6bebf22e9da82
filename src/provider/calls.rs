//! The calls of one operation: its budget, its cache policy, and a record of each read and write.

use std::sync::{Arc, Mutex, PoisonError};

use super::EntityResult;
use super::error::Error;
use crate::model::Provider;
use crate::upstream::{
    self, Budget, CacheMode, Cacheable, Decoded, Interpreted, Read, Reply, Trace, Upstream, Write, WriteReply,
    WriteStatus,
};

/// The context in which an operation calls the providers. Clones share the records and the budget.
#[derive(Clone, Debug)]
pub struct CallContext {
    records: Arc<Mutex<Vec<CallRecord>>>,
    budget: Budget,
}

/// A read or write of an operation.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The provider.
    pub provider: Provider,
    /// The call, also one that was answered from the cache.
    pub call: upstream::Call,
    /// The date and status in the provider's envelope (OneAll only). Contains no content.
    pub note: Option<String>,
}

impl Default for CallContext {
    fn default() -> Self {
        Self::with_budget(Budget::new(usize::MAX))
    }
}

impl CallContext {
    /// A context for an operation with this budget.
    pub fn with_budget(budget: Budget) -> Self {
        Self { records: Arc::default(), budget }
    }

    /// The same context, for reads that bypass the cache.
    pub fn bypassing_cache(&self) -> Self {
        Self { records: self.records.clone(), budget: self.budget.with_cache_mode(CacheMode::Live) }
    }

    /// The same context, for an uncached read that the gateway itself needs.
    ///
    /// It does not count against the operation's limit of calls. It is still recorded, and the caller is charged for
    /// it.
    pub fn for_gateway_read(&self) -> Self {
        Self { records: self.records.clone(), budget: self.budget.auxiliary() }
    }

    /// The same context, as part of this trace.
    pub fn with_trace(self, trace: Trace) -> Self {
        Self { budget: self.budget.with_trace(trace), ..self }
    }

    /// The same context, for this caller. The number is the same in all operations of a caller.
    pub fn for_caller(self, caller: u64) -> Self {
        Self { budget: self.budget.with_caller(caller), ..self }
    }

    /// The trace of the operation.
    pub fn trace(&self) -> Option<Trace> {
        self.budget.trace()
    }

    /// Whether cached responses may be used.
    pub fn allows_cached(&self) -> bool {
        self.budget.cache_mode() == CacheMode::Cached
    }

    /// Reads an entity or a list. Returns `Ok(None)` if it does not exist. Logs a failure.
    ///
    /// # Errors
    /// The provider's error, or that the budget or the time is used up.
    pub async fn read<T: Cacheable>(
        &self,
        provider: Provider,
        upstream: &Arc<Upstream<Error>>,
        read: &Read<'_>,
        judge: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, Error> + Send + Sync + 'static,
    ) -> EntityResult<T> {
        // Boxed: a resolver holds the futures of all its possible reads, and nested futures add up on the stack.
        let (call, note, result) = Box::pin(upstream.read(read, &self.budget, judge)).await;
        if let Err(error) = &result {
            error.log(&call);
        }
        self.record(CallRecord { provider, call, note });
        result
    }

    /// Sends a write at most once. Logs a failure. `on_end` receives the outcome, even if the operation is cancelled.
    ///
    /// # Errors
    /// The provider's error, that the outcome is unknown, or that the budget or the time is used up.
    pub async fn write(
        &self,
        provider: Provider,
        upstream: &Arc<Upstream<Error>>,
        write: &Write<'_>,
        judge: impl FnOnce(&Reply) -> Interpreted<WriteReply, Error> + Send + 'static,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let (call, note, done) = Box::pin(upstream.write(write, &self.budget, judge, on_end)).await;
        if let Err(error) = &done {
            error.log(&call);
        }
        self.record(CallRecord { provider, call, note });
        done
    }

    /// Returns the cached response, if it is fresh and may be used. `Some(None)` means that the entity does not exist.
    pub fn peek<T: Cacheable>(
        &self,
        provider: Provider,
        upstream: &Upstream<Error>,
        read: &Read<'_>,
    ) -> Option<Option<Arc<T>>> {
        if !self.allows_cached() {
            return None;
        }
        let (call, entity) = upstream.peek(read)?;
        self.record(CallRecord { provider, call, note: None });
        Some(entity)
    }

    /// The number of calls that were started, including running and cancelled ones.
    pub fn started(&self) -> usize {
        self.budget.calls_started()
    }

    /// The records so far, in the order in which the calls ended.
    pub fn records(&self) -> Vec<CallRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a record and logs it. Neither a path nor a query string contains a secret.
    fn record(&self, record: CallRecord) {
        let CallRecord { provider, call, note } = &record;
        tracing::debug!(
            provider = provider.name(),
            method = call.method,
            target = call.target,
            verdict = call.verdict.as_str(),
            attempts = call.attempts,
            status = call.status,
            error = ?call.error,
            milliseconds = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
            bytes = call.bytes,
            note,
            "read"
        );
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}
