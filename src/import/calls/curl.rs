//! curl command lines: one call each. Pure.

use super::super::report::LeftOut;
use super::{SeenAuth, SeenBody, SeenCall, SeenCalls, SeenParameter};
use crate::draft::{Curl, is_secret_name, parse_curl};
use crate::error::Result;

/// Reads command lines that each begin with `curl`. `file` reads those that they name.
pub(crate) fn read(text: &str, file: &dyn Fn(&str) -> Result<String>) -> Result<SeenCalls> {
    let mut seen = SeenCalls { format: "curl", ..SeenCalls::default() };
    seen.notes.push(
        "command lines show no replies: each is returned as it comes; `opnode connector from-curl --save-as ID` reads one and drafts the rest"
            .to_owned(),
    );
    let commands = commands(text);
    if let [one] = commands.as_slice() {
        seen.add(parse_curl(one, file)?);
        return Ok(seen);
    }
    for command in &commands {
        match parse_curl(command, file) {
            Ok(curl) => seen.add(curl),
            Err(error) => {
                let first: String = command.lines().next().unwrap_or_default().chars().take(60).collect();
                let first = first.split(" -H").next().unwrap_or_default();
                seen.left_out.push(LeftOut::new(first, error.message.clone()));
            }
        }
    }
    Ok(seen)
}

/// The command lines: each begins on a line of its own. Other lines before, and comments, are none.
fn commands(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let word = line.trim_start().trim_start_matches("$ ");
        let is_start = !goes_on && ["curl ", "curl.exe ", "curl\t"].iter().any(|start| word.starts_with(start));
        if is_start {
            found.push(word.to_owned());
        } else if let Some(last) = found.last_mut() {
            last.push('\n');
            last.push_str(line);
        }
        goes_on = line.ends_with(['\\', '^', '`']);
    }
    if found.is_empty() { vec![text.to_owned()] } else { found }
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
            path: request.path,
            query: request
                .query
                .into_iter()
                .map(|(name, value)| SeenParameter { name, value: Some(value), description: None })
                .collect(),
            headers: request.headers.into_iter().filter(|(name, _)| !is_secret_name(name)).collect(),
            body,
            auth: SeenAuth::of(&curl.auth),
            ..SeenCall::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn each_command_begins_on_a_line() {
        let text = "# two\ncurl -s \\\n  curl.example/a\n\n$ curl https://a.example -d '{\n}'\n";
        let found = commands(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found.first().map(String::as_str), Some("curl -s \\\n  curl.example/a\n"));
    }
}
