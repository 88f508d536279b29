//! Express with qs, querystring, multer and cookie-parser: forms, texts, files and the styles of parameters, as these
//! parsers read them.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::setup::{CommandOutput, Setup, free_port, ids, same, source};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "express",
        "node -e 'for (const p of [\"express\", \"multer\", \"cookie-parser\"]) require.resolve(p)'",
        vec![
            ("numbered pages of 25 customers return each once", || walk(25)),
            ("numbered pages that are all full return each customer once", || walk(30)),
            ("deepObject, JSON and list parameters and a cookie are read by its parsers", parameters),
            ("a nested form is read by qs, created, changed and deleted", nested),
            ("a list in empty brackets is read by qs", brackets),
            ("a flat form is read by querystring", flat),
            ("a text is read as it is", text),
            ("files and fields are read by multer, byte for byte", upload),
            ("a file at a path of several segments streams to disk", download),
            ("a download that is cut off or refused is fetched again", broken_download),
            ("the error of a refused record has the server's message and field", refused),
            ("a create that fails is sent once and its outcome is unknown", uncertain),
            ("a create with an idempotency key is repeated and done once", keyed),
            ("changes and deletes that fail are repeated", repeated),
        ],
    )
}

/// A running shop.
struct Shop {
    setup: Setup,
    log: String,
}

fn shop(count: usize) -> Shop {
    let mut setup = Setup::new("express");
    let port = free_port();
    let mut server = Command::new("node");
    server.arg(source("express").join("server.js")).args([port.to_string(), count.to_string()]);
    setup.serve(server, port);
    setup.write("secret", "express-S3cret");
    setup.connections(&format!(
        "  shop:\n    connector: express\n    url: http://127.0.0.1:{port}\n    session: {{ file: secret }}\n"
    ));
    Shop { setup, log: format!("server-{port}.log") }
}

impl Shop {
    /// The requests as the server's parsers have read them.
    fn requests(&self) -> Vec<Value> {
        let lines = self.setup.lines(&self.log, |line| line.starts_with('{'));
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    }

    /// One field of the last request.
    fn last(&self, field: &str) -> Value {
        self.requests().last().map(|request| request[field].clone()).unwrap_or_default()
    }

    /// The statuses of the requests with this verb; 0 if no reply was sent.
    fn statuses(&self, verb: &str) -> Vec<u64> {
        let requests = self.requests();
        requests.iter().filter(|r| r["method"] == verb).filter_map(|r| r["status"].as_u64()).collect()
    }

    fn mutate(&self, operation: &str, items: &Value) -> CommandOutput {
        self.setup.write("items.json", &items.to_string());
        self.setup.run(&["mutate", operation, "--items", "@items.json", "--outcomes", "outcomes.ndjson"])
    }

    fn outcome(&self) -> Value {
        self.setup.json("outcomes.ndjson")["status"].clone()
    }

    fn customer(&self, id: u64) -> CommandOutput {
        self.setup.run(&["query", "getCustomer", "--set", &format!("id={id}")])
    }
}

fn walk(count: usize) -> Result<(), String> {
    let shop = shop(count);
    let told = shop.setup.run(&["query", "listCustomers", "--receipt", "receipt.json"]).ended(0)?;
    same("ids", ids(&told), (1..=count as u64).collect())?;
    same("complete", shop.setup.json("receipt.json")["complete"].clone(), json!(true))?;
    same("requests", shop.requests().len(), count.div_ceil(10))
}

fn parameters() -> Result<(), String> {
    let shop = shop(8);
    let options = json!({
        "filter": {"city": "Bonn & Co"}, "where": {"id": 4}, "tags": ["a b", "c,d"], "language": "de;x=\"1\""
    });
    let told = shop.setup.run(&["query", "listCustomers", "--options", &options.to_string()]);
    // A cookie has no notation for a semicolon or quote: nothing is sent.
    told.ended(3)?.has_stderr(&["characters that a cookie cannot have"])?;
    same("requests", shop.requests().len(), 0)?;
    let options = json!({
        "filter": {"city": "Bonn & Co"}, "where": {"id": 4}, "tags": ["a b", "c,d"], "language": "de-CH"
    });
    let told = shop.setup.run(&["query", "listCustomers", "--options", &options.to_string()]).ended(0)?;
    same("ids", ids(&told), vec![4])?;
    same("cookie", shop.last("cookie"), json!({"sid": "express-S3cret", "lang": "de-CH"}))?;
    let query = json!({
        "filter": {"city": "Bonn & Co"}, "where": "{\"id\":4}", "tags": ["a b", "c,d"], "page": "1", "size": "10"
    });
    same("query", shop.last("query"), query)
}

fn nested() -> Result<(), String> {
    let shop = shop(2);
    let customer = json!({
        "email": "ada+1@example.com",
        "address": {"city": "Ü & = %", "lines": ["a", "b\nc"]},
        "contacts": [{"name": "x", "phones": ["1", "2"]}, {"name": "y"}],
    });
    let mut made = customer.clone();
    made["id"] = json!(3);
    same("created", shop.mutate("createCustomer", &customer).ended(0)?.items(), vec![made.clone()])?;
    same("form", shop.last("body"), customer)?;
    same("read", shop.customer(3).ended(0)?.items(), vec![made])?;
    let changed = json!({"id": 3, "email": "", "address": {"city": "Ulm"}});
    same("changed", shop.mutate("updateCustomer", &changed).ended(0)?.items(), vec![changed])?;
    same("its form", shop.last("body"), json!({"email": "", "address": {"city": "Ulm"}}))?;
    shop.setup.run(&["delete", "deleteCustomer", "--set", "id=3"]).ended(0)?;
    shop.customer(3).ended(5)?.has_stderr(&["error[not_found]", "no customer 3"]).map(|_| ())
}

fn brackets() -> Result<(), String> {
    let shop = shop(0);
    let customer = json!({"email": "ada@example.com", "tags": ["a", "b c"], "address": {"lines": ["1", "2"]}});
    shop.mutate("createCustomerOnce", &customer).ended(0)?;
    same("form", shop.last("body"), customer)
}

fn flat() -> Result<(), String> {
    let shop = shop(0);
    shop.mutate("sendMessage", &json!({"to": ["+49 1", "+49 2"], "meta": {"a": {"b": "c&d"}}})).ended(0)?;
    same("form", shop.last("body"), json!({"channel": "sms", "to": ["+49 1", "+49 2"], "meta.a.b": "c&d"}))
}

fn text() -> Result<(), String> {
    let shop = shop(0);
    shop.mutate("addNote", &json!(["Zeile 1\r\nZeile \"ü\" {x}"])).ended(0)?;
    same("text", shop.last("body"), json!("Zeile 1\r\nZeile \"ü\" {x}"))?;
    same("type", shop.last("type"), json!("text/plain; charset=utf-8"))
}

/// Bytes that no text can contain.
fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn upload() -> Result<(), String> {
    use base64::Engine as _;
    let shop = shop(0);
    let file = |name: &str, bytes: &[u8]| json!({"fileName": name, "contentType": "application/x-thing", "data": base64::engine::general_purpose::STANDARD.encode(bytes)});
    let item =
        json!({"title": "a\nb", "main": file("ü \"b\".bin", &bytes()), "more": [file("c", b""), file("d", b"\r\n--")]});
    shop.mutate("upload", &item).ended(0)?;
    same("fields", shop.last("body"), json!({"title": "a\nb"}))?;
    let files = shop.last("files");
    let read = |key: &str| -> Vec<Value> { files.as_array().unwrap().iter().map(|f| f[key].clone()).collect() };
    same("names of fields", read("field"), vec![json!("main"), json!("more"), json!("more")])?;
    same("types", read("type"), vec![json!("application/x-thing"); 3])?;
    same("bytes", read("sha256"), [&bytes()[..], b"", b"\r\n--"].map(|b| json!(sha256(b))).to_vec())
}

fn download() -> Result<(), String> {
    let shop = shop(0);
    shop.setup.write("thing.bin", "");
    std::fs::write(shop.setup.path("thing.bin"), bytes()).unwrap();
    let line = ["query", "download", "--set", "path=a b/c#d/thing.bin", "-o", "got.bin"];
    shop.setup.run(&line).ended(0)?;
    same("path", shop.last("path"), json!("/files/a b/c#d/thing.bin"))?;
    same("bytes", std::fs::read(shop.setup.path("got.bin")).is_ok_and(|got| got == bytes()), true)?;
    let missing = ["query", "download", "--set", "path=a/none.bin", "-o", "none.bin"];
    shop.setup.run(&missing).ended(5)?.has_stderr(&["error[not_found]", "no file a/none.bin"])?;
    same("a file", shop.setup.path("none.bin").exists(), false)
}

fn broken_download() -> Result<(), String> {
    for (kind, statuses) in [("cut", [0, 200]), ("500", [500, 200]), ("refused", [0, 200])] {
        let shop = shop(0);
        std::fs::write(shop.setup.path("thing.bin"), bytes()).unwrap();
        shop.setup.write("fault", &format!("GET /files {kind}"));
        shop.setup.run(&["query", "download", "--set", "path=x/thing.bin", "--files", "files"]).ended(0)?;
        same(kind, shop.statuses("GET"), statuses.to_vec())?;
        same(kind, std::fs::read(shop.setup.path("files/thing.bin")).is_ok_and(|got| got == bytes()), true)?;
    }
    Ok(())
}

fn refused() -> Result<(), String> {
    let shop = shop(1);
    let told = shop.mutate("createCustomer", &json!([{"email": "nowhere"}, {"email": "ada@example.com"}]));
    told.ended(8)?.has_stderr(&["failed [rejected]", "the customer is not valid", "email: is no address"])?;
    same("POSTs", shop.statuses("POST"), vec![422, 201])?;
    same("customers", ids(&shop.setup.run(&["query", "listCustomers"]).ended(0)?), vec![1, 2])
}

fn uncertain() -> Result<(), String> {
    for (kind, status, customers) in [("500", 500, 0), ("refused", 0, 0), ("lost", 0, 1)] {
        let shop = shop(0);
        shop.setup.write("fault", &format!("POST /customers {kind}"));
        let told = shop.mutate("createCustomer", &json!({"email": "ada@example.com"}));
        told.has_stderr(&["error[unknown_outcome]"])?;
        same(kind, shop.outcome(), json!("unknown"))?;
        same(kind, shop.statuses("POST"), vec![status])?;
        same(kind, ids(&shop.setup.run(&["query", "listCustomers"]).ended(0)?).len(), customers)?;
    }
    Ok(())
}

fn keyed() -> Result<(), String> {
    for (kind, statuses) in [("500", [500, 201]), ("refused", [0, 201]), ("lost", [0, 201])] {
        let shop = shop(0);
        shop.setup.write("fault", &format!("POST /customers {kind}"));
        shop.mutate("createCustomerOnce", &json!({"email": "ada@example.com"})).ended(0)?;
        same(kind, shop.outcome(), json!("ok"))?;
        same(kind, shop.statuses("POST"), statuses.to_vec())?;
        same(kind, ids(&shop.setup.run(&["query", "listCustomers"]).ended(0)?), vec![1])?;
    }
    Ok(())
}

fn repeated() -> Result<(), String> {
    for (kind, first) in [("500", 500), ("refused", 0), ("lost", 0)] {
        let shop = shop(2);
        shop.setup.write("fault", &format!("PUT /customers {kind}"));
        shop.mutate("updateCustomer", &json!({"id": 1, "email": "new@example.com"})).ended(0)?;
        same(kind, shop.statuses("PUT"), vec![first, 200])?;
        shop.setup.write("fault", &format!("DELETE /customers {kind}"));
        shop.setup.run(&["delete", "deleteCustomer", "--set", "id=2"]).ended(0)?;
        // What the lost reply would have said is known from the second.
        same(kind, shop.statuses("DELETE"), vec![first, if kind == "lost" { 404 } else { 204 }])?;
        same(kind, ids(&shop.setup.run(&["query", "listCustomers"]).ended(0)?), vec![1])?;
    }
    Ok(())
}
