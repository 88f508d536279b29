//! XML bodies: elements from fields, or a document with placeholders. Pure.
//!
//! The rule is the one by which XML replies become items: `@name` is an attribute, `#text` the text, a list repeats the
//! element.

use serde_json::value::RawValue;

use crate::authoring::{Text, TextPart};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_text::fields_of;
use crate::request::Inserted;
use crate::request::form::plain;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document from an object with one field, its root element.
pub(super) fn document(json: &str) -> Result<String> {
    let fields = fields_of(json).unwrap_or_default();
    let [(name, raw)] = fields.as_slice() else {
        let message = format!("an XML document has one root element, but the item has {} fields", fields.len());
        return Err(refused(message).advise("give an item with one field, or set `wrap: /NAME` in the definition"));
    };
    if raw.get().starts_with('[') {
        let message = format!("an XML document has one root element, but `{name}` is a list");
        return Err(refused(message));
    }
    let mut out = HEAD.to_owned();
    element(&mut out, name, raw.get())?;
    Ok(out)
}

fn element(out: &mut String, name: &str, json: &str) -> Result<()> {
    if !is_name(name) {
        return Err(refused(format!("`{}` cannot be the name of an XML element", name.escape_debug())));
    }
    if json.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
        if list.iter().any(|raw| raw.get().starts_with('[')) {
            return Err(refused(format!("`{name}` has a list within a list, which XML elements cannot show")));
        }
        return list.iter().try_for_each(|raw| element(out, name, raw.get()));
    }
    let fields = fields_of(json).unwrap_or_default();
    out.push('<');
    out.push_str(name);
    for (key, raw) in &fields {
        let Some(attribute) = key.strip_prefix('@') else { continue };
        if !is_name(attribute) || raw.get().starts_with(['{', '[']) {
            return Err(refused(format!("`{}` cannot be an XML attribute", key.escape_debug())));
        }
        out.push_str(&format!(" {attribute}=\"{}\"", escape(key, &plain(raw.get()), XmlSpot::Tag)?));
    }
    let mut inner = String::new();
    if json.starts_with('{') {
        children(&mut inner, &fields)?;
    } else {
        inner = escape(name, &plain(json), XmlSpot::Content)?;
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
            "#text" if raw.get().starts_with(['{', '[']) => {
                return Err(refused("`#text` is the text of an element, so it is a single value".to_owned()));
            }
            "#text" => out.push_str(&escape(key, &plain(raw.get()), XmlSpot::Content)?),
            name => element(out, name, raw.get())?,
        }
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidItems, message)
}

/// Where a placeholder stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum XmlSpot {
    /// In the content of an element.
    Content,
    /// In the value of an attribute.
    Tag,
}

/// The template with its placeholders replaced. An object becomes the elements of its fields; an absent value is empty.
/// A field of the item fills a placeholder that nothing else does.
pub(super) fn filled(parts: &Inserted<'_>, template: &Text) -> Result<String> {
    let mut out = String::new();
    let mut within = XmlSpot::Content;
    for part in template.parts() {
        let name = match part {
            TextPart::Literal(text) => {
                out.push_str(text);
                within = match (text.rfind('<'), text.rfind('>')) {
                    (None, None) => within,
                    (opened, closed) if opened > closed => XmlSpot::Tag,
                    (_, _) => XmlSpot::Content,
                };
                continue;
            }
            TextPart::Name(name) => name,
        };
        let own = parts.json(&Text::only(name))?;
        let field = || parts.input.item.and_then(|item| item.raw(std::slice::from_ref(name))).map(str::to_owned);
        let Some(json) = own.or_else(field) else { continue };
        inserted(&mut out, name, &json, within).map_err(|e| e.at(Place::field(format!("/{name}"))))?;
    }
    Ok(out)
}

/// One value of a template.
fn inserted(out: &mut String, name: &str, json: &str, within: XmlSpot) -> Result<()> {
    if json.starts_with('[') {
        return Err(refused(format!("`{name}` is a list, and a placeholder takes a text or an object"))
            .advise("put the list into an object that names its elements, such as {\"line\": [...]}"));
    }
    if !json.starts_with('{') {
        out.push_str(&escape(name, &plain(json), within)?);
        return Ok(());
    }
    let fields = fields_of(json).unwrap_or_default();
    if within == XmlSpot::Tag {
        return Err(refused(format!("`{name}` is an object, and an attribute takes a single value")));
    }
    if let Some((key, _)) = fields.iter().find(|(key, _)| key.starts_with('@')) {
        let message = format!("`{key}` of `{name}` is an attribute, but the template has the element around `{name}`");
        return Err(refused(message).advise("write the attribute with a placeholder in the template"));
    }
    children(out, &fields)
}

/// Line ends and tabs of attributes are written as references: parsers make spaces of them.
fn escape(name: &str, text: &str, within: XmlSpot) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' if within == XmlSpot::Tag => out.push_str("&#9;"),
            '\n' if within == XmlSpot::Tag => out.push_str("&#10;"),
            '\t' | '\n' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let message = format!("`{name}` contains the character U+{:04X}, which XML cannot have", u32::from(c));
                return Err(refused(message));
            }
            c => out.push(c),
        }
    }
    Ok(out)
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
        for bad in [
            r#"{"a": [[1]]}"#,
            r#"{"a": {"b": [[1], 2]}}"#,
            r#"{"a": "\u0001"}"#,
            r##"{"a": {"#text": [1]}}"##,
            r#"{"a": 1, "b": 2}"#,
            "{}",
            r#"{"a": [1]}"#,
            r#"{"a b": 1}"#,
            r#"{"a": {"@x": {}}}"#,
            r#"{"a><x": 1}"#,
        ] {
            assert!(document(bad).is_err(), "{bad}");
        }
    }
}
