//! Situations: a server's behaviour, a call, and the result that a user must see. Each runs through the command line, a
//! batch file, the library and the C interface; all four must show the expected result. A situation is a YAML file
//! under `tests/situations/`; a new one needs no Rust. `cargo test --test situations -- NAME` runs some.
//!
//! ```yaml
//! about: The behaviour in one sentence
//! connector: { … }         # merged into a connector without authentication whose base_url is the server
//! operation: { … }         # one operation, called `op`; or `operations:` with several, and `call: { operation: NAME }`
//! connection: { … }        # further keys of the connection
//! call:
//!   options: { … }         # a text is JSON with exact digits; the same for items
//!   items: [ … ]
//!   limits: { … }          # of the connection; the default concurrency is 1
//!   strict, forward_only, limit: …
//!   batch: { … }           # merged into the step of the batch
//!   before: [ … ]          # steps of the batch before it
//! replies:                 # the first match answers; a request without a match is a failure; without replies, nothing listens
//!   - when: GET /p?page=2  # further query parameters are allowed; or { request, header: { name: value, or ~ if absent }, body: PART }
//!     times: 1             # number of requests that it answers
//!     status: 200
//!     headers: { … }       # a value ~ omits a header, also from a column of a table; a list is sent as several fields
//!     json: … | text: … | base64: …
//!     drop: true           # no reply; or `cut: true`: half a body
//!     delay_ms: 50
//! expect:                  # omitted keys are not checked
//!   ids, items: [ … ]      # items as a text are compared digit for digit
//!   complete, end, notes, kind, outcomes: …   # kind: none or any; notes are parts of notes, [] means none
//!   says: [ … ]            # parts of the error or its advice
//!   requests: [GET /p?page=1, …]              # in this order if concurrency is 1; or their number. All interfaces send the same
//!   bodies: [ … ]
//!   waited: 1.5            # minimum seconds between the first request and the last
//!   exit, stderr, stderr_lacks: …             # of the command line
//!   batch: { … }           # differences in a batch
//! table:                   # several situations in one file: the first row names columns, which replace {name} in all of the above
//!   - [verb, status, kind]
//!   - [POST, 500, ~]       # a text that is only `{kind}` is the cell itself; ~ omits its key
//! ```
//!
//! Replies may contain `{origin}`, `{host}`, and times some seconds ahead: `{unix+3}`, `{ms+3}`, `{iso+3}`, `{http+3}`.

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};

mod c_library;
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "situations/entries.rs"]
mod entries;
#[path = "situations/form.rs"]
mod form;
#[path = "situations/found.rs"]
mod found;
#[path = "situations/replies.rs"]
mod replies;
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;
#[path = "situations/stage.rs"]
mod stage;
mod table;

use entries::{ENTRIES, Entry, has_compiler};
use form::Situation;
use found::Found;
use stage::Stage;

fn main() {
    let mut arguments = Arguments::from_args();
    // The tests mostly wait.
    arguments.test_threads = arguments.test_threads.or(Some(8));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/situations");
    let trials = files(&root).iter().flat_map(|file| trials(&root, file)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// All situations. Any other file in the folder is an error.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        let ends_with = |end: &str| path.extension().is_some_and(|own| own == end);
        if path.is_dir() {
            found.extend(files(&path));
        } else if ends_with("yaml") {
            found.push(path);
        } else {
            assert!(ends_with("rs") || ends_with("c"), "{}: a situation is a file NAME.yaml", path.display());
        }
    }
    found.sort();
    found
}

fn trials(root: &Path, file: &Path) -> Vec<Trial> {
    let name = file.strip_prefix(root).unwrap().with_extension("").display().to_string();
    match form::read(&std::fs::read_to_string(file).unwrap()) {
        Err(fault) => vec![Trial::test(name, move || Err(Failed::from(fault)))],
        Ok(all) => all
            .into_iter()
            .map(|(row, situation)| trial(format!("{name} {row}").trim_end().to_owned(), situation))
            .collect(),
    }
}

fn trial(name: String, situation: Situation) -> Trial {
    let kind = if has_compiler() { "" } else { "without C, which needs cc" };
    Trial::test(name, move || play(&situation).map_err(Failed::from)).with_kind(kind)
}

/// Runs it through every interface at once.
fn play(situation: &Situation) -> Result<(), String> {
    let entries: Vec<&Entry> = ENTRIES.iter().filter(|entry| entry.name != "C" || has_compiler()).collect();
    let found: Vec<Result<Found, String>> = std::thread::scope(|scope| {
        let all: Vec<_> = entries.iter().map(|entry| scope.spawn(|| through(entry, situation))).collect();
        all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("it panicked".to_owned()))).collect()
    });
    let differs = situation.batch_differs();
    let sorted = situation.call.limits.get("concurrency").is_some_and(|count| count.as_u64() != Some(1));
    let mut faults = Vec::new();
    for (entry, own) in entries.iter().zip(&found) {
        let own = match own {
            Ok(own) => own,
            Err(fault) => {
                faults.push(format!("{}: {fault}", entry.name));
                continue;
            }
        };
        let mut wrong = own.faults(&situation.expected(entry.is_batch)?, sorted);
        if let Some(Ok(first)) = found.first() {
            let unlike = own.differs(first, sorted, &|key| entry.is_batch && differs.contains_key(key));
            wrong.extend(unlike.into_iter().map(|fault| format!("unlike the command line: {fault}")));
        }
        if !wrong.is_empty() {
            faults.push(format!("{}:\n  {}\n{}", entry.name, wrong.join("\n  "), own.shown()));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{}\n{}", situation.about, faults.join("\n"))) }
}

fn through(entry: &Entry, situation: &Situation) -> Result<Found, String> {
    let stage = Stage::set(situation)?;
    let mut found = (entry.play)(situation, &stage)?;
    let unfit = stage.played.unfit();
    if !unfit.is_empty() {
        return Err(format!("the situation has no reply to {unfit:?}\n{}", found.shown()));
    }
    let requests = stage.played.server.requests();
    found.requests = requests.iter().map(|r| r.line.trim_end_matches(" HTTP/1.1").to_owned()).collect();
    found.bodies = requests.iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    found.waited = stage.played.waited();
    Ok(found.at_any_host(&stage.played.host()))
}
