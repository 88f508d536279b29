//! Secrets and the redactor that knows their values. Never prints, never serializes one.
//!
//! Masking by value and not by field name, because remote systems echo credentials in texts that nobody foresaw.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// What stands in place of a secret.
pub const MASK: &str = "[secret]";

/// A secret value: wiped when dropped, never shown by `Debug`, without `Display` or `Serialize`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value into keeping.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(SecretString::from(value.into()))
    }

    /// The value itself; every use of this is a place where a secret may leave.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Masks the known secret values of a connection in any text: raw, base64, percent-encoded and JSON-escaped. Cloning shares what it knows.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<RwLock<Vec<Secret>>>,
}

/// Values shorter than this would mask half of every text.
const SHORTEST: usize = 4;

impl Redactor {
    /// A redactor for these values.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Redactor {
        let redactor = Redactor::default();
        values.into_iter().for_each(|value| redactor.learn(value));
        redactor
    }

    /// One more value to mask, such as a token that has just been issued.
    pub fn learn(&self, value: &str) {
        if value.len() < SHORTEST {
            return;
        }
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(value) {
            if !needles.iter().any(|n| n.expose() == form) {
                needles.push(Secret::new(form));
            }
        }
        // Longer ones are tried first, so that one form never hides half of another.
        needles.sort_by(|a, b| b.expose().len().cmp(&a.expose().len()).then_with(|| a.expose().cmp(b.expose())));
    }

    /// The text with every known secret masked.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for needle in self.needles.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if masked.contains(needle.expose()) {
                masked = Cow::Owned(masked.replace(needle.expose(), MASK));
            }
        }
        masked
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.read().unwrap_or_else(PoisonError::into_inner).len())
    }
}

/// The forms in which a value may turn up in a text.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).unwrap_or_default();
    let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let mut all = vec![
        value.to_owned(),
        encoded.clone(),
        encoded.to_lowercase(),
        value.replace(' ', "+"),
        json.trim_matches('"').to_owned(),
        html(value),
        html(value).replace('/', "&#x2F;"),
        html(value).replace("&#39;", "&#x27;").replace('/', "&#x2F;"),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ];
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let strict: String = value
        .chars()
        .map(|c| if unreserved(c) { c.to_string() } else { utf8_percent_encode(&c.to_string(), NON_ALPHANUMERIC).to_string() })
        .collect();
    all.push(strict);
    all.extend(value.lines().filter(|l| l.len() >= 2 * SHORTEST).map(str::to_owned));
    all.retain(|form| form.len() >= SHORTEST);
    all
}

/// As a web page writes it.
fn html(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn masks_every_form() {
        let redactor = Redactor::new(["p&ss w\"rd\n2nd-line-of-key"]);
        for text in [
            "p&ss w\"rd\n2nd-line-of-key",
            "p%26ss%20w%22rd%0A2nd-line-of-key",
            r#"p&ss w\"rd\n2nd-line-of-key"#,
            "cCZzcyB3InJkCjJuZC1saW5lLW9mLWtleQ==",
            "only 2nd-line-of-key",
        ] {
            let masked = redactor.mask(text);
            assert!(masked.contains("[secret]") && !masked.contains("2nd") && !masked.contains("cCZz"), "{masked}");
        }
        assert_eq!(redactor.mask("nothing here"), "nothing here");
    }
}
