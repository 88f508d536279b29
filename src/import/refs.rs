//! A document with the files that it refers to, and its `$ref`s. Pure: files are read by a function.

use std::collections::{BTreeMap, HashSet};

use super::value::Doc;
use crate::json_pointer::unescape;

/// Reads a file by its path below the folder of the document.
pub(crate) type ReadFile<'r> = &'r dyn Fn(&str) -> Result<String, String>;

/// The document and its files by path; the document's own is empty.
pub(crate) struct Files {
    files: BTreeMap<String, Doc>,
    /// Files that could not be used, and why.
    pub(crate) missing: Vec<(String, String)>,
}

/// A value, and the file that it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'f> {
    pub(crate) file: &'f str,
    pub(crate) doc: &'f Doc,
}

/// How many references may follow each other.
const CHAIN_MAX: usize = 64;
/// How many files a document may have.
const FILES_MAX: usize = 5_000;

impl Files {
    /// The document and all files to which it refers.
    pub(crate) fn load(root: Doc, read: ReadFile<'_>) -> Files {
        let mut files = BTreeMap::new();
        let mut missing: Vec<(String, String)> = Vec::new();
        let mut open = vec![String::new()];
        files.insert(String::new(), root);
        while let Some(name) = open.pop() {
            let mut wanted = Vec::new();
            if let Some(doc) = files.get(&name) {
                external(doc, &mut wanted);
            }
            for target in wanted {
                let path = match joined(&name, &target) {
                    Ok(path) => path,
                    Err(why) => {
                        missing.push((target, why));
                        continue;
                    }
                };
                if files.contains_key(&path) || missing.iter().any(|(known, _)| *known == path) {
                    continue;
                }
                if files.len() >= FILES_MAX {
                    missing.push((path, format!("the document has more than {FILES_MAX} files")));
                    continue;
                }
                match read(&path).and_then(|text| Doc::read(&text)) {
                    Ok(doc) => {
                        files.insert(path.clone(), doc);
                        open.push(path);
                    }
                    Err(why) => missing.push((path, why)),
                }
            }
        }
        missing.sort();
        missing.dedup();
        Files { files, missing }
    }

    pub(crate) fn root(&self) -> Spot<'_> {
        self.file("").unwrap_or(Spot { file: "", doc: &Doc::Null })
    }

    fn file(&self, path: &str) -> Option<Spot<'_>> {
        self.files.get_key_value(path).map(|(file, doc)| Spot { file, doc })
    }

    /// Where a reference leads, one step.
    pub(crate) fn target<'f>(&'f self, from: &str, reference: &str) -> Result<Spot<'f>, String> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let path = if file.is_empty() { from.to_owned() } else { joined(from, file)? };
        let lost = || format!("the reference {reference} leads nowhere");
        let start = self.file(&path).ok_or_else(lost)?;
        let found = pointer.split('/').filter(|token| !token.is_empty()).try_fold(start.doc, |doc, token| {
            let decoded = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
            let name = unescape(&decoded);
            match doc {
                Doc::List(list) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
                _ => doc.get(&name).or_else(|| doc.get(token)),
            }
        });
        found.map(|doc| Spot { file: start.file, doc }).ok_or_else(lost)
    }

    /// The value itself, after its references.
    pub(crate) fn resolve<'f>(&'f self, spot: Spot<'f>) -> Result<Spot<'f>, String> {
        let mut at = spot;
        let mut seen = HashSet::new();
        while let Some(reference) = at.doc.get("$ref").and_then(Doc::text) {
            if !seen.insert((at.file, reference)) || seen.len() > CHAIN_MAX {
                return Err(format!("the reference {reference} leads to itself"));
            }
            at = self.target(at.file, reference)?;
        }
        Ok(at)
    }
}

impl<'f> Spot<'f> {
    /// A child as it is written.
    pub(crate) fn get(self, key: &str) -> Option<Spot<'f>> {
        self.doc.get(key).map(|doc| self.with(doc))
    }

    /// Another value of the same file.
    pub(crate) fn with(self, doc: &'f Doc) -> Spot<'f> {
        Spot { file: self.file, doc }
    }

    pub(crate) fn fields(self) -> impl Iterator<Item = (&'f str, Spot<'f>)> {
        self.doc.fields().map(move |(key, doc)| (key, self.with(doc)))
    }

    pub(crate) fn list(self) -> impl Iterator<Item = Spot<'f>> {
        self.doc.list().iter().map(move |doc| self.with(doc))
    }
}

/// The files to which a document refers.
fn external(doc: &Doc, found: &mut Vec<String>) {
    match doc {
        Doc::List(list) => list.iter().for_each(|value| external(value, found)),
        Doc::Map(fields) => {
            for (key, value) in fields {
                match value {
                    Doc::Text(target) if key == "$ref" => {
                        let file = target.split('#').next().unwrap_or_default();
                        if !file.is_empty() && !found.iter().any(|known| known == file) {
                            found.push(file.to_owned());
                        }
                    }
                    // What they contain are no references.
                    _ if matches!(key.as_str(), "example" | "examples") => {}
                    other => external(other, found),
                }
            }
        }
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => {}
    }
}

/// The path of a file as seen from another, which must stay below the folder of the document.
fn joined(from: &str, target: &str) -> Result<String, String> {
    if target.contains("://") || target.starts_with("//") {
        return Err("addresses are not fetched; download the file and refer to it by its path".to_owned());
    }
    let outside = || "only files below the folder of the document are read".to_owned();
    if target.starts_with(['/', '\\', '~']) || target.contains([':', '\\']) {
        return Err(outside());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Files, joined};
    use crate::import::value::Doc;

    #[test]
    fn references_lead_to_files_below_the_folder() {
        assert_eq!(joined("", "./a/b.yaml").unwrap(), "a/b.yaml");
        assert_eq!(joined("a/b.yaml", "../c.yaml").unwrap(), "c.yaml");
        for target in ["../c.yaml", "/etc/passwd", "https://example.com/a.yaml", "C:/a", "a/../../b"] {
            assert!(joined("", target).is_err(), "{target}");
        }
        let root = Doc::read(
            r##"{"a":{"$ref":"x.yaml#/b"},"loop":{"$ref":"#/loop"},"e":{"$ref":"#/sp%20ace/0"},"sp ace":[1]}"##,
        );
        let files = Files::load(root.unwrap(), &|path| match path {
            "x.yaml" => Ok("b: {$ref: 'd/y.yaml'}\n".to_owned()),
            "d/y.yaml" => Ok("{$ref: ../../z.yaml}".to_owned()),
            _ => Err("no such file".to_owned()),
        });
        let root = files.root();
        assert!(files.resolve(root.get("a").unwrap()).unwrap_err().contains("below the folder"));
        assert!(files.resolve(root.get("loop").unwrap()).is_err());
        assert_eq!(files.resolve(root.get("e").unwrap()).unwrap().doc.whole(), Some(1));
        assert_eq!(files.missing.len(), 1);
    }
}
