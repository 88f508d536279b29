//! `connection list`: the connections of the connections file, and where their secrets are stored.

use serde_json::json;

use super::file::{load, require_file};
use crate::cli::app::App;
use crate::cli::args::ListingArgs;
use crate::cli::listing::Listing;
use crate::cli::screen::TableColumn;
use crate::connection::needs_account;
use crate::connections::{ConnectionFile, Reference, ValueFile};
use crate::error::Result;

/// `connection list`.
pub(crate) fn run(app: &App, args: &ListingArgs) -> Result<u8> {
    require_file(app)?;
    let connections = load(app)?;
    let catalog = app.catalog()?;
    let row = |name: &String, connection: &ConnectionFile| {
        let secrets: Vec<String> =
            connection.values.iter().filter_map(|(property, value)| reference_of(property, value)).collect();
        let value = json!({ "connection": name, "connector": connection.connector, "account": connection.account, "kept": secrets });
        let needed = || {
            catalog
                .connector(&connection.connector)
                .is_ok_and(|c| needs_account(&c, |p| connection.values.contains_key(p)))
        };
        let account = match &connection.account {
            Some(account) => account.clone(),
            None if needed() => "missing".to_owned(),
            None => "-".to_owned(),
        };
        (vec![name.clone(), connection.connector.clone(), account, secrets.join(", ")], value)
    };
    let rows = connections.file.connections.iter().map(|(name, connection)| row(name, connection)).collect();
    let file = connections.path.display();
    let columns = vec![
        TableColumn::whole("CONNECTION").rank(4).min(16),
        TableColumn::whole("CONNECTOR").rank(3),
        TableColumn::whole("ACCOUNT").rank(2),
        TableColumn::text("SECRETS").rank(1).min(20),
    ];
    let listing = Listing {
        columns,
        rows,
        none: format!("{file} has no connections"),
        next: format!("from {file}; `opnode connection test NAME` tests one"),
    };
    listing.print(app, args)
}

fn reference_of(property: &str, value: &ValueFile) -> Option<String> {
    match value {
        ValueFile::Text(_) | ValueFile::Number(_) | ValueFile::Flag(_) => None,
        ValueFile::Reference(Reference::Env(name)) => Some(format!("{property} in ${name}")),
        ValueFile::Reference(Reference::File(path)) => Some(format!("{property} in {path}")),
        ValueFile::Reference(Reference::Keyring(name)) => Some(format!("{property} in the keyring as {name}")),
    }
}
