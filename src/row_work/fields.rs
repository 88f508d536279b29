//! Reads values of a row at paths, and adds a field to a row, without a tree of values. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::plan::FieldPath;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Item;
use crate::json_error;
use crate::json_text::put_text;

/// Which row, for messages: its number from 1 and its side.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowName {
    pub(super) side: &'static str,
    pub(super) number: u64,
}

impl RowName {
    pub(super) fn row(number: u64) -> RowName {
        RowName { side: "row", number }
    }

    /// The error for a row whose field does not fit.
    pub(super) fn misfit(self, path: &FieldPath, why: impl fmt::Display) -> Error {
        let pointer = path.pointer();
        let field = if pointer.is_empty() { "it".to_owned() } else { format!("the field {pointer}") };
        Error::new(ErrorKind::InvalidItems, format!("{self} does not fit: {field} {why}"))
            .at(Place { field: Some(pointer), ..Place::default() })
    }
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.side, self.number)
    }
}

/// The JSON of a row at each of the paths, in their order; `None` where the row has no such field.
///
/// # Errors
/// `invalid_items` when the row is not JSON.
pub(super) fn values_at<'r>(row: &'r str, paths: &[&FieldPath], name: RowName) -> Result<Vec<Option<&'r str>>> {
    if !row.starts_with('{') {
        return Ok(paths.iter().map(|path| Item::new(row).raw(path.names())).collect());
    }
    let mut found = vec![None; paths.len()];
    let mut reader = serde_json::Deserializer::from_str(row);
    Outermost { paths, found: &mut found }.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|e| {
        Error::new(ErrorKind::InvalidItems, format!("{name} is not JSON: {}", json_error::words(&e, row)))
            .advise("find out which step wrote it")
    })?;
    let inner = |(path, value): (&&FieldPath, Option<&'r str>)| match path.names() {
        [] => Some(row),
        [_] => value,
        [_, rest @ ..] => Item::new(value?).raw(rest),
    };
    Ok(paths.iter().zip(found).map(inner).collect())
}

/// Reads the outermost field of each path.
struct Outermost<'s, 'p, 'r> {
    paths: &'s [&'p FieldPath],
    found: &'s mut Vec<Option<&'r str>>,
}

impl<'r> DeserializeSeed<'r> for Outermost<'_, '_, 'r> {
    type Value = ();
    fn deserialize<D: Deserializer<'r>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'r> Visitor<'r> for Outermost<'_, '_, 'r> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'r>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(FieldName(name)) = map.next_key()? {
            let is_wanted = |path: &&FieldPath| path.names().first().is_some_and(|first| *first == name);
            if !self.paths.iter().any(is_wanted) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?.get();
            for (_, found) in self.paths.iter().zip(self.found.iter_mut()).filter(|(path, _)| is_wanted(path)) {
                *found = Some(value);
            }
        }
        Ok(())
    }
}

/// The name of a field, without a copy unless it has escapes.
struct FieldName<'r>(Cow<'r, str>);

impl<'r> Deserialize<'r> for FieldName<'r> {
    fn deserialize<D: Deserializer<'r>>(deserializer: D) -> Result<FieldName<'r>, D::Error> {
        struct NameVisitor;
        impl<'r> Visitor<'r> for NameVisitor {
            type Value = FieldName<'r>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'r str) -> Result<FieldName<'r>, E> {
                Ok(FieldName(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<FieldName<'r>, E> {
                Ok(FieldName(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Appends a row with one more field at its end; false if the row is not an object.
pub(super) fn put_with_field(out: &mut String, row: &str, name: &str, value: &str) -> bool {
    let Some(start) = row.trim_end().strip_suffix('}').map(str::trim_end).filter(|_| row.starts_with('{')) else {
        return false;
    };
    out.push_str(start);
    if start != "{" {
        out.push(',');
    }
    put_text(out, name);
    out.push(':');
    out.push_str(value);
    out.push('}');
    true
}

/// The type of a JSON value, for messages.
pub(super) fn type_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') | None => "null",
        Some(_) => "a number",
    }
}
