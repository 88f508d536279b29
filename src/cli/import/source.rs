//! What is imported: a document with its files, or calls as a document.

use std::path::{Path, PathBuf};

use crate::cli::app::App;
use crate::cli::args::{ImportArgs, ImportCommand};
use crate::cli::call::arguments::text::input;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::import::{Doc, Files, SeenCalls, SeenNotes, apply_overlay, digest, read_curl, read_har, read_postman};
use crate::text_file::read_text;

/// Largest file of a description, in bytes.
const BYTES_MAX: u64 = 256 << 20;

/// What is imported.
pub(super) struct ImportSource {
    pub(super) files: Files,
    /// The name and digest of the file.
    pub(super) document: Doc,
    pub(super) seen: Option<SeenNotes>,
}

/// Reads the file of the command. `base_url`: the address of the API, if the user says it.
pub(super) fn read(
    app: &App,
    command: &ImportCommand,
    args: &ImportArgs,
    base_url: Option<&str>,
) -> Result<ImportSource> {
    let argument = if args.file == "-" { "-".to_owned() } else { format!("@{}", args.file) };
    let text = input("FILE", &argument, ErrorKind::Usage)?.text;
    let name = Path::new(&args.file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let document = Doc::of([("file", Doc::Text(name)), ("sha256", Doc::Text(digest(&text)))]);
    let doc = |text: &str| Doc::read(text).map_err(|why| wrong(args, format!("it is neither JSON nor YAML: {why}")));
    let mut seen = match command {
        ImportCommand::OpenApi(_) => {
            let mut root = doc(&text)?;
            drop(text);
            overlay(app, args, &mut root)?;
            return Ok(ImportSource { files: with_files(args, root), document, seen: None });
        }
        ImportCommand::Postman(_) => read_postman(&doc(&text)?, base_url).map_err(|why| wrong(args, why))?,
        ImportCommand::Har(_) => read_har(&doc(&text)?, base_url).map_err(|why| wrong(args, why))?,
        // Nothing is sent, so files that a command line names are not read.
        ImportCommand::Curl(_) => read_curl(&text, &|_| Ok(String::new()))?,
    };
    if !args.overlay.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "--overlay changes OpenAPI documents only")
            .advise("nothing was written; write corrections into overrides.yaml after the import"));
    }
    let root = seen.document();
    let SeenCalls { format, left_out, notes, .. } = seen;
    let none = |_: &str| Err("it has no files".to_owned());
    Ok(ImportSource { files: Files::load(root, &none), document, seen: Some(SeenNotes { format, left_out, notes }) })
}

pub(super) fn wrong(args: &ImportArgs, why: String) -> Error {
    let file = if args.file == "-" { "standard input" } else { &args.file };
    Error::new(ErrorKind::Usage, format!("{file} cannot be imported: {why}"))
        .at(Place { file: Some(file.to_owned()), ..Place::default() })
        .advise("nothing was written")
}

fn overlay(app: &App, args: &ImportArgs, doc: &mut Doc) -> Result<()> {
    for path in &args.overlay {
        let shown = path.display();
        let overlay = read_text(path, BYTES_MAX)
            .map_err(|why| wrong(args, format!("the overlay {shown} cannot be read: {why}")))?;
        let overlay =
            Doc::read(&overlay).map_err(|why| wrong(args, format!("the overlay {shown} is no YAML: {why}")))?;
        let idle = apply_overlay(doc, &overlay).map_err(|why| wrong(args, format!("the overlay {shown}: {why}")))?;
        idle.iter().for_each(|note| app.screen.warn(&format!("{shown}: {note}")));
    }
    Ok(())
}

/// The document with the files to which it refers.
fn with_files(args: &ImportArgs, doc: Doc) -> Files {
    let folder = Path::new(&args.file).parent().map(Path::to_owned).unwrap_or_default();
    let below = |path: &str| read_below(&folder, path);
    let none = |_: &str| Err("a document from standard input has no folder".to_owned());
    Files::load(doc, if args.file == "-" { &none } else { &below })
}

/// A file below the folder of the document; links that lead out of it are not followed.
fn read_below(folder: &Path, path: &str) -> std::result::Result<String, String> {
    let base = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let real = |path: &Path| std::fs::canonicalize(path).map_err(|cause| io_text(&cause));
    let file = real(&base.join(path))?;
    if !file.starts_with(real(&base)?) {
        return Err("only files below the folder of the document are read".to_owned());
    }
    if !std::fs::metadata(&file).is_ok_and(|found| found.is_file()) {
        return Err("it is no file".to_owned());
    }
    read_text(&file, BYTES_MAX).map_err(|why| why.to_string())
}
