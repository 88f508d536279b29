//! `--plan`: prints the requests with credentials masked. Sends nothing.

use std::fmt::Write as _;

use super::columns;
use super::curl;
use super::prepare::{PreparedCall, shown};
use crate::PlannedRequest;
use crate::cli::args::{CallArgs, OutputForm, PlanForm};
use crate::cli::messages::{self, Screen};
use crate::cli::screen::json;
use crate::cli::screen::terminal_text;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};

/// Prints the plan of a call.
pub(crate) fn print(screen: Screen, call: &PreparedCall, args: &CallArgs) -> Result<u8> {
    let (output, as_curl) = (&args.output, args.form == Some(PlanForm::Curl));
    columns::warn(&columns::notes(call), screen);
    if !call.unset.is_empty() && !matches!(output.format, None | Some(OutputForm::Table)) {
        screen.note(&format!("the plan has sample values; fill in: {}", shown(&call.unset).join(", ")));
    }
    if as_curl {
        let signed = call.connection.session.plan_signed(&call.request).map_err(|e| call.located(e))?;
        let secret = call.connection.session.redactor_of_call(&call.request).map_err(|e| call.located(e))?;
        return messages::print(&secret.mask(&curl::text(&signed, &call.connection))).map(|()| 0);
    }
    let requests = call.connection.session.plan(&call.request).map_err(|e| call.located(e))?;
    let text = match output.format {
        None | Some(OutputForm::Table) => to_text(call, &requests),
        Some(OutputForm::Json) => to_json(&requests)?,
        Some(OutputForm::Ndjson) => {
            requests.iter().map(|r| to_json(r).map(|t| t + "\n")).collect::<Result<String>>()?
        }
        Some(OutputForm::Csv | OutputForm::Tsv) => {
            return Err(Error::new(ErrorKind::Usage, "a plan has no csv form; use table, json or ndjson"));
        }
    };
    messages::print(&text)?;
    Ok(0)
}

fn to_json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::new(ErrorKind::Internal, format!("the plan: {e}")))
}

/// A request as text, and a blank line.
pub(crate) fn request_text(request: &PlannedRequest) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ok = writeln!(out, "{} {}", request.verb, terminal_text::safe(&request.url));
    for (name, value) in &request.headers {
        let _ok = writeln!(out, "{name}: {}", terminal_text::one_line(value));
    }
    if let Some(body) = &request.body {
        let _ok = writeln!(out, "\n{}", terminal_text::safe(&json::pretty(body)));
    }
    out.push('\n');
    out
}

fn to_text(call: &PreparedCall, requests: &[PlannedRequest]) -> String {
    let mut out: String = requests.iter().map(request_text).collect();
    let count = terminal_text::count(requests.len() as u64, "request");
    let more = if call.request.method == Method::Query && call.operation.is_paged() {
        " for the first page, and one for each page after it"
    } else {
        ""
    };
    let _ok = writeln!(out, "# {count}{more}; nothing was sent");
    if !call.unset.is_empty() {
        let _ok = writeln!(out, "# the plan has sample values; fill in: {}", shown(&call.unset).join(", "));
    }
    out
}
