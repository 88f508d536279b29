//! The tokens of an expression.

/// A token and its position.
#[derive(Clone, Copy)]
pub(super) struct Token<'s> {
    pub(super) at: usize,
    pub(super) text: &'s str,
}

/// Keywords of the language, which are not names.
const KEYWORDS: [&str; 14] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "null", "True", "False", "None"];

impl Token<'_> {
    /// Whether it can be a name.
    pub(super) fn is_name(self) -> bool {
        self.text.starts_with(is_letter) && !KEYWORDS.contains(&self.text)
    }
}

/// Names, numbers, texts and punctuation; white space is skipped.
pub(super) fn tokens(source: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = source;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let length = match rest.chars().next()? {
            '"' | '\'' => quoted(rest),
            c if is_letter(c) => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
            c if c.is_ascii_digit() => number(rest),
            _ if ["**", "//", "==", "!=", "<=", ">=", "?.", "?["].iter().any(|mark| rest.starts_with(mark)) => 2,
            c => c.len_utf8(),
        };
        let at = source.len() - rest.len();
        let (text, tail) = rest.split_at(length);
        rest = tail;
        Some(Token { at, text })
    })
}

pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Length of the number at the start, with the sign of its exponent.
fn number(text: &str) -> usize {
    let length =
        |text: &str| text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')).unwrap_or(text.len());
    let (mantissa, rest) = text.split_at(length(text));
    match rest.strip_prefix(['+', '-']).filter(|_| mantissa.ends_with(['e', 'E'])) {
        Some(power) => mantissa.len() + 1 + length(power),
        None => mantissa.len(),
    }
}

/// Length of the quoted text at the start.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote);
    let end = chars.find(|(_, c)| {
        let is_end = !escaped && Some(*c) == quote;
        escaped = !escaped && *c == '\\';
        is_end
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The position of the closing `}}` of an expression: outside of quoted texts and of its own maps.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for Token { at, text: token } in tokens(text) {
        match token {
            "}" if depth == 0 && text.get(at..)?.starts_with("}}") => return Some(at),
            "}" => depth = depth.saturating_sub(1),
            "{" => depth += 1,
            _ => {}
        }
    }
    None
}

/// The size of an expression: names and operators, which may nest or follow each other, and nested brackets. Lists of
/// plain values do not count.
pub(super) fn size(tokens: &[Token<'_>]) -> (usize, usize) {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens {
        match token.text {
            "(" | "[" | "?[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | ',' | ')' | ']' | '}');
    (tokens.iter().filter(|token| !token.text.starts_with(is_plain)).count(), deepest)
}
