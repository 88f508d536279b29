//! A recorded call and what is expected of it: `call.yaml`, the exchanges, `expected.json`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::replay::Replay;
use super::world::{ReplayClock, ReplayTokens};
use crate::authoring::{Document, Json, to_yaml};
use crate::call::{CallOptions, Request};
use crate::cli::new_files;
use crate::cli::screen::json::pretty;
use crate::connection::Connection;
use crate::definition::{Catalog, Connector};
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::mask_json;
use crate::secret::MASK;
use crate::text_file::read_text;
use crate::{ConnectionSpec, Engine, EngineConfig, Running};

/// Larger files are no recorded calls.
const BYTES_MAX: u64 = 256 << 20;

/// `call.yaml`: the call, and the values of the connection that are no secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallFile {
    connector: String,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    connection: IndexMap<String, String>,
    /// As in the C interface: method, operationId, options, items, limit.
    call: Json,
}

impl CallFile {
    /// Writes the file of a call that is being recorded.
    pub(crate) fn write(folder: &Path, connection: &Connection, request: &Request) -> Result<()> {
        let connector = connection.connector();
        let known = connector.properties.iter().filter(|property| !property.secret);
        let values = known.filter_map(|p| Some((p.name.clone(), connection.value(&p.name)?.into_owned())));
        let broken = |e| Error::new(ErrorKind::Internal, format!("the call: {e}"));
        let call = serde_json::to_string(request).map_err(broken)?;
        let call = Json(mask_json(&connection.redactor, &call).into_owned());
        let file = CallFile { connector: connector.name.clone(), connection: values.collect(), call };
        let head = "# A recorded call. `opnode test DIR` repeats it with the recorded replies; `--update` writes expected.json.\n";
        new_files::replace_private(&folder.join("call.yaml"), &(head.to_owned() + &to_yaml(&file)?))
    }

    fn read(path: &Path) -> Result<CallFile> {
        let shown = path.display().to_string();
        let text = read_text(path, BYTES_MAX)
            .map_err(|why| Error::new(ErrorKind::State, format!("{shown} cannot be read: {why}")))?;
        let doc = Document::parse(&shown, &text, 0)?;
        doc.read().map_err(|e| {
            Error::new(ErrorKind::Definition, format!("{shown} is no recorded call: {e}")).at(doc.place(""))
        })
    }

    fn spec(&self, connector: &Connector) -> ConnectionSpec {
        let secret = connector.properties.iter().filter(|p| p.secret);
        // A secret may have a pattern; a recording need not satisfy it.
        let hidden = secret.map(|p| (p.name.clone(), p.examples.first().cloned().unwrap_or_else(|| MASK.to_owned())));
        let known = self.connection.iter().map(|(name, value)| (name.clone(), value.clone()));
        ConnectionSpec {
            connector: self.connector.clone(),
            account: Some("recorded".to_owned()),
            values: hidden.chain(known).collect(),
            ..ConnectionSpec::default()
        }
    }
}

/// A folder with a recorded call.
pub(crate) struct Case {
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

/// What a repeated call gave.
pub(super) struct Repeated {
    /// Items, outcomes and the error, as JSON.
    pub(super) text: String,
    /// Requests without a recorded reply.
    pub(super) missed: Vec<String>,
    pub(super) unused: usize,
}

impl Case {
    /// Repeats the call.
    pub(super) async fn repeat(&self, catalog: Catalog) -> Result<Repeated> {
        let file = CallFile::read(&self.folder.join("call.yaml"))?;
        let request: Request = serde_json::from_str(&file.call.0).map_err(|e| {
            Error::new(ErrorKind::Definition, format!("the call of {} cannot be read: {e}", self.folder.display()))
        })?;
        let replay = Arc::new(Replay::read(&self.folder)?);
        let spec = file.spec(&*catalog.connector(&file.connector)?);
        let engine = Engine::new(EngineConfig {
            transport: Some(Arc::clone(&replay) as Arc<dyn crate::Transport>),
            clock: Some(Arc::new(ReplayClock::default())),
            tokens: Some(Arc::new(ReplayTokens)),
            ..EngineConfig::new(catalog)
        });
        let given = match run(&engine, &spec, &request).await {
            Ok(given) => given,
            Err(error) => json!({ "error": shown(&error) }).to_string(),
        };
        Ok(Repeated { text: pretty(&given) + "\n", missed: replay.missed(), unused: replay.unused() })
    }

    pub(super) fn expected(&self) -> PathBuf {
        self.folder.join("expected.json")
    }
}

async fn run(engine: &Engine, spec: &ConnectionSpec, request: &Request) -> Result<String> {
    match engine.connect(spec)?.call(request, &CallOptions::default())? {
        Running::Read(mut walk) => {
            let (mut items, mut error) = (Vec::new(), None);
            while let Some(page) = walk.next().await {
                match page {
                    Ok(page) => items.extend(page.items.iter().map(|item| item.as_str().to_owned())),
                    Err(failed) => error = Some(failed),
                }
            }
            let complete = walk.receipt().complete;
            let error = error.map(|e| format!(",\"error\":{}", shown(&e))).unwrap_or_default();
            Ok(format!("{{\"items\":[{}],\"complete\":{complete}{error}}}", items.join(",")))
        }
        Running::Write(writes) => {
            let reply = writes.collect().await;
            let outcome = |outcome: &crate::Outcome| {
                let error = outcome.error.as_ref().map(shown);
                json!({"index": outcome.index, "status": outcome.status, "http_status": outcome.http_status, "error": error})
            };
            let outcomes: Vec<Value> = reply.outcomes.iter().map(outcome).collect();
            Ok(format!("{{\"outcomes\":{},\"items\":{}}}", Value::from(outcomes), reply.items.to_json()))
        }
    }
}

/// What a user sees of an error first.
fn shown(error: &Error) -> Value {
    json!({"kind": error.kind(), "message": error.message, "http_status": error.http_status})
}
