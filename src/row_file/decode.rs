//! Decodes UTF-16 and windows-1252 to UTF-8 while a file is read. Invalid text is an error, never replaced.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes that are decoded at once.
const CHUNK: usize = 16 << 10;

/// A text as UTF-8.
pub(super) struct DecodedText<R> {
    input: R,
    decoder: Decoder,
    label: &'static str,
    raw: Vec<u8>,
    /// The part of `raw` that is not decoded yet.
    left: std::ops::Range<usize>,
    /// Decoded bytes that did not fit into the caller's buffer.
    text: Vec<u8>,
    given: usize,
    has_ended: bool,
    is_done: bool,
    /// Bytes of the input before `left`.
    at: u64,
}

impl<R: Read> DecodedText<R> {
    /// The input without its byte order mark.
    pub(super) fn new(input: R, encoding: &'static Encoding) -> DecodedText<R> {
        DecodedText {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            label: encoding.name(),
            raw: vec![0; CHUNK],
            left: 0..0,
            text: vec![0; 0],
            given: 0,
            has_ended: false,
            is_done: false,
            at: 0,
        }
    }

    /// Decodes the next chunk into `text`.
    fn refill(&mut self) -> io::Result<()> {
        if self.left.is_empty() && !self.has_ended {
            let count = self.input.read(&mut self.raw)?;
            (self.left, self.has_ended) = (0..count, count == 0);
        }
        let raw = self.raw.get(self.left.clone()).unwrap_or_default();
        // A character takes at most three bytes for each byte of the input, and one more may be held back.
        self.text.resize(CHUNK * 3 + 16, 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, self.has_ended);
        self.at += read as u64;
        self.left.start += read;
        self.text.truncate(written);
        self.given = 0;
        match result {
            DecoderResult::Malformed(..) => {
                let message = format!("it is not valid {} (before byte {})", self.label, self.at + 1);
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
            DecoderResult::InputEmpty => {
                self.is_done = self.has_ended;
                Ok(())
            }
            DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: Read> Read for DecodedText<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.is_done {
            self.refill()?;
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}
