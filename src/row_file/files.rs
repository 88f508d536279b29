//! The files that a path or a pattern names.

use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use walkdir::{DirEntry, WalkDir};

use super::text_source::unread_file;
use crate::error::{Error, ErrorKind, Result};
use crate::real_path::real_path;

/// The folder of opnode's own state.
const STATE_FOLDER: &str = ".opnode";

const RULES: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files of a path or a pattern (`*`, `?`, `[…]`, `**`), relative to a folder, in the order of their names. A
/// wildcard matches no hidden name. Files in a state folder are left out, and links to folders are not followed.
///
/// # Errors
/// `invalid_options` for an invalid pattern; `state` when no file matches, or a folder cannot be read.
pub(crate) fn files_of(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let none = || {
        let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.display();
        Error::new(ErrorKind::State, format!("no file matches `{pattern}` in {shown}"))
            .advise("check the path; it is relative to that folder")
    };
    let plain = folder.join(pattern);
    if is_state(Path::new(pattern)) {
        return Err(none());
    }
    // A name may contain the characters of a pattern.
    if plain.is_file() {
        return Ok(vec![plain]);
    }
    let rule = Pattern::new(pattern).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("`{pattern}` is not a pattern: {} at {}", e.msg, e.pos + 1))
            .advise("use *, ?, [a-z] and **/, and [*] for a literal star")
    })?;
    let parts: Vec<Component<'_>> = Path::new(pattern).components().collect();
    let fixed = parts.iter().take_while(|part| !is_wild(part)).count().min(parts.len().saturating_sub(1));
    let (start, rest): (PathBuf, &[Component<'_>]) =
        (parts.iter().take(fixed).collect(), parts.get(fixed..).unwrap_or_default());
    let root = folder.join(&start);
    if !root.is_dir() {
        return Err(none());
    }
    let depth = if rest.iter().any(|part| part.as_os_str() == "**") { usize::MAX } else { rest.len() };
    let sees_hidden = rest.iter().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    let mut files = Vec::new();
    let walk = WalkDir::new(&root).min_depth(1).max_depth(depth).into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || is_searched(entry, sees_hidden)) {
        let entry = entry.map_err(|e| unread(&root, e))?;
        let own = start.join(entry.path().strip_prefix(&root).unwrap_or(entry.path()));
        if rule.matches_path_with(&own, RULES) && entry.path().is_file() {
            files.push(folder.join(own));
        }
    }
    files.sort();
    if files.is_empty() { Err(none()) } else { Ok(files) }
}

/// A path or a pattern, to ask whether it names a file that need not exist.
pub(crate) struct FilePattern(Pattern);

impl FilePattern {
    /// `None` for an invalid pattern.
    pub(crate) fn of(pattern: &str, folder: &Path) -> Option<FilePattern> {
        let parts: Vec<Component<'_>> = Path::new(pattern).components().collect();
        let fixed = parts.iter().take_while(|part| !is_wild(part)).count();
        let start = real_path(&folder.join(parts.iter().take(fixed).collect::<PathBuf>()));
        let start = Pattern::escape(&start.to_string_lossy());
        let rest: PathBuf = parts.iter().skip(fixed).collect();
        let whole = if rest.as_os_str().is_empty() { start } else { format!("{start}/{}", rest.to_string_lossy()) };
        Pattern::new(&whole).ok().map(FilePattern)
    }

    /// Whether it names a file, whose path has no links.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        self.0.matches_path_with(path, RULES)
    }
}

fn is_searched(entry: &DirEntry, sees_hidden: bool) -> bool {
    let name = entry.file_name();
    name != STATE_FOLDER && (sees_hidden || !name.to_string_lossy().starts_with('.'))
}

fn is_wild(part: &Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if name.to_string_lossy().contains(['*', '?', '[']))
}

fn is_state(path: &Path) -> bool {
    path.components().any(|part| part == Component::Normal(STATE_FOLDER.as_ref()))
}

fn unread(root: &Path, cause: walkdir::Error) -> Error {
    let path = cause.path().unwrap_or(root).display().to_string();
    unread_file(&path, &cause.into())
}
