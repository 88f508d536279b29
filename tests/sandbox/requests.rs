//! The sandbox's replies, byte by byte: refusals, links, its own pages, hostile input.

use opnode::sandbox::Faults;
use serde_json::json;

use crate::packs::start;
use crate::raw::{AUTH, JSON, ask, get, send};

#[tokio::test]
async fn refusals_have_the_status_and_form_of_the_system() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    let patch = r#"[{"op":"replace","path":"name","value":"x"}]"#;
    for (verb, target, body, status, code, detail, field) in [
        ("GET", "/nowhere", "", 404, "Gone", None, None),
        ("GET", "/things/999", "", 404, "Gone", None, None),
        ("GET", "/things/abc", "", 400, "Bad", Some("InvalidParameter"), Some("id")),
        ("GET", "/things/0", "", 400, "Bad", Some("InvalidParameter"), Some("id")),
        ("GET", "/things?nope=1", "", 400, "Bad", Some("UnknownParameter"), Some("nope")),
        ("GET", "/things?active=perhaps", "", 400, "Bad", Some("InvalidParameter"), Some("active")),
        ("GET", "/things?kind=a&kind=b", "", 400, "Bad", Some("InvalidParameter"), Some("kind")),
        ("GET", "/things?page=0", "", 400, "Bad", Some("InvalidParameter"), Some("page")),
        ("GET", "/things?pageSize=x", "", 400, "Bad", Some("InvalidParameter"), Some("pageSize")),
        ("GET", "/things?where=id", "", 400, "BadFilter", None, None),
        ("GET", "/things?where=tags/value=%22red%22", "", 400, "BadFilter", None, None),
        ("GET", "/things?sortBy=nope", "", 400, "BadFilter", None, None),
        ("GET", "/unwalkable", "", 400, "Bad", Some("InvalidParameter"), Some("")),
        ("GET", "/versioned", "", 415, "UnsupportedMediaType", Some("InvalidHeader"), Some("content-type")),
        ("DELETE", "/things", "", 405, "MethodNotAllowed", None, None),
        ("POST", "/things", "", 400, "Bad", Some("InvalidBody"), Some("")),
        ("POST", "/things", "{", 400, "Bad", Some("InvalidBody"), Some("")),
        ("POST", "/things", "[]", 400, "Bad", Some("InvalidField"), Some("")),
        ("POST", "/things", "{}", 400, "Bad", Some("MissingField"), Some("name")),
        ("POST", "/things", r#"{"name":null}"#, 400, "Bad", Some("InvalidField"), Some("name")),
        ("POST", "/things", r#"{"name":""}"#, 400, "Bad", Some("MissingField"), Some("name")),
        ("POST", "/things", r#"{"name":"x","owner":{"id":"y"}}"#, 400, "Bad", Some("InvalidField"), Some("owner/id")),
        ("POST", "/things", r#"{"name":"x","name":"y"}"#, 400, "Bad", Some("InvalidBody"), Some("")),
        ("POST", "/things", r#"{"name":"thing1"}"#, 409, "Conflict", None, None),
        ("POST", "/things/search", r#"{"were":"x"}"#, 400, "Bad", Some("UnknownParameter"), Some("were")),
        ("POST", "/wrapped", r#"{"name":"x"}"#, 400, "Bad", Some("MissingField"), Some("data")),
        ("POST", "/documents", r#"{"name":"x"}"#, 415, "UnsupportedMediaType", None, None),
        ("PATCH", "/things/1", r#"{"name":"x"}"#, 400, "Bad", Some("InvalidBody"), Some("")),
        ("PATCH", "/things/1", r#"[{"op":"replace","path":"name"}]"#, 400, "Bad", Some("InvalidPatch"), Some("")),
        ("PATCH", "/things/1", r#"[{"op":"move","path":"name"}]"#, 400, "Bad", Some("InvalidPatch"), Some("")),
        ("PATCH", "/things/1", r#"[{"op":"remove","path":"name"}]"#, 400, "Bad", Some("MissingField"), Some("name")),
        (
            "PATCH",
            "/things/1",
            r#"[{"op":"replace","path":"name","value":5}]"#,
            400,
            "Bad",
            Some("InvalidField"),
            Some("name"),
        ),
        ("PATCH", "/things/1", "[1]", 400, "Bad", Some("InvalidPatch"), Some("")),
        ("PATCH", "/things/999", patch, 404, "Gone", None, None),
    ] {
        let what = format!("{verb} {target} {body}");
        let reply = send(address, verb, target, body).await;
        assert_eq!((reply.status, reply.at("/code")), (status, json!(code)), "{what}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/vnd.acme+json"), "{what}");
        if let (Some(detail), Some(field)) = (detail, field) {
            assert_eq!(
                (reply.at("/errors/0/code"), reply.at("/errors/0/field")),
                (json!(detail), json!(field)),
                "{what}: {}",
                reply.body
            );
        }
    }
    let reply = send(address, "DELETE", "/things", "").await;
    assert_eq!(reply.header("allow"), Some("GET, POST"));
}

#[tokio::test]
async fn credentials_are_checked_first() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    for (line, headers) in [
        ("GET /api/v1/things", vec![]),
        ("GET /api/v1/nowhere", vec!["Authorization: Basic eDp5"]),
        ("DELETE /api/v1/things", vec!["Authorization: Bearer c29tZW9uZTpwYXNzOndvcmQ="]),
        ("GET /api/v1/things", vec!["Authorization: Basic !!!"]),
    ] {
        let reply = ask(address, line, &headers, b"").await.unwrap();
        assert_eq!((reply.status, reply.at("/code")), (401, json!("Denied")), "{line} {headers:?}");
        assert!(reply.header("www-authenticate").unwrap().starts_with("Basic"));
    }
    let lower = AUTH.replace("Basic", "basic");
    assert_eq!(ask(address, "GET /api/v1/info", &[&lower], b"").await.unwrap().status, 200);
    assert_eq!(ask(address, "GET /api/v1/ping", &[], b"").await.unwrap().status, 200);
    // Bolt has no wording for it in its sandbox.yaml, so the form comes from its definition.
    let reply = ask(address, "GET /unpaged", &["Authorization: Bearer no"], b"").await.unwrap();
    assert_eq!((reply.status, reply.at("/successful")), (401, json!(false)));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn json_needs_its_content_type() {
    let (sandbox, _) = start(Faults::default()).await;
    let body = br#"{"name":"x"}"#;
    for (header, status) in [
        ("Content-Type: application/json; charset=utf-8", 201),
        ("Content-Type: application/vnd.x+json", 409),
        ("Content-Type: text/plain", 415),
        ("x-none: 1", 415),
    ] {
        let reply = ask(sandbox.address(), "POST /api/v1/things", &[AUTH, header], body).await.unwrap();
        assert_eq!(reply.status, status, "{header}");
    }
}

#[tokio::test]
async fn links_match_a_real_server() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    let link = |target: &str, rel: &str| format!("<http://{address}/api/v1/things?{target}>; rel=\"{rel}\"");
    let first = get(address, "/things?where=id%3E0&pageSize=20").await;
    let at = |page: u32, rel: &str| link(&format!("where=id%3E0&pageSize=20&page={page}"), rel);
    assert_eq!(first.header("link"), Some(format!("{}, {}", at(2, "next"), at(3, "last")).as_str()));
    let second = get(address, "/things?where=id%3E0&pageSize=20&page=2").await;
    let expected = [at(3, "next"), at(1, "prev"), at(1, "first"), at(3, "last")].join(", ");
    assert_eq!(second.header("link"), Some(expected.as_str()));
    let third = get(address, "/things?where=id%3E0&page=3&pageSize=20").await;
    assert_eq!(third.header("link"), Some([at(2, "prev"), at(1, "first")].join(", ").as_str()));
    let past = get(address, "/things?pageSize=20&page=4").await;
    assert_eq!((past.status, past.body.as_str()), (200, "[]"));
    assert!(!past.header("link").unwrap().contains("next"));
    // The server's default page size, and its maximum.
    assert_eq!(get(address, "/things").await.json().as_array().unwrap().len(), 25);
    assert_eq!(get(address, "/things?pageSize=1000000").await.json().as_array().unwrap().len(), 60);
    assert_eq!(get(address, "/things?page=18446744073709551615").await.body, "[]");
}

#[tokio::test]
async fn forward_only_has_its_own_rules() {
    let (sandbox, _) = start(Faults::default()).await;
    let forward = async |target: &str| {
        ask(sandbox.address(), &format!("GET /api/v1{target}"), &[AUTH, "x-paging: forward"], b"").await.unwrap()
    };
    let page = forward("/things?pageSize=50&page=9").await;
    assert_eq!(page.json().as_array().unwrap().len(), 50, "the page number is ignored");
    assert_eq!(
        page.header("link").unwrap(),
        format!("<http://{}/api/v1/things?pageSize=50&afterId=50>; rel=\"next\"", sandbox.address())
    );
    let last = forward("/things?pageSize=50&afterId=50").await;
    assert_eq!((last.json().as_array().unwrap().len(), last.header("link")), (10, Some("")));
    assert_eq!(forward("/things?sortBy=id").await.at("/errors/0/field"), json!("sortBy"));
    assert_eq!(forward("/unwalkable?kind=big").await.status, 400);
}

#[tokio::test]
async fn paths_and_hosts_are_validated() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    assert_eq!(get(address, "/things/1/").await.status, 200);
    assert_eq!(get(address, "/things/%31").await.at("/id"), json!(1));
    assert_eq!(get(address, "/things/1%2F2").await.status, 400);
    assert_eq!(get(address, "//things").await.status, 404);
    assert_eq!(get(address, "/things/%ff").await.status, 400);
    let odd = ask(address, "GET /api/v1/things?pageSize=50", &[AUTH, "x-y: z"], b"").await.unwrap();
    assert!(odd.header("link").unwrap().starts_with(&format!("<http://{address}/")));
    // With bolt and gear at the root, an unknown path is refused in the wording of one of them.
    assert_eq!(ask(address, "GET /api/v2/things", &[AUTH], b"").await.unwrap().status, 401);
    assert_eq!(ask(address, "OPTIONS *", &[AUTH], b"").await.unwrap().status, 401);
}

#[tokio::test]
async fn hostile_bodies_are_refused() {
    let (sandbox, _) = start(Faults::default()).await;
    let deep = "[".repeat(1_000_000);
    let wide = format!("{{{}\"name\":\"x\"}}", (0..200_000).map(|i| format!("\"k{i}\":{i},")).collect::<String>());
    let filter = json!({"where": "(".repeat(90_000)}).to_string();
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(17 << 20));
    for (target, body, status) in [
        ("/things", deep.as_str(), 400),
        ("/things", wide.as_str(), 400),
        ("/things", "{\"name\":1e400}", 400),
        ("/things", "{\"name\":\"\\ud800\"}", 400),
        ("/things/search", filter.as_str(), 400),
    ] {
        let reply = send(sandbox.address(), "POST", target, body).await;
        assert_eq!(reply.status, status, "{}", reply.body.chars().take(300).collect::<String>());
    }
    let reply = ask(sandbox.address(), "POST /api/v1/things", &[AUTH, JSON], huge.as_bytes()).await;
    // A client that is still sending may see the connection close before the reply.
    assert!(reply.is_none_or(|r| r.status == 413));
    let not_text = ask(sandbox.address(), "POST /api/v1/things", &[AUTH, JSON], b"{\"name\":\"\xff\"}").await.unwrap();
    assert_eq!(not_text.status, 400);
}

#[tokio::test]
async fn its_own_pages() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    let index = ask(address, "GET /", &[], b"").await.unwrap();
    for part in [
        "simulates acme (Acme): 24 operations, 3 collections of records",
        "connector: bolt",
        "secret: \"pass:word\"",
        "# fixed: with --sandbox only",
        "faults: none",
    ] {
        assert!(index.body.contains(part), "{part}: {}", index.body);
    }
    let yaml = index.body.split_once("version: 1").unwrap().1.split_once("\nGET").unwrap().0;
    let file = opnode::connections::ConnectionsFile::parse("index", &format!("version: 1{yaml}")).unwrap();
    assert_eq!(file.connections.len(), 3);
    send(address, "POST", "/things", r#"{"name":"x"}"#).await;
    get(address, "/things/61?pick=id").await;
    let log = ask(address, "GET /__sandbox/log", &[], b"").await.unwrap();
    let expected = json!([
        {"method": "POST", "path": "/api/v1/things", "status": 201, "operation": "acme/createThing"},
        {"method": "GET", "path": "/api/v1/things/61?pick=id", "status": 200, "operation": "acme/getThing"},
    ]);
    assert_eq!(log.json(), expected);
    assert_eq!(ask(address, "POST /__sandbox/reset", &[], b"").await.unwrap().status, 204);
    assert_eq!(get(address, "/things/61").await.status, 404);
    assert_eq!(ask(address, "GET /__sandbox/log", &[], b"").await.unwrap().json().as_array().map(Vec::len), Some(1));
    assert_eq!(ask(address, "GET /__sandbox/nope", &[], b"").await.unwrap().status, 404);
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let (sandbox, _) = start(Faults::default()).await;
    let address = sandbox.address();
    assert_eq!(get(address, "/info").await.body, r#"{"z":1,"a":2}"#);
    drop(sandbox);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{address} still listens");
}

#[tokio::test]
async fn a_faulty_file_is_refused_with_every_fault() {
    let mut catalog = crate::packs::catalog();
    catalog.add(
        "gear",
        "sandbox.yaml",
        "version: 1\nconnection: { key: open }\nfilter_language: { option: were }\ncollections:\n  a: { path: /nowhere, key: id, record: R }\n  \
         b: { path: /unpagedd, key: id, record: R }\n  c: { path: /x, key: id, record: S }\nreplies: { unpage: {}, unpaged: { status: 99 } }\n\
         errors: { unauthorised: { status: 401 } }\n",
    );
    catalog.add("gear", "records.yaml", "version: 1\nrecords:\n  R: { schema: { type: object }, sample: { id: 1 } }\n");
    let options = opnode::sandbox::SandboxOptions::default();
    let error = opnode::sandbox::Sandbox::start(catalog.into(), options).await.err().unwrap();
    let faults: Vec<String> = error.faults.iter().map(|f| format!("{}: {}", f.place, f.message)).collect();
    let text = faults.join("\n");
    for part in [
        "/collections/c: no record is called `S`",
        "/replies/unpage: there is no operation `unpage`; did you mean `unpaged`?",
        "/replies/unpaged: 99 is not an HTTP status",
        "/errors/unauthorised: `unauthorised` is not an error reply of the sandbox; did you mean `unauthorized`?",
        "/collections/a: no operation has an option `were`",
        "/collections/a/path: no operation",
        "/collections/b/path: no operation",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let (sandbox, engine) = start(Faults::default()).await;
    let options = opnode::sandbox::SandboxOptions { port: sandbox.address().port(), ..Default::default() };
    let error = opnode::sandbox::Sandbox::start(std::sync::Arc::clone(engine.catalog()), options).await.err().unwrap();
    assert_eq!(error.kind(), opnode::ErrorKind::Network);
}

/// Requests that are assembled from difficult pieces: each gets a reply, and none crashes the server, which would close
/// the socket.
#[tokio::test]
async fn unusual_requests_all_get_a_reply() {
    let (sandbox, _) = start(Faults::default()).await;
    let mut chance = fastrand::Rng::with_seed(7);
    let paths = [
        "/things",
        "/things/1",
        "/things/{id}",
        "/things/count",
        "/things/search",
        "/things/1/notes",
        "/things/%00",
        "/file",
        "/report",
        "/things/bulk",
    ];
    let names =
        ["where", "whereAny", "sortBy", "pick", "page", "pageSize", "afterId", "kind", "active", "%ff", "", "id"];
    let values = [
        "",
        "0",
        "-1",
        "18446744073709551616",
        "1e9",
        "%22",
        "(",
        "not",
        "id%20in%20(",
        "id=[",
        "id=%22%5C",
        "a,b,,",
        "%F0%9F%98%80",
        "id%20like%20%22***%22",
        "-",
        "null",
        "tags/value/x",
        "owner=null",
        "%00",
        "true",
        "id=1%20and%20",
        "asc%20asc",
        "/",
        "//",
    ];
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "1",
        "\"x\"",
        "[{}]",
        "[null]",
        "{\"name\":[]}",
        "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]",
        "[{\"op\":1,\"path\":{}}]",
        "{\"where\":5}",
        "\u{feff}{}",
        "{\"a\":1,}",
    ];
    for _ in 0..1500 {
        let verb = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"][chance.usize(..8)];
        let path = paths[chance.usize(..paths.len())];
        let query: Vec<String> = (0..chance.usize(..4))
            .map(|_| format!("{}={}", names[chance.usize(..names.len())], values[chance.usize(..values.len())]))
            .collect();
        let body = bodies[chance.usize(..bodies.len())];
        let line = format!("{verb} /api/v1{path}?{}", query.join("&"));
        let more = if chance.bool() { "x-paging: forward" } else { "x-other: 1" };
        let reply = ask(sandbox.address(), &line, &[AUTH, JSON, more], body.as_bytes()).await;
        let status = reply.unwrap_or_else(|| panic!("no reply to {line} {body}")).status;
        assert!((200..500).contains(&status), "{status} to {line} {body}");
    }
}
