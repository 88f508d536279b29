//! JSON and definition files as YAML text, in the order of the file and digit for digit.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_yaml::{Mapping, Value};

use crate::digits::is_number;
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::fields_of;

/// Writes a value as YAML, such as a definition file. Keys keep the order in which the value serializes them, and
/// numbers keep their digits.
///
/// ```
/// use opnode::formats::to_yaml;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct File {
///     version: u32,
///     operations: serde_json::Value,
/// }
/// let ping = serde_json::json!({"ping": {
///     "title": "Test the address",
///     "method": "query",
///     "request": "GET /ping",
///     "response": {"result": "object"},
/// }});
/// let text = to_yaml(&File { version: 1, operations: ping })?;
/// assert!(text.starts_with("version: 1\noperations:\n  ping:\n"));
///
/// let mut catalog = opnode::Catalog::empty();
/// catalog.add_folder("examples/definitions".as_ref())?;
/// catalog.add("acme-desk", "ping.yaml", text);
/// assert_eq!(catalog.operation(None, "ping")?.title, "Test the address");
/// # Ok::<(), opnode::Error>(())
/// ```
///
/// # Errors
/// `internal` when it cannot be written.
pub fn to_yaml(value: &impl Serialize) -> Result<String> {
    let broken = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("the YAML: {e}"));
    let json = serde_json::to_string(value).map_err(|e| broken(&e))?;
    let mut numbers = Numbers::default();
    let tree = numbers.tree(&json).map_err(|e| broken(&e))?;
    Ok(numbers.spell(serde_yaml::to_string(&tree).map_err(|e| broken(&e))?))
}

/// Numbers whose digits the library would change, each replaced by a mark until the text is written.
#[derive(Default)]
pub(crate) struct Numbers(Vec<String>);

impl Numbers {
    /// JSON as a tree of the YAML library.
    pub(crate) fn tree(&mut self, json: &str) -> serde_json::Result<Value> {
        if is_number(json) && json.parse::<i64>().map(|n| n.to_string()).as_deref() != Ok(json) {
            self.0.push(json.to_owned());
            return Ok(Value::String(mark(self.0.len() - 1)));
        }
        if let Some(fields) = fields_of(json) {
            let mut map = Mapping::new();
            for (name, raw) in fields {
                map.insert(Value::String(name), self.tree(raw.get())?);
            }
            return Ok(Value::Mapping(map));
        }
        match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(list) => list.into_iter().map(|raw| self.tree(raw.get())).collect::<Result<_, _>>().map(Value::Sequence),
            Err(_) => serde_json::from_str(json),
        }
    }

    /// The text with the numbers put back.
    pub(crate) fn spell(&self, text: String) -> String {
        self.0.iter().enumerate().fold(text, |text, (index, digits)| {
            let mark = mark(index);
            text.replace(&format!("\"{mark}\""), digits).replace(&mark, digits)
        })
    }
}

fn mark(index: usize) -> String {
    format!("opnode-number-{index}-")
}
