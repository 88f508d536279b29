//! Sign-ins checked by independent libraries behind Flask: HTTP Digest, AWS Signature Version 4, HMAC, and assertions of
//! JSON Web Tokens whose signature is checked with the public key.

use std::process::Command;

use libtest_mimic::Trial;
use rcgen::{KeyPair, PublicKeyData};

use crate::django::PYTHON;
use crate::setup::{Setup, free_port, same, source};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "Flask-HTTPAuth, botocore and PyJWT",
        &format!("{PYTHON} -c 'import flask, flask_httpauth, botocore, jwt, cryptography'"),
        vec![
            ("HTTP Digest with MD5", || digest("MD5")),
            ("HTTP Digest with MD5-Sess", || digest("MD5-Sess")),
            ("a wrong password of HTTP Digest is tried once", wrong_password),
            ("AWS Signature Version 4 of reads and writes", aws),
            ("a wrong AWS key is not accepted", wrong_key),
            ("an HMAC over time, nonce and body", hmac),
            ("an assertion with an ECDSA key", || assertion("ES256", &rcgen::PKCS_ECDSA_P256_SHA256)),
            ("an assertion with an Ed25519 key", || assertion("EdDSA", &rcgen::PKCS_ED25519)),
            ("a client that authenticates with an assertion", client_assertion),
            ("an assertion with an RSA key", || rsa("RS256")),
            ("an assertion with an RSA key and PSS", || rsa("PS256")),
        ],
    )
}

/// A system with this authentication below `/PATH`, served by the server, and its connection `house`.
fn house(path: &str, auth: &str, algorithm: &str) -> Setup {
    let mut setup = Setup::new("sign-ins");
    let folder = setup.path("definitions/operations/house");
    std::fs::create_dir_all(&folder).unwrap();
    let connector = format!(
        "version: 1\nconnector: house\ntitle: House\nconnection:\n  url: {{ format: uri }}\n  secret: {{ secret: true }}\nbase_url: \"{{url}}/{path}\"\nauth:\n{auth}\nerrors: {{ message: /message }}\nprobe: me\n"
    );
    std::fs::write(folder.join("connector.yaml"), connector).unwrap();
    let operations = "version: 1
operations:
  me: { title: Who, method: query, request: GET /me, options: { q: {} }, paging: none, response: { result: object } }
  add: { title: Add, method: mutate, request: POST /notes, options: { q: { in: query } }, items: { send: each }, response: { result: object } }
";
    std::fs::write(folder.join("operations.yaml"), operations).unwrap();
    let port = free_port();
    let mut server = Command::new("sh");
    let program = source("sign-ins").join("server.py").display().to_string();
    server.args(["-c", &format!("exec {PYTHON} -B {program} {port} {algorithm}")]);
    setup.serve(server, port);
    setup.write("port", &port.to_string());
    setup
}

fn connect(setup: &Setup, secret: &str) {
    let port = std::fs::read_to_string(setup.path("port")).unwrap();
    setup.write("secret", secret);
    setup.connections(&format!(
        "  house:\n    connector: house\n    url: http://127.0.0.1:{port}\n    limits: {{ concurrency: 1 }}\n    secret: {{ file: secret }}\n"
    ));
}

/// Calls of the server, as `PATH STATUS`.
fn calls(setup: &Setup) -> Vec<String> {
    let port = std::fs::read_to_string(setup.path("port")).unwrap();
    setup.lines(&format!("server-{port}.log"), |line| line.starts_with('/'))
}

const ADD: [&str; 6] = ["mutate", "add", "--set", "q=a b/ü", "--items", r#"[{"n":1},{"n":2}]"#];
const ME: [&str; 4] = ["query", "me", "--set", "q=a b+c"];

/// A read and two writes, each accepted.
fn accepted(setup: &Setup, path: &str) -> Result<(), String> {
    setup.run(&ME).ended(0)?;
    setup.run(&ADD).ended(0)?;
    let good = |wanted: &str| calls(setup).iter().filter(|line| *line == wanted).count();
    same("reads", good(&format!("/{path}/me 200")), 1)?;
    same("writes", good(&format!("/{path}/notes 200")), 2)
}

const DIGEST: &str = "  digest: { username: robot, password: \"{secret}\" }";

fn digest(algorithm: &str) -> Result<(), String> {
    let setup = house("digest", DIGEST, algorithm);
    connect(&setup, "digest-S3cret");
    accepted(&setup, "digest")?;
    // One challenge for each command.
    same("challenges", calls(&setup).iter().filter(|line| line.ends_with("401")).count(), 2)
}

fn wrong_password() -> Result<(), String> {
    let setup = house("digest", DIGEST, "MD5");
    connect(&setup, "wrong-S3cret");
    let add = ["mutate", "add", "--items", "[{}]"];
    let failed = setup.run(&add).ended(4)?.has_stderr(&["did not accept the credentials"])?;
    same("secret", failed.stderr.contains("S3cret"), false)?;
    same("calls", calls(&setup), vec!["/digest/notes 401".to_owned(), "/digest/notes 401".to_owned()])
}

const AWS: &str = "  aws_sigv4: { access_key: AKIDTEST, secret_key: \"{secret}\", session_token: \"token-of-{secret}\", region: eu-central-1, service: notes }";

fn aws() -> Result<(), String> {
    let setup = house("aws", AWS, "MD5");
    connect(&setup, "aws-S3cret");
    accepted(&setup, "aws")
}

fn wrong_key() -> Result<(), String> {
    let setup = house("aws", AWS, "MD5");
    connect(&setup, "wrong-S3cret");
    setup.run(&ME).ended(4)?.has_stderr(&["wrong signature of"]).map(|_| ())
}

fn hmac() -> Result<(), String> {
    let auth = r#"
  hmac:
    key: "{secret}"
    algorithm: sha512
    encoding: base64
    text: "{method}\n{path}?{query}\n{timestamp}\n{nonce}\n{body_sha256}"
    timestamp: iso8601
    send: { header: Authorization, value: "Robot {signature}" }
    headers: { X-At: "{timestamp}", X-Nonce: "{nonce}" }"#;
    let setup = house("hmac", auth, "MD5");
    connect(&setup, "hmac-S3cret");
    accepted(&setup, "hmac")
}

fn grant(algorithm: &str) -> String {
    format!(
        "  oauth2: {{ flow: jwt_bearer, token: \"{{url}}/token\", assertion: {{ key: \"{{secret}}\", algorithm: {algorithm}, issuer: robot, subject: someone, key_id: key-1, claims: {{ team: [\"one\"] }} }} }}"
    )
}

fn assertion(algorithm: &str, kind: &'static rcgen::SignatureAlgorithm) -> Result<(), String> {
    let setup = house("jwt", &grant(algorithm), "MD5");
    let key = KeyPair::generate_for(kind).unwrap();
    setup.write("public.pem", &public(&key));
    connect(&setup, &key.serialize_pem());
    granted(&setup)?;
    // Another key is refused.
    connect(&setup, &KeyPair::generate_for(kind).unwrap().serialize_pem());
    setup.run(&ME).ended(4)?.has_stderr(&["invalid_grant", "check the key of the connection"]).map(|_| ())
}

fn public(key: &KeyPair) -> String {
    use base64::Engine as _;
    let der = base64::engine::general_purpose::STANDARD.encode(key.subject_public_key_info());
    format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
}

fn granted(setup: &Setup) -> Result<(), String> {
    setup.run(&ME).ended(0)?;
    let port = std::fs::read_to_string(setup.path("port")).unwrap();
    let claims = setup.lines(&format!("server-{port}.log"), |line| line.starts_with("claims"));
    same("claims", claims, vec!["claims someone ['one']".to_owned()])
}

fn client_assertion() -> Result<(), String> {
    let auth = "  oauth2: { flow: client_credentials, token: \"{url}/token\", client_id: robot, client_auth: private_key_jwt, assertion: { key: \"{secret}\", algorithm: ES256, key_id: key-1 } }";
    let setup = house("jwt", auth, "MD5");
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    setup.write("public.pem", &public(&key));
    connect(&setup, &key.serialize_pem());
    setup.run(&ME).ended(0).map(|_| ())
}

/// The key of the older form that many tools write.
fn rsa(algorithm: &str) -> Result<(), String> {
    let setup = house("jwt", &grant(algorithm), "MD5");
    let make = format!(
        "cd {} && openssl genrsa -traditional -out key.pem 2048 && openssl rsa -in key.pem -pubout -out public.pem",
        setup.folder()
    );
    let made = crate::cleanup::Program::output(Command::new("sh").args(["-c", &make])).map_err(|e| e.to_string())?;
    same("openssl", made.status.success(), true)?;
    connect(&setup, &std::fs::read_to_string(setup.path("key.pem")).unwrap());
    granted(&setup)
}
