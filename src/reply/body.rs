//! A reply's body, while it arrives and as a whole. Text is checked piece by piece, while it is in the cache.

use std::ops::Deref;
use std::sync::Arc;

use super::found_rows::FoundRows;
use crate::part_file::Download;

/// A body, decompressed.
#[derive(Clone, Debug)]
pub struct Body(Held);

#[derive(Clone, Debug)]
enum Held {
    Bytes(Vec<u8>),
    /// It is on disk.
    File(Arc<Download>),
    Text(BodyText),
}

#[derive(Clone, Debug, Default)]
struct BodyText {
    text: String,
    /// The start of a character that crosses two pieces.
    rest: Vec<u8>,
    rows: FoundRows,
}

impl Default for Body {
    fn default() -> Body {
        Body(Held::Bytes(Vec::new()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body(Held::Bytes(bytes))
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Bytes(bytes) => bytes,
            Held::Text(text) => text.text.as_bytes(),
            Held::File(_) => &[],
        }
    }
}

impl Body {
    /// An empty body with room; `is_text` says whether UTF-8 is expected.
    pub(crate) fn expect(is_text: bool, room: usize) -> Body {
        Body(if is_text {
            Held::Text(BodyText { text: String::with_capacity(room), ..BodyText::default() })
        } else {
            Held::Bytes(Vec::with_capacity(room))
        })
    }

    /// A body that is on disk: it reads as empty.
    pub(crate) fn on_disk(file: Arc<Download>) -> Body {
        Body(Held::File(file))
    }

    /// The file, if it is on disk.
    pub(crate) fn file(&self) -> Option<&Arc<Download>> {
        match &self.0 {
            Held::File(file) => Some(file),
            Held::Bytes(_) | Held::Text(_) => None,
        }
    }

    /// Its size in bytes, wherever it is.
    pub(crate) fn size(&self) -> u64 {
        self.file().map_or(self.len() as u64, |file| file.size)
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Held::Bytes(bytes) => bytes.extend_from_slice(piece),
            Held::File(_) => {}
            Held::Text(text) => {
                if !text.push(piece) {
                    // It is not UTF-8; the reader reports the position.
                    let mut bytes = std::mem::take(&mut text.text).into_bytes();
                    bytes.extend_from_slice(&text.rest);
                    bytes.extend_from_slice(piece);
                    self.0 = Held::Bytes(bytes);
                }
            }
        }
    }

    /// The whole body, after the last piece.
    pub(crate) fn whole(mut self) -> Body {
        if let Held::Text(text) = &mut self.0
            && !text.rest.is_empty()
        {
            // Half a character: it is not UTF-8.
            let mut bytes = std::mem::take(&mut text.text).into_bytes();
            bytes.append(&mut text.rest);
            return Body::from(bytes);
        }
        self
    }

    /// Whether it is UTF-8.
    pub(crate) fn is_text(&self) -> bool {
        match &self.0 {
            Held::Bytes(bytes) => std::str::from_utf8(bytes).is_ok(),
            Held::Text(text) => text.rest.is_empty(),
            Held::File(_) => false,
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self.0 {
            Held::Bytes(bytes) => bytes,
            Held::Text(text) => text.text.into_bytes(),
            Held::File(_) => Vec::new(),
        }
    }

    /// As UTF-8, with the rows that were found while it arrived.
    pub(super) fn into_text(self) -> Result<(String, FoundRows), std::str::Utf8Error> {
        match self.0 {
            Held::Bytes(bytes) => {
                String::from_utf8(bytes).map(|text| (text, FoundRows::default())).map_err(|e| e.utf8_error())
            }
            Held::Text(text) => Ok((text.text, text.rows)),
            Held::File(_) => Ok(Default::default()),
        }
    }
}

impl BodyText {
    /// Adds a piece if it is UTF-8.
    fn push(&mut self, piece: &[u8]) -> bool {
        let (length, rest) = (self.text.len(), self.rest.clone());
        let is_text = self.append(piece);
        if is_text {
            self.rows.more(&self.text);
        } else {
            self.text.truncate(length);
            self.rest = rest;
        }
        is_text
    }

    fn append(&mut self, mut piece: &[u8]) -> bool {
        while !self.rest.is_empty()
            && let Some((first, behind)) = piece.split_first()
        {
            self.rest.push(*first);
            piece = behind;
            match std::str::from_utf8(&self.rest) {
                Ok(character) => {
                    self.text.push_str(character);
                    self.rest.clear();
                }
                Err(e) if e.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let end = match std::str::from_utf8(piece) {
            Ok(text) => {
                self.text.push_str(text);
                return true;
            }
            Err(e) if e.error_len().is_some() => return false,
            Err(e) => e.valid_up_to(),
        };
        let (good, rest) = piece.split_at(end);
        self.rest = rest.to_vec();
        std::str::from_utf8(good).is_ok_and(|text| {
            self.text.push_str(text);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Body;

    /// A body in pieces of any size equals the body in one piece.
    #[test]
    fn pieces_make_the_whole() {
        let bodies: [&[u8]; 9] = [
            b"",
            b"[1, 22, 333]",
            "[\"\u{e4}\u{20ac}\u{1f600}\", {\"a\": \"\u{1f600}\"},\n[\"]\"], 1.5e3 , true]".as_bytes(),
            "\u{feff}[1]".as_bytes(),
            b"{\"items\": [1, 2]}",
            b"[1, \"\xE4\", 2]",
            b"[1, \"\xF0\x9F",
            b"[1, }, 2]",
            b" \n [ [[1, 2], 3], {\"a\": [\"\\\"\", \"b\"]} ] ",
        ];
        for body in bodies {
            let serde = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body);
            for size in 1..=body.len().max(1) {
                let mut whole = Body::expect(true, 0);
                body.chunks(size).for_each(|piece| whole.push(piece));
                let whole = whole.whole();
                assert_eq!(&*whole, body, "in pieces of {size}");
                let Ok((text, rows)) = whole.into_text() else {
                    assert!(std::str::from_utf8(body).is_err());
                    continue;
                };
                let found: Vec<&str> =
                    rows.spans.iter().map(|(from, to)| &text[*from as usize..*to as usize]).collect();
                match &serde {
                    Ok(all) => {
                        let all: Vec<&str> = all.iter().map(|raw| raw.get()).collect();
                        assert!(all.starts_with(&found), "{found:?} of {all:?}");
                        // All but the last, and an incomplete one at the end of a piece.
                        assert!(size > 1 || all.len() < 2 || found.len() + 1 == all.len(), "{found:?} of {all:?}");
                    }
                    Err(_) => assert!(found.len() < 2, "{found:?}"),
                }
            }
        }
    }

    /// A reply that is one large element is not scanned at each piece.
    #[test]
    fn a_large_element_takes_linear_time() {
        let mut body = Body::expect(true, 0);
        body.push(b"[[");
        (0..200_000).for_each(|_| body.push(b"1,2,3,4,5,"));
        assert_eq!(body.into_text().unwrap().1.spans, []);
    }
}
