//! The rows of a run, in a temporary file: any part of them can be read while others are added. Memory is eight bytes a row.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use crate::error::{Error, ErrorKind, Result, io_text};

/// Rows that are given at once.
pub(super) const WINDOW: usize = 500;
/// Bytes of rows that are given at once: one row more than that is given alone.
const WINDOW_BYTES: u64 = 8 << 20;

pub(super) struct ServiceRows {
    file: File,
    /// Where each row ends.
    ends: Vec<u64>,
}

impl ServiceRows {
    pub(super) fn new() -> Result<ServiceRows> {
        let file = tempfile::tempfile().map_err(failed)?;
        Ok(ServiceRows { file, ends: Vec::new() })
    }

    pub(super) fn add<'r>(&mut self, rows: impl Iterator<Item = &'r str>) -> Result<()> {
        let mut end = self.ends.last().copied().unwrap_or_default();
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for row in rows {
            text.extend_from_slice(row.as_bytes());
            end += row.len() as u64;
            ends.push(end);
        }
        self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(&text)).map_err(failed)?;
        self.ends.append(&mut ends);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Rows from one on, as a JSON array.
    pub(super) fn window(&mut self, first: usize, count: usize) -> Result<String> {
        let first = first.min(self.ends.len());
        let start = first.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or_default();
        let chosen = self.ends.iter().skip(first).take(count.min(WINDOW));
        let ends: Vec<u64> = chosen
            .enumerate()
            .take_while(|(at, end)| *at == 0 || **end - start <= WINDOW_BYTES)
            .map(|(_, end)| *end)
            .collect();
        let bytes = ends.last().map_or(0, |end| end - start);
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(start)).map_err(failed)?;
        (&self.file).take(bytes).read_to_end(&mut text).map_err(failed)?;
        let mut out = Vec::with_capacity(text.len() + ends.len() + 2);
        out.push(b'[');
        let mut from = start;
        for (at, end) in ends.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let span = usize::try_from(from - start).unwrap_or(0)..usize::try_from(end - start).unwrap_or(0);
            out.extend_from_slice(text.get(span).unwrap_or(b"null"));
            from = *end;
        }
        out.push(b']');
        String::from_utf8(out).map_err(|_| Error::new(ErrorKind::Internal, "the rows are not UTF-8"))
    }
}

fn failed(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::State, format!("the temporary file of the rows: {}", io_text(&cause)))
        .advise("free space in the folder for temporary files")
}

#[cfg(test)]
mod tests {
    use super::ServiceRows;

    #[test]
    fn any_part_of_the_rows_can_be_read() {
        let mut rows = ServiceRows::new().unwrap();
        assert_eq!(rows.window(0, 10).unwrap(), "[]");
        rows.add([r#"{"a":1}"#, "null"].into_iter()).unwrap();
        rows.add(["\"é\""].into_iter()).unwrap();
        assert_eq!((rows.len(), rows.window(0, 10).unwrap()), (3, r#"[{"a":1},null,"é"]"#.to_owned()));
        assert_eq!(rows.window(1, 1).unwrap(), "[null]");
        assert_eq!(rows.window(3, 1).unwrap(), "[]");
        assert_eq!(rows.window(usize::MAX, usize::MAX).unwrap(), "[]");
    }
}
