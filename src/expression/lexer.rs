//! The words and marks of an expression, as far as they must be known before the language reads it.

/// Names, texts and single marks, white space left out.
fn tokens(source: &str) -> impl Iterator<Item = &str> {
    places(source).map(|(_, token)| token)
}

/// The same, each with its place.
fn places(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = source;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let at = source.len() - rest.len();
        let length = match rest.chars().next()? {
            '"' | '\'' => quoted(rest),
            c if is_word(c) => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length.min(rest.len()));
        rest = tail;
        Some((at, token))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// A part of a list, such as `[1:]`, is as costly as this many names: each goes through the one before it again.
const SLICE: usize = 20;

/// How many names and operators there are: what may nest or follow each other, lists of plain values not counted.
pub(crate) fn parts(source: &str) -> usize {
    let mut brackets = Vec::new();
    let mut slices = 0;
    for token in tokens(source) {
        match token {
            "(" | "[" | "{" => brackets.push(token),
            ")" | "]" | "}" => drop(brackets.pop()),
            ":" if brackets.last() == Some(&"[") => slices += 1,
            _ => {}
        }
    }
    let counts = |token: &&str| {
        !token.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | ',' | ')' | ']' | '}'))
    };
    tokens(source).filter(counts).count() + slices * SLICE
}

/// How deep its brackets stand within one another.
pub(crate) fn depth(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens(source) {
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Names after `|` (filters) and after `is` or `is not` (tests), outside of texts.
pub(crate) fn words(source: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut before = ("", "");
    for token in tokens(source) {
        let is_word = token.starts_with(is_word);
        match before {
            (_, "|") if is_word => found.push((true, token.to_owned())),
            (_, "is") if is_word && token != "not" => found.push((false, token.to_owned())),
            ("is", "not") if is_word => found.push((false, token.to_owned())),
            _ => {}
        }
        before = (before.1, token);
    }
    found
}

/// Filters that keep a list's elements as they are.
const KEEPING: [&str; 8] = ["selectattr", "rejectattr", "select", "reject", "sort", "unique", "list", "reverse"];

/// Words of the language that name nothing.
const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// The paths that an expression reads, such as `item.a['b c'][0]`; where filters name a field of a list's elements, with `*` for the element.
pub(crate) fn paths(source: &str) -> Vec<Vec<String>> {
    let tokens: Vec<&str> = tokens(source).collect();
    let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = (at.checked_sub(2).map_or("", token), at.checked_sub(1).map_or("", token));
        let names = token(at).starts_with(is_word) && !KEYWORDS.contains(&token(at));
        let is_name = names && !matches!(before.1, "." | "|" | "is") && before != ("is", "not");
        let is_argument = token(at + 1) == "=" && token(at + 2) != "=" && matches!(before.1, "(" | ",");
        if !is_name || is_argument || token(at + 1) == "(" {
            at += 1;
            continue;
        }
        let (mut begin, mut path) = (at, vec![token(at).to_owned()]);
        at = go_down(&tokens, at + 1, &mut path);
        loop {
            let (more, end) = attributes(&tokens, at, &path);
            found.extend(more);
            // In brackets of its own, it goes on behind them.
            let opened = begin.checked_sub(1).filter(|i| token(*i) == "(" && token(end) == ")");
            let is_call =
                begin.checked_sub(2).is_some_and(|i| token(i).starts_with(is_word) && !KEYWORDS.contains(&token(i)));
            let Some(opened) = opened.filter(|_| !is_call) else { break };
            begin = opened;
            at = if end == at { go_down(&tokens, end + 1, &mut path) } else { end + 1 };
        }
        found.push(path);
    }
    found
}

/// Follows fields and elements behind a name; gives where they end.
fn go_down(tokens: &[&str], mut at: usize, path: &mut Vec<String>) -> usize {
    let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
    loop {
        if token(at) == "." && token(at + 1).starts_with(is_word) {
            path.push(token(at + 1).to_owned());
            at += 2;
        } else if token(at) == "[" && token(at + 1).starts_with(['"', '\'']) && token(at + 2) == "]" {
            path.push(unquoted(token(at + 1)).to_owned());
            at += 3;
        } else if let Some(end) = (token(at) == "[").then(|| digits_end(tokens, at + 1)).flatten() {
            path.push(tokens.get(at + 1..end).unwrap_or_default().concat());
            at = end + 1;
        } else {
            break;
        }
    }
    if token(at) == "(" && path.len() > 1 {
        // A method of the value, and no field of it.
        path.pop();
    }
    at
}

/// Where digits end at a bracket.
fn digits_end(tokens: &[&str], from: usize) -> Option<usize> {
    let is_digit = |token: &&&str| token.bytes().all(|b| b.is_ascii_digit());
    let count = tokens.iter().skip(from).take_while(is_digit).count();
    (count > 0 && tokens.get(from + count) == Some(&"]")).then_some(from + count)
}

/// The fields that the filters behind a value name: of it, or of its elements; and where those filters end that keep a list's elements.
fn attributes(tokens: &[&str], mut at: usize, path: &[String]) -> (Vec<Vec<String>>, usize) {
    let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
    let mut found = Vec::new();
    while token(at) == "|" {
        let name = token(at + 1);
        let end = call_end(tokens, at + 2);
        let arguments = tokens.get(at + 3..end).unwrap_or_default();
        let first = arguments.first().copied();
        let named = arguments.iter().position(|t| *t == "attribute").and_then(|i| arguments.get(i + 2)).copied();
        let (of, field) = match name {
            "selectattr" | "rejectattr" | "groupby" => (Some("*"), first),
            "attr" => (None, first),
            "map" if first.is_some_and(|f| unquoted(f) == "attr") => (Some("*"), arguments.get(2).copied()),
            _ => (Some("*"), None),
        };
        if let Some(text) = named.or(field).filter(|text| text.starts_with(['"', '\''])) {
            let fields = unquoted(text).split(',').next().unwrap_or_default().split('.').map(str::to_owned);
            found.push(path.iter().cloned().chain(of.map(str::to_owned)).chain(fields).collect());
        }
        if !KEEPING.contains(&name) {
            break;
        }
        at = end;
    }
    (found, at)
}

/// Where the arguments of a filter end; at once, when it has none.
fn call_end(tokens: &[&str], from: usize) -> usize {
    let (mut depth, mut end) = (0_usize, from);
    while let Some(token) = tokens.get(end) {
        depth = match *token {
            "(" => depth + 1,
            ")" if depth > 0 => depth - 1,
            _ => depth,
        };
        if depth == 0 && *token != ")" {
            break;
        }
        end += 1;
        if depth == 0 {
            break;
        }
    }
    end
}

/// The rows that an expression hands on, if it does nothing to them but choose and order: the ids of their steps.
pub(crate) fn handed_on(source: &str, paths: &[Vec<String>]) -> Option<Vec<String>> {
    const CHANGING: [&str; 12] =
        ["map", "groupby", "batch", "slice", "zip", "items", "dictsort", "join", "split", "attr", "tojson", "sum"];
    let changes = words(source).iter().any(|(is_filter, name)| *is_filter && CHANGING.contains(&name.as_str()));
    if changes || tokens(source).any(|t| matches!(t, "{" | "~" | "range" | "dict")) {
        return None;
    }
    let steps = paths.iter().filter_map(|path| match path.as_slice() {
        [root, id, items] if root == "steps" && items == "items" => Some(id.clone()),
        _ => None,
    });
    Some(steps.collect()).filter(|steps: &Vec<String>| !steps.is_empty())
}

fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// Length of a quoted text at the start.
fn quoted(text: &str) -> usize {
    let mut chars = text.char_indices();
    let Some((_, quote)) = chars.next() else { return 0 };
    let mut escaped = false;
    for (at, c) in chars {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether null is written out in an expression, as one of its values and not in a test such as `is none`.
pub(crate) fn names_null(source: &str) -> bool {
    let tokens: Vec<&str> = tokens(source).collect();
    let is_test = |index: usize| {
        let before = |steps: usize| index.checked_sub(steps).and_then(|i| tokens.get(i)).copied().unwrap_or_default();
        matches!(before(1), "is" | "." | "=")
            || (before(1) == "not" && before(2) == "is")
            || tokens.get(index + 1) == Some(&"=")
    };
    tokens.iter().enumerate().any(|(index, token)| matches!(*token, "none" | "None") && !is_test(index))
}

/// `a.b`, `a[0]`, `a['b c']`.
pub(crate) fn path(source: &str) -> Option<Vec<String>> {
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        plain.then(|| (name.to_owned(), rest.to_owned()))
    };
    let (first, mut rest) = name(source)?;
    if matches!(first.as_str(), "true" | "false" | "none" | "True" | "False" | "None" | "not") {
        return None;
    }
    let mut tokens = vec![first];
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let (token, tail) = name(tail)?;
            tokens.push(token);
            rest = tail;
        } else {
            let (inside, tail) = rest.strip_prefix('[')?.split_once(']')?;
            let inside = inside.trim();
            let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''));
            let token = match quote {
                Some(quote) => {
                    inside.strip_prefix(quote)?.strip_suffix(quote).filter(|t| !t.contains([quote, '\\']))?
                }
                None => Some(inside).filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))?,
            };
            tokens.push(token.to_owned());
            rest = tail.to_owned();
        }
    }
    Some(tokens)
}

/// Where the `}}` of an expression is: not in a quoted text, and not in a map of the expression's own.
pub(crate) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0u32;
    let mut at = 0;
    while let Some(c) = text.get(at..)?.chars().next() {
        let rest = text.get(at..)?;
        match c {
            '"' | '\'' => {
                at += quoted(rest);
                continue;
            }
            '}' if depth == 0 && rest.starts_with("}}") => return Some(at),
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// The same expression with filters at the sides of its operators, because an operator cannot be replaced in the language: `factor` at both
/// sides of every `*`, `part` at both sides of every `~`, `term` at the right of every `+`, `container` at that of every `in`. They hand on what they are given or fail, so that nothing else changes.
pub(crate) fn with_checked_operators(source: &str, [factor, term, part, container]: [&str; 4]) -> String {
    let tokens: Vec<(usize, &str)> = places(source).collect();
    let token = |index: usize| tokens.get(index).map_or("", |(_, token)| token);
    let mut places = Vec::new();
    // Right sides that have no end yet: within which brackets, whether they have begun, and their filter.
    let mut open: Vec<(usize, bool, &str)> = Vec::new();
    let mut depth = 0_usize;
    for (index, (at, text)) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map_or("", token);
        let is_exponent = matches!(*text, "+" | "-") && is_exponent(source, before, *at);
        if let Some((_, begun, filter)) = open.last_mut().filter(|(d, ..)| *d == depth) {
            if *begun && !is_exponent && ends_operand(text, before) {
                places.push((*at, *filter));
                open.pop();
            } else if *text != "-" {
                *begun = true;
            }
        }
        match *text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "+" if !is_exponent => open.push((depth, false, term)),
            "in" if before != "." => open.push((depth, false, container)),
            // A power, or arguments from a list.
            "*" if is_power(&tokens, index)
                || index.checked_sub(1).is_some_and(|i| is_power(&tokens, i))
                || matches!(before, "(" | ",") => {}
            "*" | "~" => {
                let filter = if *text == "*" { factor } else { part };
                if places.last() != Some(&(*at, filter)) {
                    places.push((*at, filter));
                }
                open.push((depth, false, filter));
            }
            _ => {}
        }
    }
    places.extend(open.iter().map(|(.., filter)| (source.len(), *filter)));
    let mut out = String::new();
    let mut done = 0;
    for (at, filter) in places {
        out.push_str(source.get(done..at).unwrap_or_default());
        out.push_str(" | ");
        out.push_str(filter);
        out.push(' ');
        done = at;
    }
    out.push_str(source.get(done..).unwrap_or_default());
    out
}

/// Whether `**` stands there.
fn is_power(tokens: &[(usize, &str)], index: usize) -> bool {
    matches!((tokens.get(index), tokens.get(index + 1)), (Some((at, "*")), Some((next, "*"))) if at + 1 == *next)
}

/// Whether a sign is that of `1e-5`.
fn is_exponent(source: &str, before: &str, at: usize) -> bool {
    let number = source.get(..at.saturating_sub(1)).unwrap_or_default();
    matches!(before, "e" | "E") && number.ends_with(|c: char| c.is_ascii_digit())
}

/// Whether a token cannot belong to the right side of an operator any more.
fn ends_operand(token: &str, before: &str) -> bool {
    match token {
        "*" | "/" | "%" | "+" | "-" | "~" | "<" | ">" | "=" | "!" | "," | ":" | ")" | "]" | "}" => true,
        "and" | "or" | "if" | "else" | "in" | "not" | "is" => before != ".",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::closing;
    use super::parts;
    use super::path;
    use super::with_checked_operators;

    #[test]
    fn an_expression_ends_at_its_own_braces() {
        for (text, end) in [(" a }} b", 3), (" '}}' }}", 6), (" {'a': {'b': 1}} }}", 17), (" \"\\\"}}\" }}", 8)] {
            assert_eq!(closing(text), Some(end), "{text}");
        }
        assert_eq!(closing(" a } "), None);
    }

    #[test]
    fn paths_are_told_from_calculations() {
        assert_eq!(path("item.a['b c'][0]").unwrap(), ["item", "a", "b c", "0"]);
        for other in ["item.a + 1", "true", "item.a | upper", "item[x]", "f()", "1"] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn paths_are_found_within_calculations() {
        for (source, found) in [
            ("item.inactivFlag != false", "item.inactivFlag"),
            ("item['a b'][10].c ~ parent.d | upper", "item.a b.10.c parent.d"),
            ("(item).a != ((parent)).b.c", "item.a parent.b.c"),
            ("item | attr('x')", "item.x item"),
            ("(steps.a.items | list) | rejectattr('b')", "steps.a.items.*.b steps.a.items"),
            ("steps.a.items | map('attr', 'b') | list", "steps.a.items.*.b steps.a.items"),
            ("steps.a.items | groupby('b')", "steps.a.items.*.b steps.a.items"),
            ("steps.a.items[:5]", "steps.a.items"),
            ("f(item).x", "item"),
            ("item.name.upper() == item.x is none and not item.y is not none", "item.name item.x item.y"),
            (
                "steps.a.items | selectattr('open', 'eq', item.z) | map(attribute='id') | list",
                "steps.a.items.*.open steps.a.items.*.id steps.a.items item.z",
            ),
            ("steps.a.items | map(attribute='b.c') | join(',')", "steps.a.items.*.b.c steps.a.items"),
            ("range(1, stop=item.n) | first", "item.n"),
            ("vars.a if env.b else none", "vars.a env.b"),
            ("{'a': item.b, 'item': 'item.c'}", "item.b"),
            ("item[vars.name].x", "item vars.name"),
        ] {
            let paths: Vec<String> = super::paths(source).iter().map(|p| p.join(".")).collect();
            assert_eq!(paths.join(" "), found, "{source}");
        }
    }

    #[test]
    fn the_sides_of_operators_are_checked() {
        for (source, expected) in [
            ("a * b", "a | F * b | F"),
            ("a*b*c", "a | F *b | F *c | F"),
            ("a ** b * c ** d", "a ** b | F * c | F ** d"),
            ("f(*a, **b, c=d * -e.if[0])", "f(*a, **b, c=d | F * -e.if[0] | F )"),
            ("2 * (3 * a) | f - 1e-5 * 4e-5 - 1", "2 | F * (3 | F * a | F ) | f | F - 1e-5 | F * 4e-5 | F - 1"),
            ("'*' ~ \"a * b\"", "'*' | P ~ \"a * b\" | P"),
            ("a in b.c and not a not in d | f", "a in b.c | C and not a not in d | f | C"),
            ("a ~ b * c ~ d | f", "a | P ~ b | P | F * c | F | P ~ d | f | P"),
            ("a + b * c + d", "a + b | T | F * c | F + d | T"),
            ("[1] + -[2][0] - 3 in x + {'a': 1e+5}", "[1] + -[2][0] | T - 3 in x | C + {'a': 1e+5} | T"),
            ("a + b if c + d else e + f(g + h)", "a + b | T if c + d | T else e + f(g + h | T ) | T"),
            ("a * b is c * d", "a | F * b | F is c | F * d | F"),
        ] {
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(squeezed(&with_checked_operators(source, ["F", "T", "P", "C"])), expected);
        }
    }

    #[test]
    fn parts_of_lists_count_for_many() {
        assert_eq!(parts("{'a': b[1:]}.a"), 7 + 20);
        assert_eq!(parts("b[::2][0]"), 5 + 40);
    }
}
