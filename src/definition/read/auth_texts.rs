//! Texts of a sign-in: their placeholders are properties of the connection, and names that the sign-in itself gives. Pure.

use http::HeaderName;

use crate::authoring::{Checker, Json, Ordered, Text};
use crate::definition::connector::Property;
use crate::definition::json_text::JsonText;
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// Reads the texts of a sign-in. An invalid text is reported and becomes an empty one.
pub(super) struct AuthTexts<'a, 'd> {
    pub(super) c: &'a mut Checker<'d>,
    properties: &'a [Property],
}

impl<'a, 'd> AuthTexts<'a, 'd> {
    pub(super) fn new(c: &'a mut Checker<'d>, properties: &'a [Property]) -> AuthTexts<'a, 'd> {
        AuthTexts { c, properties }
    }

    /// Whether a property is secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.properties.iter().any(|p| p.name == name && p.secret)
    }

    pub(super) fn text(&mut self, at: &str, text: &str) -> Text {
        self.text_with(at, text, &[])
    }

    /// A text that may also contain these names.
    pub(super) fn text_with(&mut self, at: &str, text: &str, own: &[&str]) -> Text {
        let text = self.c.text(at, text).unwrap_or_default();
        self.check(at, &text, own);
        text
    }

    pub(super) fn optional(&mut self, at: &str, text: Option<&String>) -> Option<Text> {
        text.map(|text| self.text(at, text))
    }

    pub(super) fn map(&mut self, at: &str, file: Ordered<String>) -> Vec<(String, Text)> {
        file.into_iter()
            .map(|(name, text)| {
                let text = self.text(&format!("{at}/{}", escape(&name)), &text);
                (name, text)
            })
            .collect()
    }

    pub(super) fn headers_with(&mut self, at: &str, file: Ordered<String>, own: &[&str]) -> Vec<(HeaderName, Text)> {
        let written: Vec<String> = file.keys().cloned().collect();
        let headers = self.c.headers(at, file);
        for (name, text) in &headers {
            let written = written.iter().find(|w| w.eq_ignore_ascii_case(name.as_str()));
            self.check(&format!("{at}/{}", escape(written.map_or(name.as_str(), String::as_str))), text, own);
        }
        headers
    }

    pub(super) fn json(&mut self, at: &str, json: &Json) -> Option<JsonText> {
        match JsonText::parse(json.to_value(), at) {
            Ok(parsed) => {
                parsed.texts().into_iter().for_each(|text| self.check(at, text, &[]));
                Some(parsed)
            }
            Err((place, why)) => {
                self.c.fault(&place, why, None);
                None
            }
        }
    }

    /// Reports placeholders that are neither properties nor among `own`.
    pub(super) fn check(&mut self, at: &str, text: &Text, own: &[&str]) {
        for name in text.names().filter(|name| !own.contains(name)) {
            if !self.properties.iter().any(|p| p.name == name) {
                let known = self.properties.iter().map(|p| p.name.as_str()).chain(own.iter().copied());
                let hint = did_you_mean(name, known);
                self.c.fault(at, format!("`{{{name}}}` is not a property of the connection{hint}"), None);
            }
        }
    }
}
