//! json-server 0.17: pages with `Link` and `X-Total-Count`, and writes, counted in its file.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::setup::{Setup, free_port, ids, same};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "json-server",
        "node -e 'process.exit(require(\"json-server/package.json\").version.startsWith(\"0.17.\") ? 0 : 1)'",
        vec![
            ("numbered pages return each row once", || walk(25, &["query", "things"])),
            ("numbered pages that are all full return each row once", || walk(30, &["query", "things"])),
            ("linked pages return each row once", || walk(25, &["query", "linked", "--set", "_page=1"])),
            ("linked pages that are all full return each row once", || {
                walk(30, &["query", "linked", "--set", "_page=1"])
            }),
            ("one page of a server that links only for numbered requests is not reported as complete", unlinked),
            ("creates, changes and deletes are each done once", writes),
        ],
    )
}

/// A store with this many things.
fn shelf(count: usize) -> Setup {
    let mut setup = Setup::new("json-server");
    let port = free_port();
    let things: Vec<Value> = (1..=count).map(|id| json!({"id": id, "name": format!("thing {id}")})).collect();
    setup.write("db.json", &json!({"things": things}).to_string());
    let mut server = Command::new("sh");
    let program = "$(node -p 'require.resolve(\"json-server/lib/cli/bin.js\")')";
    server.args(["-c", &format!("exec node \"{program}\" --host 127.0.0.1 --port {port} db.json")]);
    setup.serve(server, port);
    setup.connections(&format!(
        "  shelf:\n    connector: json-server\n    url: http://127.0.0.1:{port}\n    limits: {{ concurrency: 4 }}\n"
    ));
    setup
}

fn walk(count: usize, line: &[&str]) -> Result<(), String> {
    let setup = shelf(count);
    let told = setup.run(&[line, &["--receipt", "receipt.json"]].concat()).ended(0)?;
    same("ids", ids(&told), (1..=count as u64).collect())?;
    same("complete", setup.json("receipt.json")["complete"].clone(), json!(true))
}

fn unlinked() -> Result<(), String> {
    let setup = shelf(25);
    let told = setup.run(&["query", "linked", "--receipt", "receipt.json"]);
    let receipt = setup.json("receipt.json");
    if !receipt.is_object() {
        return Err(format!("there is no receipt: {told:?}"));
    }
    let whole = told.items().len() == 25;
    if whole || receipt["complete"] != json!(true) || receipt["notes"].as_array().is_some_and(|n| !n.is_empty()) {
        return Ok(());
    }
    Err(format!("{} of 25 rows, and the receipt says nothing of it: {receipt}", told.items().len()))
}

fn writes() -> Result<(), String> {
    let setup = shelf(10);
    let lines = |range: std::ops::RangeInclusive<u64>, name: &str| {
        range.map(|id| format!("{}\n", json!({"id": id, "name": name}))).collect::<String>()
    };
    setup.write("new.ndjson", &lines(11..=60, "new"));
    setup.write("changed.ndjson", &lines(1..=10, "changed"));
    setup.write("gone.ndjson", &lines(31..=60, ""));
    setup.run(&["mutate", "add", "--items", "@new.ndjson"]).ended(0)?;
    setup.run(&["mutate", "put", "--items", "@changed.ndjson"]).ended(0)?;
    setup.run(&["delete", "remove", "--items", "@gone.ndjson"]).ended(0)?;
    let wanted: Vec<(u64, String)> =
        (1..=30).map(|id| (id, if id <= 10 { "changed" } else { "new" }.to_owned())).collect();
    let stored = || {
        let store = setup.json("db.json");
        let mut things: Vec<(u64, String)> = store["things"]
            .as_array()
            .map(|things| things.iter().map(|t| (t["id"].as_u64().unwrap(), t["name"].as_str().unwrap().to_owned())))
            .into_iter()
            .flatten()
            .collect();
        things.sort_unstable();
        things
    };
    // The server writes its file some time after its last reply.
    for _ in 0..50 {
        if stored() == wanted {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    same("things", stored(), wanted)
}
