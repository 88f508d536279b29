//! The repository is consistent: README, examples, list of operations, catalogue of faults, layers.

#[cfg(feature = "cli")]
#[path = "../cleanup/mod.rs"]
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;

mod connectors_guide;
mod coverage;
mod documented;
#[cfg(feature = "cli")]
mod examples;
#[cfg(feature = "cli")]
mod readme;
mod reliability;
mod search;
#[cfg(feature = "cli")]
#[path = "../server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;
#[cfg(feature = "cli")]
mod system;
#[path = "../table/mod.rs"]
mod table;
mod tidy;

/// The operations of a connector that `opnode import` wrote: the sandbox and a validator of others try these.
fn imported(connector: &str) -> std::collections::BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("operations").join(connector);
    let mut found = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        if text.starts_with("# Written by `opnode import`") {
            let entries = text.split("\noperations:\n").nth(1).unwrap_or_default();
            let names = entries.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
            found.extend(names.filter(|name| !name.starts_with(' ')).map(str::to_owned));
        }
    }
    found
}
