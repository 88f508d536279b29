//! `connection test` and `connection example`.

use std::fmt::Write as _;
use std::time::Instant;

use super::route::ConnectionRoute;
use crate::call::CallOptions;
use crate::cli::app::App;
use crate::cli::args::SystemArgs;
use crate::cli::args::{ConnectionExampleArgs, ConnectionTestArgs};
use crate::cli::messages;
use crate::cli::screen::terminal_text;
use crate::cli::signals::Signals;
use crate::connection::needs_account;
use crate::definition::{Catalog, Connector, Property};
use crate::error::{Error, ErrorKind, Result};

/// `connection test`: sends the probe request of the connector.
pub(crate) async fn test(app: &App, args: ConnectionTestArgs) -> Result<u8> {
    let sandbox = args.system.sandbox;
    let engine = app.engine(sandbox)?;
    let (sandboxed, connection) =
        if sandbox { (args.name, None) } else { (None, args.name.or(args.system.connection)) };
    let connector =
        if sandbox { Some(only_connector(engine.catalog(), sandboxed.as_deref())?.name.clone()) } else { None };
    let system = SystemArgs { connection, ..args.system };
    let route = ConnectionRoute::choose(app, &system, &|_| true, "the test")?;
    let connector = connector.or_else(|| route.connector().map(str::to_owned)).unwrap_or_default();
    let open = route.open(app, &engine, &connector).await?;
    let with = CallOptions::default();
    let signals = Signals::listen(&with.cancel);
    let started = Instant::now();
    match open.session.probe(&with).await {
        Ok(reply) => {
            let connection = open.session.connection();
            let (title, base) = (&connection.connector().title, connection.base());
            let tries = terminal_text::count(reply.receipt.requests, "request");
            messages::print(&format!(
                "{}: ok, {title} at {base} replied in {} ms ({tries})",
                open.name,
                started.elapsed().as_millis()
            ))?;
            Ok(0)
        }
        Err(error) => match signals.exit_code().filter(|_| error.kind() == ErrorKind::Cancelled) {
            Some(code) => Ok(code),
            None => Err(error.with(|d| d.message = format!("the connection {}: {}", open.name, d.message))),
        },
    }
}

/// The named connector, or the only one.
pub(crate) fn only_connector(catalog: &Catalog, named: Option<&str>) -> Result<std::sync::Arc<Connector>> {
    if let Some(name) = named {
        return catalog.connector(name);
    }
    let names: Vec<&str> = catalog.connector_names().collect();
    match names.as_slice() {
        [one] => catalog.connector(one),
        [] => Err(Error::new(ErrorKind::UnknownOperation, "there are no connectors")
            .advise("name a folder of definitions with --definitions")),
        several => Err(Error::new(ErrorKind::Usage, "there are several connectors")
            .advise(format!("name one: {}", several.join(", ")))),
    }
}

/// `connection example`: prints a connections file to fill in.
pub(crate) fn example(app: &App, args: &ConnectionExampleArgs) -> Result<()> {
    let catalog = app.catalog()?;
    let connector = only_connector(&catalog, args.connector.as_deref())?;
    messages::print(&example_file(&connector))
}

pub(crate) fn example_file(connector: &Connector) -> String {
    let mut out = format!("# a connection to {}", connector.title);
    // Writing to a String cannot fail.
    let _ok = write!(out, "{}", connector.docs.as_ref().map(|d| format!(" ({d})")).unwrap_or_default());
    let _ok = write!(
        out,
        "\nversion: 1\nconnections:\n  my-{}:   # name for --connection\n    connector: {}\n",
        connector.name, connector.name
    );
    let account = needs_account(connector, |_| false).then(|| {
        (
            "account: my-account".to_owned(),
            "a name that you choose: connections with the same account share tokens".to_owned(),
        )
    });
    let values = connector.properties.iter().map(|p| (value_line(connector, p), comment(p)));
    let lines: Vec<(String, String)> = account.into_iter().chain(values).collect();
    let width = lines.iter().map(|(line, _)| terminal_text::width(line)).max().unwrap_or(0);
    for (line, comment) in lines {
        let _ok = writeln!(out, "    {line}{}   # {comment}", " ".repeat(width - terminal_text::width(&line)));
    }
    out
}

fn value_line(connector: &Connector, property: &Property) -> String {
    let example = property.examples.first().or(property.default.as_ref()).or(property.choices.first());
    let value = match (property.secret, example) {
        (true, _) => format!("{{ env: {}_{} }}", upper(&connector.name), upper(&property.name)),
        (false, Some(example)) => serde_json::Value::from(example.as_str()).to_string(),
        (false, None) => "…".to_owned(),
    };
    let off = if property.optional || property.default.is_some() { "# " } else { "" };
    format!("{off}{}: {value}", property.name)
}

fn comment(property: &Property) -> String {
    let text = property.description.as_deref().unwrap_or(&property.title).replace('\n', " ");
    if property.optional || property.default.is_some() { format!("optional: {text}") } else { text }
}

/// `clientId` as `CLIENT_ID`.
fn upper(name: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::upper;

    #[test]
    fn properties_become_variable_names() {
        assert_eq!(upper("clientId"), "CLIENT_ID");
        assert_eq!(upper("some-system"), "SOME_SYSTEM");
    }
}
