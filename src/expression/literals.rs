//! Numbers and texts that are written out in an expression.

/// The text in quotes, with its escapes replaced; the error says what is wrong.
pub(super) fn text(quoted: &str) -> Result<String, String> {
    let mut chars = quoted.chars();
    let quote = chars.next();
    let mut out = String::new();
    loop {
        match chars.next() {
            None => return Err(format!("the text {quoted} is not closed")),
            end if end == quote => return Ok(out),
            Some('\\') => out.push(escaped(&mut chars)?),
            Some(c) => out.push(c),
        }
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Result<char, String> {
    match chars.next() {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some(c @ ('\\' | '\'' | '"' | '/')) => Ok(c),
        Some('u') => {
            let digits: String = chars.by_ref().take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4).and_then(char::from_u32);
            code.ok_or_else(|| format!("`\\u{digits}` is no character"))
        }
        Some(c) => Err(format!("there is no escape `\\{c}`; a backslash itself is written \\\\")),
        None => Err("a text ends in a backslash".to_owned()),
    }
}

/// The JSON text of a number; `_` may separate its digits.
pub(super) fn number(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let is_separated = text.ends_with('_') || text.contains("__") || text.contains("_.") || text.contains("._");
    if is_separated { None } else { super::number::of_text(&plain).filter(|_| !plain.ends_with('.')) }
}
