//! What of an answer's errors a client may see: those made for clients; in place of any other stands the gateway's failure.
//!
//! An error made for clients carries a code. One without it comes from the library or slipped through a resolver: about
//! a document that did not run the library speaks to the client, and the error only lacks its code; in one that ran, its
//! text may hold anything, so it goes to the log and the client gets the request's ID.

use std::collections::BTreeMap;

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use super::Code;

/// How long a message may be, in bytes; a longer one repeats some long name of the document.
const MESSAGE_MAX: usize = 500;

/// How the library begins what it says of a literal that an argument does not take.
const ARGUMENT: &str = "Failed to parse \"";

/// Leaves out what is beyond the most errors of an answer, and says how many that are.
pub fn cap(errors: &mut Vec<ServerError>, extensions: &mut BTreeMap<String, Value>, max: usize) {
    let omitted = errors.len().saturating_sub(max);
    errors.truncate(max);
    omit(extensions, omitted);
}

/// Says how many errors are left out, if any are.
pub fn omit(extensions: &mut BTreeMap<String, Value>, omitted: usize) {
    if omitted > 0 {
        extensions.insert("errorsOmitted".to_owned(), Value::from(omitted));
    }
}

/// Makes the errors of a document that did not run presentable.
pub fn refused(errors: &mut [ServerError]) {
    for error in errors {
        if !is_for_clients(error) {
            code(error, Code::BadInput);
            shorten(&mut error.message);
        }
    }
}

/// Makes the errors of an operation that ran presentable, and logs what it hides.
pub fn executed(errors: &mut [ServerError], request_id: &str) {
    for error in errors.iter_mut().filter(|error| !is_for_clients(error)) {
        let cause = std::mem::take(&mut error.message);
        error.source = None;
        if cause.starts_with(ARGUMENT) {
            error.message = "An argument of this field has a value that its type does not take.".to_owned();
            code(error, Code::BadInput);
            continue;
        }
        tracing::error!(cause, path = ?error.path, "an error that was not made for clients");
        error.message = Code::internal_sentence().to_owned();
        error.extensions = None;
        code(error, Code::Internal);
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
}

fn is_for_clients(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some())
}

fn code(error: &mut ServerError, code: Code) {
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
    fn an_error_that_was_not_made_for_clients_becomes_the_gateways_failure() {
        let made = Error::bad_input("Made for clients.").at(None);
        let slipped = ServerError::new("canary: /etc/passwd", None);
        let argument = ServerError::new("Failed to parse \"Int\": canary", None);
        let mut errors = vec![made.clone(), slipped, argument];
        executed(&mut errors, "the-id");
        assert_eq!(errors[0], made);
        assert!(!format!("{errors:?}").contains("canary"), "{errors:?}");
        let extension = |at: usize, name: &str| errors[at].extensions.as_ref().unwrap().get(name).unwrap().to_string();
        assert_eq!(extension(1, "code"), "\"INTERNAL\"");
        assert_eq!(extension(1, "requestId"), "\"the-id\"");
        assert_eq!(extension(2, "code"), "\"BAD_INPUT\"");
    }

    #[test]
    fn errors_are_few_and_short() {
        let mut errors = vec![ServerError::new("ä".repeat(10_000), None); 1_000];
        let mut extensions = BTreeMap::new();
        cap(&mut errors, &mut extensions, 20);
        cap(&mut errors, &mut extensions, 20);
        refused(&mut errors);
        assert_eq!((errors.len(), extensions["errorsOmitted"].clone()), (20, Value::from(980)));
        assert!(errors[0].message.len() <= MESSAGE_MAX + 3);
    }
}
