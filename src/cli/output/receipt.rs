//! `--receipt`: writes the summary of a call as JSON, also if it failed.

use std::path::Path;

use serde::Serialize;

use super::place::{OldPartial, OutputPlace};
use crate::Receipt;
use crate::cli::errors::worded;
use crate::cli::messages::Screen;
use crate::error::{Error, ErrorKind, Result};

/// The receipt, and the error of the call.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    receipt: &'a Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

/// Where the receipt is written.
pub(crate) enum ReceiptFile {
    Nowhere,
    Stderr,
    File(OutputPlace),
}

impl ReceiptFile {
    /// Opens the file before the first request.
    pub(crate) fn open(path: Option<&Path>) -> Result<ReceiptFile> {
        match path {
            None => Ok(ReceiptFile::Nowhere),
            Some(path) if path.as_os_str() == "-" => Ok(ReceiptFile::Stderr),
            Some(path) => OutputPlace::open(Some(path), OldPartial::Overwrite).map(ReceiptFile::File),
        }
    }

    /// Writes the receipt with the error of the call.
    pub(crate) fn write(self, screen: Screen, receipt: &Receipt, error: Option<&Error>) -> Result<()> {
        if matches!(self, ReceiptFile::Nowhere) {
            return Ok(());
        }
        let value = Written { receipt, error: error.map(worded) };
        match self {
            ReceiptFile::Nowhere => Ok(()),
            ReceiptFile::Stderr => {
                screen.object(&value);
                Ok(())
            }
            ReceiptFile::File(mut target) => {
                let text = serde_json::to_string_pretty(&value)
                    .map_err(|e| Error::new(ErrorKind::Internal, format!("the receipt: {e}")))?;
                target.write(format!("{text}\n").as_bytes())?;
                target.finish()
            }
        }
    }
}
