//! Turns serde's sentence about a setting into ours: what is wrong and what is allowed, and never the value.
//!
//! Serde quotes the value before its last `, expected `; only the kind of value is taken from there.

const NO_SUCH_SETTING: &str = "no such setting";

const NO_SUCH_CHOICE: &str = "no such choice";

/// Serde's and TOML's names of kinds, and ours.
const KINDS: [(&str, &str); 6] = [
    ("string", "text"),
    ("integer", "a whole number"),
    ("floating point", "a fraction"),
    ("boolean", "true or false"),
    ("map", "a table"),
    ("sequence", "a list"),
];

/// What serde expects, and how we call it.
const WANTED: [(&str, &str); 7] = [
    ("u64", "a whole number"),
    ("usize", "a whole number"),
    ("a boolean", "true or false"),
    ("a string", "text"),
    ("string only", "text"),
    ("socket address", ADDRESS),
    ("struct ", "a table"),
];

const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:8080";

/// Says what is wrong and what is allowed.
pub(super) fn explain(message: &str) -> String {
    let (found, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    if found.starts_with("unknown field ") {
        return format!("{NO_SUCH_SETTING}; allowed here: {}", quoted(expected));
    }
    if found.starts_with("unknown variant ") {
        return format!("{NO_SUCH_CHOICE}; allowed: {}", quoted(expected));
    }
    if message == "invalid socket address syntax" {
        return format!("is not an address; wanted {ADDRESS}");
    }
    let wanted = WANTED.iter().find(|(theirs, _)| expected.starts_with(theirs)).map_or(expected, |(_, ours)| *ours);
    match found.strip_prefix("invalid type: ").and_then(kind) {
        Some(kind) => format!("is {kind}; wanted {wanted}"),
        None if found.starts_with("invalid value: ") => format!("out of range; wanted {wanted}, 0 or more"),
        None if wanted.is_empty() => "cannot be used".to_owned(),
        None => format!("wanted {wanted}"),
    }
}

/// Whether an explanation says that the setting does not exist.
pub(super) fn is_unknown(explanation: &str) -> bool {
    explanation.starts_with(NO_SUCH_SETTING)
}

/// Whether an explanation says which choices there are.
pub(super) fn is_choice(explanation: &str) -> bool {
    explanation.starts_with(NO_SUCH_CHOICE)
}

fn kind(found: &str) -> Option<&'static str> {
    KINDS.iter().find(|(theirs, _)| found.starts_with(theirs)).map(|(_, ours)| *ours)
}

/// The words between backticks, with commas.
fn quoted(text: &str) -> String {
    text.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}
