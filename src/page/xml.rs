//! Turns XML into JSON text by a fixed rule, for the reader of JSON. Pure.
//!
//! An element is an object: attributes are `@name`, its text is `#text`, a child that is repeated is a list. An element
//! without attributes and children is its text. Prefixes stay, and declarations of namespaces are left out. Texts are
//! never changed to numbers. Only the five predefined entities and characters by number are expanded.

use indexmap::IndexMap;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::faults::{too_deep, too_long};
use super::model::PageLimits;
use super::{Around, Unfit};
use crate::error::{Error, ErrorKind};
use crate::json_text::{put_text, text_of};
use crate::reply::scan::JSON_DEPTH;

/// An element that is being read.
#[derive(Default)]
struct OpenElement {
    /// Its attributes as JSON fields.
    attributes: String,
    text: String,
    /// Whether the text is more than the white space between elements.
    has_text: bool,
    /// Its children by name: their JSON, joined by commas, and their number.
    children: IndexMap<String, (String, u32)>,
}

/// The document as a JSON object with its root element.
pub(super) fn to_json(text: &str, limits: PageLimits) -> Result<String, Unfit> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<OpenElement> = vec![OpenElement::default()];
    loop {
        let event = reader.read_event().map_err(|e| refused(text, reader.error_position(), &e.to_string()))?;
        let at = reader.buffer_position();
        let wrong = |why: &str| refused(text, at, why);
        match event {
            Event::Start(start) => {
                if open.len() >= JSON_DEPTH as usize {
                    return Err(Unfit::Unreadable(too_deep(), Around::default()));
                }
                open.push(OpenElement::begin(&start).map_err(|why| wrong(&why))?);
            }
            Event::Empty(start) => {
                let json = OpenElement::begin(&start).map_err(|why| wrong(&why))?.end();
                add(&mut open, start.name().0, &json);
            }
            Event::End(end) => {
                let json = open.pop().map(OpenElement::end).unwrap_or_default();
                add(&mut open, end.name().0, &json);
            }
            Event::Text(found) => blank_or_text(&mut open, &found.xml10_content()).map_err(wrong)?,
            Event::CData(found) => put(&mut open, &found.xml10_content()).map_err(wrong)?,
            Event::GeneralRef(name) => {
                let character = character(&name).map_err(|why| wrong(&why))?;
                put(&mut open, character.encode_utf8(&mut [0; 4])).map_err(wrong)?;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
        if open.len() == 1 && open.first().is_some_and(|root| root.children.values().map(|(_, n)| n).sum::<u32>() > 1) {
            return Err(wrong("it has a second root element"));
        }
    }
    let root = match (open.pop(), open.is_empty()) {
        (Some(root), true) if !root.children.is_empty() => root,
        _ => return Err(refused(text, text.len() as u64, "it ends before its root element does")),
    };
    let json = root.end();
    let max = limits.written();
    if json.len() > max { Err(Unfit::Shape(too_long(max))) } else { Ok(json) }
}

impl OpenElement {
    fn begin(start: &BytesStart<'_>) -> Result<OpenElement, String> {
        let mut element = OpenElement::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let name = attribute.key.0;
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
            if !element.attributes.is_empty() {
                element.attributes.push(',');
            }
            put_text(&mut element.attributes, &format!("@{name}"));
            element.attributes.push(':');
            put_text(&mut element.attributes, &value);
        }
        Ok(element)
    }

    /// The element as JSON.
    fn end(self) -> String {
        if self.attributes.is_empty() && self.children.is_empty() {
            return text_of(if self.has_text { &self.text } else { "" });
        }
        let mut out = format!("{{{}", self.attributes);
        let mut field = |name: &str, values: &str, is_list: bool| {
            if !out.ends_with('{') || out.len() > 1 {
                out.push(',');
            }
            put_text(&mut out, name);
            out.push(':');
            let (before, after) = if is_list { ("[", "]") } else { ("", "") };
            [before, values, after].iter().for_each(|part| out.push_str(part));
        };
        if self.has_text {
            field("#text", &text_of(&self.text), false);
        }
        self.children.iter().for_each(|(name, (values, count))| field(name, values, *count > 1));
        out.push('}');
        out
    }
}

/// Adds a child to the innermost open element.
fn add(open: &mut [OpenElement], name: &str, json: &str) {
    let Some(parent) = open.last_mut() else { return };
    match parent.children.get_mut(name) {
        Some((values, count)) => {
            values.push(',');
            values.push_str(json);
            *count += 1;
        }
        None => {
            parent.children.insert(name.to_owned(), (json.to_owned(), 1));
        }
    }
}

/// Adds text to the innermost open element; outside of the root there is none.
fn put(open: &mut [OpenElement], text: &str) -> Result<(), &'static str> {
    match open {
        [_, .., element] => {
            element.text.push_str(text);
            element.has_text = true;
            Ok(())
        }
        _ => Err("there is text outside of its root element"),
    }
}

/// Adds text that may be the white space between elements.
fn blank_or_text(open: &mut [OpenElement], text: &str) -> Result<(), &'static str> {
    match open {
        [_, .., element] if text.trim().is_empty() => {
            element.text.push_str(text);
            Ok(())
        }
        _ if text.trim().is_empty() => Ok(()),
        _ => put(open, text),
    }
}

fn character(name: &BytesRef<'_>) -> Result<char, String> {
    if let Some(character) = name.resolve_char_ref().map_err(|e| e.to_string())? {
        return Ok(character);
    }
    match &**name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        other => Err(format!("the entity `{other}` is not predefined, and declared entities are not expanded")),
    }
}

fn refused(text: &str, at: u64, why: &str) -> Unfit {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let error = Error::new(ErrorKind::BadResponse, format!("the reply is not XML: {why}, at byte {at}"));
    Unfit::Unreadable(error, Around::new(text, at))
}

#[cfg(test)]
mod tests {
    use super::super::{PageLimits, Unfit};

    fn read(text: &str) -> Result<String, String> {
        match super::to_json(text, PageLimits { items: 3, bytes: 1000 }) {
            Ok(json) => {
                serde_json::from_str::<serde_json::Value>(&json).unwrap();
                Ok(json)
            }
            Err(Unfit::Unreadable(error, _) | Unfit::Shape(error)) => Err(error.message.clone()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn elements_become_json_by_the_rule() {
        for (text, json) in [
            ("<a/>", r#"{"a":""}"#),
            ("<a></a>", r#"{"a":""}"#),
            ("<a>\n  </a>", r#"{"a":""}"#),
            ("\u{feff}<?xml version='1.0'?>\n<!-- c --><a> x </a>\n<!-- c --><?pi?>\n", r#"{"a":" x "}"#),
            ("<a>1.10</a>", r#"{"a":"1.10"}"#),
            ("<a b='1' c=\"&lt;&#65;&quot;\n\"/>", r#"{"a":{"@b":"1","@c":"<A\" "}}"#),
            ("<a b='1'>x</a>", r##"{"a":{"@b":"1","#text":"x"}}"##),
            ("<a><b>1</b></a>", r#"{"a":{"b":"1"}}"#),
            ("<a><b>1</b><c/><b x='2'/></a>", r#"{"a":{"b":["1",{"@x":"2"}],"c":""}}"#),
            ("<a>x<b>1</b> y</a>", r##"{"a":{"#text":"x y","b":"1"}}"##),
            ("<a>&lt; &gt;&amp;&apos;&quot;&#x20;&#10;</a>", "{\"a\":\"< >&'\\\" \\n\"}"),
            ("<a>&#32;</a>", r#"{"a":" "}"#),
            ("<a><![CDATA[ <b>&amp;]]]]><![CDATA[> ]]></a>", r#"{"a":" <b>&amp;]]> "}"#),
            ("<a><![CDATA[ ]]></a>", r#"{"a":" "}"#),
            (
                "<s:a xmlns:s='urn:s' xmlns='urn:d' s:id='7'><s:b>\u{1F600}é</s:b></s:a>",
                "{\"s:a\":{\"@s:id\":\"7\",\"s:b\":\"\u{1F600}é\"}}",
            ),
            ("<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a>1</a>", r#"{"a":"1"}"#),
            ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>1</a>", r#"{"a":"1"}"#),
            ("<a>x\r\ny\rz</a>", r#"{"a":"x\ny\nz"}"#),
        ] {
            assert_eq!(read(text).as_deref(), Ok(json), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let entity = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>";
        let bomb = "<!DOCTYPE a [<!ENTITY a 'xx'><!ENTITY b '&a;&a;'>]><a b='&b;'/>";
        let deep = "<a>".repeat(200);
        let long = format!("<a>{}</a>", "\u{1}".repeat(3000));
        for (text, said) in [
            ("", "before its root element"),
            ("<!-- c -->", "before its root element"),
            ("<a><b></b>", "before its root element"),
            ("<a><b></b", "not XML"),
            ("<a><b></a>", "not XML"),
            ("<a/><b/>", "second root element"),
            ("<a/><a/>", "second root element"),
            ("<a/>x", "text outside"),
            ("x<a/>", "text outside"),
            ("<a b='1' b='2'/>", "not XML"),
            ("<a b=1/>", "not XML"),
            ("<a>&nbsp;</a>", "the entity `nbsp` is not predefined"),
            ("<a>&</a>", "not XML"),
            ("<a>&#0;</a>", "not XML"),
            (entity, "the entity `e` is not predefined"),
            (bomb, "not XML"),
            (&deep, "json_depth"),
            (&long, "16 times page_bytes"),
        ] {
            assert!(read(text).is_err_and(|message| message.contains(said)), "{text:?}: {:?}", read(text));
        }
    }
}
