//! `import openapi`.

use std::path::{Path, PathBuf};

use super::report;
use crate::cli::app::{App, own_definitions};
use crate::cli::args::OpenApiArgs;
use crate::cli::call::arguments::text::input;
use crate::cli::{messages, new_files};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::import::{Doc, Files, Settings, import};
use crate::text_file::read_text;

/// Largest file of a description, in bytes.
const BYTES_MAX: u64 = 256 << 20;

/// Runs the command. Returns the exit code.
pub(crate) fn run(app: &App, args: &OpenApiArgs) -> Result<u8> {
    let argument = if args.file == "-" { "-".to_owned() } else { format!("@{}", args.file) };
    let text = input("FILE", &argument, ErrorKind::Usage)?.text;
    let folder = Path::new(&args.file).parent().map(Path::to_owned).unwrap_or_default();
    let read = |path: &str| read_below(&folder, path);
    let wrong = |why: String| {
        Error::new(ErrorKind::Usage, format!("{} cannot be imported: {why}", args.file))
            .at(Place { file: Some(args.file.clone()), ..Place::default() })
    };
    let doc = Doc::read(&text).map_err(|why| wrong(format!("it is neither JSON nor YAML: {why}")))?;
    drop(text);
    let files = Files::load(
        doc,
        if args.file == "-" { &|_| Err("a document from standard input has no folder".to_owned()) } else { &read },
    );
    let settings = Settings {
        connector: args.connector.clone(),
        without_texts: args.without_texts,
        page_start: args.page_start,
        paging: args.paging.as_deref().map(Doc::read).transpose().map_err(|why| wrong(format!("--paging: {why}")))?,
        optional_lists: args.optional_lists,
        sign_in: args.sign_in.clone(),
        base_url: args.base_url.clone(),
        only: args.only.clone(),
        ..Settings::default()
    };
    let imported = import(&files, &settings).map_err(wrong)?;
    let folder = args.into.clone().unwrap_or_else(|| own_definitions(&app.global.definitions));
    let own = folder.join("operations").join(&args.connector);
    for (name, text) in &imported.files {
        new_files::replace(&own.join(name), text)?;
    }
    messages::print(&report::text(&imported, &own))?;
    Ok(0)
}

/// A file below the folder of the document; links that lead out of it are not followed.
fn read_below(folder: &Path, path: &str) -> std::result::Result<String, String> {
    let base = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let real = |path: &Path| std::fs::canonicalize(path).map_err(|cause| crate::error::io_text(&cause));
    let file = real(&base.join(path))?;
    if !file.starts_with(real(&base)?) {
        return Err("only files below the folder of the document are read".to_owned());
    }
    read_text(&file, BYTES_MAX).map_err(|why| why.to_string())
}
