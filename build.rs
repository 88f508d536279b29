//! Embeds the definition files into the library, as text and already parsed, so that a start reads no YAML. A new file
//! needs no Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_saphyr::Spanned;
use tree::{Node, NodeValue, Placed};

#[path = "src/authoring/yaml/options.rs"]
mod options;
#[path = "src/authoring/yaml/patch.rs"]
#[expect(dead_code, reason = "places are for the library alone")]
mod patch;
#[path = "src/definition/catalog/slice.rs"]
mod slice;
#[path = "src/authoring/yaml/tree.rs"]
#[expect(dead_code, reason = "places are for the library alone")]
mod tree;

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let mut packs = Packs { list: String::new(), out: out.clone(), files: 0, number: 0 };
    for folder in ["operations", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
        for connector in sorted(&root.join(folder))? {
            let overrides = connector.join("overrides.yaml");
            let overrides = match overrides.is_file() {
                true => Some(node("overrides.yaml", &fs::read_to_string(&overrides)?)?),
                false => None,
            };
            for file in sorted(&connector)? {
                let is_lock = file.file_name().is_some_and(|name| name == "import.yaml");
                if file.extension().is_some_and(|e| e == "yaml") && !is_lock {
                    packs.built_in(&root, &file, overrides.as_ref())?;
                }
            }
        }
    }
    let list = format!("{{ static FILES: [BuiltIn; {}] = [\n{}]; &FILES }}\n", packs.files, packs.list);
    fs::write(out.join("packs.rs"), list)
}

/// The source text of the list of built-in files.
struct Packs {
    list: String,
    out: PathBuf,
    files: usize,
    number: usize,
}

/// The first words of files that `opnode import` wrote: there are many of them, so they are compressed.
const IMPORTED: &str = "# Written by `opnode import`";

impl Packs {
    /// Writes a `BuiltIn` of `src/definition/catalog/source.rs`.
    fn built_in(&mut self, root: &Path, file: &Path, overrides: Option<&Node>) -> io::Result<()> {
        let name = file.strip_prefix(root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(file)?;
        let (mut json, mut index) = (String::new(), String::new());
        let entries = slice::slice(&text);
        for slice::Slice { section, name: entry, bytes, line } in entries.iter().flatten().cloned() {
            let node = node(&format!("{name}, {entry}"), text.get(bytes).unwrap_or_default())?;
            let start = json.len();
            json.push_str(&merged(node, section, entry, overrides).to_json());
            index.push_str(&format!("{section}\t{entry}\t{line}\t{start}\t{}\n", json.len()));
        }
        if entries.is_none() {
            let mut whole = node(&name, &text)?;
            if let Some(own) =
                overrides.filter(|_| name.ends_with("/connector.yaml")).and_then(|o| o.within("connector"))
            {
                whole = patch::patched(Some(whole), own);
            }
            json = whole.to_json();
        }
        self.files += 1;
        // Overrides are in the entries already.
        let is_rare = text.starts_with(IMPORTED) || name.ends_with("/overrides.yaml");
        let (text, json) = (self.packed(&text, true)?, self.packed(&json, is_rare)?);
        writeln!(self.list, "    BuiltIn {{ name: {name:?}, text: {text}, json: {json}, index: {index:?} }},")
            .map_err(io::Error::other)
    }

    /// A `Packed` of `src/definition/catalog/source.rs`.
    fn packed(&mut self, text: &str, is_rare: bool) -> io::Result<String> {
        if !is_rare {
            return Ok(format!("Packed::Plain({text:?})"));
        }
        self.number += 1;
        let file = self.out.join(format!("{}.deflate", self.number));
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        io::Write::write_all(&mut encoder, text.as_bytes())?;
        fs::write(&file, encoder.finish()?)?;
        Ok(format!("Packed::Deflated(include_bytes!({:?}), OnceLock::new())", file.display().to_string()))
    }
}

/// An entry with its overrides: a map with one key.
fn merged(node: Node, section: &str, name: &str, overrides: Option<&Node>) -> Node {
    let Some(overrides) = overrides else { return node };
    let Some(entry) = node.within(name) else { return node };
    let mut merged = entry.clone();
    for patch in patch::patches(overrides, section, name, entry) {
        merged = patch::patched(Some(merged), patch.node);
    }
    let mut node = node.clone();
    if let NodeValue::Map(map) = &mut node.value {
        map.iter_mut().for_each(|(_, node)| *node = merged.clone());
    }
    node
}

fn node(name: &str, yaml: &str) -> io::Result<Node> {
    let read = serde_saphyr::from_str_with_options::<Spanned<Placed>>(yaml, options::options());
    let placed = read.map_err(|e| io::Error::other(format!("{name}: {e}")))?;
    Ok(Node::from(placed).spelled(yaml))
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
