//! GraphQL over HTTP: authenticate, parse, validate, execute, render. `handler` has these steps in order.
//!
//! A request is accepted only in forms that a page of another site cannot send without a preflight: a POST must have a
//! JSON body, and a GET may only query. Every rejection is a GraphQL error in JSON. Its status depends on the profile
//! (`request_error`), and its media type on the client (`media`).

pub(super) mod handler;
pub(super) mod media;
mod operation_log;
mod operation_name;
mod operation_result;
mod parameters;
pub(super) mod render;
mod request_error;
pub(super) mod request_options;

pub(super) use self::media::Media;
pub(super) use self::operation_name::loggable_name;
pub(super) use self::parameters::Parameters;
pub(super) use self::request_error::{RequestError, RequestErrorKind};
