//! Drafts of any reply are valid definitions.

use http::{HeaderMap, HeaderValue};

use super::{
    AuthDraft, Chosen, ConnectorDraft, Draft, PagingKind, RawBody, RawRequest, RecordChoice, Section, Seen, add_entry,
    record_name,
};
use crate::Catalog;

fn request(verb: &str, path: &str, pairs: &[&str]) -> RawRequest {
    let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
    RawRequest::parse(verb, path, &pairs).unwrap()
}

fn connector(auth: AuthDraft, paging: PagingKind) -> ConnectorDraft {
    ConnectorDraft { name: "acme".into(), base_url: "https://acme.example/v1".into(), auth, paging }
}

/// The faults of a connector with an operation as drafted.
fn faults(request: &RawRequest, headers: &HeaderMap, body: Option<&str>) -> Vec<String> {
    let draft = Draft::read(&Seen { request, headers, body, is_method_chosen: false }).unwrap();
    let record = if draft.has_record() { RecordChoice::New(record_name(&request.path)) } else { RecordChoice::None };
    let none = Chosen::None { why: "nothing: was # found".to_owned(), is_needed: false };
    let paged = draft.candidates.iter().map(|paging| Chosen::Own { paging: paging.clone(), why: "checked".to_owned() });
    let mut found = Vec::new();
    for chosen in paged.chain([none]) {
        let mut text = String::new();
        if let RecordChoice::New(name) = &record {
            text = add_entry(&text, Section::Records, &draft.record(name)).unwrap();
        }
        text = add_entry(&text, Section::Operations, &draft.operation("one", None, &record, &chosen)).unwrap();
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", connector(AuthDraft::None, PagingKind::None).connector());
        catalog.add("acme", "one.yaml", text.clone());
        found
            .extend(catalog.faults(&[]).into_iter().map(|fault| format!("{}: {}\n{text}", fault.place, fault.message)));
        found.extend(catalog.operation(None, "one").err().map(|e| e.message.clone()));
    }
    found
}

#[test]
fn drafts_of_any_reply_are_valid() {
    let odd = r##"{"": 1, "a: b": "x: y", "#c": "# d", "- e": "- f", "null": "null", "1": "1", "yes": "no", "é": "ü\u0001\n", "$ref": "#/x", "type": null, "properties": {"a": []}, "@id": "@x", "q'\"": "'\"", "*a": "&b", "{x}": "{y}", "long": "LONG", "deep": {"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}, "n": 12345678901234567890123, "f": 1e400, "mixed": [1, "a", null, {"x": [[]]}], "<<": 1, "date": 2026-01-01}"##;
    let odd = odd.replace("LONG", &"x".repeat(5000)).replace(", \"date\": 2026-01-01", "");
    let list = format!("[{odd}, {odd}, {{}}]");
    let envelope = format!(
        "{{\"data\": {list}, \"meta\": {{\"next_cursor\": \"a b:#{{\", \"total\": 5, \"page\": 1, \"per page\": 10, \"has_more\": true, \"links\": {{\"next\": \"/x?page[cursor]=2&$top=10\"}}}}}}"
    );
    let mut link = HeaderMap::new();
    link.insert("link", HeaderValue::from_static("<https://acme.example/v1/x?page[number]=2&$top=5>; rel=\"next\""));
    link.insert("x-total-count", HeaderValue::from_static("700"));
    let bodies = [
        odd.as_str(),
        &list,
        &envelope,
        "[]",
        "{}",
        "null",
        "7",
        "\"text\"",
        "",
        "<x/>",
        "not json",
        r#"{"data":[]}"#,
        r#"[[1],[2]]"#,
        r#"{"a":{"b":{"c":[{"id":1}]}}}"#,
        r#"{"id":1,"id":2}"#,
    ];
    for body in bodies {
        for request in [
            request("GET", "/things", &["a: b=# c", "$top=5", "page[number]=1", "tag=1", "tag=x", "null=null"]),
            request("GET", "/things/{id}", &["id=a b"]),
            request("DELETE", "/things/{id}", &["id=7"]),
            request("POST", "/v1/search", &[]),
        ] {
            for headers in [&link, &HeaderMap::new()] {
                assert_eq!(faults(&request, headers, Some(body)), Vec::<String>::new(), "{} {body}", request.path);
            }
        }
    }
    assert_eq!(faults(&request("GET", "/file", &[]), &HeaderMap::new(), None), Vec::<String>::new());
}

#[test]
fn drafts_of_any_body_are_valid() {
    for (content_type, text) in [
        ("application/json", r#"{"a: b": "x", "": null, "list": [1, {"y": 2}], "password": "p"}"#),
        ("application/json", r#"[{"a": 1}, {"b": null}]"#),
        ("application/x-www-form-urlencoded", "a=1&b%5Bc%5D=2&d="),
    ] {
        for (verb, path) in [("POST", "/things"), ("PATCH", "/things/{id}"), ("POST", "/things/search")] {
            let mut request = request(verb, path, if path.contains('{') { &["id=7"] } else { &[] });
            request.headers.push(("x-version".into(), "2: \"b\"".into()));
            request.body = Some(RawBody { content_type: content_type.into(), text: text.into() });
            if text.starts_with('[') && path.ends_with("search") {
                continue;
            }
            for body in ["", r#"{"id":1}"#, "[]"] {
                assert_eq!(
                    faults(&request, &HeaderMap::new(), Some(body)),
                    Vec::<String>::new(),
                    "{verb} {path} {text}"
                );
            }
        }
    }
}

#[test]
fn rows_of_csv_and_ndjson_are_items() {
    for (kind, format) in [("text/csv; charset=utf-8", "csv"), ("application/x-ndjson", "ndjson")] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        let request = request("GET", "/export", &[]);
        let seen = Seen { request: &request, headers: &headers, body: Some("a,b\n1,2\n"), is_method_chosen: false };
        let none = Chosen::None { why: String::new(), is_needed: false };
        let text = Draft::read(&seen).unwrap().operation("export", None, &RecordChoice::None, &none);
        assert!(
            text.contains(&format!(
                "result: list  # guessed: the media type of the reply tells\n      format: {format}\n"
            )),
            "{text}"
        );
        assert_eq!(faults(&request, &headers, Some("a,b\n")), Vec::<String>::new());
    }
}

#[test]
fn drafted_connectors_are_valid() {
    let key = AuthDraft::ApiKey { header: "authorization".into(), before: "Token token=\"".into() };
    let client = AuthDraft::Oauth2Client { token: "https://acme.example/token".into() };
    let url = |path: &str| format!("https://acme.example/{path}");
    let code = AuthDraft::Oauth2Code { authorize: url("authorize"), token: url("token") };
    for auth in [AuthDraft::None, AuthDraft::Basic, AuthDraft::Bearer, key, client, code] {
        for paging in [
            PagingKind::None,
            PagingKind::Link,
            PagingKind::Number,
            PagingKind::Offset,
            PagingKind::Cursor,
            PagingKind::NextUrl,
        ] {
            let text = connector(auth.clone(), paging).connector();
            let mut catalog = Catalog::empty();
            catalog.add("acme", "connector.yaml", text.clone());
            let faults: Vec<String> = catalog.faults(&[]).into_iter().map(|fault| fault.message).collect();
            assert!(faults.is_empty(), "{faults:?}\n{text}");
        }
    }
}
