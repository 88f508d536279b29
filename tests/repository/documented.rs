//! The library's documentation: main types have an example, and each `# Errors` names kinds. Lints of the compiler,
//! clippy and rustdoc check that public items are documented, that functions have `# Errors`, and that links are valid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opnode::ErrorKind;

use crate::tidy;

/// Exports of `src/lib.rs` without an example of their own, and where one is.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("Body", "Transport"),
    ("Cursor", "Resume"),
    ("EarlierTokens", "TokenStore; only for stores of version 0.1"),
    ("ExchangeLimits", "Transport"),
    ("Failure", "Transport"),
    ("FailureKind", "Transport"),
    ("FileStore", "EngineConfig"),
    ("HttpOptions", "the engine fills it in from the connection"),
    ("HttpTransport", "the engine creates it"),
    ("Item", "Items"),
    ("KeyringStore", "as FileStore in EngineConfig"),
    ("Limits", "ConnectionSpec"),
    ("MemoryStore", "the default of EngineConfig"),
    ("Method", "Catalog"),
    ("OutcomeCounts", "Writes"),
    ("OutcomeStatus", "Outcome"),
    ("Page", "Walk"),
    ("PlannedRequest", "Session"),
    ("Redactor", "Secret"),
    ("Reply", "Transport, and the crate"),
    ("Response", "Transport"),
    ("Result", "everywhere"),
    ("Sink", "a host's standard output; the command line has one"),
    ("Stdout", "Sink"),
    ("StopReason", "Walk"),
    ("SystemClock", "the default of EngineConfig"),
    ("TokenOwner", "TokenStore"),
    ("TokenSlot", "TokenStore"),
    ("Tokens", "TokenStore"),
    ("Usage", "Receipt"),
    ("WriteReply", "the crate"),
    ("wait_for_renewals", "one call without arguments"),
];

/// Public modules without an example.
const MODULES: &[(&str, &str)] =
    &[("cli", "it has a manual of its own: `opnode --help`"), ("fuzzing", "no part of the interface")];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| (path.clone(), std::fs::read_to_string(path).unwrap());
    tidy::sources(folder).into_iter().map(read).collect()
}

/// The names that `src/lib.rs` exports from its modules.
fn exports(lib: &str) -> Vec<&str> {
    let uses = lib.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    uses.flat_map(|path| path.rsplit("::").next().unwrap().trim_matches(['{', '}']).split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect()
}

/// A possibly public item and its documentation.
struct Documented<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// The public items of a file and the functions of its traits, with their documentation; attributes may be in between.
fn documented(text: &str) -> Vec<Documented<'_>> {
    let mut found = Vec::new();
    let (mut lines, mut in_attribute) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            lines.push(doc.trim());
        } else if line.starts_with("#[") || in_attribute {
            in_attribute = !line.ends_with(']');
        } else {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let keyword = |word: &&str| matches!(*word, "fn" | "struct" | "enum" | "trait" | "type");
            let name = words.iter().position(keyword).and_then(|at| words.get(at + 1));
            let lines = std::mem::take(&mut lines);
            if !line.starts_with("pub(")
                && let Some(name) = name
            {
                found.push(Documented { name, lines });
            }
        }
    }
    found
}

#[test]
fn main_types_have_an_example() {
    let lib = std::fs::read_to_string(src().join("lib.rs")).unwrap();
    let files = sources(&src());
    let items: Vec<Documented<'_>> = files.iter().flat_map(|(_, text)| documented(text)).collect();
    let has_example = |name: &str| items.iter().any(|i| i.name == name && i.lines.iter().any(|l| l.starts_with("```")));
    let exceptions: BTreeMap<&str, &str> = SHOWN_ELSEWHERE.iter().copied().collect();
    let exports = exports(&lib);
    assert!(exports.len() > 50, "{exports:?}");
    let bare: Vec<&&str> = exports.iter().filter(|n| !has_example(n) && !exceptions.contains_key(**n)).collect();
    assert!(bare.is_empty(), "these have no example: {bare:?}");
    let idle: Vec<&&str> = exceptions.keys().filter(|n| has_example(n) || !exports.contains(n)).collect();
    assert!(idle.is_empty(), "these exceptions are not needed any more: {idle:?}");
}

#[test]
fn public_modules_have_an_example() {
    let lib = std::fs::read_to_string(src().join("lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let has_example = |module: &str| {
        let mut files = sources(&src())
            .into_iter()
            .filter(|(path, _)| path.starts_with(src().join(module)) || *path == src().join(format!("{module}.rs")));
        files.any(|(_, text)| text.lines().any(|l| l.trim().starts_with("/// ```") || l.starts_with("//! ```")))
    };
    let bare: Vec<&str> = modules.filter(|m| !MODULES.iter().any(|(name, _)| name == m) && !has_example(m)).collect();
    assert!(bare.is_empty(), "these have no example: {bare:?}");
}

/// By name, or by a link to the function or type that names them.
#[test]
fn errors_are_documented_by_kind() {
    let kinds: Vec<String> = ErrorKind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
    let mut faults = Vec::new();
    let mut sections = 0;
    for (path, text) in sources(&src()) {
        for item in documented(&text) {
            let Some(at) = item.lines.iter().position(|l| *l == "# Errors") else { continue };
            let section: Vec<&str> =
                item.lines.iter().skip(at + 1).take_while(|l| !l.starts_with('#')).copied().collect();
            let section = section.join(" ");
            sections += 1;
            if !kinds.iter().any(|kind| section.contains(kind.as_str())) && !section.contains("[`") {
                faults.push(format!("{}: {}: {section}", path.display(), item.name));
            }
        }
    }
    assert!(sections > 60, "only {sections} sections were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
