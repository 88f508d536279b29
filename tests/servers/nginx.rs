//! nginx as a front that speaks HTTP/2 over TLS: few streams and few requests a connection, reloads while writes run, and a request limit.

use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::ground::{Ground, Told, free_port, same, source};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "nginx",
        "PATH=$PATH:/usr/sbin; command -v nginx",
        vec![
            ("200 POSTs over connections of five requests are done once each", || writes("add", "POST", Reloads::None)),
            ("200 POSTs while it reloads are done once each", || writes("add", "POST", Reloads::Many)),
            ("200 PUTs while it reloads are done once each", || writes("put", "PUT", Reloads::Many)),
            ("200 POSTs without a body are done once each", || writes("touch", "POST", Reloads::None)),
            ("200 deletes while it reloads are all done", || writes("remove", "DELETE", Reloads::Many)),
        ],
    )
}

/// The front, with a connection to it that sends one request at most twice for troubles that count.
fn front(limits: &str) -> Ground {
    let mut ground = Ground::new("nginx");
    ground.certify();
    let port = free_port();
    let text = std::fs::read_to_string(source("nginx").join("nginx.conf")).unwrap();
    let folder = ground.path("").display().to_string();
    ground.write("nginx.conf", &text.replace("FOLDER", folder.trim_end_matches('/')).replace("PORT", &port.to_string()));
    let mut nginx = Command::new("sh");
    nginx.args(["-c", "PATH=$PATH:/usr/sbin; exec nginx -e error.log -p . -c nginx.conf"]);
    ground.serve(nginx, port);
    ground.connections(&format!("  front:\n    connector: nginx\n    url: https://127.0.0.1:{port}\n    limits: {limits}\n"));
    ground
}

#[derive(Clone, Copy, PartialEq)]
enum Reloads {
    None,
    Many,
}

const COUNT: usize = 200;

/// 200 writes, eight at a time. None of them may be sent twice, lost, or said to be unknown; the troubles of connections cost no attempt.
fn writes(operation: &str, verb: &str, reloads: Reloads) -> Result<(), String> {
    let ground = front("{ concurrency: 8, attempts: 2 }");
    let items: String = (0..COUNT).map(|id| format!("{}\n", json!({"id": id}))).collect();
    ground.write("items.ndjson", &items);
    let method = if operation == "remove" { "delete" } else { "mutate" };
    let command = ground.command(&[method, operation, "--items", "@items.ndjson", "--outcomes", "outcomes.ndjson", "--receipt", "receipt.json"]);
    let running = std::thread::spawn(move || crate::ground::told(command));
    while !running.is_finished() {
        if reloads == Reloads::Many {
            let _sent = Command::new("kill").args(["-HUP", &ground.server().to_string()]).status();
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    let told = running.join().unwrap();
    judge(&ground, told, verb)
}

fn judge(ground: &Ground, told: Told, verb: &str) -> Result<(), String> {
    let outcomes = ground.lines("outcomes.ndjson", |_| true);
    let statuses: Vec<Value> = outcomes.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].clone()).collect();
    let bad = statuses.iter().filter(|s| *s != "ok").count();
    if bad > 0 || statuses.len() != COUNT {
        return Err(format!("{bad} of {} outcomes are not ok:\n{}\n{}", statuses.len(), told.stdout.lines().count(), told.stderr));
    }
    let told = told.ended(0)?;
    same("writes done", ground.lines("inner.log", |line| line.starts_with(verb)).len(), COUNT).map_err(|e| format!("{e}\n{}", told.stderr))
}
