//! JSON with its secrets masked, that stays JSON. Pure.

use std::borrow::Cow;

use crate::json_text::text_length;
use crate::secret::{MASK, Redactor};

/// The text with all known secrets masked; a masked number in JSON becomes a text.
pub(crate) fn mask_json<'t>(redactor: &Redactor, text: &'t str) -> Cow<'t, str> {
    match redactor.mask(text) {
        Cow::Owned(masked) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            Cow::Owned(quoted(&masked))
        }
        other => other,
    }
}

/// JSON in which masks that are not within a text become one, with the digits around them.
fn quoted(masked: &str) -> String {
    let mut out = String::with_capacity(masked.len());
    let mut rest = masked;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => text_length(rest),
            _ => number_length(rest).max(c.len_utf8()),
        };
        let (token, after) = rest.split_at(length);
        if c != '"' && token.contains(MASK) {
            out.push_str(&format!("\"{token}\""));
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out
}

/// The length of the number at the start, of which masks may be parts.
fn number_length(text: &str) -> usize {
    let mut length = 0;
    while let Some(rest) = text.get(length..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(MASK) {
            length += MASK.len();
        } else if rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')) {
            length += 1;
        } else {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::{Redactor, mask_json};

    #[test]
    fn masked_json_stays_json() {
        let redactor = Redactor::new(["4711471147", "swordfish"]);
        for (text, expected) in [
            (r#"{"pin":4711471147,"a":"x"}"#, r#"{"pin":"[secret]","a":"x"}"#),
            (r#"[4711471147.5e3, "swordfish\"4711471147", true]"#, r#"["[secret].5e3", "[secret]\"[secret]", true]"#),
            ("4711471147 is no JSON", "[secret] is no JSON"),
        ] {
            assert_eq!(mask_json(&redactor, text), expected);
        }
    }
}
