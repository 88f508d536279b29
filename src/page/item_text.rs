//! Writes items that are not in a reply as they are, within the limits of a page. Pure.

use super::faults::{too_long, too_many};
use super::model::PageLimits;
use crate::error::Result;
use crate::item::{Items, Span};
use crate::json_text::put_text;
use crate::reply::scan::{Scan, ScanFault};

/// Items that are written one after the other, one per line.
pub(super) struct ItemText {
    text: String,
    spans: Vec<Span>,
    limits: PageLimits,
}

impl ItemText {
    pub(super) fn new(limits: PageLimits) -> ItemText {
        ItemText { text: String::new(), spans: Vec::new(), limits }
    }

    /// Adds an item; `write` writes its JSON on one line.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut String)) -> Result<()> {
        if self.spans.len() >= self.limits.items {
            return Err(too_many(self.limits.items));
        }
        if !self.spans.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        write(&mut self.text);
        let max = self.limits.written();
        if self.text.len() > max {
            return Err(too_long(max));
        }
        self.spans.push((start as u32, self.text.len() as u32));
        Ok(())
    }

    pub(super) fn finish(self) -> Items {
        Items::from_spans(self.text, self.spans)
    }
}

/// Writes an object with fields before and after its own, whose own fields of these names are left out; a value that
/// is no object becomes the field `value`. Values are JSON.
pub(super) fn put_with(out: &mut String, value: &str, before: &[(&str, &str)], after: &[(&str, &str)]) {
    let mut first = true;
    let mut put = |out: &mut String, name: &str, value: &str| {
        out.push(if std::mem::take(&mut first) { '{' } else { ',' });
        put_text(out, name);
        out.push(':');
        out.push_str(value);
    };
    before.iter().for_each(|(name, value)| put(out, name, value));
    if value.starts_with('{') {
        let added = |name: &str| before.iter().chain(after).any(|(other, _)| *other == name);
        // A value that was read once has no fault.
        let _read = fields(value, |name, value| {
            if !added(&name) {
                put(out, &name, value);
            }
            Ok(())
        });
    } else {
        put(out, "value", value);
    }
    after.iter().for_each(|(name, value)| put(out, name, value));
    out.push_str(if first { "{}" } else { "}" });
}

/// The fields of an object, with their values as text.
pub(super) fn fields<'t>(
    object: &'t str,
    mut each: impl FnMut(String, &'t str) -> std::result::Result<(), ScanFault>,
) -> std::result::Result<(), ScanFault> {
    let mut scan = Scan::new(object);
    let mut at = scan.blank(1);
    if scan.byte(at) == b'}' {
        return Ok(());
    }
    loop {
        let (end, value) = scan.key(at)?;
        let name = object.get(at..end).and_then(|key| serde_json::from_str(key).ok()).ok_or(ScanFault::Syntax)?;
        let end = scan.value(value)?;
        each(name, object.get(value..end).unwrap_or_default())?;
        at = scan.blank(end);
        match scan.byte(at) {
            b',' => at = scan.blank(at + 1),
            b'}' => return Ok(()),
            _ => return Err(ScanFault::Syntax),
        }
    }
}
