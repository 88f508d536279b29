//! The limit inflate_ratio, at the limit and one past it; the ratio is that of the compressor. The other limits are in
//! `tests/wire/cases/limits/`.

use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::case::Case;
use crate::part::gzip;
use crate::server::{JSON, reply};

pub fn trials() -> Vec<Trial> {
    let plain = format!("[{}]", " ".repeat(2 << 20));
    let small = gzip(plain.as_bytes());
    let ratio = plain.len() / small.len();
    let script = vec![reply("200 OK", &format!("{JSON}Content-Encoding: gzip\r\n"), small)];
    let at = Case { limits: json!({"inflate_ratio": ratio}), ..Case::read("list", script.clone(), "[] end", 1) };
    let past = Case {
        limits: json!({"inflate_ratio": ratio - 1}),
        says: ["limit inflate_ratio (", "raise the limit in the connection's `limits`"].map(str::to_owned).into(),
        ..Case::read("list", script, "[] limit/1", 1)
    };
    vec![
        Trial::test("21 inflate_ratio: at the limit", move || at.run().map_err(Failed::from)),
        Trial::test("21 inflate_ratio: one past the limit", move || past.run().map_err(Failed::from)),
    ]
}
