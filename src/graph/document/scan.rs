//! One look at a document's text before any parser sees it: how many tokens it has, and how deep its brackets go.
//!
//! It keeps nothing and steps forward only, so that no text can cost more than its length. It agrees with the parser on
//! where strings and comments end; a string without an end is refused here, since a parser may read what follows it in
//! another way.

use std::borrow::Cow;

/// What a text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many tokens.
    pub count: usize,
    /// How deep brackets are nested.
    pub nesting: usize,
}

/// Looks a text through.
///
/// # Errors
/// The offset of a string that does not end.
pub fn scan(text: &str) -> Result<Tokens, usize> {
    let bytes = text.as_bytes();
    let (mut tokens, mut open, mut at) = (Tokens::default(), 0usize, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => at += 1,
            b'#' => at += line_length(&bytes[at..]),
            _ => {
                tokens.count += 1;
                match byte {
                    b'{' | b'[' | b'(' => open += 1,
                    b'}' | b']' | b')' => open = open.saturating_sub(1),
                    _ => {}
                }
                tokens.nesting = tokens.nesting.max(open);
                at += token_length(&bytes[at..]).ok_or(at)?;
            }
        }
    }
    Ok(tokens)
}

/// The line and the column of an offset, both from 1; a column is a character.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// What is wrong at a place (line and column, as of [`position`]) where no parser goes on, by what kind of thing stands
/// there; of the text itself, which may hold a secret, no more than a mark of punctuation.
pub fn wrong_at(text: &str, (line, column): (usize, usize)) -> Cow<'static, str> {
    let lines = text.split_inclusive('\n').skip(line.saturating_sub(1));
    let mut left = lines.flat_map(str::chars).skip(column.saturating_sub(1));
    match left.next() {
        None => "the text ends too early".into(),
        Some('"') => "this string does not end, or does not belong here".into(),
        Some(mark) if mark.is_ascii_punctuation() && mark != '_' => format!("`{mark}` does not belong here").into(),
        Some(first) if first.is_ascii_digit() => "this number does not belong here".into(),
        Some(first) if first.is_ascii_alphabetic() || first == '_' => "this word does not belong here".into(),
        Some(_) => "this does not belong here".into(),
    }
}

fn line_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len())
}

fn token_length(bytes: &[u8]) -> Option<usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match bytes {
        [b'"', b'"', b'"', rest @ ..] => block_end(rest).map(|end| end + 3),
        [b'"', rest @ ..] => string_end(rest).map(|end| end + 1),
        [b'.', b'.', b'.', ..] => Some(3),
        [first, rest @ ..] if is_word(first) => {
            Some(1 + rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len()))
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

fn block_end(bytes: &[u8]) -> Option<usize> {
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
