//! A sample record without values that look secret or personal. Pure.

use super::tree::{Tree, plain};

/// Parts of names whose values are secret.
const SECRET: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "signature",
    "cookie",
    "session",
    "credential",
    "privatekey",
    "accesskey",
    "hash",
    "otp",
];

/// Names of personal values, with what stands for them.
const PERSONAL: [(&str, &str); 21] = [
    ("email", "name@example.com"),
    ("mail", "name@example.com"),
    ("phone", "555-0100"),
    ("mobile", "555-0100"),
    ("fax", "555-0100"),
    ("firstname", "Sample"),
    ("givenname", "Sample"),
    ("lastname", "Person"),
    ("familyname", "Person"),
    ("surname", "Person"),
    ("fullname", "Sample Person"),
    ("displayname", "Sample Person"),
    ("username", "sample"),
    ("login", "sample"),
    ("street", "1 Sample Street"),
    ("address", "1 Sample Street"),
    ("birth", "2000-01-01"),
    ("iban", "sample"),
    ("ssn", "sample"),
    ("taxid", "sample"),
    ("ipaddress", "192.0.2.1"),
];

/// Longer texts are cut.
const TEXT_MAX: usize = 80;
/// More elements of a list add nothing to a sample.
const ELEMENTS_MAX: usize = 2;

/// A sample of a record, and whether something was replaced.
pub(super) fn sample(record: &Tree) -> (Tree, bool) {
    let mut replaced = false;
    let is_person = record.fields().iter().any(|(name, _)| personal(&plain(name)).is_some());
    (cleaned("", record, is_person, &mut replaced), replaced)
}

fn personal(name: &str) -> Option<&'static str> {
    PERSONAL.iter().find(|(part, _)| name == *part || name.ends_with(part)).map(|(_, value)| *value)
}

fn cleaned(name: &str, value: &Tree, is_person: bool, replaced: &mut bool) -> Tree {
    match value {
        Tree::Object(fields) => {
            let is_person = fields.iter().any(|(name, _)| personal(&plain(name)).is_some());
            Tree::Object(fields.iter().map(|(n, v)| (n.clone(), cleaned(n, v, is_person, replaced))).collect())
        }
        Tree::Array(list) => {
            Tree::Array(list.iter().take(ELEMENTS_MAX).map(|v| cleaned(name, v, is_person, replaced)).collect())
        }
        Tree::Scalar(raw) => {
            let text = value.text();
            let instead = match &text {
                Some(text) => instead_of_text(name, text, is_person),
                None => instead_of_number(name, raw),
            };
            match instead {
                Some(instead) => {
                    *replaced = true;
                    instead
                }
                None => text.map_or_else(|| value.clone(), |text| Tree::Scalar(quoted(&cut(&text)))),
            }
        }
    }
}

/// Whether a value is secret, by its name or its looks.
pub(super) fn is_secret(name: &str, text: &str) -> bool {
    let name = plain(name);
    SECRET.iter().any(|part| name.contains(part)) || looks_secret(text) || is_card(text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn instead_of_text(name: &str, text: &str, is_person: bool) -> Option<Tree> {
    let plain_name = plain(name);
    let say = |text: &str| Some(Tree::Scalar(quoted(text)));
    if text.is_empty() {
        return None;
    }
    if is_secret(name, text) {
        return say("[secret]");
    }
    if let Some(instead) = personal(&plain_name) {
        return say(instead);
    }
    if is_person && plain_name == "name" {
        return say("Sample Person");
    }
    if looks_like_mail(text) {
        return say("name@example.com");
    }
    // The query and the user of an address may be credentials.
    let (scheme, rest) = text.split_once("://").filter(|_| text.starts_with("http"))?;
    let rest = rest.split('?').next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    let clean = format!("{scheme}://{host}{path}");
    (clean != text).then(|| say(&clean)).flatten()
}

/// Zero instead of a number under a personal name, such as a phone number, and of one that a file cannot hold.
fn instead_of_number(name: &str, raw: &str) -> Option<Tree> {
    let is_number = raw.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let name = plain(name);
    let is_private = personal(&name).is_some() || SECRET.iter().any(|part| name.ends_with(part));
    // YAML has no number beyond the range of doubles.
    let is_beyond = is_number && raw.parse::<f64>().is_ok_and(f64::is_infinite);
    (is_beyond || (is_number && is_private) || is_card(raw)).then(|| Tree::Scalar("0".to_owned()))
}

/// Whether digits are the number of a payment card, by their check digit.
fn is_card(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (13..=19).contains(&digits.len())) else { return false };
    let doubled =
        |(i, digit): (usize, &u32)| if i % 2 == 1 { digit * 2 - if *digit > 4 { 9 } else { 0 } } else { *digit };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

fn looks_like_mail(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.ends_with('.'))
    })
}

/// Tokens: JSON Web Tokens, and long words of mixed letters and digits that are no identifiers.
fn looks_secret(text: &str) -> bool {
    let is_word = text.len() >= 24 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+/=~".contains(&b));
    let has = |test: fn(&u8) -> bool| text.bytes().any(|b| test(&b));
    let is_uuid = text.len() == 36 && text.bytes().filter(|b| *b == b'-').count() == 4;
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_url_or_path = text.contains("://") || text.starts_with('/');
    let is_time = text.starts_with("19") || text.starts_with("20");
    is_word && !is_uuid && !is_url_or_path && !is_time && (text.starts_with("eyJ") || mixed)
}

#[cfg(test)]
mod tests {
    use super::sample;
    use crate::draft::tree::Tree;
    use crate::draft::yaml::flow;

    #[test]
    fn secret_and_personal_values_are_replaced() {
        let record = Tree::read(
            r#"{"id":7,"name":"Ann Ho","email":"ann@corp.example","apiToken":"x","contact":{"phone":4912345},
            "session_id":"abc","note":"ask bob@corp.example","link":"https://a.example/x?key=1","uuid":"0c2e6f1a-9d2f-4bfa-8a9d-111111111111",
            "ref":"eyJhbGciOiJIUzI1NiJ9.e30.abc","price":1.10,"title":"Dune"}"#,
        );
        let (sample, replaced) = sample(&record.unwrap());
        assert!(replaced);
        assert_eq!(
            flow(&sample),
            r#"{ id: 7, name: Sample Person, email: "name@example.com", apiToken: "[secret]", contact: { phone: 0 }, session_id: "[secret]", note: "name@example.com", link: "https://a.example/x", uuid: "0c2e6f1a-9d2f-4bfa-8a9d-111111111111", ref: "[secret]", price: 1.10, title: Dune }"#
        );
    }

    #[test]
    fn other_values_stay() {
        let record =
            Tree::read(r#"{"name":"Dune","isbn":"978-0-441-17271-9","at":"2026-01-01T00:00:00.000000+00:00"}"#);
        let (_, replaced) = sample(&record.unwrap());
        assert!(!replaced);
    }
}
