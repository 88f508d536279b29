//! The JSON Schema of records, from all rows that were seen. Pure.

use super::tree::Tree;
use super::yaml::key;

/// The types of a value in all rows, in the order in which they were seen.
#[derive(Debug, Default)]
pub(super) struct RecordShape {
    kinds: Vec<&'static str>,
    is_nullable: bool,
    fields: Vec<(String, RecordShape)>,
    elements: Option<Box<RecordShape>>,
}

/// Deeper objects are described as objects only.
const DEPTH_MAX: usize = 4;
/// An object with more fields is taken for a map.
const FIELDS_MAX: usize = 200;

impl RecordShape {
    pub(super) fn of<'t>(rows: impl IntoIterator<Item = &'t Tree>) -> RecordShape {
        let mut shape = RecordShape::default();
        rows.into_iter().for_each(|row| shape.see(row));
        shape
    }

    fn see(&mut self, tree: &Tree) {
        match tree {
            Tree::Object(fields) => {
                self.add("object");
                for (name, value) in fields {
                    if let Some((_, shape)) = self.fields.iter_mut().find(|(n, _)| n == name) {
                        shape.see(value);
                    } else {
                        self.fields.push((name.clone(), RecordShape::of([value])));
                    }
                }
            }
            Tree::Array(list) => {
                self.add("array");
                let elements = self.elements.get_or_insert_default();
                list.iter().for_each(|element| elements.see(element));
            }
            Tree::Scalar(raw) => match raw.as_bytes().first() {
                Some(b'"') => self.add("string"),
                Some(b't' | b'f') => self.add("boolean"),
                Some(b'n') => self.is_nullable = true,
                _ if raw.contains(['.', 'e', 'E']) => self.add("number"),
                _ => self.add("integer"),
            },
        }
    }

    fn add(&mut self, kind: &'static str) {
        // Every integer is a number.
        match kind {
            "integer" if self.kinds.contains(&"number") => return,
            "number" => self.kinds.retain(|k| *k != "integer"),
            _ => {}
        }
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(n, _)| n == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The keywords that describe it, in flow style.
    fn keywords(&self, depth: usize) -> Vec<String> {
        let mut kinds: Vec<String> = self.kinds.iter().map(|kind| (*kind).to_owned()).collect();
        // Null alone does not tell the type.
        if self.is_nullable && !kinds.is_empty() {
            kinds.push("\"null\"".to_owned());
        }
        let mut words = match kinds.as_slice() {
            [] => return Vec::new(),
            [one] => vec![format!("type: {one}")],
            several => vec![format!("type: [{}]", several.join(", "))],
        };
        if let Some(elements) = self.elements.as_ref().filter(|_| depth < DEPTH_MAX) {
            let inner = elements.keywords(depth + 1);
            if !inner.is_empty() {
                words.push(format!("items: {{ {} }}", inner.join(", ")));
            }
        }
        if !self.fields.is_empty() && self.fields.len() <= FIELDS_MAX && depth < DEPTH_MAX {
            let fields = self.fields.iter().map(|(name, shape)| format!("{}: {}", key(name), shape.flow(depth + 1)));
            words.push(format!("properties: {{ {} }}", fields.collect::<Vec<_>>().join(", ")));
        }
        words
    }

    fn flow(&self, depth: usize) -> String {
        let words = self.keywords(depth);
        if words.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", words.join(", ")) }
    }

    /// A schema in block style, a line for each field.
    pub(super) fn block(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let mut out = format!("{pad}type: object\n");
        if self.fields.is_empty() {
            return out;
        }
        out.push_str(&format!("{pad}properties:\n"));
        for (name, shape) in &self.fields {
            let note =
                if shape.kinds.is_empty() && shape.is_nullable { "  # null in every row: type unknown" } else { "" };
            out.push_str(&format!("{pad}  {}: {}{note}\n", key(name), shape.flow(1)));
        }
        out
    }
}

/// The type of an option, by the text of its value.
pub(super) fn kind_of_text(text: &str) -> &'static str {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.len() < 16 && digits.bytes().all(|b| b.is_ascii_digit());
    match text {
        "true" | "false" => "boolean",
        _ if is_whole && (digits == "0" || !digits.starts_with('0')) => "integer",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordShape, kind_of_text};
    use crate::draft::tree::Tree;

    #[test]
    fn all_rows_decide() {
        let rows = Tree::read(
            r#"[{"id":1,"price":2,"note":null,"tags":["a"],"to":{"zip":"1"}},{"id":2,"price":1.50,"note":"x","gone":null,"tags":[],"to":null}]"#,
        );
        let text = RecordShape::of(rows.unwrap().list().unwrap()).block(0);
        assert_eq!(
            text,
            "type: object\nproperties:\n  id: { type: integer }\n  price: { type: number }\n  note: { type: [string, \"null\"] }\n  tags: { type: array, items: { type: string } }\n  to: { type: [object, \"null\"], properties: { zip: { type: string } } }\n  gone: {}  # null in every row: type unknown\n"
        );
    }

    #[test]
    fn values_tell_their_type() {
        for (text, kind) in [
            ("7", "integer"),
            ("-7", "integer"),
            ("007", "string"),
            ("1.5", "string"),
            ("true", "boolean"),
            ("", "string"),
        ] {
            assert_eq!(kind_of_text(text), kind, "{text}");
        }
    }
}
