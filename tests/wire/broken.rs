//! Rows 21 to 25: answers without end, wrongly packed, with a broken head, or in what is nearly JSON.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use libtest_mimic::Trial;
use serde_json::json;

use crate::acme::ECHO;
use crate::case::{Case, of, post, read, saying};
use crate::server::{Act, JSON, Step, bytes, head_and, json as answer, reply};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;
const EMPTY: &str = "[] end";
/// Cannot be read: a read is tried again, because it may be a cut or a stand-in.
const UNREADABLE: &str = "[] bad_response/3";
/// Can be read, and is wrong: it stays so.
const WRONG: &str = "[] bad_response/1";
const UNKNOWN: &str = "unknown unknown_outcome/1";

pub fn trials() -> Vec<Trial> {
    [large(), encodings(), heads(), syntax()].into_iter().flatten().map(Case::trial).collect()
}

/// Everything that could be without end.
fn large() -> Vec<Case> {
    let deep = |n: usize| format!("[{}1{}]", "[".repeat(n), "]".repeat(n));
    let million = "7".repeat(1_000_000);
    let small = json!({"page_bytes": 100_000});
    let says: &[&str] = &["json_depth"];
    let endless = |piece: &'static [u8]| {
        Act::Answer(vec![
            Step::Send(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n[").into()),
            Step::Forever(piece, Duration::ZERO),
        ])
    };
    let chunks: &'static [u8] = b"10\r\n{\"id\":1,\"n\":12},\r\n";
    vec![
        saying(says, read("21", "an item of depth 100,000", vec![answer(deep(100_000))], "[] limit/1", 1)),
        saying(says, read("21", "an item of depth 129", vec![answer(deep(129))], "[] limit/1", 1)),
        saying(
            says,
            Case {
                options: json!({"id": 1}),
                ..of(
                    "thing",
                    read(
                        "21",
                        "a record of depth 100,000",
                        vec![answer(format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)))],
                        "[] limit/1",
                        1,
                    ),
                )
            },
        ),
        saying(
            says,
            post(
                "21",
                "an answer of depth 100,000 to a write",
                vec![answer(deep(100_000))],
                "unknown unknown_outcome/1",
                1,
            ),
        ),
        saying(says, read("21", "depth 100,000 without end", vec![answer("[".repeat(100_000))], "[] limit/1", 1)),
        read(
            "21",
            "an error body of depth 100,000",
            vec![reply("400 Bad Request", JSON, deep(100_000))],
            "[] rejected/1",
            1,
        ),
        of(
            "rows",
            saying(
                says,
                read(
                    "21",
                    "depth 100,000 in what is not read",
                    vec![answer(format!(r#"{{"x":{},"data":[]}}"#, deep(100_000)))],
                    "[] limit/1",
                    1,
                ),
            ),
        ),
        of(
            "rows",
            saying(
                says,
                read("21", "a list of depth 100,000 as an envelope", vec![answer(deep(100_000))], "[] limit/1", 1),
            ),
        ),
        read(
            "21",
            "a number of a million digits keeps them",
            vec![answer(format!("[{million}]"))],
            format!("[{million}] end"),
            1,
        ),
        of(
            "cursor",
            read(
                "21",
                "a cursor of a million digits is no cursor",
                vec![answer(format!(r#"{{"data":[],"next":{million}}}"#))],
                WRONG,
                1,
            ),
        ),
        saying(
            &["page_bytes", "67108864"],
            read(
                "21",
                "a length above 64 MiB is refused at once",
                vec![bytes("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n", Step::Hang)],
                "[] limit/1",
                1,
            ),
        ),
        saying(
            &["page_bytes"],
            Case {
                takes: Some((Duration::ZERO, Duration::from_secs(5))),
                ..read(
                    "21",
                    "a text of 65 MiB without a length",
                    vec![Act::Answer(vec![
                        Step::Send(b"HTTP/1.1 200 OK\r\n\r\n[\"".to_vec()),
                        Step::Times(65 * 16, vec![b'a'; 1 << 16]),
                        Step::Close,
                    ])],
                    "[] limit/1",
                    1,
                )
            },
        ),
        saying(
            &["page_bytes"],
            Case {
                limits: small.clone(),
                ..read("21", "an endless array", vec![endless(b"{\"id\":1},")], "[] limit/1", 1)
            },
        ),
        saying(
            &["page_bytes"],
            Case {
                limits: small.clone(),
                ..read("21", "endless white space", vec![endless(b"                ")], "[] limit/1", 1)
            },
        ),
        saying(
            &["page_bytes"],
            Case {
                limits: small.clone(),
                ..read(
                    "21",
                    "endless chunks",
                    vec![Act::Answer(vec![
                        Step::Send(format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n").into()),
                        Step::Forever(chunks, Duration::ZERO),
                    ])],
                    "[] limit/1",
                    1,
                )
            },
        ),
        saying(
            &["page_bytes"],
            Case {
                limits: small,
                ..post(
                    "21",
                    "an answer to a write that is too large leaves it unknown",
                    vec![endless(b"{\"id\":1},")],
                    UNKNOWN,
                    1,
                )
            },
        ),
    ]
}

/// Packed as well as can be.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Packed bytes of which nothing ever comes out.
fn endless_members() -> Act {
    let empty: &'static [u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";
    let head = format!("HTTP/1.1 200 OK\r\n{JSON}Content-Encoding: gzip\r\n\r\n");
    Act::Answer(vec![Step::Send(head.into()), Step::Forever(empty, Duration::ZERO)])
}

fn encodings() -> Vec<Case> {
    let packed =
        |label: &str, body: Vec<u8>| vec![reply("200 OK", &format!("{JSON}Content-Encoding: {label}\r\n"), body)];
    let refused =
        |row: &'static str, fact: &str, label: &str, body: Vec<u8>| read(row, fact, packed(label, body), WRONG, 1);
    let whole = gzip(ONE.as_bytes());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let mut sum = whole.clone();
    let at = sum.len() - 6;
    sum[at] ^= 1;
    let member = gzip(&vec![b' '; 1 << 20]);
    let bomb = || member.repeat(4096);
    // On a busy machine, the server needs its time for so many bytes.
    let patient = |case: Case| Case { limits: json!({"first_byte_s": 5}), ..case };
    vec![
        read("22", "gzip is unpacked", packed("gzip", whole.clone()), WHOLE, 1),
        read("22", "gzip in capitals is unpacked", packed("GZIP", whole.clone()), WHOLE, 1),
        read("22", "identity is as it is", packed("identity", ONE.into()), WHOLE, 1),
        read(
            "22",
            "gzip in two members is unpacked",
            packed("gzip", [gzip(br#"[{"id""#), gzip(b":1}]")].concat()),
            WHOLE,
            1,
        ),
        patient(saying(
            &["inflate_ratio"],
            read("22", "a bomb of 4 GiB ends by the limit inflate_ratio", packed("gzip", bomb()), "[] limit/1", 1),
        )),
        saying(
            &["page_bytes"],
            Case {
                limits: json!({"inflate_ratio": 100_000, "page_bytes": 3_000_000, "first_byte_s": 5}),
                ..read("22", "a bomb ends by the limit page_bytes", packed("gzip", bomb()), "[] limit/1", 1)
            },
        ),
        patient(saying(
            &["inflate_ratio"],
            post("22", "a bomb after a write leaves it unknown", packed("gzip", bomb()), UNKNOWN, 1),
        )),
        saying(&["200"], refused("22", "200 encodings", &["gzip"; 200].join(", "), whole.clone())),
        saying(
            &["2 content encodings"],
            refused("22", "two encodings in two fields", "gzip\r\nContent-Encoding: gzip", gzip(&whole)),
        ),
        saying(
            &["`br`"],
            refused("22", "an encoding that was not asked for", "br", b"\x8b\x04\x80[{\"id\":1}]\x03".to_vec()),
        ),
        saying(&["`zstd`"], refused("22", "an encoding that is not known", "zstd", whole.clone())),
        refused("23", "one byte is wrong", "gzip", flipped),
        refused("23", "the check sum is wrong", "gzip", sum),
        refused(
            "23",
            "the check sum is missing: all items are there, and none counts",
            "gzip",
            whole[..whole.len() - 8].to_vec(),
        ),
        refused("23", "the last byte is missing", "gzip", whole[..whole.len() - 1].to_vec()),
        refused("23", "junk follows", "gzip", [whole.clone(), b"junk".to_vec()].concat()),
        refused("23", "the body is not packed at all", "gzip", ONE.into()),
        refused("23", "deflate by the name of gzip", "gzip", whole[10..].to_vec()),
        saying(
            &["page_bytes"],
            Case {
                limits: json!({"page_bytes": 100_000}),
                ..read("22", "empty members without end", vec![endless_members()], "[] limit/1", 1)
            },
        ),
        read("23", "nothing at all is no items", packed("gzip", Vec::new()), EMPTY, 1),
        post(
            "23",
            "a write whose answer cannot be unpacked is unknown",
            packed("gzip", whole[..20].to_vec()),
            UNKNOWN,
            1,
        ),
    ]
}

/// Heads that no server should send.
fn heads() -> Vec<Case> {
    let head = |lines: &str| vec![bytes(format!("HTTP/1.1 200 OK\r\n{lines}\r\n{ONE}"), Step::Close)];
    let broken = |fact: &str, script: Vec<Act>| read("24", fact, script, "[] network/3", 3);
    let many: String = (0..5000).map(|i| format!("X-{i}: a\r\n")).collect();
    let forever = |piece: &'static [u8]| {
        vec![Act::Answer(vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Forever(piece, Duration::ZERO)])]
    };
    let chunked = |start: &str, piece: &'static [u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{start}");
        vec![Act::Answer(vec![Step::Send(head.into()), Step::Forever(piece, Duration::ZERO)])]
    };
    let made = || answer(r#"{"id":1}"#);
    vec![
        broken("5,000 headers", head(&many)),
        broken("a header of a million bytes", head(&format!("X-A: {}\r\n", "a".repeat(1_000_000)))),
        broken(
            "headers without end",
            forever(b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        ),
        broken(
            "one header without end",
            forever(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ),
        broken(
            "a chunk's extension without end",
            chunked(
                "1;a=",
                b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ),
        ),
        broken(
            "trailers without end",
            chunked(
                "a\r\n[{\"id\":1}]\r\n0\r\n",
                b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            ),
        ),
        broken("NUL in a header", head("X-A: a\0b\r\n")),
        broken("a bare CR in a header", head("X-A: a\rb\r\n")),
        broken("a folded header", head("X-A: a\r\n b\r\n")),
        broken("a header without colon", head("X-A\r\n")),
        broken("a space before the colon", head("Content-Length : 10\r\n")),
        broken("two lengths that differ", head("Content-Length: 10\r\nContent-Length: 2\r\n")),
        broken("two lengths that differ in one field", head("Content-Length: 10, 2\r\n")),
        broken("a negative length", head("Content-Length: -1\r\n")),
        broken("a length with a sign", head("Content-Length: +10\r\n")),
        broken("a length beyond 64 bits", head("Content-Length: 18446744073709551626\r\n")),
        broken(
            "a length and chunks",
            vec![Act::Answer(vec![Step::Send(
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{ONE}\r\n0\r\n\r\n"
                )
                .into(),
            )])],
        ),
        broken(
            "chunks and a length",
            vec![Act::Answer(vec![Step::Send(
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\na\r\n{ONE}\r\n0\r\n\r\n"
                )
                .into(),
            )])],
        ),
        broken("a transfer encoding that is not known", head("Transfer-Encoding: rot13, chunked\r\n")),
        broken("a status line that is none", vec![bytes("ICY 200 OK\r\n\r\n[]", Step::Close)]),
        broken("no status line at all", vec![bytes(ONE, Step::Close)]),
        broken("a status of four digits", vec![bytes("HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n[]", Step::Close)]),
        broken("another protocol", vec![bytes("SSH-2.0-OpenSSH_9.6\r\n", Step::Hang)]),
        read(
            "24",
            "the same length twice is one length",
            vec![bytes(head_and("200 OK", "Content-Length: 10\r\n", ONE.as_bytes()), Step::Close)],
            WHOLE,
            1,
        ),
        broken("escape codes beside the status", vec![reply("200 \x1b[31mred", JSON, ONE)]),
        post(
            "24",
            "a broken head after a write leaves it unknown",
            vec![bytes("HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n{}", Step::Close), made()],
            UNKNOWN,
            1,
        ),
        post(
            "24",
            "two lengths after a write leave it unknown",
            vec![bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Step::Close), made()],
            UNKNOWN,
            1,
        ),
        post(
            "24",
            "a length and chunks after a write leave it unknown",
            vec![
                bytes(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                    Step::Close,
                ),
                made(),
            ],
            UNKNOWN,
            1,
        ),
    ]
}

/// Texts that are nearly JSON.
fn syntax() -> Vec<Case> {
    let near = |fact: &str, body: &str, says: &'static [&'static str]| {
        saying(says, read("25", fact, vec![answer(body)], UNREADABLE, 3))
    };
    let echoed = format!("[{{\"id\":1}}] {}", ECHO.join(" "));
    vec![
        near("junk follows", "[{\"id\":1}]x", &["at byte 10"]),
        near("a second document follows", "[{\"id\":1}]\n[{\"id\":2}]", &["at byte 11"]),
        near("NaN", "[{\"n\":NaN}]", &["at byte 6", "NaN"]),
        near("Infinity", "[{\"n\":-Infinity}]", &["at byte 7"]),
        near("a comment", "[/* all of them */{\"id\":1}]", &["at byte 1"]),
        near("a line comment", "// things\n[]", &["at byte 0"]),
        near("a prefix against hijacking", ")]}',\n[{\"id\":1}]", &["at byte 0"]),
        near("a call around it", "things([{\"id\":1}]);", &["at byte 1"]),
        near("single quotes", "[{'id':1}]", &["at byte 2"]),
        near("a comma too many", "[{\"id\":1},]", &["at byte 10"]),
        near("a leading zero", "[{\"id\":007}]", &["at byte 8"]),
        near("a hexadecimal number", "[{\"id\":0x1}]", &["at byte 8"]),
        near("a line break in a text", "[\"a\nb\"]", &["at byte"]),
        near("an end in the middle", "[{\"id\":1}", &["the body ends there"]),
        near("a key without quotes", "[{id:1}]", &["at byte 2"]),
        near("one line per record", "{\"id\":1}\n{\"id\":2}", &["at byte 9"]),
        near("what follows is a credential", Box::leak(echoed.into_boxed_str()), &["at byte 11", "[secret]"]),
        saying(
            &["[secret]"],
            read(
                "25",
                "what follows is a long credential, of which no half is shown",
                vec![answer(format!("[] {}", ECHO[4]))],
                UNREADABLE,
                3,
            ),
        ),
        Case {
            values: &[("apiKey", "7f3a91c2e5d84b60-key")],
            ..saying(
                &["[secret]"],
                read(
                    "25",
                    "a credential that begins as a number does, of which no half is shown",
                    vec![answer("7f3a91c2e5d84b60-key")],
                    UNREADABLE,
                    3,
                ),
            )
        },
        near("what follows would steer a terminal", "[] \u{1b}]0;owned\u{7}", &["at byte 3"]),
        post("25", "an answer to a write that is no JSON leaves it unknown", vec![answer("{oops}")], UNKNOWN, 1),
    ]
}
