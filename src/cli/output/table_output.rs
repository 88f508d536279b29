//! Items into a table of a database, or into a file with typed columns. They are kept in a file until the call has ended:
//! the table gets all of them or none, and the columns fit all.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::{OldPartial, OutputPlace};
use crate::Cancel;
use crate::cli::args::OutputArgs;
use crate::definition::Operation;
use crate::error::{Error, ErrorKind, Result, io_text};
use crate::secret::Secret;
use crate::table::{
    Extent, ID, LoadMode, LoadOrder, LoadSource, Measure, PASSWORD_VARIABLE, RecordForm, RowReader, TableAddress,
    TableForm, check_build, key_columns, load_all, open, reach, record_names,
};
use crate::table_file::{TableFileFormat, write_table_file};

/// Between two looks whether the load has ended.
const TICK: Duration = Duration::from_millis(100);

/// A table that gets the items at the end.
pub(crate) struct TableOutput {
    target: TableTarget,
    kept: File,
    measure: Measure,
    cancel: Cancel,
}

/// What gets the items.
enum TableTarget {
    Database(TableAddress, Box<LoadOrder>),
    File(TableFileFormat, TableForm, OutputPlace),
}

impl TableOutput {
    /// Whether the output of the flags is a table.
    pub(crate) fn is_one(args: &OutputArgs) -> bool {
        let is_database = args.output.as_deref().and_then(Path::to_str).is_some_and(TableAddress::is_one);
        is_database || file_format(args).is_some()
    }

    /// Checks the flags and that the database can be opened.
    ///
    /// # Errors
    /// `usage` for flags that do not fit; those of the database.
    pub(crate) fn open(
        args: &OutputArgs,
        (operation, connection): (&Operation, &str),
        cancel: &Cancel,
    ) -> Result<TableOutput> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        if let Some(flag) = args.csv.given() {
            return Err(usage(format!("{flag} is for csv and tsv")));
        }
        let kept = || tempfile::tempfile().map_err(|e| unkept(&e));
        if let Some(format) = file_format(args) {
            if let Some(flag) = args.table.given() {
                return Err(usage(format!("{flag} is for tables of databases, not for {}", format.name())));
            }
            format.check()?;
            let place = OutputPlace::open(args.output.as_deref(), OldPartial::Overwrite)?;
            let target = TableTarget::File(format, form(args, operation), place);
            return Ok(TableOutput { target, kept: kept()?, measure: Measure::default(), cancel: cancel.clone() });
        }
        let text = args.output.as_deref().and_then(Path::to_str).unwrap_or_default();
        let address = TableAddress::parse(text, Path::new(""))?;
        check_build(&address.database)?;
        if args.format.is_some() {
            return Err(usage("--format is for files and standard output, not for tables of databases".to_owned()));
        }
        let order = order(args, (operation, connection), &address)?;
        // A database that cannot be opened is reported before the first request.
        on_thread(|| reach(&address.database, password(&address).as_ref()))?;
        let target = TableTarget::Database(address, Box::new(order));
        Ok(TableOutput { target, kept: kept()?, measure: Measure::default(), cancel: cancel.clone() })
    }

    /// Keeps items, each on a line.
    pub(crate) fn keep(&mut self, lines: &[u8]) -> Result<()> {
        self.measure.add(lines);
        self.kept.write_all(lines).map_err(|e| unkept(&e))
    }

    /// The table.
    pub(crate) fn place(&self) -> String {
        match &self.target {
            TableTarget::Database(address, _) => address.to_string(),
            TableTarget::File(_, _, place) => place.file().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    /// Loads the items. Returns what the user should know.
    ///
    /// # Errors
    /// Those of the load.
    pub(crate) fn finish(self, is_complete: bool, progress: &mut dyn FnMut(u64)) -> Result<Vec<String>> {
        let TableOutput { target, kept, measure, cancel } = self;
        let (told, done) = std::sync::mpsc::channel();
        let rows = || -> Result<Box<dyn RowReader>> {
            let mut file = kept.try_clone().map_err(|e| unkept(&e))?;
            file.seek(SeekFrom::Start(0)).map_err(|e| unkept(&e))?;
            Ok(Box::new(SpooledItems { file: BufReader::with_capacity(256 << 10, file), row: String::new() }))
        };
        let (address, order) = match target {
            TableTarget::File(format, form, mut place) => {
                let check = || if cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) };
                let mut out = |bytes: &[u8]| place.write(bytes).map(|_| ());
                let notes = write_table_file(&format, &form, &rows, &mut out, &check)?;
                return place.finish().map(|()| notes);
            }
            TableTarget::Database(address, order) => (address, order),
        };
        let order = LoadOrder { extent: measure.extent(), is_complete, ..*order };
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let mut database = open(&address.database, password(&address).as_ref())?;
                load_all(&mut *database, &order, &rows, &|rows| {
                    let _nobody_may_watch = told.send(rows);
                    if cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
                })
            });
            while !work.is_finished() {
                if let Some(rows) = done.try_iter().last() {
                    progress(rows);
                }
                std::thread::sleep(TICK);
            }
            joined(work.join()).map(|report| report.notes)
        })
    }
}

/// A client of a database may not be used on the thread of the calls.
fn on_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| joined(scope.spawn(work).join()))
}

fn joined<T>(ended: std::thread::Result<Result<T>>) -> Result<T> {
    ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the load has ended")))
}

/// The password of a database: of its address, else of the environment.
pub(crate) fn password(address: &TableAddress) -> Option<Secret> {
    address.password(None, std::env::var(PASSWORD_VARIABLE).ok().map(Secret::new))
}

fn order(args: &OutputArgs, (operation, connection): (&Operation, &str), address: &TableAddress) -> Result<LoadOrder> {
    let table = &args.table;
    let mode = table.mode.unwrap_or_default();
    if mode == LoadMode::History && !table.lists.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "--lists is not for --mode history")
            .advise("leave it out: then lists are JSON"));
    }
    if mode == LoadMode::Append && !table.row_key.is_empty() && table.lists.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "--row-key is for --mode upsert, mirror and history")
            .advise("add --mode upsert"));
    }
    let form = form(args, operation);
    let key = match table.row_key.as_slice() {
        [] if mode.is_keyed() || !table.lists.is_empty() => vec![ID.to_owned()],
        names => key_columns(names),
    };
    let source = LoadSource::of_call(connection, &operation.id, std::time::SystemTime::now());
    Ok(LoadOrder {
        table: address.named()?.clone(),
        mode,
        key,
        parent: Vec::new(),
        evolve: table.evolve,
        form,
        source,
        extent: Extent::default(),
        is_complete: false,
        replaces_earlier: true,
        may_change: false,
    })
}

/// The format of a file with typed columns, by its extension.
fn file_format(args: &OutputArgs) -> Option<TableFileFormat> {
    let path = args.output.as_deref().filter(|_| args.format.is_none())?;
    TableFileFormat::of_extension(&path.extension()?.to_string_lossy())
}

/// The columns, as the operation declares them and the flags say.
fn form(args: &OutputArgs, operation: &Operation) -> TableForm {
    let table = &args.table;
    let form = RecordForm::of(Some(operation), table.nested.unwrap_or_default());
    form.table(&record_names(operation), (&args.columns, &table.lists), table.types.iter().cloned().collect())
}

fn unkept(cause: &std::io::Error) -> Error {
    let folder: PathBuf = std::env::temp_dir();
    Error::new(ErrorKind::State, format!("items cannot be kept in {}: {}", folder.display(), io_text(cause)))
        .advise("free disk space, or set TMPDIR to another folder; nothing was loaded")
}

/// The kept items.
struct SpooledItems {
    file: BufReader<File>,
    row: String,
}

impl RowReader for SpooledItems {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.row.clear();
        let read = self.file.read_line(&mut self.row).map_err(|e| unkept(&e))?;
        Ok((read > 0).then(|| self.row.trim_end_matches('\n')))
    }
}
