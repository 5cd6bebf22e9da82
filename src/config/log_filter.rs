//! The syntax of `log.filter`: directives separated by commas, each a level or `target=level`.
//!
//! `EnvFilter` accepts more than this: it treats a misspelt level as the name of a target, and then logs nothing else.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Directives that apply unless the settings name the same target. `h2` warns of each connection that a client abuses,
/// so that an attack with stream resets would flood the log.
const DEFAULT_DIRECTIVES: &str = "h2=off";

/// Parses a filter, with the default directives before it.
///
/// # Errors
/// What is wrong with which directive, without its text.
pub(crate) fn parse(text: &str) -> Result<EnvFilter, String> {
    let mut filter = DEFAULT_DIRECTIVES.to_owned();
    for (index, directive) in text.split(',').map(str::trim).enumerate() {
        check(directive).map_err(|fault| format!("directive {} {fault}", index + 1))?;
        // Without the spaces, which `EnvFilter` would take for a part of the target.
        filter.push(',');
        filter.push_str(directive);
    }
    EnvFilter::try_new(filter).map_err(|_| "is not a filter".to_owned())
}

fn check(directive: &str) -> Result<(), &'static str> {
    const LEVELS: &str = "is not a level (off, error, warn, info, debug, trace) or target=level";
    let (target, level) = match directive.rsplit_once('=') {
        Some((target, level)) => (Some(target), level),
        None => (None, directive),
    };
    if level.is_empty() || level.parse::<LevelFilter>().is_err() {
        return Err(LEVELS);
    }
    // A span and its fields follow in brackets.
    let name = target.map(|target| target.split_once('[').map_or(target, |(name, _)| name));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    match (target, name) {
        (Some(""), _) => Err("has no target before its level"),
        (_, Some(name)) if !name.chars().all(is_plain) => Err("has a target that is not the path of a Rust module"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_level_and_a_target_with_a_level_are_directives() {
        for text in [
            "info",
            "OFF",
            "5",
            "warn,commongraph=debug",
            "warn, commongraph::audit=off",
            "off,commongraph::audit[{caller}]=off,[request]=debug,commongraph[request{id=7}]=trace",
            "wran=info",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_rejected_by_its_position_and_not_repeated() {
        for (text, position) in [
            ("", 1),
            ("wran", 1),
            ("verbose!!", 1),
            ("info,commongraph", 2),
            ("info,", 2),
            ("info,,debug", 2),
            ("commongraph=", 1),
            ("commongraph=wran", 1),
            ("=info", 1),
            ("info=wran=x", 1),
            ("info,a=warn,verbose!!=info", 3),
            ("6", 1),
            ("[request]", 1),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(&format!("directive {position} ")), "{text}: {message}");
            assert!(!message.contains("wran") && !message.contains("verbose"), "{text}: {message}");
        }
        assert!(parse("a[=info").is_err(), "what EnvFilter cannot parse is rejected too");
    }

    #[test]
    fn h2_is_silent_unless_the_filter_names_it() {
        assert_eq!(parse("warn").unwrap().to_string(), "h2=off,warn");
        assert_eq!(parse("h2=warn,info").unwrap().to_string(), "h2=warn,info");
        assert_eq!(parse("off, commongraph=debug").unwrap().to_string(), "commongraph=debug,h2=off,off");
        assert!(parse("trace,h2::proto=debug").unwrap().to_string().contains("h2::proto=debug"));
    }
}
