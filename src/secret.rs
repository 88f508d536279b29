//! Secrets and the redactor that knows their values. Never prints, never serializes one.
//!
//! Masking by value and not by field name, because remote systems echo credentials in texts that nobody foresaw.

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

/// What form encoding leaves as it is (RFC 6749, appendix B), and `~`, which RFC 3986 says the same of. Some token servers decode nothing, so what
/// needs no encoding must not get one; a space is `%20`, which every decoder of forms reads.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'~');

/// A value as it stands in a form.
pub(crate) fn form_value(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, FORM)
}

/// Id and secret of an OAuth client as Basic authentication takes them: form-encoded before they are joined (RFC 6749, section 2.3.1).
pub(crate) fn form_pair(id: &str, secret: &str) -> String {
    format!("{}:{}", form_value(id), form_value(secret))
}

/// What stands in place of a secret.
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

/// Masks the known secret values of a connection in any text: raw and base64, in any case of letters, however they are escaped for a URL,
/// JSON or HTML. Cloning shares what it knows.
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
    }

    /// The text with every known secret masked.
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

/// The forms in which a value may turn up in a text, beside escapes; in lower case.
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

/// The text with these places masked; places that overlap become one.
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

/// Escapes within escapes that are seen through: a URL in JSON in JSON.
const ESCAPED_MAX: usize = 3;

/// A text in lower case with some of its escapes undone, and the place in the whole text that each byte comes from.
struct Layer {
    bytes: Vec<u8>,
    /// Empty when each byte stands for itself.
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

    /// One level of escapes less, if there is one.
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

/// What an escape at the start of these bytes stands for, and its length: `%2f`, `\u002f`, `\/`, `&#47;`, `&#x2f;`, `&amp;`.
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

/// Characters of the longest HTML entity that is undone.
const ENTITY_MAX: usize = 10;

/// A short digest of several texts, none of which can take a part of another: tells whether they are the same, and not what they are.
pub(crate) fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    // On the heap, and used up there: moved, it would leave its last block, a text as it is, on the stack.
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
