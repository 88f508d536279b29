//! The `opnode sandbox` that the hosts use.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::cleanup::Program;

/// A running sandbox; it ends when dropped.
pub(crate) struct Sandbox {
    _program: Program,
    /// Specifications for `opnode_conn_open`, by connector.
    connections: BTreeMap<String, String>,
    pub(crate) port: String,
}

impl Sandbox {
    pub(crate) fn start() -> Sandbox {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command.arg("sandbox").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = Program::start(&mut command).unwrap();
        let mut stdout = program.stdout();
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        let connections = loop {
            let count = stdout.read(&mut buffer).unwrap();
            assert!(count > 0, "the sandbox ended: {text}");
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            // The last connection ends with its limits.
            if let Some(all) =
                specifications(&text).filter(|all| all.get("optima").is_some_and(|spec| spec.contains("limits")))
            {
                break all;
            }
        };
        let port = text.split("http://127.0.0.1:").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit));
        let port = port.map(Iterator::collect).expect("the connections name the sandbox's port");
        Sandbox { connections, port, _program: program }
    }

    pub(crate) fn connection(&self, connector: &str) -> &str {
        &self.connections[connector]
    }
}

/// Converts a connections file to the JSON of hosts, by connector.
fn specifications(yaml: &str) -> Option<BTreeMap<String, String>> {
    let file: Value = serde_yaml::from_str(yaml).ok()?;
    let connections = file.get("connections")?.as_object()?;
    let all = connections.iter().filter_map(|(name, fields)| {
        let mut values: Map<String, Value> = fields.as_object()?.clone();
        let mut spec = Map::from_iter([("name".to_owned(), json!(name))]);
        for key in ["connector", "account", "limits", "reroute"] {
            spec.extend(values.remove(key).map(|value| (key.to_owned(), value)));
        }
        let connector = spec.get("connector")?.as_str()?.to_owned();
        spec.insert("values".to_owned(), Value::Object(values));
        Some((connector, Value::Object(spec).to_string()))
    });
    Some(all.collect())
}
