//! The Link header field (RFC 8288). Pure.

/// A link target and one of its relation types, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) rel: String,
    pub(crate) target: String,
}

/// All links of a Link header field value: quoted strings, commas and semicolons inside targets and titles, several
/// relation types. A link with an `anchor` is about another resource and left out (RFC 8288, section 3.2). Also returns
/// whether the whole field could be read.
pub(crate) fn parse(field: &str) -> (Vec<Link>, bool) {
    let mut links = Vec::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((target, tail)) = after.split_once('>') else { return (links, false) };
        if !is_between(before) {
            return (links, false);
        }
        let (parameters, remaining) = parameters(tail);
        rest = remaining;
        let value = |name: &str| parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        if value("anchor").is_some() {
            continue;
        }
        for rel in value("rel").unwrap_or_default().split_ascii_whitespace() {
            links.push(Link { rel: rel.to_ascii_lowercase(), target: target.trim().to_owned() });
        }
    }
    (links, is_between(rest))
}

/// The separators between two links: commas and white space.
fn is_between(text: &str) -> bool {
    text.chars().all(|c| c == ',' || c.is_whitespace())
}

/// The parameters of one link, and the text after its comma.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        let Some(tail) = tail.strip_prefix('=') else {
            rest = tail.trim_start();
            continue;
        };
        let (value, tail) = value(tail.trim_start());
        found.push((name.trim().to_owned(), value));
        rest = tail.trim_start();
    }
    (found, rest.strip_prefix(',').unwrap_or(rest))
}

/// A token or quoted string (RFC 9110, section 5.6.4).
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (token, tail) = text.split_at(end);
        return (token.trim().to_owned(), tail);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn difficult_headers() {
        let rels = |field: &str| {
            parse(field).0.into_iter().map(|l| format!("{}={}", l.rel, l.target)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            rels(r#"<https://a/?x=1,2>; rel="next", <https://a/?page=9>; rel=last"#),
            "next=https://a/?x=1,2 last=https://a/?page=9"
        );
        assert_eq!(rels(r#"<?page=2>; REL="NEXT"; title="a, b; c \" <x>", "#), "next=?page=2");
        assert_eq!(rels(r#"<a>; rel="prev next""#), "prev=a next=a");
        assert_eq!(rels(r#"<a>; rel=next; anchor="\#x", <b>; rel="next""#), "next=b");
        assert_eq!(rels(r#"<a>; rel="first"; rel="next""#), "first=a");
        assert_eq!(rels(""), "");
        assert_eq!(rels("<a>;rel=next;title=\"open"), "next=a");
        assert_eq!(rels("<unclosed; rel=next"), "");
    }
}
