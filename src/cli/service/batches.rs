//! Batch files as they are edited: checked, planned and run by the same code as the command line.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::batch_runs::BatchRun;
use super::completion::name_of;
use super::sessions::ServiceSessions;
use super::{Service, unknown_run};
use crate::Cancel;
use crate::authoring::Document;
use crate::batch::{Batch, BatchConfig, BatchInput, RunOptions};
use crate::cli::args::RunArgs;
use crate::cli::batch::run::{config, host, sandbox_state};
use crate::cli::batch::sandbox_connections::sandbox_connections_of;
use crate::cli::check::batch_config;
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Fault, Result};

/// A batch file as it is in the editor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct BatchText {
    path: PathBuf,
    text: String,
    /// Checks it for a run in the sandbox, which needs no connections.
    #[serde(default)]
    sandbox: bool,
}

/// A batch to plan, or to run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct BatchStart {
    path: PathBuf,
    /// As it is in the editor; a run takes the file.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    sandbox: bool,
    #[serde(default)]
    inputs: std::collections::BTreeMap<String, String>,
    /// For a run over connections: the hash of the plan that was shown.
    #[serde(default)]
    plan_hash: Option<String>,
    /// Sends only what failed in the last run.
    #[serde(default)]
    retry_failed: bool,
    /// Starts over; an unfinished run is archived.
    #[serde(default)]
    fresh: bool,
}

/// The keys of a step that call an operation.
const CALLS: [&str; 3] = ["query", "mutate", "delete"];
/// The lists of steps.
const LISTS: [&str; 3] = ["steps", "on_failure", "finally"];

impl Service {
    /// The faults of a batch, its steps and inputs. Reads no secrets and sends nothing.
    ///
    /// # Errors
    /// `network` when the sandbox cannot start.
    pub(in crate::cli) async fn check_batch(&self, batch: BatchText) -> Result<Value> {
        let current = self.current();
        let mut config = batch_config(&self.app, Arc::clone(&current.engine));
        if batch.sandbox {
            let args = RunArgs { file: batch.path.clone(), sandbox: true, ..RunArgs::default() };
            config.resolve = self.batch_config(&current, &args).await?.resolve;
            config.otherwise = Some(sandbox_connections_of(current.catalog(), &batch.text));
        }
        let catalog = Arc::clone(current.catalog());
        let checked = tokio::task::spawn_blocking(move || batch.checked(&config, &catalog)).await;
        checked.map_err(|e| Error::new(ErrorKind::Internal, format!("the check ended: {e}")))
    }

    /// What a batch would send, with the hash that a run over connections needs.
    ///
    /// # Errors
    /// Those of the batch file, of its connections and of their secrets.
    pub(in crate::cli) async fn plan_batch(&self, start: &BatchStart) -> Result<Value> {
        let (batch, options) = self.opened(start, start.text.as_deref()).await?;
        let plan = batch.plan(&options)?;
        Ok(json!({ "plan": plan }))
    }

    /// Starts a batch.
    ///
    /// # Errors
    /// As [`plan_batch`](Self::plan_batch); `usage` for a run over connections without the hash of its plan.
    pub(in crate::cli) async fn run_batch(&self, start: &BatchStart) -> Result<Arc<BatchRun>> {
        let (batch, options) = self.opened(start, None).await?;
        if !start.sandbox {
            let plan = batch.plan(&options)?;
            if start.plan_hash.as_ref() != Some(&plan.hash) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "the plan of this batch is another than the one that was shown",
                )
                .advise("look at the plan, and confirm it"));
            }
        }
        self.batch_runs.begin(&batch, options)
    }

    /// A run of a batch that this program has started.
    ///
    /// # Errors
    /// `usage` when there is none of this id.
    pub(in crate::cli) fn batch_run(&self, id: &str) -> Result<Arc<BatchRun>> {
        self.batch_runs.find(id).ok_or_else(|| unknown_run(id))
    }

    /// The batch of a text, or of its file.
    async fn opened(&self, start: &BatchStart, text: Option<&str>) -> Result<(Arc<Batch>, RunOptions)> {
        let path = self.editable_path(&start.path)?;
        let current = self.current();
        let args = RunArgs {
            file: path.clone(),
            input: start.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            sandbox: start.sandbox,
            ..RunArgs::default()
        };
        let config = BatchConfig { stdin: None, stdout: None, ..self.batch_config(&current, &args).await? };
        let batch = match text {
            Some(text) => Batch::parse(&path, text, &config)?,
            None => Batch::load(&path, &config)?,
        };
        let batch = Arc::new(batch);
        // Records of the sandbox end with this program: a run in it starts over.
        let state = start.sandbox.then(|| sandbox_state(&path));
        let options = RunOptions {
            state,
            fresh: start.fresh || (start.sandbox && !start.retry_failed),
            retry_failed: start.retry_failed,
            cancel: Cancel::default(),
            host: host(),
            ..RunOptions::default()
        };
        Ok((batch, options))
    }

    async fn batch_config(&self, current: &ServiceSessions, args: &RunArgs) -> Result<BatchConfig> {
        match args.sandbox {
            true => {
                let sandbox = current.sandbox().await?;
                config(&self.app, args, &current.mock_engine, Some(sandbox))
            }
            false => config(&self.app, args, &current.engine, None),
        }
    }
}

impl BatchText {
    /// Its faults, steps and inputs.
    fn checked(&self, config: &BatchConfig, catalog: &Catalog) -> Value {
        let parsed = Batch::parse(&self.path, &self.text, config);
        let faults: Vec<Fault> = parsed.as_ref().err().map(Error::to_faults).unwrap_or_default();
        let shown = self.path.display().to_string();
        let document = Document::parse(&shown, &self.text, 0).ok();
        let steps = document.as_ref().map(|doc| outline(doc, parsed.as_ref().ok(), catalog));
        let inputs: Vec<BatchInput> = Batch::inputs_of(&self.path, &self.text).unwrap_or_default();
        let name = parsed.as_ref().ok().map(|own| own.name().to_owned());
        json!({ "faults": faults, "name": name, "steps": steps.unwrap_or_default(), "inputs": inputs })
    }
}

/// The steps with their lines, for a picture; of a file with faults, as far as they are known.
fn outline(doc: &Document, batch: Option<&Batch>, catalog: &Catalog) -> Vec<Value> {
    let whole = doc.to_value();
    let mut found = Vec::new();
    let ids: Vec<&str> = steps_of(&whole).filter_map(|(_, _, step)| step.get("id")?.as_str()).collect();
    for (list, number, step) in steps_of(&whole) {
        let place = doc.place(&format!("/{list}/{number}"));
        let id = step.get("id").and_then(Value::as_str).unwrap_or_default();
        let planned = batch.and_then(|batch| {
            let steps = &batch.plan.steps;
            steps.iter().find(|own| own.id == id).map(|own| (own, steps))
        });
        let call = CALLS.iter().find_map(|key| Some((*key, step.get(key)?.as_str()?)));
        let template = step.get("template").and_then(Value::as_str);
        let template = template.and_then(|name| catalog.template(None, name).ok());
        let kind = match (call, &template) {
            (Some((key, _)), _) => key.to_owned(),
            (None, Some(template)) => name_of(template.operation.method).to_owned(),
            (None, None) => step
                .as_object()
                .and_then(|map| map.keys().find(|key| LOCAL.contains(&key.as_str())).cloned())
                .unwrap_or_default(),
        };
        let operation = call.map(|(_, id)| id.to_owned()).or_else(|| template.map(|own| own.operation.id.clone()));
        let needs: Vec<String> = match planned {
            Some((own, steps)) => {
                let all = own.needs.iter().chain(&own.awaits);
                all.filter_map(|at| steps.get(*at)).map(|needed| needed.id.clone()).collect()
            }
            // Until the file is right: the steps that it names.
            None => {
                let text = step.to_string();
                let is_named = |other: &&&str| **other != id && text.contains(&format!("steps.{other}"));
                ids.iter().filter(is_named).map(|other| (*other).to_owned()).collect()
            }
        };
        let connection = step.get("connection").or_else(|| whole.get("connection")).and_then(Value::as_str);
        let connector = planned.map(|(own, _)| own.operation.connector.clone()).filter(|name| !name.is_empty());
        found.push(json!({
            "id": id, "list": list, "line": place.line, "kind": kind, "operation": operation, "connector": connector,
            "connection": connection, "needs": needs,
        }));
    }
    found
}

/// Steps that call no operation of a connector.
const LOCAL: [&str; 5] = ["load", "transform", "upsert", "http", "batch"];

fn steps_of(whole: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    LISTS.into_iter().flat_map(move |list| {
        let steps = whole.get(list).and_then(Value::as_array).into_iter().flatten();
        steps.enumerate().map(move |(number, step)| (list, number, step))
    })
}
