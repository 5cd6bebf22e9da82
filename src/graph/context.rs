//! What a resolver can get from its operation.

use async_graphql::Context;

use super::audit::AuditRecord;
use super::error::Error;
use super::rate_limit::RateLimit;
use crate::loader::Loaders;
use crate::model::DateTime;

/// Access to the state of the operation that a resolver belongs to.
pub(crate) trait ContextExt {
    /// The current loaders of the operation. After a mutation they hold nothing that was read before it.
    fn loaders(&self) -> &Loaders;
    /// The time at which the operation started.
    fn now(&self) -> DateTime;
    /// The audit record of the operation.
    fn audit(&self) -> &AuditRecord;
    /// The rate limit of the caller. `None` when no rate limit applies.
    fn rate_limit(&self) -> Option<RateLimit>;
    /// Adds an error under this field's path and keeps the field's value.
    fn report(&self, error: Error);
}

impl ContextExt for Context<'_> {
    fn loaders(&self) -> &Loaders {
        self.data_unchecked::<Loaders>().current()
    }

    fn now(&self) -> DateTime {
        *self.data_unchecked()
    }

    fn audit(&self) -> &AuditRecord {
        self.data_unchecked()
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        *self.data_unchecked()
    }

    fn report(&self, error: Error) {
        let error = async_graphql::Error::from(error).into_server_error(self.item.pos);
        self.add_error(self.set_error_path(error));
    }
}
