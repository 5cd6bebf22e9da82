//! Turns a provider's answer into the value of a field.

use std::sync::Arc;

use async_graphql::Context;

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::model::Provider;
use crate::provider::{self, EntityResult, List};

/// An answer as a field: null when there is no such object, or the error of this field.
pub(in crate::graph) fn into_field<T>(answer: EntityResult<T>) -> Option<Result<Arc<T>, Error>> {
    answer.map_err(Error::from).transpose()
}

/// A part of an answer as a field: null when the object or the part is missing.
pub(in crate::graph) fn map_field<T, V>(
    answer: EntityResult<T>,
    part: impl FnOnce(&T) -> Option<V>,
) -> Option<Result<V, Error>> {
    match answer {
        Ok(found) => part(&*found?).map(Ok),
        Err(error) => Some(Err(error.into())),
    }
}

/// A complete list as a field. A row that could not be read adds an error and affects no other row.
pub(in crate::graph) fn list_field<T>(
    ctx: &Context<'_>,
    provider: Provider,
    list: Result<Arc<List<T>>, provider::Error>,
) -> Result<Vec<Arc<T>>, Error> {
    let list = list?;
    list.skipped.iter().for_each(|skipped| ctx.report(Error::skipped_row(provider, skipped)));
    Ok(list.rows.clone())
}
