//! Secrets, and the redactor that masks them. Secrets are never printed or serialized.
//!
//! Masks values, not field names, because remote systems may echo credentials in any text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::Digest;

/// Characters that form encoding leaves unescaped (RFC 6749, appendix B), and `~` (RFC 3986). Some token servers do not
/// decode, so nothing else may be escaped. A space becomes `%20`, which every form decoder reads.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'~');

/// A form-encoded value.
pub(crate) fn form_value(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, FORM)
}

/// Id and secret of an OAuth client for Basic authentication: form-encoded, then joined (RFC 6749, section 2.3.1).
pub(crate) fn form_pair(id: &str, secret: &str) -> String {
    format!("{}:{}", form_value(id), form_value(secret))
}

/// The replacement for a masked secret.
pub const MASK: &str = "[secret]";

/// A secret value: wiped when dropped, never shown by `Debug`, without `Display` or `Serialize`.
///
/// ```
/// use opnode::{Redactor, Secret};
///
/// let secret = Secret::new("open sesame");
/// assert_eq!(format!("{secret:?}"), "[secret]");
/// assert_eq!(secret.expose(), "open sesame");
///
/// let redactor = Redactor::new([secret.expose()]);
/// assert_eq!(redactor.mask("GET /login?password=open%20sesame"), "GET /login?password=[secret]");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Creates a secret.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(SecretString::from(value.into()))
    }

    /// The value itself; each call may disclose it.
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

/// Masks the known secrets of a connection in text: raw and base64, in any letter case, with URL, JSON or HTML escapes.
/// Clones share their secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<RwLock<Vec<Secret>>>,
}

/// Shorter values are not masked, because they occur in most texts.
const SHORTEST: usize = 4;

impl Redactor {
    /// A redactor for these values.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Redactor {
        let redactor = Redactor::default();
        values.into_iter().for_each(|value| redactor.learn(value));
        redactor
    }

    /// Adds a value to mask, such as a new token.
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
    }

    /// The text with all known secrets masked.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        if needles.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut found = Vec::new();
        let mut layer = Layer::raw(text);
        for _ in 0..=ESCAPED_MAX {
            needles.iter().for_each(|needle| layer.find(needle.expose(), &mut found));
            let Some(inner) = layer.unescaped() else { break };
            layer = inner;
        }
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(masked(text, found)) }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.read().unwrap_or_else(PoisonError::into_inner).len())
    }
}

/// The lower-case forms of a value that are searched for, besides escapes.
fn forms(value: &str) -> Vec<String> {
    let mut all = vec![
        value.to_owned(),
        value.replace(' ', "+"),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ];
    all.extend(value.lines().filter(|l| l.len() >= 2 * SHORTEST).map(str::to_owned));
    all.iter_mut().for_each(|form| form.make_ascii_lowercase());
    all.retain(|form| form.len() >= SHORTEST);
    all
}

/// The text with these ranges masked; overlapping ranges become one.
fn masked(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| (place.start, place.end));
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for place in places {
        if place.start >= done {
            out.push_str(text.get(done..place.start).unwrap_or_default());
            out.push_str(MASK);
        }
        done = done.max(place.end);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Levels of nested escapes that are decoded, such as a URL in JSON in JSON.
const ESCAPED_MAX: usize = 3;

/// A lower-case text with some of its escapes decoded, and the range of the original text for each byte.
struct Layer {
    bytes: Vec<u8>,
    /// Empty when each byte is its own range.
    places: Vec<Range<usize>>,
}

impl Layer {
    fn raw(text: &str) -> Layer {
        Layer { bytes: text.to_ascii_lowercase().into_bytes(), places: Vec::new() }
    }

    fn place(&self, bytes: Range<usize>) -> Range<usize> {
        let last = bytes.end.saturating_sub(1);
        match (self.places.get(bytes.start), self.places.get(last)) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => bytes,
        }
    }

    fn find(&self, needle: &str, found: &mut Vec<Range<usize>>) {
        found.extend(memmem::find_iter(&self.bytes, needle).map(|at| self.place(at..at + needle.len())));
    }

    /// The text with one level of escapes decoded, if it has any.
    fn unescaped(&self) -> Option<Layer> {
        let mut inner = Layer { bytes: Vec::new(), places: Vec::new() };
        let (mut at, mut copied) = (0, 0);
        while let Some(escape) =
            self.bytes.get(at..).and_then(|rest| memchr::memchr3(b'%', b'\\', b'&', rest)).map(|next| at + next)
        {
            at = escape + 1;
            let Some((plain, length)) = self.bytes.get(escape..).and_then(unescape) else { continue };
            inner.copy(self, copied..escape);
            at = escape + length;
            copied = at;
            let mut buffer = [0; 4];
            let plain: &[u8] = match plain {
                Plain::Byte(byte) => &[byte.to_ascii_lowercase()],
                Plain::Char(c) => c.to_ascii_lowercase().encode_utf8(&mut buffer).as_bytes(),
            };
            inner.bytes.extend_from_slice(plain);
            inner.places.extend(plain.iter().map(|_| self.place(escape..at)));
        }
        if copied == 0 {
            return None;
        }
        inner.copy(self, copied..self.bytes.len());
        Some(inner)
    }

    fn copy(&mut self, from: &Layer, bytes: Range<usize>) {
        self.bytes.extend_from_slice(from.bytes.get(bytes.clone()).unwrap_or_default());
        self.places.extend(bytes.map(|at| from.place(at..at + 1)));
    }
}

enum Plain {
    Byte(u8),
    Char(char),
}

/// The character of the escape at the start of these bytes, and its length: `%2f`, `\u002f`, `\/`, `&#47;`, `&#x2f;`,
/// `&amp;`.
fn unescape(bytes: &[u8]) -> Option<(Plain, usize)> {
    let hex = |digits: &[u8]| {
        let text = std::str::from_utf8(digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(text, 16).ok()
    };
    match bytes {
        [b'%', high, low, ..] => Some((Plain::Byte(u8::try_from(hex(&[*high, *low])?).ok()?), 3)),
        [b'\\', b'u', a, b, c, d, ..] => Some((Plain::Char(char::from_u32(hex(&[*a, *b, *c, *d])?)?), 6)),
        [b'\\', c @ (b'"' | b'\\' | b'/'), ..] => Some((Plain::Byte(*c), 2)),
        [b'\\', b'n', ..] => Some((Plain::Byte(b'\n'), 2)),
        [b'&', ..] => {
            let end = bytes.iter().take(ENTITY_MAX).position(|b| *b == b';')?;
            let name = std::str::from_utf8(bytes.get(1..end)?).ok()?;
            let plain = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                number => match number.strip_prefix('#')?.strip_prefix('x') {
                    Some(digits) => char::from_u32(hex(digits.as_bytes())?)?,
                    None => char::from_u32(number.strip_prefix('#')?.parse().ok()?)?,
                },
            };
            Some((Plain::Char(plain), end + 1))
        }
        _ => None,
    }
}

/// Maximum length of a decoded HTML entity.
const ENTITY_MAX: usize = 10;

/// A short digest of several texts. Texts cannot be split differently for the same digest, and the digest does not
/// disclose them.
pub(crate) fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    // The hasher stays on the heap: moving it would leave its last block, which is plain text, on the stack.
    let mut sha = Box::new(sha2::Sha256::new());
    for (number, text) in texts.into_iter().enumerate() {
        if number > 0 {
            sha.update([0]);
        }
        sha.update(text.as_bytes());
    }
    hex(&sha.finalize_reset(), 12)
}

/// The first bytes of a digest as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], count: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * count.min(bytes.len()));
    for byte in bytes.iter().take(count) {
        // Writing to a String cannot fail.
        let _ok = write!(text, "{byte:02x}");
    }
    text
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
            "P&SS W\"RD\n2ND-line-of-key",
            "p%26ss+w%22rd%0a2nd-line-of-key",
            "p%2526ss%2520w%2522rd%250A2nd-line-of-key",
            r#"{\"a\":\"p\u0026ss w\\\"rd\\n2nd-line-of-key\"}"#,
            "p&amp;ss&#32;w&#x22;rd&#10;2nd-line-of-key",
            "cCZzcyB3InJkCjJuZC1saW5lLW9mLWtleQ%3d%3D",
        ] {
            let masked = redactor.mask(text);
            assert!(masked.contains("[secret]") && !masked.contains("2nd") && !masked.contains("cCZz"), "{masked}");
            let shown = redactor.mask(&format!("é% {text} &é")).into_owned();
            assert_eq!(shown, format!("é% {masked} &é"));
        }
        assert_eq!(redactor.mask("nothing here"), "nothing here");
    }
}
