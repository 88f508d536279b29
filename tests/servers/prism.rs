//! prism as a validating mock for shipped packs whose system has an OpenAPI document: each operation is called with its
//! template, and the mock's validation errors are read. The documents are beside the repository, not in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::setup::{CommandOutput, Setup, free_port, source};

/// A pack with its document.
struct Pack {
    connector: &'static str,
    document: &'static str,
    /// Prefix of the document's paths, for a rerouted connection.
    base: &'static str,
    keep: &'static str,
    /// The connection's values.
    values: &'static str,
    /// Parts of request lines that the document describes wrongly.
    wrong: &'static [&'static str],
    /// Number of requests that must be valid.
    good: usize,
}

const HOME: Pack = Pack {
    connector: "connectwise-home",
    document: "seeds/000_e57f03ef455e6636.txt",
    base: "^/[^/]+(/iambff/v1|/api)",
    keep: "/",
    values: "    account: contoso\n    clientId: someone\n    refreshToken: first\n",
    wrong: &[],
    good: 16,
};

const MANAGE: Pack = Pack {
    connector: "connectwise-manage",
    document: "data/connectwise-psa-2025.1.openapi.json",
    base: "^/[^/]+/v4_6_release/apis/3.0",
    keep: "/system/",
    values: "    siteUrl: https://mycompany.myconnectwise.net\n    clientId: 11111111-2222-3333-4444-555555555555\n    username: mycompany+key\n    \
             password: nothing\n",
    // The document requires an object for every value of a patch, and misses the search for members.
    wrong: &["Request body property 0.value must be object", "/members/search"],
    good: 20,
};

pub fn trials() -> Vec<Trial> {
    let there = "node -e 'require.resolve(\"@stoplight/prism-cli/package.json\")'";
    let needs = |pack: &Pack| format!("{there} && test -f '{}'", document(pack).display());
    let mut trials = crate::trials(
        "prism",
        &needs(&HOME),
        vec![("every request of ConnectWise Home fits its document", || fits(&HOME))],
    );
    trials.extend(crate::trials(
        "prism",
        &needs(&MANAGE),
        vec![("every request of ConnectWise Manage fits its document", || fits(&MANAGE))],
    ));
    trials
}

fn document(pack: &Pack) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(pack.document)
}

fn fits(pack: &Pack) -> Result<(), String> {
    let mut setup = Setup::new("prism");
    let port = free_port();
    let mut server = Command::new("node");
    server
        .arg(source("prism").join("server.js"))
        .args([port.to_string(), free_port().to_string()])
        .arg(document(pack))
        .args([pack.base, pack.keep]);
    setup.serve(server, port);
    let connection =
        format!("    connector: {}\n    reroute: http://127.0.0.1:{port}\n{}", pack.connector, pack.values);
    setup.connections(&format!("  mock:\n{connection}    limits: {{ attempts: 1 }}\n"));
    let operations = setup.run(&["operations"]).ended(0)?;
    let own = format!("{}/", pack.connector);
    for line in operations.stdout.lines().filter(|line| line.starts_with(&own)) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(method)) = (words.next(), words.next()) else { continue };
        call(&setup, method, name)?;
    }
    judge(pack, &setup.lines(&format!("server-{port}.log"), |line| line.contains(" /")))
}

/// Calls an operation with its template; the mock's reply need not be readable. Open values are "1" or the sample item.
fn call(setup: &Setup, method: &str, name: &str) -> Result<(), String> {
    let mut line = vec![method.to_owned(), "--template".to_owned(), name.to_owned()];
    // Each error asks for one more value.
    for _ in 0..5 {
        let told = setup.run(&line.iter().map(String::as_str).collect::<Vec<_>>());
        let Some(open) = left_open(&told) else { return Ok(()) };
        match open.as_str() {
            items if items.starts_with("items") => line.push("--use-sample".to_owned()),
            "type" => line.extend(["--set".to_owned(), "type=Ticket".to_owned()]),
            _ => line.extend(["--set".to_owned(), format!("{open}=1")]),
        }
    }
    Err(format!("{name} is never satisfied"))
}

fn left_open(told: &CommandOutput) -> Option<String> {
    let rest = told.stderr.split_once(" needs values: ")?.1;
    rest.split([',', ' ', '\n']).next().map(str::to_owned)
}

fn judge(pack: &Pack, lines: &[String]) -> Result<(), String> {
    let good = lines.iter().filter(|line| line.ends_with(" good")).count();
    // Requests that the document does not contain are not judged.
    let judged =
        |line: &&String| line.contains("[\"") && !line.contains("not resolved") && !line.contains("no method matched");
    let bad: Vec<&String> =
        lines.iter().filter(judged).filter(|line| !pack.wrong.iter().any(|w| line.contains(w))).collect();
    if bad.is_empty() && good >= pack.good { Ok(()) } else { Err(format!("{good} good requests\n{bad:#?}")) }
}
