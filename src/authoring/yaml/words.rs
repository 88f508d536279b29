//! What the YAML reader says, in words for people. Pure.

use super::{ALIASED_MAX, DEPTH_MAX, NODES_MAX};

/// The reader's own message without the position that the error carries anyway, and without its programmers' words.
pub(super) fn tidy(message: &str) -> String {
    let one = message.lines().next().unwrap_or(message).trim();
    let cut = one
        .split_once(": ")
        .filter(|(head, _)| head.starts_with("error") && head.contains("line"))
        .map_or(one, |(_, tail)| tail);
    let cut = cut.split(" at line ").next().unwrap_or(cut);
    let cut = cut.split(", set DuplicateKeyPolicy").next().unwrap_or(cut);
    let cut = [" by configured policy", " by the configured policy"]
        .iter()
        .find_map(|words| cut.strip_suffix(words))
        .unwrap_or(cut)
        .trim();
    let deep = || format!("it is nested deeper than the limit yaml_depth ({DEPTH_MAX})");
    match cut.strip_prefix("budget breached: ") {
        None if cut.starts_with("recursion limit") => deep(),
        None if cut.starts_with("alias replay limit") => {
            format!("its aliases unfold to more parts than the limit yaml_aliases ({ALIASED_MAX})")
        }
        None => cut.to_owned(),
        Some(limit) if limit.starts_with("Documents") => "it holds several documents, but one is read".to_owned(),
        Some(limit) if limit.starts_with("Depth") => deep(),
        Some(limit) if limit.starts_with("Nodes") => {
            format!("it holds more values than the limit yaml_nodes ({NODES_MAX})")
        }
        Some(limit) => format!("it breaks the limit {}", limit.split([' ', '{']).next().unwrap_or(limit)),
    }
}

/// What to do at a limit that no setting raises.
pub(super) fn fixed(message: &str) -> Option<String> {
    let todo = match message {
        unfolded if unfolded.contains("aliases unfold") => "use fewer aliases of aliases; this limit is fixed",
        deep if deep.contains("the limit yaml_depth") => "write it with less nesting; this limit is fixed",
        many if many.contains("the limit yaml_nodes") => "split the file; this limit is fixed",
        other if other.contains("it breaks the limit") => {
            "split the file, or use fewer anchors and aliases; this limit is fixed"
        }
        _ => return None,
    };
    Some(todo.to_owned())
}

/// Common slips whose message from the reader does not tell what to do.
pub(super) fn advice(text: &str, line: Option<u64>) -> Option<String> {
    let line = text.lines().nth(usize::try_from(line?.checked_sub(1)?).ok()?)?;
    if line.contains("{{") || line.contains("${{") {
        return Some("put an expression in quotes where it stands inside { } or [ ]".to_owned());
    }
    if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
        return Some("indent with spaces; YAML does not take tabs".to_owned());
    }
    if line.matches(": ").count() > 1 && !line.contains('{') {
        return Some("put a text that contains ': ' in quotes".to_owned());
    }
    None
}
