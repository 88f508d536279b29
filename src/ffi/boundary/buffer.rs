//! Results for the host: texts with an index of their items, and errors. Immutable once created.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use super::advice;
use crate::Items;
use crate::error::Error;

/// A text, or items that are joined to one text on demand.
pub(in crate::ffi) struct Buffer {
    /// A page's own bytes.
    page: Option<Items>,
    whole: OnceLock<BufferText>,
}

/// A text followed by a NUL, and the positions of its items.
#[derive(Default)]
struct BufferText {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
}

impl BufferText {
    /// A JSON array.
    fn array<'t>(count: usize, size: usize, items: impl Iterator<Item = &'t [u8]>) -> BufferText {
        let mut array = BufferText { bytes: Vec::with_capacity(size + count + 3), spans: Vec::with_capacity(count) };
        array.bytes.push(b'[');
        for item in items {
            if !array.spans.is_empty() {
                array.bytes.push(b',');
            }
            array.spans.push((array.bytes.len(), item.len()));
            array.bytes.extend_from_slice(item);
        }
        array.bytes.extend_from_slice(b"]\0");
        array
    }
}

impl Buffer {
    /// A JSON array of items, with their original bytes.
    pub(in crate::ffi) fn of(items: Items) -> Buffer {
        Buffer { page: Some(items), whole: OnceLock::new() }
    }

    fn made(text: BufferText) -> Buffer {
        Buffer { page: None, whole: text.into() }
    }

    /// A JSON array of texts that are already JSON.
    pub(in crate::ffi) fn of_texts(texts: &[String]) -> Buffer {
        Buffer::made(BufferText::array(
            texts.len(),
            texts.iter().map(String::len).sum(),
            texts.iter().map(String::as_bytes),
        ))
    }

    /// A text that is not an array of items.
    pub(in crate::ffi) fn text(text: String) -> Buffer {
        let mut bytes = text.into_bytes();
        bytes.push(0);
        Buffer::made(BufferText { bytes, spans: Vec::new() })
    }

    /// Joins several arrays.
    pub(in crate::ffi) fn joined(parts: &[Arc<Buffer>]) -> Buffer {
        let items = || parts.iter().flat_map(|part| (0..part.count()).filter_map(|index| part.item(index)));
        Buffer::made(BufferText::array(items().count(), items().map(<[u8]>::len).sum(), items()))
    }

    fn whole(&self) -> &BufferText {
        self.whole.get_or_init(|| {
            let items = || self.page.iter().flat_map(Items::iter).map(|item| item.as_str().as_bytes());
            BufferText::array(items().count(), items().map(<[u8]>::len).sum(), items())
        })
    }

    /// Without the NUL.
    pub(in crate::ffi) fn bytes(&self) -> &[u8] {
        self.whole().bytes.split_last().map(|(_, text)| text).unwrap_or_default()
    }

    /// Length of the whole text in bytes, without creating it.
    pub(in crate::ffi) fn size(&self) -> usize {
        match &self.page {
            Some(page) => page.iter().map(|item| item.as_str().len() + 1).sum::<usize>().max(1) + 1,
            None => self.bytes().len(),
        }
    }

    pub(in crate::ffi) fn count(&self) -> usize {
        self.page.as_ref().map_or_else(|| self.whole().spans.len(), Items::len)
    }

    pub(in crate::ffi) fn item(&self, index: usize) -> Option<&[u8]> {
        if let Some(page) = &self.page {
            return page.get(index).map(|item| item.as_str().as_bytes());
        }
        let whole = self.whole();
        let (start, length) = *whole.spans.get(index)?;
        whole.bytes.get(start..start + length)
    }
}

/// An error with its texts.
pub(in crate::ffi) struct HostFailure {
    message: Vec<u8>,
    json: Vec<u8>,
}

impl HostFailure {
    pub(in crate::ffi) fn new(error: &Error) -> HostFailure {
        let error = error.clone().worded(&advice::words);
        let mut json = error.to_json();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("number".to_owned(), error.kind().number().into());
        }
        let mut message = error.message.replace('\0', " ");
        if let Some(advice) = &error.advice {
            // Writing to a String cannot fail.
            let _ok = write!(message, " ({})", advice.to_string().replace('\0', " "));
        }
        let ended = |text: String| {
            let mut bytes = text.into_bytes();
            bytes.push(0);
            bytes
        };
        HostFailure { message: ended(message), json: ended(json.to_string()) }
    }

    /// Without the NUL.
    pub(in crate::ffi) fn message(&self) -> &[u8] {
        self.message.split_last().map(|(_, text)| text).unwrap_or_default()
    }

    /// Without the NUL.
    pub(in crate::ffi) fn json(&self) -> &[u8] {
        self.json.split_last().map(|(_, text)| text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Buffer;
    use crate::Items;

    #[test]
    fn items_keep_their_bytes_and_places() {
        let items = Items::from_array("[ 1.10 , {\"a\": \"é\"},null]").unwrap();
        let buffer = Buffer::of(items);
        assert_eq!(buffer.item(1).unwrap(), "{\"a\": \"é\"}".as_bytes());
        assert_eq!((buffer.size(), Buffer::of(Items::default()).size()), (buffer.bytes().len(), 2));
        assert_eq!(buffer.bytes(), "[1.10,{\"a\": \"é\"},null]".as_bytes());
        assert!(buffer.item(3).is_none());
        let both = Buffer::joined(&[
            Arc::new(buffer),
            Arc::new(Buffer::of(Items::default())),
            Arc::new(Buffer::of_texts(&["7".to_owned()])),
        ]);
        assert_eq!((both.count(), both.bytes()), (4, "[1.10,{\"a\": \"é\"},null,7]".as_bytes()));
        assert_eq!(both.item(3), Some(b"7".as_slice()));
        assert_eq!(Buffer::of(Items::default()).bytes(), b"[]");
    }
}
