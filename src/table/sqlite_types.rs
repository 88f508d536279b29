//! The types of columns of SQLite.

use super::value_kind::ValueKind;

/// What a column of a type holds without changing it.
pub(super) fn kind_of(declared: &str) -> ValueKind {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    match declared.as_str() {
        "BOOLEAN" | "BOOL" => ValueKind::Boolean,
        "DECIMAL BLOB" => ValueKind::Decimal,
        "DATE TEXT" | "DATE" => ValueKind::Date,
        "TIMESTAMP TEXT" | "TIMESTAMP" | "DATETIME" => ValueKind::Timestamp,
        "JSON TEXT" => ValueKind::Json,
        _ if has("INT") => ValueKind::Integer,
        _ if has("CHAR") || has("CLOB") || has("TEXT") || has("BLOB") || declared.is_empty() => ValueKind::Text,
        _ => ValueKind::Double,
    }
}
