//! Checks the rules of this project: layers, module docs, file sizes, vendors only as data, a case for every operation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use opnode::Catalog;

#[path = "tidy/graph.rs"]
mod graph;

use graph::Graph;

/// The modules of `src/` by layer, lowest first. A file imports from its own module and from lower layers; modules of
/// one layer do not import each other.
const LAYERS: &[&[&str]] = &[
    // Base: independent of opnode's purpose.
    &[
        "clock",
        "digits",
        "durable",
        "error",
        "json_error",
        "json_pointer",
        "json_text",
        "lock",
        "private_file",
        "secret",
        "step_tag",
        "wipe",
    ],
    &["claim", "item", "telemetry", "text_file"],
    &["part_file"],
    &["authoring", "options", "output", "receipt", "reply", "sink"],
    // Model: the definitions.
    &["definition", "row_file"],
    &["connection", "page", "retry", "row_work"],
    &["describe", "draft", "fault", "request", "sandbox", "transport"],
    // Engine: the calls.
    &["auth", "body", "exchanges", "import", "paging"],
    &["connections", "send"],
    &["call", "job"],
    &["run_store", "walk", "write"],
    &["engine", "expression", "table"],
    &["table_file"],
    // Batches and faces.
    &["batch", "ffi"],
    &["cli", "formats", "fuzzing"],
];

/// The highest layers that are pure: no clock, file, network, environment or random numbers.
const PURE: &[&str] = &[
    "authoring",
    "body",
    "connection",
    "definition",
    "describe",
    "digits",
    "draft",
    "error",
    "expression",
    "fault",
    "import",
    "item",
    "json_error",
    "json_pointer",
    "json_text",
    "options",
    "output",
    "page",
    "paging",
    "receipt",
    "reply",
    "request",
    "retry",
];

const LINES_MAX: usize = 500;

/// Words that only data may contain.
const VENDORS: [&str; 5] = ["connectwise", "jumpcloud", "optima", "flowgear", "myconnectwise"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn room(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn graph() -> Graph {
    let src = root().join("src");
    Graph::read(&src, &sources(&src))
}

#[test]
fn every_file_starts_with_its_purpose_and_stays_short() {
    let mut faults = Vec::new();
    for file in sources(&root().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let (shown, lines) = (file.display(), text.lines().count());
        if !text.starts_with("//! ") {
            faults.push(format!("{shown}: the first line does not say what the file is for"));
        }
        if lines > LINES_MAX {
            faults.push(format!("{shown}: {lines} lines; is it still one idea?"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_import_only_lower_layers() {
    let mut faults = Vec::new();
    for (file, own, other) in graph().between_rooms().filter(|(_, own, _)| *own != "lib") {
        match (layer(own), layer(other)) {
            (None, _) => faults.push(format!("{file}: the room `{own}` is not in the table of layers")),
            (Some(own), Some(above)) if above >= own => {
                faults.push(format!("{file} (layer {own}) imports `{other}` (layer {above})"));
            }
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_form_no_cycles() {
    let graph = graph();
    let circles: Vec<String> = graph.circles().iter().map(|circle| circle.join(", ")).collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}

/// Pure modules use no clock, file, network, environment or random numbers. Exception: the catalogue reads a folder of
/// definitions, so that a host need not.
#[test]
fn the_lower_layers_are_pure() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "Instant::now",
        "SystemTime::now",
        "tokio::",
        "reqwest::",
        "fastrand",
        "println!",
        "eprintln!",
    ];
    let mut faults = Vec::new();
    for file in sources(&root().join("src")) {
        let name = file.strip_prefix(root().join("src")).unwrap().display().to_string();
        if !PURE.contains(&room(&file).as_str()) || name == "definition/catalog/mod.rs" || name.ends_with("/tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        faults.extend(forbidden.iter().filter(|f| code.contains(**f)).map(|f| format!("{name}: {f}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What only faces and the clock may do: print, read the environment, sleep, read the time.
const LEFT_TO_FACES: &[&str] = &[
    "println!",
    "eprintln!",
    "print!(",
    "dbg!",
    "io::stdout",
    "io::stderr",
    "io::stdin",
    "std::env::",
    "thread::sleep",
    "time::sleep",
    "SystemTime::now",
];

/// Files that do one of these things nevertheless, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("clock.rs", "SystemTime::now", "it is the clock"),
    ("clock.rs", "time::sleep", "it is the clock"),
    ("transport/proxy.rs", "std::env::", "a host asks for the proxy of the environment by an option of HttpOptions"),
    ("definition/catalog/mod.rs", "std::env::", "a relative folder of definitions is named whole in messages"),
    (
        "claim.rs",
        "thread::sleep",
        "two milliseconds for a process that looks at the same new file; nothing is open yet",
    ),
    (
        "run_store/folder/held.rs",
        "thread::sleep",
        "two milliseconds for a lock whose holder is ending; no clock is open yet",
    ),
    (
        "sandbox/serve/router.rs",
        "time::sleep",
        "the mock server answers slowly on request; it is a server, not a caller",
    ),
    ("ffi/notify/hooks.rs", "io::stderr", "a host without a log hook learns of a panic before the process is aborted"),
];

/// Files of the library, without the faces and without separate test files.
fn library() -> Vec<(String, String)> {
    let files = sources(&root().join("src")).into_iter().map(|file| {
        let name = file.strip_prefix(root().join("src")).unwrap().display().to_string();
        (name, std::fs::read_to_string(file).unwrap())
    });
    let code = |text: String| -> String {
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        own.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
    };
    let files = files.filter(|(name, _)| {
        !name.starts_with("cli/") && name != "main.rs" && !name.ends_with("tests.rs") && !name.contains("/tests/")
    });
    files.map(|(name, text)| (name, code(text))).collect()
}

#[test]
fn the_library_does_not_print_sleep_or_read_the_environment() {
    let found: BTreeSet<(String, &str)> = library()
        .iter()
        .flat_map(|(name, code)| LEFT_TO_FACES.iter().filter(|f| code.contains(**f)).map(|f| (name.clone(), *f)))
        .collect();
    let known: BTreeSet<(String, &str)> =
        EXCEPTIONS.iter().map(|(file, what, _)| ((*file).to_owned(), *what)).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "{new:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "these exceptions are not needed any more: {gone:?}");
}

/// Internals that faces use besides the public interface, and why: none of it makes calls.
const FACE_TOOLS: &[(&str, &str)] = &[
    ("authoring", "texts that people write, read with the places of their faults"),
    ("claim", "two processes that write to the same output"),
    ("digits", "numbers as text, without loss"),
    ("draft", "texts of definitions, drafted from what an API has shown"),
    ("durable", "files that appear whole"),
    ("exchanges", "what a connection has sent and received, with its secrets masked"),
    ("import", "descriptions of APIs, as texts of definitions"),
    ("json_text", "fields and values of JSON text"),
    ("json_error", "why a text is not JSON"),
    ("json_pointer", "places within JSON"),
    ("lock", "a mutex that outlives a panic"),
    ("output", "columns and forms of rows"),
    ("private_file", "files that only their owner may read"),
    ("real_path", "two names of one file"),
    ("row_file", "rows of files, and the header rules of tables"),
    ("table", "tables of databases: what is loaded, and how"),
    ("table_file", "files with typed columns"),
    ("text_file", "files of text with a limit"),
];

/// The command line and the C interface use only what any host can use.
#[test]
fn faces_use_the_public_interface() {
    let src = root().join("src");
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let lib = read(src.join("lib.rs"));
    let exports = |text: &str, name: &str| {
        let defines = ["fn", "struct", "enum", "trait", "const", "mod", "type"];
        let is_named = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        text.split(';')
            .filter(|part| part.contains("pub use "))
            .any(|part| is_named(part.split("pub use ").last().unwrap()))
            || text.lines().any(|line| {
                line.strip_prefix("pub ").is_some_and(|rest| {
                    let rest = rest.trim_start_matches("async ");
                    defines.iter().any(|d| rest.strip_prefix(d).is_some_and(|r| r.starts_with(' ') && is_named(r)))
                })
            })
    };
    let mut faults = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (file, path) in graph().crate_paths().filter(|(file, _)| file.starts_with("cli/") || file.starts_with("ffi/")) {
        let [first, rest @ ..] = path else { continue };
        let is_own = first == "cli" || first == "ffi";
        let is_public = exports(&lib, first)
            && rest.first().is_none_or(|name| {
                let (folder, file) = (src.join(first).join("mod.rs"), src.join(format!("{first}.rs")));
                first.starts_with(char::is_uppercase)
                    || name == "self"
                    || exports(&read(folder), name)
                    || exports(&read(file), name)
            });
        let tool = FACE_TOOLS.iter().find(|(room, _)| room == first);
        used.extend(tool.map(|(room, _)| *room));
        if !is_own && !is_public && tool.is_none() {
            faults.insert(format!("{file}: {}", path.join("::")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let idle: Vec<_> = FACE_TOOLS.iter().filter(|(room, _)| !used.contains(room)).collect();
    assert!(idle.is_empty(), "these are not used any more: {idle:?}");
}

/// Only the C interface and the allocator have unsafe code; the word appears nowhere else in code, including tests.
#[test]
fn only_the_c_interface_is_unsafe() {
    let mut faults = Vec::new();
    for file in sources(&root().join("src")).into_iter().chain(sources(&root().join("fuzz/fuzz_targets"))) {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        if name.starts_with("src/ffi/") || name == "src/wipe.rs" {
            continue;
        }
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| matches!(word, "unsafe" | "unsafe_code")) {
                faults.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The files that newcomers look for.
#[test]
fn files_named_for_contributors_exist() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let named =
        text.split('`').skip(1).step_by(2).filter(|name| name.starts_with("src/") && !name.contains(['*', '<', ' ']));
    let missing: Vec<&str> = named.filter(|name| !root().join(name).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let glossary = text.split("## Glossary").nth(1).unwrap().split("\n## ").next().unwrap();
    let terms = glossary.lines().filter(|line| line.starts_with("| ")).count() - 1;
    assert!((1..=40).contains(&terms), "{terms} terms");
}

#[test]
fn vendors_are_data() {
    let mut faults = Vec::new();
    for file in sources(&root().join("src")) {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let lower = line.to_lowercase();
            faults
                .extend(VENDORS.iter().filter(|v| lower.contains(**v)).map(|v| format!("{name}:{}: {v}", number + 1)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_operation_has_a_case_and_every_list_walks_pages() {
    let catalog = Catalog::builtin();
    let mut faults = Vec::new();
    for connector in catalog.connector_names() {
        let imported = crate::imported(connector);
        for operation in catalog.operations(connector).unwrap() {
            if imported.contains(&operation.id) {
                continue;
            }
            let folder = root().join("tests/cases").join(connector).join(&operation.id);
            let cases: Vec<PathBuf> =
                std::fs::read_dir(&folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
            if cases.is_empty() {
                faults.push(format!("{connector}/{} has no case", operation.id));
            } else if operation.is_paged() && !cases.iter().any(|c| c.join("02.request.yaml").exists()) {
                faults.push(format!("{connector}/{} has no case with several pages", operation.id));
            }
            if operation.description.is_none() {
                faults.push(format!("{connector}/{} has no description", operation.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_case_belongs_to_an_operation() {
    let catalog = Catalog::builtin();
    let known: BTreeSet<String> = catalog
        .connector_names()
        .flat_map(|c| catalog.operations(c).unwrap())
        .map(|o| format!("{}/{}", o.connector.name, o.id))
        .collect();
    for connector in catalog.connector_names() {
        for entry in std::fs::read_dir(root().join("tests/cases").join(connector)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{connector}/{}", path.file_name().unwrap().to_str().unwrap());
            assert!(!path.is_dir() || known.contains(&name), "{name} is a case of no operation");
        }
    }
}

/// One type name means one thing.
#[test]
fn no_two_types_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in sources(&root().join("src")) {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let words: Vec<&str> = line.split([' ', '<', '{', '(', ';', ':']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| ["struct", "enum", "trait"].contains(word));
            let is_declared =
                at.is_some_and(|at| words.iter().take(at).all(|w| w.starts_with("pub") || w.ends_with(')')));
            if let Some(name) = at.filter(|_| is_declared).and_then(|at| words.get(at + 1)) {
                places.entry((*name).to_owned()).or_default().push(path.display().to_string());
            }
        }
    }
    let twice: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(twice.is_empty() && places.len() > 400, "{} types; {twice:#?}", places.len());
}
