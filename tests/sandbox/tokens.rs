//! Renewed tokens of the shipped connectors: with the engine, and with an independent client.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opnode::sandbox::Faults;
use opnode::{CallOptions, Catalog, ErrorKind, Items, OutcomeStatus};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::packs::{connect, start_with};
use crate::raw::{Raw, ask};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const TOKEN: &str = "POST /auth.connectwise.com/connect/token";
const REDIRECT: &str = "http://127.0.0.1:9/callback";

async fn form(address: SocketAddr, body: &str) -> Raw {
    ask(address, TOKEN, &[FORM], body.as_bytes()).await.unwrap()
}

async fn refresh(address: SocketAddr, token: &str) -> Raw {
    ask(address, "POST /auth/refresh", &[&format!("x-refresh-token: {token}")], b"").await.unwrap()
}

#[tokio::test]
async fn many_calls_renew_their_token_without_loss() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    for (connector, operation) in [("optima", "getCurrentUser"), ("connectwise-home", "getLoginProviders")] {
        let session = connect(&sandbox, &engine, connector);
        for round in 0..10 {
            let calls = (0..6).map(|_| {
                let session = session.clone();
                tokio::spawn(async move {
                    session.query(operation, &Value::Null, &CallOptions::default()).unwrap().collect().await
                })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.unwrap().unwrap_or_else(|e| panic!("{connector} {round}: {e:?}"));
            }
        }
    }
    let log = ask(sandbox.address(), "GET /__sandbox/log", &[], b"").await.unwrap().json();
    let exchanges = |name: &str| log.as_array().unwrap().iter().filter(|e| e["operation"] == name).count();
    // 60 calls, 20 with each token.
    assert!((3..=4).contains(&exchanges("optima/token")), "{log}");
    assert!((3..=4).contains(&exchanges("connectwise-home/token")), "{log}");
    assert_eq!(
        ask(sandbox.address(), "GET /__sandbox/summary", &[], b"").await.unwrap().at("/reused_refresh_tokens"),
        json!(0)
    );
}

#[tokio::test]
async fn a_used_refresh_token_is_refused_in_the_wording_of_the_system() {
    let (sandbox, _) = start_with(Catalog::builtin(), Faults::default()).await;
    let address = sandbox.address();
    let first = refresh(address, "sandbox-refresh-token").await;
    assert_eq!((first.status, first.at("/status"), first.at("/successful")), (201, json!(201), json!(true)));
    let again = refresh(address, "sandbox-refresh-token").await;
    assert_eq!((again.status, again.at("/successful")), (401, json!(false)));
    assert_eq!(again.at("/message"), json!("the refresh token was used already"));
    assert_eq!(refresh(address, "made-up").await.status, 401);
    assert_eq!(ask(address, "POST /auth/refresh", &[], b"").await.unwrap().status, 401);
    assert_eq!(sandbox.reused_refresh_tokens(), 1);
    let bearer = format!("Authorization: Bearer {}", first.at("/data/accessToken").as_str().unwrap());
    assert_eq!(ask(address, "GET /user/@me", &[&bearer], b"").await.unwrap().status, 200);
    let ended = ask(address, "GET /user/@me", &["Authorization: Bearer optima-access-99"], b"").await.unwrap();
    assert_eq!((ended.status, ended.header("www-authenticate")), (401, Some("Bearer error=\"invalid_token\"")));
    assert_eq!(refresh(address, first.at("/data/refreshToken").as_str().unwrap()).await.status, 201);
}

#[tokio::test]
async fn a_user_signs_in_with_pkce() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let mut spec = sandbox.connection("connectwise-home").unwrap();
    spec.values.remove("refreshToken");
    let session = engine.connect(&spec).unwrap();
    let list = async || session.query("listUsers", &Value::Null, &CallOptions::default()).unwrap().collect().await;
    assert_eq!(list().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    let verifier = opnode::Secret::new("v".repeat(43));
    let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest("v".repeat(43)));
    let code = async |challenge: &str| {
        let url = url::Url::parse(&session.sign_in_url(REDIRECT, "state 1", challenge).unwrap()).unwrap();
        let target = format!("GET {}?{}", url.path(), url.query().unwrap());
        let reply = ask(sandbox.address(), &target, &[], b"").await.unwrap();
        assert_eq!(reply.status, 302, "{}", reply.body);
        let back = url::Url::parse(reply.header("location").unwrap()).unwrap();
        assert!(
            back.as_str().starts_with(REDIRECT) && back.query_pairs().any(|(n, v)| n == "state" && v == "state 1"),
            "{back}"
        );
        back.query_pairs().find(|(n, _)| n == "code").map(|(_, v)| opnode::Secret::new(v.into_owned()))
    };
    assert!(code("").await.is_none(), "no sign-in without a challenge");
    let wrong = code("another").await.unwrap();
    assert_eq!(session.sign_in(&wrong, REDIRECT, &verifier).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    let right = code(&challenge).await.unwrap();
    session.sign_in(&right, REDIRECT, &verifier).await.unwrap();
    assert_eq!(list().await.unwrap().items.len(), 30);
    assert_eq!(session.sign_in(&right, REDIRECT, &verifier).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn the_token_endpoint_checks_its_parameters() {
    let (sandbox, _) = start_with(Catalog::builtin(), Faults::default()).await;
    let address = sandbox.address();
    let refresh = "refresh_token=sandbox-refresh-token";
    for (body, status, error) in [
        (format!("grant_type=refresh_token&{refresh}"), 401, "invalid_client"),
        (format!("grant_type=refresh_token&client_id=other&{refresh}"), 401, "invalid_client"),
        ("grant_type=refresh_token&client_id=sandbox-client".into(), 400, "invalid_request"),
        ("grant_type=refresh_token&client_id=sandbox-client&refresh_token=x".into(), 400, "invalid_grant"),
        ("grant_type=client_credentials&client_id=sandbox-client".into(), 400, "unsupported_grant_type"),
        ("client_id=sandbox-client".into(), 400, "invalid_request"),
    ] {
        let reply = form(address, &body).await;
        assert_eq!((reply.status, reply.at("/error")), (status, json!(error)), "{body}");
    }
    let good = form(address, &format!("grant_type=refresh_token&client_id=sandbox-client&{refresh}")).await;
    assert_eq!((good.status, good.at("/token_type"), good.at("/expires_in")), (200, json!("Bearer"), json!(300)));
    assert_eq!(good.header("cache-control"), Some("no-store"));
    for redirect in ["http://example.com/", "javascript:alert(1)", ""] {
        let target = format!(
            "GET /auth.connectwise.com/connect/authorize?response_type=code&client_id=sandbox-client&redirect_uri={redirect}"
        );
        let reply = ask(address, &target, &[], b"").await.unwrap();
        assert_eq!((reply.status, reply.header("location")), (400, None), "{redirect}");
    }
}

#[tokio::test]
async fn operations_of_several_hosts_and_versions() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let address = sandbox.address();
    let session = connect(&sandbox, &engine, "connectwise-home");
    let write = async |operation: &str, options: Value, items: Value| {
        let items = Some(Items::from_array(items.to_string()).unwrap());
        session.mutate(operation, &options, items, &CallOptions::default()).unwrap().collect().await.outcomes
    };
    let user = json!({"partnerId": "p", "userName": "new", "email": "a@example.com", "firstName": "A", "lastName": "B",
        "additionalClaims": {"claimType": "contact_email", "claimValue": {"value": "a@example.com", "type": "contact"}, "claimValueType": "json"}});
    let created = write("createUser", json!({}), json!([user])).await;
    assert_eq!(created[0].items.to_values().unwrap()[0]["id"], "user-31", "{:?}", created[0]);
    let given = write("addUserToIdentityRole", json!({"user_id": "user-1"}), json!(["role-2", "role-99"])).await;
    let told: Vec<_> = given
        .iter()
        .map(|o| (o.status, o.error.as_ref().is_some_and(|e| e.message.contains("Role not found"))))
        .collect();
    assert_eq!(told, [(OutcomeStatus::Ok, false), (OutcomeStatus::Failed, true)], "{given:?}");
    let bought =
        form(address, "grant_type=refresh_token&client_id=sandbox-client&refresh_token=sandbox-refresh-token").await;
    let bearer = format!("Authorization: Bearer {}", bought.at("/access_token").as_str().unwrap());
    for (header, status) in
        [("Content-Type: application/json", 415), ("X: y", 415), ("Content-Type: application/json;version=1.0", 200)]
    {
        let reply = ask(address, "GET /auth.connectwise.com/api/users", &[&bearer, header], b"").await.unwrap();
        assert_eq!(reply.status, status, "{header}: {}", reply.body);
        assert!(status == 200 || reply.at("/message").as_str().unwrap().contains("version=1.0"));
    }
    assert_eq!(
        ask(address, "GET /home.connectwise.com/api/users", &[&bearer], b"").await.unwrap().status,
        404,
        "another host's path"
    );
}

#[tokio::test]
async fn faults_lose_no_token() {
    let faults: Faults = "every=3,kinds=429+503+reset".parse().unwrap();
    let (sandbox, engine) = start_with(Catalog::builtin(), faults).await;
    for (connector, operation, rows) in [("optima", "getAllOpportunities", 40), ("connectwise-home", "listUsers", 30)] {
        let session = connect(&sandbox, &engine, connector);
        for round in 0..30 {
            let reply = session.query(operation, &Value::Null, &CallOptions::default()).unwrap().collect().await;
            assert_eq!(reply.unwrap_or_else(|e| panic!("{connector} {round}: {e:?}")).items.len(), rows);
        }
    }
    assert_eq!(sandbox.reused_refresh_tokens(), 0);
}

#[tokio::test]
async fn lists_select_fields_and_sort_by_the_alias_of_the_key() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let session = connect(&sandbox, &engine, "jumpcloud-msp");
    let options = json!({"provider_id": "p", "fields": ["name"], "sort": ["-_id"]});
    let reply = session
        .query("providers_listOrganizations", &options, &CallOptions::default())
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!((reply.items.len(), reply.receipt.pages), (45, 4));
    assert_eq!(reply.items.iter().next().unwrap().as_str(), r#"{"name":"Client 9"}"#);
}
