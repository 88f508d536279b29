//! A request as a scripted server receives it.

use std::io::{ErrorKind, Read, Write};

/// Both directions of a connection.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A received request.
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
    /// Verb and target, without the protocol.
    pub fn call(&self) -> &str {
        self.line.trim_end_matches(" HTTP/1.1")
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// A parameter of the query, not decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target().split_once('?')?;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }

    /// Reads a request with its body; `None` when the client has disconnected.
    pub(super) fn read(stream: &mut dyn Stream, connection: usize) -> std::io::Result<Option<Request>> {
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
