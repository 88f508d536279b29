//! The JSON Schemas under `schemas/` match the Rust types. `UPDATE=1` writes them.
#![cfg(feature = "schemas")]

use std::path::Path;

use opnode::formats::{Format, generate_schema};

#[test]
fn schemas_are_fresh() {
    for format in Format::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{}.schema.json", format.name()));
        let fresh = generate_schema(format);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &fresh).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == fresh,
            "{} is out of date: run UPDATE=1 cargo test --all-features --test schemas",
            path.display()
        );
    }
}
