//! Which types the keys of one side have. A key of a type that the other side does not have there matches nothing, which
//! is a mistake rather than an absence. Pure.

use super::key::present;
use super::plan::FieldPath;
use crate::error::{Error, ErrorKind, Place};

/// The types in the order of their bits, with their names in messages.
const TYPES: [(u8, &str, &str); 3] = [(1, "a boolean", "booleans"), (2, "a number", "numbers"), (4, "text", "text")];

/// What to do about keys of two types.
const ONE_TYPE: &str = "give both fields one type: with `types` of a load, or with `| int` or `| string` in a `map`";

/// The types that the keys of one side have at one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyTypes(u8);

impl KeyTypes {
    fn of(json: &str) -> KeyTypes {
        KeyTypes(match json.as_bytes().first() {
            Some(b't' | b'f') => 1,
            Some(b'-' | b'0'..=b'9') => 2,
            Some(b'"') => 4,
            Some(_) | None => 0,
        })
    }

    /// Adds that of a key.
    pub(crate) fn add(&mut self, json: Option<&str>) {
        self.0 |= present(json).map_or(0, |json| KeyTypes::of(json).0);
    }

    /// Whether no key of this side can equal this one, because all are of other types. Null is no key.
    pub(crate) fn lacks(self, json: Option<&str>) -> bool {
        let own = present(json).map_or(0, |json| KeyTypes::of(json).0);
        own != 0 && self.0 != 0 && self.0 & own == 0
    }

    fn several(self) -> String {
        let names: Vec<&str> =
            TYPES.iter().filter(|(bit, ..)| self.0 & bit != 0).map(|(.., several)| *several).collect();
        names.join(" or ")
    }
}

/// The error for a key of `own` that [lacks](KeyTypes::lacks) its type among those of `others`. `name` is the row, and
/// `side` the other side.
pub(crate) fn other_type(
    name: &str,
    (own, json): (&FieldPath, &str),
    (side, other): (&str, &FieldPath),
    others: KeyTypes,
) -> Error {
    let type_of = KeyTypes::of(json).0;
    let own_type = TYPES.iter().find(|(bit, ..)| *bit == type_of).map_or("of another type", |(_, one, _)| *one);
    let (own, others) = (own.pointer(), format!("{} of {side} has only {}", other.pointer(), others.several()));
    let why = format!("{name} can match nothing: its key {own} is {own_type}, but {others}");
    Error::new(ErrorKind::InvalidItems, why).at(Place { field: Some(own), ..Place::default() }).advise(ONE_TYPE)
}

#[cfg(test)]
mod tests {
    use super::KeyTypes;

    #[test]
    fn a_key_is_lacking_if_all_others_have_other_types() {
        let of = |keys: &[&str]| {
            let mut types = KeyTypes::default();
            keys.iter().for_each(|key| types.add(Some(key)));
            types
        };
        for (keys, key, lacks) in [
            (&["1", "-2.5"][..], "\"1\"", true),
            (&["1", "-2.5"], "7", false),
            (&["1", "\"a\""], "\"1\"", false),
            (&["1", "\"a\""], "true", true),
            (&["true"], "false", false),
            (&["null"], "1", false),
            (&[], "1", false),
            (&["1"], "null", false),
            (&["[1]"], "1", false),
            (&["1"], "{}", false),
        ] {
            assert_eq!(of(keys).lacks(Some(key)), lacks, "{keys:?} {key}");
        }
        assert!(!of(&["1"]).lacks(None));
    }
}
