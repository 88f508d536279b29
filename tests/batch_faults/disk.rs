//! Each file operation fails once, in each way: the run stops with `state` and names the file, and the next run
//! completes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::shim::{Call, Fault};
use crate::world::{Setting, World};
use crate::{Clean, Point, table, verdict};

/// The result of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The run stops, and the next one resumes it.
    Stops,
    /// The run continues, because nothing depends on the failed operation.
    Harmless,
    /// Harmless if the folder exists already.
    Either,
}

use Expected::{Either, Harmless, Stops};

const SPOOLS: &[&str] = &[
    "list.ndjson",
    "details.ndjson",
    "make.ndjson",
    "end.ndjson",
    "failed/main/details.ndjson",
    "failed/main/make.ndjson",
];
const WHOLE: &[&str] = &["details.csv", "made.ndjson", "report.json", "run.json", "watermarks.json"];
/// The keys of rows that earlier runs have seen.
const SEEN: &str = "seen.main%2Flist";
/// A file to which rows are added; they are written under a temporary name first.
const ADDED: &[&str] = &["all.csv"];
/// Files that are written under a temporary name and renamed; no spool has such a name.
const RENAMED: &[&str] = &["list.ndjson", "failed/main/details.ndjson", "failed/main/make.ndjson"];

/// Every operation on files of a run, by kind, with the result of its failure. A temporary file counts under its final
/// name.
const TABLE: &[(&str, &[&str], Expected)] = &[
    ("open", SPOOLS, Stops),
    ("open", WHOLE, Stops),
    ("open", ADDED, Stops),
    ("write", ADDED, Stops),
    ("sync", ADDED, Stops),
    ("open", &["list.seen.ndjson", SEEN], Stops),
    ("write", &["list.seen.ndjson", SEEN], Stops),
    ("sync", &["list.seen.ndjson", SEEN], Stops),
    ("rename", &[SEEN], Stops),
    ("open", &["journal", "journal.tail", "gate", "lock", "probe"], Stops),
    ("write", SPOOLS, Stops),
    ("write", WHOLE, Stops),
    ("write", &["journal", "journal.tail"], Stops),
    ("sync", SPOOLS, Stops),
    ("sync", WHOLE, Stops),
    // The last three are folders.
    ("sync", &["journal", "journal.tail", "main", "matrix", "out"], Stops),
    ("rename", WHOLE, Stops),
    ("rename", RENAMED, Stops),
    ("truncate", &["details.ndjson", "journal", "journal.tail"], Stops),
    ("mkdir", &["failed", "main", "matrix", "out", "spool", "state", "work"], Either),
    // A lock without its holder's name would give other processes no hint.
    ("write", &["lock"], Stops),
    ("truncate", &["lock"], Stops),
    // A run does without its log.
    ("open", &["log.ndjson"], Harmless),
    ("write", &["log.ndjson"], Harmless),
    // The next run removes a remaining probe or temporary file.
    ("unlink", &["probe", "all.csv"], Harmless),
];

fn operations() -> impl Iterator<Item = (&'static str, &'static str, Expected)> {
    TABLE.iter().flat_map(|(kind, files, then)| files.iter().map(move |file| (*kind, *file, *then)))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == ".opnode-probe" {
        return "probe".into();
    }
    let name = name.trim_start_matches('.').trim_end_matches(".opnode");
    // The run is a part of the name.
    if name.starts_with(SEEN) {
        return SEEN.into();
    }
    // A step's failures have the name of its rows.
    let is_failures = path.ancestors().nth(2).is_some_and(|folder| folder.ends_with("failed"));
    if is_failures { format!("failed/main/{name}") } else { name.to_owned() }
}

fn then(call: &Call) -> Option<Expected> {
    let name = name_of(&call.path);
    operations().find(|(kind, file, _)| call.kind == *kind && name == *file).map(|(.., then)| then)
}

/// One of each operation, the first or the last.
pub fn short() -> Vec<Point> {
    let mut points = vec![Point::new("disk/operations-are-all-known".into(), |_, clean| known(clean))];
    for (number, (kind, file, _)) in operations().enumerate() {
        let place = if number % 2 == 0 { "first" } else { "last" };
        let errnos: &[&'static str] =
            if kind == "write" { &["short", "EIO", "ENOSPC"] } else { &["ENOSPC", "EIO", "EROFS"] };
        let errno = errnos[number % 3];
        points.push(Point::new(format!("disk/{kind}/{file}/{place}-{errno}"), move |setting, clean| {
            let mut own = clean.calls.iter().filter(|c| c.kind == kind && name_of(&c.path) == file);
            let call = if place == "first" { own.next() } else { own.next_back() };
            let call = call.ok_or("a run does not do this any more: take it out of the table")?;
            fail(setting, clean, call, errno)
        }));
    }
    points
}

/// Every operation of the clean run, in two ways.
pub fn full(calls: &[Call]) -> Vec<Point> {
    let mut points = Vec::new();
    for call in calls.iter().filter(|c| c.kind != "send") {
        let errnos: &[&'static str] = if call.kind == "write" { &["short", "EIO"] } else { &["ENOSPC", "EROFS"] };
        for errno in errnos {
            let call = call.clone();
            points.push(Point::new(format!("disk/{}/{}-{errno}", call.kind, call.own), move |setting, clean| {
                fail(setting, clean, &call, errno)
            }));
        }
    }
    points
}

fn known(clean: &Clean) -> Result<(), String> {
    let new: BTreeSet<String> = clean
        .calls
        .iter()
        .filter(|c| c.kind != "send" && then(c).is_none())
        .map(|c| format!("(\"{}\", \"{}\", Stops),", c.kind, name_of(&c.path)))
        .collect();
    if new.is_empty() {
        Ok(())
    } else {
        Err(format!("a run does what the table does not know:\n{}", new.into_iter().collect::<Vec<_>>().join("\n")))
    }
}

fn fail(setting: &Setting, clean: &Clean, call: &Call, errno: &'static str) -> Result<(), String> {
    let world = World::new(setting);
    let fault = Fault::Fail { kind: call.kind.clone(), number: call.own, errno };
    let told = |e: String| format!("{fault}: {e}");
    let ended = world.run(Some(&fault), &[]).map_err(told)?;
    // The order of concurrent operations differs from run to run.
    let hit = ended.calls.iter().find(|c| c.kind == call.kind && c.own == call.own);
    let (expected, name) = match hit {
        None => (Some(Harmless), String::new()),
        Some(hit) => (then(hit), name_of(&hit.path)),
    };
    let said: String = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    match (expected, ended.exit) {
        (Some(Harmless | Either), Some(8)) => {}
        (Some(Stops | Either), Some(9)) => {
            let name = if name == "probe" { "out" } else { name.as_str() };
            if !said.contains(name) || !said.contains("error[state]") {
                return Err(format!("{fault}: the error does not name {name}: {said}"));
            }
        }
        _ => return Err(format!("{fault} at {name}: expected {expected:?}, it ended with {:?}: {said}", ended.exit)),
    }
    let mut resumes = 0;
    if !world.has_ended() {
        resumes = 1 + world.run_to_the_end(&[]).map_err(told)?;
    } else if ended.exit == Some(9) {
        return Err(format!(
            "{fault}: the run was reported as failed but counts as ended: the next run would start over"
        ));
    }
    if call.kind == "unlink" && name == "all.csv" {
        std::fs::remove_file(world.path("out/.all.csv.opnode")).map_err(|e| format!("{fault}: {e}"))?;
    }
    let unknown = verdict::check(&world, &clean.left).map_err(|e| format!("{fault} at {name}: {e}"))?;
    table::count("disk", resumes, unknown);
    Ok(())
}
