//! curl command lines: one call each. Pure.

use super::super::report::LeftOut;
use super::{SeenAuth, SeenBody, SeenCall, SeenCalls, SeenParameter};
use crate::draft::{Curl, is_secret_header, parse_curl};
use crate::error::Result;

/// Reads command lines that each begin with `curl`. `file` reads those that they name.
pub(crate) fn read(text: &str, file: &dyn Fn(&str) -> Result<String>) -> Result<SeenCalls> {
    let mut seen = SeenCalls { format: "curl", ..SeenCalls::default() };
    seen.notes.push(
        "command lines show no replies: each is returned as it comes; `opnode connector from-curl --save-as ID` reads one and drafts the rest"
            .to_owned(),
    );
    let commands = commands(text);
    if let [(_, one)] = commands.as_slice() {
        seen.add(parse_curl(one, file)?);
        return Ok(seen);
    }
    for (line, command) in &commands {
        match parse_curl(command, file) {
            Ok(curl) => seen.add(curl),
            Err(error) => seen.left_out.push(LeftOut::new(&format!("line {line}"), error.message.clone())),
        }
    }
    Ok(seen)
}

/// The command lines with the numbers of their lines: each begins on a line of its own. Other lines before, and comments, are none.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let word = line.trim_start().trim_start_matches("$ ");
        let is_start = !goes_on && ["curl ", "curl.exe ", "curl\t"].iter().any(|start| word.starts_with(start));
        if is_start {
            found.push((number + 1, word.to_owned()));
        } else if let Some((_, last)) = found.last_mut() {
            last.push('\n');
            last.push_str(line);
        }
        goes_on = line.ends_with(['\\', '^', '`']);
    }
    if found.is_empty() { vec![(1, text.to_owned())] } else { found }
}

impl SeenCalls {
    fn add(&mut self, curl: Curl) {
        if self.title.is_empty() {
            self.title = curl.host.clone();
        }
        for note in curl.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        let request = curl.request;
        let body = request.body.map(|body| {
            let kind = body.content_type.split(';').next().unwrap_or_default().trim().to_owned();
            match kind.as_str() {
                "application/x-www-form-urlencoded" => {
                    let fields = url::form_urlencoded::parse(body.text.as_bytes());
                    let fields = fields.map(|(name, value)| (name.into_owned(), Some(value.into_owned()))).collect();
                    SeenBody::Form(fields, "application/x-www-form-urlencoded")
                }
                _ => match serde_json::from_str(&body.text).ok().filter(|_| super::super::reply::is_json(&kind)) {
                    Some(value) => SeenBody::Json(value),
                    None => SeenBody::Other(kind),
                },
            }
        });
        self.calls.push(SeenCall {
            verb: request.verb.as_str().to_owned(),
            base: curl.base_url,
            path: template(&request.path),
            query: request
                .query
                .into_iter()
                .map(|(name, value)| SeenParameter { name, value: Some(value), description: None })
                .collect(),
            headers: request.headers.into_iter().filter(|(name, _)| !is_secret_header(name)).collect(),
            body,
            auth: SeenAuth::of(&curl.auth),
            ..SeenCall::default()
        });
    }
}

/// A path in which `$NAME`, `{name}`, `<name>` and `:name` are parameters.
fn template(path: &str) -> String {
    let decoded = path.replace("%7B", "{").replace("%7D", "}").replace("%3C", "<").replace("%3E", ">");
    let segment = |segment: &str| {
        let name = segment
            .strip_prefix('$')
            .map(|name| name.trim_start_matches('{').trim_end_matches('}'))
            .or_else(|| segment.strip_prefix('<')?.strip_suffix('>'))
            .or_else(|| segment.strip_prefix(':'));
        match name.filter(|name| !name.is_empty()) {
            Some(name) => format!("{{{name}}}"),
            None => segment.to_owned(),
        }
    };
    decoded.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn each_command_begins_on_a_line() {
        let text = "# two\ncurl -s \\\n  curl.example/a\n\n$ curl https://a.example -d '{\n}'\n";
        let found = commands(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(
            found.first().map(|(line, text)| (*line, text.as_str())),
            Some((2, "curl -s \\\n  curl.example/a\n"))
        );
    }
}
