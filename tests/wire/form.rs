//! The file format of `tests/wire/cases/`: the server's replies, byte for byte, and the expected results.
//!
//! ```yaml
//! about: What the cases show, in one sentence
//! feature: xml             # the Cargo feature that they need
//! row: 24                  # of docs/reliability.md; a case may have its own
//! cases:
//!   - fact: What must hold, in one sentence
//!     call: read           # or post, put, delete: an operation with its default items; `operation`, `options`, `items` set others
//!     limits: { … }        # of the connection; also connector, values, tls, timeout_ms, item_limit, before, stop, real_time
//!     replies:             # one per request; the last one is repeated. Without replies, nothing listens
//!       - { status: 503 Busy, headers: ["Retry-After: 1"], json: '{}' }   # a complete reply; `body` instead of `json`, `type` is the Content-Type
//!       - { raw: "HTTP/1.1 200 OK\r\n\r\n[", then: close }              # exact bytes; then close, reset or hang
//!       - { steps: [{ send: "HTTP/1.1 " }, { drip: "200", ms: 100 }, { forever: x, ms: 1 }, hang] }
//!       - reset            # or close, hang: no reply; refuse, deaf: the request is not read
//!     end: '[] network/3'  # as `Found::summary` formats it
//!     requests: 3
//!     lines, says, takes_ms, connections, complete: …
//!     table: [ … ]         # repeats the case for each row, as in tests/situations; a table of the file applies to all its cases
//! ```
//!
//! Bytes are a text or a list of parts. A part is a text, `latin1` (a byte for each character), `utf16le`, `utf16be`,
//! `gzip` of parts, or `{ repeat: …, times: … }`, in which `{n}` is the number. `{echo}` is replaced by the planted
//! credentials in every form, `{long}` by a long key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use opnode::CallOptions;
use serde::Deserialize;
use serde_json::Value;

use crate::case::{Case, Stop};
use crate::part::Bytes;
use crate::server::{Act, JSON, Step, head_and};
use crate::table::{filled, rows};
use crate::tls::Handshake;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    row: Option<Row>,
    /// The Cargo feature that the cases need.
    feature: Option<Feature>,
    table: Option<serde_yaml::Value>,
    cases: Vec<serde_yaml::Mapping>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Feature {
    Xml,
}

/// A number, or a text with leading zeros.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Row {
    Number(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseForm {
    row: Option<Row>,
    fact: String,
    call: Call,
    operation: Option<String>,
    connector: Option<String>,
    #[serde(default)]
    options: Value,
    items: Option<Bytes>,
    #[serde(default)]
    limits: Value,
    #[serde(default)]
    values: BTreeMap<String, Bytes>,
    tls: Option<Handshake>,
    timeout_ms: Option<u64>,
    item_limit: Option<u64>,
    before: Option<String>,
    stop: Option<StopForm>,
    #[serde(default)]
    real_time: bool,
    #[serde(default)]
    replies: Vec<Reply>,
    end: Bytes,
    /// Named results, which `end` may use.
    #[serde(default)]
    ends: BTreeMap<String, (String, usize)>,
    #[serde(default = "one")]
    requests: usize,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    says: Vec<Bytes>,
    takes_ms: Option<(u64, u64)>,
    connections: Option<usize>,
    #[serde(default = "yes")]
    complete: bool,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Call {
    Read,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum StopForm {
    /// When the server has received this many requests.
    Seen(usize),
    Before(BeforeForm),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BeforeForm {
    Before,
}

/// The server's action for a request.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Reply {
    Word(Word),
    Raw(Raw),
    Steps(Steps),
    Whole(Whole),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    Close,
    Reset,
    Hang,
    Refuse,
    Deaf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    raw: Bytes,
    then: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    steps: Vec<StepForm>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum StepForm {
    Word(Word),
    Times(Times),
    Drip(Drip),
    Forever(Forever),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    send: Bytes,
    times: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    drip: Bytes,
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forever {
    forever: Bytes,
    #[serde(default)]
    ms: u64,
}

/// A reply with its length.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    #[serde(default = "ok")]
    status: String,
    /// The Content-Type.
    r#type: Option<String>,
    /// Further header lines.
    #[serde(default)]
    headers: Vec<Bytes>,
    json: Option<Bytes>,
    body: Option<Bytes>,
    then: Option<Word>,
}

fn ok() -> String {
    "200 OK".to_owned()
}

/// The trials of all files.
pub fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/cases");
    let read = |file: PathBuf| {
        let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        match cases(&file) {
            Ok(cases) => cases.into_iter().map(CaseForm::trial).collect(),
            Err(fault) => vec![Trial::test(shown, || Err(Failed::from(fault)))],
        }
    };
    files(&root).into_iter().flat_map(read).collect()
}

/// All files of cases. Any other file in the folder is an error.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    let deeper = |path: PathBuf| {
        assert!(path.is_dir() || path.extension().is_some_and(|e| e == "yaml"), "{}: no file of cases", path.display());
        if path.is_dir() { files(&path) } else { vec![path] }
    };
    found.into_iter().flat_map(deeper).collect()
}

/// The cases of a file, one for each row of its tables.
fn cases(file: &Path) -> Result<Vec<CaseForm>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let all: File = serde_yaml::from_str(&text).map_err(|e| e.to_string())?;
    if matches!(all.feature, Some(Feature::Xml)) && cfg!(not(feature = "xml")) {
        return Ok(Vec::new());
    }
    let of_file = all.table.map(rows).transpose()?.unwrap_or_else(|| vec![Default::default()]);
    let mut found = Vec::new();
    for mut case in all.cases {
        let own = case.remove("table").map(rows).transpose()?.unwrap_or_else(|| vec![Default::default()]);
        let whole = serde_yaml::Value::Mapping(case);
        for (outer, (name, inner)) in of_file.iter().flat_map(|outer| own.iter().map(move |inner| (outer, inner))) {
            let cells = outer.1.clone().into_iter().chain(inner.clone()).collect();
            let value = filled(&whole, &cells).unwrap_or_default();
            let form: CaseForm = serde_yaml::from_value(value).map_err(|e| format!("{} {name}: {e}", outer.0))?;
            found.push(CaseForm { row: form.row.or_else(|| all.row.clone()), ..form });
        }
    }
    Ok(found)
}

impl CaseForm {
    fn trial(self) -> Trial {
        let row = match self.row.as_ref() {
            Some(Row::Number(number)) => format!("{number:02}"),
            Some(Row::Text(text)) => text.clone(),
            None => "without a row".to_owned(),
        };
        Trial::test(format!("{row} {}", self.fact), move || self.case().run().map_err(Failed::from))
    }

    /// The bytes are generated when the case runs, because some are large.
    fn case(&self) -> Case {
        let end = self.end.text();
        let (end, requests) = self.ends.get(&end).cloned().unwrap_or((end, self.requests));
        let (operation, options, items) = self.call.usual();
        Case {
            connector: self.connector.clone().unwrap_or_else(|| "acme".to_owned()),
            operation: self.operation.clone().unwrap_or_else(|| operation.to_owned()),
            options: if self.options.is_null() { options } else { self.options.clone() },
            items: self.items.as_ref().map(Bytes::text).or(items.map(str::to_owned)),
            limits: self.limits.clone(),
            with: CallOptions {
                timeout: self.timeout_ms.map(Duration::from_millis),
                items_max: self.item_limit,
                ..CallOptions::default()
            },
            script: self.replies.iter().map(Reply::act).collect(),
            end,
            requests,
            lines: self.lines.clone(),
            says: self.says.iter().map(Bytes::text).collect(),
            real_time: self.real_time,
            stop: self.stop.map(|stop| match stop {
                StopForm::Seen(count) => Stop::Seen(count),
                StopForm::Before(BeforeForm::Before) => Stop::Before,
            }),
            takes: self.takes_ms.map(|(least, most)| (Duration::from_millis(least), Duration::from_millis(most))),
            before: self.before.clone(),
            values: self.values.iter().map(|(name, value)| (name.clone(), value.text())).collect(),
            tls: self.tls.as_ref().map(Handshake::wrap),
            connections: self.connections,
            complete: self.complete,
        }
    }
}

impl Call {
    /// Operation, options and items.
    fn usual(self) -> (&'static str, Value, Option<&'static str>) {
        match self {
            Call::Read => ("list", Value::Null, None),
            Call::Post => ("add", Value::Null, Some(r#"[{"name":"a"}]"#)),
            Call::Put => ("put", Value::Null, Some(r#"[{"id":7,"name":"a"}]"#)),
            Call::Delete => ("remove", serde_json::json!({"id": 7}), None),
        }
    }
}

impl Reply {
    pub fn act(&self) -> Act {
        match self {
            Reply::Word(Word::Refuse) => Act::Refuse,
            Reply::Word(Word::Deaf) => Act::Deaf,
            Reply::Word(word) => Act::Answer(vec![word.step()]),
            Reply::Raw(raw) => ended(Step::Send(raw.raw.bytes()), raw.then),
            Reply::Steps(steps) => Act::Answer(steps.steps.iter().map(StepForm::step).collect()),
            Reply::Whole(whole) => whole.act(),
        }
    }
}

fn ended(send: Step, then: Option<Word>) -> Act {
    Act::Answer(std::iter::once(send).chain(then.map(Word::step)).collect())
}

impl Word {
    fn step(self) -> Step {
        match self {
            Word::Close => Step::Close,
            Word::Reset => Step::Reset,
            Word::Hang => Step::Hang,
            Word::Refuse | Word::Deaf => panic!("refuse and deaf are no steps of an answer"),
        }
    }
}

impl StepForm {
    fn step(&self) -> Step {
        match self {
            StepForm::Word(word) => word.step(),
            StepForm::Times(Times { send, times: None }) => Step::Send(send.bytes()),
            StepForm::Times(Times { send, times: Some(times) }) => Step::Times(*times, send.bytes()),
            StepForm::Drip(drip) => Step::Drip(drip.drip.bytes(), Duration::from_millis(drip.ms)),
            StepForm::Forever(forever) => Step::Forever(forever.forever.bytes(), Duration::from_millis(forever.ms)),
        }
    }
}

impl Whole {
    fn act(&self) -> Act {
        let mut head = String::new();
        if let Some(kind) = &self.r#type {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        if self.json.is_some() {
            head.push_str(JSON);
        }
        self.headers.iter().for_each(|line| head.push_str(&format!("{}\r\n", line.text())));
        let body = self.json.as_ref().or(self.body.as_ref()).map(Bytes::bytes).unwrap_or_default();
        ended(Step::Send(head_and(&self.status, &head, &body)), self.then)
    }
}
