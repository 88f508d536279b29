//! Batch files near a folder of definitions, which a newer description may make invalid.

use std::path::{Path, PathBuf};

use crate::authoring::Format;
use crate::cli::app::App;
use crate::cli::check::{batch_files, classify};
use crate::definition::Catalog;
use crate::durable;
use crate::error::Fault;

/// How deep folders are looked into, and how many files at most.
const DEPTH_MAX: usize = 2;
const FILES_MAX: usize = 500;

/// The faults of batch files in the folder that has the folder of definitions, and below it.
pub(super) fn faults(app: &App, base: &Path, catalog: Catalog) -> Vec<Fault> {
    let real = std::fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    let mut found = Vec::new();
    collect(durable::folder(&real), &real, 0, &mut found);
    let batches: Vec<_> =
        found.iter().filter_map(|path| classify(path).ok()).filter(|file| file.format == Format::Batch).collect();
    if batches.is_empty() { Vec::new() } else { batch_files(app, catalog, &batches) }
}

fn collect(folder: &Path, definitions: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if found.len() >= FILES_MAX || is_hidden || path == definitions || path.is_symlink() {
            continue;
        }
        if path.is_dir() && depth < DEPTH_MAX {
            collect(&path, definitions, depth + 1, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}
