//! What goes out: texts with an index of their items, and errors. Unchangeable once made.

use std::fmt::Write as _;

use crate::error::Error;
use crate::item::Items;

/// A text with a NUL behind it, and where its items are.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
}

impl Buffer {
    /// A JSON array of items, each as the bytes in which it came.
    pub(crate) fn of(items: &Items) -> Buffer {
        let size = items.iter().map(|i| i.as_str().len() + 1).sum::<usize>();
        let mut buffer = Buffer { bytes: Vec::with_capacity(size + 3), spans: Vec::with_capacity(items.len()) };
        buffer.bytes.push(b'[');
        items.iter().for_each(|item| buffer.push(item.as_str()));
        buffer.end()
    }

    /// A JSON array of texts that are JSON already.
    pub(crate) fn of_texts(texts: &[String]) -> Buffer {
        let mut buffer = Buffer { bytes: vec![b'['], spans: Vec::with_capacity(texts.len()) };
        texts.iter().for_each(|text| buffer.push(text));
        buffer.end()
    }

    fn push(&mut self, text: &str) {
        if !self.spans.is_empty() {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        self.spans.push((start, text.len()));
    }

    fn end(mut self) -> Buffer {
        self.bytes.extend_from_slice(b"]\0");
        self
    }

    /// A text that is no array of items.
    pub(crate) fn text(text: String) -> Buffer {
        let mut bytes = text.into_bytes();
        bytes.push(0);
        Buffer { bytes, spans: Vec::new() }
    }

    /// Several arrays as one.
    pub(crate) fn joined(parts: &[std::sync::Arc<Buffer>]) -> Buffer {
        let size = parts.iter().map(|p| p.bytes.len()).sum::<usize>();
        let mut all = Buffer { bytes: Vec::with_capacity(size + 2), spans: Vec::with_capacity(parts.iter().map(|p| p.spans.len()).sum()) };
        all.bytes.push(b'[');
        for (part, index) in parts.iter().flat_map(|p| (0..p.spans.len()).map(move |i| (p, i))) {
            all.push(part.item(index).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("null"));
        }
        all.end()
    }

    /// Without the NUL.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.split_last().map(|(_, text)| text).unwrap_or_default()
    }

    pub(crate) fn count(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn item(&self, index: usize) -> Option<&[u8]> {
        let (start, length) = *self.spans.get(index)?;
        self.bytes.get(start..start + length)
    }
}

/// An error with its texts made.
pub(crate) struct Failure {
    message: Vec<u8>,
    json: Vec<u8>,
}

impl Failure {
    pub(crate) fn new(error: &Error) -> Failure {
        let mut json = error.to_json();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("number".to_owned(), error.kind().number().into());
        }
        let mut message = error.message.replace('\0', " ");
        if let Some(advice) = &error.advice {
            // Writing to a String cannot fail.
            let _ok = write!(message, " ({})", advice.replace('\0', " "));
        }
        let ended = |text: String| {
            let mut bytes = text.into_bytes();
            bytes.push(0);
            bytes
        };
        Failure { message: ended(message), json: ended(json.to_string()) }
    }

    /// Without the NUL.
    pub(crate) fn message(&self) -> &[u8] {
        self.message.split_last().map(|(_, text)| text).unwrap_or_default()
    }

    /// Without the NUL.
    pub(crate) fn json(&self) -> &[u8] {
        self.json.split_last().map(|(_, text)| text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;
    use crate::item::Items;

    #[test]
    fn items_keep_their_bytes_and_places() {
        let items = Items::from_array("[ 1.10 , {\"a\": \"é\"},null]").unwrap();
        let buffer = Buffer::of(&items);
        assert_eq!(buffer.bytes(), "[1.10,{\"a\": \"é\"},null]".as_bytes());
        assert_eq!(buffer.item(1).unwrap(), "{\"a\": \"é\"}".as_bytes());
        assert!(buffer.item(3).is_none());
        let both = Buffer::joined(&[std::sync::Arc::new(buffer), std::sync::Arc::new(Buffer::of(&Items::default()))]);
        assert_eq!((both.count(), both.bytes()), (3, "[1.10,{\"a\": \"é\"},null]".as_bytes()));
        assert_eq!(Buffer::of(&Items::default()).bytes(), b"[]");
    }
}
