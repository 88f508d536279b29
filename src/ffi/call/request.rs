//! The JSON of a request: parsed and checked.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::Request as Call;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::json;
use crate::json_error;
use crate::{Items, Options};

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TypedRequest<'t> {
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
    files: Option<PathBuf>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    batch: BatchLimits,
    #[serde(default)]
    run_bytes: Option<usize>,
    #[serde(default)]
    plan: bool,
    #[serde(default)]
    selftest: Option<Selftest>,
}

/// Maximum size of batches.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchLimits {
    #[serde(default)]
    pub(crate) items: Option<usize>,
    #[serde(default)]
    pub(crate) bytes: Option<usize>,
}

/// Self-tests of the library, for tests of its hosts.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(in crate::ffi) enum Selftest {
    /// Panics in a separate thread.
    Panic,
    /// Waits until it is cancelled.
    Stall,
    /// Returns this many items.
    Emit(u64),
    /// Reports new tokens this many times.
    Rotate(u64),
    /// Logs this many lines.
    Log(u64),
}

/// The requested work.
pub(in crate::ffi) enum Work {
    Call(Call),
    /// A write whose items are given by `opnode_op_write`.
    Stream(Call),
    Check,
    Plan(Call),
    Selftest(Selftest),
}

/// A checked request.
pub(in crate::ffi) struct HostRequest {
    pub(in crate::ffi) work: Work,
    /// The timeout of calls that are not operations.
    pub(in crate::ffi) timeout: Option<Duration>,
    pub(in crate::ffi) batch: BatchLimits,
    /// Maximum result of `opnode_run`, in bytes.
    pub(in crate::ffi) run_bytes: usize,
}

/// The default.
const RUN_BYTES: usize = 256 << 20;

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
        .advise("a request is {\"method\": \"query\", \"operationId\": ID, \"options\": {}}")
}

impl HostRequest {
    /// Reads a request; `selftest` says whether self-tests are allowed.
    pub(in crate::ffi) fn read(selftest: bool, text: &str) -> Result<HostRequest> {
        let typed: TypedRequest<'_> = json::read("the request", text).map_err(|e| usage(e.message.clone()))?;
        if typed.batch.items == Some(0) || typed.batch.bytes == Some(0) {
            return Err(usage("batch: a batch holds at least 1 item and 1 byte"));
        }
        Ok(HostRequest {
            timeout: typed.timeout_ms.map(Duration::from_millis),
            batch: typed.batch,
            run_bytes: typed.run_bytes.unwrap_or(RUN_BYTES),
            work: work(selftest, typed)?,
        })
    }

    /// OperationId or template, for reports.
    pub(in crate::ffi) fn operation(&self) -> &str {
        match &self.work {
            Work::Call(call) | Work::Stream(call) | Work::Plan(call) => {
                call.operation_id.as_ref().or(call.template.as_ref()).map_or("", String::as_str)
            }
            Work::Check | Work::Selftest(_) => "",
        }
    }
}

fn work(selftest: bool, typed: TypedRequest<'_>) -> Result<Work> {
    let method = match typed.method.as_str() {
        "query" => Method::Query,
        "mutate" => Method::Mutate,
        "delete" => Method::Delete,
        "check" => return Ok(Work::Check),
        "selftest" if selftest => {
            return typed.selftest.map(Work::Selftest).ok_or_else(|| {
                usage("selftest: expected \"panic\", \"stall\", {\"emit\": 10}, {\"rotate\": 1} or {\"log\": 10}")
            });
        }
        other => return Err(usage(format!("method: `{other}` is not query, mutate, delete or check"))),
    };
    let items = match typed.items {
        Some(raw) if raw.get() != "null" => Some(Items::from_array(raw.get())?),
        _ => None,
    };
    match (method, &items, typed.stream) {
        (Method::Query, Some(_), _) | (Method::Query, None, true) => return Err(usage("a query takes no items")),
        (_, Some(_), true) => return Err(usage("give items in the request or as a stream, not both")),
        _ => {}
    }
    let options = match typed.options {
        Some(raw) => Options::read(raw.get()).map_err(|e| {
            Error::new(ErrorKind::InvalidOptions, format!("options: {}", json_error::words(&e, raw.get())))
        })?,
        None => Options::default(),
    };
    let call = Call {
        method,
        operation_id: typed.operation_id,
        template: typed.template,
        options,
        items,
        limit: typed.limit,
        forward_only: typed.forward_only,
        strict: typed.strict,
        known_fields: false,
        stop_on_error: typed.stop_on_error,
        use_sample: typed.use_sample,
        files: typed.files,
        timeout_ms: typed.timeout_ms,
    };
    Ok(match (typed.plan, typed.stream) {
        (true, _) => Work::Plan(call),
        (false, true) => Work::Stream(call),
        (false, false) => Work::Call(call),
    })
}
