//! The batches of an Arrow file, message by message. A file is a stream of messages between two marks, so both are read in
//! one way. Sizes are checked before memory is taken for them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{Message, RecordBatch as BatchHeader, root_as_message};
use arrow_schema::{Schema, SchemaRef};

/// The start of a file.
const FILE: &[u8] = b"ARROW1\0\0";
/// What is before the size of a message.
const NEXT: [u8; 4] = [0xFF; 4];
/// The largest buffer of a column when it is decompressed, in bytes, and the most rows of a batch.
const BUFFER_MAX: i64 = 2 << 30;

/// The messages of a file or of a saved stream.
pub(super) struct ArrowMessages {
    input: BufReader<File>,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Bytes that are not read yet.
    left: u64,
    is_file: bool,
    has_ended: bool,
}

impl ArrowMessages {
    /// Reads the schema.
    pub(super) fn open(mut file: File) -> Result<(ArrowMessages, SchemaRef), String> {
        let left = file.metadata().map_err(unread)?.len();
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(8).read_to_end(&mut head).and_then(|_| file.rewind()).map_err(unread)?;
        let is_file = head == FILE;
        if !is_file && !head.starts_with(&NEXT) {
            return Err(match head.as_slice() {
                [b'F', b'E', b'A', b'1', ..] => "it is of Feather version 1: save it again with version 2",
                [b'P', b'A', b'R', b'1', ..] => "it is a Parquet file",
                _ => "it does not begin as one",
            }
            .to_owned());
        }
        if is_file && !ends_as_file(&mut file).map_err(unread)? {
            return Err(cut());
        }
        let input = BufReader::with_capacity(256 << 10, file);
        let (schema, dictionaries) = (Arc::new(Schema::empty()), HashMap::new());
        let mut own = ArrowMessages { input, schema, dictionaries, left, is_file, has_ended: false };
        if is_file {
            own.pass(FILE.len() as u64)?;
        }
        let header = own.header()?.ok_or("it is empty")?;
        let message = message(&header)?;
        let schema = message.header_as_schema().ok_or("it does not begin with its schema")?;
        own.schema = Arc::new(try_fb_to_schema(schema).map_err(|e| e.to_string())?);
        own.pass(own.size_of_body(&message)?)?;
        let schema = Arc::clone(&own.schema);
        Ok((own, schema))
    }

    /// The next batch. Batches of as many rows as are skipped, or of fewer, are passed, and `skipped` becomes less.
    pub(super) fn next(&mut self, skipped: &mut u64) -> Result<Option<RecordBatch>, String> {
        while let Some(header) = self.header()? {
            let message = message(&header)?;
            let (size, version) = (self.size_of_body(&message)?, message.version());
            if let Some(batch) = message.header_as_record_batch() {
                let rows = u64::try_from(batch.length()).map_err(|_| cut())?;
                if rows <= *skipped {
                    *skipped -= rows;
                    self.pass(size)?;
                    continue;
                }
                let body = self.body(size)?;
                check_sizes(&batch, &body)?;
                let schema = Arc::clone(&self.schema);
                let read = read_record_batch(&body, batch, schema, &self.dictionaries, None, &version);
                return read.map(Some).map_err(|e| e.to_string());
            }
            let Some(dictionary) = message.header_as_dictionary_batch() else {
                self.pass(size)?;
                continue;
            };
            let body = self.body(size)?;
            check_sizes(&dictionary.data().ok_or_else(cut)?, &body)?;
            let read = read_dictionary(&body, dictionary, &self.schema, &mut self.dictionaries, &version);
            read.map_err(|e| e.to_string())?;
        }
        Ok(None)
    }

    /// The header of the next message; nothing at the end.
    fn header(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut mark = [0; 8];
        while mark == [0; 8] {
            // A stream may end without a mark; a file has its own end behind it.
            self.has_ended |= self.left == 0 && !self.is_file;
            if self.has_ended {
                return Ok(None);
            }
            // Zeros are between the start of a file and its first message.
            self.read(&mut mark)?;
        }
        let [next @ .., a, b, c, d] = mark;
        let size = u32::from_le_bytes([a, b, c, d]);
        if next != NEXT {
            return Err("it is damaged, or of a version before 0.15".to_owned());
        }
        if size == 0 {
            self.has_ended = true;
            return Ok(None);
        }
        if u64::from(size) > self.left {
            return Err(cut());
        }
        let mut header = vec![0; size as usize];
        self.read(&mut header)?;
        Ok(Some(header))
    }

    fn size_of_body(&self, message: &Message<'_>) -> Result<u64, String> {
        u64::try_from(message.bodyLength()).ok().filter(|size| *size <= self.left).ok_or_else(cut)
    }

    /// The body of a message, whose size is checked.
    fn body(&mut self, size: u64) -> Result<Buffer, String> {
        let mut body = MutableBuffer::from_len_zeroed(size as usize);
        self.read(body.as_slice_mut())?;
        Ok(body.into())
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(cut)?;
        self.input.read_exact(bytes).map_err(unread)
    }

    fn pass(&mut self, size: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(size).ok_or_else(cut)?;
        self.input.seek(SeekFrom::Current(size as i64)).map_err(unread)?;
        Ok(())
    }
}

fn ends_as_file(file: &mut File) -> io::Result<bool> {
    let mut end = Vec::new();
    file.seek(SeekFrom::End(-6))?;
    file.read_to_end(&mut end)?;
    file.rewind()?;
    Ok(FILE.starts_with(&end))
}

fn message(header: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(header).map_err(|e| format!("it is damaged: {e}"))
}

/// Refuses buffers that are outside of the body, and sizes that are far too large.
fn check_sizes(batch: &BatchHeader<'_>, body: &[u8]) -> Result<(), String> {
    if !(0..=BUFFER_MAX).contains(&batch.length()) {
        return Err(cut());
    }
    let is_compressed = batch.compression().is_some();
    for buffer in batch.buffers().into_iter().flatten() {
        let part = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let part = part.and_then(|(from, size)| body.get(from..from.checked_add(size)?)).ok_or_else(cut)?;
        // A compressed buffer begins with the size of its content.
        let size = part.first_chunk().map_or(0, |size| i64::from_le_bytes(*size));
        if is_compressed && size > BUFFER_MAX {
            return Err(format!("it is damaged, or a column has more than {BUFFER_MAX} bytes in one batch"));
        }
    }
    Ok(())
}

fn cut() -> String {
    "it ends too early, or is damaged".to_owned()
}

fn unread(cause: io::Error) -> String {
    cause.to_string()
}
