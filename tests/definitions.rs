//! Messages for authors: each `tests/definitions/bad/NAME.FORMAT.yaml` has a NAME.txt with all faults that it causes.
//! `UPDATE=1` rewrites the texts. Files under `ok/` must have no fault.

use std::path::{Path, PathBuf};

use opnode::connections::ConnectionsFile;
use opnode::error::{Error, Fault};
use opnode::{Catalog, Method};

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;

const CONNECTOR: &str = include_str!("definitions/base/connector.yaml");
const OPERATIONS: &str = include_str!("definitions/base/things.yaml");

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions").join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    files
}

fn faults(file: &Path) -> Vec<Fault> {
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(file).unwrap();
    let format = name.rsplit('.').nth(1).unwrap();
    if format == "connections" {
        return ConnectionsFile::parse(&name, &text).err().map(spread).unwrap_or_default();
    }
    let mut catalog = Catalog::empty();
    if format != "connector" {
        catalog.add("acme", "connector.yaml", CONNECTOR);
    }
    if format != "operations" {
        catalog.add("acme", "things.yaml", OPERATIONS);
    }
    let role = match format {
        "connector" => "connector.yaml",
        "sandbox" => "sandbox.yaml",
        "overrides" => "overrides.yaml",
        _ => name.as_str(),
    };
    catalog.add("acme", role, text);
    catalog.faults(&[])
}

fn spread(error: Error) -> Vec<Fault> {
    if error.faults.is_empty() {
        vec![Fault {
            place: error.place.clone().unwrap_or_default(),
            message: error.message.clone(),
            advice: error.advice.clone(),
        }]
    } else {
        error.faults.clone()
    }
}

fn render(faults: &[Fault]) -> String {
    let line = |f: &Fault| {
        format!(
            "{}: {}\n{}",
            f.place,
            f.message,
            f.advice.as_ref().map(|a| format!("    help: {a}\n")).unwrap_or_default()
        )
    };
    faults.iter().map(line).collect()
}

#[test]
fn bad_files_have_the_expected_messages() {
    let mut wrong = Vec::new();
    for file in files("bad") {
        let found = render(&faults(&file));
        let expected = file
            .with_file_name(file.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned() + ".txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &found).unwrap();
        }
        if found.is_empty() || std::fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_files_have_none() {
    for file in files("ok") {
        assert_eq!(render(&faults(&file)), "", "{}", file.display());
    }
}

#[test]
fn the_shipped_packs_have_no_fault() {
    assert_eq!(render(&Catalog::builtin().faults(&[])), "");
}

#[test]
fn wrong_names_suggest_the_nearest() {
    let catalog = Catalog::builtin();
    let message = |r: opnode::Result<_>| r.map(|_: std::sync::Arc<_>| ()).unwrap_err().message.clone();
    assert_eq!(
        message(catalog.operation(None, "getSystemMember")),
        "no connector has an operation `getSystemMember`; did you mean `getSystemMembers`?"
    );
    let by_full_name = catalog.operation(None, "connectwise-manage/getSystemMembers").unwrap();
    assert_eq!((by_full_name.method, by_full_name.request_line()), (Method::Query, "GET /system/members".into()));
    let catalog = Catalog::builtin();
    assert!(
        catalog.connector("conectwise-manage").unwrap_err().message.ends_with("did you mean `connectwise-manage`?")
    );
}

#[test]
fn a_folder_overrides_entry_by_entry() {
    let dir = cleanup::folder();
    let area = dir.path().join("operations/connectwise-manage");
    std::fs::create_dir_all(&area).unwrap();
    let own = "version: 1\noperations:\n  getSystemMembers:\n    title: Ours\n    method: query\n    request: GET /ours\n    response: { result: list }\n";
    std::fs::write(area.join("ours.yaml"), own).unwrap();
    let mut catalog = Catalog::builtin();
    catalog.add_folder(dir.path()).unwrap();
    assert_eq!(catalog.operation(None, "getSystemMembers").unwrap().request_line(), "GET /ours");
    assert_eq!(catalog.operation(None, "getSystemInfo").unwrap().request_line(), "GET /system/info");
    let built_in = Catalog::builtin().operations("connectwise-manage").unwrap().len();
    assert_eq!(catalog.operations("connectwise-manage").unwrap().len(), built_in);
}

/// Patterns that backtrack exponentially, are huge, or are invalid.
#[test]
fn dangerous_patterns_end_in_time() {
    let with = |pattern: &str| {
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", CONNECTOR);
        catalog.add(
            "acme",
            "things.yaml",
            OPERATIONS.replace("kind: { enum: [red, blue] }", &format!("kind: {{ pattern: '{pattern}' }}")),
        );
        catalog
    };
    let started = std::time::Instant::now();
    let catalog = with("^(a+)+(b+)*$");
    assert_eq!(render(&catalog.faults(&[])), "");
    let operation = catalog.operation(Some("acme"), "getThings").unwrap();
    let long = serde_json::json!({"kind": format!("{}!", "a".repeat(100_000))});
    assert!(operation.check_options(long.as_object().unwrap()).is_err());
    for refused in ["((a{1000}){1000}){1000}", r"(a)\1", "(?=a)a", "(a"] {
        assert!(!render(&with(refused).faults(&[])).is_empty(), "{refused}");
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// A build without the feature refuses an operation that returns XML, and only that one.
/// A build without XML cannot read a document.
#[cfg(feature = "xml")]
#[test]
fn a_template_that_is_no_xml_is_refused() {
    for (xml, said) in [
        ("<a>{name}</a><b/>", "this is not XML: it has 2 root elements, and needs one"),
        ("<a><b>{name}</a>", "this is not XML: "),
        ("<a>{name}", "this is not XML: it ends before its root element does"),
        ("<a>{name}</a> {name}", "this is not XML: there is text outside of the root element"),
        ("<a b='{name}' b='1'/>", "this is not XML: "),
        ("<a b='{name}'>{name}<!-- x --></a>", ""),
    ] {
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", CONNECTOR);
        let operation = format!(
            "title: X, method: mutate, request: POST /x, items: {{ send: each }}, body: {{ xml: \"{xml}\" }}, response: {{ result: none }}"
        );
        catalog.add("acme", "xml.yaml", format!("version: 2\noperations:\n  addXml: {{ {operation} }}\n"));
        let found = render(&catalog.faults(&[]));
        assert!(if said.is_empty() { found.is_empty() } else { found.contains(said) }, "{xml}: {found}");
    }
}

#[test]
fn xml_needs_its_feature() {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "things.yaml", OPERATIONS);
    let operation = "title: X, method: query, request: GET /x, response: { result: object, format: xml, items: /x }";
    catalog.add("acme", "xml.yaml", format!("version: 1\noperations:\n  getXml: {{ {operation} }}\n"));
    assert!(catalog.operation(None, "getThings").is_ok());
    let refused = catalog.operation(None, "getXml").err().map(|error| error.kind());
    let expected = if cfg!(feature = "xml") { None } else { Some(opnode::ErrorKind::Unsupported) };
    assert_eq!(refused, expected);
}
