//! Checks an XML body with placeholders. Pure.

use crate::authoring::{Checker, Text, TextPart};

/// A document with placeholders. Placeholders are allowed in the content of elements and in the values of attributes.
pub(super) fn xml_template(c: &mut Checker<'_>, at: &str, xml: &str) -> Option<Text> {
    let text = c.text(at, xml)?;
    let mut before = String::new();
    let mut document = String::new();
    let mut misplaced = false;
    for part in text.parts() {
        match part {
            TextPart::Literal(literal) => [&mut before, &mut document].into_iter().for_each(|t| t.push_str(literal)),
            TextPart::Name(name) => {
                let is_open = |start: &str, end: &str| before.rfind(start) > before.rfind(end);
                let place = match () {
                    () if is_open("<!--", "-->") => Some("a comment"),
                    () if is_open("<![CDATA[", "]]>") => {
                        Some("a CDATA section: write it without CDATA, values are escaped")
                    }
                    () if is_open("<", ">") && before.split('<').next_back().is_some_and(outside_quotes) => {
                        Some("a tag: put it in the content of an element, or in quotes as the value of an attribute")
                    }
                    () => None,
                };
                if let Some(place) = place {
                    misplaced = true;
                    c.fault(at, format!("`{{{name}}}` cannot be used in {place}"), None);
                }
                document.push('x');
            }
        }
    }
    if !misplaced && let Err(why) = well_formed(&document) {
        c.fault(at, format!("this is not XML: {why}"), None);
    }
    Some(text)
}

/// Whether a tag that has begun is outside of the quotes of its attributes.
fn outside_quotes(tag: &str) -> bool {
    let mut quote = None;
    for c in tag.chars().filter(|c| matches!(c, '"' | '\'')) {
        quote = match quote {
            None => Some(c),
            Some(open) if open == c => None,
            open => open,
        };
    }
    quote.is_none()
}

/// Whether a document has one root element, and all its elements end.
#[cfg(feature = "xml")]
fn well_formed(document: &str) -> Result<(), String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::reader::Reader::from_str(document);
    let (mut depth, mut roots) = (0_u32, 0_u32);
    loop {
        let event = reader.read_event().map_err(|e| e.to_string())?;
        if let Event::Start(start) | Event::Empty(start) = &event {
            start.attributes().try_for_each(|found| found.map(|_| ()).map_err(|e| e.to_string()))?;
            roots += u32::from(depth == 0);
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) if depth == 0 && !text.trim_ascii().is_empty() => {
                return Err("there is text outside of the root element".to_owned());
            }
            Event::Eof if depth > 0 => return Err("it ends before its root element does".to_owned()),
            Event::Eof if roots != 1 => return Err(format!("it has {roots} root elements, and needs one")),
            Event::Eof => return Ok(()),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

/// A build without XML cannot read the document; the system will.
#[cfg(not(feature = "xml"))]
fn well_formed(_document: &str) -> Result<(), String> {
    Ok(())
}
