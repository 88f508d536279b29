//! Rows of a JSON file: the elements of a list, one at a time, or one object. What is beside the list is passed over:
//! only its quotes and brackets are read.

use super::fault::{RowFault, line_place};
use super::line_rows::{checked, put_row};
use super::options::{ReadOptions, RowPosition};
use super::text_source::{ByteStep, TextSource};
use crate::error::{Error, ErrorKind, Result};
use crate::json_pointer::unescape;

/// The elements of a list.
pub(super) struct JsonRows {
    source: TextSource,
    pointer: String,
    path: Vec<String>,
    /// The brackets that are open, from the outermost.
    open: Vec<u8>,
    place: JsonPlace,
    raw: Vec<u8>,
    line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonPlace {
    /// Before the first value.
    Start,
    /// After the opening bracket of the list.
    First,
    /// After an element, or after the only object.
    After,
    End,
}

impl JsonRows {
    pub(super) fn open(mut source: TextSource, options: &ReadOptions, from: &RowPosition) -> Result<JsonRows> {
        source.jump(from, |_| true)?;
        let pointer = options.pointer.clone().unwrap_or_default();
        let path: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
        let place = match (from.byte, from.row) {
            (0, _) => JsonPlace::Start,
            (_, _) => JsonPlace::After,
        };
        let open: Vec<u8> = from.within.bytes().filter(|byte| matches!(byte, b'{' | b'[')).collect();
        if open.len() > path.len() + 1 || open.len() != from.within.len() {
            let message = format!("the position in {} does not fit its options", source.name());
            return Err(Error::new(ErrorKind::InvalidOptions, message).advise("read it from its start"));
        }
        Ok(JsonRows { source, pointer, path, open, place, raw: Vec::new(), line: 0 })
    }

    pub(super) fn next(&mut self, out: &mut String) -> Result<bool, RowFault> {
        let has_row = match self.place {
            JsonPlace::Start => self.find()?,
            JsonPlace::First => self.first()?,
            JsonPlace::After if self.open.len() > self.path.len() => self.further()?,
            JsonPlace::After => {
                self.close()?;
                false
            }
            JsonPlace::End => false,
        };
        if has_row {
            let text = checked(&self.raw).map_err(|why| {
                let counted = if why.starts_with("see ") { ", counted from its start" } else { "" };
                let (name, line) = (self.source.name(), self.line);
                let message = format!("the value in line {line} of {name} is not JSON: {why}{counted}");
                let at = line_place(name, line, None);
                RowFault::Row(self.source.refuse(message).at(at).advise("correct the value"))
            })?;
            put_row(out, text);
        }
        Ok(has_row)
    }

    /// Goes to the list, and reads its first element or the only object.
    fn find(&mut self) -> Result<bool> {
        for (depth, name) in self.path.clone().iter().enumerate() {
            let found = match self.token()? {
                Some(b'{') => self.enter_field(name)?,
                Some(b'[') => self.enter_element(name)?,
                _ => false,
            };
            if !found {
                let way: String = self.path.iter().take(depth + 1).map(|name| format!("/{name}")).collect();
                let message = format!("{} has no value at {way} (pointer {})", self.source.name(), self.pointer);
                return Err(self.source.refuse(message).advise("correct `pointer`"));
            }
        }
        match self.token()? {
            Some(b'[') => {
                self.source.skip(b'[')?;
                self.open.push(b'[');
                self.first()
            }
            Some(b'{') => {
                self.value(true)?;
                self.place = JsonPlace::After;
                Ok(true)
            }
            None if self.open.is_empty() => {
                let message = format!("{} is empty", self.source.name());
                Err(self.source.refuse(message).advise("a JSON file has a list; without rows it is []"))
            }
            Some(byte) if !is_value_start(byte) => Err(self.unexpected(Some(byte), "a value")),
            _ => {
                let at = if self.pointer.is_empty() { String::new() } else { format!(" at {}", self.pointer) };
                let message = format!("{} has no list{at}", self.source.name());
                let advice = "the rows are the elements of a list; name another place with `pointer`";
                Err(self.source.refuse(message).advise(advice))
            }
        }
    }

    /// Enters an object and goes to the value of a field; `false` if there is none.
    fn enter_field(&mut self, name: &str) -> Result<bool> {
        self.source.skip(b'{')?;
        self.open.push(b'{');
        if self.token()? == Some(b'}') {
            return Ok(false);
        }
        loop {
            if self.key()? == name {
                return Ok(true);
            }
            self.value(false)?;
            if !self.comma(b'}')? {
                return Ok(false);
            }
        }
    }

    /// Enters a list and goes to an element; `false` if there is none.
    fn enter_element(&mut self, index: &str) -> Result<bool> {
        let Ok(index) = index.parse::<u64>() else { return Ok(false) };
        self.source.skip(b'[')?;
        self.open.push(b'[');
        if self.token()? == Some(b']') {
            return Ok(false);
        }
        for _ in 0..index {
            self.value(false)?;
            if !self.comma(b']')? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first element; `false` if the list is empty.
    fn first(&mut self) -> Result<bool> {
        self.place = JsonPlace::First;
        if self.token()? == Some(b']') {
            self.source.skip(b']')?;
            self.open.pop();
            self.close()?;
            return Ok(false);
        }
        self.element()
    }

    fn further(&mut self) -> Result<bool> {
        if self.comma(b']')? {
            return self.element();
        }
        self.source.skip(b']')?;
        self.open.pop();
        self.close()?;
        Ok(false)
    }

    fn element(&mut self) -> Result<bool> {
        self.value(true)?;
        self.place = JsonPlace::After;
        Ok(true)
    }

    /// Reads on to the end of the text, to see that it is whole.
    fn close(&mut self) -> Result<()> {
        while let Some(open) = self.open.last().copied() {
            let end = open + 2;
            if !self.comma(end)? {
                self.source.skip(end)?;
                self.open.pop();
                continue;
            }
            if open == b'{' {
                self.key()?;
            }
            self.value(false)?;
        }
        if self.token()?.is_some() {
            let message = format!("{} has more behind its value, in line {}", self.source.name(), self.source.line());
            let advice = "a JSON file is one value; for one value per line, name the format ndjson";
            return Err(self.source.refuse(message).advise(advice));
        }
        self.place = JsonPlace::End;
        Ok(())
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Result<Option<u8>> {
        let is_white =
            |byte| if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') { ByteStep::More } else { ByteStep::Before };
        self.source.take(None, is_white)?;
        self.source.peek()
    }

    /// Takes a comma, behind which a value must follow; `false` before the closing bracket.
    fn comma(&mut self, end: u8) -> Result<bool> {
        match self.token()? {
            Some(b',') => {
                self.source.skip(b',')?;
                match self.token()? {
                    Some(byte) if byte != end => Ok(true),
                    found => Err(self.unexpected(found, "a value behind the comma")),
                }
            }
            Some(byte) if byte == end => Ok(false),
            found => Err(self.unexpected(found, &format!("a comma or {}", char::from(end)))),
        }
    }

    /// The name of a field, and its colon.
    fn key(&mut self) -> Result<String> {
        match self.token()? {
            Some(b'"') => self.value(true)?,
            found => return Err(self.unexpected(found, "the name of a field")),
        }
        let name = checked(&self.raw).ok().and_then(|text| serde_json::from_str::<String>(text).ok());
        match self.token()? {
            Some(b':') => self.source.skip(b':')?,
            found => return Err(self.unexpected(found, "a colon")),
        };
        // A name that is no text is on no way.
        Ok(name.unwrap_or_default())
    }

    /// Reads a value up to its end; keeps it in `raw`, or passes over it.
    fn value(&mut self, keeps: bool) -> Result<()> {
        let first = self.token()?;
        if !first.is_some_and(is_value_start) {
            return Err(self.unexpected(first, "a value"));
        }
        self.line = self.source.line();
        self.raw.clear();
        let mut scan = ValueScan::default();
        let kept = keeps.then_some(&mut self.raw);
        let is_whole = self.source.take(kept, |byte| scan.step(byte))?;
        if !is_whole {
            return Err(self.unexpected(None, "the end of a value"));
        }
        Ok(())
    }

    fn unexpected(&self, found: Option<u8>, wanted: &str) -> Error {
        let (name, line) = (self.source.name(), self.source.line());
        let Some(byte) = found else {
            let message = format!("{name} ends too early, in line {line}: {wanted} is missing");
            return self.source.refuse(message).advise("the file is incomplete: write or copy it again");
        };
        let shown = char::from(byte).escape_default();
        let message = format!("{name} is not JSON: line {line} has `{shown}` instead of {wanted}");
        self.source.refuse(message).advise("correct the file; for one value per line, name the format ndjson")
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn position(&self) -> RowPosition {
        match self.place {
            // Nothing was delivered yet.
            JsonPlace::Start | JsonPlace::First => RowPosition::default(),
            JsonPlace::After | JsonPlace::End => {
                let within = self.open.iter().map(|byte| char::from(*byte)).collect();
                RowPosition { within, ..self.source.position() }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.raw.capacity()
    }
}

fn is_value_start(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'{' | b'[' | b'"' | b'-' | b't' | b'f' | b'n')
}

/// Finds the end of a value by its brackets and quotes.
#[derive(Default)]
struct ValueScan {
    depth: u64,
    is_text: bool,
    is_escaped: bool,
    has_begun: bool,
}

impl ValueScan {
    fn step(&mut self, byte: u8) -> ByteStep {
        if self.is_text {
            let ends = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.is_text = !ends;
            return if ends && self.depth == 0 { ByteStep::Last } else { ByteStep::More };
        }
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match byte {
            b'"' if self.depth == 0 && has_begun => return ByteStep::Before,
            b'"' => self.is_text = true,
            b'{' | b'[' if self.depth == 0 && has_begun => return ByteStep::Before,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return ByteStep::Before,
            b'}' | b']' => {
                self.depth -= 1;
                return if self.depth == 0 { ByteStep::Last } else { ByteStep::More };
            }
            _ => {}
        }
        ByteStep::More
    }
}
