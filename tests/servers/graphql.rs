//! graphql-js behind graphql-http: cursors and options as variables, mutations, and errors with status 200.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::setup::{CommandOutput, Setup, free_port, same, source};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "GraphQL",
        "node -e 'for (const p of [\"graphql\", \"graphql-http\"]) require.resolve(p)'",
        vec![
            ("a connection of 125 nodes is complete", || walk(125, &[50, 50, 25])),
            ("a connection with full pages is complete", || walk(100, &[50, 50])),
            ("a connection without nodes is an empty list", || walk(0, &[0])),
            ("pages start after the cursor of the last edge", edges),
            ("options are variables of their type", filtered),
            ("a list continues after a rate limit, an error of the server and a cut reply", broken_list),
            ("errors with status 200 fail a read, also beside data", refused_read),
            ("a record that is null is not found", missing),
            ("a mutation sends each item as a variable, and its record comes back", created),
            ("a mutation fails by an error with status 200 or by its own flag", refused_write),
            ("a mutation that is limited is sent again", limited),
            ("a mutation whose reply has errors beside its result, or is lost, is unknown", uncertain),
            ("a delete is a mutation", deleted),
            ("a wrong token is refused with its own message", wrong_token),
        ],
    )
}

/// A running server.
struct Issues {
    setup: Setup,
    log: String,
}

fn issues(count: usize) -> Issues {
    let mut setup = Setup::new("graphql");
    let port = free_port();
    let mut server = Command::new("node");
    server.arg(source("graphql").join("server.js")).args([port.to_string(), count.to_string()]);
    setup.serve(server, port);
    setup.write("secret", "graphql-S3cret");
    setup.connections(&format!(
        "  issues:\n    connector: graphql\n    url: http://127.0.0.1:{port}\n    key: {{ file: secret }}\n"
    ));
    Issues { setup, log: format!("server-{port}.log") }
}

impl Issues {
    /// The executed requests: variables and codes of errors.
    fn requests(&self) -> Vec<Value> {
        let lines = self.setup.lines(&self.log, |line| line.starts_with('{'));
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    }

    fn variables(&self) -> Vec<Value> {
        self.requests().iter().map(|request| request["variables"].clone()).collect()
    }

    fn list(&self, more: &[&str]) -> CommandOutput {
        self.setup.run(&[&["query", "listIssues", "--receipt", "receipt.json"], more].concat())
    }

    fn create(&self, items: &Value) -> CommandOutput {
        let items = items.to_string();
        self.setup.run(&["mutate", "createIssue", "--items", &items, "--outcomes", "outcomes.ndjson"])
    }

    /// The outcomes of the last write.
    fn outcomes(&self) -> Vec<Value> {
        let lines = self.setup.lines("outcomes.ndjson", |_| true);
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default()["status"].clone()).collect()
    }

    fn fault(&self, text: &str) {
        self.setup.write("fault", text);
    }
}

fn ids(told: &CommandOutput) -> Vec<String> {
    told.items().iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
}

fn numbers(last: usize) -> Vec<String> {
    (1..=last).map(|id| id.to_string()).collect()
}

fn walk(count: usize, pages: &[usize]) -> Result<(), String> {
    let issues = issues(count);
    same("ids", ids(&issues.list(&[]).ended(0)?), numbers(count))?;
    let receipt = issues.setup.json("receipt.json");
    same("complete", receipt["complete"].clone(), json!(true))?;
    same("total", receipt["advertised_total"].clone(), json!(count))?;
    let variables = issues.variables();
    same("pages", variables.len(), pages.len())?;
    same("first", variables[0].clone(), json!({"first": 50}))?;
    same("cursors", variables.iter().skip(1).all(|sent| sent["after"].is_string()), true)
}

fn edges() -> Result<(), String> {
    let issues = issues(45);
    let told = issues.setup.run(&["query", "listEdges", "--receipt", "receipt.json"]).ended(0)?;
    let ids: Vec<Value> = told.items().iter().map(|edge| edge["node"]["id"].clone()).collect();
    same("ids", ids, numbers(45).into_iter().map(Value::from).collect())?;
    same("complete", issues.setup.json("receipt.json")["complete"].clone(), json!(true))?;
    let edges = told.items();
    let last = |at: usize| json!({"n": 20, "last": edges[at]["cursor"]});
    same("variables", issues.variables(), vec![json!({"n": 20}), last(19), last(39)])
}

fn filtered() -> Result<(), String> {
    let issues = issues(20);
    let told = issues.list(&["--set", "state=CLOSED", "--set", "minimum=15", "--set", "first=2"]).ended(0)?;
    same("ids", ids(&told), ["16", "18", "20"].map(str::to_owned).to_vec())?;
    let filter = json!({"state": "CLOSED", "minimum": 15});
    same("filters", issues.variables().iter().all(|sent| sent["filter"] == filter && sent["first"] == 2), true)?;
    same("requests", issues.variables().len(), 2)
}

fn broken_list() -> Result<(), String> {
    for kind in ["limited", "500", "lost"] {
        let issues = issues(60);
        issues.fault(&format!("issues {kind}"));
        same(kind, ids(&issues.list(&[]).ended(0)?), numbers(60))?;
        same(kind, issues.requests().len(), 3)?;
    }
    Ok(())
}

fn refused_read() -> Result<(), String> {
    let issues = issues(60);
    let told = issues.list(&["--set", "state=WRONG"]).ended(5)?;
    told.has_stderr(&["error[rejected]", "Value \"WRONG\" does not exist in \"State\" enum", "(HTTP 200)"])?;
    issues.fault("issues broken");
    let told = issues.list(&[]).ended(5)?.has_stderr(&["error[rejected]", "INTERNAL: the title cannot be read"])?;
    // None of the nodes of a reply with errors is passed on.
    same("items", told.items().len(), 0)?;
    same("complete", issues.setup.json("receipt.json")["complete"].clone(), json!(false))?;
    same("requests", issues.requests().len(), 2)
}

fn missing() -> Result<(), String> {
    let issues = issues(2);
    let told = issues.setup.run(&["query", "getIssue", "--set", "id=2"]).ended(0)?;
    let second = json!({"id": "2", "title": "Issue 2", "state": "CLOSED", "points": 2, "labels": ["a", "b"]});
    same("issue", told.items(), vec![second])?;
    issues.setup.run(&["query", "getIssue", "--set", "id=3"]).ended(5)?.has_stderr(&["error[not_found]"]).map(|_| ())
}

fn created() -> Result<(), String> {
    let issues = issues(0);
    let items = json!([{"title": "a \"b\" {c}\n$d", "labels": ["x", "ü"], "points": null}, {"title": "e", "state": "CLOSED", "points": 7}]);
    let told = issues.create(&items).ended(0)?;
    let made = vec![
        json!({"id": "1", "title": "a \"b\" {c}\n$d", "state": "OPEN", "points": null, "labels": ["x", "ü"]}),
        json!({"id": "2", "title": "e", "state": "CLOSED", "points": 7, "labels": []}),
    ];
    same("records", told.items(), made)?;
    let sent: Vec<Value> = items.as_array().unwrap().iter().map(|item| json!({ "input": item })).collect();
    same("variables", issues.variables(), sent)
}

fn refused_write() -> Result<(), String> {
    let issues = issues(0);
    let told = issues.create(&json!([{"title": ""}, {"title": "a", "points": -1}, {"title": "b"}])).ended(8)?;
    told.has_stderr(&["the title is empty"])?;
    same("outcomes", issues.outcomes(), ["failed", "failed", "ok"].map(Value::from).to_vec())?;
    same("requests", issues.requests().len(), 3)?;
    same("issues", ids(&issues.list(&[]).ended(0)?), numbers(1))
}

fn limited() -> Result<(), String> {
    let issues = issues(0);
    issues.fault("issueCreate limited");
    issues.create(&json!([{"title": "a"}])).ended(0)?;
    let errors: Vec<Value> = issues.requests().iter().map(|request| request["errors"].clone()).collect();
    same("requests", errors, vec![json!(["RATELIMITED"]), json!([])])?;
    same("issues", ids(&issues.list(&[]).ended(0)?), numbers(1))
}

fn uncertain() -> Result<(), String> {
    for kind in ["broken", "500", "lost"] {
        let issues = issues(0);
        issues.fault(&format!("issueCreate {kind}"));
        issues.create(&json!([{"title": "a"}])).has_stderr(&["error[unknown_outcome]"])?;
        same(kind, issues.outcomes(), vec![json!("unknown")])?;
        same(kind, issues.requests().len(), 1)?;
        same(kind, ids(&issues.list(&[]).ended(0)?), numbers(1))?;
    }
    Ok(())
}

fn deleted() -> Result<(), String> {
    let issues = issues(3);
    issues.setup.run(&["delete", "deleteIssue", "--set", "id=2"]).ended(0)?;
    let told = issues.setup.run(&["delete", "deleteIssue", "--set", "id=2"]).ended(5)?;
    told.has_stderr(&["error[not_found]", "no issue 2"])?;
    same("issues", ids(&issues.list(&[]).ended(0)?), ["1", "3"].map(str::to_owned).to_vec())
}

fn wrong_token() -> Result<(), String> {
    let issues = issues(1);
    issues.setup.write("secret", "wrong-S3cret");
    let told = issues.list(&[]).ended(4)?.has_stderr(&["error[unauthenticated]", "no such token"])?;
    same("secret", told.stderr.contains("S3cret"), false)
}
