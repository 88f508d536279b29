//! Reads the keys and texts of a definition without checking it: a search looks at thousands of entries, and parsing
//! them takes ten times as long. What it reads wrongly costs a hit, not a call. Pure.

/// What the scanner meets. The path has the keys down to it; elements of lists have none of their own.
pub(super) enum Met<'t> {
    /// The last key of the path.
    Key,
    Text(&'t str),
    /// A line with all of an option, before it is read: the answer is whether it is known and can be skipped.
    Line(&'t str),
    /// That line has been read.
    LineEnd,
}

/// Deeper definitions are left to the parser.
const DEPTH_MAX: usize = 64;

/// Receives the path and what is there; the answer counts for a [`Met::Line`].
pub(super) type Receiver<'r, 't> = &'r mut dyn FnMut(&[&'t str], Met<'t>) -> bool;

/// Scans block or flow YAML, and so JSON. `None` if only the parser can read it.
pub(super) fn scan<'t>(text: &'t str, receive: Receiver<'_, 't>) -> Option<()> {
    let mut scanner = Scanner { text, at: 0, path: Vec::new(), indents: Vec::new(), receive };
    scanner.block()
}

struct Scanner<'r, 't> {
    text: &'t str,
    at: usize,
    path: Vec<&'t str>,
    /// The indent of each key of the path.
    indents: Vec<usize>,
    receive: Receiver<'r, 't>,
}

impl<'t> Scanner<'_, 't> {
    fn met(&mut self, met: Met<'t>) -> bool {
        (self.receive)(&self.path, met)
    }

    /// The end of this line, if it has all of an option.
    fn option_line(&self) -> Option<usize> {
        let is_option = self.path.last() == Some(&"options") && self.path.len() == 2;
        let rest = if is_option { self.rest().as_bytes() } else { return None };
        let end = memchr::memchr(b'\n', rest)?;
        rest.get(..end)?.ends_with(b" }").then_some(self.at + end + 1)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The rest of this line without spaces at its ends; `at` is behind the line.
    fn take_line(&mut self) -> &'t str {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        self.at += (end + 1).min(rest.len());
        rest.get(..end).unwrap_or_default().trim_ascii()
    }

    fn skip_spaces(&mut self) -> usize {
        let spaces = self.rest().bytes().take_while(|byte| *byte == b' ').count();
        self.at += spaces;
        spaces
    }

    fn block(&mut self) -> Option<()> {
        while self.at < self.text.len() {
            let mut indent = self.skip_spaces();
            while self.rest().starts_with("- ") {
                self.at += 2;
                indent += 2 + self.skip_spaces();
            }
            if self.rest().is_empty() || self.rest().starts_with(['\n', '\r', '#']) {
                self.take_line();
                continue;
            }
            while self.indents.last().is_some_and(|last| *last >= indent) {
                self.indents.pop();
                self.path.pop();
            }
            let option_end = self.option_line();
            if let Some(end) = option_end
                && self.met(Met::Line(self.text.get(self.at..end)?))
            {
                self.at = end;
                continue;
            }
            match self.key() {
                Some(key) => {
                    self.path.push(key);
                    self.indents.push(indent);
                    self.met(Met::Key);
                    self.skip_spaces();
                    self.value(indent)?;
                }
                None => self.value(indent)?,
            }
            if option_end == Some(self.at) {
                self.met(Met::LineEnd);
            }
        }
        Some(())
    }

    /// The key at the start of a line.
    fn key(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if let Some(quote) = quote {
            let inner = rest.get(1..)?;
            let end = inner.find([quote, '\n'])?;
            let behind = inner.get(end + 1..)?;
            let is_key = inner.as_bytes().get(end) != Some(&b'\n') && behind.starts_with([':']);
            return is_key.then(|| {
                self.at += end + 3;
                inner.get(..end).unwrap_or_default()
            });
        }
        if rest.starts_with(['{', '[', '|', '>', '*', '&', '!']) {
            return None;
        }
        let line_end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = rest.get(..line_end)?;
        let ends = |at: &usize| matches!(line.as_bytes().get(at + 1), None | Some(b' ' | b'\r'));
        let end = memchr::memchr_iter(b':', line.as_bytes()).find(ends)?;
        self.at += end + 1;
        line.get(..end)
    }

    /// A value behind a key, or a line of a text or list.
    fn value(&mut self, indent: usize) -> Option<()> {
        while self.rest().starts_with(['&', '!']) {
            self.at += self.rest().find([' ', '\n']).unwrap_or(self.rest().len());
            self.skip_spaces();
        }
        match self.rest().bytes().next() {
            Some(b'{' | b'[') => {
                self.flow(0)?;
                self.take_line();
            }
            Some(b'|' | b'>') => self.long_text(indent),
            Some(quote @ (b'"' | b'\'')) => {
                let text = self.quoted(quote);
                self.met(Met::Text(text));
                self.take_line();
            }
            Some(b'*') => return None,
            _ => {
                let line = self.take_line();
                let comment = memchr::memmem::find(line.as_bytes(), b" #");
                let text = if line.starts_with('#') { "" } else { line.get(..comment.unwrap_or(line.len()))? };
                if !text.is_empty() {
                    self.met(Met::Text(text));
                }
            }
        }
        Some(())
    }

    /// The lines of a text that are deeper than its key.
    fn long_text(&mut self, indent: usize) {
        self.take_line();
        loop {
            let start = self.at;
            let depth = self.skip_spaces();
            let is_blank = self.rest().starts_with(['\n', '\r']);
            if self.rest().is_empty() || (depth <= indent && !is_blank) {
                self.at = start;
                return;
            }
            let line = self.take_line();
            self.met(Met::Text(line));
        }
    }

    /// A text in quotes; `at` is behind it.
    fn quoted(&mut self, quote: u8) -> &'t str {
        let inner = self.text.get(self.at + 1..).unwrap_or_default();
        let bytes = inner.as_bytes();
        let mut end = 0;
        while let Some(found) = bytes.get(end..).and_then(|rest| memchr::memchr2(quote, b'\\', rest)) {
            end += found;
            if bytes.get(end) == Some(&quote) {
                self.at += end + 2;
                return inner.get(..end).unwrap_or_default();
            }
            end += if quote == b'"' { 2 } else { 1 };
        }
        self.at = self.text.len();
        inner
    }

    fn skip_gaps(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\n', '\r', '\t', ',']).len();
    }

    /// A map or list in braces; `at` is at its start.
    fn flow(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let is_map = self.rest().starts_with('{');
        self.at += 1;
        loop {
            self.skip_gaps();
            match self.rest().bytes().next()? {
                b'}' | b']' => {
                    self.at += 1;
                    return Some(());
                }
                b'*' => return None,
                _ if is_map => {
                    let key = self.flow_text(true);
                    self.path.push(key);
                    self.indents.push(usize::MAX);
                    self.met(Met::Key);
                    self.skip_spaces();
                    if self.rest().starts_with(':') {
                        self.at += 1;
                        self.skip_gaps_without_comma();
                        self.flow_value(depth)?;
                    }
                    self.path.pop();
                    self.indents.pop();
                }
                _ => self.flow_value(depth)?,
            }
        }
    }

    fn skip_gaps_without_comma(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn flow_value(&mut self, depth: usize) -> Option<()> {
        match self.rest().bytes().next()? {
            b'{' | b'[' => self.flow(depth + 1),
            b'*' => None,
            b',' | b'}' | b']' => Some(()),
            _ => {
                let text = self.flow_text(false);
                self.met(Met::Text(text));
                Some(())
            }
        }
    }

    /// A key or text within braces.
    fn flow_text(&mut self, is_key: bool) -> &'t str {
        let rest = self.rest();
        if let Some(quote @ (b'"' | b'\'')) = rest.bytes().next() {
            return self.quoted(quote);
        }
        let bytes = rest.as_bytes();
        let mut end = 0;
        while let Some(byte) = bytes.get(end) {
            let is_end = match byte {
                b',' | b'}' | b']' => true,
                b':' => {
                    is_key
                        && matches!(bytes.get(end + 1), None | Some(b' ' | b'\n' | b'\r' | b'{' | b'[' | b',' | b'}'))
                }
                _ => false,
            };
            if is_end {
                break;
            }
            end += 1;
        }
        // Something is always taken, so that a scan ends.
        let end = end.max(usize::from(!rest.is_empty() && end == 0 && is_key));
        self.at += end;
        rest.get(..end).unwrap_or_default().trim_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::{Met, scan};

    fn seen(text: &str) -> Option<String> {
        let mut all = Vec::new();
        scan(text, &mut |path, met| {
            match met {
                Met::Key => all.push(path.join("/")),
                Met::Text(text) => all.push(format!("{}={text}", path.join("/"))),
                Met::Line(_) | Met::LineEnd => {}
            }
            false
        })?;
        Some(all.join("\n"))
    }

    #[test]
    fn block_flow_and_json_give_the_same() {
        let block = "  a:\n    title: Some words # note\n    # note\n    options:\n      id: { type: string, in: path }\n      'x y':\n        enum: [one, \"two, three\"]\n    tags:\n      - red\n      - blue\n    items: {}\n";
        let flow = "a: { title: Some words, options: { id: { type: string, in: path },\n  'x y': { enum: [one, 'two, three'] } }, tags: [red, blue], items: {} }\n";
        let json = r#"{"a":{"title":"Some words","options":{"id":{"type":"string","in":"path"},"x y":{"enum":["one","two, three"]}},"tags":["red","blue"],"items":{}}}"#;
        let expected = seen(json).unwrap();
        assert_eq!(seen(block).unwrap(), expected);
        assert_eq!(seen(flow).unwrap(), expected);
        assert!(expected.ends_with("a/tags=red\na/tags=blue\na/items"), "{expected}");
    }

    #[test]
    fn texts_of_several_lines_belong_to_their_key() {
        let text = "a:\n  description: |\n    One: two\n\n    # three\n  title: Words\n    that go on\n  help: \"a \\\" b\n    c\"\n  x: 1\n";
        let all = seen(text).unwrap();
        assert_eq!(
            all,
            "a\na/description\na/description=One: two\na/description=\na/description=# three\na/title\na/title=Words\na/title=that go on\na/help\na/help=a \\\" b\n    c\na/x\na/x=1"
        );
    }

    #[test]
    fn what_is_broken_ends() {
        for text in [
            "a: {",
            "a: [",
            "a: \"",
            "{",
            "[",
            "a: {:",
            "a: { : }",
            "- - -",
            ":",
            "a: |",
            "'",
            "{\"a",
            "{]}",
            "a: ]",
            "a: [}{",
            "\u{e9}: {\u{e9}",
        ] {
            let _read = seen(text);
        }
        assert_eq!(seen("a: *b\n"), None);
        assert_eq!(seen(&"[".repeat(100)), None);
    }
}
