//! Splits text into words, and makes the forms of a word equal. Pure.

use std::borrow::Cow;

/// The runs of letters and digits in a text.
pub(super) fn raw_words(text: &str) -> impl Iterator<Item = &str> {
    let is_ascii = text.is_ascii();
    let mut rest = text;
    std::iter::from_fn(move || {
        let (start, end) = if is_ascii { ascii_word(rest.as_bytes()) } else { any_word(rest) }?;
        let word = rest.get(start..end)?;
        rest = rest.get(end..)?;
        Some(word)
    })
}

fn ascii_word(bytes: &[u8]) -> Option<(usize, usize)> {
    let start = bytes.iter().position(u8::is_ascii_alphanumeric)?;
    let length = bytes.get(start..)?.iter().position(|byte| !byte.is_ascii_alphanumeric());
    Some((start, length.map_or(bytes.len(), |length| start + length)))
}

fn any_word(text: &str) -> Option<(usize, usize)> {
    let start = text.find(char::is_alphanumeric)?;
    let length = text.get(start..)?.find(|c: char| !c.is_alphanumeric());
    Some((start, length.map_or(text.len(), |length| start + length)))
}

/// Whether only an `s` follows, as in `SLAs`.
fn is_plural(mut rest: std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    rest.next() == Some('s') && !rest.peek().is_some_and(|next| next.is_lowercase())
}

/// The words within a name such as `listHTTPThings7`, in lower case.
pub(super) fn split_name(name: &str, mut each: impl FnMut(&str)) {
    if name.bytes().all(|byte| byte.is_ascii_lowercase()) || name.bytes().all(|byte| byte.is_ascii_digit()) {
        each(name);
        return;
    }
    let mut word = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(letter) = letters.next() {
        let starts = before.is_some_and(|before| {
            let next_is_lower = letters.peek().is_some_and(|next| next.is_lowercase()) && !is_plural(letters.clone());
            (letter.is_uppercase() && (!before.is_uppercase() || next_is_lower))
                || (letter.is_numeric() != before.is_numeric())
        });
        if starts && !word.is_empty() {
            each(&word);
            word.clear();
        }
        if letter.is_ascii() {
            word.push(letter.to_ascii_lowercase());
        } else {
            word.extend(letter.to_lowercase());
        }
        before = Some(letter);
    }
    if !word.is_empty() {
        each(&word);
    }
}

/// A word in lower case without its ending: `companies` and `company`, `adding` and `add` are equal.
pub(super) fn stem(word: &str) -> Cow<'_, str> {
    if word.len() < 3 || !word.is_ascii() || word.bytes().any(|b| b.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    let singular = singular(word);
    let base = without_tense(&singular).map_or(singular, Cow::Owned);
    match base.strip_suffix('e') {
        Some(short) if short.len() >= 3 => Cow::Owned(short.to_owned()),
        _ => base,
    }
}

fn singular(word: &str) -> Cow<'_, str> {
    if let Some(start) = word.strip_suffix("ies").filter(|start| start.len() >= 2) {
        return Cow::Owned(format!("{start}y"));
    }
    let long = ["sses", "xes", "ches", "shes", "uses"];
    if word.len() > 5 && long.iter().any(|end| word.ends_with(end)) {
        return Cow::Borrowed(word.strip_suffix("es").unwrap_or(word));
    }
    match word.strip_suffix('s') {
        Some(start) if !start.ends_with(['s', 'u', 'i']) => Cow::Borrowed(start),
        _ => Cow::Borrowed(word),
    }
}

/// Without `-ing` or `-ed`.
fn without_tense(word: &str) -> Option<String> {
    if let Some(start) = word.strip_suffix("ied").filter(|start| start.len() >= 2) {
        return Some(format!("{start}y"));
    }
    let start = word.strip_suffix("ing").or_else(|| word.strip_suffix("ed").filter(|start| !start.ends_with('e')))?;
    if start.len() < 3 || !start.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
        return None;
    }
    let mut ends = start.bytes().rev();
    let is_doubled = matches!((ends.next(), ends.next()), (Some(a), Some(b)) if a == b && !b"ldsz".contains(&a));
    let cut = if is_doubled { start.get(..start.len() - 1)? } else { start };
    Some(cut.to_owned())
}

/// How many letters may be wrong in a word of this many.
pub(super) fn slips(letters: usize) -> usize {
    match letters {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::{raw_words, split_name, stem};

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["company", "companies"][..],
            &["ticket", "tickets"],
            &["delete", "deletes", "deleted", "deleting"],
            &["add", "adds", "added", "adding"],
            &["set", "setting", "settings"],
            &["status", "statuses"],
            &["address", "addresses"],
            &["box", "boxes"],
            &["cache", "caches", "cached"],
            &["apply", "applied", "applies"],
            &["invoice", "invoices", "invoicing"],
            &["id", "ids"],
        ] {
            forms.iter().for_each(|form| assert_eq!(stem(form), stem(forms[0]), "{form}"));
        }
        for word in ["need", "ring", "größe", "v3", "as", "bed"] {
            assert_eq!(stem(word), word);
        }
    }

    #[test]
    fn names_are_split_at_capitals_digits_and_signs() {
        let split = |text: &str| {
            let mut all = Vec::new();
            raw_words(text).for_each(|word| split_name(word, |part| all.push(part.to_owned())));
            all.join(" ")
        };
        assert_eq!(split("getHTTPCalls2"), "get http calls 2");
        assert_eq!(split("created_after: /system/{parentId}"), "created after system parent id");
        assert_eq!(split("GrößeÄndern"), "größe ändern");
    }
}
