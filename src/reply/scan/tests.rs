//! The scan must give the same result as serde_json.

use serde_json::value::RawValue;

use super::{JSON_DEPTH, Scan, ScanFault};

/// The scan and serde_json must give the same result, wherever the text ends.
fn compare(text: &str, tails: impl IntoIterator<Item = usize>) {
    let serde = serde_json::from_str::<&RawValue>(text).is_ok();
    for tail in tails {
        let text = format!("{text}{}", " ".repeat(tail));
        let mut scan = Scan::new(&text);
        let at = scan.blank(0);
        let own = scan.value(at).is_ok_and(|end| scan.is_end(end));
        assert_eq!(own, serde, "{text:?}");
    }
}

/// The same for a list: its elements, and whether there are line breaks between values.
fn compare_list(text: &str) {
    let serde = serde_json::from_str::<Vec<&RawValue>>(text).ok();
    for tail in [0, 40, 200] {
        let text = format!("{text}{}", " ".repeat(tail));
        let (mut scan, mut found) = (Scan::new(&text), Vec::new());
        let end = scan.elements(0, |from, to| {
            found.push(&text[from..to]);
            Ok(())
        });
        let own = end.is_ok_and(|end| scan.is_end(end)).then_some(found);
        let serde = serde.as_ref().map(|all| all.iter().map(|raw| raw.get()).collect::<Vec<&str>>());
        assert_eq!(own, serde, "{text:?}");
        assert!(own.is_none() || scan.has_lines == text.contains('\n'), "{text:?}");
    }
}

#[test]
fn agrees_with_serde_json() {
    let long = "x".repeat(70);
    let mut texts: Vec<String> = [
        "",
        " ",
        "null",
        "nul",
        "nullx",
        "true",
        "false",
        "tru",
        "1",
        "-",
        "-1",
        "01",
        "-01",
        "1.",
        ".5",
        "1.5",
        "1e",
        "1e+",
        "1e5",
        "1E-05",
        "1e400",
        "0",
        "-0",
        "0.0",
        "00",
        "\"",
        "\"a",
        "\"a\"",
        "\"\\\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "[",
        "]",
        "[]",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2]",
        " [ 1 , 2 ] ",
        "{}",
        "{",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1}",
        "{\"a\" : [ { } , [ ] ] }",
        "{\"a\":1]",
        "[1}",
        "[[]",
        "[]]",
        "\u{feff}1",
        "1 1",
        "[\"a\"\"b\"]",
        "{\"a\":1 \"b\":2}",
        "\u{0}",
        "[1\u{b}]",
        "\r\n[\n1]",
    ]
    .map(str::to_owned)
    .to_vec();
    for filler in [&long[..15], &long[..16], &long[..31], &long[..32], &long[..33], &long] {
        for tail in ["", "\"", "\\\"", "\\n\"", "\\u00e9\"", "\u{1}\"", "é\"", "\", \"b\": 1}"] {
            texts.push(format!("\"{filler}{tail}"));
            texts.push(format!("{{\"{filler}{tail}:1}}"));
            texts.push(format!("[\"{filler}{tail},2]"));
        }
    }
    for text in &texts {
        compare(text, 0..80);
        compare_list(&format!("[{}]", [text.as_str(); 4].join(",")));
        compare_list(&format!("[{{\"a\":1,\"b\":2}},{{\"a\":1,\"b\":2}},{{\"a\":{text},\"b\":2}},{{\"a\":1{text}}}]"));
    }
}

/// A known key in a position where no key is allowed.
#[test]
fn agrees_on_known_keys_at_wrong_places() {
    let record = r#"{"a":{"x":1},"b":[{"y":2}],"c":3}"#;
    for last in [
        r#"{"a":1{"x":1}"#,
        r#"{"a":{"x":1{"x":1},"c":3}"#,
        r#"{"a":,"b":2}"#,
        r#"{,"b":[]}"#,
        r#"{"a":{"x":1},"b":[,"c":3]}"#,
        r#"{"a":{"x":1},"b":[1,"c":3]}"#,
        r#"{"a":{"x":1},"b":[{"y":2},"c":3]}"#,
        r#"{"a":{"x":1},"b":[{"y":2}{"y":2}],"c":3}"#,
        r#"{"a":{"x":1},"b":[{"y":2},{"y":2}],"c":3}"#,
        r#"{"a":"x":1,"c":3}"#,
        r#","b":2"#,
    ] {
        compare_list(&format!("[{record},{record},{record},{last},{record}]"));
        compare_list(&format!("[{record},{record},{record},{last}]"));
    }
}

/// Every change of one byte of a record, and every cut: alone, and in a list after valid ones.
#[test]
fn agrees_on_broken_records() {
    let record = r#" {"id":12,"name":"a\"b\u00e9\\","on":true,"off":[false,null,-1.5e+3,{"x":{}}],"text":"a longer text that fills more than one part of it"} "#;
    let (tails, list) =
        ([0, 9, 40, 200], |last: &str| compare_list(&format!("[{record},{record},{record},{last},{record}]")));
    for at in 0..record.len() {
        compare(&record[..at], tails);
        list(&record[..at]);
        for byte in br#" "\{}[]:,0-+.eExtn1u/"# {
            let mut bytes = record.as_bytes().to_vec();
            bytes[at] = *byte;
            compare(std::str::from_utf8(&bytes).unwrap(), tails);
            list(std::str::from_utf8(&bytes).unwrap());
            bytes.insert(at, *byte);
            compare(std::str::from_utf8(&bytes).unwrap(), tails);
            list(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

/// Keys that come and go, of every length, with and without white space, more than are remembered; and occasionally one
/// wrong byte.
#[test]
fn agrees_on_records_of_many_shapes() {
    fn object(random: &mut fastrand::Rng, keys: &[String], depth: usize) -> String {
        let (mut fields, few) = (Vec::new(), &keys[..keys.len().min(2)]);
        for key in keys {
            let value = match random.usize(..12) {
                0..4 => continue,
                4 if depth < 4 => object(random, &keys[..keys.len() / 3], depth + 1),
                5 if depth < 4 => format!("[{},{}]", object(random, few, depth + 1), object(random, few, depth + 1)),
                6 => ["true", "false", "null", "{}", "[ ]"][random.usize(..5)].to_owned(),
                7 => random.u32(..).to_string(),
                _ => format!("\"{}\"", "x".repeat(random.usize(..70))),
            };
            let (before, behind) = (["", "", "", " ", "\n "][random.usize(..5)], ["", "", "", " "][random.usize(..4)]);
            fields.push(format!("{before}\"{key}\":{behind}{value}"));
        }
        format!("{{{}}}", fields.join(","))
    }
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..if cfg!(debug_assertions) { 40 } else { 400 } {
        let keys: Vec<String> =
            (0..random.usize(3..90)).map(|i| format!("{i}{}", "k".repeat(random.usize(..70)))).collect();
        let records: Vec<String> = (0..20).map(|_| object(&mut random, &keys, 0)).collect();
        let mut list = format!("[{}]", records.join(","));
        if round % 2 == 1 {
            let at = random.usize(1..list.len() - 1);
            list.replace_range(at..=at, ["\"", ",", "{", "}", ":", "1"][random.usize(..6)]);
        }
        compare_list(&list);
    }
}

/// An object with a different key in each element is no longer looked up, and is still read.
#[test]
fn agrees_when_every_key_is_new() {
    let record =
        |i: usize| format!("{{{}}}", (0..50).map(|k| format!("\"key{i}-{k}\":{k}")).collect::<Vec<String>>().join(","));
    compare_list(&format!("[{}]", (0..40).map(record).collect::<Vec<String>>().join(",")));
}

#[test]
fn the_depth_is_limited() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(Scan::new(&nested(JSON_DEPTH as usize)).value(0).is_ok());
    assert_eq!(Scan::new(&nested(JSON_DEPTH as usize + 1)).value(0), Err(ScanFault::Depth));
    assert_eq!(Scan::new(&"[".repeat(100_000)).value(0), Err(ScanFault::Depth));
}
