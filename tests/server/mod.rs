//! A scripted server on loopback sockets. It sends its script byte for byte and records the requests.
//!
//! Each request takes one action; the last one is repeated. A connection stays open until an action ends it.

mod act;
mod request;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use act::{Act, JSON, Step, bytes, head_and, json, reply, silence};
pub use request::{Request, Stream};

/// In scripted bytes, a placeholder for the port of a server that must never be called. It has the length of a port, so
/// that lengths stay correct.
pub const OTHER: &str = ":OTHER";
/// In scripted bytes, a placeholder for the server's own port.
pub const OWN: &str = ":MYOWN";

/// Wraps a connection in TLS; `None` after a failed handshake.
pub type Wrap = Arc<dyn Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync>;

#[derive(Default)]
struct State {
    acts: Mutex<VecDeque<Act>>,
    requests: Mutex<Vec<Request>>,
    held: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    over: AtomicBool,
    /// Placeholders in scripted bytes with their ports.
    marks: Mutex<Vec<(&'static str, u16)>>,
}

/// A scripted server. Dropping it closes its port.
pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
    listening: Option<thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(acts: Vec<Act>) -> Server {
        Server::over(acts, None, None)
    }

    /// A server that answers every request by a function.
    pub fn answering(answer: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Server {
        Server::start(vec![Act::Choose(Arc::new(answer))])
    }

    /// A server whose script may contain the port of another, and whose connections are wrapped.
    pub fn over(acts: Vec<Act>, other: Option<&Server>, wrap: Option<Wrap>) -> Server {
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

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces this placeholder in scripted bytes by the port of that server.
    pub fn knows(&self, mark: &'static str, server: &Server) {
        self.state.marks.lock().unwrap().push((mark, port_of(&server.address)));
    }

    /// Closes the port; later connections are refused.
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
    /// Number of accepted connections.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
    /// Number of open connections.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// Serves one connection until an action or the client ends it.
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
    while let Some(request) = Request::read(&mut *stream, number)? {
        let act = {
            let mut acts = state.acts.lock().unwrap();
            state.requests.lock().unwrap().push(request.clone());
            take(&mut acts)
        };
        // Without the lock, because the function may wait for another request.
        let act = match act {
            Some(Act::Choose(choose)) => Some(choose(&request)),
            act => act,
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

/// The next action; the last one stays.
fn take(acts: &mut VecDeque<Act>) -> Option<Act> {
    if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
}

fn reset(socket: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))
}

/// Performs one step; returns whether the connection stays open.
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
            stream.write_all(&bytes)?;
            thread::sleep(pause);
        },
        Step::Pause(pause) => thread::sleep(pause),
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

/// The bytes with placeholders replaced by ports.
fn placed<'b>(state: &State, bytes: &'b [u8]) -> Cow<'b, [u8]> {
    let mut out = Cow::Borrowed(bytes);
    for (mark, port) in state.marks.lock().unwrap().iter() {
        while let Some(at) = memchr::memmem::find(&out, mark.as_bytes()) {
            out.to_mut()[at..at + mark.len()].copy_from_slice(format!(":{port}").as_bytes());
        }
    }
    out
}

/// A listener with a full queue: connections to it hang as long as the returned values exist.
pub fn full() -> (SocketAddr, Vec<TcpStream>, socket2::Socket) {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        held.push(stream);
        assert!(held.len() < 50, "the listener's queue never fills");
    }
    (address, held, listener)
}
