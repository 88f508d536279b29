//! The mock system of the command line tests: parts on pages, and the failures that a test requests.

use std::time::Duration;

use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

#[path = "shelves.rs"]
mod shelves;

const PARTS: u64 = 60;

pub async fn start() -> MockServer {
    let server = MockServer::builder().disable_request_recording().start().await;
    Mock::given(any()).respond_with(Depot::default()).mount(&server).await;
    server
}

#[derive(Default)]
struct Depot {
    shelves: shelves::Shelves,
}

impl Respond for Depot {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match request.url.path() {
            "/token" => return token(request),
            "/office/me" if request.headers.get("authorization").is_some_and(|v| v == "Bearer the-token") => {
                return json(200, r#"{"name":"me"}"#);
            }
            _ => {}
        }
        let signed =
            request.headers.get("authorization").is_some_and(|v| v == "Basic cm9ib3Q6a2V5LW9mLXRoZS1kZXBvdA==");
        if !signed {
            return refusal(401, "unauthorized", "who are you?");
        }
        let path = request.url.path().trim_start_matches("/api");
        if let Some(rest) = path.strip_prefix("/shelves/") {
            return self.shelves.respond(request, rest);
        }
        let id = path.strip_prefix("/parts/").map(|id| id.parse::<u64>().unwrap_or(0));
        match (request.method.as_str(), path, id) {
            ("GET", "/parts", _) => list(request),
            ("GET", "/status", _) => json(200, r#"{"status":"open"}"#),
            ("POST", "/parts", _) => add(request),
            ("GET", _, Some(id)) if id <= PARTS => json(200, &part(id)),
            ("PATCH" | "DELETE", _, Some(66)) => refusal(409, "in_use", "part 66 is taken"),
            ("PATCH", _, Some(id)) => change(request, id),
            ("DELETE", _, Some(id)) if id <= PARTS => ResponseTemplate::new(204),
            _ => refusal(404, "not_found", "there is no such part"),
        }
    }
}

/// Issues tokens for a code with a verifier.
fn token(request: &Request) -> ResponseTemplate {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if body.contains("code=abc123") && body.contains("code_verifier=") {
        return json(
            200,
            r#"{"access_token":"the-token","token_type":"Bearer","expires_in":3600,"refresh_token":"the-next"}"#,
        );
    }
    json(400, r#"{"error":"invalid_grant"}"#)
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json")
}

fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    json(status, &format!(r#"{{"code":"{code}","message":"{message}"}}"#)).insert_header("x-request-id", "r-42")
}

fn part(id: u64) -> String {
    format!(r#"{{"id":{id},"name":"Part {id}","price":{id}.10,"kind":{{"id":2,"name":"Metal"}},"tags":["small"]}}"#)
}

fn list(request: &Request) -> ResponseTemplate {
    let option = |name: &str| request.url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
    let number = |name: &str, default: u64| option(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (page, size) = (number("page", 1), number("size", 25));
    let trouble = option("trouble").unwrap_or_default();
    match (trouble.as_str(), page) {
        ("fail-on-page-2", 2) => return refusal(500, "broken", "the shelf fell over"),
        ("forbidden", _) => {
            return json(
                403,
                r#"{"code":"no","message":"not yours","errors":[{"field":"parts","code":"right","message":"the right is missing"}]}"#,
            );
        }
        ("html", _) => return ResponseTemplate::new(200).set_body_raw(b"<html>closed</html>".to_vec(), "text/html"),
        ("escapes", _) => return refusal(400, "bad", r"red \u001b[31m text \u202e turned"),
        ("huge", _) => return json(200, &format!("[{}]", vec![part(1); 4000].join(","))),
        ("wide", _) => return json(200, &format!("[{}]", wide())),
        _ => {}
    }
    let first = (page - 1) * size + 1;
    let mut parts: Vec<String> = (first..(first + size).min(PARTS + 1)).map(part).collect();
    if trouble == "late-field" && page > 1 {
        parts = parts.iter().map(|p| p.replace("\"tags\"", "\"late\":1,\"tags\"")).collect();
    }
    let reply = json(200, &format!("[{}]", parts.join(",\n")));
    let reply =
        if trouble == "slow" { reply.set_delay(Duration::from_secs(if page == 1 { 0 } else { 30 })) } else { reply };
    if first + size > PARTS {
        return reply;
    }
    let mut next = request.url.clone();
    let kept: Vec<(String, String)> = request.url.query_pairs().into_owned().filter(|(n, _)| n != "page").collect();
    next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &(page + 1).to_string());
    reply.insert_header("link", format!("<{}{}>; rel=\"next\"", "/api/parts?", next.query().unwrap_or_default()))
}

/// A record that is wider than any terminal.
fn wide() -> String {
    let fields: Vec<String> = (1..40).map(|i| format!(r#""field{i}":"{}""#, "x".repeat(i))).collect();
    format!(
        r#"{{"id":12345678901234567890,"note":"line one\nline\ttwo \u001b[31m","empty":null,{}}}"#,
        fields.join(",")
    )
}

fn add(request: &Request) -> ResponseTemplate {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let sent = String::from_utf8_lossy(&request.body);
    match body["name"].as_str().unwrap_or_default() {
        "Refused" => json(
            400,
            r#"{"code":"invalid","message":"the name is taken","errors":[{"field":"name","code":"taken","message":"try another"}]}"#,
        ),
        "Taken" => refusal(409, "taken", "there is such a part"),
        "Lost" => refusal(504, "gateway", "no answer in time"),
        "Slow" => json(201, &part(7)).set_delay(Duration::from_secs(30)),
        name => json(201, &format!(r#"{{"id":100,"name":"{name}","sent":{sent}}}"#)),
    }
}

fn change(request: &Request, id: u64) -> ResponseTemplate {
    if id > PARTS {
        return refusal(404, "not_found", "there is no such part");
    }
    json(200, &format!(r#"{{"id":{id},"sent":{}}}"#, String::from_utf8_lossy(&request.body)))
}
