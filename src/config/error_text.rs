//! Turns an error message of serde into the message of an invalid setting: what is wrong and what is allowed.
//!
//! Serde quotes the value before the last `, expected ` of its message. Only the type of the value is taken from that
//! part, so that a message never contains a value.

const NO_SUCH_SETTING: &str = "no such setting";

const NOT_ALLOWED: &str = "is not allowed";

/// The names of types in messages of serde and TOML, and in ours.
const TYPES: [(&str, &str); 6] = [
    ("string", "text"),
    ("integer", "a whole number"),
    ("floating point", "a fraction"),
    ("boolean", "true or false"),
    ("map", "a table"),
    ("sequence", "a list"),
];

/// The expectations in messages of serde, and in ours.
const EXPECTED: [(&str, &str); 7] = [
    ("u64", "a whole number"),
    ("usize", "a whole number"),
    ("a boolean", "true or false"),
    ("a string", "text"),
    ("string only", "text"),
    ("socket address", ADDRESS),
    ("struct ", "a table"),
];

const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:8080";

/// Explains an error message of serde: what is wrong and what is allowed.
pub(super) fn explain(message: &str) -> String {
    let (found, expectation) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    if found.starts_with("unknown field ") {
        return format!("{NO_SUCH_SETTING}; allowed here: {}", quoted(expectation));
    }
    if found.starts_with("unknown variant ") {
        return format!("{NOT_ALLOWED}; allowed values: {}", quoted(expectation));
    }
    if message == "invalid socket address syntax" {
        return format!("is not an address; expected {ADDRESS}");
    }
    let known = EXPECTED.iter().find(|(theirs, _)| expectation.starts_with(theirs));
    let expected = known.map_or(expectation, |(_, ours)| *ours);
    match found.strip_prefix("invalid type: ").and_then(type_name) {
        Some(found) => format!("is {found}; expected {expected}"),
        None if found.starts_with("invalid value: ") => format!("out of range; expected {expected}, 0 or more"),
        None if expected.is_empty() => "is not valid".to_owned(),
        None => format!("is not valid; expected {expected}"),
    }
}

/// Whether an explanation says that the setting does not exist.
pub(super) fn is_unknown(explanation: &str) -> bool {
    explanation.starts_with(NO_SUCH_SETTING)
}

/// Whether an explanation lists the allowed values.
pub(super) fn lists_values(explanation: &str) -> bool {
    explanation.starts_with(NOT_ALLOWED)
}

fn type_name(found: &str) -> Option<&'static str> {
    TYPES.iter().find(|(theirs, _)| found.starts_with(theirs)).map(|(_, ours)| *ours)
}

/// The words in backticks, separated by commas.
fn quoted(text: &str) -> String {
    text.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}
