//! A body without the values of fields whose names say that they are secret, for a person who looks at it. Pure.

use crate::json_text::text_length;
use crate::secret::MASK;

/// Parts of names, in lower case without other characters than letters.
const SECRET: [&str; 6] = ["password", "passwd", "passphrase", "secret", "privatekey", "apikey"];

fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    SECRET.iter().any(|part| plain.contains(part))
}

/// The text with the single values of such fields masked: fields of JSON, and of a form.
pub(crate) fn hide_fields(text: &str) -> String {
    if text.trim_start().starts_with(['{', '[']) { in_json(text) } else { in_form(text) }
}

fn in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut hides = false;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => text_length(rest),
            _ if c.is_ascii_digit() || c == '-' => {
                rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len())
            }
            _ => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length.max(1));
        let is_name = c == '"' && after.trim_start().starts_with(':');
        if is_name {
            hides = is_secret(token);
            out.push_str(token);
        } else if hides && (c == '"' || c.is_ascii_digit() || c == '-') {
            out.push_str(&format!("\"{MASK}\""));
            hides = false;
        } else {
            hides = hides && (c == ':' || c.is_whitespace());
            out.push_str(token);
        }
        rest = after;
    }
    out
}

fn in_form(text: &str) -> String {
    let is_form = text.contains('=') && !text.contains(['<', '\n', ' ']);
    if !is_form {
        return text.to_owned();
    }
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        Some(_) | None => pair.to_owned(),
    };
    text.split('&').map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::hide_fields;

    #[test]
    fn values_of_secret_fields_are_masked() {
        for (text, shown) in [
            (
                r#"{"user":"ann","password" : "hun\"ter2","n":{"client_secret":12.5,"x":[1,"secret"]},"apiKey":null}"#,
                r#"{"user":"ann","password" : "[secret]","n":{"client_secret":"[secret]","x":[1,"secret"]},"apiKey":null}"#,
            ),
            (r#"[{"secrets":["a"]},{"secret":{"a":"b"}}]"#, r#"[{"secrets":["a"]},{"secret":{"a":"b"}}]"#),
            ("user=ann&user%5Bpassword%5D=x%20y&z=1", "user=ann&user%5Bpassword%5D=[secret]&z=1"),
            ("a text with password=x in it", "a text with password=x in it"),
        ] {
            assert_eq!(hide_fields(text), shown);
        }
    }
}
