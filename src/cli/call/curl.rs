//! Requests as curl command lines to paste. Secrets are shell variables, or stay masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::cli::connections::route::OpenConnection;
use crate::exchanges::{Signing, signing};
use crate::secret::MASK;

/// The variable for a token that opnode would get by itself.
const TOKEN: &str = "ACCESS_TOKEN";
/// The mask in an address.
const ENCODED_MASK: &str = "%5Bsecret%5D";

/// The command lines, and what to set before.
pub(crate) fn text(requests: &[http::Request<Bytes>], open: &OpenConnection) -> String {
    let mut variables: Vec<String> = open.variables.clone().unwrap_or_default();
    let mut lines = Vec::new();
    for request in requests {
        let line = CurlWords { open, variables: &mut variables }.of(request);
        lines.push(line);
    }
    let set: Vec<&str> = variables
        .iter()
        .filter(|v| lines.iter().any(|l| l.text.contains(&format!("${{{v}}}"))))
        .map(String::as_str)
        .collect();
    let mut head = if set.is_empty() { String::new() } else { format!("# set {}\n", set.join(", ")) };
    for line in &lines {
        let note = |name: &&&str| line.encoded.contains(&format!("${{{name}}}"));
        for name in set.iter().filter(note) {
            let note = format!("# {name} is part of an address or a form: set it percent-encoded\n");
            if !head.contains(&note) {
                head.push_str(&note);
            }
        }
    }
    if let Some(note) =
        by_hand(&signing(open.session.connection())).filter(|_| lines.iter().any(|l| l.text.contains(MASK)))
    {
        head.push_str(&format!("# {note}\n"));
    }
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    format!("{head}{}\n# nothing was sent\n", texts.join("\n\n"))
}

/// What a person has to fill in, where curl cannot sign in by itself.
fn by_hand(how: &Signing) -> Option<&'static str> {
    match how {
        Signing::Own => Some("curl does not compute this signature: replace each [secret] by its value"),
        Signing::Login => Some("replace each [secret] by what the sign-in request of this system returns"),
        Signing::InRequest | Signing::Digest(..) | Signing::AwsSigv4 { .. } => None,
    }
}

/// One command line.
struct CurlLine {
    text: String,
    /// Its parts in which values are percent-encoded.
    encoded: String,
}

struct CurlWords<'a> {
    open: &'a OpenConnection,
    variables: &'a mut Vec<String>,
}

impl CurlWords<'_> {
    fn of(&mut self, request: &http::Request<Bytes>) -> CurlLine {
        let verb = match request.method().as_str() {
            "GET" => String::new(),
            "HEAD" => " --head".to_owned(),
            verb => format!(" -X {verb}"),
        };
        let mut address = self.masked(&request.uri().to_string());
        if address.contains(ENCODED_MASK) {
            self.variables.push(TOKEN.to_owned());
            address = address.replace(ENCODED_MASK, &format!("${TOKEN}"));
        }
        let mut encoded = self.word(&address);
        let mut parts = vec![format!("curl{verb} {encoded}")];
        let (flags, replaced) = self.signing(request);
        for (name, value) in request.headers() {
            if replaced.contains(&name.as_str()) {
                continue;
            }
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
        parts.extend(flags);
        if !request.body().is_empty() {
            let body = self.word(&self.masked(&String::from_utf8_lossy(request.body())));
            let media = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
            if media.is_some_and(|media| media.starts_with(b"application/x-www-form-urlencoded")) {
                encoded.push_str(&body);
            }
            parts.push(format!("--data-raw {body}"));
        }
        CurlLine { text: parts.join(" \\\n  "), encoded }
    }

    /// The flags with which curl signs, and the headers that they replace.
    fn signing(&self, request: &http::Request<Bytes>) -> (Vec<String>, &'static [&'static str]) {
        let connection = self.open.session.connection();
        if !request.headers().contains_key(AUTHORIZATION) {
            return (Vec::new(), &[]);
        }
        let pair = |user: &str, password: &str| {
            format!("-u {}", self.word(&format!("{}:{}", self.masked(user), self.masked(password))))
        };
        match signing(connection) {
            Signing::Digest(user, password) => {
                (vec!["--digest".to_owned(), pair(&user, &password)], &["authorization"])
            }
            Signing::AwsSigv4 { scope, access_key, secret_key } => {
                let scope = self.word(&self.masked(&format!("aws:amz:{scope}")));
                let flags = vec![format!("--aws-sigv4 {scope}"), pair(&access_key, &secret_key)];
                (flags, &["authorization", "x-amz-date", "x-amz-content-sha256"])
            }
            Signing::InRequest | Signing::Own | Signing::Login => (Vec::new(), &[]),
        }
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
