//! The differences between the expected requests of a step and those that it sent, whatever their order. Pure.

use serde_json::Value;

use crate::batch::ExpectedRequestPart;
use crate::cli::recording::difference;
use crate::cli::screen::json::pretty;

/// Requests that are shown of each kind; the others are counted.
const SHOWN_MAX: usize = 10;

/// The lines for a step: requests that are missing, that were not expected, and bodies that differ.
pub(super) fn request_lines(step: &str, expected: &[ExpectedRequestPart], sent: &[ExpectedRequestPart]) -> Vec<String> {
    let mut unexpected: Vec<&ExpectedRequestPart> = sent.iter().collect();
    let mut missing: Vec<&ExpectedRequestPart> = Vec::new();
    for request in expected {
        match unexpected.iter().position(|other| is_same(request, other)) {
            Some(at) => drop(unexpected.remove(at)),
            None => missing.push(request),
        }
    }
    if missing.is_empty() && unexpected.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("requests of {step}: expected {}, sent {}", expected.len(), sent.len())];
    let mut rest = Vec::new();
    for request in missing {
        match unexpected.iter().position(|other| line(other) == line(request)) {
            Some(at) => lines.extend(body_lines(request, unexpected.remove(at))),
            None => rest.push(request),
        }
    }
    lines.extend(signed('-', &rest));
    lines.extend(signed('+', &unexpected));
    lines
}

fn line(request: &ExpectedRequestPart) -> &str {
    match request {
        ExpectedRequestPart::Line(line) => line,
        ExpectedRequestPart::Whole(whole) => &whole.request,
    }
}

fn body(request: &ExpectedRequestPart) -> Option<&str> {
    match request {
        ExpectedRequestPart::Line(_) => None,
        ExpectedRequestPart::Whole(whole) => Some(&whole.body.0),
    }
}

/// Whether both are one request; the order of the fields of a body does not count.
fn is_same(a: &ExpectedRequestPart, b: &ExpectedRequestPart) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    let has_same_body = match (body(a), body(b)) {
        (Some(a), Some(b)) => a == b || (digits(a) == digits(b) && value(a) == value(b)),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    line(a) == line(b) && has_same_body
}

/// The characters of a text in order, so that `1.10` and `1.1` differ.
fn digits(text: &str) -> Vec<char> {
    let mut all: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    all.sort_unstable();
    all
}

fn body_lines(expected: &ExpectedRequestPart, sent: &ExpectedRequestPart) -> Vec<String> {
    let shown = |request| body(request).map(pretty).unwrap_or_default();
    let mut lines = vec![format!("    {}", line(expected))];
    lines.extend(difference(&shown(expected), &shown(sent)).lines().map(|line| format!("    {line}")));
    lines
}

fn signed(sign: char, requests: &[&ExpectedRequestPart]) -> Vec<String> {
    let mut lines = Vec::new();
    for request in requests.iter().take(SHOWN_MAX) {
        lines.push(format!("  {sign} {}", line(request)));
        let body = body(request).map(pretty).unwrap_or_default();
        lines.extend(body.lines().map(|line| format!("  {sign}   {line}")));
    }
    if requests.len() > SHOWN_MAX {
        lines.push(format!("  {sign} … {} more", requests.len() - SHOWN_MAX));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::request_lines;
    use crate::batch::{ExpectedRequest, ExpectedRequestPart};
    use crate::definition::Json;

    fn get(line: &str) -> ExpectedRequestPart {
        ExpectedRequestPart::Line(line.to_owned())
    }

    fn post(body: &str) -> ExpectedRequestPart {
        ExpectedRequestPart::Whole(ExpectedRequest { request: "POST /a".to_owned(), body: Json(body.to_owned()) })
    }

    #[test]
    fn the_order_does_not_count() {
        let (one, two) = ([get("GET /a"), post(r#"{"a":1,"b":2}"#)], [post(r#"{"b":2,"a":1}"#), get("GET /a")]);
        assert!(request_lines("x", &one, &two).is_empty());
        assert!(request_lines("x", &[get("GET /a"), get("GET /a")], &[get("GET /a")])[1] == "  - GET /a");
    }

    #[test]
    fn a_body_that_differs_is_compared_by_line() {
        let lines = request_lines("x", &[post(r#"{"a":1.10}"#)], &[post(r#"{"a":1.1}"#)]);
        assert_eq!(lines[0], "requests of x: expected 1, sent 1");
        assert_eq!(lines[1], "    POST /a");
        assert!(
            lines.iter().any(|line| line.contains("- ")) && lines.iter().any(|line| line.contains("+ ")),
            "{lines:?}"
        );
    }

    #[test]
    fn missing_and_unexpected_requests_are_listed() {
        let lines = request_lines("x", &[get("GET /a")], &[get("GET /b")]);
        assert_eq!(lines[1..], ["  - GET /a", "  + GET /b"]);
    }
}
