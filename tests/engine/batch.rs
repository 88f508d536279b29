//! Batches in the library: load, run, read events and report, stop and resume.

use std::path::Path;
use std::sync::Arc;

use opnode::batch::{Batch, BatchConfig, Event, Report, RunOptions, StepStatus};
use opnode::sandbox::{Sandbox, SandboxOptions};
use opnode::{Engine, ErrorKind};
use serde_json::json;

use crate::cleanup;

const BATCH: &str = r#"
version: 1
name: small
vars: { most: 3 }
connections: { here: { connector: connectwise-manage } }
steps:
  - id: members
    query: getSystemMembers
    where: ${{ index < vars.most }}
    map: { id: "${{ item.id }}", title: "${{ 'Technician' if index > 0 else '' }}" }
    save: members.ndjson
  - id: titles
    mutate: patchSystemMembersById
    items: ${{ steps.members.items }}
    where: ${{ item.title != '' }}
"#;

/// The host's configuration; all connections lead to the sandbox.
async fn config() -> (BatchConfig, Arc<Sandbox>) {
    let engine = Arc::new(Engine::default());
    let sandbox = Arc::new(Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await.unwrap());
    let mut config = BatchConfig::new(engine);
    let there = Arc::clone(&sandbox);
    config.resolve = Arc::new(move |_, _, connection| there.connection(&connection.connector));
    (config, sandbox)
}

/// Runs to the end; returns the events, each as a word, and the report.
async fn run(batch: &Arc<Batch>, options: RunOptions) -> (Vec<String>, Report) {
    let mut run = Arc::clone(batch).run(options).unwrap();
    let mut events = Vec::new();
    while let Some(event) = run.next().await {
        events.push(match event {
            Event::Begun { jobs } => format!("begun {}", jobs[0].is_resumed),
            Event::StepBegun { step } => format!("step {step}"),
            Event::Saved { step, .. } => format!("saved {step}"),
            Event::StepEnded(report) => format!("ended {} {:?}", report.name, report.status),
            Event::ItemFailed { step, index, .. } => format!("failed {step} {index}"),
            _ => continue,
        });
    }
    (events, run.finish(|_| Ok(())).await)
}

fn batch(folder: &Path, text: &str, config: &BatchConfig) -> Arc<Batch> {
    let path = folder.join("batch.yaml");
    std::fs::write(&path, text).unwrap();
    Arc::new(Batch::load(&path, config).unwrap())
}

#[tokio::test]
async fn events_come_in_order_and_the_report_counts() {
    let folder = cleanup::folder();
    let (mut config, _sandbox) = config().await;
    config.vars = vec![("most".to_owned(), json!(5).into())];
    let batch = batch(folder.path(), BATCH, &config);
    assert_eq!((batch.name(), batch.step_count()), ("small", 2));
    let (events, report) = run(&batch, RunOptions::default()).await;
    let expected =
        ["begun false", "step members", "saved members", "ended members Done", "step titles", "ended titles Done"];
    assert_eq!(events, expected);
    report.check().unwrap();
    assert!(report.finished && !report.resumed && report.error.is_none());
    let [members, titles] = report.steps.as_slice() else { panic!("{report:?}") };
    assert!(members.counts.items_in > 5 && members.counts.usage.pages > 1 && members.counts.items_out == 5);
    assert_eq!((titles.counts.items_in, titles.counts.items_out, titles.counts.usage.requests), (4, 4, 4));
    let saved = std::fs::read_to_string(folder.path().join("members.ndjson")).unwrap();
    assert_eq!(saved.lines().count(), 5);
    assert!(folder.path().join(".opnode/runs/small/report.json").is_file());
    // A folder belongs to one run; a second run gets an error.
    let held = Arc::clone(&batch).run(RunOptions::default()).unwrap();
    let error = Arc::clone(&batch).run(RunOptions::default()).err().unwrap();
    assert!(error.kind() == ErrorKind::State && error.message.contains("is running this batch"), "{error}");
    drop(held);
}

#[tokio::test]
async fn a_stopped_run_is_resumed() {
    let folder = cleanup::folder();
    let (config, _sandbox) = config().await;
    let batch = batch(folder.path(), BATCH, &config);
    let options = RunOptions { state: Some(folder.path().join("state")), ..RunOptions::default() };
    let cancel = options.cancel.clone();
    let mut stopped = Arc::clone(&batch).run(options.clone()).unwrap();
    while let Some(event) = stopped.next().await {
        if matches!(event, Event::StepEnded(_)) {
            cancel.cancel();
        }
    }
    let report = stopped.finish(|_| Ok(())).await;
    assert!(!report.finished && report.check().unwrap_err().kind() == ErrorKind::Cancelled);
    assert!(
        report.steps.iter().any(|s| s.status == StepStatus::Done)
            && report.steps.iter().any(|s| s.status != StepStatus::Done)
    );
    let again = RunOptions { state: options.state, ..RunOptions::default() };
    let (events, report) = run(&batch, again).await;
    assert_eq!(events.first().map(String::as_str), Some("begun true"));
    assert!(report.finished && report.resumed && report.steps.first().unwrap().earlier, "{report:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A process that ends before the report is delivered resumes the run, and delivers the report.
#[tokio::test]
async fn a_run_ends_when_its_report_is_delivered() {
    let folder = cleanup::folder();
    let (config, _sandbox) = config().await;
    let batch = batch(folder.path(), BATCH, &config);
    let (state, killed) = (folder.path().join("state"), folder.path().join("killed"));
    let options = |state: &Path| RunOptions { state: Some(state.to_owned()), ..RunOptions::default() };
    let run_once = || Arc::clone(&batch).run(options(&state)).unwrap();
    let mut told = 0;
    let report = run_once()
        .finish(|report| {
            told = report.steps.len();
            assert!(report.finished);
            copy(&state, &killed);
            Ok(())
        })
        .await;
    assert!(report.finished && told == 2);
    // Dropping the run does not end it either.
    let mut dropped = Arc::clone(&batch).run(options(&killed)).unwrap();
    while dropped.next().await.is_some() {}
    drop(dropped);
    let (events, again) = run(&batch, options(&killed)).await;
    assert_eq!(events, ["begun true", "ended members Done", "ended titles Done"]);
    assert!(again.finished && again.steps.iter().all(|s| s.earlier), "{again:?}");
    let counts = |report: &Report| report.steps.iter().map(|s| s.counts).collect::<Vec<_>>();
    assert_eq!(counts(&again), counts(&report));
    for ended in [&state, &killed] {
        let (events, _) = run(&batch, options(ended)).await;
        assert_eq!(events.first().map(String::as_str), Some("begun false"));
    }
}

#[tokio::test]
async fn all_faults_are_reported_and_dropped_runs_release_their_folder() {
    let folder = cleanup::folder();
    let (config, _sandbox) = config().await;
    let wrong = BATCH
        .replace("getSystemMembers", "getSystemMember")
        .replace("vars.most", "vars.mots")
        .replace("steps.members", "steps.m");
    let error = Batch::parse(&folder.path().join("batch.yaml"), &wrong, &config).err().unwrap();
    assert_eq!((error.kind(), error.faults.len()), (ErrorKind::Definition, 3), "{error}");
    assert!(error.faults.iter().all(|f| f.place.line.is_some()));
    let batch = batch(folder.path(), BATCH, &config);
    drop(Arc::clone(&batch).run(RunOptions::default()).unwrap());
    let plan = batch.plan(&RunOptions::default()).unwrap();
    assert!(
        plan.steps.iter().map(|s| s.requests.len()).eq([1, 0])
            && plan.hash == batch.plan(&RunOptions::default()).unwrap().hash
    );
    let error = Arc::clone(&batch).run(RunOptions { retry_failed: true, ..RunOptions::default() }).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Usage);
    run(&batch, RunOptions::default()).await.1.check().unwrap();
}

/// A step that waits for a job tells each state of it.
#[tokio::test]
async fn a_step_that_waits_for_a_job_says_so() {
    let folder = cleanup::folder();
    let mut catalog = opnode::Catalog::empty();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/acme-jobs/definitions");
    catalog.add_folder(&own).unwrap();
    let engine = Arc::new(Engine::new(opnode::EngineConfig::new(catalog)));
    let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await.unwrap();
    let spec = sandbox.connection("acme-jobs").unwrap();
    let mut config = BatchConfig::new(engine);
    config.resolve = Arc::new(move |_, _, _| Ok(spec.clone()));
    let text = "version: 1\nname: job\nconnections: { here: { connector: acme-jobs } }\nsteps:\n  - { id: rows, query: export, options: { team: t } }\n";
    let batch = batch(folder.path(), text, &config);
    let mut run = batch.run(RunOptions::default()).unwrap();
    let mut waits = Vec::new();
    while let Some(event) = run.next().await {
        if let Event::Waiting { step, state } = event {
            waits.push((step.to_string(), state));
        }
    }
    let report = run.finish(|_| Ok(())).await;
    report.check().unwrap();
    assert!(waits.iter().all(|(step, _)| step == "rows"), "{waits:?}");
    assert!(waits.first().is_some_and(|(_, state)| state.polls == 1), "{waits:?}");
}
