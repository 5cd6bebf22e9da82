//! Counts the tokens and nested brackets of a document text before a parser sees it.
//!
//! It makes one pass over the bytes and allocates nothing, so its cost is linear in the length of the text. It agrees with
//! the parser on where strings and comments end. A string without an end is rejected here, because parsers may read the
//! text after it differently.

use std::borrow::Cow;

/// The counts of a document text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TokenCounts {
    /// The number of tokens.
    pub tokens: usize,
    /// The maximum depth of nested brackets.
    pub nesting: usize,
}

/// Counts the tokens of a text.
///
/// # Errors
/// The byte offset of a string that has no end.
pub(super) fn count_tokens(text: &str) -> Result<TokenCounts, usize> {
    let bytes = text.as_bytes();
    let mut counts = TokenCounts::default();
    let mut open_brackets = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => at += 1,
            b'#' => at += line_length(&bytes[at..]),
            _ => {
                counts.tokens += 1;
                match byte {
                    b'{' | b'[' | b'(' => open_brackets += 1,
                    b'}' | b']' | b')' => open_brackets = open_brackets.saturating_sub(1),
                    _ => {}
                }
                counts.nesting = counts.nesting.max(open_brackets);
                at += token_length(&bytes[at..]).ok_or(at)?;
            }
        }
    }
    Ok(counts)
}

/// Converts a byte offset to line and column. Both start at 1; a column is a character.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Describes the token at a line and column (see [`line_and_column`]) where parsing failed.
///
/// The text may contain a secret, so the description contains at most one punctuation character of it.
pub(super) fn describe_unexpected(text: &str, (line, column): (usize, usize)) -> Cow<'static, str> {
    let lines = text.split_inclusive('\n').skip(line.saturating_sub(1));
    let mut rest = lines.flat_map(str::chars).skip(column.saturating_sub(1));
    match rest.next() {
        None => "unexpected end of the document".into(),
        Some('"') => "unexpected or unterminated string".into(),
        Some(mark) if mark.is_ascii_punctuation() && mark != '_' => format!("unexpected `{mark}`").into(),
        Some(first) if first.is_ascii_digit() => "unexpected number".into(),
        Some(first) if first.is_ascii_alphabetic() || first == '_' => "unexpected name".into(),
        Some(_) => "unexpected character".into(),
    }
}

fn line_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len())
}

fn token_length(bytes: &[u8]) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match bytes {
        [b'"', b'"', b'"', rest @ ..] => block_string_end(rest).map(|end| end + 3),
        [b'"', rest @ ..] => string_end(rest).map(|end| end + 1),
        [b'.', b'.', b'.', ..] => Some(3),
        [first, rest @ ..] if is_name(first) => {
            Some(1 + rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len()))
        }
        _ => Some(1),
    }
}

fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn block_string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'\\', b'"', b'"', b'"', ..] => at += 4,
            [b'"', b'"', b'"', ..] => return Some(at + 3),
            _ => at += 1,
        }
    }
    None
}
