//! The systems of all accounts, with the faults of a night. A request gives a reply, or none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::clock::{FIRST_DAY, time_of};
use super::source::Source;
use super::target::{Target, number, text};

pub const ACCOUNTS: [&str; 5] = ["north", "east", "south", "west", "middle"];

/// A request as a system sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// True milliseconds since the first day.
    pub at: u64,
    pub method: String,
    pub uri: String,
    pub token: String,
    pub body: String,
}

/// What the client gets.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// No connection.
    Refused,
    /// The connection broke after the request was sent.
    Lost,
}

/// How an outage looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Refused,
    Busy,
    BusyWithTime,
    /// 429 for most requests.
    Storm,
}

/// The faults of an account.
#[derive(Default)]
pub struct Trouble {
    pub is_broken: bool,
    /// An outage that begins after some requests: how many, how it looks, seconds.
    pub planned: Option<(u32, Outage, u64)>,
    /// A running one: how it looks, until when.
    pub outage: Option<(Outage, u64)>,
    /// Of 100 writes, how many have an unclear outcome.
    pub unclear: u32,
    /// Of 100 look-ups, how many are refused.
    pub refused_finds: u32,
    /// Whether a row changes in the second in which it is read.
    pub is_swift: bool,
    swift: Option<(String, i64)>,
}

/// One account.
#[derive(Default)]
pub struct Account {
    pub source: Source,
    pub target: Target,
    pub trouble: Trouble,
    /// Writes that took effect and whose replies were not received: kind and key.
    pub lost: BTreeSet<(String, String)>,
    /// Tokens of requests that were refused.
    pub refusals: u64,
}

/// All systems.
pub struct System {
    pub accounts: BTreeMap<String, Account>,
    pub random: fastrand::Rng,
    /// The time of the last request.
    pub last: u64,
    pub requests: u64,
}

impl System {
    pub fn new(seed: u64) -> System {
        let accounts = ACCOUNTS.iter().map(|name| ((*name).to_owned(), Account::default())).collect();
        System { accounts, random: fastrand::Rng::with_seed(seed), last: 0, requests: 0 }
    }

    pub fn answer(&mut self, call: &Call) -> Reply {
        self.last = self.last.max(call.at);
        self.requests += 1;
        let Some((host, rest)) = call.uri.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
            return Reply::Refused;
        };
        let name = host.trim_end_matches(".example.com");
        let random = &mut self.random;
        let Some(account) = self.accounts.get_mut(name) else { return Reply::Refused };
        if let Some(reply) = account.trouble.down(call.at, random) {
            return reply;
        }
        if account.trouble.is_broken || call.token != format!("Bearer token of {name}") {
            account.refusals += 1;
            return answer(401, json!({ "message": "the token is not valid" }), None);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        match call.method.as_str() {
            "GET" => account.read(name, (path, query), call.at, random),
            _ => account.write(path, call, random),
        }
    }
}

fn answer(status: u16, body: Value, more: Option<(&str, String)>) -> Reply {
    let headers = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Reply::Answer { status, headers, body }
}

impl Trouble {
    /// The reply of a system that is down.
    fn down(&mut self, at: u64, random: &mut fastrand::Rng) -> Option<Reply> {
        if let Some((left, kind, seconds)) = self.planned {
            self.planned = Some((left.saturating_sub(1), kind, seconds));
            if left == 0 {
                self.planned = None;
                self.outage = Some((kind, at + seconds * 1000));
            }
        }
        let (kind, until) = self.outage?;
        if at >= until {
            self.outage = None;
            return None;
        }
        let wait = |seconds: u64| Some(("retry-after", seconds.to_string()));
        let busy = || json!({ "message": "try again later" });
        match kind {
            Outage::Refused => Some(Reply::Refused),
            Outage::Busy => Some(answer(503, busy(), None)),
            Outage::BusyWithTime => Some(answer(503, busy(), wait(((until - at) / 1000).clamp(1, 120)))),
            Outage::Storm if random.u8(..10) < 7 => Some(answer(429, busy(), wait(random.u64(1..30)))),
            Outage::Storm => None,
        }
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let raw = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name)?.1;
    Some(percent_encoding::percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned())
}

impl Account {
    fn read(&mut self, name: &str, (path, query): (&str, &str), at: u64, random: &mut fastrand::Rng) -> Reply {
        let (status, body) = match path {
            "ping" => (200, json!({ "ok": true })),
            "rows" => return self.page(name, query, FIRST_DAY + (at / 1000) as i64, random),
            "records" | "changes" if random.u32(..100) < self.trouble.refused_finds => {
                (400, json!({ "message": "this look-up is not possible" }))
            }
            "records" => self.target.find(&parameter(query, "ref").unwrap_or_default()),
            "changes" => self.target.find_change(&parameter(query, "key").unwrap_or_default()),
            _ => (404, json!({ "message": "no such list" })),
        };
        answer(status, body, Some(("link", "</all>; rel=\"first\"".to_owned())))
    }

    fn page(&mut self, name: &str, query: &str, now: i64, random: &mut fastrand::Rng) -> Reply {
        let since = parameter(query, "since").unwrap_or_default();
        let after = parameter(query, "after");
        let place = after.as_ref().and_then(|after| after.split_once('~'));
        let place = place.and_then(|(at, row)| Some((at.parse().ok()?, row.to_owned())));
        if self.trouble.is_swift && place.is_none() {
            let rows: Vec<String> = self.source.rows.keys().cloned().collect();
            let is_there = |row: &String| self.source.state(row, now).is_some_and(|version| !version.deleted);
            let all: Vec<&String> = rows.iter().filter(|row| is_there(row)).collect();
            if !all.is_empty() {
                let row = all[random.usize(..all.len())].clone();
                self.source.change(Some(&row), (now, now), false, false);
                self.trouble.swift = Some((row, now));
            }
        }
        let (rows, next) = self.source.page(time_of(&since), place, now);
        let is_shown = |(row, _): &(String, i64)| rows.iter().any(|shown| shown["ref"] == row.as_str());
        if let Some((row, second)) = self.trouble.swift.clone().filter(is_shown) {
            self.source.change(Some(&row), (second, second), false, false);
            (self.trouble.swift, self.trouble.is_swift) = (None, false);
        }
        let link = match next {
            Some(next) => format!("<https://{name}.example.com/rows?since={since}&after={next}>; rel=\"next\""),
            None => "</all>; rel=\"first\"".to_owned(),
        };
        answer(200, json!(rows), Some(("link", link)))
    }

    /// A write. Its outcome may be unclear to the client: nothing was done, or it was and the reply does not say so.
    fn write(&mut self, path: &str, call: &Call, random: &mut fastrand::Rng) -> Reply {
        let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let (kind, key) = path.split_once('/').unwrap_or((path, ""));
        if body["name"] == "?" {
            return answer(422, json!({ "message": "the name is not valid" }), None);
        }
        let is_unclear = kind != "summaries" && random.u32(..100) < self.trouble.unclear;
        let (is_done, is_broken) = (random.bool(), random.bool());
        let unclear = || if is_broken { Reply::Lost } else { answer(500, json!({ "message": "internal" }), None) };
        if is_unclear && !is_done {
            return unclear();
        }
        let (status, shown) = match (call.method.as_str(), kind) {
            ("POST", "records") => self.target.create(&body),
            ("PATCH", "records") => self.target.update(key.parse().unwrap_or_default(), &body),
            ("PUT", "stamps") => self.target.stamp(key, &body),
            ("DELETE", "records") => self.target.delete(key),
            ("POST", "changes") => self.target.add_change(&body),
            ("POST", "events") => self.target.add_event(&body),
            ("POST", "summaries") => {
                self.target.counts.summaries += 1;
                (201, json!({ "id": self.target.counts.summaries }))
            }
            _ => (404, json!({ "message": "no such write" })),
        };
        if is_unclear && status < 300 {
            self.lose(call);
            return unclear();
        }
        answer(status, shown, None)
    }

    /// Notes that the reply to a write was not received.
    pub fn lose(&mut self, call: &Call) {
        let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let kind = call.uri.split('/').nth(3).unwrap_or_default().split('?').next().unwrap_or_default();
        let key = match (call.method.as_str(), kind) {
            ("POST", "events") => text(&body, "key"),
            ("PATCH", "records") => format!("{}@{}", self.name_of(&call.uri), number(&body, "version")),
            _ => return,
        };
        self.lost.insert((kind.to_owned(), key));
    }

    fn name_of(&self, uri: &str) -> String {
        let id = uri.rsplit('/').next().and_then(|id| id.parse::<u64>().ok());
        let records = self.target.records.iter();
        let mut found = records.filter(|(_, own)| own.iter().any(|record| Some(record.id) == id)).map(|(name, _)| name);
        found.next().cloned().unwrap_or_default()
    }
}
