//! Standard output as a place for batch results. On a terminal, control characters are escaped.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use crate::cli::messages::stdout_failed;
use crate::cli::screen::terminal_text;
use crate::error::Result;
use crate::{Sink, Stdout};

/// The standard output of this process.
pub(crate) fn standard_output() -> Stdout {
    Arc::new(|| Box::new(StandardOutput))
}

/// A closed pipe is not an error.
struct StandardOutput;

impl Sink for StandardOutput {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let written = if out.is_terminal() {
            out.write_all(terminal_text::safe(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            out.write_all(bytes)
        };
        match written.and_then(|()| out.flush()) {
            Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(stdout_failed(&cause)),
            _ => Ok(()),
        }
    }

    fn commit(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
