//! Whether two JSON values are the same to a system. Pure.

use crate::digits::Decimal;
use crate::json_text::fields_of;

/// Whether a record has a value: numbers are compared by value, of objects only the fields that the value has.
pub(super) fn is_same(value: &str, found: &str) -> bool {
    if let (Some(value), Some(found)) = (Decimal::of(value), Decimal::of(found)) {
        return value == found;
    }
    if let (Some(value), Some(found)) = (fields_of(value), fields_of(found)) {
        return value.iter().all(|(name, raw)| {
            let other = found.iter().find(|(own, _)| own == name).map_or("null", |(_, raw)| raw.get());
            is_same(raw.get(), other)
        });
    }
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    value == found || (parse(value).is_some() && parse(value) == parse(found))
}
