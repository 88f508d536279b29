//! Verb and path of a request line. Pure.

use http::Method as Verb;

use crate::authoring::{Checker, Text};
use crate::error::Advice;

/// A fault of a request line: its message and advice.
type LineFault = (String, Option<Advice>);

/// Verb and path of a request line.
pub(super) fn request_line(c: &mut Checker<'_>, at: &str, line: &str) -> Option<(Verb, Text)> {
    match split(line) {
        Ok((verb, path)) => Some((verb, c.text(at, path)?)),
        Err((message, advice)) => {
            c.fault(at, message, advice);
            None
        }
    }
}

/// A valid request line as listings show it.
pub(in crate::definition) fn shown_request_line(line: &str) -> Option<String> {
    let (verb, path) = split(line).ok()?;
    Some(format!("{verb} {}", Text::parse(path).ok()?))
}

/// Verb and path of a valid request line.
#[cfg(feature = "sandbox")]
pub(in crate::definition) fn read_request_line(line: &str) -> Option<(Verb, Text)> {
    let (verb, path) = split(line).ok()?;
    Some((verb, Text::parse(path).ok()?))
}

fn split(line: &str) -> Result<(Verb, &str), LineFault> {
    let advice = Some("write a verb and a path, such as `GET /things/{id}`".into());
    let Some((verb, path)) = line.split_once(' ') else {
        return Err((format!("`{line}` is not a request line"), advice));
    };
    let verbs = [Verb::GET, Verb::HEAD, Verb::POST, Verb::PUT, Verb::PATCH, Verb::DELETE];
    let Some(verb) = verbs.into_iter().find(|v| v.as_str() == verb) else {
        return Err((format!("`{verb}` is not a supported verb: GET, HEAD, POST, PUT, PATCH, DELETE"), None));
    };
    let path = path.trim();
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.split('/').any(|s| s == "." || s == "..") {
        return Err((format!("`{path}` is not a path"), advice));
    }
    Ok((verb, path))
}
