//! `--record`: keeps each exchange in a file of its own, in the order in which they ended.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::exchange_file::{ExchangeFile, files};
use crate::cli::messages::Screen;
use crate::cli::new_files;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::{Exchange, Watch};

/// Writes exchanges into a folder.
pub(crate) struct Recorder {
    folder: PathBuf,
    screen: Screen,
    count: AtomicUsize,
    /// No other process records into the folder.
    _held: new_files::HeldFolder,
}

impl Recorder {
    /// A recorder for a folder without a recording.
    ///
    /// # Errors
    /// `state` when the folder has one, or cannot be written.
    pub(crate) fn new(folder: &Path, screen: Screen) -> Result<Recorder> {
        let held = new_files::hold(folder)?;
        if !files(folder)?.is_empty() {
            return Err(Error::new(ErrorKind::State, format!("{} has a recording already", folder.display()))
                .advise("nothing was sent; name another folder, or remove this one"));
        }
        Ok(Recorder { folder: folder.to_owned(), screen, count: AtomicUsize::new(0), _held: held })
    }

    fn write(&self, exchange: &Exchange) -> Result<()> {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let path = exchange.request.uri().path();
        let last = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("root");
        let word: String = last.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
        let verb = exchange.request.method().as_str().to_ascii_lowercase();
        // A secret may be a part of the path.
        let word = if exchange.redactor.mask(last) == last { word } else { "secret".to_owned() };
        let file = self.folder.join(format!("{number:03}-{verb}-{word}.yaml"));
        new_files::replace_private(&file, &ExchangeFile::of(exchange).to_text()?)
    }
}

impl Watch for Recorder {
    fn exchange(&self, exchange: &Exchange) {
        if let Err(error) = self.write(exchange) {
            self.screen.warn(&format!("an exchange is missing in the recording: {}", error.message));
        }
    }
}
