//! A client that is independent of opnode: sends bytes and reads the reply to its end.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Raw {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Raw {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_else(|| panic!("no {pointer} in {}", self.body))
    }
}

/// The Authorization header of the acme connector.
pub const AUTH: &str = "Authorization: Basic c29tZW9uZTpwYXNzOndvcmQ=";
pub const JSON: &str = "Content-Type: application/json";

/// One request on its own connection; `None` when the connection was closed without a reply.
pub async fn ask(address: SocketAddr, line: &str, headers: &[&str], body: &[u8]) -> Option<Raw> {
    let mut head =
        format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = Vec::new();
    stream.write_all(&[head.as_bytes(), body].concat()).await.ok()?;
    stream.read_to_end(&mut bytes).await.ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect();
    Some(Raw { status, headers, body: body.to_owned() })
}

/// A GET with acme's credentials.
pub async fn get(address: SocketAddr, target: &str) -> Raw {
    ask(address, &format!("GET /api/v1{target}"), &[AUTH], b"").await.unwrap()
}

/// A write with acme's credentials and a JSON body.
pub async fn send(address: SocketAddr, verb: &str, target: &str, body: &str) -> Raw {
    ask(address, &format!("{verb} /api/v1{target}"), &[AUTH, JSON], body.as_bytes()).await.unwrap()
}
