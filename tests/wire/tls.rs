//! Rows 4, 7 and 8: certificates, HTTP/2, and proxies from the environment. Calls with bad certificates and broken
//! handshakes are in `tests/wire/cases/tls/`; HTTP/2 frames contain the stream of their request, so their trials are
//! code.
//!
//! The trials run in a process whose environment names its own certificate authority as the system's, and a proxy that
//! must not be used.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use libtest_mimic::Trial;
use opnode::CallOptions;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::acme::{check_text, engine, spec};
use crate::part::Bytes;
use crate::server::{JSON, Request, Stream, Wrap, json as answer, reply};
use crate::stage::{Stage, TestClock, block_on, call, told};

const WHOLE: &str = r#"[{"id":1}] end"#;
const ONE: &str = r#"[{"id":1}]"#;
const UNKNOWN: &str = "unknown unknown_outcome/1";

/// The environment variable with the folder of the authority.
pub const FOLDER: &str = "OPNODE_WIRE_FOLDER";
/// The only host that is called through the proxy.
pub const PROXIED: &str = "opnode-proxied.invalid";
pub const PROXY_USER: &str = "proxy-user:pr0xyS3cret";

/// Writes a new authority: the file in `SSL_CERT_FILE`, and its key.
pub fn create_authority(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.join("ca.pem"), authority().self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.join("ca.key"), key.serialize_pem()).unwrap();
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "opnode wire authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A server's certificate.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    Good,
    Expired,
    NotYetValid,
    OtherName,
    NoName,
    SelfSigned,
    UnknownAuthority,
    ForClients,
}

fn issued(kind: Certificate) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let folder = std::env::var_os(FOLDER).unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    match kind {
        Certificate::Expired => {
            (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1))
        }
        Certificate::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
        Certificate::OtherName => {
            params.subject_alt_names =
                CertificateParams::new(vec!["other.example".to_owned()]).unwrap().subject_alt_names
        }
        Certificate::NoName => {
            params.subject_alt_names.clear();
            params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
        }
        Certificate::ForClients => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        Certificate::Good | Certificate::SelfSigned | Certificate::UnknownAuthority => {}
    }
    let key = KeyPair::generate().unwrap();
    let authority_key = match kind {
        Certificate::UnknownAuthority => KeyPair::generate().unwrap(),
        _ => KeyPair::from_pem(&std::fs::read_to_string(Path::new(&folder).join("ca.key")).unwrap()).unwrap(),
    };
    let certificate = match kind {
        Certificate::SelfSigned => params.self_signed(&key).unwrap(),
        _ => params.signed_by(&key, &Issuer::new(authority(), authority_key)).unwrap(),
    };
    (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

/// TLS with this certificate and this protocol inside.
pub fn config(kind: Certificate, protocol: &str) -> Arc<ServerConfig> {
    let (certificate, key) = issued(kind);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config)
}

pub fn secured(config: &Arc<ServerConfig>, socket: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), socket)
}

pub fn tls(kind: Certificate) -> Option<Wrap> {
    let config = config(kind, "http/1.1");
    Some(Arc::new(move |socket| Some(Box::new(secured(&config, socket)) as Box<dyn Stream>)))
}

/// The server's action at the start of TLS, as in the files of cases.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Handshake {
    With(Certificate),
    Hangs(Hang),
    /// Replies to the first bytes with these.
    Instead(Instead),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hang {
    Hang,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instead {
    bytes: Bytes,
}

impl Handshake {
    pub fn wrap(&self) -> Wrap {
        match self {
            Handshake::With(certificate) => tls(*certificate).unwrap(),
            Handshake::Hangs(Hang::Hang) => Arc::new(|mut socket: TcpStream| {
                while !matches!(socket.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
                None
            }),
            Handshake::Instead(Instead { bytes }) => {
                let bytes = bytes.bytes();
                Arc::new(move |mut socket: TcpStream| {
                    let _hello = socket.read(&mut [0; 4096]);
                    let _sent = socket.write_all(&bytes).and_then(|()| socket.shutdown(std::net::Shutdown::Write));
                    let _gone = socket.read(&mut [0; 4096]);
                    None
                })
            }
        }
    }
}

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (fact, operation, acts, end, seen) in http2() {
        trials.push(Trial::test(format!("04 {fact}"), move || Ok(over_http2(operation, &acts, end, seen)?)));
    }
    trials.extend([
        Trial::test("08 this machine is never reached through a proxy", || Ok(past_the_proxy()?)),
        Trial::test("08 proxy variables count only if the host enables them", || Ok(without_proxy()?)),
        Trial::test("08 the proxy's password is never shown", || Ok(through_proxy()?)),
    ]);
    trials
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Reads a frame: its kind, flags and stream.
pub fn read_frame(stream: &mut dyn Stream) -> std::io::Result<(u8, u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]])))
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` from the static table of RFC 7541.
const STATUS_200: &[u8] = b"\x88";
/// The same, and a `content-length: 40`.
const LENGTH_40: &[u8] = b"\x88\x0f\x0d\x0240";
/// A known limitation: the HTTP client treats it as the end; only a trait of the crate http-body shows the difference.
const NO_LENGTH: &str = "a body without length cut by a reset without error is never the whole";

/// The frames after a whole request on a stream, and whether the connection ends after them.
#[derive(Clone, Copy)]
pub struct AfterRequest(pub fn(u32) -> Vec<u8>, bool);

pub const GOOD: AfterRequest = AfterRequest(
    |stream| {
        [frame(HEADERS, END_HEADERS, stream, STATUS_200), frame(DATA, END_STREAM, stream, b"[{\"id\":1}]")].concat()
    },
    false,
);

pub fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A fact, the operation, the server's action for each request, the result, and the number of requests.
type Http2 = (&'static str, &'static str, Vec<AfterRequest>, &'static str, usize);

/// If the server says "not processed", the request is repeated; any other end may come after processing.
fn http2() -> Vec<Http2> {
    let (made, second) = (r#"ok/1 [{"id":1}]"#, r#"ok/2 [{"id":1}]"#);
    let endless: fn(u32) -> Vec<u8> = |stream| {
        let rest: Vec<u8> = (0..2000)
            .flat_map(|_| frame(CONTINUATION, 0, stream, &[b"\x40\x01a\x7f\x81\x7f".as_slice(), &[b'b'; 256]].concat()))
            .collect();
        [frame(HEADERS, 0, stream, STATUS_200), rest].concat()
    };
    vec![
        ("an answer over HTTP/2", "list", vec![GOOD], WHOLE, 1),
        (
            "a refused stream: a POST is sent again in the same attempt",
            "add",
            vec![AfterRequest(|s| reset(s, 7), false), GOOD],
            made,
            2,
        ),
        (
            "a stream reset by an internal error: a POST is unknown",
            "add",
            vec![AfterRequest(|s| reset(s, 2), false), GOOD],
            UNKNOWN,
            1,
        ),
        (
            "a stream reset by a cancel: a POST is unknown",
            "add",
            vec![AfterRequest(|s| reset(s, 8), false), GOOD],
            UNKNOWN,
            1,
        ),
        (
            "a stream reset by an internal error: a read is repeated",
            "list",
            vec![AfterRequest(|s| reset(s, 2), false), GOOD],
            WHOLE,
            2,
        ),
        (
            "GOAWAY below the stream: a POST is sent again in the same attempt",
            "add",
            vec![AfterRequest(|_| goaway(0, 0), true), GOOD],
            made,
            2,
        ),
        (
            "GOAWAY below the stream for too many requests: a POST is tried again",
            "add",
            vec![AfterRequest(|_| goaway(0, 11), true), GOOD],
            second,
            2,
        ),
        (
            "GOAWAY that counts the stream: a POST is unknown",
            "add",
            vec![AfterRequest(|s| goaway(s, 0), true), GOOD],
            UNKNOWN,
            1,
        ),
        (
            "GOAWAY for an error that counts the stream: a POST is unknown",
            "add",
            vec![AfterRequest(|s| goaway(s, 2), true), GOOD],
            UNKNOWN,
            1,
        ),
        (
            "an end without a frame: a POST is unknown",
            "add",
            vec![AfterRequest(|_| Vec::new(), true), GOOD],
            UNKNOWN,
            1,
        ),
        (
            "GOAWAY after the answer: it counts",
            "add",
            vec![AfterRequest(|s| [(GOOD.0)(s), goaway(s, 0)].concat(), true)],
            r#"ok/1 [{"id":1}]"#,
            1,
        ),
        (
            "a body cut by a reset for a cancel is never the whole",
            "list",
            vec![AfterRequest(
                |s| {
                    [frame(HEADERS, END_HEADERS, s, STATUS_200), frame(DATA, 0, s, b"[{\"id\":1}]"), reset(s, 8)]
                        .concat()
                },
                false,
            )],
            "[] network/3",
            3,
        ),
        (
            "a body cut by a reset without error is never the whole",
            "list",
            vec![AfterRequest(
                |s| {
                    [frame(HEADERS, END_HEADERS, s, LENGTH_40), frame(DATA, 0, s, b"[{\"id\":1}]"), reset(s, 0)]
                        .concat()
                },
                false,
            )],
            "[] network/3",
            3,
        ),
        (
            NO_LENGTH,
            "list",
            vec![AfterRequest(
                |s| {
                    [frame(HEADERS, END_HEADERS, s, STATUS_200), frame(DATA, 0, s, b"[{\"id\":1}]"), reset(s, 0)]
                        .concat()
                },
                false,
            )],
            "[] network/3",
            3,
        ),
        (
            "a body cut by the end of the connection is never the whole",
            "list",
            vec![AfterRequest(
                |s| [frame(HEADERS, END_HEADERS, s, STATUS_200), frame(DATA, 0, s, b"[{\"id\":1}]")].concat(),
                true,
            )],
            "[] network/3",
            3,
        ),
        (
            "a body shorter than its length is never the whole",
            "list",
            vec![AfterRequest(
                |s| [frame(HEADERS, END_HEADERS, s, LENGTH_40), frame(DATA, END_STREAM, s, b"[{\"id\":1}]")].concat(),
                false,
            )],
            "[] network/3",
            3,
        ),
        ("headers without end", "list", vec![AfterRequest(endless, false)], "[] network/3", 3),
    ]
}

struct Http2State {
    acts: Mutex<VecDeque<AfterRequest>>,
    seen: AtomicUsize,
}

fn over_http2(operation: &str, acts: &[AfterRequest], end: &str, seen: usize) -> Result<(), String> {
    let state = Arc::new(Http2State { acts: Mutex::new(acts.to_vec().into()), seen: AtomicUsize::new(0) });
    let (shared, config) = (Arc::clone(&state), config(Certificate::Good, "h2"));
    let wrap: Wrap = Arc::new(move |socket| {
        let _ended = serve_http2(&mut secured(&config, socket), &shared);
        None
    });
    let stage = Stage::over(Some(wrap), "acme", Value::Null, vec![], TestClock::default(), &[]);
    let items = (operation == "add").then_some("[{}]");
    let found = block_on(call(&stage.session, operation, &Value::Null, items, &CallOptions::default()));
    let requests = state.seen.load(Ordering::SeqCst);
    let told = told(&found.errors);
    check_text(&told)?;
    if found.summary != end || requests != seen {
        return Err(format!("found    {} in {requests} requests\nexpected {end} in {seen}\n{told}", found.summary));
    }
    Ok(())
}

fn serve_http2(stream: &mut dyn Stream, state: &Http2State) -> std::io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface)?;
    stream.write_all(&frame(SETTINGS, 0, 0, b""))?;
    loop {
        let (kind, flags, id) = read_frame(stream)?;
        if kind == SETTINGS && flags == 0 {
            stream.write_all(&frame(SETTINGS, 1, 0, b""))?;
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            state.seen.fetch_add(1, Ordering::SeqCst);
            let mut acts = state.acts.lock().unwrap();
            let then = if acts.len() > 1 { acts.pop_front() } else { acts.front().copied() };
            drop(acts);
            let Some(AfterRequest(frames, ends)) = then else { return Ok(()) };
            stream.write_all(&frames(id))?;
            stream.flush()?;
            if ends {
                return Ok(());
            }
        }
    }
}

/// The reply of the proxy in the environment.
pub fn proxy_answer(request: &Request) -> crate::server::Act {
    let status =
        if request.line.starts_with("CONNECT") { "407 Proxy Authentication Required" } else { "502 Bad Gateway" };
    reply(status, JSON, "no way")
}

/// With the system's proxy enabled, and set in the environment of this process.
fn past_the_proxy() -> Result<(), String> {
    let stage = Stage::plain(vec![answer(ONE)]);
    let session =
        engine(true).connect(&spec("acme", &format!("http://{}", stage.server.address), json!({}), &[])).unwrap();
    let found = block_on(call(&session, "list", &Value::Null, None, &CallOptions::default()));
    if found.summary == WHOLE { Ok(()) } else { Err(format!("{} {}", found.summary, told(&found.errors))) }
}

fn unreachable(with_proxy: bool, scheme: &str, host: &str) -> String {
    let limits = json!({"attempts": 1, "connect_s": 1});
    let session = engine(with_proxy).connect(&spec("acme", &format!("{scheme}://{host}"), limits, &[])).unwrap();
    let found = block_on(call(&session, "list", &Value::Null, None, &CallOptions::default()));
    format!("{} {}", found.summary, told(&found.errors))
}

/// That the proxy was not called is checked at the end for all trials.
fn without_proxy() -> Result<(), String> {
    let text = unreachable(false, "http", "opnode-direct.invalid");
    if text.starts_with("[] network/1") { check_text(&text) } else { Err(text) }
}

fn through_proxy() -> Result<(), String> {
    for (scheme, start) in [("http", "[] unavailable/1"), ("https", "[] connection/1 the proxy 127.0.0.1:")] {
        let text = unreachable(true, scheme, PROXIED);
        if !text.starts_with(start) {
            return Err(text);
        }
        check_text(&text)?;
    }
    Ok(())
}
