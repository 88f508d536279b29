//! Parquet and Arrow files with damaged bytes are read or refused: without a panic, and without a row that is no JSON.

use std::path::Path;

use serde_json::value::RawValue;

use super::{ReadOptions, RowFile, RowFormat, RowPosition};

#[test]
fn damaged_files_are_read_or_refused() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/row_files");
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(17);
    let (mut read, mut refused) = (0, 0);
    for (name, extension) in [
        ("parquet-snappy", "parquet"),
        ("parquet-groups", "parquet"),
        ("parquet-pages-2", "parquet"),
        ("arrow-feather", "feather"),
        ("arrow-batches", "arrow"),
        ("arrow-stream", "arrow"),
        ("arrow-views", "arrow"),
    ] {
        let whole = std::fs::read(cases.join(name).join(format!("input.{extension}"))).unwrap();
        let path = folder.path().join(format!("a.{extension}"));
        let format = RowFormat::of_name(&path).unwrap();
        for round in 0..damages() {
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                bytes[at] = if round % 2 == 0 { random.u8(..) } else { bytes[at] ^ (1 << random.usize(..8)) };
            }
            std::fs::write(&path, bytes).unwrap();
            match RowFile::open(&path, format, &ReadOptions::default(), &RowPosition::default()) {
                Ok(mut file) => {
                    for _ in 0..1000 {
                        let next = file.next_row().map(|row| row.map(str::to_owned));
                        match next {
                            Ok(Some(row)) => drop(serde_json::from_str::<&RawValue>(&row).unwrap()),
                            Err(_) if !file.is_broken() => {}
                            Ok(None) | Err(_) => break,
                        }
                    }
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

fn damages() -> usize {
    std::env::var("DAMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(100)
}
