//! oidc-provider: a sign-in with PKCE, rotating refresh tokens that work once, and client credentials. Grants are
//! counted in its log.

use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::setup::{Setup, free_port, same, source, told};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "oidc-provider",
        "command -v curl && node -e 'import(require.resolve(\"oidc-provider\")).catch(() => process.exit(1))'",
        vec![
            ("a user signs in with PKCE", || sign_in().map(|_| ())),
            ("a refresh token that works once is renewed and stored, call after call", rotation),
            ("four processes at once use a refresh token once", together),
            ("a revoked sign-in asks for a new one", taken_back),
            ("client credentials get one token for a whole call", machine),
            ("a wrong client secret is tried once", wrong_secret),
        ],
    )
}

/// The server with a connection `house`, or `machine` with this secret.
fn house(connector: &str, secret: &str, life: &str) -> (Setup, String) {
    let mut setup = Setup::new(connector);
    let port = free_port();
    let mut server = Command::new("node");
    server
        .arg(source("oidc-provider").join("server.js"))
        .arg(port.to_string())
        .env("LIFE", life)
        .env("NODE_NO_WARNINGS", "1");
    setup.serve(server, port);
    let secret = if secret.is_empty() { String::new() } else { format!("    clientSecret: {secret:?}\n") };
    setup.connections(&format!(
        "  house:\n    connector: {connector}\n    account: house\n    url: http://127.0.0.1:{port}\n{secret}"
    ));
    (setup, format!("server-{port}.log"))
}

const ROBOT: &str = "{\"who\":\"robot\"}\n";

/// Signed in as a user, with access tokens of two seconds.
fn sign_in() -> Result<(Setup, String), String> {
    let (setup, log) = house("oidc-provider", "", "2");
    let mut login = setup.command(&["login", "house"]);
    login
        .env("BROWSER", source("oidc-provider").join("browser"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    told(login).ended(0)?;
    let me = setup.run(&["query", "me"]).ended(0)?;
    same("me", me.stdout, ROBOT.to_owned())?;
    same("sign-ins", count(&setup, &log, "grant authorization_code"), 1)?;
    Ok((setup, log))
}

fn count(setup: &Setup, log: &str, start: &str) -> usize {
    setup.lines(log, |line| line.starts_with(start)).len()
}

/// Waits until the access token has expired.
fn age() {
    std::thread::sleep(Duration::from_millis(2500));
}

fn rotation() -> Result<(), String> {
    let (setup, log) = sign_in()?;
    for renewals in 1..=3 {
        age();
        same("me", setup.run(&["query", "me"]).ended(0)?.stdout, ROBOT.to_owned())?;
        same("renewals", count(&setup, &log, "grant refresh_token"), renewals)?;
    }
    same("refusals", count(&setup, &log, "refused"), 0)
}

fn together() -> Result<(), String> {
    let (setup, log) = sign_in()?;
    age();
    let calls: Vec<_> =
        (0..4).map(|_| setup.command(&["query", "me"])).map(|c| std::thread::spawn(move || told(c))).collect();
    for call in calls {
        same("me", call.join().unwrap().ended(0)?.stdout, ROBOT.to_owned())?;
    }
    same("renewals and refusals", (count(&setup, &log, "grant refresh_token"), count(&setup, &log, "refused")), (1, 0))
}

/// A refresh token that was used elsewhere revokes the whole sign-in.
fn taken_back() -> Result<(), String> {
    let (setup, log) = sign_in()?;
    let old = std::fs::read(setup.path("tokens.json")).unwrap();
    age();
    setup.run(&["query", "me"]).ended(0)?;
    std::fs::write(setup.path("tokens.json"), old).unwrap();
    age();
    setup.run(&["query", "me"]).ended(4)?.has_stderr(&["opnode login house"])?;
    same("refusals", count(&setup, &log, "refused refresh_token invalid_grant"), 1)
}

fn machine() -> Result<(), String> {
    let (setup, log) = house("oidc-machine", "machine-S3cret/of+the-test", "600");
    let me = setup.run(&["query", "me"]).ended(0)?;
    same("me", me.items(), vec![json!({"who": "machine"})])?;
    same("grants", count(&setup, &log, "grant client_credentials"), 1)
}

fn wrong_secret() -> Result<(), String> {
    let (setup, log) = house("oidc-machine", "wrong-S3cret", "600");
    let failed = setup.run(&["query", "me"]).ended(4)?;
    if failed.stderr.contains("wrong-S3cret") {
        return Err(format!("the secret is shown: {}", failed.stderr));
    }
    same("requests", (count(&setup, &log, "refused client_credentials"), count(&setup, &log, "api")), (1, 0))
}
