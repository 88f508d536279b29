//! Converts credentials and their places to the checked model: what all kinds of sign-in have in common. Pure.

use super::auth_texts::AuthTexts;
use crate::authoring::{Text, is_cookie_name};
use crate::definition::file::{LoginPairFile, PlacedFile};
use crate::definition::placed::{LoginPair, PlacedText, RequestPlace};

pub(super) fn login_pair(t: &mut AuthTexts<'_, '_>, at: &str, file: &LoginPairFile) -> LoginPair {
    LoginPair {
        username: t.text(&format!("{at}/username"), &file.username),
        password: t.text(&format!("{at}/password"), &file.password),
    }
}

/// What a place of a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A key, whose value must be written.
    Key,
    Token,
    Signature,
}

impl Content {
    /// The placeholder that stands for it.
    fn name(self) -> Option<&'static str> {
        match self {
            Content::Key => None,
            Content::Token => Some("token"),
            Content::Signature => Some("signature"),
        }
    }
}

/// A value in exactly one place.
pub(super) fn placed(t: &mut AuthTexts<'_, '_>, at: &str, file: &PlacedFile, content: Content) -> Option<PlacedText> {
    let given = [("header", &file.header), ("query", &file.query), ("cookie", &file.cookie)];
    let mut places = given.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)));
    let place = match (places.next(), places.next()) {
        (Some((kind, name)), None) => place(t, &format!("{at}/{kind}"), kind, name),
        (None, _) => {
            t.c.fault(at, "no place is given: write `header`, `query` or `cookie` with a name", None);
            None
        }
        (Some(_), Some((second, _))) => {
            t.c.fault(&format!("{at}/{second}"), "only one place is possible: `header`, `query` or `cookie`", None);
            None
        }
    };
    let value = value(t, at, file.value.as_deref(), content, place.as_ref());
    Some(PlacedText { place: place?, value: value? })
}

pub(super) fn place(t: &mut AuthTexts<'_, '_>, at: &str, kind: &str, name: &str) -> Option<RequestPlace> {
    let named = |t: &mut AuthTexts<'_, '_>, what: &str, good: bool| {
        if !good {
            t.c.fault(at, format!("`{}` is not the name of a {what}", name.escape_debug()), None);
        }
        good.then(|| name.to_owned())
    };
    match kind {
        "header" => t.c.header(at, name).map(RequestPlace::Header),
        "query" => named(t, "query parameter", !name.is_empty()).map(RequestPlace::Query),
        _ => named(t, "cookie", is_cookie_name(name)).map(RequestPlace::Cookie),
    }
}

fn value(
    t: &mut AuthTexts<'_, '_>,
    at: &str,
    written: Option<&str>,
    content: Content,
    place: Option<&RequestPlace>,
) -> Option<Text> {
    let in_authorization = matches!(place, Some(RequestPlace::Header(name)) if *name == http::header::AUTHORIZATION);
    let text = match (written, content) {
        (Some(text), _) => text,
        (None, Content::Key) => {
            t.c.fault(at, "the key needs `value`, such as \"{key}\"", None);
            return None;
        }
        (None, Content::Token) if in_authorization => "Bearer {token}",
        (None, Content::Token) => "{token}",
        (None, Content::Signature) => "{signature}",
    };
    let at = format!("{at}/value");
    let text = match content.name() {
        Some(name) => t.text_with(&at, text, &[name]),
        None => t.text(&at, text),
    };
    if let Some(name) = content.name().filter(|name| !text.names().any(|n| n == *name)) {
        t.c.fault(&at, format!("the value does not contain {{{name}}}"), None);
    }
    Some(text)
}

/// How a token is sent; default: Authorization: Bearer.
pub(super) fn send(t: &mut AuthTexts<'_, '_>, at: &str, file: Option<&PlacedFile>) -> PlacedText {
    file.and_then(|file| placed(t, at, file, Content::Token)).unwrap_or_else(|| PlacedText {
        place: RequestPlace::Header(http::header::AUTHORIZATION),
        value: Text::parse("Bearer {token}").unwrap_or_default(),
    })
}
