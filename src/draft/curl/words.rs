//! Splits a command line into words, by the rules of sh or of cmd. Own code, because the crates for this read neither
//! `$'…'`, which browsers copy, nor the quotes of cmd. Pure.

use crate::error::{Error, ErrorKind, Result};

/// The words of a command line.
pub(super) fn split(text: &str) -> Result<Vec<String>> {
    let is_cmd = text.contains("^\n") || text.contains("^\r\n") || text.contains("^\"");
    if !is_cmd {
        return sh_words(text);
    }
    let words = cmd_words(&without_carets(text));
    let is_operator =
        |word: &&String| matches!(word.trim_start_matches('2'), "|" | "||" | "&" | "&&" | ">" | ">>" | "<");
    match words.iter().find(is_operator) {
        Some(word) => Err(goes_on(&format!("`{word}`"))),
        None => Ok(words),
    }
}

/// Whether a word names the program.
pub(super) fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    name == "curl" || name == "curl.exe"
}

/// cmd: `^` escapes the next character, also the end of a line.
fn without_carets(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '^' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('\r') => {
                chars.next_if_eq(&'\n');
                out.push(' ');
            }
            Some('\n') => out.push(' '),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// The rules of the C runtime on Windows: `\"` is a quote, `""` inside quotes too.
fn cmd_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut is_word, mut quoted) = (String::new(), false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'"') => word.extend(chars.next()),
            '"' if quoted && chars.peek() == Some(&'"') => word.extend(chars.next()),
            '"' => (quoted, is_word) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if is_word || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            c => word.push(c),
        }
    }
    if is_word || !word.is_empty() {
        words.push(word);
    }
    words
}

/// POSIX sh, and `$'…'` of bash.
fn sh_words(text: &str) -> Result<Vec<String>> {
    let open = |quote: char| {
        Error::new(ErrorKind::Usage, format!("the curl command line has an open quote {quote}"))
            .advise("paste the whole command line, from a file or by a pipe: opnode connector from-curl - < FILE")
    };
    let mut words = Vec::new();
    let (mut word, mut is_word) = (String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                is_word = true;
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(open('\'')),
                    }
                }
            }
            '$' if chars.peek() == Some(&'\'') => {
                is_word = true;
                chars.next();
                ansi(&mut chars, &mut word).ok_or_else(|| open('\''))?;
            }
            '"' => {
                is_word = true;
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some('\n') => {}
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(open('"')),
                        },
                        Some(c) => word.push(c),
                        None => return Err(open('"')),
                    }
                }
            }
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some('\r') => {
                    chars.next_if_eq(&'\n');
                }
                Some(c) => word.push(c),
            },
            '\n' if (is_word || !word.is_empty() || !words.is_empty()) && chars.clone().any(|c| !c.is_whitespace()) => {
                words.extend((is_word || !word.is_empty()).then(|| std::mem::take(&mut word)));
                is_word = false;
                if words.iter().any(|word| is_curl(word)) {
                    return Err(goes_on("another line"));
                }
            }
            c if c.is_whitespace() => {
                if is_word || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            '|' | '&' | ';' | '<' | '>' => return Err(goes_on(&format!("`{c}`"))),
            c => word.push(c),
        }
    }
    if is_word || !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// Something follows that is no part of the curl command.
fn goes_on(with: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the command line goes on with {with} after the curl command"))
        .advise("paste only the curl command; put an address with & or ; in quotes")
}

/// The rest of `$'…'`; `None` if it does not end.
fn ansi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '\'' => return Some(()),
            '\\' => match chars.next()? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                'u' => {
                    let digits: String = (0..4).map_while(|_| chars.next_if(char::is_ascii_hexdigit)).collect();
                    word.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                'x' => {
                    let digits: String = (0..2).map_while(|_| chars.next_if(char::is_ascii_hexdigit)).collect();
                    word.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                other => word.push(other),
            },
            c => word.push(c),
        }
    }
}
