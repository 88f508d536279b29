//! Two connections to one account share its rate and its permits, also over two engines; two accounts share nothing.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::scripted::TestClock;
use crate::server::{self, Server};

const THINGS: &str = "version: 1
operations:
  getThings: { title: T, method: query, request: GET /things, response: { result: list } }
";

const KEYED: &str = "version: 1
connector: keyed
title: Acme
connection:
  base: { type: string, format: uri }
  key: { type: string, secret: true }
base_url: \"{base}\"
auth: { api_key: { header: x-api-key, value: \"{key}\" } }
";

fn keyed(base: &str, key: &str, account: Option<&str>, concurrency: u16) -> ConnectionSpec {
    ConnectionSpec {
        connector: "keyed".to_owned(),
        values: [("base", base), ("key", key)].map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        account: account.map(str::to_owned),
        limits: serde_json::from_value(json!({"concurrency": concurrency})).unwrap(),
        ..ConnectionSpec::default()
    }
}

/// A catalog whose connectors also have these lines.
fn keyed_catalog(more: &str) -> Catalog {
    let mut catalog = Catalog::empty();
    catalog.add("keyed", "connector.yaml", format!("{KEYED}{more}"));
    catalog.add("keyed", "things.yaml", THINGS);
    catalog
}

/// A key, and the account that its connection names.
type Login = (&'static str, Option<&'static str>);

/// Two connections, and whether they have the same account.
const PAIRS: [(Login, Login, bool); 4] = [
    (("one", None), ("one", None), true),
    (("one", Some("a")), ("two", Some("a")), true),
    (("one", None), ("two", None), false),
    (("one", Some("a")), ("one", Some("b")), false),
];

#[tokio::test]
async fn two_connections_to_one_account_share_its_rate() {
    for (first, second, one_account) in PAIRS {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(json!([{"id": 1}])))
            .mount(&server)
            .await;
        let clock = Some(Arc::new(TestClock::new(7)) as _);
        let engine = Engine::new(EngineConfig {
            clock,
            ..EngineConfig::new(keyed_catalog("rate: { requests: 10, per_s: 10 }\n"))
        });
        let mut waited = 0;
        for (key, account) in [first, second] {
            let session = engine.connect(&keyed(&server.uri(), key, account, 8)).unwrap();
            for _ in 0..8 {
                waited += session
                    .query("getThings", &Value::Null, &CallOptions::default())
                    .unwrap()
                    .collect()
                    .await
                    .unwrap()
                    .receipt
                    .wait_ms;
            }
            // The session is kept, as in a host.
            std::mem::forget(session);
        }
        assert_eq!(waited > 0, one_account, "{first:?} {second:?}: {waited} ms");
    }
}

/// Concurrent requests at the server: now, and at most.
#[derive(Default)]
struct Concurrency {
    count: Mutex<(usize, usize)>,
    came: Condvar,
}

impl Concurrency {
    /// Waits until two requests are there, or for this time.
    fn meet(&self, patience: Duration) {
        let mut count = self.count.lock().unwrap();
        count.0 += 1;
        count.1 = count.0.max(count.1);
        self.came.notify_all();
        let (mut count, _) = self.came.wait_timeout_while(count, patience, |(_, most)| *most < 2).unwrap();
        count.0 -= 1;
    }

    fn most(&self) -> usize {
        self.count.lock().unwrap().1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_share_the_permits_of_an_account() {
    for (first, second, one_account) in PAIRS {
        let crowd = Arc::new(Concurrency::default());
        let inside = Arc::clone(&crowd);
        // If the account is shared, no second request may arrive in a short time; otherwise both wait for each other.
        let patience = Duration::from_millis(if one_account { 20 } else { 5000 });
        let server = Server::answering(move |_| {
            inside.meet(patience);
            server::json("[{\"id\":1}]")
        });
        let sessions = [first, second].map(|(key, account)| {
            let engine = Engine::new(EngineConfig::new(keyed_catalog("")));
            engine.connect(&keyed(&server.url(), key, account, 1)).unwrap()
        });
        let tasks = sessions.map(|session| {
            tokio::spawn(async move {
                for _ in 0..8 {
                    session.query("getThings", &Value::Null, &CallOptions::default()).unwrap().collect().await.unwrap();
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(crowd.most(), if one_account { 1 } else { 2 }, "{first:?} {second:?}");
    }
}
