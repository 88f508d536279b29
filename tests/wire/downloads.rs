//! Files that are written to disk while they arrive: whole or not at all, within their folder, of any size.

use std::path::Path;

use libtest_mimic::Trial;
use opnode::{CallOptions, FileTarget};
use serde_json::{Value, json};

use crate::cleanup;
use crate::server::{Act, Step, bytes, head_and, json as answer, reply};
use crate::stage::{Found, Stage, TestClock, block_on, call};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("21 a file larger than page_bytes is written to disk", || Ok(large()?)),
        Trial::test("22 a compressed file is written to disk as it was, a bomb is not", || Ok(compressed()?)),
        Trial::test("05 a file that is cut off leaves nothing", || Ok(cut_off()?)),
        Trial::test("11 an error is no file", || Ok(errors()?)),
        Trial::test("85 no name of a server leaves the folder or replaces a file", || Ok(names()?)),
        Trial::test("81 a file that cannot be written is an error", || Ok(unwritable()?)),
        Trial::test("85 a place for files without a file is refused", || Ok(refused()?)),
    ]
}

const MIB: usize = 1 << 20;

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// All names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fetch(script: Vec<Act>, target: FileTarget) -> Found {
    let limits = json!({"page_bytes": MIB * 2});
    let stage = Stage::new("acme", limits, script, TestClock::default(), &[]);
    let with = CallOptions { files: Some(target), ..CallOptions::default() };
    block_on(call(&stage.session, "file", &Value::Null, None, &with))
}

fn item(found: &Found) -> Value {
    serde_json::from_str::<Vec<Value>>(found.summary.trim_end_matches(" end"))
        .unwrap_or_default()
        .pop()
        .unwrap_or_default()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn large() -> Result<(), String> {
    let folder = cleanup::folder();
    for (length, name) in
        [(0, "empty.bin"), (10, "small.bin"), (MIB, "edge.bin"), (MIB + 1, "above.bin"), (5 * MIB, "large.bin")]
    {
        let body = noise(length);
        let headers =
            format!("Content-Type: image/x-noise\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n");
        let found = fetch(vec![reply("200 OK", &headers, &body)], FileTarget::Folder(folder.path().to_owned()));
        let (item, path) = (item(&found), folder.path().join(name));
        same(item["path"].as_str(), path.to_str(), &found.told)?;
        same(item["size"].as_u64(), Some(length as u64), name)?;
        same((item["fileName"].as_str(), item["contentType"].as_str()), (Some(name), Some("image/x-noise")), name)?;
        same(item.get("data"), None, name)?;
        same(std::fs::read(&path).map_err(|e| e.to_string())? == body, true, name)?;
        same(found.receipt.bytes, length as u64, "bytes of the receipt")?;
        same(item["sha256"].as_str().map(str::len), Some(64), name)?;
    }
    // The digest of the empty tail of a known text.
    let found = fetch(vec![reply("200 OK", "", "abc")], FileTarget::File(folder.path().join("abc")));
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    same(item(&found)["sha256"].as_str(), Some(digest), &found.told)?;
    same(names_in(folder.path()).len(), 6, "no other file")
}

fn compressed() -> Result<(), String> {
    use std::io::Write as _;
    let gzip = |body: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    };
    let folder = cleanup::folder();
    let body = noise(3 * MIB);
    let target = FileTarget::File(folder.path().join("out"));
    let packed = gzip(&body);
    let found = fetch(vec![reply("200 OK", "Content-Encoding: gzip\r\n", &packed)], target.clone());
    same(item(&found)["size"].as_u64(), Some(3 * MIB as u64), &found.told)?;
    same(std::fs::read(folder.path().join("out")).unwrap() == body, true, "the content")?;
    // The end of the stream is missing, or it expands too much: the earlier file stays.
    let broken = &packed[..packed.len() - 4];
    let found = fetch(vec![reply("200 OK", "Content-Encoding: gzip\r\n", broken)], target.clone());
    same(found.summary.as_str(), "[] bad_response/1", &found.told)?;
    let bomb = gzip(&vec![0; 64 * MIB]);
    let found = fetch(vec![reply("200 OK", "Content-Encoding: gzip\r\n", bomb)], target);
    same(found.summary.as_str(), "[] limit/1", &found.told)?;
    same(names_in(folder.path()), vec!["out".to_owned()], "the files")?;
    same(std::fs::read(folder.path().join("out")).unwrap() == body, true, "the earlier content")
}

fn cut_off() -> Result<(), String> {
    let folder = cleanup::folder();
    let body = noise(3 * MIB);
    let whole = head_and("200 OK", "", &body);
    for end in [Step::Close, Step::Reset, Step::Hang] {
        let lengths = [whole.len() - MIB, whole.len() - 1, whole.len() - 3 * MIB + 10];
        // Waiting for a silent server takes seconds.
        for length in lengths.into_iter().take(if matches!(end, Step::Hang) { 1 } else { 3 }) {
            let script = vec![bytes(&whole[..length], end.clone())];
            let found = fetch(script, FileTarget::Folder(folder.path().to_owned()));
            let kind = if matches!(end, Step::Hang) { "[] timeout/3" } else { "[] network/3" };
            same(found.summary.as_str(), kind, &found.told)?;
            same(names_in(folder.path()), vec![], "what is left")?;
        }
    }
    // A second attempt succeeds.
    let script = vec![bytes(&whole[..whole.len() - 9], Step::Close), reply("200 OK", "", &body)];
    let found = fetch(script, FileTarget::Folder(folder.path().to_owned()));
    same(item(&found)["fileName"].is_null(), true, &found.told)?;
    same(names_in(folder.path()), vec!["file".to_owned()], "what is there")
}

fn errors() -> Result<(), String> {
    let folder = cleanup::folder();
    let refusals = [
        (reply("404 Not Found", "", noise(2 * MIB)), "[] not_found/1"),
        (answer(r#"{"success": false, "message": "no such file"}"#), "[] rejected/1"),
        (reply("204 No Content", "", ""), "[] end"),
    ];
    for (act, end) in refusals {
        let found = fetch(vec![act], FileTarget::Folder(folder.path().to_owned()));
        same(found.summary.as_str(), end, &found.told)?;
        same(names_in(folder.path()), vec![], "what is left")?;
    }
    Ok(())
}

fn names() -> Result<(), String> {
    let outside = cleanup::folder();
    let folder = outside.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    let hostile = [
        ("filename=\"../../up.txt\"", "up.txt"),
        ("filename=\"..\\\\..\\\\up.txt\"", "up-2.txt"),
        ("filename=/etc/passwd", "passwd"),
        ("filename*=UTF-8''%2e%2e%2fa%00b%0a%3c%3a%3e.pdf", "a_b____.pdf"),
        ("filename=\"...\"", "file"),
        ("filename=\".hidden\"", "hidden"),
        ("filename=\"\"", "file-2"),
        ("filename*=UTF-8''%C3%A9.pdf", "\u{e9}.pdf"),
    ];
    for (disposition, name) in hostile {
        let headers = format!("Content-Disposition: attachment; {disposition}\r\n");
        let found = fetch(vec![reply("200 OK", &headers, "x")], FileTarget::Folder(folder.clone()));
        same(item(&found)["path"].as_str(), folder.join(name).to_str(), disposition)?;
    }
    let long = format!("Content-Disposition: attachment; filename=\"{}.pdf\"\r\n", "n".repeat(900));
    let found = fetch(vec![reply("200 OK", &long, "x")], FileTarget::Folder(folder.clone()));
    let kept = format!("{}.pdf", "n".repeat(196));
    same(item(&found)["path"].as_str(), folder.join(kept).to_str(), "a long name")?;
    same(names_in(&folder).len(), hostile.len() + 1, "files in the folder")?;
    same(names_in(outside.path()), vec!["in".to_owned()], "nothing outside")
}

fn unwritable() -> Result<(), String> {
    let folder = cleanup::folder();
    std::fs::write(folder.path().join("file"), "old").unwrap();
    for length in [10, 2 * MIB] {
        let script = vec![reply("200 OK", "", noise(length))];
        let found = fetch(script, FileTarget::Folder(folder.path().join("file/in")));
        same(found.summary.as_str(), "[] state/1", &found.told)?;
        let found = fetch(vec![reply("200 OK", "", noise(length))], FileTarget::File(folder.path().to_owned()));
        same(found.summary.as_str(), "[] state/1", &found.told)?;
    }
    same(std::fs::read(folder.path().join("file")).unwrap(), b"old".to_vec(), "the earlier file")?;
    same(names_in(folder.path()), vec!["file".to_owned()], "what is left")
}

fn refused() -> Result<(), String> {
    let stage = Stage::plain(vec![answer("[]")]);
    let with = CallOptions { files: Some(FileTarget::Folder("nowhere".into())), ..CallOptions::default() };
    let found = block_on(call(&stage.session, "list", &Value::Null, None, &with));
    same(found.summary.as_str(), "refused usage/0", &found.told)?;
    let found = block_on(call(&stage.session, "add", &Value::Null, Some("[{}]"), &with));
    same(found.summary.as_str(), "refused usage/0", &found.told)?;
    same(stage.server.requests().len(), 0, "requests")
}
