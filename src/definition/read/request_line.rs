//! Verb and path of a request line. Pure.

use http::Method as Verb;

use crate::authoring::{Checker, Text};

/// Verb and path of a request line.
pub(super) fn request_line(c: &mut Checker<'_>, at: &str, line: &str) -> Option<(Verb, Text)> {
    let advice = Some("write a verb and a path, such as `GET /things/{id}`".into());
    let Some((verb, path)) = line.split_once(' ') else {
        c.fault(at, format!("`{line}` is not a request line"), advice);
        return None;
    };
    let verbs = [Verb::GET, Verb::HEAD, Verb::POST, Verb::PUT, Verb::PATCH, Verb::DELETE];
    let Some(verb) = verbs.iter().find(|v| v.as_str() == verb) else {
        c.fault(at, format!("`{verb}` is not a supported verb: GET, HEAD, POST, PUT, PATCH, DELETE"), None);
        return None;
    };
    let path = path.trim();
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.split('/').any(|s| s == "." || s == "..") {
        c.fault(at, format!("`{path}` is not a path"), advice);
        return None;
    }
    Some((verb.clone(), c.text(at, path)?))
}
