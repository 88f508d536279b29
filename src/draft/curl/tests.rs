//! Command lines as they are copied.

use super::{Curl, parse};
use crate::draft::connector::AuthDraft;

fn read(text: &str) -> Curl {
    parse(text, &|file| Ok(format!("{{\"from\":\"{file}\"}}"))).unwrap()
}

fn secrets(curl: &Curl) -> Vec<(&str, &str)> {
    curl.secrets.iter().map(|s| (s.property, s.value.as_str())).collect()
}

#[test]
fn from_documentation() {
    let curl = read(
        "$ curl -s -G \"https://api.acme.example/v2/shelves/12/books\" \\\n  -H 'Authorization: Bearer abc.def' \\\n  -d limit=5 --data-urlencode 'q=war & peace'\n",
    );
    assert_eq!(
        (curl.base_url.as_str(), curl.request.path.as_str()),
        ("https://api.acme.example/v2", "/shelves/{id}/books")
    );
    assert_eq!(curl.request.options(), r#"{"id":"12","limit":"5","q":"war & peace"}"#);
    assert_eq!((curl.auth.clone(), secrets(&curl)), (AuthDraft::Bearer, vec![("token", "abc.def")]));
    assert!(curl.request.body.is_none());
}

#[test]
fn bodies() {
    for (text, content_type, body) in [
        (r#"curl https://a.example/books -d '{"title":"It'\''s"}'"#, "application/json", r#"{"title":"It's"}"#),
        ("curl https://a.example/books --json @book.json", "application/json", r#"{"from":"book.json"}"#),
        ("curl https://a.example/books -d a=1 -d b=2", "application/x-www-form-urlencoded", "a=1&b=2"),
        (
            "curl https://a.example/books --data-raw $'{\"a\":\"x\\ny\\u0021\"}'",
            "application/x-www-form-urlencoded",
            "{\"a\":\"x\ny!\"}",
        ),
        ("curl -XPUT https://a.example/books -H 'content-type: text/plain' --data-binary 'x'", "text/plain", "x"),
    ] {
        let request = read(text).request;
        let sent = request.body.unwrap();
        assert_eq!((sent.content_type.as_str(), sent.text.as_str()), (content_type, body), "{text}");
        assert_eq!(request.verb.as_str(), if text.contains("PUT") { "PUT" } else { "POST" });
    }
}

#[test]
fn from_a_browser_on_windows() {
    let curl = read(
        "curl ^\"https://a.example/api/books?sort=title^\" ^\r\n  -H ^\"accept: application/json^\" ^\r\n  -H ^\"x-api-key: s3cret^\" ^\r\n  -H ^\"sec-fetch-mode: cors^\" ^\r\n  --data-raw ^\"^{^\\^\"title^\\^\":^\\^\"x^\\^\"^}^\"",
    );
    assert_eq!(curl.base_url, "https://a.example/api");
    assert_eq!(curl.request.body.as_ref().map(|b| b.text.as_str()), Some(r#"{"title":"x"}"#));
    assert_eq!(secrets(&curl), [("apiKey", "s3cret")]);
    assert!(curl.request.headers.is_empty());
}

#[test]
fn credentials_are_taken_out() {
    for (text, auth, values) in [
        ("curl -u ann:pass:word a.example/x", AuthDraft::Basic, vec![("username", "ann"), ("password", "pass:word")]),
        ("curl https://ann:pw@a.example/x", AuthDraft::Basic, vec![("username", "ann"), ("password", "pw")]),
        (
            "curl a.example/x -H 'Authorization: Basic YW5uOnB3'",
            AuthDraft::Basic,
            vec![("username", "ann"), ("password", "pw")],
        ),
        (
            "curl a.example/x -H 'Authorization: Token token=t1'",
            AuthDraft::ApiKey { header: "authorization".into(), before: "Token ".into() },
            vec![("apiKey", "token=t1")],
        ),
        ("curl a.example/x", AuthDraft::None, vec![]),
    ] {
        let curl = read(text);
        assert_eq!((curl.auth.clone(), secrets(&curl)), (auth, values), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    for text in
        ["wget x", "curl", "curl 'x", "curl --fly https://a.example", "curl -F a=b https://a.example", "curl -H"]
    {
        assert!(parse(text, &|_| Ok(String::new())).is_err(), "{text}");
    }
    assert_eq!(read("curl -k -b s=1 https://a.example/x").notes.len(), 2);
}

#[test]
fn what_is_no_part_of_the_command_is_refused() {
    for text in [
        "curl https://a.example/x -u u:p && echo https://b.example/y",
        "curl https://a.example/x https://b.example/y",
        "curl https://a.example/x --url https://b.example/y",
        "curl https://a.example/x > out.json",
        "curl https://a.example/x -H 'A: b' | jq .",
        "curl https://a.example/x; ls",
        "curl https://a.example/x?a=1&b=2",
        "curl https://a.example/x\ncurl https://b.example/y\n",
        "curl ^\"https://a.example/x^\" > out.json",
    ] {
        let refused = parse(text, &|_| Ok(String::new())).map(|curl| curl.host);
        assert!(refused.is_err(), "{text}: {refused:?}");
    }
    assert_eq!(read("$ curl 'https://a.example/x?a=1&b=2;c|d>e' \n\n").request.path, "/x");
}
