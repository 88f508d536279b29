//! Random texts, read as rows and by a library that reads them whole: the same rows, or both refuse.

use std::io::Cursor;

use serde_json::value::RawValue;

use super::{EmptyCell, ReadOptions, RowFile, RowFormat, RowPosition};
use crate::error::{Error, Result};

const TEXTS: usize = 4_000;

fn read(text: &str, format: RowFormat, from: &RowPosition) -> Result<RowFile> {
    let options = match format {
        RowFormat::Csv => ReadOptions {
            header: false,
            columns: vec!["a".into(), "b".into()],
            empty: EmptyCell::Text,
            ..ReadOptions::default()
        },
        _ => ReadOptions::default(),
    };
    RowFile::read(Cursor::new(text.to_owned()), "text", format, &options, from)
}

/// The rows up to the first error, each with the position behind it.
fn rows(text: &str, format: RowFormat, from: &RowPosition) -> (Vec<(String, RowPosition)>, Option<Error>) {
    let mut all = Vec::new();
    let mut file = match read(text, format, from) {
        Ok(file) => file,
        Err(error) => return (all, Some(error)),
    };
    loop {
        match file.next_row().map(|row| row.map(str::to_owned)) {
            Ok(Some(row)) => all.push((row, file.position())),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

fn check_resumes(text: &str, format: RowFormat, all: &[(String, RowPosition)]) {
    for (index, (_, position)) in all.iter().enumerate() {
        let rest: Vec<String> = rows(text, format, position).0.into_iter().map(|(row, _)| row).collect();
        let expected: Vec<&String> = all[index + 1..].iter().map(|(row, _)| row).collect();
        assert_eq!(rest.iter().collect::<Vec<_>>(), expected, "{text:?} at {position:?}");
    }
}

/// A text of these parts.
fn text_of(random: &mut fastrand::Rng, parts: &[&str], length: usize) -> String {
    (0..random.usize(..=length)).map(|_| parts[random.usize(..parts.len())]).collect()
}

#[test]
fn tables_are_read_as_by_the_csv_library() {
    let parts = [",", ",", "\"", "\"", "\n", "\r\n", "\r", "a", "é", "\0", " ", "\u{feff}", "\"\""];
    let mut random = fastrand::Rng::with_seed(17);
    let mut count = 0;
    for _ in 0..TEXTS {
        // A byte order mark at the start is no part of the first cell.
        let text = format!("x,{}", text_of(&mut random, &parts, 16));
        let (all, error) = rows(&text, RowFormat::Csv, &RowPosition::default());
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let whole: Vec<String> = records
            .iter()
            .take_while(|record| record.len() == 2)
            .map(|record| serde_json::json!({"a": record[0], "b": record[1]}).to_string())
            .collect();
        let found: Vec<&String> = all.iter().map(|(row, _)| row).collect();
        match &error {
            // The library accepts an unclosed quote.
            Some(error) if error.message.contains("unclosed quote") => {
                assert_eq!(found, whole[..found.len()].iter().collect::<Vec<_>>(), "{text:?}");
            }
            Some(_) => assert!(found == whole.iter().collect::<Vec<_>>() && whole.len() < records.len(), "{text:?}"),
            None => assert!(found == whole.iter().collect::<Vec<_>>() && whole.len() == records.len(), "{text:?}"),
        }
        check_resumes(&text, RowFormat::Csv, &all);
        count += all.len();
    }
    assert!(count > TEXTS / 4, "{count} rows");
}

#[test]
fn lists_are_read_as_by_the_json_library() {
    let parts = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":1",
        "\\\"",
        "\\",
        "1",
        "-0.5e1",
        "01",
        "true",
        "nul",
        " ",
        "\n",
        "\"\\ud800\"",
        "[1,2]",
        "{\"b\":[]}",
        "é",
        "\0",
    ];
    let mut random = fastrand::Rng::with_seed(17);
    let (mut valid, mut invalid) = (0, 0);
    for _ in 0..TEXTS {
        let elements: Vec<String> = (0..random.usize(..4)).map(|_| text_of(&mut random, &parts, 3)).collect();
        let end = if random.u8(..8) == 0 { text_of(&mut random, &parts, 2) } else { "]".to_owned() };
        let text = format!("[{}{end}", elements.join(","));
        let (all, error) = rows(&text, RowFormat::Json, &RowPosition::default());
        match serde_json::from_str::<Vec<&RawValue>>(&text) {
            Ok(list) => {
                let list: Vec<String> = list.iter().map(|raw| raw.get().replace('\n', " ")).collect();
                let found: Vec<&String> = all.iter().map(|(row, _)| row).collect();
                assert_eq!(found, list.iter().collect::<Vec<_>>(), "{text:?}: {error:?}");
                assert!(error.is_none(), "{text:?}: {error:?}");
                valid += 1;
            }
            Err(_) => {
                assert!(error.is_some(), "{text:?}");
                invalid += 1;
            }
        }
        check_resumes(&text, RowFormat::Json, &all);
    }
    assert!(valid > TEXTS / 20 && invalid > TEXTS / 20, "{valid} valid, {invalid} invalid");
}

/// A workbook with damaged XML is read or refused.
#[cfg(feature = "xlsx")]
#[test]
fn damaged_workbooks_are_read_or_refused() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.xlsx");
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/row_files");
    let words = [
        "<",
        ">",
        "/",
        "\"",
        "r=\"A0\"",
        "r=\"ZZZZZZZ9\"",
        "t=\"s\"",
        "-1",
        "99999999999",
        "1e999",
        "<c>",
        "<v>",
        "NaN",
    ];
    let mut random = fastrand::Rng::with_seed(17);
    let (mut read, mut refused) = (0, 0);
    for name in ["xlsx-values", "xlsx-formulas", "xlsx-merged"] {
        let file = std::fs::File::open(cases.join(name).join("input.xlsx")).unwrap();
        let mut archive = zip::ZipArchive::new(file).unwrap();
        let parts: Vec<(String, Vec<u8>)> = (0..archive.len())
            .map(|at| {
                let mut part = archive.by_index(at).unwrap();
                let mut bytes = Vec::new();
                part.read_to_end(&mut bytes).unwrap();
                (part.name().unwrap().into_owned(), bytes)
            })
            .collect();
        for _ in 0..500 {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            let mut book = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
            let damaged = random.usize(..parts.len());
            for (index, (name, bytes)) in parts.iter().enumerate() {
                let mut bytes = bytes.clone();
                for _ in 0..if index == damaged { random.usize(1..4) } else { 0 } {
                    let at = random.usize(..=bytes.len());
                    let end = (at + random.usize(..6)).min(bytes.len());
                    bytes.splice(at..end, words[random.usize(..words.len())].bytes());
                }
                book.start_file(name.as_str(), options).unwrap();
                book.write_all(&bytes).unwrap();
            }
            book.finish().unwrap();
            match RowFile::open(&path, RowFormat::Xlsx, &ReadOptions::default(), &RowPosition::default()) {
                Ok(mut file) => {
                    while let Ok(Some(row)) = file.next_row() {
                        serde_json::from_str::<&RawValue>(row).unwrap();
                    }
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}
