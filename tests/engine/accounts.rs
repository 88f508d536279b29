//! Separation of accounts: two accounts of one system never read each other's data, however their connections are
//! named, stored and interleaved, and a used refresh token is never sent again.
//!
//! Tries 100 random interleavings, more with `FULL=1` or `ROUNDS=1000`; `SEED=7` repeats one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Error, ErrorKind, FileStore, MemoryStore, Secret,
    Session, TokenOwner, TokenSlot, TokenStore, Tokens,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::cleanup::{self, Program};
use crate::scripted::TestClock;

const ROTATING: &str = "version: 1
connector: rotating
title: Acme
connection:
  base: { type: string, format: uri }
  refreshToken: { type: string, secret: true }
base_url: \"{base}\"
auth: { refresh: { request: POST /token, header: { x-refresh-token: \"{refreshToken}\" }, access_token: /access_token, refresh_token: /refresh_token } }
";

const PERSON: &str = "version: 1
connector: person
title: Acme
connection:
  base: { type: string, format: uri }
  clientId: { type: string }
  refreshToken: { type: string, secret: true, optional: true }
base_url: \"{base}\"
auth: { oauth2: { flow: authorization_code, authorize: \"{base}/authorize\", token: \"{base}/token\", client_id: \"{clientId}\", refresh_token: \"{refreshToken}\" } }
";

const THINGS: &str = "version: 1
operations:
  getThings: { title: Things, method: query, request: GET /things, response: { result: list } }
";

/// A system with many accounts: each refresh token works once, each access token for some calls.
#[derive(Default)]
struct AccountServer {
    refresh: HashMap<String, String>,
    access: HashMap<String, (String, u32)>,
    used: HashSet<String>,
    /// Refresh tokens that were sent after use, or are unknown.
    void: Vec<String>,
    issued: u32,
    requests: u32,
}

impl AccountServer {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        self.requests += 1;
        let header =
            |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        if request.url.path() == "/token" {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let offered = match form.get("code") {
                // The code names the user who signed in.
                Some(code) => self.begin(code),
                None => form.get("refresh_token").cloned().unwrap_or_else(|| header("x-refresh-token")),
            };
            let Some(who) = self.refresh.remove(&offered) else {
                self.void.push(offered);
                return ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}));
            };
            self.used.insert(offered);
            let refresh = self.begin(&who);
            self.issued += 1;
            let access = format!("access-{who}-{:06}", self.issued);
            self.access.insert(access.clone(), (who, 3));
            return ResponseTemplate::new(200).set_body_json(json!({"access_token": access, "refresh_token": refresh}));
        }
        let token = header("authorization").trim_start_matches("Bearer ").to_owned();
        match self.access.get_mut(&token) {
            Some((who, left)) if *left > 0 => {
                *left -= 1;
                ResponseTemplate::new(200).set_body_json(json!([{"account": who}]))
            }
            _ => ResponseTemplate::new(401).set_body_json(json!({"message": "expired"})),
        }
    }

    /// Issues a refresh token for a user.
    fn begin(&mut self, who: &str) -> String {
        self.issued += 1;
        let token = format!("refresh-{who}-{:06}", self.issued);
        self.refresh.insert(token.clone(), who.to_owned());
        token
    }

    /// Tokens that a host has stored.
    fn pair(&mut self, who: &str) -> Tokens {
        let refresh = self.begin(who);
        self.issued += 1;
        let access = format!("access-{who}-{:06}", self.issued);
        self.access.insert(access.clone(), (who.to_owned(), 2));
        Tokens {
            access: Secret::new(access),
            refresh: Some(Secret::new(refresh)),
            expires_at: None,
            account: None,
            seed: None,
        }
    }
}

async fn serve() -> (MockServer, Arc<Mutex<AccountServer>>) {
    let server = MockServer::start().await;
    let bank = Arc::new(Mutex::new(AccountServer::default()));
    let answering = Arc::clone(&bank);
    Mock::given(any())
        .respond_with(move |request: &Request| answering.lock().unwrap().answer(request))
        .mount(&server)
        .await;
    (server, bank)
}

fn engine(tokens: Option<Arc<dyn TokenStore>>) -> Engine {
    let mut catalog = Catalog::empty();
    catalog.add("rotating", "connector.yaml", ROTATING);
    catalog.add("rotating", "things.yaml", THINGS);
    catalog.add("person", "connector.yaml", PERSON);
    catalog.add("person", "things.yaml", THINGS);
    let clock = Some(Arc::new(TestClock::new(7)) as _);
    Engine::new(EngineConfig { catalog, tokens, clock, ..EngineConfig::default() })
}

fn spec(
    connector: &str,
    base: &str,
    account: Option<&str>,
    name: Option<&str>,
    refresh: Option<&str>,
) -> ConnectionSpec {
    let mut values = BTreeMap::from([("base".to_owned(), base.to_owned())]);
    if connector == "person" {
        values.insert("clientId".to_owned(), "me".to_owned());
    }
    values.extend(refresh.map(|r| ("refreshToken".to_owned(), r.to_owned())));
    ConnectionSpec {
        connector: connector.to_owned(),
        values,
        account: account.map(str::to_owned),
        name: name.map(str::to_owned),
        ..ConnectionSpec::default()
    }
}

/// The user whose data a connection reads.
async fn ask(session: &Session) -> Result<String, Error> {
    let page = session.query("getThings", &Value::Null, &CallOptions::default())?.collect().await?;
    let item: Value = serde_json::from_str(page.items.iter().next().unwrap().as_str()).unwrap();
    Ok(item["account"].as_str().unwrap().to_owned())
}

/// One of two accounts as a host knows it.
struct Account {
    who: String,
    account: Option<&'static str>,
    name: Option<&'static str>,
    refresh: Option<String>,
    given: Option<Tokens>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_never_read_each_other() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (server, bank) = serve().await;
    let few = if std::env::var_os("FULL").is_some() { 1000 } else { 100 };
    let (rounds, first) = (number("ROUNDS").unwrap_or(few), number("SEED").unwrap_or(0));
    let (mut reads, mut refused) = (0, 0);
    for round in first..first + rounds {
        let mut dice = fastrand::Rng::with_seed(round);
        let dir = cleanup::folder();
        let connector = if dice.bool() { "rotating" } else { "person" };
        let accounts = accounts(&mut dice, connector, round, &mut bank.lock().unwrap());
        let engines = engines(&mut dice, &dir.path().join("tokens.json"));
        let mut open = Vec::new();
        for step in 0..12 {
            let account = &accounts[dice.usize(..2)];
            // Each account has its own engine; both may be the same, or simulate two processes.
            let engine = &engines[usize::from(account.who.starts_with('B'))];
            if open.len() < 2 || dice.u8(..4) == 0 {
                let spec = spec(connector, &server.uri(), account.account, account.name, account.refresh.as_deref());
                match engine.connect(&spec) {
                    Ok(session) => {
                        if let Some(given) = &account.given {
                            session
                                .keep_tokens(given)
                                .await
                                .unwrap_or_else(|e| panic!("round {round}, step {step}: {e:?}"));
                        }
                        open.push((session, account.who.clone()));
                    }
                    Err(error) => {
                        assert!(account.account.is_none(), "round {round}, step {step}: {error:?}");
                        assert_eq!(error.kind(), ErrorKind::Connection);
                        refused += 1;
                    }
                }
                continue;
            }
            let (session, who) = &open[dice.usize(..open.len())];
            let (other, whose) = &open[dice.usize(..open.len())];
            let (one, two) = tokio::join!(ask(session), ask(other));
            for (found, who) in [(one, who), (two, whose)] {
                let found = found.unwrap_or_else(|e| panic!("round {round}, step {step}, {who}: {e:?} {:?}", e.advice));
                assert_eq!(found, *who, "round {round}, step {step}");
                reads += 1;
            }
        }
    }
    let bank = bank.lock().unwrap();
    assert_eq!(bank.void, Vec::<String>::new(), "refresh tokens that were used up already");
    println!(
        "{rounds} interleavings: {reads} reads, each of the own account; {refused} connections without an account refused; {} requests",
        bank.requests
    );
}

/// With equal, different or no names; with or without tokens of the host.
fn accounts(dice: &mut fastrand::Rng, connector: &str, round: u64, bank: &mut AccountServer) -> [Account; 2] {
    let names =
        *dice.choice(&[(Some("x"), Some("x")), (Some("x"), Some("y")), (None, None), (None, Some("x"))]).unwrap();
    let called = *dice
        .choice(&[(Some("x"), Some("x")), (Some("x"), Some("y")), (Some("x"), Some("x")), (None, Some("y"))])
        .unwrap();
    let mut one = |who: &str, account: Option<&'static str>, name: Option<&'static str>| {
        let who = format!("{who}{round}");
        let seeded = connector == "rotating" || dice.bool();
        let with = !seeded || dice.bool();
        let refresh = seeded.then(|| bank.begin(&who));
        let given = with.then(|| {
            let mut given = bank.pair(&who);
            if let (Some(refresh), true) = (&refresh, dice.bool()) {
                // The connection's own token is the one that the host has stored.
                given.refresh = Some(Secret::new(refresh.clone()));
            }
            given.account = account.map(str::to_owned);
            given
        });
        Account { who, account, name, refresh, given }
    };
    [one("A", called.0, names.0), one("B", called.1, names.1)]
}

/// One engine for both, or two with the same file.
fn engines(dice: &mut fastrand::Rng, file: &Path) -> [Arc<Engine>; 2] {
    let kept = || Some(Arc::new(FileStore::new(file)) as Arc<dyn TokenStore>);
    match dice.u8(..4) {
        0 => [Arc::new(engine(kept())), Arc::new(engine(kept()))],
        1 => [Arc::new(engine(None)), Arc::new(engine(None))],
        2 => {
            let both = Arc::new(engine(kept()));
            [Arc::clone(&both), both]
        }
        _ => {
            let both = Arc::new(engine(None));
            [Arc::clone(&both), both]
        }
    }
}

/// One process of the test below; does nothing without its variables.
#[tokio::test]
async fn rounds_of_one_account() {
    let var = |name: &str| std::env::var(name).ok();
    let (Some(base), Some(store), Some(who), Some(token)) = (var("BASE"), var("STORE"), var("WHO"), var("TOKEN"))
    else {
        return;
    };
    let engine = engine(Some(Arc::new(FileStore::new(store))));
    for round in 0..100 {
        let session = engine.connect(&spec("rotating", &base, Some("alike"), Some("alike"), Some(&token))).unwrap();
        let found = ask(&session).await.unwrap_or_else(|e| panic!("{who}, round {round}: {e:?}"));
        assert_eq!(found, who, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_two_accounts_with_equal_names_one_file() {
    let dir = cleanup::folder();
    let (server, bank) = serve().await;
    let start = |who: &str| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["accounts::rounds_of_one_account", "--exact"])
            .env("BASE", server.uri())
            .env("STORE", dir.path().join("tokens.json"))
            .env("WHO", who)
            .env("TOKEN", bank.lock().unwrap().begin(who))
            .stdout(std::process::Stdio::piped());
        Program::start(&mut command).unwrap()
    };
    for child in [start("A"), start("B")] {
        let output = tokio::task::spawn_blocking(|| child.into_output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(bank.lock().unwrap().void, Vec::<String>::new());
}

#[tokio::test]
async fn one_refresh_token_under_two_names_is_refused_and_not_used() {
    let (server, bank) = serve().await;
    let token = bank.lock().unwrap().begin("A");
    let engine = engine(None);
    let open = |account| engine.connect(&spec("rotating", &server.uri(), Some(account), None, Some(&token))).unwrap();
    let (one, two) = (open("one"), open("two"));
    assert_eq!(ask(&one).await.unwrap(), "A");
    let before = bank.lock().unwrap().requests;
    let error = ask(&two).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(error.message.contains("the account `one`") && error.message.contains("the account `two`"), "{error:?}");
    assert_eq!(bank.lock().unwrap().requests, before, "nothing is sent");
    assert_eq!(ask(&one).await.unwrap(), "A");
    assert!(bank.lock().unwrap().void.is_empty());
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let (server, bank) = serve().await;
    let engine = engine(None);
    let open = |account, refresh: Option<&str>| {
        engine.connect(&spec("person", &server.uri(), Some(account), None, refresh)).unwrap()
    };
    let token = bank.lock().unwrap().begin("A");
    let signed_in = open("contoso", Some(&token));
    assert_eq!(ask(&signed_in).await.unwrap(), "A");
    let before = bank.lock().unwrap().requests;
    for account in ["contoso", "other"] {
        let error = ask(&open(account, None)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    }
    assert_eq!(bank.lock().unwrap().requests, before);
}

#[tokio::test]
async fn a_sign_in_belongs_to_one_account() {
    let dir = cleanup::folder();
    let (server, bank) = serve().await;
    let store = || Some(Arc::new(FileStore::new(dir.path().join("tokens.json"))) as Arc<dyn TokenStore>);
    let open = |account| engine(store()).connect(&spec("person", &server.uri(), Some(account), None, None)).unwrap();
    for who in ["A", "B"] {
        open(who).sign_in(&Secret::new(who), "http://127.0.0.1:1/", &Secret::new("verifier")).await.unwrap();
    }
    for who in ["A", "B", "A", "B", "A", "A", "A", "A", "B"] {
        assert_eq!(ask(&open(who)).await.unwrap(), who);
    }
    let error = ask(&open("C")).await.unwrap_err();
    assert!(error.message.contains("is not signed in to"), "{error:?}");
    assert!(bank.lock().unwrap().void.is_empty());
}

#[tokio::test]
async fn tokens_of_another_account_are_not_used() {
    let (server, bank) = serve().await;
    let engine = engine(None);
    let mut given = bank.lock().unwrap().pair("A");
    for account in [Some("one".to_owned()), None] {
        given.account = account;
        let session = engine.connect(&spec("person", &server.uri(), Some("two"), None, None)).unwrap();
        let error = session.keep_tokens(&given).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    }
    assert_eq!(bank.lock().unwrap().requests, 0);
}

/// A store that returns its tokens to every account; tokens are compared on every read anyway.
struct AccountlessStore(Tokens);

#[async_trait::async_trait]
impl TokenStore for AccountlessStore {
    async fn open(&self, _: &TokenOwner) -> opnode::Result<Box<dyn TokenSlot>> {
        Ok(Box::new(AccountlessStore(self.0.clone())))
    }
}

#[async_trait::async_trait]
impl TokenSlot for AccountlessStore {
    async fn read(&mut self) -> opnode::Result<Option<Tokens>> {
        Ok(Some(self.0.clone()))
    }
    async fn write(&mut self, _: &Tokens) -> opnode::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tokens_without_an_account_are_not_used() {
    let (server, bank) = serve().await;
    let pair = bank.lock().unwrap().pair("A");
    for (account, seed) in
        [(None, None), (Some("contoso"), None), (None, Some("0123")), (Some("contoso"), Some("0123"))]
    {
        let tokens = Tokens { account: account.map(str::to_owned), seed: seed.map(str::to_owned), ..pair.clone() };
        let engine = engine(Some(Arc::new(AccountlessStore(tokens))));
        let session = engine.connect(&spec("person", &server.uri(), Some("contoso"), None, None)).unwrap();
        assert_eq!(ask(&session).await.unwrap_err().kind(), ErrorKind::Unauthenticated, "{account:?} {seed:?}");
    }
    assert_eq!(bank.lock().unwrap().requests, 0);
}

/// Files of version 0.1: the content, the connection, and the result.
#[tokio::test]
async fn tokens_of_version_0_1_are_used_if_their_account_is_certain() {
    // Digest of a refresh token, as stored by 0.1.
    let digest = |token: &str| -> String {
        use sha2::Digest;
        sha2::Sha256::digest(token.as_bytes()).iter().take(12).map(|b| format!("{b:02x}")).collect()
    };
    for (names, name, seeded, works) in [
        (vec!["desk"], "desk", false, true),
        (vec!["desk"], "other", false, false),
        (vec![""], "desk", false, false),
        (vec!["desk", "other"], "desk", false, false),
        (vec!["renamed"], "desk", true, true),
        (vec![""], "desk", true, true),
    ] {
        let dir = cleanup::folder();
        let (server, bank) = serve().await;
        let file = dir.path().join("tokens.json");
        let seed = bank.lock().unwrap().begin("A");
        // The sign-in of 0.1 used it up.
        let (pair, seed) = {
            let mut bank = bank.lock().unwrap();
            bank.refresh.remove(&seed);
            (bank.pair("A"), seed)
        };
        let entry = json!({"access": pair.access.expose(), "refresh": pair.refresh.as_ref().unwrap().expose(), "seed": seeded.then(|| digest(&seed))});
        let entries: serde_json::Map<String, Value> =
            names.iter().map(|n| (format!("person|{}/|{n}", server.uri()), entry.clone())).collect();
        std::fs::write(&file, json!({"version": 1, "tokens": entries}).to_string()).unwrap();
        let refresh = seeded.then_some(seed.as_str());
        let open = || {
            let engine = engine(Some(Arc::new(FileStore::new(&file))));
            engine.connect(&spec("person", &server.uri(), Some("contoso"), Some(name), refresh)).unwrap()
        };
        if works {
            for _ in 0..5 {
                assert_eq!(ask(&open()).await.unwrap(), "A", "{names:?} {name}");
            }
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains("\"version\": 2") && text.contains("contoso") && !text.contains("earlier"), "{text}");
            assert!(bank.lock().unwrap().void.is_empty());
        } else {
            let error = ask(&open()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{names:?} {name}: {error:?}");
            assert!(
                error.message.contains("version 0.1")
                    && error.advice.as_ref().unwrap().to_string().contains("sign in to desk") == (name == "desk")
            );
            assert_eq!(bank.lock().unwrap().requests, 0);
        }
    }
}

#[tokio::test]
async fn a_token_file_of_a_newer_version_is_not_changed() {
    let dir = cleanup::folder();
    let (server, _bank) = serve().await;
    let file = dir.path().join("tokens.json");
    std::fs::write(&file, r#"{"version": 3, "what": 1}"#).unwrap();
    let engine = engine(Some(Arc::new(FileStore::new(&file))));
    let session = engine.connect(&spec("person", &server.uri(), Some("a"), None, None)).unwrap();
    let error = ask(&session).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.message.contains("a newer opnode wrote it"), "{error:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), r#"{"version": 3, "what": 1}"#);
}

#[tokio::test]
async fn tokens_of_the_host_that_are_older_than_renewed_ones_are_ignored() {
    let (server, bank) = serve().await;
    let engine = engine(Some(Arc::new(MemoryStore::default())));
    let mut given = bank.lock().unwrap().pair("A");
    given.account = Some("contoso".to_owned());
    let open = || engine.connect(&spec("person", &server.uri(), Some("contoso"), None, None)).unwrap();
    for _ in 0..3 {
        let session = open();
        session.keep_tokens(&given).await.unwrap();
        for _ in 0..4 {
            assert_eq!(ask(&session).await.unwrap(), "A");
        }
    }
    assert!(bank.lock().unwrap().void.is_empty());
}
