//! Tables of trials that are not cases of `tests/wire/cases/`: each file of `tests/wire/tables/` explains its columns
//! and is read as rows of a type.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    columns: Vec<String>,
    rows: Vec<Vec<serde_yaml::Value>>,
}

pub fn table<R: DeserializeOwned>(name: &str) -> Vec<R> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/tables").join(name).with_extension("yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: File = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let row = |cells: Vec<serde_yaml::Value>| {
        assert_eq!(cells.len(), file.columns.len(), "{}: {cells:?}", path.display());
        serde_yaml::from_value(serde_yaml::Value::Sequence(cells)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    file.rows.into_iter().map(row).collect()
}
