//! The shop: a small server on plain sockets, so that it can stall, break off and lie as a test asks for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What it answers.
enum Answer {
    Reply(u16, String, String),
    /// Closes the connection.
    Reset,
    /// Keeps the connection and says nothing.
    Stall,
}

/// Starts it; gives its address.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let own = own.clone();
            std::thread::spawn(move || serve(stream, &own));
        }
    });
    address
}

/// One connection, request after request.
fn serve(stream: TcpStream, own: &str) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let (mut length, mut signed, mut key) = (0, false, String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let (name, value) = line.trim().split_once(": ").unwrap_or(("", ""));
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "authorization" => {
                    // Or a key that a case has made up for itself, of the user `free`.
                    signed = value == "Basic cm9ib3Q6b3Blbi1zZXNhbWU=" || value.starts_with("Basic ZnJlZT");
                }
                "idempotency-key" => value.clone_into(&mut key),
                "" => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let answer = match signed {
            true if target.ends_with("/orders") => json(201, format!(r#"{{"key":"{key}"}}"#)),
            true => answer(method, target, &String::from_utf8_lossy(&body), own),
            false => refusal(401, "who are you?"),
        };
        match answer {
            Answer::Reply(status, head, body) => {
                let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let text = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{length}{head}\r\n{body}");
                writer.write_all(text.as_bytes()).ok()?;
            }
            Answer::Reset => return None,
            Answer::Stall => {
                // Until the client goes away.
                let _gone = reader.read(&mut [0]);
                return None;
            }
        }
    }
}

fn json(status: u16, body: impl Into<String>) -> Answer {
    Answer::Reply(status, String::new(), body.into())
}

fn refusal(status: u16, message: &str) -> Answer {
    json(status, format!(r#"{{"code":"c{status}","message":"{message}"}}"#))
}

fn answer(method: &str, target: &str, body: &str, own: &str) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (method, path.trim_start_matches("/api"), path.rsplit('/').next().and_then(|id| id.parse::<u64>().ok())) {
        ("GET", "/status", _) => json(200, r#"{"status":"open"}"#),
        ("GET", "/goods", _) => list(query, own),
        ("POST", "/goods", _) => add(body),
        ("PUT", "/goods", _) => Answer::Reply(204, String::new(), String::new()),
        ("DELETE", _, Some(id)) if id <= 100 => Answer::Reply(204, String::new(), String::new()),
        _ => refusal(404, "there is no such good"),
    }
}

fn list(query: &str, own: &str) -> Answer {
    let option =
        |name: &str| query.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v);
    let number = |name: &str, default: u64| option(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (count, page, size) = (number("count", 30), number("page", 1), number("size", 10));
    let trouble = option("trouble").unwrap_or_default();
    let mut next = format!("{own}/api/goods?count={count}&size={size}&trouble={trouble}&page={}", page + 1);
    match (trouble.split_once('-').unwrap_or((trouble, "")), page) {
        (("status", status), _) => return refusal(status.parse().unwrap(), "as you wished"),
        (("second", status), 2) => return refusal(status.parse().unwrap(), "as you wished"),
        (("stall", ""), _) | (("stall", "second"), 2) => return Answer::Stall,
        (("reset", _), _) => return Answer::Reset,
        (("html", _), _) => return json(200, "<html>closed</html>"),
        (("elsewhere", _), _) => next = "http://example.com/api/goods?page=2".to_owned(),
        (("circle", _), _) => next = format!("{own}/api/goods?count={count}&size={size}&trouble={trouble}&page=1"),
        (("slow", ms), _) => std::thread::sleep(Duration::from_millis(ms.parse().unwrap())),
        _ => {}
    }
    let first = (page - 1) * size + 1;
    let goods: Vec<String> = (first..(first + size).min(count + 1))
        .map(|id| format!(r#"{{"id":{id},"name":"Good {id}","price":{id}.10}}"#))
        .collect();
    let more = first + size <= count;
    let head = if more { format!("link: <{next}>; rel=\"next\"\r\n") } else { String::new() };
    Answer::Reply(200, head, format!("[{}]", goods.join(",")))
}

fn add(body: &str) -> Answer {
    let good: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match good["name"].as_str().unwrap_or_default() {
        "Refused" => refusal(400, "the name is taken"),
        "Lost" => Answer::Reset,
        "Stall" => Answer::Stall,
        "Slow" => {
            std::thread::sleep(Duration::from_millis(200));
            json(201, body)
        }
        _ => json(201, body),
    }
}
