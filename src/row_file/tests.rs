//! The cases of `tests/row_files/`: each folder has a file, `options.yaml` if it needs options, the rows that it gives
//! (`rows.ndjson`) and its errors (`errors.txt`). `UPDATE=1` writes the results.
//!
//! Each case is also resumed behind each of its rows, as a file and as a stream.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::Value;

use super::columns::COLUMNS_MAX;
use super::{
    CellType, EmptyCell, ReadOptions, RowFile, RowFinding, RowFormat, RowPosition, RowSchema, SheetChoice,
    TextEncoding, check_build, files_of,
};
use crate::error::{Error, ErrorKind, Result};

/// `options.yaml` of a case.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CaseOptions {
    format: Option<RowFormat>,
    pointer: Option<String>,
    header: Option<bool>,
    columns: Vec<String>,
    delimiter: Option<char>,
    quote: Option<String>,
    nested: Option<String>,
    empty: EmptyCell,
    types: BTreeMap<String, CellType>,
    schema: Option<Value>,
    encoding: TextEncoding,
    sheet: Option<SheetChoice>,
    row_bytes: Option<usize>,
    sheet_bytes: Option<u64>,
}

impl CaseOptions {
    fn read_options(self) -> ReadOptions {
        let usual = ReadOptions::default();
        // An empty text is none.
        let one = |text: Option<String>, usual: Option<char>| text.map_or(usual, |text| text.chars().next());
        ReadOptions {
            pointer: self.pointer,
            header: self.header.unwrap_or(true),
            columns: self.columns,
            delimiter: self.delimiter,
            quote: one(self.quote, usual.quote),
            nested: one(self.nested, usual.nested),
            empty: self.empty,
            types: self.types,
            schema: self.schema.map(|schema| Arc::new(RowSchema::compile(schema).unwrap())),
            encoding: self.encoding,
            sheet: self.sheet,
            row_bytes: self.row_bytes.unwrap_or(usual.row_bytes),
            sheet_bytes: self.sheet_bytes.unwrap_or(usual.sheet_bytes),
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/row_files");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

/// The input of a case.
fn input_of(case: &Path) -> PathBuf {
    let mut names = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    names.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("input")).unwrap()
}

fn options_of(case: &Path, input: &Path) -> Result<(RowFormat, ReadOptions)> {
    let text = fs::read_to_string(case.join("options.yaml")).unwrap_or_else(|_| "{}".to_owned());
    let options: CaseOptions = serde_yaml::from_str(&text).unwrap();
    let format = options.format.map_or_else(|| RowFormat::of_file(input), Ok)?;
    Ok((format, options.read_options()))
}

/// A row, or an error as text.
type Outcome = Result<String, String>;

/// The results of a file from a position on, and the position behind each.
fn outcomes(opened: Result<RowFile>, schema: Option<&RowSchema>) -> Vec<(Outcome, RowPosition)> {
    let mut file = match opened {
        Ok(file) => file,
        Err(error) => return vec![(Err(shown(&error)), RowPosition::default())],
    };
    let mut all = Vec::new();
    loop {
        let before = file.position();
        let next = file.next_row().map(|row| row.map(str::to_owned));
        let position = file.position();
        assert_eq!(*file.before(), before);
        match next {
            Ok(Some(row)) => {
                serde_json::from_str::<&serde_json::value::RawValue>(&row).unwrap();
                assert!(!row.contains('\n'), "{row}");
                let findings = schema.map(|schema| schema.check(&row)).unwrap_or_default();
                let misfit = RowFinding::error(findings, &file.row_name("INPUT"), ("INPUT", file.line()));
                all.push((misfit.map_or(Ok(row), |error| Err(shown(&error))), position));
            }
            Ok(None) => return all,
            Err(error) => {
                all.push((Err(shown(&error)), position));
                if file.is_broken() {
                    assert_eq!(shown(&file.next_row().unwrap_err()), shown(&error));
                    return all;
                }
            }
        }
    }
}

fn shown(error: &Error) -> String {
    let mut place = error.place.clone().unwrap_or_default();
    let file = place.file.take().unwrap_or_default();
    place.file = (!file.is_empty()).then(|| "INPUT".to_owned());
    let advice = error.advice.as_ref().map(|advice| format!(" [{advice}]")).unwrap_or_default();
    let message = if file.is_empty() { error.message.clone() } else { error.message.replace(&file, "INPUT") };
    assert!(!message.contains(env!("CARGO_MANIFEST_DIR")) || file.is_empty(), "{message}");
    format!("{}: {message}{advice} @ {place}", error.kind())
}

fn run(case: &Path) -> Vec<(Outcome, RowPosition)> {
    let input = input_of(case);
    let (format, options) = match options_of(case, &input) {
        Ok(options) => options,
        Err(error) => {
            return vec![(Err(shown(&error).replace(&input.display().to_string(), "INPUT")), RowPosition::default())];
        }
    };
    let open = |from: &RowPosition| outcomes(RowFile::open(&input, format, &options, from), options.schema.as_deref());
    let all = open(&RowPosition::default());
    let texts = |part: &[(Outcome, RowPosition)]| -> Vec<Outcome> { part.iter().map(|(o, _)| o.clone()).collect() };
    for (index, (_, position)) in all.iter().enumerate().filter(|(_, (_, position))| position.row > 0) {
        let stored = serde_json::to_string(position).unwrap();
        let position: RowPosition = serde_json::from_str(&stored).unwrap();
        let rest = all.get(index + 1..).unwrap();
        // A file that is broken behind this position gives its error again.
        let is_last = rest.is_empty() && all.last().is_some_and(|(last, p)| last.is_err() && p.row as usize <= index);
        if is_last {
            continue;
        }
        assert_eq!(texts(&open(&position)), texts(rest), "{}: resumed at {stored}", case.display());
        if format.is_text() {
            let stream = RowFile::read(
                fs::File::open(&input).unwrap(),
                &input.display().to_string(),
                format,
                &options,
                &position,
            );
            let again = outcomes(stream, options.schema.as_deref());
            assert_eq!(texts(&again), texts(rest), "{}: the stream at {stored}", case.display());
        }
    }
    all
}

/// Whether this build reads a file.
fn is_built(input: &Path) -> bool {
    let format = RowFormat::of_name(input).is_none_or(|format| check_build("", format).is_ok());
    let packing = || fs::read(input).unwrap().starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
    format && (cfg!(feature = "zstd") || !packing())
}

#[test]
fn files_give_their_rows_and_errors() {
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut faults = Vec::new();
    let all = cases();
    for case in &all {
        if !is_built(&input_of(case)) {
            continue;
        }
        let (mut rows, mut errors) = (String::new(), String::new());
        for (outcome, _) in run(case) {
            match outcome {
                Ok(row) => rows.push_str(&(row + "\n")),
                Err(error) => errors.push_str(&(error + "\n")),
            }
        }
        for (name, text) in [("rows.ndjson", rows), ("errors.txt", errors)] {
            let path = case.join(name);
            let expected = fs::read_to_string(&path).unwrap_or_default();
            match is_update {
                true if text.is_empty() => drop(fs::remove_file(&path)),
                true => fs::write(&path, &text).unwrap(),
                false if text != expected => {
                    faults.push(format!("{}: expected\n{expected}found\n{text}", path.display()));
                }
                false => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(all.len() >= 40, "{} cases", all.len());
}

/// A stream of the same part again and again, which counts what was read.
struct Endless {
    head: &'static [u8],
    part: &'static [u8],
    left: usize,
    at: usize,
    count: Arc<AtomicUsize>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < out.len() {
            let from = if self.head.is_empty() { self.part } else { self.head };
            if self.head.is_empty() && self.left == 0 {
                break;
            }
            let size = (from.len() - self.at).min(out.len() - count);
            out[count..count + size].copy_from_slice(&from[self.at..self.at + size]);
            (self.at, count) = (self.at + size, count + size);
            if self.at == from.len() {
                self.at = 0;
                match self.head.is_empty() {
                    true => self.left -= 1,
                    false => self.head = &[],
                }
            }
        }
        self.count.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

fn endless(head: &'static str, part: &'static str, times: usize) -> (Endless, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let stream =
        Endless { head: head.as_bytes(), part: part.as_bytes(), left: times, at: 0, count: Arc::clone(&count) };
    (stream, count)
}

/// What is read ahead, and what is held for a row, does not grow with the file.
#[test]
fn a_million_rows_need_the_memory_of_one() {
    const ROWS: usize = 1_000_000;
    const HELD_MAX: usize = 256 << 10;
    for (format, head, part, end) in [
        (RowFormat::Ndjson, "", "{\"id\":1}\n", 0),
        (RowFormat::Json, "[1", ",{\"id\":1}", 1),
        (RowFormat::Csv, "id,name\n", "1,\"a\"\n", 0),
        (RowFormat::Tsv, "id\tname\n", "1\t\n", 0),
    ] {
        let (stream, count) = endless(head, part, ROWS);
        let stream = stream.chain(if end == 1 { &b"]"[..] } else { &b""[..] });
        let from = RowPosition::default();
        let mut file = RowFile::read(stream, "endless", format, &ReadOptions::default(), &from).unwrap();
        let mut rows = 0;
        while file.next_row().unwrap().is_some() {
            rows += 1;
            if rows % 1000 == 0 {
                let ahead = count.load(Ordering::Relaxed) as u64 - file.position().byte;
                assert!(ahead <= HELD_MAX as u64 && file.held() <= HELD_MAX, "{format:?}: {ahead}, {}", file.held());
            }
        }
        assert_eq!(rows, ROWS + end, "{format:?}");
    }
}

#[test]
fn an_endless_row_is_refused_at_the_limit() {
    const MIB: usize = 1 << 20;
    let options = ReadOptions { row_bytes: MIB, ..ReadOptions::default() };
    for (format, head, part) in [
        (RowFormat::Ndjson, "{\"a\":\"", "x"),
        (RowFormat::Json, "[\"", "x"),
        (RowFormat::Json, "{\"a\":[", "[],"),
        (RowFormat::Csv, "a\n", "x"),
        (RowFormat::Csv, "a\n\"", "x\n"),
        (RowFormat::Tsv, "", "x\t"),
    ] {
        let (stream, count) = endless(head, part, 1 << 30);
        let error = RowFile::read(stream, "endless", format, &options, &RowPosition::default())
            .and_then(|mut file| file.next_row().map(|row| row.map(str::to_owned)))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{format:?}: {error:?}");
        assert!(count.load(Ordering::Relaxed) <= MIB + (128 << 10), "{format:?}");
    }
}

#[test]
fn a_row_at_the_limit_is_read() {
    let row = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    let options = ReadOptions { row_bytes: 1000, ..ReadOptions::default() };
    for (size, fits) in [(1000, true), (1001, false)] {
        for (format, text) in [
            (RowFormat::Ndjson, format!("{}\r\n", row(size - 1))),
            (RowFormat::Ndjson, row(size)),
            (RowFormat::Json, format!("[{}]", row(size))),
            (RowFormat::Csv, format!("a\n{}\r\n", row(size))),
        ] {
            let read = RowFile::read(io::Cursor::new(text), "rows", format, &options, &RowPosition::default());
            assert_eq!(read.unwrap().next_row().is_ok(), fits, "{format:?} {size}");
        }
    }
}

#[test]
fn a_table_has_at_most_the_columns_of_a_sheet() {
    for (columns, fits) in [(COLUMNS_MAX, true), (COLUMNS_MAX + 1, false)] {
        let line = |part: &str| (0..columns).map(|at| format!("{part}{at}")).collect::<Vec<_>>().join(",");
        let text = format!("{}\n{}\n", line("c"), line(""));
        let opened = RowFile::read(
            io::Cursor::new(text),
            "wide",
            RowFormat::Csv,
            &ReadOptions::default(),
            &RowPosition::default(),
        );
        match opened {
            Ok(mut file) => assert!(fits && file.next_row().unwrap().unwrap().ends_with(",\"c16383\":\"16383\"}")),
            Err(error) => assert!(!fits && error.message.contains("16385 columns"), "{error:?}"),
        }
    }
}

#[test]
fn a_number_of_100_000_digits_is_kept() {
    let number = "7".repeat(100_000);
    let schema = serde_json::json!({"properties": {"n": {"type": "integer"}}});
    let schema = Arc::new(RowSchema::compile(schema).unwrap());
    for (format, text) in [
        (RowFormat::Ndjson, format!("{{\"n\":{number}}}")),
        (RowFormat::Json, format!("[{{\"n\":{number}}}]")),
        (RowFormat::Csv, format!("n\n{number}\n")),
    ] {
        let options = match format {
            RowFormat::Csv => ReadOptions { schema: Some(Arc::clone(&schema)), ..ReadOptions::default() },
            _ => ReadOptions::default(),
        };
        let mut file = RowFile::read(io::Cursor::new(text), "rows", format, &options, &RowPosition::default()).unwrap();
        let row = file.next_row().unwrap().unwrap();
        assert!(row == format!("{{\"n\":{number}}}"), "{format:?}");
        assert_eq!(schema.check(row), Vec::new());
    }
}

#[test]
fn a_changed_file_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    for (name, before, after, says) in [
        ("a.ndjson", "1\n2\n", "1", "no row ends at byte 2"),
        ("a.ndjson", "1\n2\n", "123\n4\n", "no row ends at byte 2"),
        ("a.csv", "a\n1\n2\n", "a\n1", "no row ends at byte 4"),
        ("a.csv", "a\n1\n2\n", "a\n111\n2\n", "no row ends at byte 4"),
        ("a.json", "[1,2]", "[1", "ends too early"),
        ("a.json", "[1,2]", "[11,2]", "instead of a comma or ]"),
        ("a.json", "[1,2]", "", "no row ends at byte 2"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, before).unwrap();
        let format = RowFormat::of_file(&path).unwrap();
        let options = ReadOptions::default();
        let mut file = RowFile::open(&path, format, &options, &RowPosition::default()).unwrap();
        file.next_row().unwrap().unwrap();
        let position = file.position();
        fs::write(&path, after).unwrap();
        let again = RowFile::open(&path, format, &options, &position).and_then(|mut file| file.next_row().map(|_| ()));
        assert!(again.as_ref().is_err_and(|e| e.message.contains(says)), "{name} {after}: {again:?}");
    }
}

#[test]
fn patterns_name_files_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a [1]");
    let hidden = ["in/.opnode/d.csv", ".opnode/e.csv", ".f.csv", ".data/g.csv"];
    for name in ["b.csv", "a.csv", "a.json", "in/c.csv", "in/deep/h.csv", "x[1].csv"].iter().chain(&hidden) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&root, root.join("in/loop")).unwrap();
        std::os::unix::fs::symlink(root.join(".opnode"), root.join("in/state")).unwrap();
    }
    let names = |pattern: &str| {
        files_of(pattern, &root).map(|files| {
            let own = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            files.iter().map(own).collect::<Vec<_>>().join(" ")
        })
    };
    for (pattern, files) in [
        ("a.csv", "a.csv"),
        ("*.csv", "a.csv b.csv x[1].csv"),
        ("?.csv", "a.csv b.csv"),
        ("**/*.csv", "a.csv b.csv in/c.csv in/deep/h.csv x[1].csv"),
        ("*/*.csv", "in/c.csv"),
        ("in/**/*.csv", "in/c.csv in/deep/h.csv"),
        ("./in/*.csv", "in/c.csv"),
        ("in/../?.csv", "in/../a.csv in/../b.csv"),
        ("x[1].csv", "x[1].csv"),
        ("[ab].*", "a.csv a.json b.csv"),
        (".data/*.csv", ".data/g.csv"),
        (".*.csv", ".f.csv"),
    ] {
        assert_eq!(names(pattern).unwrap(), files, "{pattern}");
    }
    let state = [".opnode/*.csv", ".opnode/e.csv", "in/.opnode/*", "a/../.opnode/e.csv", "**/.opnode/*"];
    for pattern in ["*.xml", "in", "missing.csv", "missing/*.csv", ""].iter().chain(&state) {
        let error = names(pattern).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State, "{pattern}");
        assert!(error.message.contains(&format!("no file matches `{pattern}`")), "{error:?}");
    }
    assert_eq!(names("a***.csv").unwrap_err().kind(), ErrorKind::InvalidOptions);
    let absolute = folder.path().join("*/?.csv").display().to_string();
    assert_eq!(files_of(&absolute, Path::new("")).unwrap().len(), 2);
}

#[test]
fn options_belong_to_formats() {
    let usual = ReadOptions::default;
    for (format, options, says) in [
        (
            RowFormat::Ndjson,
            ReadOptions { pointer: Some("/a".into()), ..usual() },
            "`pointer` is for json, not for ndjson",
        ),
        (RowFormat::Json, ReadOptions { delimiter: Some(';'), ..usual() }, "`delimiter` is for csv and tsv"),
        (RowFormat::Json, ReadOptions { header: false, ..usual() }, "`header` is for csv, tsv and xlsx"),
        (RowFormat::Xlsx, ReadOptions { quote: None, ..usual() }, "`quote` is for csv and tsv"),
        (RowFormat::Csv, ReadOptions { sheet: Some(SheetChoice::Number(1)), ..usual() }, "`sheet` is for xlsx"),
        (RowFormat::Xlsx, ReadOptions { sheet: Some(SheetChoice::Number(0)), ..usual() }, "`sheet` counts from 1"),
        (RowFormat::Csv, ReadOptions { delimiter: Some('"'), ..usual() }, "`delimiter` must be one ASCII"),
        (RowFormat::Csv, ReadOptions { delimiter: Some('é'), ..usual() }, "`delimiter` must be one ASCII"),
        (RowFormat::Csv, ReadOptions { header: false, ..usual() }, "without a header"),
        (RowFormat::Json, ReadOptions { pointer: Some("data".into()), ..usual() }, "`pointer` must be a JSON Pointer"),
    ] {
        let error = options.check(format).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions);
        assert!(error.message.contains(says), "{}", error.message);
    }
}

#[cfg(not(all(feature = "xlsx", feature = "parquet")))]
#[test]
fn a_build_without_a_format_says_so() {
    let formats = [
        (RowFormat::Xlsx, "xlsx", cfg!(feature = "xlsx")),
        (RowFormat::Parquet, "parquet", cfg!(feature = "parquet")),
        (RowFormat::Arrow, "arrow", cfg!(feature = "parquet")),
    ];
    for (format, extension, _) in formats.into_iter().filter(|(.., has)| !has) {
        let name = format!("parts.{extension}");
        let opened = RowFile::open(Path::new(&name), format, &ReadOptions::default(), &RowPosition::default());
        let error = opened.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        // A check of a batch says the same.
        assert_eq!(check_build(&name, format).unwrap_err().message, error.message);
    }
    check_build("parts.csv", RowFormat::Csv).unwrap();
}
