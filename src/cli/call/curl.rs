//! Requests as curl command lines to paste. Secrets are shell variables, or stay masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;

use crate::cli::connections::route::OpenConnection;
use crate::secret::MASK;

/// The variable for a token that opnode would get by itself.
const TOKEN: &str = "ACCESS_TOKEN";

/// The command lines, and what to set before.
pub(crate) fn text(requests: &[http::Request<Bytes>], open: &OpenConnection) -> String {
    let mut variables: Vec<String> = open.variables.clone().unwrap_or_default();
    let mut lines = Vec::new();
    for request in requests {
        let line = CurlLine { open, variables: &mut variables }.of(request);
        lines.push(line);
    }
    let set: Vec<&str> = variables
        .iter()
        .filter(|v| lines.iter().any(|l| l.contains(&format!("${{{v}}}"))))
        .map(String::as_str)
        .collect();
    let head = if set.is_empty() { String::new() } else { format!("# set {}\n", set.join(", ")) };
    format!("{head}{}\n# nothing was sent\n", lines.join("\n\n"))
}

struct CurlLine<'a> {
    open: &'a OpenConnection,
    variables: &'a mut Vec<String>,
}

impl CurlLine<'_> {
    fn of(&mut self, request: &http::Request<Bytes>) -> String {
        let verb = match request.method().as_str() {
            "GET" => String::new(),
            "HEAD" => " --head".to_owned(),
            verb => format!(" -X {verb}"),
        };
        let mut parts = vec![format!("curl{verb} {}", self.word(&self.masked(&request.uri().to_string())))];
        for (name, value) in request.headers() {
            let text = String::from_utf8_lossy(value.as_bytes());
            let basic =
                text.strip_prefix("Basic ").and_then(|code| String::from_utf8(STANDARD.decode(code).ok()?).ok());
            let value = match basic.filter(|pair| name == AUTHORIZATION && self.has_variable(pair)) {
                Some(pair) => {
                    parts.push(format!("-u {}", self.word(&pair)));
                    continue;
                }
                None if name == AUTHORIZATION && text.contains(MASK) => {
                    self.variables.push(TOKEN.to_owned());
                    text.replace(MASK, &format!("${TOKEN}"))
                }
                None if value.is_sensitive() && !self.has_variable(&text) => MASK.to_owned(),
                None => self.masked(&text),
            };
            parts.push(format!("-H {}", self.word(&format!("{name}: {value}"))));
        }
        if !request.body().is_empty() {
            let body = String::from_utf8_lossy(request.body());
            parts.push(format!("--data-raw {}", self.word(&self.masked(&body))));
        }
        parts.join(" \\\n  ")
    }

    fn has_variable(&self, text: &str) -> bool {
        self.variables.iter().any(|name| text.contains(&format!("${name}")))
    }

    /// Values that stand for secrets stay; others are masked.
    fn masked(&self, text: &str) -> String {
        match self.open.variables {
            Some(_) => text.to_owned(),
            None => self.open.session.connection().redactor.mask(text).into_owned(),
        }
    }

    /// A word of a shell: in single quotes, or in double ones if it has a variable.
    fn word(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in self.variables.iter() {
            text = text.replace(&format!("%24{name}"), &format!("${name}"));
        }
        if !self.has_variable(&text) {
            return format!("'{}'", text.replace('\'', "'\\''"));
        }
        let mut out = String::from("\"");
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let variable =
                self.variables.iter().find(|name| rest.strip_prefix('$').is_some_and(|r| r.starts_with(name.as_str())));
            let length = match variable {
                Some(name) => {
                    out.push_str(&format!("${{{name}}}"));
                    name.len() + 1
                }
                None => {
                    if matches!(c, '"' | '\\' | '`' | '$') {
                        out.push('\\');
                    }
                    out.push(c);
                    c.len_utf8()
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        out + "\""
    }
}
