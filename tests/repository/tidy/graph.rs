//! The import graph of the source files, read from `use` lines and paths.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module path below the crate, such as `["batch", "plan"]`.
type Module = Vec<String>;

/// The files of `src/`, and the files that each imports.
pub struct Graph {
    files: BTreeMap<Module, String>,
    /// The names below `crate::` in each file.
    named: Vec<(Module, Vec<String>)>,
    arrows: BTreeMap<Module, BTreeSet<Module>>,
}

/// The imports of a file.
struct Source {
    /// Paths, and whether each is only re-exported (`pub use`).
    paths: Vec<(Vec<String>, bool)>,
    /// Re-exported names with their paths.
    handed_on: BTreeMap<String, Vec<String>>,
}

impl Graph {
    pub fn read(src: &Path, sources: &[PathBuf]) -> Graph {
        let mut files = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for file in sources {
            let name = file.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
            let mut module: Module = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
                module.pop();
            }
            if name != "main.rs" && !name.ends_with("/tests.rs") {
                texts.insert(module.clone(), code(&std::fs::read_to_string(file).unwrap()));
                files.insert(module, name);
            }
        }
        let sources: BTreeMap<Module, Source> =
            texts.iter().map(|(module, text)| (module.clone(), source(module, text, &files))).collect();
        let mut arrows: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, source) in &sources {
            for (path, is_handed_on) in &source.paths {
                let Some(to) = resolve(module, path, &files, &sources, 0) else { continue };
                // A `mod.rs` that re-exports what its files define does not import them.
                let is_face = *is_handed_on && to.starts_with(module);
                if to != *module && files.contains_key(&to) && !is_face {
                    arrows.entry(module.clone()).or_default().insert(to);
                }
            }
        }
        let named = sources.iter().flat_map(|(module, source)| {
            let paths = source.paths.iter().filter(|(path, _)| path.first().is_some_and(|first| first == "crate"));
            paths.map(|(path, _)| (module.clone(), path[1..].to_vec()))
        });
        Graph { named: named.collect(), files, arrows }
    }

    /// Paths below `crate::` with the file that contains each.
    pub fn crate_paths(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.named.iter().map(|(module, path)| (self.files[module].as_str(), path.as_slice()))
    }

    /// Imports between modules, which are the first folder or file below `src/`: file and module of both sides.
    pub fn between_rooms(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.arrows.iter().flat_map(move |(from, all)| {
            let file = self.files[from].as_str();
            let (own, to) = (from.first().map_or("lib", String::as_str), all.iter());
            to.filter_map(move |to| {
                let room = to.first().map_or("lib", String::as_str);
                (room != own).then_some((file, own, room))
            })
        })
    }

    /// Files that import each other in a cycle; each cycle once.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let mut all: Vec<Vec<&str>> = Vec::new();
        for start in self.files.keys() {
            let there = self.reached(start);
            let circle: Vec<&str> = there
                .iter()
                .filter(|other| self.reached(other).contains(start))
                .map(|module| self.files[*module].as_str())
                .collect();
            if circle.len() > 1 && !all.contains(&circle) {
                all.push(circle);
            }
        }
        all
    }

    fn reached<'g>(&'g self, start: &Module) -> BTreeSet<&'g Module> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Module> = self.arrows.get(start).into_iter().flatten().collect();
        while let Some(module) = open.pop() {
            if found.insert(module) {
                open.extend(self.arrows.get(module).into_iter().flatten());
            }
        }
        found
    }
}

/// The code of a file without comments, texts and its own tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut out = String::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap();
        let mut parts = line.split('"');
        out.push_str(parts.next().unwrap());
        // Every second part is a text.
        parts.skip(1).step_by(2).for_each(|part| out.push_str(part));
        out.push('\n');
    }
    out
}

fn source(module: &Module, text: &str, files: &BTreeMap<Module, String>) -> Source {
    let mut source = Source { paths: Vec::new(), handed_on: BTreeMap::new() };
    let mut rest = String::new();
    let mut words = text;
    while let Some(at) = find_use(words) {
        let (before, after) = words.split_at(at);
        rest.push_str(before);
        let is_handed_on = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
        let (tree, behind) = after["use ".len()..].split_once(';').unwrap_or((after, ""));
        for path in expand(&[], tree) {
            if is_handed_on && let Some(name) = path.last() {
                source.handed_on.insert(name.clone(), path.clone());
            }
            source.paths.push((path, is_handed_on));
        }
        words = behind;
    }
    rest.push_str(words);
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    // A visibility is not an import of the module that it names.
    let rest = rest.replace("pub(in crate::", "pub(in ");
    for path in rest.split(|c: char| !is_name(c)).filter(|path| path.contains("::")) {
        let path: Vec<String> = path.split("::").filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let is_child = path.first().is_some_and(|first| files.contains_key(&child(module, first)));
        if is_child || matches!(path.first().map(String::as_str), Some("crate" | "super" | "self")) {
            source.paths.push((path, false));
        }
    }
    source
}

fn find_use(text: &str) -> Option<usize> {
    text.match_indices("use ").map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || c == ')')
    })
}

/// The paths of a tree such as `a::{b, c::d}`.
fn expand(prefix: &[String], tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let parts = |text: &str| -> Vec<String> {
        text.split("::").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
    };
    let Some((head, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        let whole: Vec<String> = prefix.iter().cloned().chain(parts(path)).collect();
        return if tree.is_empty() { Vec::new() } else { vec![whole] };
    };
    let prefix: Vec<String> = prefix.iter().cloned().chain(parts(head)).collect();
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut start, mut all) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.extend(expand(&prefix, &inner[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    all.extend(expand(&prefix, &inner[start..]));
    all
}

fn child(module: &Module, name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The module of a path; a re-exported name leads to its definition.
fn resolve(
    module: &Module,
    path: &[String],
    files: &BTreeMap<Module, String>,
    sources: &BTreeMap<Module, Source>,
    depth: usize,
) -> Option<Module> {
    let mut path = path;
    let mut at: Module = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.clone(),
        first if files.contains_key(&child(module, first)) => module.clone(),
        _ => return None,
    };
    while let Some(first @ ("crate" | "self" | "super")) = path.first().map(String::as_str) {
        if first == "super" {
            at.pop();
        }
        path = &path[1..];
    }
    while let Some(name) = path.first()
        && files.contains_key(&child(&at, name))
    {
        at.push(name.clone());
        path = &path[1..];
    }
    let handed_on = path.first().and_then(|name| sources.get(&at)?.handed_on.get(name));
    match handed_on {
        Some(to) if depth < 6 => {
            let whole: Vec<String> = to.iter().chain(path.iter().skip(1)).cloned().collect();
            resolve(&at, &whole, files, sources, depth + 1).or(Some(at))
        }
        _ => Some(at),
    }
}
