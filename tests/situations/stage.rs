//! The environment of a situation: a running server, and a folder with every file that an interface reads.

use std::path::{Path, PathBuf};

use serde_json::{Value as Data, json};
use serde_yaml::{Mapping, Value};

use crate::cleanup;
use crate::form::{Situation, raw};
use crate::replies::Played;

/// The default keys of every connector.
const CONNECTOR: &str =
    "{ version: 1, connector: acme, title: Acme, connection: { url: { format: uri } }, base_url: '{url}', auth: none }";
const OPERATION: &str = "{ title: Op }";
/// One request at a time, and short timeouts for a silent server.
const LIMITS: &str = "{ concurrency: 1, connect_s: 5, first_byte_s: 5, idle_s: 5, timeout_s: 20 }";
/// Keys of a connection that are not properties of its connector.
const OWN_KEYS: [&str; 4] = ["allow_http", "allow_private", "reroute", "relink"];

pub struct Stage {
    pub played: Played,
    folder: tempfile::TempDir,
    pub operation: String,
    pub method: String,
    /// JSON text.
    pub options: String,
    pub items: Option<String>,
}

impl Stage {
    /// # Errors
    /// The fault in the situation.
    pub fn set(situation: &Situation) -> Result<Stage, String> {
        let operations = operations(situation);
        let call = &situation.call;
        let first = operations.keys().next().and_then(Value::as_str).ok_or("the situation has no operation")?;
        let operation = call.operation.clone().unwrap_or_else(|| first.to_owned());
        let method = operations.get(operation.as_str()).and_then(|o| o.get("method")).and_then(Value::as_str);
        let stage = Stage {
            played: Played::start(&situation.replies),
            folder: cleanup::folder(),
            method: method.ok_or_else(|| format!("the operation {operation} has no method"))?.to_owned(),
            operation,
            options: call.options.as_ref().map_or_else(|| "{}".to_owned(), raw),
            items: call.items.as_ref().map(raw),
        };
        let connector = Value::Mapping(over(read(CONNECTOR), &situation.connector));
        stage.write("defs/operations/acme/connector.yaml", &yaml(&connector));
        stage.write("defs/operations/acme/operations.yaml", &yaml(&Value::Mapping(file("operations", operations))));
        let connection = stage.connection(situation);
        let named = Value::Mapping(file("connections", named("here", connection.clone())));
        stage.write("connections.yaml", &yaml(&named));
        stage.write("batch.yaml", &stage.batch(situation, &connection));
        stage.write("options.json", &stage.options);
        stage.write("items.json", stage.items.as_deref().unwrap_or("[]"));
        stage.write("engine.json", &json!({"builtin": false, "definitions": [stage.path("defs")]}).to_string());
        stage.write("connection.json", &spec(&connection).to_string());
        stage.write("request.json", &stage.request(situation));
        Ok(stage)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// JSON Lines as values.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub fn data(&self, name: &str) -> Data {
        self.text(name).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn connection(&self, situation: &Situation) -> Mapping {
        let limits = over(read(LIMITS), &situation.call.limits);
        let mut connection = read("{ connector: acme }");
        connection.insert("url".into(), format!("http://{}", self.played.host()).into());
        connection.insert("limits".into(), Value::Mapping(limits));
        over(connection, &situation.connection)
    }

    /// A batch of one step.
    fn batch(&self, situation: &Situation, connection: &Mapping) -> String {
        let mut step = Mapping::new();
        step.insert("id".into(), "op".into());
        step.insert(self.method.as_str().into(), self.operation.as_str().into());
        if let Some(limit) = situation.call.limit {
            step.insert("limit".into(), limit.into());
        }
        if situation.call.forward_only {
            step.insert("forward_only".into(), true.into());
        }
        let step = over(step, &situation.call.batch);
        let given = |name: &str| step.contains_key(name);
        // Unchanged, with exact digits: JSON is YAML.
        let options = if given("options") { String::new() } else { format!("    options: {}\n", self.options) };
        let items = match &self.items {
            Some(items) if !given("items") => format!("    items: {items}\n"),
            _ => String::new(),
        };
        let indented = |step: &Value| yaml(step).lines().map(|line| format!("    {line}\n")).collect::<String>();
        let before: String = situation.call.before.iter().map(|step| format!("  -\n{}", indented(step))).collect();
        let step = indented(&Value::Mapping(step));
        let head = Value::Mapping(over(
            read("{ version: 1, name: situation, connection: here, run: { wait_up_to: 0s } }"),
            &named("connections", named("here", connection.clone())),
        ));
        format!("{}steps:\n{before}  -\n{step}{options}{items}", yaml(&head))
    }

    /// The request for the C interface.
    fn request(&self, situation: &Situation) -> String {
        let mut text =
            format!(r#"{{"method":"{}","operationId":"{}","options":{}"#, self.method, self.operation, self.options);
        if let Some(items) = &self.items {
            text.push_str(&format!(r#","items":{items}"#));
        }
        if let Some(limit) = situation.call.limit {
            text.push_str(&format!(r#","limit":{limit}"#));
        }
        let flags = [("forwardOnly", situation.call.forward_only), ("strict", situation.call.strict)];
        flags.iter().filter(|(_, set)| *set).for_each(|(name, _)| text.push_str(&format!(r#","{name}":true"#)));
        text + "}"
    }
}

/// All operations, each merged into the defaults.
fn operations(situation: &Situation) -> Mapping {
    let mut all = situation.operations.clone();
    if !situation.operation.is_empty() {
        all.extend(named("op", situation.operation.clone()));
    }
    all.iter()
        .map(|(name, own)| {
            (name.clone(), Value::Mapping(over(read(OPERATION), own.as_mapping().unwrap_or(&Mapping::new()))))
        })
        .collect()
}

/// A connection for the C interface: properties are texts in a map of their own.
fn spec(connection: &Mapping) -> Data {
    let (mut spec, mut values) = (json!({"name": "here"}), json!({}));
    for (name, value) in connection {
        let name = name.as_str().unwrap_or_default();
        let value = serde_json::to_value(value).unwrap();
        match name {
            "connector" | "limits" => spec[name] = value,
            own if OWN_KEYS.contains(&own) => spec[own] = value,
            property => values[property] = value,
        }
    }
    spec["values"] = values;
    spec
}

fn read(text: &str) -> Mapping {
    serde_yaml::from_str(text).unwrap()
}

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).unwrap()
}

fn named(name: &str, value: Mapping) -> Mapping {
    std::iter::once((Value::from(name), Value::Mapping(value))).collect()
}

fn file(key: &str, value: Mapping) -> Mapping {
    let mut file = read("{ version: 1 }");
    file.insert(key.into(), Value::Mapping(value));
    file
}

/// Merges the keys of `upper` into `under`; nested maps are merged one level deep.
fn over(mut under: Mapping, upper: &Mapping) -> Mapping {
    for (key, value) in upper {
        match (under.get_mut(key), value) {
            (Some(Value::Mapping(own)), Value::Mapping(more)) => own.extend(more.clone()),
            _ => drop(under.insert(key.clone(), value.clone())),
        }
    }
    under
}
