//! `preview`: the first rows of a file or of a table of a database.

use std::io::IsTerminal;
use std::path::Path;

use super::app::App;
use super::args::{OutputArgs, PreviewArgs};
use super::output::{Flow, ItemsOutput, OldPartial, TableStyle, password};
use super::screen::width;
use crate::Items;
use crate::error::{Error, ErrorKind, Result};
use crate::row_file::{ReadOptions, RowFile, RowFormat, RowPosition, SheetChoice, check_build};
use crate::table::{RowsStream, TableAddress};

/// Runs the command.
///
/// # Errors
/// Those of the file or the database.
pub(crate) fn run(app: &App, args: &PreviewArgs) -> Result<u8> {
    let mut rows = Vec::new();
    let name = args.place.as_str();
    let read = match TableAddress::is_one(name) {
        true => of_database(args, &mut rows)?,
        false => of_file(args, &mut rows)?,
    };
    let output = OutputArgs { format: args.format, columns: args.columns.clone(), ..OutputArgs::default() };
    let is_terminal = std::io::stdout().is_terminal();
    let mut output =
        ItemsOutput::open(&output, is_terminal, TableStyle::Rows, width::columns(), OldPartial::Overwrite)?;
    if output.page(&Items::concat(rows))? == Flow::Open {
        for note in output.finish(true, &mut |_| {})? {
            app.screen.note(&note);
        }
    }
    if read == Left::More {
        app.screen.note(&format!("the first rows of {name}; --rows shows more"));
    }
    Ok(0)
}

/// Whether there are more rows than those that are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    None,
    More,
}

fn of_database(args: &PreviewArgs, rows: &mut Vec<Items>) -> Result<Left> {
    if args.sheet.is_some() || args.delimiter.is_some() {
        return Err(Error::new(ErrorKind::Usage, "--sheet and --delimiter are for files"));
    }
    let address = TableAddress::parse(&args.place, Path::new(""))?;
    match (&address.table, &args.sql) {
        (None, None) => {
            address.named()?;
        }
        (Some(_), Some(_)) => return Err(Error::new(ErrorKind::Usage, "give either a table or --sql, not both")),
        _ => {}
    }
    let (name, password) = (address.to_string(), password(&address));
    let stream = RowsStream::begin(address, password, args.sql.clone());
    let (options, from) = (ReadOptions::default(), RowPosition::default());
    take(RowFile::read(stream, &name, RowFormat::Ndjson, &options, &from)?, args.rows, rows)
}

fn of_file(args: &PreviewArgs, rows: &mut Vec<Items>) -> Result<Left> {
    if args.sql.is_some() {
        return Err(Error::new(ErrorKind::Usage, "--sql is for databases"));
    }
    let path = Path::new(&args.place);
    let format = RowFormat::of_file(path)?;
    check_build(&args.place, format)?;
    let sheet = args.sheet.as_ref().map(|name| match name.parse() {
        Ok(number) => SheetChoice::Number(number),
        Err(_) => SheetChoice::Name(name.clone()),
    });
    let options = ReadOptions { sheet, delimiter: args.delimiter, ..ReadOptions::default() };
    let file = RowFile::open(path, format, &options, &RowPosition::default())?;
    take(file, args.rows, rows)
}

fn take(mut file: RowFile, most: usize, rows: &mut Vec<Items>) -> Result<Left> {
    while let Some(row) = file.next_row()? {
        if rows.len() == most {
            return Ok(Left::More);
        }
        rows.push(Items::one(row.to_owned()));
    }
    Ok(Left::None)
}
