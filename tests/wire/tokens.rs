//! The environment of the cases about tokens: an API, a token server and a server that must never be called, each with
//! its own origin; and the planted tokens with checks that each is seen only where it belongs.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::{Failed, Trial};
use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Items, Method, Receipt, Secret, Session, TokenStore,
};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::acme::{OPERATIONS, check_text};
use crate::server::{Act, Request, Server, Wrap, json as answer};
use crate::stage::{Found, TestClock, block_on, call, told};

/// In scripted bytes, a placeholder for the port of the API.
pub const API: &str = ":APIII";
/// In scripted bytes, a placeholder for the port of the token server.
pub const TOKEN: &str = ":TOKEN";

/// The access tokens in the order in which they are issued, and their refresh tokens.
pub const ACCESS: [&str; 2] = ["a1Hq7xv+/=.~a1Tz9kd", "a2Hq7xv+/=.~a2Tz9kd"];
pub const ISSUED: [&str; 2] = ["r1Hq7xv\"&+/=: \\r1Tz9kd", "r2Hq7xv\"&+/=: \\r2Tz9kd"];
/// The refresh token of the connection.
pub const SEED: &str = "sdHq7xv\"&+/=: \\sdTz9kd";
pub const CLIENT: &str = "csHq7xv\"&+/=: \\csTz9kd";
pub const CODE: &str = "cdHq7xv\"&+/=: \\cdTz9kd";
pub const VERIFIER: &str = "vfHq7xv-._~vfTz9kd";
const ALL: [&str; 8] = [ACCESS[0], ACCESS[1], ISSUED[0], ISSUED[1], SEED, CLIENT, CODE, VERIFIER];

/// The client's Basic credentials: id and secret, form-encoded and joined.
pub fn basic() -> String {
    let pair =
        format!("my-client:{}", percent_encoding::utf8_percent_encode(CLIENT, percent_encoding::NON_ALPHANUMERIC));
    STANDARD.encode(pair)
}

/// Lower-case parts that disclose a planted secret, even if it is cut or encoded: beginnings, ends and base64.
static TRACES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut all =
        vec!["hq7xv".to_owned(), "tz9kd".to_owned(), basic()[20..32].to_lowercase(), basic()[40..52].to_lowercase()];
    all.extend(ALL.iter().map(|secret| STANDARD.encode(secret)[..8].to_lowercase()));
    all.extend(ALL.iter().map(|secret| STANDARD.encode(secret)[12..20].to_lowercase()));
    all
});

/// Fails if a text discloses a planted token.
pub fn check_planted(text: &str) -> Result<(), String> {
    let lower: String = text.to_lowercase().split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let leaked: Vec<&String> = TRACES.iter().filter(|trace| lower.contains(*trace)).collect();
    if leaked.is_empty() { Ok(()) } else { Err(format!("{leaked:?} leaked: {text}")) }
}

/// How tokens are obtained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// OAuth 2.0: the connection has a refresh token and a client secret.
    Renewed,
    /// OAuth 2.0: client credentials.
    Client,
    /// OAuth 2.0: the code of a sign-in, with a client secret.
    Person,
    /// The vendor's own exchange of rotating tokens, at the API itself.
    Own,
}

pub const KINDS: [Kind; 4] = [Kind::Renewed, Kind::Client, Kind::Person, Kind::Own];
/// The kinds whose token server has another origin.
pub const APART: [Kind; 3] = [Kind::Renewed, Kind::Client, Kind::Person];

impl Kind {
    fn connector(self, token_server: &str) -> String {
        let flow = if self == Kind::Client { "client_credentials" } else { "authorization_code" };
        let auth = match self {
            Kind::Own => {
                "{ refresh: { request: POST /auth/refresh, header: { X-Refresh-Token: '{refreshToken}' }, access_token: /data/accessToken, \
                          refresh_token: /data/refreshToken } }"
                    .to_owned()
            }
            _ => format!(
                "{{ oauth2: {{ flow: {flow}, authorize: '{token_server}/authorize', token: '{token_server}/token', scopes: [all], \
                 client_id: '{{clientId}}', client_secret: '{{clientSecret}}', refresh_token: '{{refreshToken}}' }} }}"
            ),
        };
        format!(
            "version: 1
connector: acme
title: Acme
connection:
  url: {{ format: uri }}
  clientId: {{ default: my-client }}
  clientSecret: {{ secret: true, optional: true }}
  refreshToken: {{ secret: true, optional: true }}
base_url: '{{url}}'
origins: ['{token_server}']
auth: {auth}
errors: {{ code: /code, message: /message, details: {{ list: /errors }}, request_id: {{ header: x-request-id }} }}
"
        )
    }

    fn values(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Kind::Renewed => vec![("clientSecret", CLIENT), ("refreshToken", SEED)],
            Kind::Client | Kind::Person => vec![("clientSecret", CLIENT)],
            Kind::Own => vec![("refreshToken", SEED)],
        }
    }

    /// The secrets that are known after this many token replies.
    pub fn known(self, grants: usize) -> Vec<&'static str> {
        let mut known: Vec<&str> = self.values().into_iter().map(|(_, secret)| secret).collect();
        if self == Kind::Person {
            known.extend([CODE, VERIFIER]);
        }
        known.extend(
            ACCESS
                .iter()
                .chain(&ISSUED[..])
                .enumerate()
                .filter(|(i, _)| i % ACCESS.len() < grants)
                .map(|(_, secret)| secret),
        );
        known
    }

    /// The reply of a token server, with these further members.
    pub fn grant(self, n: usize, more: Value) -> String {
        let mut reply = match self {
            Kind::Own => json!({"data": {"accessToken": ACCESS[n], "refreshToken": ISSUED[n]}}),
            _ => json!({"access_token": ACCESS[n], "refresh_token": ISSUED[n], "token_type": "bearer"}),
        };
        reply.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        reply.to_string()
    }

    fn granted(self, n: usize) -> Act {
        answer(self.grant(n, Value::Null))
    }
}

/// A call, and the actions of the API and the token server.
#[derive(Clone)]
pub struct Case {
    pub row: &'static str,
    pub fact: String,
    pub kind: Kind,
    pub operation: &'static str,
    pub items: Option<&'static str>,
    pub api: Vec<Act>,
    /// The token server's actions. If it is the API itself, each precedes the API's action of the same index.
    pub tokens: Vec<Act>,
    /// The expected result, as [`Found::summary`] formats it, or `sign-in kind/attempts`.
    pub end: String,
    /// Number of requests that the API and the token server must have received.
    pub seen: (usize, usize),
    /// A text that the errors or notes must contain.
    pub says: &'static str,
    pub tls: Option<Wrap>,
}

/// A read with a first token, and a second one if necessary.
pub fn read(
    row: &'static str,
    fact: impl Into<String>,
    kind: Kind,
    api: Vec<Act>,
    end: impl Into<String>,
    seen: (usize, usize),
) -> Case {
    let tokens = vec![kind.granted(0), kind.granted(1)];
    let fact = format!("{kind:?}: {}", fact.into());
    Case { row, fact, kind, operation: "list", items: None, api, tokens, end: end.into(), seen, says: "", tls: None }
}

impl Case {
    pub fn of(self, operation: &'static str) -> Case {
        Case { operation, ..self }
    }

    /// The same as a write.
    pub fn post(self, end: impl Into<String>) -> Case {
        Case {
            operation: "add",
            items: Some(r#"[{"name":"a"}]"#),
            end: end.into(),
            fact: format!("{}: a POST", self.fact),
            ..self
        }
    }

    /// The case as a named test.
    pub fn trial(self) -> Trial {
        Trial::test(format!("{} tokens: {}", self.row, self.fact), move || self.run().map_err(Failed::from))
    }

    fn run(&self) -> Result<(), String> {
        let stage = Stage::new(self.kind, self.api.clone(), self.tokens.clone(), None, self.tls.clone());
        let limit = Duration::from_secs(20);
        let found = block_on(async { tokio::time::timeout(limit, stage.call(self.operation, self.items)).await })
            .map_err(|_| "it hangs")?;
        let (api, tokens) = stage.requests();
        let lines: Vec<&String> = api.iter().chain(&tokens).map(|r| &r.line).collect();
        let shown = || format!("{}\n{lines:#?}", found.told);
        if found.summary != self.end {
            return Err(format!("found    {}\nexpected {}\n{}", found.summary, self.end, shown()));
        }
        if (api.len(), tokens.len()) != self.seen {
            return Err(format!("{:?} requests instead of {:?}\n{}", (api.len(), tokens.len()), self.seen, shown()));
        }
        if !found.told.contains(self.says) {
            return Err(format!("nothing says {:?}\n{}", self.says, shown()));
        }
        stage.check()?;
        check_text(&found.told)
    }
}

/// The three servers and a session.
pub struct Stage {
    kind: Kind,
    pub api: Server,
    tokens: Server,
    other: Server,
    pub session: Session,
}

impl Stage {
    pub fn new(
        kind: Kind,
        api: Vec<Act>,
        tokens: Vec<Act>,
        store: Option<Arc<dyn TokenStore>>,
        tls: Option<Wrap>,
    ) -> Stage {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let other = Server::start(vec![answer("[]")]);
        let (api, tokens) = if kind == Kind::Own { (in_turn(api, tokens), Vec::new()) } else { (api, tokens) };
        let (api, tokens) = (Server::over(api, Some(&other), tls), Server::over(tokens, Some(&other), None));
        for server in [&api, &tokens] {
            server.knows(API, &api);
            server.knows(TOKEN, &tokens);
        }
        let session =
            connect(kind, &format!("{scheme}://{}", api.address), &format!("http://{}", tokens.address), store);
        Stage { kind, api, tokens, other, session }
    }

    /// The call, after a sign-in if the kind needs one.
    pub async fn call(&self, operation: &str, items: Option<&str>) -> Found {
        if self.kind == Kind::Person
            && let Err(error) =
                self.session.sign_in(&Secret::new(CODE), "http://127.0.0.1:7777/", &Secret::new(VERIFIER)).await
        {
            let summary = format!("sign-in {}/{}", error.kind(), error.attempts);
            return Found {
                summary,
                told: told(std::slice::from_ref(&error)),
                errors: vec![error],
                receipt: Receipt::default(),
            };
        }
        call(&self.session, operation, &Value::Null, items, &CallOptions::default()).await
    }

    pub fn token_server(&self) -> String {
        format!("http://{}", self.tokens.address)
    }

    /// The requests to the API, and those for tokens.
    pub fn requests(&self) -> (Vec<Request>, Vec<Request>) {
        let (exchanges, api): (Vec<_>, Vec<_>) =
            self.api.requests().into_iter().partition(|r| r.line.starts_with("POST /auth/refresh "));
        (api, exchanges.into_iter().chain(self.tokens.requests()).collect())
    }

    /// Fails if a token appeared in a wrong place, or in a plan.
    pub fn check(&self) -> Result<(), String> {
        if self.other.connections() > 0 {
            return Err(format!("another origin was called: {:?}", self.other.requests()));
        }
        let (api, tokens) = self.requests();
        api.into_iter().try_for_each(|request| {
            let bearer = request.header("authorization").concat();
            let access = bearer.strip_prefix("Bearer ").is_some_and(|token| ACCESS.contains(&token));
            if !access {
                return Err(format!("not signed with an access token: {request:?}"));
            }
            // An address that the API itself has sent is called unchanged.
            if request.line.starts_with("GET /said?") { Ok(()) } else { check_rest(request, &["authorization"]) }
        })?;
        tokens.into_iter().try_for_each(|request| self.check_exchange(request))?;
        let options = json!({"q": self.kind.known(0).join(" "), "X-Opt": self.kind.known(0)[0]});
        let items = Items::from_values(&[json!({"name": self.kind.known(0)[0]})]);
        for (method, operation, options, items) in
            [(Method::Query, "filter", &options, None), (Method::Mutate, "add", &Value::Null, Some(&items))]
        {
            let plan = self
                .session
                .plan(&opnode::Request { items: items.cloned(), ..opnode::Request::new(method, operation, options) })
                .map_err(|e| format!("{e:?}"))?;
            let text = format!("{} {plan:?}", json!(plan));
            if !plan[0].headers.contains(&("authorization".to_owned(), "[secret]".to_owned())) {
                return Err(format!("the plan does not tell that the request is signed: {text}"));
            }
            check_planted(&text)?;
        }
        Ok(())
    }

    /// A token request contains its credentials in their places, and never an access token.
    fn check_exchange(&self, mut request: Request) -> Result<(), String> {
        let wrong = |what: &str, request: &Request| Err(format!("{what}: {request:?}"));
        if self.kind == Kind::Own {
            let offered = request.header("x-refresh-token").concat();
            if !request.header("authorization").is_empty() || ![SEED, ISSUED[0], ISSUED[1]].contains(&offered.as_str())
            {
                return wrong("the exchange does not carry the refresh token alone", &request);
            }
            return check_rest(request, &["x-refresh-token"]);
        }
        if request.header("authorization") != [format!("Basic {}", basic())] {
            return wrong("the exchange is not signed by the client", &request);
        }
        let belongs = |name: &str, value: &str| match name {
            "refresh_token" => [SEED, ISSUED[0], ISSUED[1]].contains(&value),
            "code" => value == CODE,
            "code_verifier" => value == VERIFIER,
            _ => false,
        };
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(&request.body).into_owned().filter(|(n, v)| !belongs(n, v)).collect();
        request.body = format!("{fields:?}").into_bytes();
        check_rest(request, &["authorization"])
    }
}

/// Fails if a request contains a planted token outside of these headers.
fn check_rest(mut request: Request, headers: &[&str]) -> Result<(), String> {
    request.headers.retain(|(name, _)| !headers.contains(&name.as_str()));
    check_planted(&format!("{} {:?} {}", request.line, request.headers, String::from_utf8_lossy(&request.body)))
}

/// Puts each token action before the API's action of the same index.
fn in_turn(api: Vec<Act>, tokens: Vec<Act>) -> Vec<Act> {
    let (mut api, mut tokens, mut all) = (api.into_iter(), tokens.into_iter(), Vec::new());
    // After a 401, another token is requested.
    let asks = |act: &Act| matches!(act, Act::Answer(steps) if matches!(steps.first(), Some(crate::server::Step::Send(b)) if b.starts_with(b"HTTP/1.1 401")));
    let none = api.len() == 0;
    all.extend(tokens.by_ref().take(if none { usize::MAX } else { 1 }));
    for act in api.by_ref() {
        let asks = asks(&act);
        all.push(act);
        if asks {
            all.extend(tokens.next());
        }
    }
    all
}

/// An operation of the token server itself.
const ME: &str = "version: 1
operations:
  me: { title: M, method: query, request: GET /me, base_url: TOKEN_SERVER, response: { result: object } }
";

/// A session of its own engine.
pub fn connect(kind: Kind, api: &str, token_server: &str, store: Option<Arc<dyn TokenStore>>) -> Session {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", kind.connector(token_server));
    catalog.add("acme", "operations.yaml", OPERATIONS);
    catalog.add("acme", "me.yaml", ME.replace("TOKEN_SERVER", token_server));
    let clock = Some(Arc::new(TestClock::default()) as _);
    let engine = Engine::new(EngineConfig { catalog, clock, tokens: store, ..EngineConfig::default() });
    let limits =
        json!({"concurrency": 1, "idle_s": 1, "first_byte_s": 1, "connect_s": 1, "timeout_s": 5, "attempts": 3});
    let spec = ConnectionSpec {
        connector: "acme".into(),
        values: [("url", api)].into_iter().chain(kind.values()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        limits: serde_json::from_value(limits).unwrap(),
        account: Some("tests".to_owned()),
        ..ConnectionSpec::default()
    };
    engine.connect(&spec).unwrap_or_else(|e| panic!("{e:?}: {}", e.to_json()))
}
