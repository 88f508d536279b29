//! The server of a situation: the first reply whose condition matches answers a request.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;

use crate::form::{Reply, When, raw};
use crate::server::{Act, Request, Server, Step};

/// A server on loopback, and its log.
pub struct Played {
    pub server: Server,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    used: Vec<usize>,
    times: Vec<Instant>,
    /// Requests without a matching reply.
    unfit: Vec<String>,
}

impl Played {
    /// Without replies, nothing listens on the port.
    pub fn start(replies: &[Reply]) -> Played {
        let noted = Arc::new(Mutex::new(Noted { used: vec![0; replies.len()], ..Noted::default() }));
        let (own, memory) = (replies.to_vec(), Arc::clone(&noted));
        let mut server = Server::answering(move |request| choose(&own, &memory, request));
        if replies.is_empty() {
            server.close();
        }
        Played { server, noted }
    }

    pub fn host(&self) -> String {
        self.server.address.to_string()
    }

    /// Seconds between the first request and the last.
    pub fn waited(&self) -> f64 {
        let noted = self.noted.lock().unwrap();
        let (first, last) = (noted.times.first(), noted.times.last());
        first.zip(last).map_or(0.0, |(first, last)| (*last - *first).as_secs_f64())
    }

    pub fn unfit(&self) -> Vec<String> {
        self.noted.lock().unwrap().unfit.clone()
    }
}

fn choose(replies: &[Reply], memory: &Mutex<Noted>, request: &Request) -> Act {
    let mut noted = memory.lock().unwrap();
    noted.times.push(Instant::now());
    let fits = |(at, reply): &(usize, &Reply)| {
        reply.times.is_none_or(|times| noted.used[*at] < times) && fits(&reply.when, request)
    };
    let Some((at, reply)) = replies.iter().enumerate().find(fits) else {
        noted.unfit.push(request.line.clone());
        return Act::Answer(vec![Step::Reset]);
    };
    noted.used[at] += 1;
    let mut bytes = bytes(reply, request);
    let half = bytes.len() - body(reply, request).len().div_ceil(2);
    // A pause comes after the first byte.
    let slow =
        (reply.delay_ms > 0).then(|| Step::Drip(bytes.drain(..1).collect(), Duration::from_millis(reply.delay_ms)));
    let half = half - usize::from(slow.is_some());
    let steps = match (reply.drop, reply.cut) {
        (true, _) => vec![Step::Close],
        (_, true) => vec![Step::Send(bytes[..half].to_vec()), Step::Close],
        (false, false) => vec![Step::Send(bytes)],
    };
    Act::Answer(slow.into_iter().chain(steps).collect())
}

fn fits(when: &When, request: &Request) -> bool {
    let line = request.line.trim_end_matches(" HTTP/1.1");
    match when {
        When::Request(wanted) => line_fits(wanted, line),
        When::All(signs) => {
            let header = |(name, value): (&String, &Option<String>)| match value {
                Some(value) => request.header(&name.to_lowercase()) == [value.as_str()],
                None => request.header(&name.to_lowercase()).is_empty(),
            };
            signs.request.as_ref().is_none_or(|wanted| line_fits(wanted, line))
                && signs.header.iter().all(header)
                && signs.body.as_ref().is_none_or(|part| String::from_utf8_lossy(&request.body).contains(part))
        }
    }
}

/// Whether method and path are equal, and each parameter of the wanted query is present.
fn line_fits(wanted: &str, line: &str) -> bool {
    let (wanted, query) = wanted.split_once('?').unwrap_or((wanted, ""));
    let (plain, sent) = line.split_once('?').unwrap_or((line, ""));
    wanted == plain
        && query.split('&').filter(|pair| !pair.is_empty()).all(|pair| sent.split('&').any(|own| own == pair))
}

fn bytes(reply: &Reply, request: &Request) -> Vec<u8> {
    let body = body(reply, request);
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    let labelled = reply.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
    match (&reply.json, &reply.text) {
        (Some(_), _) if !labelled => head.push_str("Content-Type: application/json\r\n"),
        (None, Some(_)) if !labelled => head.push_str("Content-Type: text/plain\r\n"),
        _ => {}
    }
    for (name, value) in &reply.headers {
        // A label without a value is omitted.
        // A list is sent as several fields.
        let text = value.as_ref().map(raw);
        let several = text.as_deref().and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
        for value in several.unwrap_or_else(|| text.into_iter().collect()) {
            head.push_str(&format!("{name}: {}\r\n", placed(&value, request)));
        }
    }
    if !matches!(reply.status, 204 | 304) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut out = head.into_bytes();
    out.extend(body);
    out
}

fn body(reply: &Reply, request: &Request) -> Vec<u8> {
    match (&reply.json, &reply.text, &reply.base64) {
        (Some(json), _, _) => placed(&raw(json), request).into_bytes(),
        (_, Some(text), _) => placed(text, request).into_bytes(),
        (_, _, Some(text)) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
        (None, None, None) => Vec::new(),
    }
}

/// The text with `{origin}`, `{host}` and times such as `{unix+3}` replaced.
fn placed(text: &str, request: &Request) -> String {
    let host = request.header("host").first().copied().unwrap_or_default();
    let text = text.replace("{origin}", &format!("http://{host}")).replace("{host}", host);
    ["unix", "ms", "iso", "http"].iter().fold(text, |text, form| moments(&text, form))
}

/// Replaces `{FORM+SECONDS}` by a time that far ahead.
fn moments(text: &str, form: &str) -> String {
    let mark = format!("{{{form}+");
    let mut parts = text.split(mark.as_str());
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (seconds, rest) = part.split_once('}').unwrap();
        let at = SystemTime::now() + Duration::from_secs(seconds.parse().unwrap());
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        out.push_str(&match form {
            "unix" => since.as_secs().to_string(),
            "ms" => since.as_millis().to_string(),
            "iso" => jiff::Timestamp::from_millisecond(since.as_millis() as i64).unwrap().to_string(),
            _ => httpdate::fmt_http_date(at),
        });
        out.push_str(rest);
    }
    out
}
