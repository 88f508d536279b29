//! Numbers of 64 bits as JSON. Pure.

/// A number of 64 bits in the shortest decimal form; whole numbers have no point.
pub(super) fn number_text(number: f64) -> String {
    match number.fract() == 0.0 && number.abs() < 1e17 {
        true => format!("{number:.0}"),
        false => serde_json::Number::from_f64(number).map_or_else(|| "null".to_owned(), |n| n.to_string()),
    }
}
