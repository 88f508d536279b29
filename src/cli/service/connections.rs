//! Connections of the connections file: listed without secrets, written, tested and signed in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::connection_text::{WrittenKeys, with_connection, without_connection, yaml_text};
use super::sessions::NamedConnection;
use crate::call::CallOptions;
use crate::cli::connections::file::locate;
use crate::cli::new_files;
use crate::connection::needs_account;
use crate::connections::{ConnectionFile, ConnectionsFile, Reference, ValueFile, keep_in_keyring};
use crate::definition::{Connector, Property};
use crate::durable;
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::json_pointer::escape;

/// A connection to write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ConnectionToSave {
    connection: String,
    /// Its name so far; none for a new one.
    #[serde(default)]
    before: Option<String>,
    connector: String,
    #[serde(default)]
    account: Option<String>,
    values: BTreeMap<String, GivenValue>,
}

/// The value of a property, or where it is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GivenValue {
    /// As it is.
    Keep {
        #[serde(rename = "keep")]
        _keep: bool,
    },
    Value {
        value: String,
    },
    Secret {
        secret: PastedSecret,
        #[serde(rename = "in")]
        place: SecretPlace,
    },
    Variable {
        variable: String,
    },
    File {
        file: String,
    },
}

/// A secret that a person has pasted.
#[derive(Debug)]
struct PastedSecret(crate::Secret);

impl<'de> Deserialize<'de> for PastedSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<PastedSecret, D::Error> {
        String::deserialize(deserializer).map(|text| PastedSecret(crate::Secret::new(text)))
    }
}

/// Where the page puts a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SecretPlace {
    Keyring,
    File,
}

impl Service {
    /// The connections, with the places of their secrets. A secret never comes out.
    ///
    /// # Errors
    /// Those of a connections file that is not valid.
    pub(in crate::cli) fn connections(&self) -> Result<Value> {
        let current = self.current();
        let Some(file) = current.connections()? else {
            return Ok(json!({ "file": self.connections_path(), "connections": [] }));
        };
        let shown = |(name, own): (&String, &ConnectionFile)| {
            let connector = current.catalog().connector(&own.connector);
            let values = connector.as_ref().map(|connector| values(connector, own)).unwrap_or_default();
            json!({
                "connection": name, "connector": own.connector, "account": own.account, "values": values,
                "fault": connector.err(),
            })
        };
        let connections: Vec<Value> = file.file.connections.iter().map(shown).collect();
        let is_open = file.is_readable_by_others();
        Ok(json!({ "file": file.path, "connections": connections, "readable_by_others": is_open }))
    }

    /// Writes a connection; comments and everything that the form does not have stay.
    ///
    /// # Errors
    /// `connection` with a fault for each value that does not fit; nothing is written then.
    pub(in crate::cli) fn save_connection(&self, given: &ConnectionToSave) -> Result<Value> {
        let connector = self.current().catalog().connector(&given.connector)?;
        let path = self.connections_path();
        let _held = new_files::hold(durable::folder(&path))?;
        let text = new_files::text_before(&path)?;
        let shown = path.display().to_string();
        let old = if text.is_empty() { None } else { Some(ConnectionsFile::parse(&shown, &text)?) };
        let known = |name: &str| old.as_ref().and_then(|file| file.connections.get(name));
        if given.before.as_deref() != Some(given.connection.as_str()) && known(&given.connection).is_some() {
            return Err(at_field("/connection", format!("there is a connection {} already", given.connection)));
        }
        if given.connection.trim().is_empty() || given.connection.chars().any(char::is_control) {
            return Err(at_field("/connection", "a connection has a name".to_owned()));
        }
        let before = given.before.as_deref().map(|name| known(name).ok_or_else(|| gone(name))).transpose()?;
        let keys = written(given, &connector, before)?;
        let mut all: Vec<String> = connector.properties.iter().map(|property| property.name.clone()).collect();
        all.extend(["connector".to_owned(), "account".to_owned()]);
        let new = with_connection(&text, given.before.as_deref(), &given.connection, (&keys, &all))?;
        let at = format!("/connections/{}", escape(&given.connection));
        let found = ConnectionsFile::faults(&shown, &new, self.current().catalog());
        let own =
            found.into_iter().filter(|fault| fault.place.field.as_ref().is_some_and(|field| field.starts_with(&at)));
        let faults: Vec<Fault> = own.map(|fault| of_form(fault, &at)).collect();
        if !faults.is_empty() {
            return Err(Error::from_faults(ErrorKind::Connection, "the connection is not right", faults));
        }
        // A layout to which nothing can be added is left as it is.
        let is_there = ConnectionsFile::parse(&shown, &new).is_ok_and(|file| {
            let kept =
                old.iter().flat_map(|old| old.connections.keys()).filter(|name| given.before.as_ref() != Some(*name));
            kept.chain([&given.connection]).all(|name| file.connections.contains_key(name))
        });
        if !is_there {
            return Err(Error::new(ErrorKind::Connection, format!("{shown} would not be valid with this connection"))
                .advise("nothing was written: give it a shorter name, or write each connection on lines of its own"));
        }
        store_secrets(given)?;
        new_files::replace_private(&path, &new)?;
        Ok(json!({ "file": path }))
    }

    /// Removes a connection from the file. Secrets elsewhere stay.
    ///
    /// # Errors
    /// `unsupported` when it is written in a way that cannot be edited.
    pub(in crate::cli) fn remove_connection(&self, named: &NamedConnection) -> Result<Value> {
        let path = self.connections_path();
        let _held = new_files::hold(durable::folder(&path))?;
        let text = std::fs::read_to_string(&path).map_err(|cause| new_files::failed(&path, "read", &cause))?;
        let new = without_connection(&text, &named.connection)?;
        new_files::replace(&path, &new)?;
        Ok(json!({ "file": path }))
    }

    /// Calls the system once.
    ///
    /// # Errors
    /// Why it does not answer.
    pub(in crate::cli) async fn test_connection(&self, named: &NamedConnection) -> Result<Value> {
        let session = self.current().of_connection(&named.connection).await?;
        let started = Instant::now();
        let reply = session.probe(&CallOptions::default()).await?;
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let base = session.connection().base().to_string();
        Ok(json!({ "ok": true, "ms": ms, "base": base, "requests": reply.receipt.requests }))
    }

    /// Begins the sign-in of a connection by a person.
    ///
    /// # Errors
    /// `usage` when the system has none.
    pub(in crate::cli) async fn sign_in(&self, named: &NamedConnection) -> Result<Value> {
        let session = self.current().of_connection(&named.connection).await?;
        self.sign_ins.begin(session).await
    }

    /// The state of a sign-in.
    ///
    /// # Errors
    /// `usage` when there is none of this id.
    pub(in crate::cli) fn sign_in_state(&self, id: &str) -> Result<Value> {
        self.sign_ins.state(id)
    }

    fn connections_path(&self) -> PathBuf {
        locate(&self.app).unwrap_or_else(|_| PathBuf::from("connections.yaml"))
    }
}

/// Where the value of each property is.
fn values(connector: &Connector, own: &ConnectionFile) -> Value {
    let shown = |property: &Property| {
        let value = match own.values.get(&property.name) {
            None if property.default.is_some() => json!({ "in": "default", "value": property.default }),
            None => json!({ "in": "missing" }),
            Some(ValueFile::Reference(Reference::Env(name))) => {
                let is_set = std::env::var_os(name).is_some_and(|value| !value.is_empty());
                json!({ "in": "variable", "name": name, "is_set": is_set })
            }
            Some(ValueFile::Reference(Reference::File(path))) => json!({ "in": "secret_file", "name": path }),
            Some(ValueFile::Reference(Reference::Keyring(name))) => json!({ "in": "keyring", "name": name }),
            Some(_) if property.secret => json!({ "in": "file" }),
            Some(ValueFile::Text(text)) => json!({ "in": "file", "value": text }),
            Some(ValueFile::Number(number)) => json!({ "in": "file", "value": number.to_string() }),
            Some(ValueFile::Flag(flag)) => json!({ "in": "file", "value": flag.to_string() }),
        };
        (property.name.clone(), value)
    };
    Value::Object(connector.properties.iter().map(shown).collect())
}

/// The keys of a connection as YAML.
fn written(given: &ConnectionToSave, connector: &Connector, before: Option<&ConnectionFile>) -> Result<WrittenKeys> {
    let mut keys = vec![("connector".to_owned(), Some(yaml_text(&given.connector)))];
    let account = given.account.as_deref().map(str::trim).filter(|account| !account.is_empty());
    keys.extend(account.map(|account| ("account".to_owned(), Some(yaml_text(account)))));
    for (name, value) in &given.values {
        let refuse = |why: &str| Err(at_field(&format!("/values/{}", escape(name)), why.to_owned()));
        let Some(property) = connector.property(name) else { return refuse("the connector has no such property") };
        let text = match value {
            GivenValue::Keep { .. } => match before.and_then(|own| own.values.get(name)) {
                Some(_) => {
                    keys.push((name.clone(), None));
                    continue;
                }
                None => continue,
            },
            GivenValue::Value { .. } if property.secret => {
                return refuse("a secret is given with the place to keep it");
            }
            GivenValue::Value { value } => yaml_text(value),
            GivenValue::Secret { secret, .. } if secret.0.expose().is_empty() => return refuse("the secret is empty"),
            GivenValue::Secret { place: SecretPlace::Keyring, .. } => {
                format!("{{ keyring: {} }}", yaml_text(&keyring_name(&given.connection, name)))
            }
            GivenValue::Secret { secret, place: SecretPlace::File } => Value::from(secret.0.expose()).to_string(),
            GivenValue::Variable { variable } if variable.trim().is_empty() => return refuse("name the variable"),
            GivenValue::Variable { variable } => format!("{{ env: {} }}", yaml_text(variable.trim())),
            GivenValue::File { file } if file.trim().is_empty() => return refuse("name the file"),
            GivenValue::File { file } => format!("{{ file: {} }}", yaml_text(file.trim())),
        };
        keys.push((name.clone(), Some(text)));
    }
    Ok(keys)
}

/// The name of a secret in the keyring.
fn keyring_name(connection: &str, property: &str) -> String {
    format!("{connection}/{property}")
}

fn store_secrets(given: &ConnectionToSave) -> Result<()> {
    for (name, value) in &given.values {
        if let GivenValue::Secret { secret, place: SecretPlace::Keyring } = value {
            let entry = keyring_name(&given.connection, name);
            keep_in_keyring(&entry, &secret.0).map_err(|e| e.at(Place::field(format!("/values/{}", escape(name)))))?;
        }
    }
    Ok(())
}

/// A fault of the file at its field of the form.
fn of_form(fault: Fault, at: &str) -> Fault {
    let field = fault.place.field.as_deref().and_then(|field| field.strip_prefix(at)).unwrap_or_default();
    let field = match field {
        "" | "/connector" | "/account" => field.to_owned(),
        property => format!("/values{property}"),
    };
    Fault { place: Place::field(field), ..fault }
}

fn at_field(field: &str, message: String) -> Error {
    let fault = Fault { place: Place::field(field), message, advice: None };
    Error::from_faults(ErrorKind::Connection, "the connection is not right", vec![fault])
}

fn gone(name: &str) -> Error {
    Error::new(ErrorKind::State, format!("the connection {name} is not in the file any more"))
        .advise("load the page again")
}

/// The form of a connector's connections.
pub(super) fn form(connector: &Connector) -> Value {
    let mut form = crate::describe::connector(connector);
    if let Some(map) = form.as_object_mut() {
        map.insert("account".into(), needs_account(connector, |_| false).into());
        map.insert("sign_in".into(), connector.needs_person().into());
    }
    form
}
