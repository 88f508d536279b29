//! Man pages, generated from the commands.

use std::path::Path;

use super::app::App;
use super::catalog::help;
use super::messages;
use crate::error::{Error, ErrorKind, Result, io_text};

/// `man`: the main page on standard output, or a page for each command in a folder.
pub(crate) fn man(app: &App, folder: Option<&Path>) -> Result<()> {
    let command = help::command(&app.catalog()?);
    let Some(folder) = folder else {
        let mut page = Vec::new();
        let made = clap_mangen::Man::new(command).render(&mut page);
        made.map_err(|e| Error::new(ErrorKind::Internal, format!("the man page: {e}")))?;
        return messages::print(&String::from_utf8_lossy(&page));
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    let failed = |e| Error::new(ErrorKind::State, format!("{} cannot be written: {}", folder.display(), io_text(&e)));
    written.map_err(failed)?;
    messages::print(&format!("man pages written to {}", folder.display()))
}
