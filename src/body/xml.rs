//! XML bodies: elements from fields, or a document with placeholders. Pure.
//!
//! The rule is the one by which XML replies become items: `@name` is an attribute, `#text` the text, a list repeats the
//! element.

use serde_json::value::RawValue;

use crate::authoring::{Text, TextPart};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Item;
use crate::json_text::fields_of;
use crate::request::Inserted;
use crate::request::form::plain;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document from an object with one field, its root element.
pub(super) fn document(json: &str) -> Result<String> {
    let fields = fields_of(json).unwrap_or_default();
    let [(name, raw)] = fields.as_slice() else {
        let message = format!("an XML document has one root element, but the item has {} fields", fields.len());
        return Err(Error::new(ErrorKind::InvalidItems, message)
            .advise("give an item with one field, or set `wrap: /NAME` in the definition"));
    };
    if raw.get().starts_with('[') {
        let message = format!("an XML document has one root element, but `{name}` is a list");
        return Err(Error::new(ErrorKind::InvalidItems, message));
    }
    let mut out = HEAD.to_owned();
    element(&mut out, name, raw.get())?;
    Ok(out)
}

fn element(out: &mut String, name: &str, json: &str) -> Result<()> {
    if !is_name(name) {
        let message = format!("`{}` cannot be the name of an XML element", name.escape_debug());
        return Err(Error::new(ErrorKind::InvalidItems, message));
    }
    if json.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
        return list.iter().try_for_each(|raw| element(out, name, raw.get()));
    }
    let fields = fields_of(json).unwrap_or_default();
    out.push('<');
    out.push_str(name);
    for (key, raw) in &fields {
        let Some(attribute) = key.strip_prefix('@') else { continue };
        if !is_name(attribute) || raw.get().starts_with(['{', '[']) {
            let message = format!("`{}` cannot be an XML attribute", key.escape_debug());
            return Err(Error::new(ErrorKind::InvalidItems, message));
        }
        out.push_str(&format!(" {attribute}=\"{}\"", escape(&plain(raw.get()))));
    }
    let mut inner = String::new();
    if json.starts_with('{') {
        children(&mut inner, &fields)?;
    } else {
        inner = escape(&plain(json));
    }
    if inner.is_empty() {
        out.push_str("/>");
    } else {
        out.push_str(&format!(">{inner}</{name}>"));
    }
    Ok(())
}

fn children(out: &mut String, fields: &[(String, &RawValue)]) -> Result<()> {
    for (key, raw) in fields.iter().filter(|(key, _)| !key.starts_with('@')) {
        match key.as_str() {
            "#text" => out.push_str(&escape(&plain(raw.get()))),
            name => element(out, name, raw.get())?,
        }
    }
    Ok(())
}

/// The template with its placeholders replaced. An object becomes the elements of its fields; an absent field is empty.
pub(super) fn filled(parts: &Inserted<'_>, template: &Text) -> Result<String> {
    let fields = parts.input.item.and_then(Item::fields).unwrap_or_default();
    let mut out = String::new();
    for part in template.parts() {
        let name = match part {
            TextPart::Literal(text) => {
                out.push_str(text);
                continue;
            }
            TextPart::Name(name) => name,
        };
        match fields.iter().find(|(own, _)| own == name).map(|(_, raw)| raw.get()) {
            Some(json) if json.starts_with('{') => children(&mut out, &fields_of(json).unwrap_or_default())?,
            Some(json) if json.starts_with('[') => {
                let message = format!("`{name}` is a list, and a placeholder takes a text or an object");
                return Err(Error::new(ErrorKind::InvalidItems, message)
                    .at(Place::field(format!("/{name}")))
                    .advise("put the list into an object that names its elements, such as {\"line\": [...]}"));
            }
            Some(json) => out.push_str(&escape(&plain(json))),
            None => {
                let text = Text::only(name);
                out.push_str(&parts.render(&text, escape)?.unwrap_or_default());
            }
        }
    }
    Ok(out)
}

/// Characters that XML 1.0 does not allow are left out; line ends stay as they are.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether a text is the name of an element or attribute, with an optional prefix.
fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    name.split(':').count() <= 2
        && name.split(':').all(|part| {
            part.chars().next().is_some_and(starts)
                && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}'))
        })
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn fields_become_elements() {
        let json = r##"{"Order": {"@id": 7, "Name": "A & <B>", "Line": [{"#text": "x", "@n": "1"}, "y"], "Empty": null, "e:Sub": {"Rate": 1.10}}}"##;
        let xml = document(json).unwrap();
        assert_eq!(
            xml.split_once('\n').unwrap().1,
            "<Order id=\"7\"><Name>A &amp; &lt;B&gt;</Name><Line n=\"1\">x</Line><Line>y</Line><Empty/><e:Sub><Rate>1.10</Rate></e:Sub></Order>"
        );
        for bad in
            [r#"{"a": 1, "b": 2}"#, "{}", r#"{"a": [1]}"#, r#"{"a b": 1}"#, r#"{"a": {"@x": {}}}"#, r#"{"a><x": 1}"#]
        {
            assert!(document(bad).is_err(), "{bad}");
        }
    }
}
