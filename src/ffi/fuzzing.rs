//! Entry point of the fuzzers for requests of C hosts; see `src/fuzzing.rs`.

use std::sync::{Arc, LazyLock};

use super::call::{HostRequest, Work};
use super::config::Config;
use super::connection::Conn;
use super::host::Host;

static CONN: LazyLock<Option<Conn>> = LazyLock::new(|| {
    let config = Config::read(r#"{"selftest": true, "log": "off"}"#).ok()?;
    let host = Host::start(config, None).ok()?;
    let part = serde_json::json!({"connector": "acme", "files": {
        "connector.yaml": "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n",
        "operations.yaml": "version: 1\noperations:\n  list: { title: L, method: query, request: GET /p, response: { result: list } }\n",
        "templates.yaml": "version: 1\ntemplates:\n  all: { title: L, summary: All, operation: list }\n",
    }});
    host.add(vec![serde_json::from_value(part).ok()?]).ok()?;
    Conn::open(Arc::new(host), r#"{"connector": "acme"}"#).ok()
});

/// A request: read or refused. A second line is read as a connection.
pub(crate) fn request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (request, connection) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(conn) = &*CONN else { unreachable!("the made-up system is sound") };
    let planned = HostRequest::read(true, request).and_then(|request| match request.work {
        Work::Call(call) | Work::Stream(call) | Work::Plan(call) => conn.session.plan(&call).map(|_| ()),
        Work::Check | Work::Selftest(_) => Ok(()),
    });
    if let Err(error) = planned {
        assert!(!error.message.is_empty(), "an error without words");
    }
    if let Err(error) = Conn::open(Arc::clone(&conn.host), connection) {
        assert!(!error.message.is_empty(), "an error without words");
    }
}
