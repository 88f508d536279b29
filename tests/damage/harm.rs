//! Ways to damage a file of a run folder.

use std::path::{Path, PathBuf};

use crate::world::{Image, files};

/// The damage that was done.
#[derive(Debug)]
#[expect(dead_code, reason = "printed when something does not hold")]
pub struct Harm {
    pub kind: &'static str,
    file: PathBuf,
    more: String,
}

const KINDS: [&str; 9] = ["flip", "flip", "zero", "cut", "swap", "foreign", "past", "older", "gone"];

/// Damages one file of the folder; `None` if the random damage changes nothing.
pub fn any(dice: &mut fastrand::Rng, folder: &Path, before: &[Image], foreign: &[Image]) -> Option<Harm> {
    let kind = KINDS[dice.usize(..KINDS.len())];
    let file = match kind {
        "foreign" | "older" => {
            let images = if kind == "older" { before } else { foreign };
            let image = (!images.is_empty()).then(|| &images[dice.usize(..images.len())])?;
            return taken(dice, kind, folder, &image.folder, &image.moment);
        }
        // The earlier run of the same folder.
        "past" => {
            let past = std::fs::read_dir(folder.join("past")).ok()?.next()?.unwrap().path();
            return taken(dice, kind, folder, &past, "the night before");
        }
        _ => pick(dice, &files(folder))?,
    };
    let path = folder.join(&file);
    let bytes = std::fs::read(&path).unwrap();
    if kind == "gone" {
        std::fs::remove_file(&path).unwrap();
        return Some(Harm { kind, file, more: String::new() });
    }
    if bytes.is_empty() {
        return None;
    }
    let mut harmed = bytes.clone();
    let more = match kind {
        "flip" => {
            let (at, bit) = (dice.usize(..bytes.len()), dice.u8(..8));
            harmed[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
        "zero" => {
            let range = range(dice, bytes.len());
            harmed[range.clone()].fill(0);
            format!("{range:?}")
        }
        "cut" => {
            let at = place(dice, &bytes);
            harmed.truncate(at);
            format!("at {at} of {}", bytes.len())
        }
        _ => swap(dice, &mut harmed),
    };
    std::fs::write(&path, &harmed).unwrap();
    (harmed != bytes).then_some(Harm { kind, file, more })
}

/// Small or rare files are chosen as often as large ones.
fn pick(dice: &mut fastrand::Rng, files: &[PathBuf]) -> Option<PathBuf> {
    let used: Vec<&PathBuf> = files.iter().filter(|f| !f.starts_with("past")).collect();
    (!used.is_empty()).then(|| used[dice.usize(..used.len())].clone())
}

fn range(dice: &mut fastrand::Rng, length: usize) -> std::ops::Range<usize> {
    let from = dice.usize(..length);
    let most = if dice.bool() { length } else { length.min(from + 200) };
    from..dice.usize(from..most) + 1
}

/// Any position, or the end of a line.
fn place(dice: &mut fastrand::Rng, bytes: &[u8]) -> usize {
    let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    if dice.bool() || ends.is_empty() { dice.usize(..bytes.len()) } else { ends[dice.usize(..ends.len())] }
}

/// Swaps two lines, or two ranges of the same length.
fn swap(dice: &mut fastrand::Rng, bytes: &mut Vec<u8>) -> String {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    if lines.len() > 1 && dice.bool() {
        let (a, b) = (dice.usize(..lines.len()), dice.usize(..lines.len()));
        lines.swap(a, b);
        *bytes = lines.concat();
        return format!("lines {a} and {b}");
    }
    let length = dice.usize(1..=(bytes.len() / 2).clamp(1, 300));
    let last = bytes.len() - length;
    let (a, b) = (dice.usize(..=last), dice.usize(..=last));
    let old = bytes.clone();
    bytes[a..a + length].copy_from_slice(&old[b..b + length]);
    bytes[b..b + length].copy_from_slice(&old[a..a + length]);
    format!("{length} bytes at {a} and {b}")
}

/// Replaces a file by that of another folder; it may be missing here.
fn taken(dice: &mut fastrand::Rng, kind: &'static str, folder: &Path, other: &Path, moment: &str) -> Option<Harm> {
    let file = pick(dice, &files(other)).filter(|f| f != Path::new("lock"))?;
    let (from, to) = (other.join(&file), folder.join(&file));
    if std::fs::read(&from).ok() == std::fs::read(&to).ok() {
        return None;
    }
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
    Some(Harm { kind, file, more: format!("from {moment}") })
}
