//! Nested values as named texts: forms, and query parameters with brackets. Pure; keeps the digits of numbers.

use serde_json::value::RawValue;

use crate::definition::{FormLists, FormNested, FormStyle};
use crate::json_text::fields_of;

/// The pairs of a value under a name, in order. null is an empty text. An empty list has no pair. `Err` is the name of a list of which an element
/// contains the separator.
pub(crate) fn flatten(
    name: &str,
    json: &str,
    style: FormStyle,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let json = json.trim();
    if json.starts_with('{') && (name.is_empty() || style.nested != FormNested::Json) {
        for (key, raw) in fields_of(json).unwrap_or_default() {
            let inner = match (name, style.nested) {
                ("", _) => key,
                (name, FormNested::Dots) => format!("{name}.{key}"),
                (name, FormNested::Brackets | FormNested::Json) => format!("{name}[{key}]"),
            };
            flatten(&inner, raw.get(), style, pairs)?;
        }
        return Ok(());
    }
    if json.starts_with('[') && style.lists != FormLists::Json {
        let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
        if style.lists == FormLists::Comma {
            let texts: Vec<String> = list.iter().map(|raw| plain(raw.get())).collect();
            if texts.iter().any(|text| text.contains(',')) {
                return Err(name.to_owned());
            }
            pairs.push((name.to_owned(), texts.join(",")));
            return Ok(());
        }
        for (index, raw) in list.iter().enumerate() {
            let inner = match style.lists {
                FormLists::Indexes => format!("{name}[{index}]"),
                FormLists::Brackets => format!("{name}[]"),
                FormLists::Repeat | FormLists::Comma | FormLists::Json => name.to_owned(),
            };
            flatten(&inner, raw.get(), style, pairs)?;
        }
        return Ok(());
    }
    pairs.push((name.to_owned(), plain(json)));
    Ok(())
}

/// A text without its quotes, a number digit for digit, null as an empty text; JSON for a list or an object.
pub(crate) fn plain(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).unwrap_or_default(),
        Some(b'n') => String::new(),
        Some(_) | None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{FormLists, FormNested, FormStyle, flatten};

    #[test]
    fn nested_values_become_named_texts() {
        let json = r#"{"a": 1.10, "b": {"c": ["x", {"d": true}], "e": null}, "f": []}"#;
        let written = |lists, nested| {
            let mut pairs = Vec::new();
            flatten("", json, FormStyle { lists, nested }, &mut pairs).unwrap();
            pairs.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&")
        };
        use FormLists::{Brackets, Comma, Indexes, Json, Repeat};
        assert_eq!(written(Indexes, FormNested::Brackets), "a=1.10&b[c][0]=x&b[c][1][d]=true&b[e]=");
        assert_eq!(written(Brackets, FormNested::Dots), "a=1.10&b.c[]=x&b.c[].d=true&b.e=");
        assert_eq!(written(Repeat, FormNested::Dots), "a=1.10&b.c=x&b.c.d=true&b.e=");
        assert_eq!(written(Comma, FormNested::Dots), r#"a=1.10&b.c=x,{"d": true}&b.e=&f="#);
        assert_eq!(written(Json, FormNested::Dots), r#"a=1.10&b.c=["x", {"d": true}]&b.e=&f=[]"#);
        let comma = FormStyle { lists: Comma, nested: FormNested::Dots };
        assert_eq!(flatten("", r#"{"a": ["x,y"]}"#, comma, &mut Vec::new()), Err("a".to_owned()));
        assert_eq!(written(Indexes, FormNested::Json), r#"a=1.10&b={"c": ["x", {"d": true}], "e": null}"#);
    }
}
