//! Where a cursor is in YAML that is being written and need not be valid: the keys above it, by their indents. Pure.

/// A step of the way to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlaceStep {
    Key(String),
    /// An element of a list, with the line at which it begins, from 0.
    Element(usize),
}

/// Where the cursor is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct YamlPlace {
    /// The way to the map, list or value that the cursor is in.
    pub(super) path: Vec<PlaceStep>,
    /// Whether a key is written here, and not the value of the last one.
    pub(super) is_key: bool,
    /// The word before the cursor.
    pub(super) word: String,
    /// Whether the cursor is within `${{ … }}`.
    pub(super) in_expression: bool,
}

/// The place of a line and a column, both from 0; the column counts characters.
pub(super) fn place_of(text: &str, line: usize, column: usize) -> YamlPlace {
    let mut stack: Vec<(usize, PlaceStep)> = Vec::new();
    let mut scalar: Option<usize> = None;
    for (number, own) in text.lines().enumerate().take(line) {
        let indent = indent_of(own);
        if own.trim().is_empty() || own.trim_start().starts_with('#') || scalar.is_some_and(|outer| indent > outer) {
            continue;
        }
        scalar = None;
        let value = put(&mut stack, own, number);
        if value.starts_with(['|', '>']) {
            scalar = Some(indent);
        }
    }
    let own: String = text.lines().nth(line).unwrap_or_default().chars().take(column).collect();
    let word: String = {
        let backwards: Vec<char> = own.chars().rev().take_while(|c| is_of_word(*c)).collect();
        backwards.into_iter().rev().collect()
    };
    let in_expression = own.rfind("${{").is_some_and(|open| own.rfind("}}").is_none_or(|close| close < open));
    if scalar.is_some_and(|outer| indent_of(&own) > outer) {
        let path = stack.into_iter().map(|(_, step)| step).collect();
        return YamlPlace { path, is_key: false, word, in_expression };
    }
    let is_key = match key_of(after_dashes(&own)) {
        Some(_) => false,
        None => !in_expression && !own.contains(['{', '[', '"', '\'']),
    };
    put(&mut stack, &own, line);
    if own.trim().is_empty() {
        close(&mut stack, own.len());
    }
    YamlPlace { path: stack.into_iter().map(|(_, step)| step).collect(), is_key, word, in_expression }
}

/// Characters of a word that is completed.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$')
}

/// The value that an element or a map has under a key, if it is on the line of the key: for the operation of a step.
pub(super) fn value_within(text: &str, element: usize, key: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.get(element)?;
    let dash = indent_of(first);
    let whole = lines.get(element..)?.iter().enumerate();
    let own = whole.take_while(|(at, line)| {
        *at == 0 || line.trim().is_empty() || line.trim_start().starts_with('#') || indent_of(line) > dash
    });
    own.filter_map(|(_, line)| key_of(after_dashes(line)).filter(|(name, _)| name == key).map(|(_, value)| value))
        .map(|value| value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned())
        .find(|value| !value.is_empty())
}

/// Adds a line to the way, after what it closes. Returns the value on the line.
fn put(stack: &mut Vec<(usize, PlaceStep)>, line: &str, number: usize) -> String {
    let mut indent = indent_of(line);
    let mut rest = line.trim_start();
    if rest.is_empty() {
        return String::new();
    }
    close(stack, indent + usize::from(rest.starts_with('-')));
    // An element may be as far left as the key of its list.
    if rest.starts_with('-') {
        while stack.last().is_some_and(|(at, step)| *at == indent && matches!(step, PlaceStep::Element(_))) {
            stack.pop();
        }
    }
    while let Some(more) = rest.strip_prefix('-').filter(|more| more.is_empty() || more.starts_with(' ')) {
        stack.push((indent, PlaceStep::Element(number)));
        let inner = more.trim_start();
        indent += 1 + (more.len() - inner.len());
        rest = inner;
    }
    match key_of(rest) {
        Some((key, value)) => {
            stack.push((indent, PlaceStep::Key(key)));
            value
        }
        None => rest.to_owned(),
    }
}

/// Removes what ends at this indent.
fn close(stack: &mut Vec<(usize, PlaceStep)>, indent: usize) {
    while stack.last().is_some_and(|(at, _)| *at >= indent) {
        stack.pop();
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn after_dashes(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some(more) = rest.strip_prefix("- ") {
        rest = more.trim_start();
    }
    rest
}

/// The key of a line, and what follows it.
fn key_of(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let key = key.trim_matches(['"', '\'']);
    let is_key = !key.is_empty() && !key.starts_with(['#', '{', '[', '$']);
    is_key.then(|| (key.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{PlaceStep, place_of, value_within};

    const TEXT: &str = "version: 1\nsteps:\n- id: members\n  query: getMembers\n  options:\n    fields: id\n    \n\n  save: a.csv\n- id: note\n  mutate: postNote\n  map:\n    text: |\n      a: b\n      c\n    \n  after: [m]\n";

    fn told(line: usize, column: usize) -> String {
        let place = place_of(TEXT, line, column);
        let steps = place.path.iter().map(|step| match step {
            PlaceStep::Key(key) => key.clone(),
            PlaceStep::Element(line) => format!("[{line}]"),
        });
        format!("{} {} {}", steps.collect::<Vec<_>>().join("/"), if place.is_key { "key" } else { "value" }, place.word)
    }

    #[test]
    fn the_way_to_the_cursor_is_that_of_the_indents() {
        for (line, column, expected) in [
            (0, 3, " key ver"),
            (1, 6, "steps value "),
            (2, 6, "steps/[2]/id value "),
            (3, 4, "steps/[2] key qu"),
            (3, 13, "steps/[2]/query value getM"),
            (6, 4, "steps/[2]/options key "),
            (6, 2, "steps/[2] key "),
            (8, 8, "steps/[2]/save value "),
            (13, 7, "steps/[9]/map/text value a"),
            (15, 4, "steps/[9]/map key "),
            (16, 11, "steps/[9]/after value m"),
        ] {
            assert_eq!(told(line, column), expected, "{line}:{column}");
        }
        assert_eq!(value_within(TEXT, 2, "query").as_deref(), Some("getMembers"));
        assert_eq!(value_within(TEXT, 9, "query"), None);
        assert_eq!(value_within(TEXT, 9, "mutate").as_deref(), Some("postNote"));
        assert!(place_of("a: ${{ steps.", 0, 13).in_expression);
    }
}
