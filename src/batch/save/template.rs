//! Paths whose names depend on the row: each row has the file of its value. Values become safe names.

use std::path::{Path, PathBuf};

use crate::batch::save_plan::is_of_row;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::{Expr, Piece, Scope, Shape};
use crate::real_path::real_path;

/// The file in the folder of all files of a path that is locked while they are written.
pub(super) const LOCK: &str = ".opnode-partition";
/// The longest name in bytes: systems allow 255, and the temporary file has a longer one.
const NAME_MAX: usize = 240;

/// A path. Its last names may depend on the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::batch) struct PathTemplate {
    root: PathBuf,
    names: Vec<Vec<NamePiece>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NamePiece {
    Literal(String),
    OfRow(Expr),
}

/// A name as far as it is known without rows.
struct KnownName {
    start: String,
    end: String,
    is_whole: bool,
}

impl PathTemplate {
    /// A path that does not depend on the row.
    pub(in crate::batch) fn fixed(path: PathBuf) -> PathTemplate {
        PathTemplate { root: path, names: Vec::new() }
    }

    /// # Errors
    /// Those of expressions; `definition` for a path that names no file.
    pub(super) fn of(to: &Shape, scope: &Scope, folder: &Path) -> Result<PathTemplate> {
        let whole;
        let pieces = match to {
            Shape::Text(pieces) => pieces.as_slice(),
            Shape::Value(expr) => {
                whole = [Piece::Value(expr.clone())];
                whole.as_slice()
            }
            Shape::Fixed(_) | Shape::List(_) | Shape::Map(_) => {
                whole = [Piece::Literal(to.plain(scope)?)];
                whole.as_slice()
            }
        };
        let (mut fixed, mut names) = (String::new(), Vec::<Vec<NamePiece>>::new());
        for piece in pieces {
            let text = match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Value(expr) if !is_of_row(expr) => expr.within_text(scope)?,
                Piece::Value(expr) => {
                    if names.is_empty() {
                        let start = fixed.rfind('/').map_or(0, |at| at + 1);
                        names.push(vec![NamePiece::Literal(fixed.split_off(start))]);
                    }
                    names.last_mut().into_iter().for_each(|name| name.push(NamePiece::OfRow(expr.clone())));
                    continue;
                }
            };
            let mut parts = text.split('/');
            match names.last_mut() {
                None => fixed.push_str(&text),
                Some(name) => {
                    name.extend(parts.next().map(|part| NamePiece::Literal(part.to_owned())));
                    names.extend(parts.map(|part| vec![NamePiece::Literal(part.to_owned())]));
                }
            }
        }
        let template = PathTemplate { root: folder.join(fixed), names };
        template.check().map(|()| template)
    }

    fn check(&self) -> Result<()> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::Definition, message));
        for name in self.names.iter().map(|name| known(name)).filter(|name| name.is_whole) {
            match name.start.as_str() {
                ".." => return wrong("`..` after a value of the row is not a part of a path"),
                "." | "" => return wrong("a name after a value of the row is empty"),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder of all its files.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Its name, with another start if that depends on the row.
    pub(super) fn last_name(&self) -> Option<PathBuf> {
        let name = match self.names.last() {
            None => self.root.clone(),
            Some(name) => {
                let KnownName { start, end, is_whole } = known(name);
                PathBuf::from(if is_whole { start } else { format!("x{end}") })
            }
        };
        name.file_name().map(PathBuf::from)
    }

    /// The path of a row's file.
    ///
    /// # Errors
    /// `invalid_items` for a value that is no name: null, empty, too long, a list or an object.
    pub(super) fn path(&self, of_row: &Scope) -> Result<PathBuf> {
        let mut path = self.root.clone();
        for pieces in &self.names {
            let mut name = String::new();
            for piece in pieces {
                match piece {
                    NamePiece::Literal(text) => name.push_str(text),
                    NamePiece::OfRow(expr) => name.push_str(&safe_name(&value(expr, of_row)?)),
                }
            }
            if name.len() > NAME_MAX {
                let start: String = name.chars().take(40).collect();
                return Err(unfit(format!("the name `{start}…` has {} bytes, and {NAME_MAX} are allowed", name.len()))
                    .advise("use a shorter value in the path"));
            }
            path.push(name);
        }
        Ok(path)
    }

    /// Whether a row may have this file, or the other has it for a row. Both are without links.
    pub(in crate::batch) fn may_be(&self, other: &PathTemplate) -> bool {
        let (own, other) = (self.known_names(), other.known_names());
        own.len() == other.len() && own.iter().zip(&other).all(|(a, b)| a.may_be(b))
    }

    /// The same without links.
    pub(in crate::batch) fn real(&self) -> PathTemplate {
        PathTemplate { root: real_path(&self.root), names: self.names.clone() }
    }

    fn known_names(&self) -> Vec<KnownName> {
        let literal = |part: std::path::Component<'_>| KnownName {
            start: part.as_os_str().to_string_lossy().into_owned(),
            end: String::new(),
            is_whole: true,
        };
        self.root.components().map(literal).chain(self.names.iter().map(|name| known(name))).collect()
    }
}

impl KnownName {
    fn may_be(&self, other: &KnownName) -> bool {
        let fits = |name: &str, of_row: &KnownName| {
            name.len() > of_row.start.len() + of_row.end.len()
                && name.starts_with(&of_row.start)
                && name.ends_with(&of_row.end)
        };
        match (self.is_whole, other.is_whole) {
            (true, true) => self.start == other.start,
            (true, false) => fits(&self.start, other),
            (false, true) => fits(&other.start, self),
            (false, false) => {
                (self.start.starts_with(&other.start) || other.start.starts_with(&self.start))
                    && (self.end.ends_with(&other.end) || other.end.ends_with(&self.end))
            }
        }
    }
}

/// The literal start and end of a name.
fn known(pieces: &[NamePiece]) -> KnownName {
    let (mut start, mut end, mut is_whole) = (String::new(), String::new(), true);
    for piece in pieces {
        match piece {
            NamePiece::OfRow(_) => {
                is_whole = false;
                end.clear();
            }
            NamePiece::Literal(text) if is_whole => start.push_str(text),
            NamePiece::Literal(text) => end.push_str(text),
        }
    }
    KnownName { start, end, is_whole }
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::InvalidItems, message)
}

/// The value of an expression as text.
fn value(expr: &Expr, of_row: &Scope) -> Result<String> {
    let shown = expr.source();
    let json = expr.json(of_row)?;
    let what = match json.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(&json).map_err(|e| unfit(format!("`{shown}` is not text: {e}")))?;
            match text.is_empty() {
                true => "empty",
                false => return Ok(text),
            }
        }
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b'n') | None => "null",
        Some(_) => return Ok(json),
    };
    Err(unfit(format!("`{shown}` is {what}, and cannot be a part of a path"))
        .advise("replace such values, as in ${{ item.site | default('none', true) }}"))
}

/// A value as a part of a name. Characters that separate names, or that a system refuses, are written as %XX, and so are
/// `%` itself, a dot at the start, and a dot or space at the end: different values have different names.
pub(super) fn safe_name(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut name = String::with_capacity(value.len());
    for (index, c) in value.chars().enumerate() {
        let is_edge = (index == 0 && c == '.') || (index == last && matches!(c, '.' | ' '));
        if is_edge || c.is_control() || r#"/\:*?"<>|%"#.contains(c) {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| name.push_str(&format!("%{byte:02X}")));
        } else {
            name.push(c);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{NAME_MAX, PathTemplate, safe_name};
    use crate::expression::{Scope, Shape};

    fn template(to: &str) -> PathTemplate {
        PathTemplate::of(&Shape::text(to).unwrap(), &Scope::default(), Path::new("/f")).unwrap()
    }

    #[test]
    fn values_become_safe_names() {
        for (value, name) in [
            ("Bern", "Bern"),
            ("a/b", "a%2Fb"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            (".hidden", "%2Ehidden"),
            ("a.b", "a.b"),
            ("a.", "a%2E"),
            ("50%", "50%25"),
            ("a%2Fb", "a%252Fb"),
            ("a\u{0}b\n", "a%00b%0A"),
            ("C:\\x", "C%3A%5Cx"),
            ("Zürich", "Zürich"),
            ("x ", "x%20"),
        ] {
            assert_eq!(safe_name(value), name, "{value:?}");
        }
    }

    #[test]
    fn rows_have_the_files_of_their_values() {
        let of = |to: &str, row: &str| template(to).path(&Scope::default().with_item(row, 7));
        let path = |to: &str, row: &str| of(to, row).unwrap().display().to_string();
        assert_eq!(path("out/${{ item.a }}/m.csv", r#"{"a":"x/y"}"#), "/f/out/x%2Fy/m.csv");
        assert_eq!(path("out/p-${{ item.a }}.csv", r#"{"a":12.50}"#), "/f/out/p-12.50.csv");
        assert_eq!(path("${{ item.a }}-${{ index }}.csv", r#"{"a":".."}"#), "/f/%2E%2E-7.csv");
        assert_eq!(path("/abs/${{ item.a }}", r#"{"a":true}"#), "/abs/true");
        let long = format!(r#"{{"a":"{}"}}"#, "é".repeat(NAME_MAX / 2 + 1));
        for (row, why) in [
            (r#"{"a":null}"#, "`item.a` is null"),
            (r"{}", "`item.a` is null"),
            (r#"{"a":""}"#, "`item.a` is empty"),
            (r#"{"a":["x"]}"#, "`item.a` is a list"),
            (r#"{"a":{}}"#, "`item.a` is an object"),
            (long.as_str(), "bytes, and 240 are allowed"),
        ] {
            let error = of("out/${{ item.a }}/m.csv", row).unwrap_err();
            assert!(error.message.contains(why), "{row}: {error}");
        }
    }

    #[test]
    fn extensions_and_common_files_are_known_without_rows() {
        for (to, extension) in [
            ("a.csv", Some("csv")),
            ("out/${{ item.a }}.tsv", Some("tsv")),
            ("${{ item.a }}/m.json", Some("json")),
            ("${{ item.a }}", None),
            ("a.${{ item.a }}", None),
        ] {
            let name = template(to).last_name().unwrap();
            assert_eq!(name.extension().and_then(|e| e.to_str()), extension, "{to}");
        }
        for (a, b, may_be) in [
            ("a.csv", "a.csv", true),
            ("a.csv", "b.csv", false),
            ("out/${{ item.a }}.csv", "out/x.csv", true),
            ("out/${{ item.a }}.csv", "out/.csv", false),
            ("out/${{ item.a }}.csv", "out/x.json", false),
            ("out/${{ item.a }}.csv", "out/x/y.csv", false),
            ("out/${{ item.a }}/m.csv", "out/${{ item.b }}/m.csv", true),
            ("out/${{ item.a }}/m.csv", "out/${{ item.b }}/n.csv", false),
            ("out/a-${{ item.a }}.csv", "out/b-${{ item.a }}.csv", false),
            ("out/a-${{ item.a }}.csv", "out/${{ item.a }}.csv", true),
        ] {
            assert_eq!(template(a).may_be(&template(b)), may_be, "{a} {b}");
            assert_eq!(template(b).may_be(&template(a)), may_be, "{b} {a}");
        }
        let refused = |to: &str| {
            let to = Shape::text(to).unwrap();
            PathTemplate::of(&to, &Scope::default(), Path::new("/f")).unwrap_err().message.clone()
        };
        assert!(refused("${{ item.a }}/../x.csv").contains("`..`"));
        assert!(refused("${{ item.a }}/").contains("empty"));
    }
}
