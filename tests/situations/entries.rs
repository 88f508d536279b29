//! The four interfaces that make a call: command line, batch, library and C. Each returns what its user sees.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use opnode::connections::ConnectionsFile;
use opnode::{CallOptions, Catalog, Engine, EngineConfig, Items, Options, Outcome};
use serde_json::{Value, json};

use crate::c_library;
use crate::cleanup::Program;
use crate::form::Situation;
use crate::found::Found;
use crate::stage::Stage;

/// An interface.
pub struct Entry {
    pub name: &'static str,
    pub is_batch: bool,
    pub play: fn(&Situation, &Stage) -> Result<Found, String>,
}

pub const ENTRIES: [Entry; 4] = [
    Entry { name: "command line", is_batch: false, play: command_line },
    Entry { name: "batch", is_batch: true, play: batch },
    Entry { name: "Rust", is_batch: false, play: rust },
    Entry { name: "C", is_batch: false, play: c },
];

/// Maximum time of a call.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a program in the stage's folder. Returns its exit code and its output.
fn run(stage: &Stage, command: &mut Command) -> Result<(i32, String, String), String> {
    let to = |name: &str| std::fs::File::create(stage.path(name)).unwrap();
    command
        .current_dir(stage.folder())
        .env_clear()
        .envs([
            ("HOME", stage.folder().as_os_str()),
            ("LC_ALL", "C.UTF-8".as_ref()),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere".as_ref()),
        ])
        .stdin(Stdio::null())
        .stdout(to("stdout"))
        .stderr(to("stderr"));
    let mut program = Program::start(command).map_err(|e| e.to_string())?;
    let status = program.ended(PATIENCE).ok_or_else(|| format!("it did not end within {} s", PATIENCE.as_secs()))?;
    let text = |name: &str| stage.text(name).unwrap_or_default();
    Ok((status.code().unwrap_or(-1), text("stdout"), text("stderr")))
}

fn opnode() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command.args(["--definitions", "defs", "--tokens", "tokens.json"]);
    command
}

fn command_line(situation: &Situation, stage: &Stage) -> Result<Found, String> {
    let mut command = opnode();
    command.args([&stage.method, &stage.operation]).args(["--connections", "connections.yaml", "--connection", "here"]);
    command.args(["--options", "@options.json", "--format", "ndjson", "--receipt", "receipt.json"]);
    if let Some(limit) = situation.call.limit {
        command.args(["--limit", &limit.to_string()]);
    }
    if stage.items.is_some() {
        command.args(["--items", "@items.json"]);
    }
    let flags = [("--forward-only", situation.call.forward_only), ("--strict", situation.call.strict)];
    command.args(flags.iter().filter(|(_, set)| *set).map(|(name, _)| name));
    let (exit, stdout, stderr) = run(stage, &mut command)?;
    let receipt = stage.data("receipt.json");
    let error = receipt.get("error").cloned();
    let items = stdout.lines().map(str::to_owned).collect();
    let kind = error.as_ref().and_then(|e| e["kind"].as_str()).map(str::to_owned).or_else(|| printed_kind(&stderr));
    Ok(Found { exit: Some(exit), stderr: Some(stderr), ..Found::new(items, kind, &receipt, error.as_ref()) })
}

/// The kind in `error[KIND]: …`, when there is no receipt.
fn printed_kind(stderr: &str) -> Option<String> {
    stderr.lines().find_map(|line| Some(line.strip_prefix("error[")?.split_once(']')?.0.to_owned()))
}

fn batch(_: &Situation, stage: &Stage) -> Result<Found, String> {
    let (exit, _, stderr) = run(stage, opnode().args(["run", "batch.yaml", "--report", "report.json"]))?;
    let report = stage.data("report.json");
    let step = report["steps"].as_array().and_then(|steps| steps.last()).unwrap_or(&Value::Null);
    let error = step.get("error").cloned();
    let kind = error.as_ref().and_then(|e| e["kind"].as_str()).map(str::to_owned).or_else(|| printed_kind(&stderr));
    let items = stage.lines(".opnode/runs/situation/spool/main/op.ndjson");
    let mut found = Found { exit: Some(exit), stderr: Some(stderr), ..Found::new(items, kind, step, error.as_ref()) };
    found.notes = None;
    if stage.method != "query" {
        let count = |name: &str| step[name].as_u64().unwrap_or_default();
        let (failed, unknown) = (count("failed"), count("unknown"));
        // The report does not count the done items of a step that stopped.
        let ok = (step["status"] != "failed").then(|| count("items_in") - failed - unknown);
        found.outcomes = Some(
            [("failed", failed), ("unknown", unknown)]
                .into_iter()
                .chain(ok.map(|n| ("ok", n)))
                .map(|(name, n)| (name.to_owned(), n))
                .collect(),
        );
    }
    Ok(found)
}

fn rust(situation: &Situation, stage: &Stage) -> Result<Found, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match called(situation, stage).await {
            Ok(found) => Ok(found),
            Err(error) => {
                let kind = error.kind().name().to_owned();
                Ok(Found::new(Vec::new(), Some(kind), &Value::Null, Some(&error.to_json())))
            }
        }
    })
}

async fn called(situation: &Situation, stage: &Stage) -> opnode::Result<Found> {
    let mut catalog = Catalog::empty();
    for name in ["connector.yaml", "operations.yaml"] {
        catalog.add("acme", name, stage.text(&format!("defs/operations/acme/{name}")).unwrap());
    }
    let connections = ConnectionsFile::parse("connections.yaml", &stage.text("connections.yaml").unwrap())?;
    let spec = connections.find("here")?.resolve(|name, _| unreachable!("{name} is kept outside"))?;
    let session = Engine::new(EngineConfig::new(catalog)).connect(&spec)?;
    let options = Options::parse(&stage.options)?;
    let with = CallOptions {
        items_max: situation.call.limit,
        forward_only: situation.call.forward_only,
        strict: situation.call.strict,
        ..CallOptions::default()
    };
    let items = stage.items.as_deref().map(Items::from_array).transpose()?;
    let text = |items: &Items| items.iter().map(|item| item.as_str().to_owned()).collect::<Vec<_>>();
    if stage.method != "query" {
        let writes = match stage.method.as_str() {
            "delete" => session.delete(&stage.operation, &options, items, &with)?,
            _ => session.mutate(&stage.operation, &options, items, &with)?,
        };
        let reply = writes.collect().await;
        let came: Vec<String> = reply.outcomes.iter().flat_map(|o: &Outcome| text(&o.items)).collect();
        let error = reply.check().err();
        let kind = error.as_ref().map(|e| e.kind().name().to_owned());
        return Ok(Found::new(came, kind, &json!(reply.receipt), error.map(|e| e.to_json()).as_ref()));
    }
    let mut walk = session.query(&stage.operation, &options, &with)?;
    let (mut came, mut error) = (Vec::new(), None);
    while let Some(page) = walk.next().await {
        match page {
            Ok(page) => came.extend(text(&page.items)),
            Err(e) => error = Some(e),
        }
    }
    let kind = error.as_ref().map(|e| e.kind().name().to_owned());
    Ok(Found::new(came, kind, &json!(walk.receipt()), error.map(|e| e.to_json()).as_ref()))
}

/// The output of the C host.
#[derive(serde::Deserialize)]
struct Printed<'p> {
    #[serde(borrow)]
    batches: Vec<Vec<&'p serde_json::value::RawValue>>,
    #[serde(default)]
    report: Value,
    error: Option<Value>,
}

fn c(_: &Situation, stage: &Stage) -> Result<Found, String> {
    let (exit, stdout, stderr) = run(stage, &mut Command::new(host()?))?;
    let printed: Printed<'_> =
        serde_json::from_str(&stdout).map_err(|e| format!("{e}: exit {exit}\n{stdout}{stderr}"))?;
    let kind = printed.error.as_ref().and_then(|e| e["kind"].as_str()).map(str::to_owned);
    let rows = printed.batches.iter().flatten().map(|raw| raw.get().to_owned());
    let items: Vec<String> =
        if stage.method == "query" { rows.collect() } else { rows.flat_map(|outcome| items_of(&outcome)).collect() };
    // The error of a write is in its outcomes; the call itself succeeds.
    let kind = kind.or_else(|| if stage.method == "query" { None } else { verdict(&printed) });
    Ok(Found::new(items, kind, &printed.report["receipt"], printed.error.as_ref()))
}

fn items_of(outcome: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Own<'o> {
        #[serde(borrow, default)]
        items: Vec<&'o serde_json::value::RawValue>,
    }
    let own: Own<'_> = serde_json::from_str(outcome).unwrap();
    own.items.iter().map(|raw| raw.get().to_owned()).collect()
}

/// The verdict on the outcomes, as the other interfaces report it.
fn verdict(printed: &Printed<'_>) -> Option<String> {
    let counts = &printed.report["receipt"]["outcomes"];
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    let first = printed.batches.iter().flatten().find_map(|raw| {
        let outcome: Value = serde_json::from_str(raw.get()).ok()?;
        outcome["error"]["kind"].as_str().map(str::to_owned)
    })?;
    Some(match (count("unknown"), count("ok")) {
        (0, 0) => first,
        (0, _) => "partial".to_owned(),
        _ => "unknown_outcome".to_owned(),
    })
}

/// Whether there is a C compiler.
pub fn has_compiler() -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join("cc").is_file())
}

/// The C host, compiled once.
fn host() -> Result<&'static Path, String> {
    static HOST: OnceLock<Result<std::path::PathBuf, String>> = OnceLock::new();
    let made = HOST.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = c_library::build();
        let program = folder.join("situations-host");
        let mut cc = Command::new("cc");
        cc.args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"]).arg(root.join("include"));
        cc.arg(root.join("tests/situations/host.c")).arg("-o").arg(&program).arg("-L").arg(&folder);
        cc.arg("-lopnode").arg(format!("-Wl,-rpath,{}", folder.display()));
        let output = Program::output(&mut cc).map_err(|e| e.to_string())?;
        if output.status.success() { Ok(program) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    });
    made.as_deref().map_err(Clone::clone)
}
