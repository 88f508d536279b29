//! Lists the definition files that the library carries, so that a new file needs no Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let mut list = String::from("&[\n");
    for folder in ["operations", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
        for connector in sorted(&root.join(folder))? {
            for file in sorted(&connector)? {
                if file.extension().is_some_and(|e| e == "yaml") {
                    let name = file.strip_prefix(&root).map_err(io::Error::other)?;
                    let name = name.to_string_lossy().replace('\\', "/");
                    writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string()).map_err(io::Error::other)?;
                }
            }
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("packs.rs"), list)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
