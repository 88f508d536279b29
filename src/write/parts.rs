//! A reply that reports on several items at once: which part speaks of which item, and whether it succeeded. Pure.

use serde_json::{Map, Value};

use crate::definition::{PartRule, scalar};
use crate::item::Item;

/// Which part reports on the item at this position. Two equal items take the first report and the second.
pub(super) fn part_of(
    rule: &PartRule,
    parts: &[Value],
    taken: &[bool],
    item: Option<Item<'_>>,
    position: usize,
    count: usize,
) -> Option<usize> {
    if let Some(name) = &rule.index {
        return parts.iter().position(|p| p.get(name).and_then(Value::as_u64) == Some(position as u64));
    }
    let Some(name) = &rule.key else { return (parts.len() == count).then_some(position) };
    let item: Value = serde_json::from_str(item?.as_str()).ok()?;
    let named = item.as_object().map_or(Some(&item), |fields| fields.get(name)).and_then(scalar)?;
    parts.iter().zip(taken).position(|(part, taken)| !taken && part.get(name).and_then(scalar).as_deref() == Some(named.as_str()))
}

/// A part's own fields that can be read as values; its record stays raw, because a number in it may be beyond any value.
pub(super) fn flags(part: Item<'_>) -> Value {
    let fields = part.fields().unwrap_or_default().into_iter();
    fields.filter_map(|(name, raw)| Some((name, serde_json::from_str(raw.get()).ok()?))).collect::<Map<_, _>>().into()
}

/// Whether a part's flag says that it succeeded: true, the word, or an HTTP status of the 2xx kind.
pub(super) fn succeeded(flag: &Value) -> bool {
    match flag {
        Value::Bool(flag) => *flag,
        Value::Number(status) => status.as_f64().is_some_and(|s| (200.0..300.0).contains(&s)),
        Value::String(text) => text.eq_ignore_ascii_case("success"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}
