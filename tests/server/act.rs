//! What a scripted server does with a request.

use std::sync::Arc;
use std::time::Duration;

use super::Request;

/// A step of an answer.
#[derive(Clone)]
pub enum Step {
    /// These bytes at once.
    Send(Vec<u8>),
    /// These bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// These bytes over and over, with a pause after each, until the client goes away.
    Forever(Vec<u8>, Duration),
    /// These bytes so many times.
    Times(usize, Vec<u8>),
    /// Nothing for so long.
    Pause(Duration),
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
