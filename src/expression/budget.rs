//! What one evaluation of an expression may take. The language counts its own steps; what it reads, makes and goes through is counted here.
//!
//! Everything that a value holds is paid for when it comes in or is made, and an expression uses each value once. So whatever the operators
//! of the language go through without counting (`==`, `in`, `~`) was paid for before, and stays within the same limits.

use std::cell::Cell;
use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::record::Record;
use super::scope::SpooledItems;

/// Bytes that one evaluation may read and make.
pub(crate) const BYTES_MAX: u64 = 64 << 20;

/// Elements of lists and fields of objects that one evaluation may touch.
pub(crate) const ELEMENTS_MAX: u64 = 5_000_000;

/// What an element beside its own takes in memory, in elements: a list within a list, an object, and one of its fields.
pub(crate) const LIST: u64 = 3;
pub(crate) const OBJECT: u64 = 8;
pub(crate) const FIELD: u64 = 4;

/// Digits that the language may write for a number whose JSON has a few.
const DIGITS: u64 = 330;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Bytes,
    Elements,
    /// A number that the language cannot hold.
    Digits,
}

impl Limit {
    /// What is wrong, for people.
    pub(crate) fn said(self) -> String {
        match self {
            Limit::Bytes => {
                format!("it reads and makes more bytes than the limit expression_bytes ({} MiB)", BYTES_MAX >> 20)
            }
            Limit::Digits => {
                "it reads a number that expressions cannot hold: a whole one beyond 128 bits, or one beyond 1.8e308"
                    .to_owned()
            }
            Limit::Elements => {
                format!("it goes through more elements than the limit expression_elements ({ELEMENTS_MAX})")
            }
        }
    }

    pub(crate) fn advice(self) -> &'static str {
        match self {
            Limit::Bytes | Limit::Elements => "work it out in several steps, row by row with `for`, `where` and `map`",
            Limit::Digits => "a path alone, such as ${{ item.id }}, hands a number of any length on as it is",
        }
    }
}

#[derive(Clone, Copy)]
struct Left {
    bytes: u64,
    elements: u64,
    past: Option<Limit>,
}

const FULL: Left = Left { bytes: BYTES_MAX, elements: ELEMENTS_MAX, past: None };

thread_local! {
    // One evaluation stays on its thread, and iterators of the language have no other way to ask.
    static LEFT: Cell<Left> = const { Cell::new(FULL) };
}

/// Begins an evaluation.
pub(crate) fn begin() {
    LEFT.set(FULL);
}

/// The limit that the evaluation has passed. Iterators and look-ups that pass one only end.
pub(crate) fn past() -> Option<Limit> {
    LEFT.get().past
}

/// Ends the evaluation at a limit.
pub(crate) fn fail(limit: Limit) -> Error {
    let left = LEFT.get();
    LEFT.set(Left { bytes: 0, elements: 0, past: left.past.or(Some(limit)) });
    Error::new(ErrorKind::InvalidOperation, limit.said())
}

/// Pays for bytes.
pub(crate) fn bytes(count: u64) -> Result<(), Error> {
    let left = LEFT.get();
    let bytes = left.bytes.checked_sub(count).filter(|_| left.past.is_none()).ok_or(Limit::Bytes).map_err(fail)?;
    LEFT.set(Left { bytes, ..left });
    Ok(())
}

/// Pays for elements.
pub(crate) fn elements(count: u64) -> Result<(), Error> {
    let left = LEFT.get();
    let elements =
        left.elements.checked_sub(count).filter(|_| left.past.is_none()).ok_or(Limit::Elements).map_err(fail)?;
    LEFT.set(Left { elements, ..left });
    Ok(())
}

pub(crate) fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Bytes of a text, each that is written as `\x00` within a list for as many as it becomes.
pub(crate) fn text_bytes(text: &str) -> u64 {
    size(text.len()) + 3 * size(text.bytes().filter(u8::is_ascii_control).count())
}

/// Bytes of a number, were it written without exponent.
pub(crate) fn number_bytes(number: f64) -> u64 {
    if number == 0.0 || (1e-5..1e16).contains(&number.abs()) { 0 } else { DIGITS }
}

/// What a value holds at every depth, each thing as often as it stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weight {
    pub(crate) bytes: u64,
    pub(crate) elements: u64,
}

impl Weight {
    /// Ends where a limit ends, so that a list without end is no matter.
    pub(crate) fn of(value: &Value) -> Result<Weight, Error> {
        let mut weight = Weight::default();
        weight.add(value)?;
        Ok(weight)
    }

    fn add(&mut self, value: &Value) -> Result<(), Error> {
        self.elements += 1;
        match value.kind() {
            ValueKind::String => self.bytes += value.as_str().map_or(0, text_bytes),
            ValueKind::Number if !value.is_integer() => {
                self.bytes += f64::try_from(value.clone()).map_or(0, number_bytes)
            }
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
                if let Some(record) = value.downcast_object_ref::<Record>() {
                    self.bytes += record.bytes();
                } else if let Some(items) = value.downcast_object_ref::<SpooledItems>() {
                    // Its rows are paid for as they are read.
                    self.elements = self.elements.saturating_add(items.count());
                } else {
                    self.parts(value)?;
                }
            }
            _ => {}
        }
        match () {
            () if self.bytes > BYTES_MAX => Err(fail(Limit::Bytes)),
            () if self.elements > ELEMENTS_MAX => Err(fail(Limit::Elements)),
            () => Ok(()),
        }
    }

    fn parts(&mut self, value: &Value) -> Result<(), Error> {
        let is_map = value.kind() == ValueKind::Map;
        self.elements += if is_map { OBJECT } else { LIST };
        for part in value.try_iter()? {
            self.add(&part)?;
            if is_map {
                self.elements += FIELD;
                self.add(&value.get_item(&part)?)?;
            }
        }
        Ok(())
    }

    /// Pays for it as many times.
    pub(crate) fn pay(self, times: u64) -> Result<(), Error> {
        bytes(self.bytes.saturating_mul(times))?;
        elements(self.elements.saturating_mul(times))
    }
}

/// Text that grows no further than what is left.
#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn push(&mut self, text: &str) -> Result<(), Error> {
        bytes(size(text.len()))?;
        self.0.push_str(text);
        Ok(())
    }

    /// A value as the language writes it.
    pub(crate) fn push_value(&mut self, value: &Value) -> Result<(), Error> {
        match value.as_str() {
            Some(text) => self.push(text),
            None => write!(self, "{value}").map_err(|_| fail(Limit::Bytes)),
        }
    }

    pub(crate) fn push_debug(&mut self, value: &Value) -> Result<(), Error> {
        write!(self, "{value:#?}").map_err(|_| fail(Limit::Bytes))
    }

    pub(crate) fn end(self) -> String {
        self.0
    }
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text).map_err(|_| std::fmt::Error)
    }
}

/// JSON of a value, no longer than the limit.
pub(crate) fn json(value: &Value) -> Result<String, serde_json::Error> {
    struct Bounded(Vec<u8>);
    impl std::io::Write for Bounded {
        fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
            if size(self.0.len() + part.len()) > BYTES_MAX {
                return Err(std::io::Error::other(fail(Limit::Bytes).to_string()));
            }
            self.0.extend_from_slice(part);
            Ok(part.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = Bounded(Vec::new());
    serde_json::to_writer(&mut out, value)?;
    // What serde_json writes is UTF-8.
    Ok(String::from_utf8(out.0).unwrap_or_default())
}
