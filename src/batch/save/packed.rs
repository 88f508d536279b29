//! A file on its way to its place: plain, or compressed.

use crate::error::Result;
use crate::output::{Compression, PackedOutput};
use crate::sink::FileSink;

/// A file that gets its bytes as they are, or compressed.
pub(in crate::batch) struct PackedSink {
    sink: FileSink,
    packed: Option<PackedOutput>,
}

impl PackedSink {
    /// # Errors
    /// `unsupported` in a build without the compression.
    pub(in crate::batch) fn new(sink: FileSink, packing: Option<Compression>) -> Result<PackedSink> {
        Ok(PackedSink { sink, packed: packing.map(PackedOutput::new).transpose()? })
    }

    /// # Errors
    /// `state` when the disk fails.
    pub(in crate::batch) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let sink = &mut self.sink;
        match &mut self.packed {
            Some(packed) => packed.put(bytes, &mut |bytes| sink.write(bytes)),
            None => sink.write(bytes),
        }
    }

    /// The file with all bytes.
    ///
    /// # Errors
    /// `state` when the disk fails.
    pub(in crate::batch) fn close(self) -> Result<FileSink> {
        let PackedSink { mut sink, packed } = self;
        if let Some(packed) = packed {
            packed.finish(&mut |bytes| sink.write(bytes))?;
        }
        Ok(sink)
    }
}
