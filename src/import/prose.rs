//! Texts of a description in plain sentences: without Markdown and HTML, cut to what helps. Pure.

/// Maximum length of a description, in characters.
pub(crate) const DESCRIPTION_MAX: usize = 240;
/// Maximum length of a title.
const TITLE_MAX: usize = 80;

/// The first sentences of a text, up to a length; `None` if nothing is left.
pub(crate) fn sentences(text: &str, max: usize) -> Option<String> {
    let plain = plain(text);
    let mut end = 0;
    for (at, sentence) in split(&plain) {
        let length = plain.get(..at + sentence.len()).unwrap_or_default().chars().count();
        if end > 0 && length > max {
            break;
        }
        end = at + sentence.len();
    }
    let kept = plain.get(..end).unwrap_or_default().trim();
    let cut = if kept.chars().count() > max { words(kept, max) } else { kept.to_owned() };
    (!cut.is_empty()).then_some(cut)
}

/// A title: the first sentence of a summary without its full stop.
pub(crate) fn title(text: &str) -> Option<String> {
    let plain = plain(text);
    let first = split(&plain).next().map_or("", |(_, sentence)| sentence).trim().trim_end_matches(['.', ':', ';']);
    let cut = if first.chars().count() > TITLE_MAX { words(first, TITLE_MAX) } else { first.to_owned() };
    (!cut.is_empty()).then_some(cut)
}

/// Whole words up to a length.
fn words(text: &str, max: usize) -> String {
    let mut out = String::new();
    for word in text.split(' ') {
        if out.chars().count() + word.chars().count() + 2 > max {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.is_empty() {
        out = text.chars().take(max.saturating_sub(1)).collect();
    }
    format!("{}…", out.trim_end_matches([',', ';', ':', '-', ' ']))
}

/// The sentences, each with its start.
fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let ends = rest.match_indices(['.', '!', '?', '。']);
        let is_end = |(index, mark): &(usize, &str)| {
            let after = rest.get(index + mark.len()..).unwrap_or_default();
            let before = rest.get(..*index).unwrap_or_default();
            let word = before.rsplit([' ', '(']).next().unwrap_or_default();
            let is_short = matches!(word, "e.g" | "i.e" | "etc" | "vs" | "e" | "i" | "No" | "approx" | "incl");
            let next = after.trim_start().chars().next();
            !is_short
                && (*mark == "。"
                    || after.is_empty()
                    || (after.starts_with(' ') && !next.is_some_and(char::is_lowercase)))
        };
        let end = ends.into_iter().find(is_end).map_or(rest.len(), |(index, mark)| index + mark.len());
        let start = at;
        at += end;
        Some((start, rest.get(..end).unwrap_or_default()))
    })
}

/// The text of the first paragraph.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim();
        let is_break = line.is_empty() || line.starts_with("```") || line.starts_with('|') || line.starts_with("---");
        if is_break && !out.trim().is_empty() {
            break;
        }
        // A heading says less than what follows.
        if is_break
            || (line.starts_with('#') && out.is_empty() && text.lines().filter(|l| !l.trim().is_empty()).count() > 1)
        {
            continue;
        }
        let item = line.trim_start_matches(['#', '>']).trim_start();
        let item = item.strip_prefix("* ").or_else(|| item.strip_prefix("- ")).unwrap_or(item);
        out.push_str(item);
        out.push(' ');
    }
    let out = without_tags(&without_links(&out));
    let out: String =
        out.chars().filter(|c| !matches!(c, '`' | '*')).map(|c| if c.is_control() { ' ' } else { c }).collect();
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `[text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let Some(end) = after.find(')') else { break };
        match before.rfind('[') {
            Some(open) => {
                out.push_str(before.get(..open).unwrap_or_default().trim_end_matches('!'));
                out.push_str(before.get(open + 1..).unwrap_or_default());
            }
            None => out.push_str(before),
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    out + rest
}

/// Without HTML tags and with the common entities.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let is_tag = after.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match after.find('>').filter(|_| is_tag) {
            Some(end) => {
                let inner = after.get(..end).unwrap_or_default().to_ascii_lowercase();
                let is_block = ["<p", "</p", "<br", "<li", "</li", "<h", "</h", "<div", "<tr", "<td"];
                if is_block.iter().any(|tag| inner.starts_with(tag)) {
                    out.push(' ');
                }
                rest = after.get(end + 1..).unwrap_or_default();
            }
            None => {
                out.push('<');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    for (entity, text) in
        [("&nbsp;", " "), ("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        out = out.replace(entity, text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{sentences, title};

    #[test]
    fn descriptions_become_plain_sentences() {
        for (text, expected) in [
            (
                "# List users\n\nReturns **all** `users`. See [the guide](https://x.example/a).\n\nMore.",
                "Returns all users. See the guide.",
            ),
            ("<p>Gets a <b>thing</b>, e.g. one &amp; two.</p><p>Second.</p>", "Gets a thing, e.g. one & two. Second."),
            ("a < b and c > d", "a < b and c > d"),
            ("- first\n- second", "first second"),
            ("v1.2 is here", "v1.2 is here"),
        ] {
            assert_eq!(sentences(text, 200).as_deref(), Some(expected));
        }
        assert_eq!(sentences("One two. Three four five.", 12).as_deref(), Some("One two."));
        assert_eq!(sentences("One two three four", 10).as_deref(), Some("One two…"));
        assert_eq!(sentences(" \n ", 10), None);
        assert_eq!(title("List users.").as_deref(), Some("List users"));
    }
}
