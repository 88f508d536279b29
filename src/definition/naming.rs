//! How options name fields of the record in their values. Pure.

use serde_json::Value;

use super::file::NamingFile;

/// How an option names fields of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The fields to return, separated by commas; a slash or a dot separates nested names.
    Columns,
    /// The same for a sort order: each with a direction after it, or a sign before it.
    Order,
    /// `field operator value`, joined by words; values are quoted, in brackets or bare.
    Conditions,
    /// The same for fields that are not the record's own.
    OtherConditions,
    /// A list of `field:operator:value`.
    Terms,
}

/// Words of conditions that are not fields.
const WORDS: [&str; 15] = [
    "and",
    "or",
    "not",
    "in",
    "like",
    "contains",
    "is",
    "null",
    "true",
    "false",
    "between",
    "startswith",
    "endswith",
    "asc",
    "desc",
];

impl From<NamingFile> for Naming {
    fn from(file: NamingFile) -> Naming {
        match file {
            NamingFile::Columns => Naming::Columns,
            NamingFile::Order => Naming::Order,
            NamingFile::Conditions => Naming::Conditions,
            NamingFile::OtherConditions => Naming::OtherConditions,
            NamingFile::Terms => Naming::Terms,
        }
    }
}

impl Naming {
    /// The fields that a value of the option names.
    pub(super) fn names(self, value: &Value) -> Vec<Vec<String>> {
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let named: Vec<&str> = match self {
            Naming::Columns => texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect(),
            Naming::Order => {
                let parts = texts.iter().flat_map(|text| text.split(','));
                parts
                    .map(|part| part.split_whitespace().next().unwrap_or_default().trim_start_matches(['-', '+']))
                    .collect()
            }
            Naming::Terms => texts.iter().filter_map(|text| Some(text.split_once(':')?.0.trim())).collect(),
            Naming::Conditions => texts.iter().flat_map(|text| words(text)).collect(),
            Naming::OtherConditions => Vec::new(),
        };
        let path = |name: &str| name.split(['/', '.']).map(str::to_owned).collect();
        named.into_iter().filter(|name| !name.is_empty()).map(path).collect()
    }
}

/// The fields of a condition: words before an operator, outside of quotes and brackets.
fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    // A value follows an operator.
    let mut is_value = false;
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.');
        let length = match c {
            '"' | '\'' => rest.get(1..).and_then(|tail| tail.find(c)).map_or(rest.len(), |end| end + 2),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '(' if is_value => rest.find(')').map_or(rest.len(), |end| end + 1),
            c if c.is_alphabetic() || c == '_' => rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()),
            c if c.is_ascii_digit() => {
                rest.find(|c: char| !is_word(c) && !matches!(c, '-' | ':')).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length.min(rest.len()));
        rest = tail;
        let lower = token.to_ascii_lowercase();
        match token {
            "=" | "<" | ">" | "!" => is_value = true,
            _ if matches!(lower.as_str(), "and" | "or") => is_value = false,
            _ if matches!(lower.as_str(), "like" | "contains" | "in" | "is" | "between") => is_value = true,
            _ if c.is_whitespace() || WORDS.contains(&lower.as_str()) => {}
            _ if (c.is_alphabetic() || c == '_') && !is_value => found.push(token),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Naming;

    #[test]
    fn options_name_fields() {
        for (naming, value, names) in [
            (Naming::Columns, json!("id, role/name"), "id role/name"),
            (Naming::Columns, json!(["id", "name"]), "id name"),
            (Naming::Order, json!("lastName asc,defaultLocation/name desc, -id"), "lastName defaultLocation/name id"),
            (
                Naming::Conditions,
                json!(r#"inactiveFlag=false and type/id in (1,2) or not (title like "and x=1*" )"#),
                "inactiveFlag type/id title",
            ),
            (
                Naming::Conditions,
                json!("hireDate > [2025-01-01T00:00:00Z] and a != null and b is not null"),
                "hireDate a b",
            ),
            (
                Naming::Conditions,
                json!(r#"identifier = "a" and (level='Owner' or objectId>=5)"#),
                "identifier level objectId",
            ),
            (Naming::Conditions, json!("summary contains name"), "summary"),
            (Naming::Terms, json!(["status:eq:ACTIVE", "id:in:1,2"]), "status id"),
            (Naming::Columns, json!(7), ""),
        ] {
            let found: Vec<String> = naming.names(&value).iter().map(|path| path.join("/")).collect();
            assert_eq!(found.join(" "), names, "{value}");
        }
    }
}
