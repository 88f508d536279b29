//! The challenges of WWW-Authenticate (RFC 9110, section 11.6.1). Pure.

/// A scheme with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// All challenges, in order. What cannot be read is left out.
pub(super) fn challenges<'t>(fields: impl Iterator<Item = &'t str>) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for field in fields {
        for element in elements(field) {
            let (head, rest) = element.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((element, ""));
            let is_parameter = |text: &str| text.split_once('=').is_some_and(|(name, _)| is_token(name.trim()));
            // `name = value` is a parameter too.
            if is_parameter(head) || rest.trim_start().starts_with('=') {
                if let (Some(challenge), Some(pair)) = (found.last_mut(), parameter(element)) {
                    challenge.parameters.push(pair);
                }
            } else if is_token(head) {
                let parameters = parameter(rest.trim()).into_iter().collect();
                found.push(Challenge { scheme: head.to_owned(), parameters });
            }
        }
    }
    found
}

fn is_token(text: &str) -> bool {
    http::HeaderName::from_bytes(text.as_bytes()).is_ok()
}

/// The elements of a list, split at commas outside of quotes.
fn elements(field: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in field.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(field.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(field.get(start..).unwrap_or_default().trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if !is_token(name) {
        return None;
    }
    let plain = match value.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => value.to_owned(),
    };
    Some((name.to_owned(), plain))
}

/// The text up to the closing quote, without escapes.
fn unquoted(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::challenges;

    #[test]
    fn several_challenges_share_a_field() {
        let found = challenges(
            [
                r#"Newauth realm="apps", type=1, title="Login to \"apps\", please", Basic realm="simple""#,
                "Negotiate",
                "Digest nonce = \"n\" , qop=auth",
            ]
            .into_iter(),
        );
        let schemes: Vec<&str> = found.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["Newauth", "Basic", "Negotiate", "Digest"]);
        assert_eq!(found[0].value("TITLE"), Some("Login to \"apps\", please"));
        assert_eq!(found[1].value("realm"), Some("simple"));
        assert_eq!((found[3].value("nonce"), found[3].value("qop")), (Some("n"), Some("auth")));
        assert!(challenges(["", ",,,", "=\"", "\"\\"].into_iter()).iter().all(|c| !c.scheme.is_empty()));
    }
}
