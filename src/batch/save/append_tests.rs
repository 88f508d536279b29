//! Additions to files that were interrupted or changed at any byte.

use std::path::Path;

use super::AppendedFile;
use crate::batch::save_file::SaveFormat;
use crate::batch::save_plan::{Save, SaveTable};
use crate::error::Result;
use crate::expression::Shape;
use crate::run_store::{AddedRows, Addition, RowReader};

/// MemoryRows in memory.
struct MemoryRows(Vec<String>, usize);

impl MemoryRows {
    fn new(rows: &[&str]) -> MemoryRows {
        MemoryRows(rows.iter().map(|row| (*row).to_owned()).collect(), 0)
    }
}

impl RowReader for MemoryRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(String::as_str))
    }

    fn skip_row(&mut self) -> Result<usize> {
        Ok(self.next_row()?.map_or(0, |row| row.len() + 1))
    }

    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(row) = self.next_row()? {
            each(format!("{row}\n").as_bytes())?;
        }
        Ok(())
    }
}

fn save(columns: &[&str]) -> Save {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let table = SaveTable { columns, ..SaveTable::default() };
    Save { to: Shape::Fixed("\"x\"".to_owned()), format: None, append: true, outcomes: false, table, load: None }
}

fn prepare(path: &Path, format: SaveFormat, known: Option<&Addition>, rows: &[&str]) -> Result<AppendedFile> {
    let (save, count) = (save(&[]), rows.len() as u64);
    let prepared = AppendedFile::prepare(&mut MemoryRows::new(rows), (path, &save, format), (known, count), &|| Ok(()));
    prepared.map(|(file, _)| file)
}

fn addition(rows: AddedRows, is_whole: bool, is_outdated: bool) -> Addition {
    Addition { rows, is_whole, is_outdated }
}

const ROWS: [&str; 3] = [r#"{"a":1}"#, r#"{"a":"x\ny"}"#, r#"{"a":[3]}"#];

/// A run is killed after each byte of the addition; also with zeros behind it, as after a power cut.
#[test]
fn an_addition_is_completed_from_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    for (format, before) in [
        (SaveFormat::Ndjson, ""),
        (SaveFormat::Ndjson, "{\"old\":1}\n"),
        (SaveFormat::Csv, ""),
        (SaveFormat::Csv, "a\nold\n"),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, before).unwrap();
        let prepared = prepare(&path, format, None, &ROWS).unwrap();
        let fact = prepared.fact();
        prepared.add().unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert!(whole.starts_with(before.as_bytes()) && whole.len() > before.len() + 10);
        for at in before.len()..=whole.len() {
            for zeros in [0, 1, 700] {
                let left = [&whole[..at], &vec![0; zeros]].concat();
                // What follows a complete addition is not from this run, and stays.
                let expected = if at == whole.len() { left.clone() } else { whole.clone() };
                std::fs::write(&path, left).unwrap();
                let known = addition(fact.clone(), false, false);
                prepare(&path, format, Some(&known), &ROWS).unwrap().add().unwrap();
                assert_eq!(std::fs::read(&path).unwrap(), expected, "{format:?} {at} {zeros}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

/// What others have written is never removed.
#[test]
fn a_file_that_has_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let before = "{\"old\":1}\n{\"old\":2}\n";
    std::fs::write(&path, before).unwrap();
    let fact = prepare(&path, SaveFormat::Ndjson, None, &ROWS).unwrap().fact();
    for (left, why) in [
        ("{\"old\":1}\n", "it has 10 bytes, and had 20"),
        ("", "it has 0 bytes, and had 20"),
        ("{\"old\":1}\n{\"new\":2}\n", "its last lines before them differ"),
        ("{\"old\":1}\n{\"old\":2}\n{\"other\":1}\n", "what follows them is not from this run"),
        ("{\"old\":1}\n{\"old\":2}\n{\"a\":1}\n{\"other\":1}\n", "what follows them is not from this run"),
        ("{\"old\":1}\n{\"old\":2}\n\u{0}\u{0}x", "what follows them is not from this run"),
    ] {
        std::fs::write(&path, left).unwrap();
        let known = addition(fact.clone(), false, false);
        let error = prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS).unwrap().add().unwrap_err();
        assert!(error.message.contains(why) && error.message.contains("at byte 20"), "{left:?}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), left);
    }
}

#[test]
fn later_rows_of_the_run_are_added_and_outdated_ones_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let text = || std::fs::read_to_string(&path).unwrap();
    let first = prepare(&path, SaveFormat::Ndjson, None, &ROWS[..2]).unwrap();
    let fact = first.fact();
    first.add().unwrap();
    let both = text();
    // Failed items have succeeded since, and another batch has added a row in between.
    std::fs::write(&path, format!("{both}{{\"other\":1}}\n")).unwrap();
    let known = addition(fact.clone(), true, false);
    let more = prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS).unwrap();
    assert_eq!((more.fact().first, more.fact().rows), (2, 3));
    more.add().unwrap();
    assert_eq!(text(), format!("{both}{{\"other\":1}}\n{}\n", ROWS[2]));
    // The step has run again.
    std::fs::write(&path, &both).unwrap();
    let known = addition(fact.clone(), true, true);
    prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS[1..]).unwrap().add().unwrap();
    assert_eq!(text(), format!("{}\n{}\n", ROWS[1], ROWS[2]));
    // And was killed after it had removed its old rows, or before.
    let known = addition(fact.clone(), true, true);
    std::fs::write(&path, &both).unwrap();
    let fact = prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS[1..]).unwrap().fact();
    for left in ["", &both, "{\"a\":\"x"] {
        std::fs::write(&path, left).unwrap();
        let known = addition(fact.clone(), false, false);
        prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS[1..]).unwrap().add().unwrap();
        assert_eq!(text(), format!("{}\n{}\n", ROWS[1], ROWS[2]), "{left:?}");
    }
    // Old rows are not replaced if others have added theirs, also if they begin with the new ones.
    let left = format!("{}\n{}\n{{\"other\":1}}\n", ROWS[1], ROWS[2]);
    std::fs::write(&path, &left).unwrap();
    let known = addition(fact, true, true);
    let error = prepare(&path, SaveFormat::Ndjson, Some(&known), &ROWS[1..2]).unwrap().add().unwrap_err();
    assert!(error.message.contains("others have added rows"), "{error}");
    assert_eq!(text(), left);
}

#[test]
fn the_end_and_the_header_of_the_file_must_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let why = |text: &str, format, columns: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let (save, row) = (save(columns), r#"{"a":1,"b":2}"#);
        let place = (path.as_path(), &save, format);
        match AppendedFile::prepare(&mut MemoryRows::new(&[row]), place, (None, 1), &|| Ok(())) {
            Ok((file, _)) => file.add().map(|()| String::new()).unwrap(),
            Err(error) => error.message.clone(),
        }
    };
    let (csv, tsv, ndjson) = (SaveFormat::Csv, SaveFormat::Tsv, SaveFormat::Ndjson);
    for (text, format, columns, expected) in [
        ("", csv, &[][..], ""),
        ("a,b\n", csv, &[], ""),
        ("\u{feff}\"a\",b\r\n1,2\r\n", csv, &[], ""),
        ("a\tb\n", tsv, &[], ""),
        ("b,a\n", csv, &["b", "a"], ""),
        ("b,a\n", csv, &[], "column 1 is `b` in its header, and `a` in the rows"),
        ("a\n", csv, &[], "its header has 1 columns, and the rows have 2"),
        ("a,b,c\n", csv, &[], "its header has 3 columns, and the rows have 2"),
        ("a,b\n", csv, &["a"], "its header has 2 columns, and the rows have 1"),
        ("a,b\n1,2", csv, &[], "its last line has no line end"),
        ("{\"a\":1}", ndjson, &[], "its last line has no line end"),
    ] {
        let found = why(text, format, columns);
        assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{text:?}: {found}");
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(now.starts_with(text) && (expected.is_empty() == (now.len() > text.len())), "{text:?}: {now:?}");
    }
}

#[test]
fn one_process_adds_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let held = prepare(&path, SaveFormat::Ndjson, None, &ROWS).unwrap();
    let error = prepare(&path, SaveFormat::Ndjson, None, &ROWS).err().unwrap();
    assert!(error.message.contains("another process is writing it"), "{error}");
    drop(held);
    prepare(&path, SaveFormat::Ndjson, None, &ROWS).unwrap();
}
