//! Masks the errors of a response: a client sees only errors that are meant for clients.
//!
//! Such an error has a code. An error without a code comes from async-graphql or from a resolver. Before execution,
//! async-graphql's messages are about the document and only need a code. During execution, a message may contain anything:
//! it is logged, and the client gets an internal error with the request ID.

use std::collections::BTreeMap;

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use super::ErrorCode;

/// The maximum length of a message, in bytes. Longer messages repeat a long name of the document.
const MESSAGE_MAX: usize = 500;

/// The start of async-graphql's message about an invalid argument value.
const INVALID_ARGUMENT: &str = "Failed to parse \"";

/// Limits the number of errors in a response. `extensions.errorsOmitted` counts the others.
pub fn truncate(errors: &mut Vec<ServerError>, extensions: &mut BTreeMap<String, Value>, max: usize) {
    let omitted = errors.len().saturating_sub(max);
    errors.truncate(max);
    note_omitted(extensions, omitted);
}

/// Sets `extensions.errorsOmitted`, unless no error was omitted.
pub fn note_omitted(extensions: &mut BTreeMap<String, Value>, omitted: usize) {
    if omitted > 0 {
        extensions.insert("errorsOmitted".to_owned(), Value::from(omitted));
    }
}

/// Masks the errors of an operation that was not executed.
pub fn mask_request_errors(errors: &mut [ServerError]) {
    for error in errors {
        if !is_for_clients(error) {
            set_code(error, ErrorCode::BadInput);
            shorten(&mut error.message);
        }
    }
}

/// Masks the errors of an executed operation and logs what it hides.
pub fn mask_execution_errors(errors: &mut [ServerError], request_id: &str) {
    for error in errors.iter_mut().filter(|error| !is_for_clients(error)) {
        let cause = std::mem::take(&mut error.message);
        error.source = None;
        if cause.starts_with(INVALID_ARGUMENT) {
            error.message = "An argument of this field has an invalid value.".to_owned();
            set_code(error, ErrorCode::BadInput);
            continue;
        }
        tracing::error!(cause, path = ?error.path, "unexpected error in a resolver");
        error.message = ErrorCode::internal_message().to_owned();
        error.extensions = None;
        set_code(error, ErrorCode::Internal);
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
}

fn is_for_clients(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some())
}

fn set_code(error: &mut ServerError, code: ErrorCode) {
    let extensions: &mut ErrorExtensionValues = error.extensions.get_or_insert_default();
    extensions.set("code", code.as_str());
    extensions.set("retryable", code.is_retryable());
}

fn shorten(message: &mut String) {
    if message.len() > MESSAGE_MAX {
        let end = (0..=MESSAGE_MAX).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Error;
    use super::*;

    #[test]
    fn unexpected_errors_become_internal_errors() {
        let expected = Error::bad_input("For clients.").at(None);
        let unexpected = ServerError::new("canary: /etc/passwd", None);
        let argument = ServerError::new("Failed to parse \"Int\": canary", None);
        let mut errors = vec![expected.clone(), unexpected, argument];
        mask_execution_errors(&mut errors, "the-id");
        assert_eq!(errors[0], expected);
        assert!(!format!("{errors:?}").contains("canary"), "{errors:?}");
        let extension = |at: usize, name: &str| errors[at].extensions.as_ref().unwrap().get(name).unwrap().to_string();
        assert_eq!(extension(1, "code"), "\"INTERNAL\"");
        assert_eq!(extension(1, "requestId"), "\"the-id\"");
        assert_eq!(extension(2, "code"), "\"BAD_INPUT\"");
    }

    #[test]
    fn errors_are_limited_in_number_and_length() {
        let mut errors = vec![ServerError::new("ä".repeat(10_000), None); 1_000];
        let mut extensions = BTreeMap::new();
        truncate(&mut errors, &mut extensions, 20);
        truncate(&mut errors, &mut extensions, 20);
        mask_request_errors(&mut errors);
        assert_eq!((errors.len(), extensions["errorsOmitted"].clone()), (20, Value::from(980)));
        assert!(errors[0].message.len() <= MESSAGE_MAX + 3);
    }
}
