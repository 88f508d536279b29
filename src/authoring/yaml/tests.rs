//! Valid and invalid documents, and the places of faults.

use super::{AS_JSON, Document};

struct AsJson(String);

impl<'de> serde::Deserialize<'de> for AsJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<AsJson, D::Error> {
        struct AnyText;
        impl serde::de::Visitor<'_> for AnyText {
            type Value = AsJson;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_str<E>(self, json: &str) -> Result<AsJson, E> {
                Ok(AsJson(json.to_owned()))
            }
        }
        deserializer.deserialize_newtype_struct(AS_JSON, AnyText)
    }
}

#[test]
fn places_match_the_file() {
    let doc = Document::parse("a.yaml", "a:\n  é: [1, {b: x}]\n", 10).unwrap();
    assert_eq!(doc.place("/a/é/1/b").to_string(), "a.yaml:12:14 /a/é/1/b");
    assert_eq!(doc.place_of_key("/a", "é").to_string(), "a.yaml:12:3 /a/é");
    let doc = Document::parse("a.yaml", "a: 1\rb: 2\r\nc: 3", 0).unwrap();
    assert_eq!((doc.place("/b").line, doc.place("/c").line), (Some(2), Some(3)));
}

#[test]
fn yaml_1_2_reading() {
    let doc =
        Document::parse("a", "{a: NO, b: on, c: 012, d: 1_000, e: 12:30, f: 2020-01-01, g: true, h: 0x10, i: ~}", 0)
            .unwrap();
    let json = serde_json::json!({"a": "NO", "b": "on", "c": "012", "d": "1_000", "e": "12:30", "f": "2020-01-01", "g": true, "h": 16, "i": null});
    assert_eq!(doc.to_value(), json);
}

fn refused(text: &str, limit: &str) {
    let error = Document::parse("a.yaml", text, 0).err().unwrap_or_else(|| panic!("{limit}: accepted"));
    assert!(
        error.message.contains(limit)
            && error.advice.as_ref().is_some_and(|a| a.to_string().contains("this limit is fixed")),
        "{error:?}"
    );
}

#[test]
fn depth_limit() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse("a", &nested(super::DEPTH_MAX), 0).is_ok());
    refused(&nested(super::DEPTH_MAX + 1), "yaml_depth (48)");
    refused(&nested(100_000), "yaml_depth (48)");
}

#[test]
fn node_limit() {
    // The list itself is a node.
    let many = |nodes: usize| format!("[{}1]", "1,".repeat(nodes - 2));
    assert!(Document::parse("a", &many(super::NODES_MAX), 0).is_ok());
    refused(&many(super::NODES_MAX + 1), "yaml_nodes (1000000)");
}

#[test]
fn alias_limit() {
    let many = |aliases: usize| format!("[&a 1{}]", ", *a".repeat(aliases));
    assert!(Document::parse("a", &many(super::ALIASED_MAX), 0).is_ok());
    refused(&many(super::ALIASED_MAX + 1), "yaml_aliases (100000)");
}

#[test]
fn byte_limit() {
    let long = |bytes: usize| format!("a: {}", "x".repeat(bytes - 3));
    assert!(Document::parse("a", &long(super::BYTES_MAX), 0).is_ok());
    refused(&long(super::BYTES_MAX + 1), "yaml_bytes (16777216)");
}

#[test]
fn alias_bombs_are_refused() {
    let nine = |name: &str| format!("[{}]", [name; 9].join(","));
    let laughs: String = (1..9).map(|n| format!("l{n}: &l{n} {}\n", nine(&format!("*l{}", n - 1)))).collect();
    let quadratic = format!("a: &a [{}]\nb: [{}]\n", vec!["x"; 5_000].join(","), vec!["*a"; 5_000].join(","));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 5_000].join(","));
    for text in [format!("l0: &l0 {}\n{laughs}", nine("x")), quadratic, long] {
        refused(&text, "the limit");
    }
    let key = format!("{}: 1", "k".repeat(100_000));
    assert!(Document::parse("a", &key, 0).is_err(), "a key of 100,000 characters");
}

#[test]
fn unusual_documents_are_read_or_refused() {
    let read =
        |text: &str| Document::parse("a", text, 0).map(|d| d.to_value().to_string()).map_err(|e| e.message.clone());
    for (text, expected) in [
        ("\u{feff}a: 1", r#"{"a":1}"#),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", r#"{"a":1,"b":"x\ny\n"}"#),
        ("", "null"),
        ("# nothing\n", "null"),
        ("--- {a: 1}\n...\n", r#"{"a":1}"#),
        ("a: !!str 12", r#"{"a":"12"}"#),
        ("a: '1.10'", r#"{"a":"1.10"}"#),
    ] {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text:?}");
    }
    for text in
        ["a: \0", "a: 1\n--- {b: 2}\n", "a: &x {b: 1}\nc: {<<: *x}", "a:\n\tb: 1", "a: *nobody", "a: !!binary '*'"]
    {
        assert!(read(text).is_err(), "{text:?}: {:?}", read(text));
    }
}

#[test]
fn faults_have_a_place() {
    for text in ["a: 1\na: 2\n", "a: [1\n", "a: &x 1\n<<: *x\n", "a: 1\n---\nb: 2\n", "a: b: c\n"] {
        let error = Document::parse("a.yaml", text, 0).err().unwrap_or_else(|| panic!("{text:?} was accepted"));
        assert!(error.place.as_ref().unwrap().line.is_some(), "{text:?}: {error:?}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    let text = "# é\n- 1.10\n- 1e2\n- 18446744073709551617\n- -0\n- +1.50\n- .25\n- 3.\n- !!float 2.50\n- &a 0.1000000000000000055\n- *a\n- 12\n- 1.5 # x\n- {a: 1E+2, b: [123456789012345678901234567890]}\n- 1.E-3\n- '1.10'\n";
    let doc = Document::parse("a", text, 0).unwrap();
    let AsJson(json) = doc.read().unwrap();
    let expected = r#"[1.10,1e2,18446744073709551617,-0,1.50,0.25,3,2.50,0.1000000000000000055,0.1000000000000000055,12,1.5,{"a":1E+2,"b":[123456789012345678901234567890]},1E-3,"1.10"]"#;
    assert_eq!(json, expected);
    assert!(Document::parse("a", "a: 1e400", 0).is_err());
}
