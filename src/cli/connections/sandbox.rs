//! `sandbox`: runs the mock server until Ctrl-C, and prints a connections file for it.

use std::fmt::Write as _;

use serde_json::Value;

use super::route::{faults, start_sandbox};
use crate::Cancel;
use crate::cli::app::App;
use crate::cli::args::SandboxArgs;
use crate::cli::messages;
use crate::cli::signals::Signals;
use crate::connection::ConnectionSpec;
use crate::error::{Error, ErrorKind, Result};

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &SandboxArgs) -> Result<u8> {
    let catalog = app.shared_catalog()?;
    let cancel = Cancel::default();
    let _signals = Signals::listen(&cancel);
    let sandbox = start_sandbox(&catalog, args.port, faults(args.faults.as_deref())?).await?;
    let mut file = String::from("version: 1\nconnections:\n");
    let connectors: Vec<&str> = sandbox.connectors().collect();
    for connector in &connectors {
        file.push_str(&entry(connector, &sandbox.connection(connector)?)?);
    }
    if connectors.is_empty() {
        return Err(Error::new(ErrorKind::Unsupported, "no connector has a sandbox.yaml")
            .advise("name a folder of definitions with --definitions"));
    }
    app.screen
        .note(&format!("the sandbox listens on http://{}; Ctrl-C stops it. Its connections.yaml:", sandbox.address()));
    messages::print(&file)?;
    tokio::select! {
        () = sandbox.wait() => {}
        () = cancel.cancelled() => {}
    }
    Ok(0)
}

fn entry(connector: &str, spec: &ConnectionSpec) -> Result<String> {
    let mut out = format!("  sandbox-{connector}:\n    connector: {connector}\n");
    if let Some(account) = &spec.account {
        let _ok = writeln!(out, "    account: {account}");
    }
    for (name, value) in &spec.values {
        // Writing to a String cannot fail. A JSON text is a YAML text.
        let _ok = writeln!(out, "    {name}: {}", Value::from(value.as_str()));
    }
    if let Some(reroute) = &spec.reroute {
        let _ok = writeln!(out, "    reroute: {reroute}");
    }
    let limits =
        serde_json::to_value(&spec.limits).map_err(|e| Error::new(ErrorKind::Internal, format!("the limits: {e}")))?;
    if limits.as_object().is_some_and(|l| !l.is_empty()) {
        let _ok = writeln!(out, "    limits: {limits}");
    }
    Ok(out)
}
