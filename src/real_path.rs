//! The path of a file without links, for files that need not exist yet: two names of one file are equal.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links are resolved as far as the path exists, and the rest is normalized.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    let real = |above: &Path| fs::canonicalize(if above.as_os_str().is_empty() { Path::new(".") } else { above });
    let known = path.ancestors().find_map(|above| Some((above, real(above).ok()?)));
    known.map_or_else(|| plain(path), |(above, real)| plain(&real.join(path.strip_prefix(above).unwrap_or(path))))
}

/// A normalized path, so that `./out/a.csv` and `out/a.csv` are the same file.
pub(crate) fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
        plain
    })
}
