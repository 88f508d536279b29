//! The actions of a scripted server.

use std::sync::Arc;
use std::time::Duration;

use super::Request;

/// A step of a reply.
#[derive(Clone)]
pub enum Step {
    /// These bytes at once.
    Send(Vec<u8>),
    /// These bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// These bytes repeatedly, with a pause after each, until the client disconnects.
    Forever(Vec<u8>, Duration),
    /// These bytes this many times.
    Times(usize, Vec<u8>),
    /// A pause.
    Pause(Duration),
    /// An orderly end (FIN).
    Close,
    /// A reset (RST).
    Reset,
    /// Nothing more until the client disconnects.
    Hang,
}

/// The action for one request.
#[derive(Clone)]
pub enum Act {
    /// Reads the request, then replies.
    Answer(Vec<Step>),
    /// Reads the request, then performs the action that this function returns.
    Choose(Arc<dyn Fn(&Request) -> Act + Send + Sync>),
    /// Resets the connection without reading.
    Refuse,
    /// Accepts the connection and never reads from it.
    Deaf,
}

/// A reply that keeps the connection open: status line, headers, and a body with its length.
pub fn reply(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    Act::Answer(vec![Step::Send(head_and(status, headers, body.as_ref()))])
}

/// A JSON reply with status 200.
pub fn json(body: impl AsRef<[u8]>) -> Act {
    reply("200 OK", JSON, body)
}

/// The header of every JSON reply.
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

/// No reply, and this end.
pub fn silence(end: Step) -> Act {
    Act::Answer(vec![end])
}
