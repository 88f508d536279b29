//! A server that does what its script says, byte for byte, over real loopback sockets, and records what it was sent.
//!
//! Acts are taken one per request; the last one serves every request that follows. A connection lives until an act ends it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Stands in scripted bytes for the port of the server that must never be called. As long as any port, so that no length changes.
pub const OTHER: &str = ":OTHER";
/// Stands in scripted bytes for the server's own port.
pub const OWN: &str = ":MYOWN";

/// A step of an answer.
#[derive(Clone)]
pub enum Step {
    /// These bytes at once.
    Send(Vec<u8>),
    /// These bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// These bytes over and over, with a pause after each, until the client goes away.
    Forever(&'static [u8], Duration),
    /// These bytes so many times.
    Times(usize, Vec<u8>),
    /// An end as the protocol has it (FIN).
    Close,
    /// An end by RST.
    Reset,
    /// Nothing more until the client goes away.
    Hang,
}

/// What the server does with one request.
#[derive(Clone)]
pub enum Act {
    /// Reads the request, then answers.
    Answer(Vec<Step>),
    /// Reads the request, then answers what this says.
    Choose(Arc<dyn Fn(&Request) -> Act + Send + Sync>),
    /// Resets the connection without reading.
    Refuse,
    /// Accepts the connection and never reads from it.
    Deaf,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Number of the connection, from 1.
    pub connection: usize,
    /// The request line.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }
}

/// Wraps a connection, for TLS; the answer to a failed handshake is an end.
pub type Wrap = Arc<dyn Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync>;

/// Both directions of a connection.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

#[derive(Default)]
struct State {
    acts: Mutex<VecDeque<Act>>,
    requests: Mutex<Vec<Request>>,
    held: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    over: AtomicBool,
    /// What stands in scripted bytes for which port.
    marks: Mutex<Vec<(&'static str, u16)>>,
}

/// A scripted server. Dropping it closes its port.
pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
    listening: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// A server whose script may name the port of another.
    pub fn start(acts: Vec<Act>, other: Option<&Server>, wrap: Option<Wrap>) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let marks = Mutex::new(vec![(OWN, port_of(&address))]);
        marks.lock().unwrap().extend(other.map(|o| (OTHER, port_of(&o.address))));
        let state = Arc::new(State { acts: Mutex::new(acts.into()), marks, ..State::default() });
        let shared = Arc::clone(&state);
        let listening = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                shared.open.fetch_add(1, Ordering::SeqCst);
                let (state, wrap) = (Arc::clone(&shared), wrap.clone());
                thread::spawn(move || {
                    let _ended = serve(&state, stream, number, wrap);
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { address, state, listening: Some(listening) }
    }

    /// From now on this stands in scripted bytes for the port of that server.
    pub fn knows(&self, mark: &'static str, server: &Server) {
        self.state.marks.lock().unwrap().push((mark, port_of(&server.address)));
    }

    /// Closes the port: from now on it refuses connections.
    pub fn close(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        if let Some(listening) = self.listening.take() {
            let _wakes_it = TcpStream::connect(self.address);
            listening.join().unwrap();
        }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }
    pub fn seen(&self) -> usize {
        self.state.requests.lock().unwrap().len()
    }
    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
    /// Connections that are still up.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// One connection, until an act or the client ends it.
fn serve(state: &State, socket: TcpStream, number: usize, wrap: Option<Wrap>) -> std::io::Result<()> {
    let first = state.acts.lock().unwrap().front().cloned();
    match first {
        Some(Act::Refuse) => {
            take(&mut state.acts.lock().unwrap());
            return reset(&socket);
        }
        Some(Act::Deaf) => {
            state.held.lock().unwrap().push(socket);
            return Ok(());
        }
        Some(Act::Answer(_) | Act::Choose(_)) | None => {}
    }
    socket.set_nodelay(true)?;
    let raw = socket.try_clone()?;
    let stream: Option<Box<dyn Stream>> = match wrap {
        Some(wrap) => wrap(socket),
        None => Some(Box::new(socket)),
    };
    let Some(mut stream) = stream else { return Ok(()) };
    while let Some(request) = read_request(&mut *stream, number)? {
        let act = {
            let mut acts = state.acts.lock().unwrap();
            let act = match take(&mut acts) {
                Some(Act::Choose(choose)) => Some(choose(&request)),
                act => act,
            };
            state.requests.lock().unwrap().push(request);
            act
        };
        let Some(Act::Answer(steps)) = act else { return reset(&raw) };
        for step in steps {
            if !perform(state, &mut *stream, &raw, step)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn port_of(address: &SocketAddr) -> u16 {
    assert!(address.port() > 9999, "placeholders are as long as a port of five digits");
    address.port()
}

/// The next act; the last one stays.
fn take(acts: &mut VecDeque<Act>) -> Option<Act> {
    if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
}

fn reset(socket: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))
}

/// Does one step; whether the connection lives on.
fn perform(state: &State, stream: &mut dyn Stream, raw: &TcpStream, step: Step) -> std::io::Result<bool> {
    match step {
        Step::Send(bytes) => stream.write_all(&placed(state, &bytes))?,
        Step::Times(count, bytes) => (0..count).try_for_each(|_| stream.write_all(&bytes))?,
        Step::Drip(bytes, pause) => {
            for byte in placed(state, &bytes).iter() {
                stream.write_all(&[*byte])?;
                thread::sleep(pause);
            }
        }
        Step::Forever(bytes, pause) => loop {
            stream.write_all(bytes)?;
            thread::sleep(pause);
        },
        Step::Close => {
            stream.flush()?;
            raw.shutdown(std::net::Shutdown::Both)?;
            return Ok(false);
        }
        Step::Reset => return reset(raw).map(|()| false),
        Step::Hang => {
            while !matches!(stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
            return Ok(false);
        }
    }
    stream.flush()?;
    Ok(true)
}

/// The bytes with the ports in their places.
fn placed<'b>(state: &State, bytes: &'b [u8]) -> Cow<'b, [u8]> {
    let mut out = Cow::Borrowed(bytes);
    for (mark, port) in state.marks.lock().unwrap().iter() {
        while let Some(at) = memchr::memmem::find(&out, mark.as_bytes()) {
            out.to_mut()[at..at + mark.len()].copy_from_slice(format!(":{port}").as_bytes());
        }
    }
    out
}

/// Reads a request with its body; `None` when the client has gone.
fn read_request(stream: &mut dyn Stream, connection: usize) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        if !more(stream, &mut bytes)? {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.trim_end().split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_lowercase(), v.trim().to_owned())).collect();
    let mut request = Request { connection, line, headers, body: bytes.split_off(head) };
    let length: usize = request.header("content-length").first().map_or(0, |v| v.parse().unwrap());
    while request.body.len() < length {
        if !more(stream, &mut request.body)? {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

fn more(stream: &mut dyn Stream, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(n) => {
                bytes.extend_from_slice(&piece[..n]);
                return Ok(n > 0);
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

// Words for scripts.

/// An answer that keeps the connection: status line, headers and a body of the length that it says.
pub fn reply(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    Act::Answer(vec![Step::Send(head_and(status, headers, body.as_ref()))])
}

/// A JSON answer with 200.
pub fn json(body: impl AsRef<[u8]>) -> Act {
    reply("200 OK", JSON, body)
}

/// The header of every JSON answer.
pub const JSON: &str = "Content-Type: application/json\r\n";

/// Exactly these bytes, and then this end.
pub fn bytes(bytes: impl AsRef<[u8]>, end: Step) -> Act {
    Act::Answer(vec![Step::Send(bytes.as_ref().to_vec()), end])
}

/// The bytes of [`reply`].
pub fn head_and(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// No answer at all, and this end.
pub fn silence(end: Step) -> Act {
    Act::Answer(vec![end])
}
