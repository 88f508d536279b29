//! The values that placeholders of a request's texts stand for: options, values of the paging, properties of the
//! connection, fields of the item. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::cursor::Cursor;
use super::style::as_text;
use crate::authoring::{Target, Text, TextPart};
use crate::connection::Connection;
use crate::definition::{Location, Operation, OptionRule, Property, Quote};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Item;
use crate::json_pointer::escape;
use crate::json_text::value_of;
use crate::options::{Given, Options};

/// The parts of one request.
#[derive(Clone, Copy)]
pub(crate) struct RequestInput<'a> {
    pub(crate) options: &'a Options,
    pub(crate) item: Option<Item<'a>>,
    pub(crate) page_size: Option<u32>,
}

/// Everything that one request is built from.
#[derive(Clone, Copy)]
pub(crate) struct Inserted<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) operation: &'a Operation,
    pub(crate) input: RequestInput<'a>,
    pub(crate) cursor: &'a Cursor,
}

impl<'a> Inserted<'a> {
    /// A text with its placeholders replaced; `None` if it is left out, because a value is absent.
    pub(crate) fn render(&self, text: &Text, escape: impl Fn(&str) -> String) -> Result<Option<String>> {
        let mut out = String::new();
        for part in text.parts() {
            match part {
                TextPart::Literal(literal) => out.push_str(literal),
                TextPart::Name(name) => match self.text(name)? {
                    Some(value) => out.push_str(&escape(&value)),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(out))
    }

    fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>> {
        if let Some(text) = self.of_paging(name) {
            return Ok(Some(text));
        }
        if let Some(rule) = self.operation.option(name).filter(|o| o.location == Location::Text) {
            let text = self.with_value(rule, |given| as_text(rule, given))?.transpose()?;
            return text.map(|text| quoted(rule, text).map(Cow::Owned)).transpose();
        }
        Ok(self.connection.value(name))
    }

    /// The value of a text's only placeholder as JSON, with its type; `None` if it has none.
    pub(crate) fn json(&self, text: &Text) -> Result<Option<String>> {
        let Some(name) = text.only_name() else { return Ok(None) };
        let is_paging = self.of_paging(name).is_some();
        let plain = |o: &&OptionRule| o.location == Location::Text && o.quote.is_none() && !is_paging;
        if let Some(rule) = self.operation.option(name).filter(plain) {
            return self.with_value(rule, |given| given.json().into_owned());
        }
        let text = self.render(text, str::to_owned)?;
        let is_plain = self.connection.connector.property(name).is_some_and(Property::is_number_or_flag);
        Ok(text.map(|text| if is_plain { text } else { Value::from(text).to_string() }))
    }

    /// A value of the paging that is inserted under this name.
    pub(crate) fn of_paging(&self, name: &str) -> Option<Cow<'a, str>> {
        let sent = self.cursor.texts.iter().find(|(own, _)| own == name).map(|(_, text)| Cow::Borrowed(text.as_str()));
        let size = self.operation.paging.size.as_ref().zip(self.input.page_size);
        let size = size.filter(|(size, _)| matches!(&size.at, Target::Text(own) | Target::Path(own) if own == name));
        sent.or_else(|| size.map(|(_, n)| Cow::Owned(n.to_string())))
    }

    /// Calls `read` with the value of an option: the caller's, or the item's field where it may fill the option; null
    /// is no value.
    pub(crate) fn with_value<T>(&self, rule: &OptionRule, read: impl FnOnce(Given<'_>) -> T) -> Result<Option<T>> {
        if let Some(given) = self.input.options.get(&rule.name) {
            return Ok((!given.value().is_null()).then(|| read(given)));
        }
        if !self.operation.item_may_fill(rule) {
            return Ok(None);
        }
        let Some(raw) = self.input.item.and_then(|item| field(item, &rule.name)) else { return Ok(None) };
        let value = value_of(raw).unwrap_or_else(|_| Value::from(raw));
        Ok((!value.is_null()).then(|| read(Given::new(&value, Some(raw)))))
    }
}

/// The raw value of an item's field.
pub(super) fn field<'i>(item: Item<'i>, name: &str) -> Option<&'i str> {
    item.fields()?.into_iter().find(|(own, _)| own == name).map(|(_, raw)| raw.get())
}

/// A text value in quotes, if the option asks for it.
fn quoted(rule: &OptionRule, text: String) -> Result<String> {
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
        let message = format!("`{}` contains a control character", rule.name);
        return Err(Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!("/{}", escape(&rule.name)))));
    }
    Ok(match rule.quote {
        None => text,
        Some(Quote::Double) => format!("'{}'", text.replace('\'', "''")),
        Some(Quote::Backslash) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    })
}
