//! The place that a step names for its rows: its path, its format, and whether it can be written.

use std::path::{Path, PathBuf};

use super::template::{LOCK, PathTemplate};
use crate::batch::save_file::SaveFormat;
use crate::batch::save_plan::Save;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::output::Compression;
use crate::private_file;
use crate::sink::failed;
use crate::table::{DatabaseAddress, LoadMode, TableAddress};

/// Where rows go.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::batch) enum SavePlace {
    Stdout,
    File(PathBuf),
    /// Each row to the file of its value.
    Parts(PathTemplate),
    /// A table of a database.
    Table(Box<TableAddress>),
}

/// A place, with the format of the rows in its file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::batch) struct SaveTarget {
    pub(in crate::batch) place: SavePlace,
    pub(in crate::batch) format: SaveFormat,
    /// How a text is compressed.
    pub(in crate::batch) packing: Option<Compression>,
}

impl SaveTarget {
    /// Its path, if it is a file or several.
    pub(in crate::batch) fn template(&self) -> Option<PathTemplate> {
        match &self.place {
            SavePlace::Stdout | SavePlace::Table(_) => None,
            SavePlace::File(path) => Some(PathTemplate::fixed(path.clone())),
            SavePlace::Parts(template) => Some(template.clone()),
        }
    }

    /// Whether the file depends on the row.
    pub(in crate::batch) fn is_partitioned(&self) -> bool {
        matches!(self.place, SavePlace::Parts(_))
    }

    /// A file of it, to ask whether its folder can be written.
    pub(in crate::batch) fn probe(&self) -> Option<PathBuf> {
        match &self.place {
            SavePlace::Stdout => None,
            SavePlace::Table(table) => match &table.database {
                DatabaseAddress::Sqlite(path) => Some(path.clone()),
                DatabaseAddress::Postgres(_) => None,
                DatabaseAddress::Adbc(address) => address.file(),
            },
            SavePlace::File(path) => Some(path.clone()),
            SavePlace::Parts(template) => Some(template.root().join(LOCK)),
        }
    }
}

/// The place that a step names.
///
/// # Errors
/// `definition` when the extension is not known, or a key does not fit the format; errors of the expressions.
pub(in crate::batch) fn target(save: &Save, scope: &Scope, folder: &Path) -> Result<SaveTarget> {
    if save.is_partitioned() {
        if TableAddress::is_one(&save.written_path()) {
            let message = "the table of a row cannot depend on the row".to_owned();
            return Err(Error::new(ErrorKind::Definition, message)
                .advise("save all rows to one table, or those of each kind in a step of its own"));
        }
        let template = PathTemplate::of(&save.to, scope, folder)?;
        let (format, packing) = format_of(save, template.last_name().as_deref(), &save.written_path())?;
        let place = SavePlace::Parts(template);
        return check(save, &place, (format, packing)).map(|()| SaveTarget { place, format, packing });
    }
    let text = save.to.plain(scope)?;
    let (place, (format, packing)) = if TableAddress::is_one(&text) {
        (SavePlace::Table(Box::new(table(save, &text, folder)?)), (SaveFormat::Ndjson, None))
    } else if text == "-" {
        (SavePlace::Stdout, (save.format.unwrap_or(SaveFormat::Ndjson), None))
    } else if text.trim().is_empty() || text.ends_with('/') {
        return Err(Error::new(ErrorKind::Definition, format!("`{text}` names no file")));
    } else {
        let path = folder.join(&text);
        let format = format_of(save, path.file_name().map(Path::new), &text)?;
        (SavePlace::File(path), format)
    };
    check(save, &place, (format, packing)).map(|()| SaveTarget { place, format, packing })
}

/// A table of a database.
fn table(save: &Save, text: &str, folder: &Path) -> Result<TableAddress> {
    let address = TableAddress::parse(text, folder)?;
    address.named()?;
    crate::table::check_build(&address.database)?;
    let wrong = |message: String| Err(Error::new(ErrorKind::Definition, message));
    if let Some((key, _)) = save.table.keys().into_iter().find(|(key, given)| *given && *key != "columns") {
        return wrong(format!("`{key}` is for csv and tsv, not for tables of databases"));
    }
    if let Some(format) = save.format {
        return wrong(format!("`format: {}` is for files, not for tables of databases", format.name()));
    }
    if save.append {
        return Err(Error::new(ErrorKind::Definition, "`append` is for files")
            .advise("rows are added to a table by `mode: append`, which is the default"));
    }
    let Some(load) = &save.load else { return Ok(address) };
    let is_given = |key: &str| load.given.iter().any(|given| given == key);
    if is_given("password") && matches!(address.database, DatabaseAddress::Sqlite(_)) {
        return wrong("`password` is for databases with users, not for SQLite files".to_owned());
    }
    if load.is_partial && load.mode == LoadMode::Mirror {
        return Err(Error::new(
            ErrorKind::Definition,
            "`mirror` deletes rows that are not read, and a watermark reads only new ones",
        )
        .advise("use `mode: upsert`, or leave `watermark` out"));
    }
    Ok(address)
}

fn format_of(save: &Save, name: Option<&Path>, text: &str) -> Result<(SaveFormat, Option<Compression>)> {
    let packing = name.and_then(Compression::of_name).map(|(packing, _)| packing);
    if let Some((scheme, _)) = text.split_once("://") {
        let message = format!("`{scheme}://` is no database that opnode knows");
        return Err(Error::new(ErrorKind::Definition, message)
            .advise("write sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE"));
    }
    let format = save.format.or_else(|| name.and_then(SaveFormat::of_name)).ok_or_else(|| {
        Error::new(ErrorKind::Definition, format!("the name `{text}` does not show the format")).advise(
            "end it with .ndjson, .json, .csv, .tsv, .parquet, .arrow or .xlsx, or write { to: …, format: csv }",
        )
    })?;
    Ok((format, packing))
}

/// Refuses keys that do not fit the format or the place.
fn check(save: &Save, place: &SavePlace, (format, packing): (SaveFormat, Option<Compression>)) -> Result<()> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Definition, message));
    if matches!(place, SavePlace::Table(_)) {
        return Ok(());
    }
    let (is_table, name) = (matches!(format, SaveFormat::Csv | SaveFormat::Tsv), format.name());
    let given = |key: &&String| match key.as_str() {
        "nested" | "types" => format.is_text(),
        "sheet" => format != SaveFormat::Xlsx,
        _ => true,
    };
    if let Some(key) = save.load.as_ref().and_then(|load| load.given.iter().find(given)) {
        let what = match key.as_str() {
            "nested" | "types" => "tables of databases, parquet, arrow and xlsx",
            "sheet" => "xlsx",
            _ => "tables of databases",
        };
        return wrong(format!("`{key}` is for {what}, not {name}"));
    }
    if let Some(packing) = packing {
        packing.check()?;
        if !format.is_text() {
            return wrong(format!(
                "{name} files are compressed inside: leave .{} out of the name",
                packing.extension()
            ));
        }
        if save.append {
            return wrong("`append` is for files that are not compressed".into());
        }
    }
    if let Some(file) = save.file_format(format) {
        file.check()?;
        if matches!(place, SavePlace::Stdout) {
            return wrong(format!("{name} is for files, and `-` is standard output"));
        }
        if save.append {
            return Err(Error::new(ErrorKind::Definition, format!("`append` is for ndjson, csv and tsv, not {name}"))
                .advise("put ${{ run.id }} into the path: a file for each run"));
        }
    }
    for (key, given) in save.table.keys().into_iter().filter(|(_, given)| *given) {
        match key {
            "columns" if given && !format.is_text() => {}
            "columns" if given && !is_table => {
                return wrong("`columns` is for tables, such as csv; ndjson and json write items unchanged".into());
            }
            "delimiter" if format != SaveFormat::Csv => return wrong(format!("`delimiter` is for csv, not {name}")),
            key if !is_table => return wrong(format!("`{key}` is for csv and tsv, not {name}")),
            _ => {}
        }
    }
    match place {
        SavePlace::Stdout if save.append => wrong("`append` is for files, and `-` is standard output".into()),
        SavePlace::Parts(_) if save.append => wrong("`append` is for one file, and this path names several".into()),
        SavePlace::File(_) if save.append && format == SaveFormat::Json => {
            Err(Error::new(ErrorKind::Definition, "`append` is for ndjson, csv and tsv; the array of json has an end")
                .advise("use .ndjson"))
        }
        SavePlace::Stdout | SavePlace::File(_) | SavePlace::Parts(_) | SavePlace::Table(_) => Ok(()),
    }
}

/// Whether a file can be created there: its nearest existing folder is writable.
///
/// # Errors
/// `state`, with the reason.
pub(in crate::batch) fn writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(
            Error::new(ErrorKind::State, format!("{} is a folder", path.display())).advise("give a file name in it")
        );
    }
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Error::new(ErrorKind::State, format!("{} is not a regular file", path.display()))
            .advise("save to a file, or to standard output with `-`"));
    }
    let exists = |p: &&Path| p.as_os_str().is_empty() || p.exists();
    let above = path.ancestors().skip(1).find(exists).unwrap_or(Path::new(""));
    let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
    if !above.is_dir() {
        return Err(Error::new(ErrorKind::State, format!("{} is not a folder", above.display())));
    }
    // The name is constant: the next run replaces what a killed run left.
    let probe = above.join(".opnode-probe");
    private_file::begin(&probe, true).map_err(|e| failed("written", path, &e))?;
    let _it_was_made_just_now = std::fs::remove_file(&probe);
    Ok(())
}
