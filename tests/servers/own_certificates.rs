//! nginx with a certificate of a private authority that also requires a certificate of its clients.

use std::process::Command;

use libtest_mimic::Trial;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::setup::{CommandOutput, Setup, free_port, same, told};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "nginx",
        "PATH=$PATH:/usr/sbin; command -v nginx",
        vec![
            ("a connection names its authority and its client certificate", of_connection),
            ("flags name them", of_flags),
            ("keys come from references too", of_references),
            ("a private authority that is not named is not trusted", untrusted),
            ("only the named authority is trusted", only_named),
            ("a client without certificate is refused by the server", uncertified),
            ("a wrong file is reported before anything is sent", wrong_files),
        ],
    )
}

const CONNECTOR: &str = "version: 1
connector: vault
title: Vault
connection: { url: { format: uri } }
base_url: \"{url}\"
auth: none
";
const OPERATIONS: &str = "version: 1
operations:
  me: { title: Who, method: query, request: GET /me, paging: none, response: { result: object } }
";
const CONFIG: &str = "daemon off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
  access_log FOLDER/access.log;
  server {
    listen 127.0.0.1:PORT ssl;
    ssl_certificate FOLDER/private-server.pem;
    ssl_certificate_key FOLDER/private-server.key;
    ssl_client_certificate FOLDER/clients.pem;
    ssl_verify_client on;
    location / { default_type application/json; return 200 '{\"who\":\"$ssl_client_s_dn\"}'; }
  }
}
";
const OWN: &str = "{ ca: private.pem, certificate: client.pem, key: client.key }";

/// The server, and its port.
fn vault() -> (Setup, u16) {
    let mut setup = Setup::new("vault");
    // The system's authorities are others.
    setup.certify();
    let folder = setup.path("definitions/operations/vault");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("connector.yaml"), CONNECTOR).unwrap();
    std::fs::write(folder.join("operations.yaml"), OPERATIONS).unwrap();
    issue(&setup, "private.pem", "private-server", "127.0.0.1");
    issue(&setup, "clients.pem", "client", "robot-client");
    let port = free_port();
    setup.write("nginx.conf", &CONFIG.replace("FOLDER", &setup.folder()).replace("PORT", &port.to_string()));
    let mut nginx = Command::new("sh");
    nginx.args(["-c", "PATH=$PATH:/usr/sbin; exec nginx -e error.log -p . -c nginx.conf"]);
    setup.serve(nginx, port);
    (setup, port)
}

/// A new authority, and a certificate that it signs.
fn issue(setup: &Setup, authority_file: &str, name: &str, subject: &str) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, authority_file);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    setup.write(authority_file, &authority.self_signed(&authority_key).unwrap().pem());
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    setup.write(&format!("{name}.pem"), &params.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap().pem());
    setup.write(&format!("{name}.key"), &key.serialize_pem());
}

fn connect(setup: &Setup, port: u16, tls: &str) {
    let tls = if tls.is_empty() { String::new() } else { format!("    tls: {tls}\n") };
    setup.connections(&format!(
        "  vault:\n    connector: vault\n    url: https://127.0.0.1:{port}\n    limits: {{ attempts: 1 }}\n{tls}"
    ));
}

fn knows(told: CommandOutput) -> Result<(), String> {
    let told = told.ended(0)?;
    same("items", told.stdout.contains("CN=robot-client"), true)
}

fn of_connection() -> Result<(), String> {
    let (setup, port) = vault();
    connect(&setup, port, OWN);
    knows(setup.run(&["query", "me"]))
}

fn of_flags() -> Result<(), String> {
    let (setup, port) = vault();
    connect(&setup, port, "");
    let flags = ["--ca", "private.pem", "--only-ca", "--certificate", "client.pem", "--key", "client.key"];
    knows(setup.run(&[&["query", "me"][..], &flags].concat()))
}

fn of_references() -> Result<(), String> {
    let (setup, port) = vault();
    let text = |name: &str| std::fs::read_to_string(setup.path(name)).unwrap();
    let indented = text("private.pem").replace('\n', "\n        ");
    connect(
        &setup,
        port,
        &format!(
            "\n      ca: |\n        {indented}\n      certificate: {{ env: VAULT_CERTIFICATE }}\n      key: {{ file: client.key }}"
        ),
    );
    let mut command = setup.command(&["query", "me"]);
    command.env("VAULT_CERTIFICATE", text("client.pem"));
    knows(told(command))
}

/// Requests that nginx has answered.
fn answered(setup: &Setup) -> usize {
    setup.lines("access.log", |_| true).len()
}

fn untrusted() -> Result<(), String> {
    let (setup, port) = vault();
    connect(&setup, port, "{ certificate: client.pem, key: client.key }");
    setup.run(&["query", "me"]).ended(6)?.has_stderr(&["cannot be reached safely", "UnknownIssuer"])?;
    same("requests", answered(&setup), 0)
}

fn only_named() -> Result<(), String> {
    let (setup, port) = vault();
    connect(&setup, port, "{ ca: clients.pem, only_ca: true, certificate: client.pem, key: client.key }");
    setup.run(&["query", "me"]).ended(6)?.has_stderr(&["UnknownIssuer"])?;
    // The connection's setting is used in place of the flags.
    setup.run(&["query", "me", "--ca", "private.pem"]).ended(6).map(|_| ())
}

fn uncertified() -> Result<(), String> {
    let (setup, port) = vault();
    connect(&setup, port, "{ ca: private.pem }");
    let failed = setup.run(&["query", "me"]);
    same("refused", failed.code != 0 && failed.stderr.contains("400"), true)
        .map_err(|e| format!("{e}: {}", failed.stderr))
}

fn wrong_files() -> Result<(), String> {
    let (setup, port) = vault();
    setup.write("empty.pem", "nothing here\n");
    let cases = [
        ("{ ca: missing.pem }", "missing.pem cannot be read"),
        ("{ ca: empty.pem }", "there is no certificate in it"),
        ("{ certificate: client.pem, key: empty.pem }", "there is no private key in it"),
        ("{ certificate: client.pem, key: private-server.key }", "certificate and key cannot be used together"),
        ("{ certificate: client.pem }", "`certificate` needs `key`"),
        ("{ only_ca: true }", "`only_ca` has no effect without `ca`"),
    ];
    for (tls, says) in cases {
        connect(&setup, port, tls);
        setup.run(&["query", "me"]).ended(4)?.has_stderr(&[says, "tls", "[connection]"])?;
    }
    same("requests", answered(&setup), 0)
}
