//! moto's S3, which checks signatures with botocore: objects are put, listed, read and deleted; its errors are XML.

use std::process::Command;

use base64::Engine as _;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::django::PYTHON;
use crate::setup::{CommandOutput, Setup, free_port, same, source};

pub fn trials() -> Vec<Trial> {
    if cfg!(not(feature = "xml")) {
        eprintln!("S3 needs the feature xml: its trials are left out");
        return Vec::new();
    }
    crate::trials(
        "S3",
        &format!("{PYTHON} -c 'import moto.moto_server.werkzeug_app, moto.s3.models, moto.iam.models'"),
        vec![
            ("a list of 2500 objects is complete", || walk(2_500, 3)),
            ("a list of exactly one page is complete", || walk(1_000, 1)),
            ("a list of one object is complete", || walk(1, 1)),
            ("a bucket without objects is an empty list", || walk(0, 1)),
            ("a list continues after an error, a slow-down and a cut reply", broken_list),
            ("bytes are put, read and deleted under keys with any characters", round_trip),
            ("a wrong secret or key id is refused with its own message", wrong_key),
            ("a missing object and a missing bucket are not found", missing),
            ("a put that fails or is lost is repeated and done", repeated),
            ("an object is deleted by a document of XML", deleted_by_document),
            ("folders and objects at a prefix are two lists", folders),
            ("signed headers of a copy keep their spaces, and headers of a reply are kept", copied),
        ],
    )
}

/// A store with this many objects.
fn store(count: usize) -> (Setup, u16) {
    let mut setup = Setup::new("s3");
    let port = free_port();
    let mut server = Command::new("sh");
    let program = source("s3").join("server.py").display().to_string();
    server.args(["-c", &format!("exec {PYTHON} -B {program} {port} {count}")]);
    setup.serve(server, port);
    let key = setup.json("key.json");
    let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
    connect(&setup, port, "things", &text("id"), &text("secret"));
    (setup, port)
}

fn connect(setup: &Setup, port: u16, bucket: &str, id: &str, secret: &str) {
    setup.write("secret", secret);
    setup.connections(&format!(
        "  store:\n    connector: s3\n    url: http://127.0.0.1:{port}\n    bucket: {bucket}\n    accessKey: {id}\n    secretKey: {{ file: secret }}\n"
    ));
}

/// The requests that the server received: verb, address and status.
fn requests(setup: &Setup, port: u16, verb: &str) -> Vec<String> {
    setup.lines(&format!("server-{port}.log"), |line| line.starts_with(&format!("{verb} /")))
}

/// The last words of these requests.
fn statuses(setup: &Setup, port: u16, verb: &str) -> Vec<String> {
    let last = |line: &String| line.rsplit(' ').next().unwrap_or_default().to_owned();
    requests(setup, port, verb).iter().map(last).collect()
}

fn list(setup: &Setup) -> Result<Vec<Value>, String> {
    let told = setup.run(&["query", "listObjects", "--receipt", "receipt.json"]).ended(0)?;
    same("complete", setup.json("receipt.json")["complete"].clone(), json!(true))?;
    Ok(told.items().iter().map(|item| item["Key"].clone()).collect())
}

fn keys(count: usize) -> Vec<Value> {
    (1..=count).map(|number| json!(format!("row {number:05}"))).collect()
}

fn walk(count: usize, pages: usize) -> Result<(), String> {
    let (setup, port) = store(count);
    same("keys", list(&setup)?, keys(count))?;
    same("pages", statuses(&setup, port, "GET"), vec!["200".to_owned(); pages])
}

fn broken_list() -> Result<(), String> {
    for (kind, first) in [("500", "500"), ("slow-down", "503"), ("cut", "200")] {
        let (setup, port) = store(1_100);
        setup.write("fault", &format!("GET {kind}"));
        same("keys", list(&setup)?, keys(1_100))?;
        same(kind, statuses(&setup, port, "GET"), [first, "200", "200"].map(str::to_owned).to_vec())?;
    }
    Ok(())
}

/// A call for an object.
fn object(setup: &Setup, method: &str, operation: &str, key: &str, more: &[&str]) -> CommandOutput {
    let key = json!({ "key": key }).to_string();
    setup.run(&[&[method, operation, "--options", &key], more].concat())
}

fn put(setup: &Setup, key: &str, bytes: &[u8]) -> CommandOutput {
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    setup.write("item.json", &json!({"contentType": "application/x-thing", "data": data}).to_string());
    object(setup, "mutate", "putObject", key, &["--items", "@item.json"])
}

fn round_trip() -> Result<(), String> {
    let (setup, port) = store(0);
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let names = ["plain", "a/b c.bin", "ü/+&=?#%20~!'()*[];:@,$.bin"];
    for name in names {
        put(&setup, name, &bytes).ended(0)?;
        object(&setup, "query", "getObject", name, &["-o", "got.bin"]).ended(0)?;
        same(name, std::fs::read(setup.path("got.bin")).is_ok_and(|got| got == bytes), true)?;
    }
    let mut listed = list(&setup)?;
    listed.sort_by_key(Value::to_string);
    same("listed", listed, ["a/b c.bin", "plain", "ü/+&=?#%20~!'()*[];:@,$.bin"].map(Value::from).to_vec())?;
    put(&setup, "empty", b"").ended(0)?;
    let empty = object(&setup, "query", "getObject", "empty", &["--files", "files"]).ended(0)?;
    same("size", empty.items().first().map(|item| item["size"].clone()), Some(json!(0)))?;
    same("an empty file", std::fs::read(setup.path("files/getObject")).ok(), Some(Vec::new()))?;
    object(&setup, "query", "getObject", "empty", &["-o", "got.bin"]).ended(0)?;
    same("an empty file", std::fs::read(setup.path("got.bin")).ok(), Some(Vec::new()))?;
    for name in names.iter().chain(&["empty"]) {
        object(&setup, "delete", "deleteObject", name, &[]).ended(0)?;
    }
    same("deletes", statuses(&setup, port, "DELETE"), vec!["204".to_owned(); 4])?;
    same("rest", list(&setup)?, Vec::new())
}

fn wrong_key() -> Result<(), String> {
    let (setup, port) = store(1);
    let id = setup.json("key.json")["id"].as_str().unwrap_or_default().to_owned();
    connect(&setup, port, "things", &id, "wrong-S3cret");
    let message =
        ["error[unauthenticated]", "SignatureDoesNotMatch: The request signature we calculated does not match"];
    let told = setup.run(&["query", "listObjects"]).ended(4)?.has_stderr(&message)?;
    same("secret", told.stderr.contains("S3cret"), false)?;
    object(&setup, "query", "getObject", "row 00001", &["-o", "got.bin"]).ended(4)?.has_stderr(&message)?;
    put(&setup, "new", b"1").ended(4)?.has_stderr(&message)?;
    connect(&setup, port, "things", "AKIAWRONG", "wrong-S3cret");
    setup.run(&["query", "listObjects"]).ended(4)?.has_stderr(&["error[unauthenticated]", "InvalidAccessKeyId: "])?;
    // Each call is one request.
    let all = [statuses(&setup, port, "GET"), statuses(&setup, port, "PUT")].concat();
    same("calls", all, vec!["403".to_owned(); 4])
}

fn missing() -> Result<(), String> {
    let (setup, port) = store(1);
    let told = object(&setup, "query", "getObject", "none", &["-o", "got.bin"]);
    told.ended(5)?.has_stderr(&["error[not_found]", "NoSuchKey: The specified key does not exist."])?;
    same("a file", setup.path("got.bin").exists(), false)?;
    let key = setup.json("key.json");
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    connect(&setup, port, "nowhere", text("id"), text("secret"));
    setup.run(&["query", "listObjects"]).ended(5)?.has_stderr(&["error[not_found]", "NoSuchBucket: "])?;
    put(&setup, "new", b"1").ended(5)?.has_stderr(&["error[not_found]", "NoSuchBucket: "]).map(|_| ())
}

fn repeated() -> Result<(), String> {
    for (kind, first) in [("500", "500"), ("slow-down", "503"), ("lost", "lost")] {
        let (setup, port) = store(0);
        setup.write("fault", &format!("PUT {kind}"));
        put(&setup, "thing", b"1").ended(0)?;
        same(kind, statuses(&setup, port, "PUT"), vec![first.to_owned(), "200".to_owned()])?;
        same(kind, list(&setup)?, vec![json!("thing")])?;
    }
    Ok(())
}

fn deleted_by_document() -> Result<(), String> {
    let (setup, port) = store(2);
    put(&setup, "a & <b>", b"1").ended(0)?;
    let told =
        setup.run(&["mutate", "deleteListed", "--items", r#"[{"key":"a & <b>"},{"key":"row 00001"}]"#]).ended(0)?;
    same("deleted", told.items(), vec![json!({"Key": "a & <b>"}), json!({"Key": "row 00001"})])?;
    same("requests", requests(&setup, port, "POST").len(), 2)?;
    same("rest", list(&setup)?, vec![json!("row 00002")])
}

fn folders() -> Result<(), String> {
    let (setup, _) = store(1);
    for key in ["a/1", "a/2", "b c/1"] {
        put(&setup, key, b"1").ended(0)?;
    }
    let found = |more: &[&str]| -> Result<Vec<(Value, Value)>, String> {
        let told = setup.run(&[&["query", "listFolder"], more].concat()).ended(0)?;
        let name = |item: &Value| item.get("Prefix").or(item.get("Key")).cloned().unwrap_or_default();
        Ok(told.items().iter().map(|item| (item["kind"].clone(), name(item))).collect())
    };
    let (folder, object) = (json!("CommonPrefixes"), json!("Contents"));
    let root = vec![(folder.clone(), json!("a/")), (folder, json!("b c/")), (object.clone(), json!("row 00001"))];
    same("root", found(&[])?, root)?;
    same("a/", found(&["--set", "prefix=a/"])?, vec![(object.clone(), json!("a/1")), (object, json!("a/2"))])?;
    same("none", found(&["--set", "prefix=none/"])?, Vec::new())
}

fn copied() -> Result<(), String> {
    let (setup, _) = store(1);
    let source = ["--set", "source=things/row%2000001", "--set", "owner=two   spaces; a=\"b\""];
    object(&setup, "mutate", "copyObject", "copy", &source).ended(0)?;
    object(&setup, "query", "headObject", "copy", &["--receipt", "receipt.json"]).ended(0)?;
    let kept = setup.json("receipt.json")["kept"].clone();
    same("size", kept["size"].clone(), json!("1"))?;
    same("owner", kept["owner"].clone(), json!("two   spaces; a=\"b\""))?;
    let none = object(&setup, "query", "headObject", "none", &[]).ended(5)?;
    none.has_stderr(&["error[not_found]"]).map(|_| ())
}
