//! The shop: a small system that stalls, disconnects or sends wrong replies as a test requests.

use std::time::Duration;

use crate::server::{Act, JSON, Request, Server, Step, reply, silence};

/// Starts the server.
pub fn start() -> Server {
    Server::answering(|request| {
        let key = request.header("idempotency-key").concat();
        match is_signed(request) {
            true if request.target().ends_with("/orders") => json(201, format!(r#"{{"key":"{key}"}}"#)),
            true => answer(request),
            false => refusal(401, "who are you?"),
        }
    })
}

/// Whether the request has the credentials of the connection's user, or a case's own key of the user `free`.
fn is_signed(request: &Request) -> bool {
    let own = |value: &&str| *value == "Basic cm9ib3Q6b3Blbi1zZXNhbWU=" || value.starts_with("Basic ZnJlZT");
    request.header("authorization").iter().any(own)
}

fn whole(status: u16, head: &str, body: impl AsRef<[u8]>) -> Act {
    reply(&format!("{status} X"), &format!("{JSON}{head}"), body)
}

/// A success status without a body.
fn nothing() -> Act {
    Act::Answer(vec![Step::Send(format!("HTTP/1.1 204 X\r\n{JSON}\r\n").into())])
}

fn json(status: u16, body: impl AsRef<[u8]>) -> Act {
    whole(status, "", body)
}

/// The same after some milliseconds.
fn late(ms: u64, act: Act) -> Act {
    match act {
        Act::Answer(steps) => {
            let pause = Step::Pause(Duration::from_millis(ms));
            Act::Answer(std::iter::once(pause).chain(steps).collect())
        }
        act => act,
    }
}

fn refusal(status: u16, message: &str) -> Act {
    json(status, format!(r#"{{"code":"c{status}","message":"{message}"}}"#))
}

fn answer(request: &Request) -> Act {
    let (method, _) = request.line.split_once(' ').unwrap_or_default();
    let path = request.target().split('?').next().unwrap_or_default();
    match (method, path.trim_start_matches("/api"), path.rsplit('/').next().and_then(|id| id.parse::<u64>().ok())) {
        ("GET", "/status", _) => json(200, r#"{"status":"open"}"#),
        ("GET", "/goods", _) => list(request),
        ("GET", "/sheet", _) => reply("200 X", "Content-Disposition: attachment; filename=\"prices.txt\"\r\n", "3.10"),
        ("POST", "/goods", _) => add(&request.text()),
        ("PUT", "/goods", _) => nothing(),
        ("DELETE", _, Some(id)) if id <= 100 => nothing(),
        _ => refusal(404, "there is no such good"),
    }
}

fn list(request: &Request) -> Act {
    let own = format!("http://{}", request.header("host").concat());
    let number = |name: &str, default: u64| request.query(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (count, page, size) = (number("count", 30), number("page", 1), number("size", 10));
    let mut pause = 0;
    let trouble = request.query("trouble").unwrap_or_default();
    let mut next = format!("{own}/api/goods?count={count}&size={size}&trouble={trouble}&page={}", page + 1);
    match (trouble.split_once('-').unwrap_or((trouble, "")), page) {
        (("status", status), _) => return refusal(status.parse().unwrap(), "as you wished"),
        (("second", status), 2) => return refusal(status.parse().unwrap(), "as you wished"),
        (("stall", ""), _) | (("stall", "second"), 2) => return silence(Step::Hang),
        (("reset", _), _) => return silence(Step::Close),
        (("html", _), _) => return json(200, "<html>closed</html>"),
        (("elsewhere", _), _) => next = "http://example.com/api/goods?page=2".to_owned(),
        (("circle", _), _) => next = format!("{own}/api/goods?count={count}&size={size}&trouble={trouble}&page=1"),
        (("slow", ms), _) => pause = ms.parse().unwrap(),
        _ => {}
    }
    let first = (page - 1) * size + 1;
    let goods: Vec<String> = (first..(first + size).min(count + 1))
        .map(|id| format!(r#"{{"id":{id},"name":"Good {id}","price":{id}.10}}"#))
        .collect();
    let more = first + size <= count;
    let head = if more { format!("link: <{next}>; rel=\"next\"\r\n") } else { String::new() };
    late(pause, whole(200, &head, format!("[{}]", goods.join(","))))
}

fn add(body: &str) -> Act {
    let good: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match good["name"].as_str().unwrap_or_default() {
        "Refused" => refusal(400, "the name is taken"),
        "Lost" => silence(Step::Close),
        "Stall" => silence(Step::Hang),
        "Slow" => late(200, json(201, body)),
        _ => json(201, body),
    }
}
