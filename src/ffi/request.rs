//! The JSON of a request, checked.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::connection::Conn;
use super::guard;
use crate::definition::{Method, Template};
use crate::engine::CallOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::send::Cancel;

/// As typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Typed<'t> {
    method: String,
    #[serde(default)]
    operation_id: Option<String>,
    #[serde(default)]
    template: Option<String>,
    #[serde(default, borrow)]
    options: Option<&'t RawValue>,
    #[serde(default, borrow)]
    items: Option<&'t RawValue>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    forward_only: bool,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    stop_on_error: bool,
    #[serde(default)]
    use_sample: bool,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    batch: Batch,
    #[serde(default)]
    run_bytes: Option<usize>,
    #[serde(default)]
    plan: bool,
    #[serde(default)]
    selftest: Option<Selftest>,
}

/// Largest batches.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    #[serde(default)]
    pub(crate) items: Option<usize>,
    #[serde(default)]
    pub(crate) bytes: Option<usize>,
}

/// What the library is to do to itself, for tests of its hosts.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Selftest {
    /// Panics in a thread of its own.
    Panic,
    /// Waits until it is cancelled.
    Stall,
    /// Gives so many items.
    Emit(u64),
    /// Tells of new tokens so many times.
    Rotate(u64),
    /// Logs so many lines.
    Log(u64),
}

/// What is to be done.
pub(crate) enum Work {
    Query,
    Write { method: Method, items: Input },
    Check,
    Plan { method: Method, items: Option<Items> },
    Selftest(Selftest),
}

/// Where a write's items come from.
pub(crate) enum Input {
    None,
    Given(Items),
    Stream,
}

/// A request that was read.
pub(crate) struct Request {
    pub(crate) work: Work,
    pub(crate) operation: String,
    pub(crate) options: Options,
    pub(crate) with: CallOptions,
    pub(crate) batch: Batch,
    /// Largest answer of `opnode_run`, in bytes.
    pub(crate) run_bytes: usize,
}

/// Unless the request says otherwise.
const RUN_BYTES: usize = 256 << 20;

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
        .advise("a request is {\"method\": \"query\", \"operationId\": ID, \"options\": {}}")
}

impl Request {
    /// Reads a request for a connection.
    pub(crate) fn read(conn: &Conn, text: &str) -> Result<Request> {
        let typed: Typed<'_> = guard::object("the request", text).map_err(|e| usage(e.message.clone()))?;
        let template = match &typed.template {
            Some(name) => {
                Some(conn.engine.catalog().template(Some(&conn.session.connection().connector().name), name)?)
            }
            None => None,
        };
        let operation = match (&typed.operation_id, &template) {
            (Some(_), Some(_)) => return Err(usage("the request names an operation and a template: one of them")),
            (Some(id), None) => id.clone(),
            (None, Some(template)) => template.operation.id.clone(),
            (None, None) => String::new(),
        };
        if let Some(template) = template.as_ref().filter(|_| !typed.use_sample && !typed.plan) {
            refuse_samples(template, &typed)?;
        }
        let options = options(typed.options, template.as_ref())?;
        // Items of a stream stand in the place of the template's.
        let items = items(typed.items, template.as_ref().filter(|_| !typed.stream))?;
        let work = work(conn, &typed, items)?;
        if operation.is_empty() && !matches!(work, Work::Check | Work::Selftest(_)) {
            return Err(usage("the request names no operationId"));
        }
        if typed.batch.items == Some(0) || typed.batch.bytes == Some(0) {
            return Err(usage("batch: a batch holds at least 1 item and 1 byte"));
        }
        let with = CallOptions {
            items_max: typed.limit,
            forward_only: typed.forward_only,
            strict: typed.strict,
            known_fields: typed.strict,
            stop_on_error: typed.stop_on_error,
            timeout: typed.timeout_ms.map(Duration::from_millis),
            cancel: Cancel::default(),
            ..CallOptions::default()
        };
        Ok(Request {
            work,
            operation,
            options,
            with,
            batch: typed.batch,
            run_bytes: typed.run_bytes.unwrap_or(RUN_BYTES),
        })
    }
}

/// The typed options over those of a template.
/// A template's samples where it asks for the caller's own values are never sent by accident.
fn refuse_samples(template: &Template, typed: &Typed<'_>) -> Result<()> {
    let own = typed.options.and_then(|raw| crate::item::fields_of(raw.get())).unwrap_or_default();
    let has_items = typed.stream || typed.items.is_some_and(|raw| raw.get() != "null");
    let left = template.left(|name| own.iter().any(|(n, _)| n == name), |_| has_items);
    if left.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidOptions,
        format!("the template {} leaves {} to you", template.name, left.join(", ")),
    )
    .advise("give it in `options` or `items`; \"useSample\": true sends the template's samples as they are"))
}

fn options(typed: Option<&RawValue>, template: Option<&Template>) -> Result<Options> {
    let mut all = template.map(Template::to_options).unwrap_or_default();
    if let Some(raw) = typed {
        let own =
            Options::read(raw.get()).map_err(|e| Error::new(ErrorKind::InvalidOptions, format!("options: {e}")))?;
        if !own.is_object() {
            return Err(usage("options: they are an object"));
        }
        all.extend(&own);
    }
    Ok(all)
}

fn items(typed: Option<&RawValue>, template: Option<&Template>) -> Result<Option<Items>> {
    match (typed, template.filter(|t| !t.items.is_empty())) {
        (Some(raw), _) if raw.get() != "null" => Items::from_array(raw.get()).map(Some),
        (_, Some(template)) => template.items().map(Some),
        _ => Ok(None),
    }
}

fn work(conn: &Conn, typed: &Typed<'_>, items: Option<Items>) -> Result<Work> {
    let method = match typed.method.as_str() {
        "query" => Method::Query,
        "mutate" => Method::Mutate,
        "delete" => Method::Delete,
        "check" => return Ok(Work::Check),
        "selftest" if conn.host.selftest => {
            return typed.selftest.map(Work::Selftest).ok_or_else(|| {
                usage("selftest: say what: \"panic\", \"stall\", {\"emit\": 10}, {\"rotate\": 1} or {\"log\": 10}")
            });
        }
        other => return Err(usage(format!("method: `{other}` is none of query, mutate, delete and check"))),
    };
    if typed.plan {
        return Ok(Work::Plan { method, items });
    }
    match (method, items, typed.stream) {
        (Method::Query, None, false) => Ok(Work::Query),
        (Method::Query, _, _) => Err(usage("a query takes no items")),
        (_, Some(_), true) => Err(usage("items come with the request, or in a stream: one of them")),
        (_, Some(items), false) => Ok(Work::Write { method, items: Input::Given(items) }),
        (_, None, true) => Ok(Work::Write { method, items: Input::Stream }),
        (_, None, false) => Ok(Work::Write { method, items: Input::None }),
    }
}
