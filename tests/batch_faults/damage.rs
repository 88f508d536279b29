//! Damage to the files of an unfinished run: an incomplete last line is repaired, anything else is refused with advice.
//! A run never starts over silently.

use std::fs;
use std::path::Path;

use sha2::Digest;

use crate::shim::{Fault, When};
use crate::verdict;
use crate::world::{Setting, World};
use crate::{Clean, Point};

/// The expected result for a damaged run.
enum Expected {
    /// It is resumed and ends normally.
    GoesOn,
    /// It stops with `state`, this text in its message, and advice.
    Refused(&'static str),
}

use Expected::{GoesOn, Refused};

type Harm = fn(&World<'_>);

const HARMS: &[(&str, Harm, Expected)] = &[
    ("journal-tail-without-its-line-end", |w| tail(w, |last| last.len() - 1), GoesOn),
    ("journal-tail-cut-in-the-middle", |w| tail(w, |last| last.len() / 2), GoesOn),
    ("journal-tail-of-one-byte", |w| tail(w, |_| 1), GoesOn),
    ("journal-tail-with-rubbish", |w| append(w, "journal", b"0000000000000000 {\"fact\":\"ou"), GoesOn),
    ("journal-tail-no-text", |w| append(w, "journal", b"\xff\xfe\x00half"), GoesOn),
    (
        "journal-rubbish-line",
        |w| append(w, "journal", b"0000000000000000 {\"fact\":\"again\"}\n"),
        Refused("has a checksum that does not match"),
    ),
    ("journal-empty", |w| fs::write(w.state("journal"), "").unwrap(), Refused("it is empty or missing")),
    ("journal-missing", |w| fs::remove_file(w.state("journal")).unwrap(), Refused("it is empty or missing")),
    (
        "journal-first-line-torn",
        |w| write(w, "journal", |text| text[..40].to_owned()),
        Refused("it is empty or missing"),
    ),
    ("journal-without-its-end", |w| lines(w, |lines| lines.truncate(lines.len() / 2)), Refused("it ends with line")),
    ("journal-of-one-line", |w| lines(w, |lines| lines.truncate(1)), Refused("it ends with line 1")),
    (
        "journal-and-tail-missing",
        |w| ["journal", "journal.tail"].iter().for_each(|f| fs::remove_file(w.state(f)).unwrap()),
        Refused("it is empty"),
    ),
    (
        "tail-missing",
        |w| fs::remove_file(w.state("journal.tail")).unwrap(),
        Refused("journal.tail is damaged: it is missing"),
    ),
    ("tail-zeroed", |w| fs::write(w.state("journal.tail"), [0; 1024]).unwrap(), Refused("journal.tail is damaged")),
    ("tail-with-one-damaged-line", |w| bytes(w, "journal.tail", |b| b[40] ^= 1), GoesOn),
    (
        "journal-without-its-middle",
        |w| lines(w, |lines| drop(lines.remove(lines.len() / 2))),
        Refused("has a checksum that does not match"),
    ),
    (
        "journal-cut-in-its-middle-and-gone-on",
        |w| lines(w, |lines| lines[5] = lines[5][..30].to_owned()),
        Refused("line 6 has a checksum that does not match"),
    ),
    (
        "journal-two-lines-swapped",
        |w| lines(w, |lines| lines.swap(4, 5)),
        Refused("line 5 has a checksum that does not match"),
    ),
    (
        "journal-line-doubled",
        |w| lines(w, |lines| lines.insert(7, lines[6].clone())),
        Refused("line 8 has a checksum that does not match"),
    ),
    ("journal-bit-flipped-in-a-checksum", |w| flip(w, 0), Refused("has a checksum that does not match")),
    ("journal-bit-flipped-in-a-fact", |w| flip(w, 30), Refused("has a checksum that does not match")),
    ("journal-newer", newer, Refused("newer opnode")),
    (
        "run.json-missing",
        |w| fs::remove_file(w.state("run.json")).unwrap(),
        Refused("run.json is damaged: it is missing"),
    ),
    ("run.json-damaged", |w| cut(w, "run.json", 20), Refused("run.json is damaged")),
    ("run.json-empty", |w| fs::write(w.state("run.json"), "").unwrap(), Refused("run.json is damaged")),
    (
        "run.json-edited",
        |w| write(w, "run.json", |t| t.replace("\"started\": \"2", "\"started\": \"3")),
        Refused("its checksum does not match"),
    ),
    ("run.json-no-text", |w| append(w, "run.json", b"\xff\xfe"), Refused("run.json")),
    (
        "spool-shorter-than-the-journal-says",
        |w| write(w, "spool/main/make.ndjson", |rows| rows[..5].to_owned()),
        Refused("make.ndjson is damaged: it has"),
    ),
    (
        "spool-of-an-earlier-step-shorter",
        |w| cut(w, "spool/main/list.ndjson", 10),
        Refused("list.ndjson is damaged: it has"),
    ),
    (
        "spool-missing",
        |w| fs::remove_file(w.state("spool/main/make.ndjson")).unwrap(),
        Refused("make.ndjson is damaged: it has 0 bytes"),
    ),
    ("spool-longer-than-the-journal-says", |w| append(w, "spool/main/make.ndjson", b"{\"id\":\"half a ro"), GoesOn),
    (
        "spool-of-an-earlier-step-longer",
        |w| append(w, "spool/main/list.ndjson", b"{\"id\":99}\n{\"id\":10"),
        Refused("list.ndjson is damaged: it has"),
    ),
    (
        "spool-zeroed",
        |w| bytes(w, "spool/main/list.ndjson", |b| b[900..2400].fill(0)),
        Refused("rows 1 to 80 differ from those"),
    ),
    (
        "spool-bit-flipped-in-a-value",
        |w| bytes(w, "spool/main/list.ndjson", |b| b[6] ^= 1),
        Refused("rows 1 to 80 differ from those"),
    ),
    (
        "spool-line-end-flipped",
        |w| flip_line_end(w, "spool/main/list.ndjson"),
        Refused("rows 1 to 80 differ from those"),
    ),
    ("spool-rows-swapped", |w| swap_rows(w, "spool/main/list.ndjson"), Refused("rows 1 to 80 differ from those")),
    (
        "spool-under-way-bit-flipped",
        |w| bytes(w, "spool/main/make.ndjson", |b| b[9] ^= 1),
        Refused("make.ndjson is damaged: rows 1 to"),
    ),
    (
        "watermarks.json-damaged",
        |w| fs::write(w.state("watermarks.json"), "{\"main/list\": ").unwrap(),
        Refused("watermarks.json is damaged"),
    ),
    (
        "watermarks.json-of-an-unknown-run-in-the-middle-of-a-run",
        |w| fs::write(w.state("watermarks.json"), r#"{"main/list": "2020-01-01T00:00:00Z"}"#).unwrap(),
        Refused("watermarks.json does not belong to this run"),
    ),
    (
        "watermarks.json-no-text",
        |w| fs::write(w.state("watermarks.json"), b"\xff\xfe").unwrap(),
        Refused("watermarks.json"),
    ),
    ("leftovers", leftovers, GoesOn),
];

/// Files of another run of the same batch, in place of this run's.
const FOREIGN: &[(&str, &str)] = &[
    ("journal", "it belongs to another run than journal.tail"),
    ("journal.tail", "it belongs to another run than journal.tail"),
    ("run.json", "run.json is damaged: it belongs to the run"),
    ("watermarks.json", "watermarks.json does not belong to this run"),
];

pub fn all() -> Vec<Point> {
    let harms = HARMS.iter().map(|(name, harm, then)| {
        Point::new(format!("damage/{name}"), move |setting, clean| damaged(setting, clean, (name, *harm), then))
    });
    let others = [
        ("damage/refused-runs-can-start-over", start_over as fn(&Setting, &Clean) -> Result<(), String>),
        ("damage/a-killed-start-over-is-completed-by-the-next", killed_start_over),
        ("damage/an-ended-run-is-not-checked", ended),
        ("damage/an-unfinished-run-of-version-1-is-refused", older_unfinished),
        ("damage/an-ended-run-of-version-1-does-not-block-new-runs", older_ended),
        ("damage/watermarks-may-be-edited-between-runs", edited),
        ("disk/requested-report", report),
    ];
    let foreign = FOREIGN.iter().map(|(file, then)| {
        Point::new(format!("damage/{}-of-another-run", file.rsplit('/').next().unwrap()), move |setting, clean| {
            another(setting, clean, file, then)
        })
    });
    harms.chain(foreign).chain(others.into_iter().map(|(name, test)| Point::new(name.into(), test))).collect()
}

/// A run that was killed during its writes, with some outcomes recorded.
fn killed<'s>(setting: &'s Setting, clean: &Clean) -> Result<World<'s>, String> {
    let world = World::new(setting);
    let outcome = clean.calls.iter().filter(|c| c.path.ends_with("make.ndjson") && c.kind == "write").nth(12);
    let at = outcome.ok_or("a run writes no outcomes")?.number;
    let ended = world.run(Some(&Fault::Kill(When::After, at)), &[])?;
    let journal = fs::read_to_string(world.state("journal")).map_err(|e| e.to_string())?;
    if ended.exit.is_some() || !journal.contains(r#""fact":"outcome","step":"main/make""#) {
        return Err(format!("it was not killed where it should be: {:?} {}", ended.exit, ended.stderr));
    }
    Ok(world)
}

fn damaged(setting: &Setting, clean: &Clean, (name, harm): (&str, Harm), then: &Expected) -> Result<(), String> {
    let world = killed(setting, clean)?;
    harm(&world);
    match then {
        GoesOn => {
            world.run_to_the_end(&[])?;
            verdict::check(&world, &clean.left).map(|_| ())
        }
        // Rows are verified when they are used: the failed elements of the step before are read again until then.
        Refused(message) if name.starts_with("spool") => {
            refused_with(&world, message, &["run.json", "watermarks.json"])
        }
        Refused(message) => refused(&world, message),
    }
}

/// The run is refused with advice, and nothing is done.
fn refused(world: &World<'_>, message: &str) -> Result<(), String> {
    refused_with(world, message, &FILES)
}

/// The same; of the run folder, only these files must be unchanged.
fn refused_with(world: &World<'_>, message: &str, names: &[&str]) -> Result<(), String> {
    let before = (world.records_at_rest(), files(world, names));
    let ended = world.run(None, &[])?;
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    if ended.exit != Some(9) || !said.contains("error[state]") || !said.contains(message) || !said.contains("help: ") {
        return Err(format!("it ended with {:?}, and should refuse with {message:?}: {said}", ended.exit));
    }
    if (world.records(), files(world, names)) != before {
        return Err("something was done before it refused".into());
    }
    Ok(())
}

fn another(setting: &Setting, clean: &Clean, file: &str, message: &str) -> Result<(), String> {
    let (world, other) = (killed(setting, clean)?, killed(setting, clean)?);
    if file == "watermarks.json" {
        other.run_to_the_end(&[])?;
    }
    fs::copy(other.state(file), world.state(file)).map_err(|e| e.to_string())?;
    refused(&world, message)
}

/// Converts a folder to version 1: no digests, and no file beside the journal.
fn make_older(world: &World<'_>) {
    fs::remove_file(world.state("journal.tail")).unwrap();
    let mut last = String::new();
    lines(world, |lines| {
        for line in lines {
            let json = line.split_once(' ').unwrap().1.replace(r#""version":3"#, r#""version":1"#);
            let parts: Vec<&str> = json.split(r#","sum":""#).collect();
            let json: String =
                parts.iter().enumerate().map(|(n, part)| if n == 0 { part } else { &part[17..] }).collect();
            let digest = sha2::Sha256::new().chain_update(&last).chain_update(&json).finalize();
            last = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
            *line = format!("{last} {json}");
        }
    });
}

fn older_unfinished(setting: &Setting, clean: &Clean) -> Result<(), String> {
    let world = killed(setting, clean)?;
    make_older(&world);
    refused(&world, "its journal has version 1")?;
    let ended = world.run(None, &["--fresh"])?;
    if ended.exit == Some(8) { Ok(()) } else { Err(format!("--fresh ended with {:?}: {}", ended.exit, ended.stderr)) }
}

fn older_ended(setting: &Setting, _: &Clean) -> Result<(), String> {
    let world = World::new(setting);
    world.run_to_the_end(&[])?;
    make_older(&world);
    let marks = world.watermarks()?;
    fs::write(world.state("watermarks.json"), &marks).map_err(|e| e.to_string())?;
    let retried = world.run(None, &["--retry-failed"])?;
    if retried.exit != Some(9) || !retried.stderr.contains("version 1") {
        return Err(format!("--retry-failed ended with {:?}: {}", retried.exit, retried.stderr));
    }
    let again = world.run(None, &[])?;
    match again.exit {
        Some(8) if world.watermarks()? == marks && world.records().values().all(|times| *times == 2) => Ok(()),
        _ => Err(format!("ended with {:?}: {}", again.exit, again.stderr)),
    }
}

/// Edited values are used, and reported once.
fn edited(setting: &Setting, _: &Clean) -> Result<(), String> {
    let world = World::new(setting);
    world.run_to_the_end(&[])?;
    // A watermark does not move past failed items.
    world.opnode(None, &["items", "settle", "last", "--state", "state"])?;
    let moved = world.run(None, &["--resume", "never"])?;
    let stored = world.watermarks()?;
    if moved.exit != Some(0) || !stored.contains("2026-03-31") || world.records().values().any(|times| *times != 1) {
        return Err(format!("ended with {:?} and {stored}: {}", moved.exit, moved.stderr));
    }
    world.accept_all();
    write(&world, "watermarks.json", |text| text.replace("2026-03-31", "2025-03-31"));
    let again = world.run(None, &["--resume", "never"])?;
    if again.exit != Some(0) || !again.stderr.contains("was edited after the run") || world.watermarks()? != stored {
        return Err(format!("ended with {:?}: {}", again.exit, again.stderr));
    }
    write(&world, "watermarks.json", |text| text.replace("\"matrix\"", "\"another\""));
    refused(&world, "the batch another stored it")?;
    fs::remove_file(world.state("watermarks.json")).map_err(|e| e.to_string())?;
    let again = world.run(None, &["--resume", "never"])?;
    if again.exit == Some(0) && world.watermarks()? == stored {
        Ok(())
    } else {
        Err(format!("ended with {:?}: {}", again.exit, again.stderr))
    }
}

/// The files of the run that are compared.
const FILES: [&str; 5] =
    ["journal", "run.json", "watermarks.json", "spool/main/list.ndjson", "spool/main/details.ndjson"];

/// The files of the run with their contents, except the lock and facts about processes.
fn files(world: &World<'_>, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let of_processes = [r#" {"fact":"begun""#, r#" {"fact":"paused""#, r#" [{"fact":"paused""#];
    let read = |name: &str| {
        let bytes = fs::read(world.state(name)).unwrap_or_default();
        let lines = bytes.split_inclusive(|b| *b == b'\n');
        let is_of_process =
            |line: &[u8]| of_processes.iter().any(|fact| line.windows(fact.len()).any(|w| w == fact.as_bytes()));
        lines.filter(|line| !is_of_process(line)).flatten().copied().collect()
    };
    names.iter().map(|name| ((*name).to_owned(), read(name))).collect()
}

/// `--fresh` starts over and keeps the old run's files.
fn start_over(setting: &Setting, clean: &Clean) -> Result<(), String> {
    let world = killed(setting, clean)?;
    flip(&world, 30);
    let journal = fs::read(world.state("journal")).map_err(|e| e.to_string())?;
    let refused = world.run(None, &[])?;
    if refused.exit != Some(9) || !refused.stderr.contains("--fresh") {
        return Err(format!("expected to be refused with the way out: {}", refused.stderr));
    }
    let ended = world.run(None, &["--fresh"])?;
    if ended.exit != Some(8) {
        return Err(format!("--fresh ended with {:?}: {}", ended.exit, ended.stderr));
    }
    let past: Vec<_> =
        fs::read_dir(world.state("past")).map_err(|e| e.to_string())?.flatten().map(|e| e.path()).collect();
    let is_kept = past.iter().any(|p| {
        fs::read(p.join("journal")).ok().as_ref() == Some(&journal) && p.join("spool/main/list.ndjson").exists()
    });
    if is_kept { Ok(()) } else { Err(format!("the damaged run is not kept aside: {past:?}")) }
}

/// Kills `--fresh` at each call until the new run has its journal; then runs once without it and once with it.
fn killed_start_over(setting: &Setting, clean: &Clean) -> Result<(), String> {
    let world = killed(setting, clean)?;
    let rows = fs::read(world.state("spool/main/list.ndjson")).map_err(|e| e.to_string())?;
    copy(&world.path("state"), &world.path("kept"));
    for at in 1..=60 {
        fs::remove_dir_all(world.path("state")).map_err(|e| e.to_string())?;
        copy(&world.path("kept"), &world.path("state"));
        let cut = world.run(Some(&Fault::Kill(When::After, at)), &["--fresh"])?;
        let _refused_or_gone_on = world.run(Some(&Fault::Kill(When::After, 30)), &[])?;
        let last = world.run(Some(&Fault::Kill(When::After, 60)), &["--fresh"])?;
        if let Some(exit) = last.exit {
            return Err(format!("killed at {at}, --fresh ended with {exit}: {}", last.stderr));
        }
        let past = fs::read_dir(world.state("past")).map_err(|e| e.to_string())?.flatten();
        let is_kept =
            past.map(|e| e.path().join("spool/main/list.ndjson")).any(|p| fs::read(p).is_ok_and(|kept| kept == rows));
        if !is_kept {
            return Err(format!("killed at {at}, the rows of the first run are gone"));
        }
        if cut.calls.iter().any(|c| c.kind == "sync" && c.path.ends_with("journal")) {
            return Ok(());
        }
    }
    Err("the new run never began".into())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Files of an ended run may be damaged, because the next run is a new one. Its watermarks are still used, and no row
/// is passed on twice.
fn ended(setting: &Setting, _: &Clean) -> Result<(), String> {
    let world = World::new(setting);
    world.run_to_the_end(&[])?;
    let first = world.watermarks()?;
    fs::remove_file(world.state("run.json")).map_err(|e| e.to_string())?;
    let again = world.run(None, &["--resume", "never"])?;
    let second = world.watermarks()?;
    let once = world.records().values().all(|times| *times == 1);
    match again.exit {
        Some(0) if first == second && once => Ok(()),
        _ => Err(format!("ended with {:?}: {}", again.exit, again.stderr)),
    }
}

/// The run has ended when `--report` is written. The error says so, because running it again would start over.
fn report(setting: &Setting, clean: &Clean) -> Result<(), String> {
    let world = World::new(setting);
    let ended = world.run(None, &["--report", "/dev/full"])?;
    if ended.exit != Some(9) || world.has_ended() || !ended.stderr.contains("without sending anything again") {
        return Err(format!("it ended with {:?}: {}", ended.exit, ended.stderr));
    }
    // With a writable place, it ends, and nothing is sent again.
    let again = world.run(None, &["--report", "report-at-last.json"])?;
    if again.exit == Some(9) || !world.has_ended() {
        return Err(format!("again, it ended with {:?}: {}", again.exit, again.stderr));
    }
    verdict::check(&world, &clean.left).map(|_| ())
}

fn write(world: &World<'_>, name: &str, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(world.state(name)).unwrap();
    fs::write(world.state(name), change(&text)).unwrap();
}

fn cut(world: &World<'_>, name: &str, bytes: usize) {
    write(world, name, |text| text[..text.len() - bytes].to_owned());
}

fn append(world: &World<'_>, name: &str, more: &[u8]) {
    let mut bytes = fs::read(world.state(name)).unwrap();
    bytes.extend_from_slice(more);
    fs::write(world.state(name), bytes).unwrap();
}

/// Appends an incomplete line, as after a kill during a write.
fn tail(world: &World<'_>, bytes: fn(&str) -> usize) {
    write(world, "journal", |text| {
        let last = text.split_inclusive('\n').next_back().unwrap();
        format!("{text}{}", &last[..bytes(last)])
    });
}

fn bytes(world: &World<'_>, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(world.state(name)).unwrap();
    change(&mut bytes);
    fs::write(world.state(name), bytes).unwrap();
}

fn flip_line_end(world: &World<'_>, name: &str) {
    bytes(world, name, |b| {
        let at = b.iter().position(|b| *b == b'\n').unwrap();
        b[at] ^= 1;
    });
}

fn swap_rows(world: &World<'_>, name: &str) {
    write(world, name, |text| {
        let mut rows: Vec<&str> = text.lines().collect();
        rows.swap(3, 4);
        rows.join("\n") + "\n"
    });
}

fn lines(world: &World<'_>, change: impl FnOnce(&mut Vec<String>)) {
    write(world, "journal", |text| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.join("\n") + "\n"
    });
}

/// Flips a bit of the sixth line.
fn flip(world: &World<'_>, at: usize) {
    lines(world, |lines| {
        let mut bytes = lines[5].clone().into_bytes();
        bytes[at] ^= 1;
        lines[5] = String::from_utf8(bytes).unwrap();
    });
}

fn newer(world: &World<'_>) {
    lines(world, |lines| lines[0] = lines[0].replace(r#""version":3"#, r#""version":4"#));
}

/// Files that a killed run may leave beside its results.
fn leftovers(world: &World<'_>) {
    for name in [
        "state/matrix/.run.json.opnode",
        "state/matrix/.watermarks.json.opnode",
        "out/.made.ndjson.opnode",
        "out/.opnode-probe",
    ] {
        fs::write(world.path(name), "half").unwrap();
    }
}
