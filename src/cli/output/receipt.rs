//! `--receipt`: what a call did, as JSON, also when it failed.

use std::path::Path;

use serde::Serialize;

use super::place::{EarlierFile, OutputPlace};
use crate::Receipt;
use crate::cli::messages::Screen;
use crate::error::{Error, ErrorKind, Result};

/// The receipt, and the error that ended the call.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    receipt: &'a Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Error>,
}

/// Where the receipt goes.
pub(crate) enum ReceiptFile {
    Nowhere,
    Stderr,
    File(OutputPlace),
}

impl ReceiptFile {
    /// Opens the place before the first request.
    pub(crate) fn open(path: Option<&Path>) -> Result<ReceiptFile> {
        match path {
            None => Ok(ReceiptFile::Nowhere),
            Some(path) if path.as_os_str() == "-" => Ok(ReceiptFile::Stderr),
            Some(path) => OutputPlace::open(Some(path), EarlierFile::GivesWay).map(ReceiptFile::File),
        }
    }

    /// Writes it; a failure's error goes with it.
    pub(crate) fn write(self, screen: Screen, receipt: &Receipt, error: Option<&Error>) -> Result<()> {
        if matches!(self, ReceiptFile::Nowhere) {
            return Ok(());
        }
        let value = Written { receipt, error };
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
