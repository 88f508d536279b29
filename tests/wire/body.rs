//! Rows 11 to 20: answers that are whole, but are not what they should be.

use libtest_mimic::Trial;
use serde_json::json;

use crate::broken::gzip;
use crate::case::{Case, of, post, put, read, saying};
use crate::server::{Act, JSON, Step, bytes, json as answer, reply};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;
const EMPTY: &str = "[] end";
/// Cannot be read: a read is tried again, because it may be a cut or a stand-in.
const UNREADABLE: &str = "[] bad_response/3";
/// Can be read, and is wrong: it stays so.
const WRONG: &str = "[] bad_response/1";
const UNKNOWN: &str = "unknown unknown_outcome/1";

pub fn trials() -> Vec<Trial> {
    let all = [pages_for_people(), blank(), shapes(), error_objects(), charsets(), kinds(), texts()];
    all.into_iter().flatten().map(Case::trial).collect()
}

/// A 200 with this Content-Type.
fn typed(kind: &str, body: impl AsRef<[u8]>) -> Act {
    reply("200 OK", &format!("Content-Type: {kind}\r\n"), body)
}

fn html() -> Act {
    typed(
        "text/html; charset=utf-8",
        "<!doctype html><html><head><title> Down for\nmaintenance </title></head><body>Back soon</body></html>",
    )
}

/// A sign-in or maintenance page is not data, whatever its status says.
fn pages_for_people() -> Vec<Case> {
    let title: &[&str] = &["web page titled \\\"Down for maintenance\\\""];
    vec![
        read("11", "a maintenance page with 200: a read is repeated", vec![html(), answer(ONE)], WHOLE, 2),
        saying(
            title,
            read("11", "a maintenance page with 200: a read ends with its title", vec![html()], UNREADABLE, 3),
        ),
        saying(
            title,
            post("11", "a maintenance page for a POST: not repeated, and kept as evidence", vec![html()], UNKNOWN, 1),
        ),
        saying(title, put("11", "a maintenance page for a PUT: not repeated either", vec![html()], UNKNOWN, 1)),
        saying(
            &["web page"],
            read("11", "a page that says it is JSON", vec![answer("\r\n <html></html>")], UNREADABLE, 3),
        ),
        saying(
            &["web page"],
            read(
                "11",
                "a page after a byte order mark",
                vec![typed("text/html", "\u{feff}<html></html>")],
                UNREADABLE,
                3,
            ),
        ),
    ]
}

/// No body after a write is a success without items.
fn blank() -> Vec<Case> {
    let with = |status: &str, headers: &str, body: &str| vec![reply(status, headers, body)];
    let place = "Location: /things/9\r\n";
    vec![
        post(
            "12",
            "204 after a write: success, no items",
            vec![bytes("HTTP/1.1 204 No Content\r\n\r\n", Step::Close)],
            "ok/1",
            1,
        ),
        post("12", "205 after a write: success, no items", with("205 Reset Content", "", ""), "ok/1", 1),
        post("12", "a blank 200 after a write: success, no items", with("200 OK", JSON, ""), "ok/1", 1),
        post("12", "white space after a write: success, no items", with("200 OK", JSON, " \r\n\t"), "ok/1", 1),
        post(
            "12",
            "nothing but a byte order mark after a write: success, no items",
            with("200 OK", JSON, "\u{feff}"),
            "ok/1",
            1,
        ),
        post(
            "12",
            "a blank 201 with a Location: the place is kept",
            with("201 Created", place, ""),
            "ok/1 at /things/9",
            1,
        ),
        post("12", "a blank 200 with a Location: the place is kept", with("200 OK", place, ""), "ok/1 at /things/9", 1),
        post("12", "a 202 with a Location: the place is kept", with("202 Accepted", place, ""), "ok/1 at /things/9", 1),
        post(
            "12",
            "a 204 with a Location: the place is kept",
            vec![bytes(format!("HTTP/1.1 204 No Content\r\n{place}\r\n"), Step::Close)],
            "ok/1 at /things/9",
            1,
        ),
        post(
            "12",
            "a 201 with Location and record: both are kept",
            with("201 Created", place, r#"{"id":9}"#),
            r#"ok/1 [{"id":9}] at /things/9"#,
            1,
        ),
        post(
            "12",
            "a Location at another origin is told, not called",
            with("201 Created", "Location: http://other.example/x\r\n", r#"{"id":9}"#),
            r#"ok/1 [{"id":9}] at http://other.example/x"#,
            1,
        ),
        // One rule for every API: null, nothing and 204 are no items; a lone value is no list.
        read("13", "a null body is no items", vec![answer("null")], EMPTY, 1),
        read("13", "a blank body is no items", vec![answer("")], EMPTY, 1),
        read("13", "a body of white space is no items", vec![answer(" \r\n\t ")], EMPTY, 1),
        read("13", "a 204 is no items", vec![bytes("HTTP/1.1 204 No Content\r\n\r\n", Step::Close)], EMPTY, 1),
        read("13", "a number is no list", vec![answer("42")], WRONG, 1),
        read("13", "a text is no list", vec![answer("\"[]\"")], WRONG, 1),
        read("13", "a truth is no list", vec![answer("true")], WRONG, 1),
        Case {
            options: json!({"id": 1}),
            ..of(
                "thing",
                read("13", "a lone value where a record is declared", vec![answer("42")], r#"[{"value":42}] end"#, 1),
            )
        },
        Case {
            options: json!({"id": 1}),
            ..of("thing", read("13", "null where a record is declared", vec![answer("null")], EMPTY, 1))
        },
        of("count", read("13", "null where a count is declared", vec![answer("null")], WRONG, 1)),
        post("13", "null after a write", vec![answer("null")], "ok/1", 1),
        post("13", "a lone value after a write", vec![answer("42")], r#"ok/1 [{"value":42}]"#, 1),
    ]
}

/// A list that is missing is not an empty list.
fn shapes() -> Vec<Case> {
    let rows = |fact: &str, body: &str, end: &'static str| of("rows", read("14", fact, vec![answer(body)], end, 1));
    let report = |fact: &str, body: &str, end: &'static str| of("report", read("14", fact, vec![answer(body)], end, 1));
    vec![
        saying(&["`/data`", "is nothing"], rows("a missing member is an error with its path", "{}", WRONG)),
        rows("a member of null is an empty list", r#"{"data":null}"#, EMPTY),
        saying(
            &["`/data`", "single object"],
            rows("an object instead of the list is an error", r#"{"data":{"id":1}}"#, WRONG),
        ),
        saying(
            &["`/data`", "single value"],
            rows("a text instead of the list is an error", r#"{"data":"none"}"#, WRONG),
        ),
        rows("a list instead of the envelope is an error", "[]", WRONG),
        rows("a member of another case is another member", r#"{"Data":[{"id":1}]}"#, WRONG),
        rows("an empty list is no error", r#"{"data":[]}"#, EMPTY),
        of("deep", read("14", "a path through nothing", vec![answer(r#"{"reply":null}"#)], WRONG, 1)),
        of("deep", read("14", "a path through a list", vec![answer(r#"{"reply":[{"data":[1]}]}"#)], WRONG, 1)),
        of("deep", read("14", "a path through a text", vec![answer(r#"{"reply":"data"}"#)], WRONG, 1)),
        of("maybe", read("14", "a member that may be missing is missing", vec![answer("{}")], EMPTY, 1)),
        of("maybe", read("14", "a member that may be missing is null", vec![answer(r#"{"data":null}"#)], EMPTY, 1)),
        report(
            "columns and rows",
            r#"{"columns":[{"a":{}},"b"],"rows":[[1.10,null],["x",[2]]]}"#,
            r#"[{"a":1.10,"b":null},{"a":"x","b":[2]}] end"#,
        ),
        report("a report without columns", r#"{"rows":[[1]]}"#, WRONG),
        report("a report without rows", r#"{"columns":["a"]}"#, WRONG),
        report("a report with rows of null", r#"{"columns":["a"],"rows":null}"#, WRONG),
        report("a row that is too long", r#"{"columns":["a"],"rows":[[1,2]]}"#, WRONG),
        report("a row that is no list", r#"{"columns":["a"],"rows":[{"a":1}]}"#, WRONG),
        of("count", read("14", "a count that is missing", vec![answer("{}")], WRONG, 1)),
        of("count", read("14", "a count that is a list", vec![answer(r#"{"count":[1]}"#)], WRONG, 1)),
        of(
            "count",
            read(
                "14",
                "a count keeps its digits",
                vec![answer(r#"{"count":12345678901234567890}"#)],
                r#"[{"count":12345678901234567890}] end"#,
                1,
            ),
        ),
    ]
}

/// A failure does not become an item because its status is 200.
fn error_objects() -> Vec<Case> {
    let boom = r#"{"code":"Boom","message":"it broke","errors":[]}"#;
    let marked = format!("\u{feff}{boom}");
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let thing = |fact: &str, body: Vec<u8>| Case {
        options: json!({"id": 1}),
        ..of("thing", read("15", fact, vec![answer(body)], "[] rejected/1", 1))
    };
    let says: &[&str] = &["Boom", "it broke"];
    vec![
        saying(says, read("15", "the vendor's error object instead of a list", vec![answer(boom)], "[] rejected/1", 1)),
        saying(says, thing("the vendor's error object instead of a record", boom.into())),
        saying(says, thing("the error object after a byte order mark", marked.into())),
        saying(says, thing("the error object in UTF-16", wide)),
        saying(says, post("15", "the vendor's error object after a write", vec![answer(boom)], "failed rejected/1", 1)),
        thing("a flag that denies success", br#"{"success":false,"id":1}"#.to_vec()),
        of(
            "rows",
            read(
                "15",
                "a flag that denies success beside the items",
                vec![answer(r#"{"success":false,"data":[{"id":1}]}"#)],
                "[] rejected/1",
                1,
            ),
        ),
        saying(
            &["success"],
            post(
                "15",
                "a flag that denies success, twice in two ways",
                vec![answer(r#"{"success":false,"success":true}"#)],
                UNKNOWN,
                1,
            ),
        ),
        read("15", "an unknown error object instead of a list", vec![answer(r#"{"error":"x"}"#)], WRONG, 1),
    ]
}

fn charsets() -> Vec<Case> {
    let text = r#"[{"n":"é€"}]"#;
    let little = |t: &str| t.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |t: &str| t.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let latin = b"[{\"n\":\"\xe9\"}]".to_vec();
    let good =
        |fact: &str, kind: &str, body: Vec<u8>| read("16", fact, vec![typed(kind, body)], r#"[{"n":"é€"}] end"#, 1);
    let bad = |fact: &str, kind: &str, body: Vec<u8>| {
        saying(&["charset", "valid"][1..], read("16", fact, vec![typed(kind, body)], UNREADABLE, 3))
    };
    let read_latin = |fact: &str, kind: &str| read("16", fact, vec![typed(kind, &latin)], r#"[{"n":"é"}] end"#, 1);
    vec![
        good("a byte order mark is not data", "application/json", format!("\u{feff}{text}").into()),
        good("UTF-16 by its mark, little end first", "application/json", little(&format!("\u{feff}{text}"))),
        good("UTF-16 by its mark, big end first", "application/json", big(&format!("\u{feff}{text}"))),
        good("UTF-16 by its label, big end first", "application/json; charset=utf-16", big(text)),
        good("UTF-16 by its label, little end first", "application/json; charset=UTF-16LE", little(text)),
        good("a quoted label", "application/json; charset=\"utf-8\"", text.into()),
        good("a label among others", "application/json; odata=minimal; charset=utf-8; x=y", text.into()),
        read_latin("Latin-1 by its label", "application/json; charset=ISO-8859-1"),
        read_latin("the name of the label in capitals", "application/json; CHARSET=iso-8859-1"),
        read_latin("white space around the label", "application/json ;  charset=iso-8859-1 ; x=y"),
        bad("Latin-1 without a label", "application/json", latin.clone()),
        bad("Latin-1 labelled as UTF-8", "application/json; charset=utf-8", latin.clone()),
        bad("an overlong form", "application/json", b"[{\"n\":\"\xc0\xaf\"}]".to_vec()),
        bad("a surrogate in UTF-8", "application/json", b"[{\"n\":\"\xed\xa0\x80\"}]".to_vec()),
        bad("a cut character at the end", "application/json", b"[]\xe2\x82".to_vec()),
        bad(
            "half a surrogate pair in UTF-16",
            "application/json; charset=utf-16le",
            [little("[\""), vec![0, 0xd8], little("\"]")].concat(),
        ),
        bad(
            "an odd number of bytes in UTF-16",
            "application/json; charset=utf-16le",
            [little("[]"), vec![b' ']].concat(),
        ),
        saying(
            &["shift_jis"],
            read(
                "16",
                "a charset that is not known",
                vec![typed("application/json; charset=Shift_JIS", b"[\"\x83\x65\"]")],
                UNREADABLE,
                3,
            ),
        ),
        read("16", "UTF-8 under any label", vec![typed("application/json; charset=Shift_JIS", ONE)], WHOLE, 1),
        read("16", "UTF-16 without mark or label is no JSON", vec![answer(little(text))], UNREADABLE, 3),
        read("16", "UTF-32 is no JSON", vec![answer(b"\xff\xfe\0\0[\0\0\0]\0\0\0")], UNREADABLE, 3),
    ]
}

/// What a body is, is seen from its label and its first bytes; bytes never become text.
fn kinds() -> Vec<Case> {
    let sniffed = |fact: &str, head: &str| read("17", fact, vec![reply("200 OK", head, ONE)], WHOLE, 1);
    let pdf = b"%PDF-1.7\n\xe2\xe3\xcf\xd3".to_vec();
    let jpeg = b"\xff\xd8\xff\xe0JFIF".to_vec();
    let file = |kind: &str, data: &str, name: &str, sha256: &str, size: usize| {
        format!(
            r#"[{{"contentType":"{kind}","data":"{data}","fileName":{name},"sha256":"{sha256}","size":{size}}}] end"#
        )
    };
    let pdf_item = file(
        "application/pdf",
        "JVBERi0xLjcK4uPP0w==",
        r#""a.pdf""#,
        "e4205678059ca0bf900d6e8166b859f32e57098773041d8f479abfed0ab23150",
        13,
    );
    let jpeg_item = file(
        "image/jpeg",
        "/9j/4EpGSUY=",
        "null",
        "6f18bea31ace0455d61ac9394b95b48b03747c26ba414b8bc1cac0f216187442",
        8,
    );
    let page_item = file(
        "text/html",
        "PGh0bWw+PC9odG1sPg==",
        "null",
        "b633a587c652d02386c4f16f8c6f6aab7352d97f16367c3c40576214372dd628",
        13,
    );
    vec![
        sniffed("JSON without a label", ""),
        sniffed("JSON labelled as text", "Content-Type: text/plain\r\n"),
        sniffed("JSON labelled as bytes", "Content-Type: application/octet-stream\r\n"),
        sniffed("JSON labelled as a page", "Content-Type: text/html\r\n"),
        sniffed("JSON with a label that is none", "Content-Type: ;;\r\n"),
        read(
            "17",
            "a PDF is a file, also where a list is declared",
            vec![reply(
                "200 OK",
                "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"../../etc/a.pdf\"\r\n",
                &pdf,
            )],
            pdf_item,
            1,
        ),
        read("17", "an image is a file", vec![typed("image/jpeg", &jpeg)], jpeg_item, 1),
        read("17", "a PDF labelled as JSON is an error", vec![answer(&pdf)], UNREADABLE, 3),
        read(
            "17",
            "bytes without a label are an error",
            vec![reply("200 OK", "", b"\x89PNG\r\n\x1a\n\0\0")],
            UNREADABLE,
            3,
        ),
        read("17", "packed bytes without a label are an error", vec![answer(gzip(ONE.as_bytes()))], UNREADABLE, 3),
        of(
            "file",
            read(
                "17",
                "a page where a file is declared is that file",
                vec![typed("text/html", "<html></html>")],
                page_item,
                1,
            ),
        ),
        saying(
            &["utf-8"],
            of(
                "text",
                read(
                    "17",
                    "bytes where a text is declared are an error",
                    vec![typed("text/plain", &jpeg)],
                    UNREADABLE,
                    3,
                ),
            ),
        ),
    ]
}

/// Keys, characters and digits.
fn texts() -> Vec<Case> {
    let twice = |fact: &str, operation: &'static str, body: &str| {
        saying(&["twice"], of(operation, read("18", fact, vec![answer(body)], WRONG, 1)))
    };
    let kept = |row: &'static str, fact: &str, body: &'static str, end: &'static str| {
        read(row, fact, vec![answer(body)], end, 1)
    };
    vec![
        twice("the items twice", "rows", r#"{"data":[{"id":1}],"data":[]}"#),
        twice("the items twice, once by escapes", "rows", r#"{"data":[{"id":1}],"\u0064at\u0061":[]}"#),
        twice("the way to the items twice", "deep", r#"{"reply":{"data":[]},"reply":{}}"#),
        twice("the cursor twice", "cursor", r#"{"data":[],"next":"a","next":null}"#),
        twice("the total twice", "offset", r#"{"data":[],"total":1,"total":2}"#),
        of("rows", read("18", "what is not read may come twice", vec![answer(r#"{"x":1,"x":2,"data":[]}"#)], EMPTY, 1)),
        kept("18", "a record keeps its double keys as they are", r#"[{"a":1,"a":2}]"#, r#"[{"a":1,"a":2}] end"#),
        kept("19", "half a surrogate pair by escape is kept", r#"[{"n":"\ud800"}]"#, r#"[{"n":"\ud800"}] end"#),
        kept("19", "NUL by escape is kept", r#"[{"n":"\u0000"}]"#, r#"[{"n":"\u0000"}] end"#),
        kept(
            "19",
            "line separators are kept",
            "[{\"n\":\"\u{2028}\u{2029}\u{85}\"}]",
            "[{\"n\":\"\u{2028}\u{2029}\u{85}\"}] end",
        ),
        read("19", "a raw NUL is no JSON", vec![answer("[{\"n\":\"\0\"}]")], UNREADABLE, 3),
        of(
            "rows",
            read(
                "19",
                "half a surrogate pair in a key that nobody asked for",
                vec![answer(r#"{"\ud800":1,"data":[]}"#)],
                "[] end",
                1,
            ),
        ),
        kept(
            "20",
            "digits come out as they went in",
            r#"[{"a":12345678901234567890123,"b":1.10,"c":1e400,"d":-0,"e":0.1000000000000000000000001,"f":1E+2,"g":9007199254740993}]"#,
            r#"[{"a":12345678901234567890123,"b":1.10,"c":1e400,"d":-0,"e":0.1000000000000000000000001,"f":1E+2,"g":9007199254740993}] end"#,
        ),
        kept(
            "20",
            "a key that a parser uses for itself is a key",
            r#"[{"$serde_json::private::Number":"1"},{"$serde_json::private::RawValue":"]"}]"#,
            r#"[{"$serde_json::private::Number":"1"},{"$serde_json::private::RawValue":"]"}] end"#,
        ),
    ]
}
