//! Tokens: one renewal for all waiting calls, rotation across processes, shared and explained failures, nothing logged
//! in plain text.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, ErrorKind, FileStore, Items, Session};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::cleanup::{self, Program};
use crate::server::{self, Server, Step};

const ROTATING: &str = "version: 1
connector: acme
title: Acme
connection:
  base: { type: string, format: uri }
  refreshToken: { type: string, secret: true }
base_url: \"{base}\"
auth: { refresh: { request: POST /auth/refresh, header: { x-refresh-token: \"{refreshToken}\" }, access_token: /data/accessToken, refresh_token: /data/refreshToken, expires_in: /data/expiresIn } }
";

const OAUTH: &str = "version: 1
connector: acme
title: Acme
connection:
  base: { type: string, format: uri }
  clientId: { type: string }
  clientSecret: { type: string, secret: true, optional: true }
  refreshToken: { type: string, secret: true, optional: true }
base_url: \"{base}\"
auth: { oauth2: { flow: FLOW, authorize: \"{base}/authorize\", token: \"{base}/token\", scopes: [read, offline_access], client_id: \"{clientId}\", client_secret: \"{clientSecret}\", refresh_token: \"{refreshToken}\" } }
";

const THINGS: &str = "version: 1
operations:
  getThings: { title: Things, method: query, request: GET /things, response: { result: list } }
  postThings: { title: Add, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
";

/// A server whose access tokens are valid for some calls and whose refresh tokens work once.
#[derive(Default)]
struct State {
    access: String,
    calls_left: u32,
    calls_per_token: u32,
    refresh: String,
    used: HashSet<String>,
    reused: u32,
    refreshes: u32,
    served: u32,
    expires_in: Option<Value>,
    /// Replies to the next renewals instead of the regular one.
    refusals: Vec<(u16, String)>,
    /// Duration of a renewal.
    takes: Duration,
    seen: Vec<String>,
}

impl State {
    fn new(calls_per_token: u32) -> Arc<Mutex<State>> {
        Arc::new(Mutex::new(State {
            refresh: "refresh-0000".into(),
            calls_per_token,
            takes: Duration::from_millis(5),
            ..State::default()
        }))
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let header =
            |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        self.seen.push(format!("{} {} {body}", request.method, request.url));
        match request.url.path() {
            "/auth/refresh" => self.exchange(&header("x-refresh-token"), true),
            "/token" => {
                let field = |name: &str| {
                    url::form_urlencoded::parse(body.as_bytes())
                        .find(|(n, _)| n == name)
                        .map(|(_, v)| v.into_owned())
                        .unwrap_or_default()
                };
                let offered =
                    if field("grant_type") == "refresh_token" { field("refresh_token") } else { self.refresh.clone() };
                self.exchange(&offered, false)
            }
            _ => {
                let sent = header("authorization");
                if sent != format!("Bearer {}", self.access) || self.calls_left == 0 {
                    return ResponseTemplate::new(401)
                        .set_body_json(json!({"message": format!("token {sent} is not valid")}));
                }
                self.calls_left -= 1;
                self.served += 1;
                ResponseTemplate::new(200).set_body_json(if request.method.as_str() == "GET" {
                    json!([{"id": self.served}])
                } else {
                    json!({"id": self.served})
                })
            }
        }
    }

    fn exchange(&mut self, offered: &str, enveloped: bool) -> ResponseTemplate {
        if let Some((status, body)) = self.refusals.pop() {
            return ResponseTemplate::new(status).set_body_string(body);
        }
        if offered != self.refresh {
            self.reused += u32::from(self.used.contains(offered));
            return ResponseTemplate::new(400)
                .set_body_json(
                    json!({"error": "invalid_grant", "error_description": format!("{offered} is not known")}),
                )
                .set_delay(self.takes);
        }
        self.refreshes += 1;
        self.used.insert(std::mem::replace(&mut self.refresh, format!("refresh-{:04}", self.refreshes)));
        self.access = format!("access-{:04}", self.refreshes);
        self.calls_left = self.calls_per_token;
        let body = if enveloped {
            json!({"data": {"accessToken": self.access, "refreshToken": self.refresh, "expiresIn": self.expires_in}})
        } else {
            json!({"access_token": self.access, "refresh_token": self.refresh, "token_type": "bearer", "expires_in": self.expires_in})
        };
        ResponseTemplate::new(201).set_body_json(body).set_delay(self.takes)
    }
}

async fn serve(state: &Arc<Mutex<State>>) -> MockServer {
    let server = MockServer::start().await;
    let state = Arc::clone(state);
    Mock::given(any())
        .respond_with(move |request: &Request| state.lock().unwrap().answer(request))
        .mount(&server)
        .await;
    server
}

fn connect(connector: &str, base: &str, values: &[(&str, &str)], store: Option<&Path>) -> Session {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", connector);
    catalog.add("acme", "things.yaml", THINGS);
    let tokens = store.map(|path| Arc::new(FileStore::new(path)) as _);
    let engine = Engine::new(EngineConfig { catalog, tokens, ..EngineConfig::default() });
    let mut all = std::collections::BTreeMap::from([("base".to_owned(), base.to_owned())]);
    all.extend(values.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    let limits = serde_json::from_value(json!({"concurrency": 64})).unwrap();
    engine
        .connect(&ConnectionSpec {
            connector: "acme".into(),
            values: all,
            limits,
            name: Some("test".into()),
            account: Some("tests".into()),
            ..ConnectionSpec::default()
        })
        .unwrap()
}

fn rotating(base: &str, store: Option<&Path>) -> Session {
    connect(ROTATING, base, &[("refreshToken", "refresh-0000")], store)
}

async fn call(session: &Session) -> opnode::Result<usize> {
    Ok(session.query("getThings", &Value::Null, &CallOptions::default())?.collect().await?.items.len())
}

async fn many(session: &Session, count: usize) -> Vec<opnode::Result<usize>> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            tokio::spawn({
                let session = session.clone();
                async move { call(&session).await }
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_calls_at_expiry_renew_once() {
    let state = State::new(1000);
    let server = serve(&state).await;
    let session = rotating(&server.uri(), None);
    assert!(many(&session, 64).await.into_iter().all(|r| r.is_ok()));
    assert_eq!(state.lock().unwrap().refreshes, 1);
    // The token ends while all calls use it.
    state.lock().unwrap().calls_left = 0;
    state.lock().unwrap().access = "ended".into();
    assert!(many(&session, 64).await.into_iter().all(|r| r.is_ok()));
    let state = state.lock().unwrap();
    assert_eq!((state.refreshes, state.reused), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failing_refresh_is_shared_and_not_repeated() {
    let state = State::new(1000);
    {
        // Slow enough that all callers wait for the first refusal.
        let mut state = state.lock().unwrap();
        state.refresh = "another".into();
        state.takes = Duration::from_secs(1);
    }
    let server = serve(&state).await;
    let session = rotating(&server.uri(), None);
    let errors: Vec<_> = many(&session, 64).await.into_iter().map(|r| r.unwrap_err()).collect();
    assert!(errors.iter().all(|e| e.kind() == ErrorKind::Unauthenticated), "{errors:?}");
    assert!(
        errors[0].advice.as_ref().unwrap().to_string().contains("put a new refresh token"),
        "{:?}",
        errors[0].advice
    );
    let asked = state.lock().unwrap().seen.iter().filter(|s| s.contains("/auth/refresh")).count();
    assert_eq!(asked, 1);
    assert!(errors.iter().all(|e| !e.to_json().to_string().contains("refresh-0000")), "{:?}", errors[0]);
}

/// The first caller is cancelled during the renewal; the others get the token, and it is requested once.
#[tokio::test]
async fn a_cancelled_caller_does_not_stop_the_renewal() {
    let state = State::new(1000);
    state.lock().unwrap().takes = Duration::from_millis(500);
    let server = serve(&state).await;
    let session = rotating(&server.uri(), None);
    let with = CallOptions::default();
    let cancel = with.cancel.clone();
    let first = tokio::spawn({
        let session = session.clone();
        async move { session.query("getThings", &Value::Null, &with).unwrap().collect().await }
    });
    while state.lock().unwrap().refreshes == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel();
    assert_eq!(first.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(many(&session, 8).await.into_iter().all(|r| r.is_ok()));
    let state = state.lock().unwrap();
    assert_eq!((state.refreshes, state.reused), (1, 0));
}

#[tokio::test]
async fn writes_are_replayed_at_most_once_after_a_401() {
    let state = State::new(3);
    let server = serve(&state).await;
    let session = rotating(&server.uri(), None);
    for _ in 0..10 {
        let item = Items::from_values(&[json!({"name": "x"})]);
        let reply =
            session.mutate("postThings", &Value::Null, Some(item), &CallOptions::default()).unwrap().collect().await;
        assert!(reply.check().is_ok(), "{:?}", reply.check());
    }
    assert_eq!(state.lock().unwrap().served, 10);
}

#[tokio::test]
async fn an_endless_401_ends_at_the_second() {
    let state = State::new(0);
    let server = serve(&state).await;
    let error = call(&rotating(&server.uri(), None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let state = state.lock().unwrap();
    assert_eq!((state.refreshes, state.seen.iter().filter(|s| s.contains("/things")).count()), (2, 2));
    let shown = format!("{error:?} {}", error.to_json());
    assert!(!shown.contains("access-0"), "an echoed token is masked: {shown}");
}

#[tokio::test]
async fn expiry_is_read_in_every_form() {
    // (the server's `expires_in`, renewals that two calls need)
    for (expires_in, refreshes) in
        [(json!(3600), 1), (json!("3600"), 1), (json!(null), 1), (json!(-5), 1), (json!("soon"), 1), (json!(0), 1)]
    {
        let state = State::new(1000);
        state.lock().unwrap().expires_in = Some(expires_in.clone());
        let server = serve(&state).await;
        let session = rotating(&server.uri(), None);
        call(&session).await.unwrap();
        call(&session).await.unwrap();
        assert_eq!(state.lock().unwrap().refreshes, refreshes, "{expires_in}");
    }
}

#[tokio::test]
async fn a_failing_token_server_is_retried() {
    let state = State::new(1000);
    state.lock().unwrap().refusals = vec![(503, "<html>busy</html>".into()), (503, String::new())];
    let server = serve(&state).await;
    call(&rotating(&server.uri(), None)).await.unwrap();
    for (status, body, kind) in [
        (200, r#"{"error": "invalid_client"}"#, ErrorKind::Unauthenticated),
        (200, "{}", ErrorKind::Unauthenticated),
        (200, r#"{"data": {"accessToken": ""}}"#, ErrorKind::Unauthenticated),
        (401, "", ErrorKind::Unauthenticated),
        (200, "<html>", ErrorKind::Unavailable),
        (503, "<html>", ErrorKind::Unavailable),
    ] {
        let state = State::new(1000);
        state.lock().unwrap().refusals = vec![(status, body.into()); 3];
        let server = serve(&state).await;
        let error = call(&rotating(&server.uri(), None)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {error:?}");
    }
}

/// The reply of the server behind, unchanged.
fn forwarded(request: &server::Request, behind: std::net::SocketAddr) -> Vec<u8> {
    use std::io::{Read, Write};
    let own = request.headers.iter().filter(|(name, _)| name != "connection");
    let headers: String = own.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = std::net::TcpStream::connect(behind).unwrap();
    write!(stream, "{}\r\n{headers}connection: close\r\n\r\n{}", request.line, request.text()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_lost_rotation_is_explained() {
    let state = State::new(1000);
    let server = serve(&state).await;
    // The first reply is lost: the connection breaks after the server has rotated.
    let (behind, first) = (*server.address(), AtomicBool::new(true));
    let front = Server::answering(move |request| {
        let answer = forwarded(request, behind);
        if first.swap(false, Ordering::SeqCst) {
            server::silence(Step::Close)
        } else {
            server::bytes(answer, Step::Close)
        }
    });
    let error = call(&rotating(&front.url(), None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message.contains("a token rotation was lost"), "{error:?}");
    assert!(error.advice.as_ref().unwrap().to_string().contains("put a new refresh token"), "{:?}", error.advice);
}

#[tokio::test]
async fn a_new_refresh_token_in_the_connection_replaces_the_stored_one() {
    let dir = cleanup::folder();
    let path = dir.path().join("tokens.json");
    let state = State::new(1000);
    let server = serve(&state).await;
    call(&rotating(&server.uri(), Some(&path))).await.unwrap();
    // The token was revoked, and a user entered a new one.
    state.lock().unwrap().refresh = "refresh-new".into();
    state.lock().unwrap().access = "gone".into();
    let session = connect(ROTATING, &server.uri(), &[("refreshToken", "refresh-new")], Some(&path));
    call(&session).await.unwrap();
    assert_eq!(state.lock().unwrap().reused, 0);
}

#[tokio::test]
async fn oauth_client_credentials() {
    let state = State::new(2);
    let server = serve(&state).await;
    let connector = OAUTH.replace("FLOW", "client_credentials");
    let session = connect(&connector, &server.uri(), &[("clientId", "me"), ("clientSecret", "s3cr:t")], None);
    for _ in 0..5 {
        call(&session).await.unwrap();
    }
    let seen = state.lock().unwrap().seen.join("\n");
    assert!(seen.contains("grant_type=client_credentials&scope=read%20offline_access"), "{seen}");
}

#[tokio::test]
async fn oauth_sign_in_and_refresh() {
    let dir = cleanup::folder();
    let path = dir.path().join("deep/tokens.json");
    let state = State::new(2);
    let server = serve(&state).await;
    let connector = OAUTH.replace("FLOW", "authorization_code");
    let session = connect(&connector, &server.uri(), &[("clientId", "me")], Some(&path));
    let error = call(&session).await.unwrap_err();
    assert!(
        error.message.contains("is not signed in to")
            && error.advice.as_ref().unwrap().to_string().contains("sign in to test"),
        "{error:?}"
    );
    let url = session.sign_in_url("http://127.0.0.1:7777/", "some-state", "some-challenge").unwrap();
    assert!(
        url.contains("response_type=code")
            && url.contains("code_challenge=some-challenge")
            && url.contains("scope=read+offline_access"),
        "{url}"
    );
    session
        .sign_in(&opnode::Secret::new("the-code"), "http://127.0.0.1:7777/", &opnode::Secret::new("the-verifier"))
        .await
        .unwrap();
    for _ in 0..5 {
        call(&session).await.unwrap();
    }
    // Another process finds the tokens.
    call(&connect(&connector, &server.uri(), &[("clientId", "me")], Some(&path))).await.unwrap();
    let state = state.lock().unwrap();
    let seen = state.seen.join("\n");
    assert!(
        seen.contains("code=the-code")
            && seen.contains("code_verifier=the-verifier")
            && seen.contains("grant_type=refresh_token"),
        "{seen}"
    );
    assert_eq!(state.reused, 0);
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_a_state_error() {
    let dir = cleanup::folder();
    let state = State::new(10);
    let server = serve(&state).await;
    let damaged = dir.path().join("damaged.json");
    std::fs::write(&damaged, "{\"version\": 1, \"tok").unwrap();
    let folder = dir.path().join("folder.json");
    std::fs::create_dir(&folder).unwrap();
    for path in [damaged, folder, "/proc/none/tokens.json".into()] {
        let error = call(&rotating(&server.uri(), Some(&path))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State, "{error:?}");
        assert!(error.place.as_ref().unwrap().file.is_some());
    }
    assert_eq!(state.lock().unwrap().refreshes, 0, "nothing is spent before the store is known to work");
}

/// The rounds of one process; the test below starts it twice. Does nothing without its variables.
#[tokio::test]
async fn rounds_of_one_process() {
    let (Ok(base), Ok(store)) = (std::env::var("TOKENS_BASE"), std::env::var("TOKENS_STORE")) else { return };
    let session = rotating(&base, Some(Path::new(&store)));
    for round in 0..200 {
        call(&session).await.unwrap_or_else(|e| panic!("round {round}: {e:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_rotating_tokens() {
    let dir = cleanup::folder();
    let state = State::new(7);
    let server = serve(&state).await;
    let start = || {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["tokens::rounds_of_one_process", "--exact"])
            .env("TOKENS_BASE", server.uri())
            .env("TOKENS_STORE", dir.path().join("tokens.json"))
            .stdout(std::process::Stdio::piped());
        Program::start(&mut command).unwrap()
    };
    for child in [start(), start()] {
        let output = tokio::task::spawn_blocking(|| child.into_output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let state = state.lock().unwrap();
    assert_eq!((state.served, state.reused), (400, 0), "{} refreshes", state.refreshes);
}

#[tokio::test]
async fn two_clients_without_names_keep_their_tokens_apart() {
    let state = State::new(1000);
    let server = serve(&state).await;
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", OAUTH.replace("FLOW", "client_credentials"));
    catalog.add("acme", "things.yaml", THINGS);
    let engine = Engine::new(EngineConfig { catalog, ..EngineConfig::default() });
    for client in ["one", "two"] {
        let values = [("base", server.uri()), ("clientId", client.to_owned()), ("clientSecret", "s3cr:t".to_owned())];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        let session =
            engine.connect(&ConnectionSpec { connector: "acme".into(), values, ..ConnectionSpec::default() }).unwrap();
        call(&session).await.unwrap();
    }
    assert_eq!(state.lock().unwrap().refreshes, 2, "a token for each client");
}
