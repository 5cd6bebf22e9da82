//! Reads Rust as far as the rules need it: tokens without comments and literals, and paths with their `use` groups.

/// A word or a sign.
#[derive(Clone, Debug)]
pub struct Token {
    /// As it is written.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// A path, its `use` group written out.
#[derive(Debug)]
pub struct Named {
    /// Its parts, from the first.
    pub path: Vec<String>,
    /// The line of its last part.
    pub line: usize,
}

/// Blanks out comments and literals; lines stay.
fn strip(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let (mut code, mut at) = (String::new(), 0);
    while at < chars.len() {
        let end = literal_end(&chars, at).min(chars.len());
        code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        if end == at {
            code.push(chars[at]);
        }
        at = end.max(at + 1);
    }
    code
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let find = |from: usize, c: char| (from..chars.len()).find(|i| chars[*i] == c).unwrap_or(chars.len());
    match &chars[at..] {
        ['/', '/', ..] => find(at, '\n'),
        ['/', '*', ..] => block_end(chars, at),
        ['"', ..] => string_end(chars, at + 1),
        ['\'', '\\', ..] => find(at + 3, '\'') + 1,
        ['\'', _, '\'', ..] => at + 3,
        ['r', '"' | '#', ..] if at == 0 || !is_word(chars[at - 1]) || matches!(chars[at - 1], 'b' | 'c') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            let begin = at + 1 + hashes;
            let closes =
                |i: &usize| chars[*i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
            let is_raw = chars.get(begin) == Some(&'"');
            if is_raw { (begin + 1..chars.len()).find(closes).unwrap_or(chars.len()) + 1 + hashes } else { at }
        }
        _ => at,
    }
}

fn block_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Whether this may stand in a word.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of a source text.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in strip(source).lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(Token { text: rest[..length].to_owned(), line: number + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The text of a token; empty behind the last.
pub fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

fn is_segment(text: &str) -> bool {
    text == "*" || text.starts_with(is_word)
}

/// Every path of more than one part, wherever it stands.
pub fn paths(tokens: &[Token]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = text(tokens, at);
        let is_path = is_segment(start) && start != "*" && text(tokens, at + 1) == "::";
        at = if is_path { read_tree(tokens, at, Vec::new(), &mut found) } else { at + 1 };
    }
    found
}

/// Reads `a::b`, `a::{b, c::{d}}` or `a::b as c` and returns where it ends.
fn read_tree(tokens: &[Token], mut at: usize, mut path: Vec<String>, found: &mut Vec<Named>) -> usize {
    while text(tokens, at) != "{" {
        let Some(token) = tokens.get(at) else { return at };
        path.push(token.text.clone());
        at += 1;
        if text(tokens, at) != "::" || !(text(tokens, at + 1) == "{" || is_segment(text(tokens, at + 1))) {
            found.push(Named { path, line: token.line });
            return if text(tokens, at) == "as" { at + 2 } else { at };
        }
        at += 1;
    }
    at += 1;
    while at < tokens.len() && text(tokens, at) != "}" {
        at = if text(tokens, at) == "," { at + 1 } else { read_tree(tokens, at, path.clone(), found) };
    }
    at + 1
}
