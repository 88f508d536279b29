//! Embeds the definition files into the library, as text and already parsed, so that a start reads no YAML. A new file
//! needs no Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_saphyr::Spanned;
use tree::{Node, Placed};

#[path = "src/authoring/yaml/options.rs"]
mod options;
#[path = "src/definition/catalog/slice.rs"]
mod slice;
#[path = "src/authoring/yaml/tree.rs"]
#[expect(dead_code, reason = "places are for the library alone")]
mod tree;

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let mut list = String::from("&[\n");
    for folder in ["operations", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
        for connector in sorted(&root.join(folder))? {
            for file in sorted(&connector)? {
                if file.extension().is_some_and(|e| e == "yaml") {
                    built_in(&mut list, &root, &file)?;
                }
            }
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("packs.rs"), list)
}

/// Writes a `BuiltIn` of `src/definition/catalog/source.rs`.
fn built_in(list: &mut String, root: &Path, file: &Path) -> io::Result<()> {
    let name = file.strip_prefix(root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
    let text = fs::read_to_string(file)?;
    let entries = slice::slice(&text);
    let whole = if entries.is_some() { String::new() } else { json(&name, &text)? };
    let path = file.display().to_string();
    writeln!(list, "    BuiltIn {{ name: {name:?}, text: include_str!({path:?}), json: {whole:?}, entries: &[")
        .map_err(io::Error::other)?;
    for slice::Slice { section, name: entry, bytes, line } in entries.into_iter().flatten() {
        let json = json(&format!("{name}, {entry}"), text.get(bytes).unwrap_or_default())?;
        writeln!(
            list,
            "        BuiltInEntry {{ section: {section:?}, name: {entry:?}, line: {line}, json: {json:?} }},"
        )
        .map_err(io::Error::other)?;
    }
    list.push_str("    ] },\n");
    Ok(())
}

fn json(name: &str, yaml: &str) -> io::Result<String> {
    let read = serde_saphyr::from_str_with_options::<Spanned<Placed>>(yaml, options::options());
    let placed = read.map_err(|e| io::Error::other(format!("{name}: {e}")))?;
    Ok(Node::from(placed).spelled(yaml).to_json())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
