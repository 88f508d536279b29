//! Row 4: HTTP/2 connections that the server ends in an orderly way during writes. Requests that it did not process are
//! sent again without counting as attempts; each record is created once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::acme::check_text;
use crate::server::{Stream, Wrap};
use crate::stage::{Stage, TestClock, call};
use crate::tls::{
    Certificate, DATA, END_STREAM, GOOD, HEADERS, SETTINGS, config, frame, goaway, read_frame, reset, secured,
};

/// How a server ends its connections.
#[derive(Clone, Copy)]
struct Manner {
    /// Maximum number of concurrent streams.
    streams: u8,
    /// Requests per connection; the last one ends it by a GOAWAY without error that names its stream.
    served: usize,
    /// Whether a GOAWAY that still includes every stream announces the end.
    announced: bool,
    /// Whether every second stream is refused; all streams if none is served.
    refuses: bool,
}

const PLAIN: Manner = Manner { streams: 2, served: 3, announced: false, refuses: false };

const WRITES: usize = 60;

pub fn trials() -> Vec<Trial> {
    let manners = [
        ("a GOAWAY after each third request", PLAIN),
        ("a GOAWAY after each request", Manner { served: 1, streams: 8, ..PLAIN }),
        ("a GOAWAY after one that counts every stream", Manner { announced: true, ..PLAIN }),
        ("refused streams", Manner { refuses: true, served: usize::MAX, ..PLAIN }),
    ];
    let mut trials = Vec::new();
    for (fact, manner) in manners {
        for (threads, name) in [(1, "one thread"), (4, "four threads")] {
            let fact = format!("04 {fact}, on {name}: every POST is done once, in its first attempt");
            trials.push(Trial::test(fact, move || Ok(burst(manner, threads)?)));
        }
    }
    trials.push(Trial::test("04 a server that refuses every stream gets a hundred more requests per attempt", || {
        Ok(never_served()?)
    }));
    trials
}

struct Server {
    manner: Manner,
    /// The connection and stream of each answered request.
    done: Mutex<HashSet<(usize, u32)>>,
    connections: AtomicUsize,
    seen: AtomicUsize,
}

fn stage(manner: Manner, limits: Value) -> (Arc<Server>, Stage) {
    let server = Arc::new(Server {
        manner,
        done: Mutex::default(),
        connections: AtomicUsize::new(0),
        seen: AtomicUsize::new(0),
    });
    let (shared, config) = (Arc::clone(&server), config(Certificate::Good, "h2"));
    let wrap: Wrap = Arc::new(move |socket| {
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let _ended = shared.serve(&mut secured(&config, socket), number);
        None
    });
    (server, Stage::over(Some(wrap), "acme", limits, vec![], TestClock::default(), &[]))
}

fn burst(manner: Manner, threads: usize) -> Result<(), String> {
    let (server, stage) =
        stage(manner, json!({"concurrency": 8, "attempts": 1, "connect_s": 5, "first_byte_s": 60, "timeout_s": 60}));
    let items = json!((0..WRITES).map(|n| json!({"n": n})).collect::<Vec<_>>()).to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let session = stage.session.clone();
    let found =
        runtime.block_on(async { call(&session, "add", &Value::Null, Some(&items), &CallOptions::default()).await });
    check_text(&found.told)?;
    let ok = found.summary.matches(r#"ok/1 [{"id":1}]"#).count();
    let (done, connections) = (server.done.lock().unwrap().len(), server.connections.load(Ordering::SeqCst));
    if ok != WRITES || done != WRITES {
        return Err(format!("{ok} ok, {done} done over {connections} connections\n{}\n{}", found.summary, found.told));
    }
    Ok(())
}

fn never_served() -> Result<(), String> {
    let (server, stage) = stage(Manner { refuses: true, served: 0, ..PLAIN }, json!({"attempts": 2}));
    let found =
        crate::stage::block_on(call(&stage.session, "add", &Value::Null, Some("[{}]"), &CallOptions::default()));
    check_text(&found.told)?;
    let seen = server.seen.load(Ordering::SeqCst);
    if found.summary == "failed network/2" && seen == 202 {
        Ok(())
    } else {
        Err(format!("{} after {seen} requests\n{}", found.summary, found.told))
    }
}

impl Server {
    fn serve(&self, stream: &mut dyn Stream, connection: usize) -> std::io::Result<()> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface)?;
        // SETTINGS_MAX_CONCURRENT_STREAMS
        stream.write_all(&frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, self.manner.streams]))?;
        let mut accepted = HashSet::new();
        loop {
            let (kind, flags, id) = read_frame(stream)?;
            if kind == SETTINGS && flags == 0 {
                stream.write_all(&frame(SETTINGS, 1, 0, b""))?;
            }
            if kind == HEADERS {
                self.begun(stream, id, &mut accepted)?;
            }
            if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 && accepted.contains(&id) {
                self.done.lock().unwrap().insert((connection, id));
                stream.write_all(&(GOOD.0)(id))?;
            }
            stream.flush()?;
        }
    }

    /// Accepts or refuses a stream, in the order of their start.
    fn begun(&self, stream: &mut dyn Stream, id: u32, accepted: &mut HashSet<u32>) -> std::io::Result<()> {
        let seen = self.seen.fetch_add(1, Ordering::SeqCst);
        let Manner { served, refuses, announced, .. } = self.manner;
        if refuses && (served == 0 || seen % 2 == 1) {
            return stream.write_all(&reset(id, 7));
        }
        if accepted.len() == served {
            return Ok(());
        }
        accepted.insert(id);
        if announced && accepted.len() + 1 == served {
            stream.write_all(&goaway((1 << 31) - 1, 0))?;
        }
        if accepted.len() == served { stream.write_all(&goaway(id, 0)) } else { Ok(()) }
    }
}
