//! What an expression reads and passes on, known from its tree without evaluation.

use super::library::call::{Arguments, ToolKind};
use super::tree::{ExprComparison, ExprLiteral, ExprNode, NodeKind};

/// A value that comes from a path.
struct ReadSource {
    path: Vec<String>,
    /// It is a list, and the path is that of its elements.
    is_list: bool,
}

/// Filters that keep a list's elements unchanged.
const KEEPING: [&str; 8] = ["selectattr", "rejectattr", "select", "reject", "sort", "unique", "list", "reverse"];

/// Filters that give one of a list's elements.
const CHOOSING: [&str; 2] = ["first", "last"];

/// The path of an expression that is only a path: `a.b`, `a[0]`, `a['b c']`.
pub(super) fn path(node: &ExprNode) -> Option<Vec<String>> {
    match &node.kind {
        NodeKind::Name(name) => Some(vec![name.clone()]),
        NodeKind::Field { of, name, .. } => extended(path(of)?, name),
        NodeKind::Index { of, key, .. } => extended(path(of)?, &literal_key(key)?),
        _ => None,
    }
}

fn extended(mut path: Vec<String>, name: &str) -> Option<Vec<String>> {
    path.push(name.to_owned());
    Some(path)
}

fn literal_key(key: &ExprNode) -> Option<String> {
    match &key.kind {
        NodeKind::Literal(ExprLiteral::Text(text)) => Some(text.to_string()),
        NodeKind::Literal(ExprLiteral::Number(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.to_string())
        }
        _ => None,
    }
}

/// The paths that an expression reads, such as `item.a['b c'][0]`; for filters that name a field of a list's elements,
/// with `*` for the element.
pub(super) fn paths(node: &ExprNode) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let source = walk(node, &mut found);
    finish(source, &mut found);
    found
}

fn finish(source: Option<ReadSource>, found: &mut Vec<Vec<String>>) {
    let Some(mut source) = source else { return };
    if source.path.last().is_some_and(|last| last == "*") {
        source.path.pop();
    }
    if !found.contains(&source.path) {
        found.push(source.path);
    }
}

/// Adds the paths that a part reads; the path of its own value, if it has one, is left to the caller.
fn walk(node: &ExprNode, found: &mut Vec<Vec<String>>) -> Option<ReadSource> {
    match &node.kind {
        NodeKind::Name(name) => Some(ReadSource { path: vec![name.clone()], is_list: false }),
        NodeKind::Field { of, name, .. } => {
            let source = walk(of, found)?;
            below(source, name, found)
        }
        NodeKind::Index { of, key, .. } => {
            let source = walk(of, found);
            match (literal_key(key), source) {
                (Some(key), Some(source)) => below(source, &key, found),
                (_, source) => {
                    finish(source, found);
                    let key = walk(key, found);
                    finish(key, found);
                    None
                }
            }
        }
        NodeKind::Slice { of, bounds } => {
            let source = walk(of, found);
            for bound in bounds.iter().flatten() {
                let read = walk(bound, found);
                finish(read, found);
            }
            source
        }
        NodeKind::Call { kind: ToolKind::Filter, tool, of: Some(of), args } => {
            let source = walk(of, found);
            let source = source.and_then(|source| filtered(tool.name, source, args, found));
            for arg in args.all() {
                let read = walk(arg, found);
                finish(read, found);
            }
            source
        }
        NodeKind::Call { kind: ToolKind::Function, tool, args, .. } if tool.name.starts_with("lookup") => {
            looked_up(args, tool.name == "lookup_all", found)
        }
        _ => {
            for part in node.children() {
                let read = walk(part, found);
                finish(read, found);
            }
            None
        }
    }
}

/// A field of a value, or an element of a list.
fn below(mut source: ReadSource, name: &str, found: &mut Vec<Vec<String>>) -> Option<ReadSource> {
    if source.is_list {
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return Some(ReadSource { is_list: false, ..source });
        }
        finish(Some(source), found);
        return None;
    }
    source.path.push(name.to_owned());
    Some(source)
}

/// The elements of a list.
fn elements(mut source: ReadSource) -> ReadSource {
    if !source.is_list {
        source.path.push("*".to_owned());
    }
    ReadSource { is_list: true, ..source }
}

/// The text of an argument.
fn text_of(args: &Arguments<ExprNode>, at: usize) -> Option<&str> {
    text_in(args.slots.get(at)?.as_ref()?)
}

fn text_in(node: &ExprNode) -> Option<&str> {
    match &node.kind {
        NodeKind::Literal(ExprLiteral::Text(text)) => Some(text),
        _ => None,
    }
}

/// The field of the elements that a filter names.
fn attribute<'n>(name: &str, args: &'n Arguments<ExprNode>) -> Option<&'n str> {
    let named = args.named.iter().find(|(name, _)| name == "attribute").and_then(|(_, node)| text_in(node));
    match name {
        "selectattr" | "rejectattr" | "groupby" | "unique" | "sort" | "sum" | "min" | "max" | "avg" => text_of(args, 0),
        "join" => text_of(args, 1),
        "map" if text_of(args, 0) == Some("attr") => args.rest.first().and_then(text_in),
        "map" => named,
        _ => None,
    }
}

/// The value after a filter.
fn filtered(
    name: &str,
    source: ReadSource,
    args: &Arguments<ExprNode>,
    found: &mut Vec<Vec<String>>,
) -> Option<ReadSource> {
    let names = attribute(name, args);
    if name == "attr" {
        return match text_of(args, 0) {
            Some(field) => below(source, field, found),
            None => {
                finish(Some(source), found);
                None
            }
        };
    }
    let is_chosen = CHOOSING.contains(&name);
    if names.is_none() && !is_chosen && !KEEPING.contains(&name) {
        finish(Some(source), found);
        return None;
    }
    let list = elements(source);
    if is_chosen {
        return Some(ReadSource { is_list: false, ..list });
    }
    let at = |field: &str| list.path.iter().map(String::as_str).chain(field.split('.')).map(str::to_owned).collect();
    if name == "map" {
        return Some(ReadSource { path: at(names.unwrap_or_default()), is_list: true });
    }
    for field in names.into_iter().flat_map(|names| names.split(',')) {
        finish(Some(ReadSource { path: at(field.trim().trim_start_matches('-')), is_list: false }), found);
    }
    if KEEPING.contains(&name) {
        return Some(list);
    }
    finish(Some(list), found);
    None
}

/// `lookup(rows, 'field', key)`: one of the rows.
fn looked_up(args: &Arguments<ExprNode>, is_list: bool, found: &mut Vec<Vec<String>>) -> Option<ReadSource> {
    let rows = args.slots.first().and_then(Option::as_ref).and_then(|rows| walk(rows, found)).map(elements);
    for arg in args.slots.iter().skip(1).flatten() {
        let read = walk(arg, found);
        finish(read, found);
    }
    let rows = rows?;
    if let Some(field) = text_of(args, 1) {
        let path = rows.path.iter().map(String::as_str).chain(field.split('.')).map(str::to_owned).collect();
        finish(Some(ReadSource { path, is_list: false }), found);
    }
    Some(ReadSource { is_list, ..rows })
}

/// The ids of the steps whose rows an expression passes on, if it only selects and sorts them.
pub(super) fn handed_on(node: &ExprNode) -> Option<Vec<String>> {
    let steps = rows_of(node)?;
    (!steps.is_empty()).then_some(steps)
}

fn rows_of(node: &ExprNode) -> Option<Vec<String>> {
    let both = |a: &ExprNode, b: &ExprNode| {
        let mut all = rows_of(a)?;
        all.extend(rows_of(b)?);
        Some(all)
    };
    match &node.kind {
        NodeKind::Field { .. } | NodeKind::Index { .. } => match path(node)?.as_slice() {
            [root, id, items] if root == "steps" && items == "items" => Some(vec![id.clone()]),
            _ => None,
        },
        NodeKind::List(list) if list.is_empty() => Some(Vec::new()),
        NodeKind::Slice { of, .. } => rows_of(of),
        NodeKind::Call { tool, of: Some(of), .. } if KEEPING.contains(&tool.name) => rows_of(of),
        NodeKind::Call { tool, args, .. } if tool.name == "lookup_all" => rows_of(args.slots.first()?.as_ref()?),
        NodeKind::Calculate(super::number::Arithmetic::Add, a, b) => both(a, b),
        NodeKind::If { value, otherwise: Some(otherwise), .. } => both(value, otherwise),
        _ => None,
    }
}

/// Whether null is written out as one of the values, and not only in a comparison.
pub(super) fn names_null(node: &ExprNode) -> bool {
    let is_null = |node: &ExprNode| matches!(node.kind, NodeKind::Literal(ExprLiteral::Null));
    match &node.kind {
        NodeKind::Literal(ExprLiteral::Null) => true,
        NodeKind::Compare(ExprComparison::Equal | ExprComparison::NotEqual, a, b) => {
            [a, b].into_iter().any(|side| !is_null(side) && names_null(side))
        }
        _ => node.children().into_iter().any(names_null),
    }
}
