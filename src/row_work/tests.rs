//! Tests of the operations on rows: cases as data, memory and files, cancelling, and the index of keys.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use super::temporary::BUDGET;
use super::{FieldPath, KeyIndex, NdjsonFile, RowStream, RowsAt, WorkInput, WorkPlan, Workspace};
use crate::error::{Error, ErrorKind, Result};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkCase {
    case: String,
    plan: serde_json::Value,
    rows: String,
    right: Option<String>,
    result: Option<String>,
    error: Option<String>,
    #[serde(default)]
    list: bool,
}

pub(super) fn plan(json: serde_json::Value) -> WorkPlan {
    serde_json::from_value(json).unwrap()
}

pub(super) fn stream(lines: &str) -> impl Iterator<Item = Result<Arc<str>>> {
    lines.lines().map(|line| Ok(Arc::from(line)))
}

/// The lines of the result.
pub(super) fn run(plan: &WorkPlan, left: &str, right: &str, work: &Workspace) -> Result<String> {
    let mut out = String::new();
    let (mut left, mut right) = (stream(left), stream(right));
    let input = WorkInput { rows: &mut left, right: Some(&mut right) };
    plan.run(input, work, &mut |row| {
        out.push_str(row);
        out.push('\n');
        Ok(())
    })?;
    Ok(out)
}

pub(super) fn go_on() -> Result<()> {
    Ok(())
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn cases() {
    let cases: Vec<WorkCase> = serde_yaml::from_str(include_str!("cases.yaml")).unwrap();
    assert!(cases.len() > 30);
    let folder = tempfile::tempdir().unwrap();
    for case in cases {
        let plan = plan(case.plan);
        let written = serde_json::to_value(&plan).unwrap();
        assert_eq!(serde_json::from_value::<WorkPlan>(written).unwrap(), plan, "{}", case.case);
        if let Some(error) = plan.check().err() {
            assert_eq!((error.kind(), Some(&error.message)), (ErrorKind::InvalidOptions, case.error.as_ref()));
        }
        for budget in if case.list { &[BUDGET][..] } else { &[BUDGET, 100] } {
            let work = Workspace::new(folder.path(), "work", &go_on).unwrap().with_budget(*budget);
            let result = run(&plan, &case.rows, case.right.as_deref().unwrap_or_default(), &work);
            let error = result.as_ref().err().map(|error| error.message.clone());
            assert_eq!((result.ok(), error), (case.result.clone(), case.error.clone()), "{} ({budget})", case.case);
        }
        assert_eq!(files_in(folder.path()), 0, "{}", case.case);
    }
}

/// One plan of each operation that keeps rows, for rows with `id`, `k` and `n`.
fn plans() -> Vec<(&'static str, WorkPlan)> {
    let of = |json| plan(json);
    vec![
        ("sort", of(serde_json::json!({"sort": {"by": [{"path": "k"}]}}))),
        ("dedupe", of(serde_json::json!({"dedupe": {"by": ["id"]}}))),
        ("join", of(serde_json::json!({"join": {"on": [{"left": "id", "right": "id"}], "as": "r"}}))),
        (
            "aggregate",
            of(serde_json::json!({"aggregate": {"by": [{"path": "id", "name": "id"}], "values": [
                {"name": "n", "function": "sum", "path": "n"},
                {"name": "d", "function": "count_distinct", "path": "k"},
            ]}})),
        ),
    ]
}

fn row(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    format!(r#"{{"id":{number},"k":"k{mixed}","n":{}.25,"text":"{}"}}"#, mixed % 100, "x".repeat(80))
}

/// Rows are counted as they are read, so that memory does not depend on how many a stream has made.
#[test]
fn memory_is_within_the_budget_for_any_number_of_rows() {
    const BYTES: usize = 64 << 10;
    let folder = tempfile::tempdir().unwrap();
    for (name, plan) in plans() {
        let mut files = Vec::new();
        for rows in [100, 20_000] {
            let (read, written) = (Cell::new(0), Cell::new(0_u64));
            let numbered = || {
                (0..rows).map(|number| {
                    read.set(read.get() + 1);
                    Ok(Arc::from(row(number)))
                })
            };
            let (mut left, mut right) = (numbered(), numbered());
            let right: Option<&mut RowStream> = (name == "join").then_some(&mut right as &mut RowStream);
            let sides = 1 + u64::from(right.is_some());
            let work = Workspace::new(folder.path(), name, &go_on).unwrap().with_budget(BYTES);
            let each = &mut |_: &str| {
                written.set(written.get() + 1);
                Ok(())
            };
            plan.run(WorkInput { rows: &mut left, right }, &work, each).unwrap();
            assert_eq!((read.get(), written.get()), (rows * sides, rows), "{name}");
            assert!(work.peak() <= BYTES, "{name}: {} bytes for {rows} rows", work.peak());
            files.push(work.files());
            assert_eq!(files_in(folder.path()), 0, "{name}");
        }
        assert!(files[1] > files[0], "{name}: {files:?} files");
    }
}

#[test]
fn small_inputs_need_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let lines: String = (0..1000).map(|number| row(number) + "\n").collect();
    for (name, plan) in plans() {
        let work = Workspace::new(&absent, name, &go_on).unwrap();
        run(&plan, &lines, &lines, &work).unwrap();
        assert_eq!((work.files(), absent.exists()), (0, false), "{name}");
    }
}

#[test]
fn files_are_private_and_removed_and_leftovers_too() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    let lines: String = (0..2000).map(|number| row(number) + "\n").collect();
    std::fs::create_dir(&inner).unwrap();
    for name in ["work.0.tmp", "work.17.tmp", "work.x.tmp", "other.0.tmp"] {
        std::fs::write(inner.join(name), "left").unwrap();
    }
    for (_, plan) in plans() {
        let work = Workspace::new(&inner, "work", &go_on).unwrap().with_budget(8 << 10);
        let mut right = stream(&lines);
        let most = Cell::new(0);
        let each = &mut |_: &str| {
            most.set(most.get().max(files_in(&inner)));
            #[cfg(unix)]
            for entry in std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap()) {
                use std::os::unix::fs::PermissionsExt;
                let is_own =
                    entry.file_name().to_string_lossy().starts_with("work.") && entry.file_name() != "work.x.tmp";
                assert!(!is_own || entry.metadata().unwrap().permissions().mode() & 0o777 == 0o600);
            }
            if most.get() > 2 { Err(Error::cancelled()) } else { Ok(()) }
        };
        let input = WorkInput { rows: &mut stream(&lines), right: Some(&mut right) };
        // The output fails at once: files are removed also then.
        assert_eq!(plan.run(input, &work, each).unwrap_err().kind(), ErrorKind::Cancelled);
    }
    let mut left: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["other.0.tmp", "work.x.tmp"]);
}

#[test]
fn a_cancelled_operation_ends_soon() {
    let folder = tempfile::tempdir().unwrap();
    for (name, plan) in plans() {
        let checks = Cell::new(0);
        let check = || {
            checks.set(checks.get() + 1);
            if checks.get() == 2 { Err(Error::cancelled()) } else { Ok(()) }
        };
        let read = Cell::new(0);
        let mut endless = (0..).map(|number| {
            read.set(read.get() + 1);
            Ok(Arc::from(row(number)))
        });
        let work = Workspace::new(folder.path(), name, &check).unwrap().with_budget(64 << 10);
        let mut none = std::iter::empty();
        let result = plan.run(WorkInput { rows: &mut endless, right: Some(&mut none) }, &work, &mut |_| Ok(()));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled, "{name}");
        assert!(read.get() <= 2 * 4096, "{name}: {}", read.get());
    }
    assert_eq!(files_in(folder.path()), 0);
}

#[test]
fn an_error_of_the_rows_or_of_the_output_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let broken = || Error::new(ErrorKind::State, "broken");
    for (name, plan) in plans() {
        let work = Workspace::new(folder.path(), name, &go_on).unwrap();
        let mut rows = stream("{\"id\":1}").chain(std::iter::once(Err(broken())));
        let mut right = stream("{\"id\":1}");
        let input = WorkInput { rows: &mut rows, right: Some(&mut right) };
        assert_eq!(plan.run(input, &work, &mut |_| Ok(())).unwrap_err().message, "broken", "{name}");
        let mut right = stream("{\"id\":1}");
        let input = WorkInput { rows: &mut stream("{\"id\":1}"), right: Some(&mut right) };
        assert_eq!(plan.run(input, &work, &mut |_| Err(broken())).unwrap_err().message, "broken", "{name}");
    }
}

#[test]
fn a_full_disk_is_a_state_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let lines: String = (0..100).map(|number| row(number) + "\n").collect();
    for (name, plan) in plans() {
        // No folder can be made below a file.
        let below = file.join("below");
        let work = Workspace::new(&below, name, &go_on).map(|work| work.with_budget(1000));
        let result = work.and_then(|work| run(&plan, &lines, &lines, &work));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::State, "{name}");
    }
}

#[test]
fn a_key_has_a_largest_length() {
    let folder = tempfile::tempdir().unwrap();
    for (length, fits) in [((64 << 10) - 3, true), ((64 << 10) - 2, false)] {
        let line = format!("{{\"id\":\"{0}\",\"k\":\"{0}\",\"n\":1}}\n", "x".repeat(length));
        for (name, plan) in plans() {
            let work = Workspace::new(folder.path(), name, &go_on).unwrap();
            let error = run(&plan, &line, &line, &work).err().map(|error| error.kind());
            assert_eq!(error, (!fits).then_some(ErrorKind::Limit), "{name} {length}");
        }
    }
}

#[test]
fn paths_as_written() {
    for (text, names, pointer) in [
        ("a", &["a"][..], "/a"),
        ("a.b", &["a", "b"], "/a/b"),
        ("a/b", &["a", "b"], "/a/b"),
        ("/a.b", &["a.b"], "/a.b"),
        ("/a~1b/c", &["a/b", "c"], "/a~1b/c"),
        ("", &[], ""),
    ] {
        let path = FieldPath::of(text);
        assert_eq!(
            (path.names(), path.pointer().as_str()),
            (&*names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(), pointer)
        );
        assert_eq!(FieldPath::of(&path.pointer()), path);
    }
}

/// Lines with the offsets at which they start.
pub(super) fn with_offsets(lines: &str) -> Vec<(u64, Arc<str>)> {
    let mut offset = 0;
    let place = |line: &str| {
        let start = offset;
        offset += line.len() as u64 + 1;
        (start, Arc::from(line))
    };
    lines.lines().map(place).collect()
}

#[test]
fn an_index_finds_rows_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..5000)
        .map(|n| format!("{{\"id\":{},\"n\":{n},\"text\":\"{}\"}}\n", n % 2500, "x".repeat(n % 7 * 1000)))
        .chain(["{\"id\":\"7\"}\n".to_owned(), "{\"id\":null}\n".to_owned(), "{}\n".to_owned()])
        .collect();
    let path = folder.path().join("rows.ndjson");
    std::fs::write(&path, &lines).unwrap();
    let file = NdjsonFile::open(&path).unwrap();
    for budget in [BUDGET, 16 << 10, 100] {
        let work = Workspace::new(folder.path(), "index", &go_on).unwrap().with_budget(budget);
        let index =
            KeyIndex::build(&mut with_offsets(&lines).into_iter().map(Ok), &FieldPath::of("id"), &work).unwrap();
        assert_eq!(index.count(), 5001);
        assert!(work.peak() <= budget.max(4 << 10), "{budget}: {}", work.peak());
        let find = |key: &str, most| -> Vec<(u64, Arc<str>)> { index.find(key, &file, most).unwrap() };
        for (place, (offset, row)) in with_offsets(&lines).into_iter().enumerate().take(2500).step_by(97) {
            let found = find(&place.to_string(), 9);
            assert_eq!(found.len(), 2, "{place}");
            assert_eq!(found[0], (offset, row), "{place}");
            assert!(found[1].1.contains(&format!("\"n\":{}", place + 2500)), "{place}");
            assert_eq!(find(&format!("{place}.0"), 1), found[..1], "{place}");
        }
        assert_eq!(find("\"7\"", 9).len(), 1);
        for absent in ["2500", "\"8\"", "null", "true"] {
            assert!(find(absent, 9).is_empty(), "{absent}");
        }
        assert!(find("7", 0).is_empty());
        assert_eq!(index.find("[1]", &file, 1).unwrap_err().kind(), ErrorKind::InvalidOptions);
        assert_eq!(files_in(folder.path()), 1 + usize::from(budget < BUDGET), "{budget}");
    }
    assert_eq!(files_in(folder.path()), 1);
    assert_eq!(file.row_at(1 << 40).unwrap_err().kind(), ErrorKind::State);
}

#[test]
fn an_index_checks_the_key_of_the_row_that_it_finds() {
    struct Other;
    impl RowsAt for Other {
        fn row_at(&self, offset: u64) -> Result<Arc<str>> {
            Ok(Arc::from(if offset == 0 { "{\"id\":2}" } else { "{\"id\":1}" }))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let work = Workspace::new(folder.path(), "index", &go_on).unwrap();
    let lines = "{\"id\":1}\n{\"id\":1}";
    let index = KeyIndex::build(&mut with_offsets(lines).into_iter().map(Ok), &FieldPath::of("id"), &work).unwrap();
    let found: Vec<u64> = index.find("1", &Other, 9).unwrap().into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(found, [9]);
}

#[test]
fn an_index_can_be_shared() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<KeyIndex>();
    is_shared::<NdjsonFile>();
}
