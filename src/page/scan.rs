//! Checks JSON (RFC 8259) and passes over it, many bytes at a time: items stay where they are, and every byte is looked at once. Pure.
//!
//! serde_json does the same byte by byte; a reply is mostly short texts, and finding their ends is most of the work. What is wrong with a reply that is no JSON is
//! left to serde_json to say.

use wide::u8x32;

/// Levels of nesting that a value may have: as many as serde_json reads, so that every host can read what it gets.
pub(super) const JSON_DEPTH: u32 = 127;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no JSON.
    Syntax,
    /// It is nested too deeply.
    Depth,
    /// It has too many elements.
    Count,
}

/// A place in the text.
type At = Result<usize, Fault>;

/// A text that is looked through.
pub(super) struct Scan<'t> {
    text: &'t [u8],
    /// Whether a line break stands between values.
    pub(super) has_lines: bool,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Scan<'t> {
        Scan { text: text.as_bytes(), has_lines: false }
    }

    /// The byte at a place; 0 behind the end, which begins nothing.
    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The place behind white space.
    #[inline(always)]
    pub(super) fn blank(&mut self, at: usize) -> usize {
        if self.byte(at) > b' ' { at } else { self.blanks(at) }
    }

    #[inline(never)]
    fn blanks(&mut self, mut at: usize) -> usize {
        loop {
            match self.byte(at) {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.has_lines = true,
                _ => return at,
            }
            at += 1;
        }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_end(&mut self, at: usize) -> bool {
        self.blank(at) >= self.text.len()
    }

    /// From behind an opening quote to behind the closing one.
    #[inline(always)]
    fn string(&self, mut at: usize) -> At {
        loop {
            let Some(part) = self.text.get(at..).and_then(|rest| rest.first_chunk::<32>()) else { return self.string_tail(at) };
            let part = u8x32::new(*part);
            let control = part.min(u8x32::splat(0x1F)).simd_eq(part);
            let hits = (part.simd_eq(u8x32::splat(b'"')) | part.simd_eq(u8x32::splat(b'\\')) | control).to_bitmask();
            if hits == 0 {
                at += 32;
                continue;
            }
            at += hits.trailing_zeros() as usize;
            match self.byte(at) {
                b'"' => return Ok(at + 1),
                b'\\' => at = self.escape(at)?,
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// The same near the end of the text.
    #[inline(never)]
    fn string_tail(&self, mut at: usize) -> At {
        loop {
            match self.byte(at) {
                b'"' => return Ok(at + 1),
                b'\\' => at = self.escape(at)?,
                0x20.. => at += 1,
                _ => return Err(Fault::Syntax),
            }
        }
    }

    #[inline(never)]
    fn escape(&self, at: usize) -> At {
        match self.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
            b'u' if self.text.get(at + 2..at + 6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => Ok(at + 6),
            _ => Err(Fault::Syntax),
        }
    }

    #[inline(always)]
    fn digits(&self, mut at: usize) -> At {
        let first = at;
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        if at > first { Ok(at) } else { Err(Fault::Syntax) }
    }

    fn number(&self, mut at: usize) -> At {
        if self.byte(at) == b'-' {
            at += 1;
        }
        at = if self.byte(at) == b'0' { at + 1 } else { self.digits(at)? };
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1;
            if matches!(self.byte(at), b'+' | b'-') {
                at += 1;
            }
            at = self.digits(at)?;
        }
        Ok(at)
    }

    fn word(&self, at: usize, word: &[u8]) -> At {
        let end = at + word.len();
        if self.text.get(at..end) == Some(word) { Ok(end) } else { Err(Fault::Syntax) }
    }

    /// A key and its colon: the places behind the key's closing quote and of the value.
    #[inline(always)]
    pub(super) fn key(&mut self, at: usize) -> Result<(usize, usize), Fault> {
        if self.byte(at) != b'"' {
            return Err(Fault::Syntax);
        }
        let end = self.string(at + 1)?;
        let colon = self.blank(end);
        if self.byte(colon) != b':' {
            return Err(Fault::Syntax);
        }
        Ok((end, self.blank(colon + 1)))
    }

    /// The place behind a value, whatever is in it. Keeps its own stack: a bit for each level, set for objects.
    pub(super) fn value(&mut self, mut at: usize) -> At {
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            at = match self.byte(at) {
                b'"' => self.string(at + 1)?,
                open @ (b'{' | b'[') => {
                    if depth == JSON_DEPTH {
                        return Err(Fault::Depth);
                    }
                    let is_object = open == b'{';
                    at = self.blank(at + 1);
                    if self.byte(at) == if is_object { b'}' } else { b']' } {
                        at + 1
                    } else {
                        depth += 1;
                        objects = objects << 1 | u128::from(is_object);
                        if is_object {
                            at = self.key(at)?.1;
                        }
                        continue;
                    }
                }
                b't' => self.word(at, b"true")?,
                b'f' => self.word(at, b"false")?,
                b'n' => self.word(at, b"null")?,
                _ => self.number(at)?,
            };
            // Behind a value: the next one, or the ends of what holds it.
            loop {
                if depth == 0 {
                    return Ok(at);
                }
                at = self.blank(at);
                let in_object = objects & 1 == 1;
                match self.byte(at) {
                    b',' => {
                        at = self.blank(at + 1);
                        if in_object {
                            at = self.key(at)?.1;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Err(Fault::Syntax),
                }
                at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// The elements of the array that begins here, one by one; gives the place behind it.
    pub(super) fn elements(&mut self, at: usize, each: impl FnMut(usize, usize) -> Result<(), Fault>) -> At {
        let at = self.blank(at + 1);
        if self.byte(at) == b']' {
            return Ok(at + 1);
        }
        self.elements_from(at, each)
    }

    /// The same from an element on.
    pub(super) fn elements_from(&mut self, at: usize, mut each: impl FnMut(usize, usize) -> Result<(), Fault>) -> At {
        let mut at = self.blank(at);
        loop {
            let end = self.value(at)?;
            each(at, end)?;
            at = self.blank(end);
            match self.byte(at) {
                b',' => at = self.blank(at + 1),
                b']' => return Ok(at + 1),
                _ => return Err(Fault::Syntax),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Fault, JSON_DEPTH, Scan};

    /// What the scan and serde_json make of a text must be the same.
    fn compare(text: &str) {
        let serde = serde_json::from_str::<&RawValue>(text).is_ok();
        let mut scan = Scan::new(text);
        let at = scan.blank(0);
        let own = scan.value(at).is_ok_and(|end| scan.is_end(end));
        assert_eq!(own, serde, "{text:?}");
    }

    #[test]
    fn agrees_with_serde_json() {
        let long = "x".repeat(70);
        let mut texts: Vec<String> = [
            "",
            " ",
            "null",
            "nul",
            "nullx",
            "true",
            "false",
            "tru",
            "1",
            "-",
            "-1",
            "01",
            "-01",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e+",
            "1e5",
            "1E-05",
            "1e400",
            "0",
            "-0",
            "0.0",
            "00",
            "\"",
            "\"a",
            "\"a\"",
            "\"\\\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "[",
            "]",
            "[]",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1,2]",
            " [ 1 , 2 ] ",
            "{}",
            "{",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1}",
            "{\"a\" : [ { } , [ ] ] }",
            "{\"a\":1]",
            "[1}",
            "[[]",
            "[]]",
            "\u{feff}1",
            "1 1",
            "[\"a\"\"b\"]",
            "{\"a\":1 \"b\":2}",
            "\u{0}",
            "[1\u{b}]",
            "\r\n[\n1]",
        ]
        .map(str::to_owned)
        .to_vec();
        for filler in [&long[..15], &long[..16], &long[..31], &long[..32], &long[..33], &long] {
            for tail in ["", "\"", "\\\"", "\\n\"", "\\u00e9\"", "\u{1}\"", "é\"", "\", \"b\": 1}"] {
                texts.push(format!("\"{filler}{tail}"));
                texts.push(format!("{{\"{filler}{tail}:1}}"));
                texts.push(format!("[\"{filler}{tail},2]"));
            }
        }
        texts.iter().for_each(|text| compare(text));
    }

    /// Every change of one byte of a record, and every cut.
    #[test]
    fn agrees_on_broken_records() {
        let record = r#" {"id":12,"name":"a\"b\u00e9\\","on":true,"off":[false,null,-1.5e+3,{"x":{}}],"text":"a longer text that fills more than one part of it"} "#;
        for at in 0..record.len() {
            compare(&record[..at]);
            for byte in br#" "\{}[]:,0-+.eExtn1u/"# {
                let mut bytes = record.as_bytes().to_vec();
                bytes[at] = *byte;
                compare(std::str::from_utf8(&bytes).unwrap());
                bytes.insert(at, *byte);
                compare(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }

    #[test]
    fn the_depth_is_limited() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Scan::new(&nested(JSON_DEPTH as usize)).value(0).is_ok());
        assert_eq!(Scan::new(&nested(JSON_DEPTH as usize + 1)).value(0), Err(Fault::Depth));
        assert_eq!(Scan::new(&"[".repeat(100_000)).value(0), Err(Fault::Depth));
    }
}
