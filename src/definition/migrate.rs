//! Rewrites definition files of version 1 as version 2. Comments and layout stay: the text is changed at its places, and
//! the result is compared with the file's content. Pure.

use serde_json::{Map, Value, json};

use crate::authoring::{Document, Format};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;

/// A key of version 1.
pub(super) struct OldKey {
    /// JSON Pointer of its map.
    pub(super) parent: String,
    pub(super) key: &'static str,
    /// What version 2 writes.
    pub(super) instead: &'static str,
}

/// Keys of version 1 in a connector or operations file.
pub(super) fn old_keys(format: Format, file: &Value) -> Vec<OldKey> {
    let mut found = Vec::new();
    match format {
        Format::Connector => {
            old(file, "", "headers", "fixed: { header }", &mut found);
            if file.pointer("/auth/bearer/token").is_some() {
                found.push(OldKey { parent: "/auth/bearer".into(), key: "token", instead: "bearer: TEXT" });
            }
            for key in MOVED {
                old(file, "/errors", key, "rules", &mut found);
            }
            paging(file, "/paging", &mut found);
            paging(file, "/forward_only", &mut found);
        }
        Format::Operations => {
            for name in file.get("operations").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                let at = format!("/operations/{}", escape(name));
                old(file, &at, "headers", "fixed: { header }", &mut found);
                old(file, &format!("{at}/items"), "drop_path_fields", "drop_sent", &mut found);
                paging(file, &format!("{at}/paging"), &mut found);
            }
        }
        Format::Templates
        | Format::Connections
        | Format::Sandbox
        | Format::Overrides
        | Format::Batch
        | Format::BatchTest => {}
    }
    found
}

fn old(file: &Value, parent: &str, key: &'static str, instead: &'static str, found: &mut Vec<OldKey>) {
    if file.pointer(parent).is_some_and(|map| map.get(key).is_some()) {
        found.push(OldKey { parent: parent.to_owned(), key, instead });
    }
}

/// `more` in a paging, in its style or the end of its style.
fn paging(file: &Value, at: &str, found: &mut Vec<OldKey>) {
    old(file, at, "more", "has_more", found);
    for style in file.pointer(at).and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        for parent in [format!("{at}/{style}"), format!("{at}/{style}/end")] {
            old(file, &parent, "more", "has_more", found);
        }
    }
}

/// A file as version 2; `None` if it has no earlier version.
///
/// # Errors
/// `definition` when the text is not YAML, or is laid out so that it cannot be changed in place: the places of the old
/// keys.
pub fn migrate(file: &str, text: &str) -> Result<Option<String>> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    // Lines are edited with one kind of end, and get theirs back.
    let has_returns = text.contains("\r\n") && text.matches("\r\n").count() == text.matches('\n').count();
    let after = if has_returns { edited(file, &text.replace("\r\n", "\n"))? } else { edited(file, text)? };
    Ok(after.map(|after| format!("{mark}{}", if has_returns { after.replace('\n', "\r\n") } else { after })))
}

fn edited(file: &str, text: &str) -> Result<Option<String>> {
    let format = Format::of(file, text)?;
    let doc = Document::parse(file, text, 0)?;
    let before = doc.to_value();
    if format.version() < 2 || before.get("version").and_then(Value::as_u64) != Some(1) {
        return Ok(None);
    }
    let keys = old_keys(format, &before);
    let mut edits = Edits { text, doc: &doc, changes: Vec::new() };
    edits.version();
    keys.iter().for_each(|key| edits.key(key));
    edits.rules(&before);
    let after = edits.applied();
    let expected = upgraded(before, &keys);
    let found = after.as_ref().and_then(|text| Some(Document::parse(file, text, 0).ok()?.to_value()));
    if found.as_ref() == Some(&expected) {
        return Ok(after);
    }
    let fault = |key: &OldKey| crate::error::Fault {
        place: doc.place_of_key(&key.parent, key.key),
        message: format!("`{}` is of version 1; version 2 writes `{}`", key.key, key.instead),
        advice: None,
    };
    let faults: Vec<_> = keys.iter().map(fault).collect();
    let what = "the layout of this file cannot be changed automatically; change these keys and write `version: 2`";
    Err(match faults.is_empty() {
        true => Error::new(ErrorKind::Definition, what).at(Place { file: Some(file.to_owned()), ..Place::default() }),
        false => Error::from_faults(ErrorKind::Definition, what, faults),
    })
}

/// The content of a file as version 2.
fn upgraded(mut file: Value, keys: &[OldKey]) -> Value {
    let rules = rules(&file);
    if let Some(map) = file.as_object_mut() {
        map.insert("version".into(), 2.into());
    }
    for OldKey { parent, key, .. } in keys {
        let Some(map) = file.pointer_mut(parent).and_then(Value::as_object_mut) else { continue };
        let Some(value) = map.remove(*key) else { continue };
        match *key {
            "headers" => drop(map.insert("fixed".into(), json!({ "header": value }))),
            "drop_path_fields" => drop(map.insert("drop_sent".into(), value)),
            "more" => drop(map.insert("has_more".into(), value)),
            "token" => {
                if let Some(auth) = file.get_mut("auth").and_then(Value::as_object_mut) {
                    auth.insert("bearer".into(), value);
                }
            }
            // They are among the rules.
            _ => {}
        }
    }
    if let (Some(map), false) = (file.as_object_mut(), rules.is_empty()) {
        if map.get("errors").is_some_and(|errors| errors.as_object().is_some_and(Map::is_empty)) {
            map.remove("errors");
        }
        map.insert("rules".into(), rules.into_iter().map(|(_, rule)| rule).collect());
    }
    file
}

/// The rules that version 1 wrote under `errors`, as text and as a value.
fn rules(file: &Value) -> Vec<(String, Value)> {
    let errors = file.get("errors");
    let list = |key: &str| errors.and_then(|e| e.get(key)).and_then(Value::as_array).filter(|list| !list.is_empty());
    let texts = |list: &[Value]| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let retry = list("refused").map(|statuses| {
        let shown: Vec<String> = statuses.iter().map(Value::to_string).collect();
        let text = format!("{{ when: {{ status: [{}] }}, then: retry }}", shown.join(", "));
        (text, json!({"when": {"status": statuses}, "then": "retry"}))
    });
    let failed = list("in_success").map(|pointers| {
        let text = format!("{{ when: {{ status: 2xx, has: [{}] }}, then: failed }}", texts(pointers));
        (text, json!({"when": {"status": "2xx", "has": pointers}, "then": "failed"}))
    });
    retry.into_iter().chain(failed).collect()
}

/// Keys of `errors` that are rules in version 2, in the order of the rules.
const MOVED: [&str; 2] = ["refused", "in_success"];

/// Changes of a text, by byte ranges.
struct Edits<'d> {
    text: &'d str,
    doc: &'d Document,
    changes: Vec<(std::ops::Range<usize>, String)>,
}

impl Edits<'_> {
    fn change(&mut self, range: std::ops::Range<usize>, text: impl Into<String>) {
        self.changes.push((range, text.into()));
    }

    /// The text with all changes; `None` if they overlap.
    fn applied(mut self) -> Option<String> {
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::new();
        let mut at = 0;
        for (range, text) in &self.changes {
            out.push_str(self.text.get(at..range.start)?);
            out.push_str(text);
            at = range.end;
        }
        out.push_str(self.text.get(at..)?);
        Some(out)
    }

    fn version(&mut self) {
        let place = self.doc.place("/version");
        if let Some(at) = self.offset(&place).filter(|at| self.text.get(*at..).is_some_and(|t| t.starts_with('1'))) {
            self.change(at..at + 1, "2");
        }
    }

    /// The byte offset of a place.
    fn offset(&self, place: &Place) -> Option<usize> {
        let (line, column) = (usize::try_from(place.line?).ok()?, usize::try_from(place.column?).ok()?);
        let start: usize = self.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let rest = self.text.get(start..)?;
        Some(start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(i, _)| i))
    }

    /// The offset of a key, and the range of its value.
    fn entry(&self, parent: &str, key: &str) -> Option<(usize, std::ops::Range<usize>)> {
        let at = self.offset(&self.doc.place_of_key(parent, key))?;
        let colon = at + self.text.get(at..)?.find(':')? + 1;
        let value = self.offset(&self.doc.place(&format!("{parent}/{}", escape(key))))?;
        let is_block = self.text.get(colon..value)?.contains('\n');
        let end = if is_block { self.block_end(at)? } else { flow_end(self.text, value)? };
        Some((at, value..end))
    }

    /// Where the lines below a key end: at the next line that is not deeper.
    fn block_end(&self, key: usize) -> Option<usize> {
        let start = self.text.get(..key)?.rfind('\n').map_or(0, |i| i + 1);
        let own = key - start;
        let mut at = self.text.get(key..)?.find('\n').map(|i| key + i + 1)?;
        let mut end = at;
        while at < self.text.len() {
            let line = self.text.get(at..)?.split_inclusive('\n').next()?;
            let is_blank = line.trim().is_empty();
            let indent = line.len() - line.trim_start_matches(' ').len();
            if !is_blank && indent <= own {
                break;
            }
            at += line.len();
            if !is_blank {
                end = at;
            }
        }
        Some(end)
    }

    fn key(&mut self, old: &OldKey) {
        let Some((at, value)) = self.entry(&old.parent, old.key) else { return };
        let after = at + old.key.len();
        match old.key {
            "drop_path_fields" => self.change(at..after, "drop_sent"),
            "more" => self.change(at..after, "has_more"),
            "headers" => self.headers(at, value),
            "token" => self.bearer(value),
            // `rules` writes them.
            _ => {}
        }
    }

    /// `headers: …` as `fixed: { header: … }`, on one line or as a block.
    fn headers(&mut self, at: usize, value: std::ops::Range<usize>) {
        let after = at + "headers".len();
        let is_block = self.text.get(after..value.start).is_some_and(|between| between.contains('\n'));
        if !is_block {
            self.change(at..after, "fixed: { header");
            return self.change(value.end..value.end, " }");
        }
        let start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
        let indent = " ".repeat(at - start);
        self.change(at..after, format!("fixed:\n{indent}  header"));
        let first = self.text.get(after..).and_then(|rest| rest.find('\n')).map_or(value.end, |i| after + i + 1);
        let mut line = first;
        while line < value.end {
            let length = self.text.get(line..).and_then(|rest| rest.split_inclusive('\n').next()).map_or(0, str::len);
            if length > 1 {
                self.change(line..line, "  ");
            }
            line += length.max(1);
        }
    }

    /// `bearer: { token: … }` as `bearer: …`.
    fn bearer(&mut self, token: std::ops::Range<usize>) {
        let Some((_, whole)) = self.entry("/auth", "bearer") else { return };
        let Some(text) = self.text.get(token).map(|text| text.trim().to_owned()) else { return };
        let key = self.offset(&self.doc.place_of_key("/auth", "bearer"));
        let Some(colon) = key.and_then(|key| Some(key + self.text.get(key..)?.find(':')? + 1)) else { return };
        let newline = if self.text.get(whole.clone()).is_some_and(|t| t.ends_with('\n')) { "\n" } else { "" };
        self.change(colon..whole.end, format!(" {text}{newline}"));
    }

    /// The keys under `errors` that are rules now.
    fn rules(&mut self, before: &Value) {
        let rules = rules(before);
        if rules.is_empty() {
            return;
        }
        let Some((errors, whole)) = self.entry("", "errors") else { return };
        let own = before.get("errors").and_then(Value::as_object).map_or(0, Map::len);
        let comments = MOVED.map(|key| self.comment_of_line(key));
        let comments = comments.iter().flatten();
        let lines: String = rules.iter().zip(comments).map(|((text, _), end)| format!("  - {text}{end}\n")).collect();
        let block = format!("rules:\n{lines}");
        if own == rules.len() {
            let ends_line = self.text.get(..whole.end).is_some_and(|text| text.ends_with('\n'));
            return self.change(errors..whole.end, if ends_line { &block } else { block.trim_end() });
        }
        if self.text.get(whole.clone()).is_some_and(|text| text.starts_with('{')) {
            self.keep_in_flow(&whole);
        } else {
            for key in MOVED {
                let Some(range) = self.entry("/errors", key).and_then(|(at, value)| self.lines(at, value)) else {
                    continue;
                };
                self.change(range, "");
            }
        }
        let ends_line = self.text.get(..whole.end).is_some_and(|t| t.ends_with('\n'));
        let rest = self.text.get(whole.end..).unwrap_or_default();
        let line_end = if ends_line { whole.end } else { whole.end + rest.find('\n').map_or(rest.len(), |i| i + 1) };
        self.change(line_end..line_end, block);
    }

    /// The comment after a key of `errors` that has its own line; `None` without the key.
    fn comment_of_line(&self, key: &str) -> Option<&str> {
        let (at, value) = self.entry("/errors", key)?;
        let rest = self.text.get(value.end..)?.lines().next().unwrap_or_default();
        let line = self.text.get(..at)?.lines().next_back().unwrap_or_default();
        let is_comment = line.trim().is_empty() && rest.trim_start().starts_with('#');
        Some(if is_comment { rest.trim_end() } else { "" })
    }

    /// Writes `errors` on one line without the keys that moved.
    fn keep_in_flow(&mut self, whole: &std::ops::Range<usize>) {
        let is_one_line = self.text.get(whole.clone()).is_some_and(|text| !text.contains(['\n', '#']));
        let kept = self.doc.keys("/errors").into_iter().filter(|key| !MOVED.contains(key));
        let kept =
            kept.filter_map(|key| self.entry("/errors", key)).filter_map(|(at, value)| self.text.get(at..value.end));
        let text = format!("{{ {} }}", kept.collect::<Vec<_>>().join(", "));
        if is_one_line {
            self.change(whole.clone(), text);
        }
    }

    /// The lines of an entry that has its own.
    fn lines(&self, at: usize, value: std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
        let start = self.text.get(..at)?.rfind('\n').map_or(0, |i| i + 1);
        let rest = self.text.get(value.end..)?;
        let is_block = self.text.get(..value.end)?.ends_with('\n');
        let end = if is_block { 0 } else { rest.find('\n').map_or(rest.len(), |i| i + 1) };
        Some(start..value.end + end)
    }
}

/// Where a value on one line ends: a flow map or list at its bracket, a quoted text at its quote, a plain one before a
/// comment, a comma or a bracket.
fn flow_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut chars = rest.char_indices().peekable();
    let is_plain = !rest.starts_with(['{', '[', '"', '\'']);
    while let Some((i, c)) = chars.next() {
        if let Some(own) = quote {
            match c {
                '\\' if own == '"' => drop(chars.next()),
                c if c == own => {
                    quote = None;
                    if depth == 0 {
                        return Some(start + i + 1);
                    }
                }
                _ => {}
            }
            continue;
        }
        match c {
            '"' | '\'' if !is_plain || depth > 0 => quote = Some(c),
            '{' | '[' if !is_plain => depth += 1,
            '}' | ']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Some(start + i + 1);
                }
            }
            '}' | ']' | ',' | '\n' if is_plain => return Some(start + rest.get(..i)?.trim_end().len()),
            '#' if is_plain && rest.get(..i)?.ends_with(' ') => return Some(start + rest.get(..i)?.trim_end().len()),
            _ => {}
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::migrate;

    fn migrated(text: &str) -> String {
        migrate("a.yaml", text).unwrap().unwrap()
    }

    #[test]
    fn a_connector_keeps_its_layout_and_comments() {
        let text = "\
# about
version: 1 # first
connector: a
auth: { bearer: { token: \"{key}\" } } # how
headers:
  Accept: application/json   # a

  X-Key: \"{key}\"
errors:
  code: /code
  in_success: [/code, /message] # both
  refused: [503]
  explain: []
paging: { cursor: { token: /next, send: { query: c }, more: /more } }
";
        let expected = "\
# about
version: 2 # first
connector: a
auth: { bearer: \"{key}\" } # how
fixed:
  header:
    Accept: application/json   # a

    X-Key: \"{key}\"
errors:
  code: /code
  explain: []
rules:
  - { when: { status: [503] }, then: retry }
  - { when: { status: 2xx, has: [/code, /message] }, then: failed } # both
paging: { cursor: { token: /next, send: { query: c }, has_more: /more } }
";
        assert_eq!(migrated(text), expected);
        assert_eq!(migrate("a.yaml", expected).unwrap(), None, "it is version 2");
        let with_returns = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(migrated(&with_returns(text)), with_returns(expected));
    }

    #[test]
    fn flow_maps_and_operations() {
        let text = "version: 1\nconnector: a\nerrors: { code: \"/c\", refused: [503], in_success: [/c] }\nheaders: { A: \"x, }\", B: 'y' } # h\nauth:\n  bearer:\n    token: '{t}'\nbase_url: b\n";
        assert_eq!(
            migrated(text),
            "version: 2\nconnector: a\nerrors: { code: \"/c\" }\nrules:\n  - { when: { status: [503] }, then: retry }\n  - { when: { status: 2xx, has: [/c] }, then: failed }\nfixed: { header: { A: \"x, }\", B: 'y' } } # h\nauth:\n  bearer: '{t}'\nbase_url: b\n"
        );
        let text = "version: 1\noperations:\n  a:\n    headers: { X: y }\n    items: { send: each, drop_path_fields: true }\n    paging: { number: { page: { query: p }, end: { more: /m } } }\n";
        assert_eq!(
            migrated(text),
            "version: 2\noperations:\n  a:\n    fixed: { header: { X: y } }\n    items: { send: each, drop_sent: true }\n    paging: { number: { page: { query: p }, end: { has_more: /m } } }\n"
        );
        assert_eq!(
            migrated("version: 1\nconnector: a\nerrors: { refused: [503] }\n"),
            "version: 2\nconnector: a\nrules:\n  - { when: { status: [503] }, then: retry }\n"
        );
    }

    #[test]
    fn other_files_are_left_alone_and_odd_ones_are_named() {
        assert_eq!(migrate("a.yaml", "version: 1\nsteps: []\n").unwrap(), None);
        let error = migrate("a.yaml", "{ version: 1, connector: a, errors: { refused: [503] } }\n").unwrap_err();
        assert!(error.message.contains("change these keys"), "{}", error.message);
    }
}
