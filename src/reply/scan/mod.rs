//! Checks JSON (RFC 8259) and skips over it, many bytes at a time: items stay in place, and every byte is read once.
//! Pure.
//!
//! serde_json does the same byte by byte; a reply is mostly short texts, and finding their ends is most of the work.
//! serde_json reports the errors of invalid replies.
//!
//! The records of a list have the same keys in the same order, so earlier keys are remembered (`Keys`): the same bytes
//! are valid again, and only the values are read.

mod keys;

use wide::u8x32;

pub(crate) use keys::KnownKeys;
use keys::{KEY_MAX, KEYS_MAX, KnownKey, TRIES_MAX};

/// Maximum nesting of a value: that of serde_json, so that every host can read it.
pub(crate) const JSON_DEPTH: u32 = 127;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanFault {
    /// It is not JSON.
    Syntax,
    /// It is nested too deeply.
    Depth,
    /// It has too many elements.
    Count,
}

/// A position in the text.
type At = Result<usize, ScanFault>;

/// A text that is scanned.
pub(crate) struct Scan<'t> {
    text: &'t [u8],
    /// Whether there is a line break between values.
    pub(crate) has_lines: bool,
    keys: KnownKeys,
}

impl<'t> Scan<'t> {
    pub(crate) fn new(text: &'t str) -> Scan<'t> {
        Scan::with(text, KnownKeys::default())
    }

    /// With the keys of earlier parts of this text.
    pub(crate) fn with(text: &'t str, keys: KnownKeys) -> Scan<'t> {
        Scan { text: text.as_bytes(), has_lines: false, keys: KnownKeys { next: KnownKeys::OFF, ..keys } }
    }

    pub(super) fn into_keys(self) -> KnownKeys {
        self.keys
    }

    /// The byte at a position; 0 after the end, which starts nothing.
    #[inline(always)]
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The next bytes, if there are that many.
    #[inline(always)]
    fn part<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.text.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied()
    }

    /// The position after white space.
    #[inline(always)]
    pub(crate) fn blank(&mut self, at: usize) -> usize {
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

    /// Whether only white space is left.
    pub(crate) fn is_end(&mut self, at: usize) -> bool {
        self.blank(at) >= self.text.len()
    }

    /// From after an opening quote to after the closing one.
    #[inline(always)]
    fn string(&self, mut at: usize) -> At {
        loop {
            let Some(part) = self.part::<32>(at) else { return self.string_tail(at) };
            // With this bit flipped, the quote comes right after the control characters.
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
                _ => return Err(ScanFault::Syntax),
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
                _ => return Err(ScanFault::Syntax),
            }
        }
    }

    #[inline(never)]
    fn escape(&self, at: usize) -> At {
        match self.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
            b'u' if self.text.get(at + 2..at + 6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => {
                Ok(at + 6)
            }
            _ => Err(ScanFault::Syntax),
        }
    }

    #[inline(always)]
    fn digits(&self, mut at: usize) -> At {
        let first = at;
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        if at > first { Ok(at) } else { Err(ScanFault::Syntax) }
    }

    #[inline(always)]
    fn number(&self, at: usize) -> At {
        let Some(part) = self.part::<8>(at) else { return self.long_number(at) };
        // The high bit of each byte that is not a digit, up to the first one.
        let part = u64::from_le_bytes(part) ^ 0x3030_3030_3030_3030;
        let other = (part.wrapping_add(0x7676_7676_7676_7676) | part) & 0x8080_8080_8080_8080;
        let length = (other.trailing_zeros() / 8) as usize;
        let begins_with_0 = part & 0xFF == 0;
        if length == 0
            || length == 8
            || (begins_with_0 && length > 1)
            || matches!(self.byte(at + length), b'.' | b'e' | b'E')
        {
            return self.long_number(at);
        }
        Ok(at + length)
    }

    /// A number that is not a short integer.
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

    /// true, false or null: the first bytes give the length, which avoids a branch misprediction.
    #[inline(always)]
    fn word(&self, at: usize) -> At {
        let Some(part) = self.part::<8>(at) else { return self.word_tail(at) };
        let part = u64::from_le_bytes(part);
        let (is_false, four) = (part << 24 == u64::from_le_bytes(*b"\0\0\0false"), part as u32);
        if is_false | (four == u32::from_le_bytes(*b"true")) | (four == u32::from_le_bytes(*b"null")) {
            Ok(at + 4 + usize::from(is_false))
        } else {
            Err(ScanFault::Syntax)
        }
    }

    /// The same near the end of the text.
    #[inline(never)]
    fn word_tail(&self, at: usize) -> At {
        let rest = self.text.get(at..).unwrap_or_default();
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
        word.map(|word| at + word.len()).ok_or(ScanFault::Syntax)
    }

    /// A key and its colon: the positions after the key's closing quote and of the value.
    #[inline(always)]
    pub(crate) fn key(&mut self, at: usize) -> Result<(usize, usize), ScanFault> {
        if self.byte(at) != b'"' {
            return Err(ScanFault::Syntax);
        }
        let end = self.string(at + 1)?;
        let colon = self.blank(end);
        if self.byte(colon) != b':' {
            return Err(ScanFault::Syntax);
        }
        Ok((end, self.blank(colon + 1)))
    }

    /// The position of the next value, if the expected key is here. Its line breaks were seen when it was read.
    #[inline(always)]
    fn known(&mut self, at: usize) -> Option<usize> {
        let key = self.keys.all.get(self.keys.next)?;
        if !key.begins(self.text.get(at..)?) {
            return None;
        }
        self.keys.next += 1;
        Some(at + key.length)
    }

    /// The position of the next value after another key. `from` is the position of its comma or brace, `at` that of its
    /// quote.
    #[inline(always)]
    fn other(&mut self, from: usize, at: usize, depth: usize) -> At {
        if self.keys.next == KnownKeys::OFF { Ok(self.key(at)?.1) } else { self.look_up(from, at, depth) }
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
        // Near the end of the text a known key may not be recognized.
        if rest.len() > 2 * KEY_MAX {
            if is_full {
                self.keys.tries = self.keys.tries.saturating_sub(1);
                if self.keys.tries == 0 {
                    self.keys.next = KnownKeys::OFF;
                }
            } else if let Some(key) = self.text.get(from..value).and_then(|text| KnownKey::new(text, depth, tag)) {
                self.keys.all.insert(self.keys.next, key);
                self.keys.next += 1;
            }
        }
        Ok(value)
    }

    /// The position after any value. Keeps its own stack: for each level, whether it is an object.
    pub(crate) fn value(&mut self, mut at: usize) -> At {
        let (mut levels, mut depth, mut in_object) = (0_u128, 0_usize, false);
        loop {
            let byte = self.byte(at);
            at = match byte {
                b'"' => self.string(at + 1)?,
                b'{' | b'[' => {
                    depth += 1;
                    in_object = byte == b'{';
                    if depth > JSON_DEPTH as usize {
                        return Err(ScanFault::Depth);
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
                // After a known key, which had less white space.
                b' ' | b'\t' | b'\r' | b'\n' => {
                    at = self.blanks(at);
                    continue;
                }
                _ => self.number(at)?,
            };
            // After a value: the next one, or the ends of its containers.
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
                    _ => return Err(ScanFault::Syntax),
                }
                at = behind + 1;
                depth -= 1;
                levels >>= 1;
                in_object = levels & 1 == 1;
            }
        }
    }

    /// The same for an element of a list, which mostly has the same keys as earlier ones.
    #[inline]
    pub(crate) fn element(&mut self, at: usize) -> At {
        if self.keys.many {
            self.keys.next = 0;
            self.keys.tries = (self.keys.tries + 1).min(TRIES_MAX);
        }
        let end = self.value(at);
        self.keys.next = KnownKeys::OFF;
        self.keys.many |= end.is_ok();
        end
    }

    /// The elements of the array that starts here, one by one; returns the position after it.
    pub(crate) fn elements(&mut self, at: usize, each: impl FnMut(usize, usize) -> Result<(), ScanFault>) -> At {
        let at = self.blank(at + 1);
        if self.byte(at) == b']' {
            return Ok(at + 1);
        }
        self.elements_from(at, each)
    }

    /// The same from an element on.
    pub(crate) fn elements_from(
        &mut self,
        at: usize,
        mut each: impl FnMut(usize, usize) -> Result<(), ScanFault>,
    ) -> At {
        let mut at = self.blank(at);
        loop {
            let end = self.element(at)?;
            each(at, end)?;
            at = self.blank(end);
            match self.byte(at) {
                b',' => at = self.blank(at + 1),
                b']' => return Ok(at + 1),
                _ => return Err(ScanFault::Syntax),
            }
        }
    }
}

#[cfg(test)]
mod tests;
