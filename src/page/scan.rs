//! Checks JSON (RFC 8259) and passes over it, many bytes at a time: items stay where they are, and every byte is looked at once. Pure.
//!
//! serde_json does the same byte by byte; a reply is mostly short texts, and finding their ends is most of the work. What is wrong with a reply that is no JSON is
//! left to serde_json to say.
//!
//! The records of a list have the same keys in the same order, so the keys of those before are remembered (`Keys`): where the same bytes stand again, they are
//! right again, and only the values are read.

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

/// Keys that are remembered, and the bytes of one.
const KEYS_MAX: usize = 256;
const KEY_MAX: usize = 64;

/// Keys that are looked at, to each side, for the one that stands here.
const REACH: usize = 32;

/// Searches in vain that are saved up, one for each element: what has other keys in every element is soon read without a memory.
const TRIES_MAX: u32 = 16;

/// A key that was read: from the comma or the brace before it to its own value, white space and all. Where its first byte may stand, all of it may.
#[derive(Clone, Copy, Debug)]
struct Key {
    bytes: [u8x32; 2],
    length: usize,
    /// A bit for each of the first 32 bytes that is none of the key's.
    beyond: u32,
    /// How deep in the element it stood, and how its name begins: to find it quickly.
    depth: usize,
    tag: u64,
}

impl Key {
    fn new(text: &[u8], depth: usize, tag: u64) -> Option<Key> {
        let mut bytes = [0; KEY_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let part = |from: usize| bytes.get(from..).and_then(|part| part.first_chunk::<32>()).map(|part| u8x32::new(*part));
        let beyond = u32::MAX.checked_shl(text.len() as u32).unwrap_or(0);
        Some(Key { bytes: [part(0)?, part(32)?], length: text.len(), beyond, depth, tag })
    }

    /// Whether a text begins with it. Near the end of the text this is not said.
    #[inline(always)]
    fn begins(&self, text: &[u8]) -> bool {
        let Some(part) = text.first_chunk::<32>() else { return false };
        if u8x32::new(*part).simd_eq(self.bytes[0]).to_bitmask() | self.beyond != u32::MAX {
            return false;
        }
        if self.length <= 32 {
            return true;
        }
        let Some(part) = text.get(32..).and_then(|text| text.first_chunk::<32>()) else { return false };
        let same = u8x32::new(*part).simd_eq(self.bytes[1]).to_bitmask();
        same.trailing_ones() as usize + 32 >= self.length
    }
}

/// The keys of the elements before, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    all: Vec<Key>,
    /// The one that comes next, if all is as before; `OFF` while nothing is looked up.
    next: usize,
    /// Searches in vain that are left, once no more keys are remembered.
    tries: u32,
    /// Whether there was an element: what stands alone is not worth remembering.
    many: bool,
}

impl Keys {
    const OFF: usize = usize::MAX;

    /// Which key a text begins with, of those that the same object had, and how long it is.
    fn find(&self, text: &[u8], depth: usize, tag: u64) -> Option<(usize, usize)> {
        let (before, ahead) = self.all.split_at_checked(self.next)?;
        let found = Keys::nearest(ahead.iter(), text, depth, tag).map(|(i, length)| (self.next + i, length));
        found.or_else(|| Keys::nearest(before.iter().rev(), text, depth, tag).map(|(i, length)| (self.next - 1 - i, length)))
    }

    #[inline(always)]
    fn nearest<'k>(keys: impl Iterator<Item = &'k Key>, text: &[u8], depth: usize, tag: u64) -> Option<(usize, usize)> {
        for (i, key) in keys.take(REACH).enumerate() {
            if key.depth < depth {
                break;
            }
            if key.tag == tag && key.depth == depth && key.begins(text) {
                return Some((i, key.length));
            }
        }
        None
    }
}

/// A text that is looked through.
pub(super) struct Scan<'t> {
    text: &'t [u8],
    /// Whether a line break stands between values.
    pub(super) has_lines: bool,
    keys: Keys,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Scan<'t> {
        Scan::with(text, Keys::default())
    }

    /// With the keys of what was read of this text before.
    pub(super) fn with(text: &'t str, keys: Keys) -> Scan<'t> {
        Scan { text: text.as_bytes(), has_lines: false, keys: Keys { next: Keys::OFF, ..keys } }
    }

    pub(super) fn into_keys(self) -> Keys {
        self.keys
    }

    /// The byte at a place; 0 behind the end, which begins nothing.
    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The next bytes, when there are so many.
    #[inline(always)]
    fn part<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.text.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied()
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
            let Some(part) = self.part::<32>(at) else { return self.string_tail(at) };
            // With this bit turned over, the quote stands right behind the control characters.
            let part = u8x32::new(part) ^ u8x32::splat(2);
            let low = part.min(u8x32::splat(b'"' ^ 2)).simd_eq(part);
            let hits = (low | part.simd_eq(u8x32::splat(b'\\' ^ 2))).to_bitmask();
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

    #[inline(always)]
    fn number(&self, at: usize) -> At {
        let Some(part) = self.part::<8>(at) else { return self.long_number(at) };
        // The high bit of each byte that is no digit, up to the first one.
        let part = u64::from_le_bytes(part) ^ 0x3030_3030_3030_3030;
        let other = (part.wrapping_add(0x7676_7676_7676_7676) | part) & 0x8080_8080_8080_8080;
        let length = (other.trailing_zeros() / 8) as usize;
        let begins_with_0 = part & 0xFF == 0;
        if length == 0 || length == 8 || (begins_with_0 && length > 1) || matches!(self.byte(at + length), b'.' | b'e' | b'E') {
            return self.long_number(at);
        }
        Ok(at + length)
    }

    /// A number that is no short integer.
    #[inline(never)]
    fn long_number(&self, mut at: usize) -> At {
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

    /// true, false or null: one of a length that is known from the first bytes, so that nothing is to be guessed.
    #[inline(always)]
    fn word(&self, at: usize) -> At {
        let Some(part) = self.part::<8>(at) else { return self.word_tail(at) };
        let part = u64::from_le_bytes(part);
        let (is_false, four) = (part << 24 == u64::from_le_bytes(*b"\0\0\0false"), part as u32);
        if is_false | (four == u32::from_le_bytes(*b"true")) | (four == u32::from_le_bytes(*b"null")) {
            Ok(at + 4 + usize::from(is_false))
        } else {
            Err(Fault::Syntax)
        }
    }

    /// The same near the end of the text.
    #[inline(never)]
    fn word_tail(&self, at: usize) -> At {
        let rest = self.text.get(at..).unwrap_or_default();
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
        word.map(|word| at + word.len()).ok_or(Fault::Syntax)
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

    /// The place of the next value, when the key that came next before stands here. Line breaks in it were seen when it was read.
    #[inline(always)]
    fn known(&mut self, at: usize) -> Option<usize> {
        let key = self.keys.all.get(self.keys.next)?;
        if !key.begins(self.text.get(at..)?) {
            return None;
        }
        self.keys.next += 1;
        Some(at + key.length)
    }

    /// The place of the next value behind another key than that. `from` is where its comma or brace stands, `at` where its quote.
    #[inline(always)]
    fn other(&mut self, from: usize, at: usize, depth: usize) -> At {
        if self.keys.next == Keys::OFF { Ok(self.key(at)?.1) } else { self.look_up(from, at, depth) }
    }

    #[inline(never)]
    fn look_up(&mut self, from: usize, at: usize, depth: usize) -> At {
        let is_full = self.keys.all.len() >= KEYS_MAX;
        let rest = self.text.get(from..).unwrap_or_default();
        let tag = u64::from_le_bytes(self.part::<8>(at + 1).unwrap_or_default());
        if (!is_full || self.keys.tries > 0)
            && let Some((found, length)) = self.keys.find(rest, depth, tag)
        {
            self.keys.next = found + 1;
            return Ok(from + length);
        }
        let (_, value) = self.key(at)?;
        // Near the end of the text a key may be known and not seen.
        if rest.len() > 2 * KEY_MAX {
            if is_full {
                self.keys.tries = self.keys.tries.saturating_sub(1);
                if self.keys.tries == 0 {
                    self.keys.next = Keys::OFF;
                }
            } else if let Some(key) = self.text.get(from..value).and_then(|text| Key::new(text, depth, tag)) {
                self.keys.all.insert(self.keys.next, key);
                self.keys.next += 1;
            }
        }
        Ok(value)
    }

    /// The place behind a value, whatever is in it. Keeps its own stack: for each level, whether it is an object.
    pub(super) fn value(&mut self, mut at: usize) -> At {
        let (mut levels, mut depth, mut in_object) = (0_u128, 0_usize, false);
        loop {
            let byte = self.byte(at);
            at = match byte {
                b'"' => self.string(at + 1)?,
                b'{' | b'[' => {
                    depth += 1;
                    in_object = byte == b'{';
                    if depth > JSON_DEPTH as usize {
                        return Err(Fault::Depth);
                    }
                    levels = levels << 1 | u128::from(in_object);
                    if in_object && let Some(value) = self.known(at) {
                        at = value;
                        continue;
                    }
                    let first = self.blank(at + 1);
                    // In ASCII, `}` is the second behind `{`, and `]` behind `[`.
                    if self.byte(first) != byte + 2 {
                        at = if in_object { self.other(at, first, depth)? } else { first };
                        continue;
                    }
                    depth -= 1;
                    levels >>= 1;
                    in_object = levels & 1 == 1;
                    first + 1
                }
                b't' | b'f' | b'n' => self.word(at)?,
                // Behind a known key, which had less of it.
                b' ' | b'\t' | b'\r' | b'\n' => {
                    at = self.blanks(at);
                    continue;
                }
                _ => self.number(at)?,
            };
            // Behind a value: the next one, or the ends of what holds it.
            loop {
                if in_object
                    && self.byte(at) == b','
                    && let Some(value) = self.known(at)
                {
                    at = value;
                    break;
                }
                if depth == 0 {
                    return Ok(at);
                }
                let behind = self.blank(at);
                match self.byte(behind) {
                    b',' => {
                        let next = self.blank(behind + 1);
                        at = if in_object { self.other(behind, next, depth)? } else { next };
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Err(Fault::Syntax),
                }
                at = behind + 1;
                depth -= 1;
                levels >>= 1;
                in_object = levels & 1 == 1;
            }
        }
    }

    /// The same for an element of a list, which mostly has the keys of those before.
    #[inline]
    pub(super) fn element(&mut self, at: usize) -> At {
        if self.keys.many {
            self.keys.next = 0;
            self.keys.tries = (self.keys.tries + 1).min(TRIES_MAX);
        }
        let end = self.value(at);
        self.keys.next = Keys::OFF;
        self.keys.many |= end.is_ok();
        end
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
            let end = self.element(at)?;
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

    /// What the scan and serde_json make of a text must be the same, however far its end is.
    fn compare(text: &str, tails: impl IntoIterator<Item = usize>) {
        let serde = serde_json::from_str::<&RawValue>(text).is_ok();
        for tail in tails {
            let text = format!("{text}{}", " ".repeat(tail));
            let mut scan = Scan::new(&text);
            let at = scan.blank(0);
            let own = scan.value(at).is_ok_and(|end| scan.is_end(end));
            assert_eq!(own, serde, "{text:?}");
        }
    }

    /// The same for a list: its elements, and whether there are line breaks between values.
    fn compare_list(text: &str) {
        let serde = serde_json::from_str::<Vec<&RawValue>>(text).ok();
        for tail in [0, 40, 200] {
            let text = format!("{text}{}", " ".repeat(tail));
            let (mut scan, mut found) = (Scan::new(&text), Vec::new());
            let end = scan.elements(0, |from, to| {
                found.push(&text[from..to]);
                Ok(())
            });
            let own = end.is_ok_and(|end| scan.is_end(end)).then_some(found);
            let serde = serde.as_ref().map(|all| all.iter().map(|raw| raw.get()).collect::<Vec<&str>>());
            assert_eq!(own, serde, "{text:?}");
            assert!(own.is_none() || scan.has_lines == text.contains('\n'), "{text:?}");
        }
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
        for text in &texts {
            compare(text, 0..80);
            compare_list(&format!("[{}]", [text.as_str(); 4].join(",")));
            compare_list(&format!("[{{\"a\":1,\"b\":2}},{{\"a\":1,\"b\":2}},{{\"a\":{text},\"b\":2}},{{\"a\":1{text}}}]"));
        }
    }

    /// A key that is known stands where none may stand.
    #[test]
    fn agrees_on_known_keys_at_wrong_places() {
        let record = r#"{"a":{"x":1},"b":[{"y":2}],"c":3}"#;
        for last in [
            r#"{"a":1{"x":1}"#,
            r#"{"a":{"x":1{"x":1},"c":3}"#,
            r#"{"a":,"b":2}"#,
            r#"{,"b":[]}"#,
            r#"{"a":{"x":1},"b":[,"c":3]}"#,
            r#"{"a":{"x":1},"b":[1,"c":3]}"#,
            r#"{"a":{"x":1},"b":[{"y":2},"c":3]}"#,
            r#"{"a":{"x":1},"b":[{"y":2}{"y":2}],"c":3}"#,
            r#"{"a":{"x":1},"b":[{"y":2},{"y":2}],"c":3}"#,
            r#"{"a":"x":1,"c":3}"#,
            r#","b":2"#,
        ] {
            compare_list(&format!("[{record},{record},{record},{last},{record}]"));
            compare_list(&format!("[{record},{record},{record},{last}]"));
        }
    }

    /// Every change of one byte of a record, and every cut: alone, and in a list behind whole ones of its kind.
    #[test]
    fn agrees_on_broken_records() {
        let record = r#" {"id":12,"name":"a\"b\u00e9\\","on":true,"off":[false,null,-1.5e+3,{"x":{}}],"text":"a longer text that fills more than one part of it"} "#;
        let (tails, list) = ([0, 9, 40, 200], |last: &str| compare_list(&format!("[{record},{record},{record},{last},{record}]")));
        for at in 0..record.len() {
            compare(&record[..at], tails);
            list(&record[..at]);
            for byte in br#" "\{}[]:,0-+.eExtn1u/"# {
                let mut bytes = record.as_bytes().to_vec();
                bytes[at] = *byte;
                compare(std::str::from_utf8(&bytes).unwrap(), tails);
                list(std::str::from_utf8(&bytes).unwrap());
                bytes.insert(at, *byte);
                compare(std::str::from_utf8(&bytes).unwrap(), tails);
                list(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }

    /// Keys that come and go, of every length, with and without white space, more of them than are remembered; and one wrong byte now and then.
    #[test]
    fn agrees_on_records_of_many_shapes() {
        fn object(random: &mut fastrand::Rng, keys: &[String], depth: usize) -> String {
            let (mut fields, few) = (Vec::new(), &keys[..keys.len().min(2)]);
            for key in keys {
                let value = match random.usize(..12) {
                    0..4 => continue,
                    4 if depth < 4 => object(random, &keys[..keys.len() / 3], depth + 1),
                    5 if depth < 4 => format!("[{},{}]", object(random, few, depth + 1), object(random, few, depth + 1)),
                    6 => ["true", "false", "null", "{}", "[ ]"][random.usize(..5)].to_owned(),
                    7 => random.u32(..).to_string(),
                    _ => format!("\"{}\"", "x".repeat(random.usize(..70))),
                };
                let (before, behind) = (["", "", "", " ", "\n "][random.usize(..5)], ["", "", "", " "][random.usize(..4)]);
                fields.push(format!("{before}\"{key}\":{behind}{value}"));
            }
            format!("{{{}}}", fields.join(","))
        }
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..if cfg!(debug_assertions) { 40 } else { 400 } {
            let keys: Vec<String> = (0..random.usize(3..90)).map(|i| format!("{i}{}", "k".repeat(random.usize(..70)))).collect();
            let records: Vec<String> = (0..20).map(|_| object(&mut random, &keys, 0)).collect();
            let mut list = format!("[{}]", records.join(","));
            if round % 2 == 1 {
                let at = random.usize(1..list.len() - 1);
                list.replace_range(at..=at, ["\"", ",", "{", "}", ":", "1"][random.usize(..6)]);
            }
            compare_list(&list);
        }
    }

    /// An object with a key of its own in each element is no longer looked up, and is read all the same.
    #[test]
    fn agrees_when_every_key_is_new() {
        let record = |i: usize| format!("{{{}}}", (0..50).map(|k| format!("\"key{i}-{k}\":{k}")).collect::<Vec<String>>().join(","));
        compare_list(&format!("[{}]", (0..40).map(record).collect::<Vec<String>>().join(",")));
    }

    #[test]
    fn the_depth_is_limited() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Scan::new(&nested(JSON_DEPTH as usize)).value(0).is_ok());
        assert_eq!(Scan::new(&nested(JSON_DEPTH as usize + 1)).value(0), Err(Fault::Depth));
        assert_eq!(Scan::new(&"[".repeat(100_000)).value(0), Err(Fault::Depth));
    }
}
