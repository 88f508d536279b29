//! What the hosts talk to: `opnode sandbox`, and a server that takes requests and never answers.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Map, Value, json};

/// The sandbox, until it is dropped.
pub(crate) struct Sandbox {
    child: Child,
    /// Specifications for `opnode_conn_open`, by connector.
    connections: BTreeMap<String, String>,
    pub(crate) port: u16,
}

impl Sandbox {
    pub(crate) fn start() -> Sandbox {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_opnode"))
            .args(["sandbox", "--port", &port.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
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
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Sandbox { child, connections, port }
    }

    pub(crate) fn connection(&self, connector: &str) -> &str {
        &self.connections[connector]
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A connections file as the JSON that hosts give in, by connector.
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

/// A server that accepts and says nothing, for as long as this process lives: its port, and what tells of each connection.
pub(crate) fn silent() -> (u16, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.push(stream);
            let _nobody_listens = told.send(());
        }
    });
    (port, heard)
}
