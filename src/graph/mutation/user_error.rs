//! User errors: the errors of a mutation that a person can correct.
//!
//! An object of another person gives the same error as an object that does not exist. So an error never reveals whether
//! an object exists.

use async_graphql::{Context, Enum, SimpleObject};

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::provider::{self, Reason};
use crate::upstream::WriteReply;

/// An error that the person can correct. Nothing was changed.
#[derive(SimpleObject, Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserError {
    /// The error code.
    code: UserErrorCode,
    /// The error message, for people.
    message: String,
    /// The path to the argument that caused the error, such as `["input", "id"]`.
    path: Vec<String>,
}

/// The codes of errors that a person can correct.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserErrorCode {
    /// The ID is invalid, or it is the ID of another kind of object.
    WrongId,
    /// The object does not exist or the caller may not see it.
    NotFound,
    /// The mutation cannot be undone and must be confirmed with `confirm: true`.
    ConfirmationMissing,
    /// The person may not share the connection because they may not edit other authors' posts on its site.
    NotShareable,
    /// The provider rejected the mutation for this object in its current state.
    Refused,
}

/// The result of a mutation, or an error that the person can correct.
pub(crate) type MutationResult<T> = Result<T, UserError>;

impl UserError {
    pub(super) fn new(code: UserErrorCode, field: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: vec!["input".to_owned(), field.to_owned()] }
    }

    pub(super) fn wrong_id(message: impl Into<String>) -> Self {
        Self::new(UserErrorCode::WrongId, "id", message)
    }

    /// The object does not exist or the caller may not see it.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(UserErrorCode::NotFound, "id", format!("{what} not found."))
    }

    /// The connection exists, but the person may not share it.
    pub(crate) fn not_shareable() -> Self {
        let message = "Sharing this connection requires permission to edit other authors' posts on its site.";
        Self::new(UserErrorCode::NotShareable, "id", message)
    }
}

/// Finishes a write: later reads of the operation skip what was read before.
///
/// # Errors
/// Errors that the person cannot correct.
pub(crate) fn finish_write(
    ctx: &Context<'_>,
    done: Result<WriteReply, provider::Error>,
) -> Result<MutationResult<WriteReply>, Error> {
    ctx.loaders().reset();
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(error) if error.reason == Reason::Refused => {
            let message = format!("{} rejected this for the object in its current state.", error.provider.title());
            Ok(Err(UserError::new(UserErrorCode::Refused, "id", message)))
        }
        Err(error) => Err(error.into()),
    }
}

/// A write of an object that stays: a missing object is an error that the person can correct.
pub(crate) fn require_existing(what: &'static str) -> impl FnOnce(WriteReply) -> MutationResult<()> {
    move |done| if done == WriteReply::Absent { Err(UserError::not_found(what)) } else { Ok(()) }
}

/// The two parts of a payload: the result and the user errors.
pub(crate) fn split<T>(result: MutationResult<T>) -> (Option<T>, Vec<UserError>) {
    match result {
        Ok(value) => (Some(value), Vec::new()),
        Err(error) => (None, vec![error]),
    }
}
