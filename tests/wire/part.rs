//! The bytes in the files of cases.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

use crate::acme::{ECHO, LONG};

/// A text, or parts one after the other.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    // First, because a list of one part also reads as a part of one field.
    Many(Vec<Part>),
    One(Part),
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Part {
    Text(String),
    Latin1(Latin1),
    Utf16(Utf16),
    Gzip(Gzip),
    Repeat(Repeat),
}

/// One byte per character.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latin1 {
    latin1: String,
}

#[derive(Clone, Deserialize)]
pub enum Utf16 {
    #[serde(rename = "utf16le")]
    Little(String),
    #[serde(rename = "utf16be")]
    Big(String),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gzip {
    gzip: Box<Bytes>,
}

/// Repeats parts, with the number, from 0, in place of `{n}`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    repeat: Box<Bytes>,
    times: usize,
}

impl Bytes {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Bytes::One(part) => part.bytes(),
            Bytes::Many(parts) => parts.iter().flat_map(Part::bytes).collect(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Part::Text(text) => planted(text).into_bytes(),
            Part::Latin1(part) => part.latin1.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            Part::Utf16(Utf16::Little(text)) => planted(text).encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Part::Utf16(Utf16::Big(text)) => planted(text).encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Part::Gzip(part) => gzip(&part.gzip.bytes()),
            Part::Repeat(Repeat { repeat, times }) => {
                let one = repeat.bytes();
                if memchr::memmem::find(&one, b"{n}").is_none() {
                    return one.repeat(*times);
                }
                let text = String::from_utf8(one).unwrap();
                (0..*times).flat_map(|n| text.replace("{n}", &n.to_string()).into_bytes()).collect()
            }
        }
    }
}

/// The text with placeholders replaced by the planted credentials.
fn planted(text: &str) -> String {
    text.replace("{echo}", &ECHO.join(" ")).replace("{long}", LONG)
}

/// Compressed at the highest level.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}
