//! Runs every batch in `examples/batches/` and compares what arrived at the system and in the files with what its
//! comments say.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::server;
use crate::system::System;

/// All examples; each has a test below.
const EXAMPLES: [&str; 12] = [
    "aggregate-report",
    "approve-then-delete",
    "join-by-key",
    "load-from-csv",
    "matrix-one-broken",
    "nightly-with-finally",
    "notify-on-failure",
    "poll-report-job",
    "retry-after-edit",
    "two-outputs",
    "upsert-organizations",
    "watermark-sync",
];

const MEMBERS: &str = "/system/members?";

/// The values of a field.
fn field(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

/// Each example is below 40 lines, says how to run it and what to look at, is listed in the guide, and runs in the sandbox
/// without a secret.
#[test]
fn every_example_runs_in_the_sandbox_without_secrets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(root.join("examples/batches"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name != "connections" && !name.ends_with(".test"))
        .collect();
    names.sort();
    assert_eq!(names, EXAMPLES);
    let guide = std::fs::read_to_string(root.join("docs/batch.md")).unwrap();
    let system = System::start();
    // As in the repository, with addresses of real systems.
    std::fs::copy(root.join("examples/batches/connections.yaml"), system.path("connections.yaml")).unwrap();
    let none =
        ["ACME_CW_KEY", "GLOBEX_CW_KEY", "UMBRELLA_CW_KEY", "JUMPCLOUD_KEY", "DESK_PASSWORD"].map(|name| (name, ""));
    for name in EXAMPLES {
        let file = format!("{name}.yaml");
        let text = system.text(&file);
        assert!(text.lines().count() < 40, "{file} is too long");
        assert!(text.contains(&format!("opnode run {file}")) && text.contains("# Look at: "), "{file}");
        assert!(guide.contains(&format!("`{file}`")), "{file} is not in the guide");
        let exit = if name == "retry-after-edit" { 8 } else { 0 };
        system.ends(&["run", &file, "--sandbox", "-q", "--definitions", "../definitions"], &none, exit);
        system.ends(&["check", &file, "--definitions", "../definitions"], &none, 0);
    }
    assert!(system.asked().is_empty(), "a run in the sandbox called another system");
}

/// Steps that the examples of the guide refer to.
const EARLIER: &str = r#"
  - { id: members, query: getSystemMembers }
  - { id: departments, query: getSystemDepartments }
  - { id: companies, query: connectwise_retrieveCompanies, options: { UUID: 0b8f6f0e-5a57-4b0e-9d3c-2f6f4c1f7a10 } }
  - { id: rows, load: new-callbacks.csv }
  - { id: titles, mutate: patchSystemMembersById, items: [{ id: 1, title: Technician }] }
"#;

/// The files that examples of the guide include and run.
const PARTS: [(&str, &str); 3] = [
    ("notify.yaml", "version: 1\nfinally: [{ id: last, load: rows.csv }]\n"),
    ("read-members.yaml", "version: 1\nsteps: [{ id: members, connection: acme, query: getSystemMembers }]\n"),
    (
        "fill.yaml",
        "version: 1\ninputs: { day: { type: date }, names: { type: json } }\nsteps: [{ id: created, transform: { from: '${{ inputs.names }}', do: [dedupe: [id]] } }]\n",
    ),
];

/// The YAML of the guide: a whole file, keys of a file, or steps.
#[test]
fn every_example_of_the_guide_is_valid() {
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/batch.md")).unwrap();
    let blocks: Vec<&str> = guide.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(blocks.len() >= 12);
    let system = System::start();
    for (name, text) in PARTS {
        std::fs::create_dir_all(system.path("shared")).unwrap();
        std::fs::write(system.path(&format!("shared/{name}")), text).unwrap();
    }
    // A test file has another format.
    for (number, block) in blocks.iter().enumerate().filter(|(_, block)| !block.contains("\ncases:")) {
        let head = "version: 1\nconnections: connections.yaml\nconnection: acme\nvars: { provider: 65a4f0c2e4b0a1b2c3d4e5f0 }\n";
        let own = block.lines().next().unwrap().trim_start_matches("- id: ");
        // An example may be a step that others refer to.
        let earlier: String = EARLIER
            .lines()
            .filter(|line| !line.contains(&format!("id: {own},")))
            .map(|line| format!("{line}\n"))
            .collect();
        let text = match block {
            whole if whole.starts_with("version:") => (*whole).to_owned(),
            steps if steps.starts_with("- ") => {
                let steps: String = steps.lines().map(|line| format!("  {line}\n")).collect();
                format!("{head}steps:{earlier}{steps}")
            }
            keys => format!("{head}steps:{earlier}{keys}"),
        };
        let file = format!("block{number}.yaml");
        std::fs::write(system.path(&file), &text).unwrap();
        let inputs = ["--input", "day=2026-01-31"];
        let all =
            [["run", &file].as_slice(), if text.contains("\ninputs:") { &inputs } else { &[] }, &["--plan"]].concat();
        let output = system.opnode(&all, &[("WEBHOOK_URL", "https://chat.example.com/T0KEN")]);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}\n{err}");
    }
}

#[test]
fn one_read_has_two_outputs() {
    let system = System::start();
    system.run(&["two-outputs.yaml"], 0);
    let members = system.query("getSystemMembers", &[]);
    assert_eq!(system.rows("out/members.ndjson"), members);
    // Three pages, read once by the run and once by the query above.
    assert_eq!(system.asked_since(0, "GET", MEMBERS).len(), 2 * members.len().div_ceil(25));
    let mut expected: Vec<String> = members
        .iter()
        .filter(|member| member["inactiveFlag"] == false)
        .map(|member| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (name, title, rate) = (text(&member["identifier"]), text(&member["title"]), &member["hourlyRate"]);
            format!("{name},{title},{},{rate}", text(&member["defaultDepartment"]["name"]))
        })
        .collect();
    let by_department = |line: &String| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        (cells[2].clone(), cells[0].clone())
    };
    expected.sort_by_key(by_department);
    let lines = system.lines("out/active-members.csv");
    assert_eq!(lines[0], "name,title,department,rate");
    assert_eq!(lines[1..], expected);
}

#[test]
fn a_watermark_misses_no_change_and_repeats_none() {
    let system = System::start();
    system.run(&["watermark-sync.yaml"], 0);
    let first = system.rows("out/changed-members.ndjson");
    let newest = first.iter().map(|row| row["_info"]["lastUpdated"].as_str().unwrap().to_owned()).max().unwrap();
    assert_eq!(newest, "2025-01-15T08:30:00Z");
    let before = system.asked().len();
    let second = system.run(&["watermark-sync.yaml"], 0);
    // The rows of the last five minutes were read again, and not passed on.
    let asked = system.asked_since(before, "GET", MEMBERS);
    assert!(asked[0].path.contains("2025-01-15T08%3A25%3A00Z") && asked[0].path.contains("%3E%3D"), "{asked:?}");
    assert!(second.step("changed")["items_in"].as_u64().unwrap() > 0);
    assert_eq!(system.text("out/changed-members.ndjson"), "");
    // A record of the same second, which `>` would miss.
    let item = json!([{ "identifier": "Late", "firstName": "L", "lastName": "L", "defaultEmail": "Office", "defaultPhone": "Office", "securityRole": { "id": 3 } }]);
    system.ends(&["mutate", "postSystemMembers", "--connection", "acme", "--items", &item.to_string()], &[], 0);
    system.run(&["watermark-sync.yaml"], 0);
    let third = system.rows("out/changed-members.ndjson");
    assert_eq!(field(&third, "identifier"), ["Late"]);
    assert_eq!(third[0]["_info"]["lastUpdated"], newest);
}

#[test]
fn an_upsert_writes_only_what_differs() {
    let system = System::start();
    let first = system.run(&["upsert-organizations.yaml"], 0);
    let results = &first.step("organizations")["results"];
    let rows = system.rows("out/organizations.ndjson");
    let with = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!(*results, json!({ "created": with("created"), "changed": with("changed"), "same": with("same") }));
    assert!(rows.iter().all(|row| row["record"]["maxSystemUsers"] == 25 && row["record"]["name"] == row["key"]));
    assert_eq!(system.asked_since(0, "POST", "/organizations").len(), with("created"));
    assert_eq!(system.asked_since(0, "PUT", "/organizations/").len(), with("changed"));
    assert!(with("created") > 0 && with("changed") > 0 && with("same") > 0);
    let before = system.asked().len();
    let second = system.run(&["upsert-organizations.yaml"], 0);
    assert_eq!(second.step("organizations")["results"], json!({ "same": rows.len() }));
    assert!(system.asked().iter().skip(before).all(|asked| asked.verb == "GET"));
}

#[test]
fn rows_are_joined_by_key() {
    let system = System::start();
    let item = json!([{ "identifier": "Alone", "firstName": "A", "lastName": "A", "defaultEmail": "Office", "defaultPhone": "Office", "securityRole": { "id": 3 } }]);
    system.ends(&["mutate", "postSystemMembers", "--connection", "acme", "--items", &item.to_string()], &[], 0);
    system.run(&["join-by-key.yaml"], 0);
    let departments = system.query("getSystemDepartments", &[]);
    let of = |id: &Value| {
        departments.iter().find(|one| one["id"] == *id).unwrap()["identifier"].as_str().unwrap().to_owned()
    };
    let members = system.query("getSystemMembers", &[]);
    let matched = members.iter().filter(|member| member["identifier"] != "Alone");
    let expected: Vec<String> = matched
        .map(|member| {
            format!(
                "{},{},{}",
                member["id"],
                member["identifier"].as_str().unwrap(),
                of(&member["defaultDepartment"]["id"])
            )
        })
        .collect();
    let lines = system.lines("out/members-with-departments.csv");
    assert_eq!((lines[0].as_str(), &lines[1..]), ("id,member,department", expected.as_slice()));
    assert_eq!(field(&system.rows("out/without-department.ndjson"), "identifier"), ["Alone"]);
}

#[test]
fn a_report_counts_and_sums_by_group() {
    let system = System::start();
    system.run(&["aggregate-report.yaml"], 0);
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for member in system.query("getSystemMembers", &["conditions=inactiveFlag=false"]) {
        groups.entry(member["defaultDepartment"]["name"].as_str().unwrap().to_owned()).or_default().push(member);
    }
    let sum = |rows: &[Value], name: &str| rows.iter().map(|row| row[name].as_f64().unwrap()).sum::<f64>();
    let mut lines: Vec<(usize, String)> = groups
        .iter()
        .map(|(name, rows)| {
            let mut titles: Vec<String> = field(rows, "title").iter().map(Value::to_string).collect();
            titles.sort();
            titles.dedup();
            let (hours, rate) = (sum(rows, "minimumHours"), sum(rows, "hourlyRate") / rows.len() as f64);
            (rows.len(), format!("{name},{},{hours:.1},{rate},{}", rows.len(), titles.len()))
        })
        .collect();
    lines.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let found = system.lines("out/departments.csv");
    assert_eq!(found[0], "department,members,hours,rate,titles");
    assert_eq!(found[1..], lines.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>());
    let total: Vec<Value> = serde_json::from_str(&system.text("out/total.json")).unwrap();
    let members: usize = groups.values().map(Vec::len).sum();
    assert_eq!((&total[0]["departments"], &total[0]["members"]), (&json!(groups.len()), &json!(members)));
}

#[test]
fn a_table_is_loaded_and_a_wrong_row_stops_it_before_anything_is_sent() {
    let system = System::start();
    system.run(&["load-from-csv.yaml"], 0);
    let sent = system.asked_since(0, "POST", "/system/callbacks");
    assert!(sent.len() == 3 && sent.iter().all(|asked| asked.status == 201), "{sent:?}");
    let there = system.query("getSystemCallbacks", &["conditions=id>120"]);
    assert_eq!(field(&there, "description"), ["Tickets of the board", "Companies, all of them", "Time entries"]);
    // An empty cell is absent, and a number is a number.
    assert_eq!(field(&there, "memberId"), [json!(1), Value::Null, json!(2)]);
    let lines = system.lines("out/created.csv");
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[2], r#"122,"Companies, all of them",https://example.com/hooks/companies"#);
    let before = system.asked().len();
    std::fs::write(
        system.path("wrong.csv"),
        "url,objectId,type,level\nhttps://example.com,1,Ticket,Board\nhttps://example.com,no,Ticket,Board\n",
    )
    .unwrap();
    let (_, err) = system.ends(&["run", "load-from-csv.yaml", "--input", "file=wrong.csv"], &[], 3);
    assert!(err.contains("line 3 of wrong.csv") && err.contains("/objectId"), "{err}");
    assert_eq!(system.asked().len(), before);
}

/// The tests of the examples themselves, in the repository: they leave nothing behind.
#[test]
fn tests_of_examples_pass() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/batches");
    let before = std::fs::read_dir(&examples).unwrap().count();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_opnode"));
    command.arg("test").arg(&examples).env_remove("OPNODE_DEFINITIONS");
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && shown.contains("ok      upsert-organizations/a-refused-company"), "{shown}");
    assert_eq!(std::fs::read_dir(&examples).unwrap().count(), before);
}

#[test]
fn what_was_approved_is_what_is_deleted() {
    let system = System::start();
    let (plan, _) = system.ends(&["run", "approve-then-delete.yaml", "--until", "deleted"], &[], 0);
    let hash = plan.lines().last().unwrap().strip_prefix("plan-hash: ").unwrap();
    let listed: Vec<String> = system
        .lines("out/to-delete.csv")
        .iter()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect();
    assert!(!listed.is_empty() && plan.matches("  DELETE ").count() == listed.len(), "{plan}");
    // After the approval another callback is disabled: it was not approved.
    let disable = [
        "mutate",
        "patchSystemCallbacksById",
        "--connection",
        "acme",
        "--set",
        "id=1",
        "--items",
        r#"[{"inactiveFlag":true}]"#,
    ];
    system.ends(&disable, &[], 0);
    system.ends(&["run", "approve-then-delete.yaml", "--plan-hash", "of-another-plan"], &[], 2);
    assert!(system.asked_since(0, "DELETE", "").is_empty());
    let report = system.run(&["approve-then-delete.yaml", "--plan-hash", hash], 0);
    assert_eq!(report.step("disabled")["earlier"], true);
    let mut deleted: Vec<String> = system
        .asked_since(0, "DELETE", "")
        .iter()
        .map(|asked| asked.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    deleted.sort_by_key(|id| id.parse::<u64>().unwrap());
    assert_eq!(deleted, listed);
    assert_eq!(field(&system.query("getSystemCallbacks", &["conditions=inactiveFlag=true"]), "id"), [1]);
}

#[test]
fn failed_items_are_sent_again_after_an_edit() {
    let system = System::start();
    let report = system.run(&["retry-after-edit.yaml"], 8);
    assert_eq!(report.step("members")["status"], "partial");
    let failed = system.rows(".opnode/runs/retry-after-edit/failed/main/members.ndjson");
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["index"], &failed[0]["item"]["identifier"]), (&json!(1), &json!("Technician2")));
    assert_eq!(failed[0]["status"], "failed");
    // Again without an edit: only this item is sent, and refused.
    system.run(&["retry-after-edit.yaml"], 8);
    system.edit(
        "retry-after-edit.yaml",
        "      identifier: ${{ item.identifier }}",
        "      identifier: \"${{ item.identifier }}b\"",
    );
    system.run(&["retry-after-edit.yaml"], 9);
    let report = system.run(&["retry-after-edit.yaml", "--accept-changes"], 0);
    assert_eq!(report.step("members")["status"], "done");
    let statuses: Vec<u64> =
        system.asked_since(0, "POST", "/system/members").iter().map(|asked| asked.status).collect();
    assert_eq!(statuses.len(), 5);
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3);
    let mut created = field(&system.query("getSystemMembers", &["conditions=id>60"]), "identifier");
    created.sort_by_key(ToString::to_string);
    assert_eq!(created, ["Helper1", "Helper3", "Technician2b"]);
    assert_eq!(system.rows("out/created-members.ndjson").len(), 3);
}

#[test]
fn a_broken_account_does_not_stop_the_others() {
    let system = System::start();
    let bad = system.run_with(&["matrix-one-broken.yaml"], &[("GLOBEX_CW_KEY", "old")], 4);
    assert_eq!(bad.of("globex", "members")["status"], "failed");
    assert_eq!(bad.of("globex", "second_factor")["status"], "not_started");
    for account in ["acme", "umbrella"] {
        assert_eq!(bad.of(account, "second_factor")["status"], "done");
        let members = system.lines(&format!("out/{account}/members.csv")).len() as u64 - 1;
        assert_eq!(bad.of(account, "members")["items_out"], members);
        let without = system.rows(&format!("out/{account}/without-second-factor.ndjson"));
        assert!(
            !without.is_empty() && field(&without, "timebasedOneTimePasswordActivated").iter().all(|on| on != true)
        );
    }
    assert!(!system.path("out/globex").join("members.csv").exists());
    let before = system.asked().len();
    let good = system.run(&["matrix-one-broken.yaml"], 0);
    // Only the account that was broken is asked.
    let members = system.lines("out/globex/members.csv").len() - 1;
    assert_eq!(system.asked().len() - before, members.div_ceil(25) + members);
    for (account, earlier) in [("acme", true), ("globex", false), ("umbrella", true)] {
        assert_eq!(good.of(account, "second_factor")["earlier"], earlier);
    }
}

#[test]
fn a_failure_is_posted_to_a_secret_address() {
    let system = System::start();
    let chat = server::Server::answering(|_| server::json("{}"));
    let address = format!("{}/hooks/T0KEN?key=s3cret", chat.url());
    let hook = [("WEBHOOK_URL", address.as_str())];
    let good = system.run_with(&["notify-on-failure.yaml"], &hook, 0);
    assert_eq!((good.step("notify")["status"].as_str().unwrap(), chat.seen()), ("skipped", 0));
    let arguments = ["run", "notify-on-failure.yaml", "--var", "conditions=id>", "--report", "report.json", "-vv"];
    let (out, err) = system.ends(&arguments, &hook, 5);
    let requests = chat.requests();
    assert_eq!(requests.iter().map(server::Request::call).collect::<Vec<_>>(), ["POST /hooks/T0KEN?key=s3cret"]);
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains(": members failed, titles not_started, 0 failed. ") && text.contains("(400)"), "{text}");
    let (plan, _) = system.ends(&["run", "notify-on-failure.yaml", "--plan", "--fresh"], &hook, 0);
    let mut seen = vec![out, err, plan, system.text("report.json")];
    for file in ["journal", "run.json", "report.json"] {
        seen.push(system.text(&format!(".opnode/runs/notify-on-failure/{file}")));
    }
    assert!(seen.iter().all(|text| !text.contains("T0KEN") && !text.contains("s3cret")), "the address is shown");
    // In the sandbox, the sandbox takes its place.
    system.ends(&["run", "notify-on-failure.yaml", "--sandbox", "--var", "conditions=id>"], &hook, 5);
    assert_eq!(chat.seen(), 1);
}

#[test]
fn a_report_is_requested_once_and_read_when_it_is_done() {
    let system = System::start();
    system.edit("poll-report-job.yaml", "https://desk.example.com", &system.address());
    system.run(&["poll-report-job.yaml", "--definitions", "../definitions"], 0);
    let calls = |verb: &str, path: &str| system.asked_since(0, verb, path).len();
    let pages = calls("GET", "/exports/1/tickets");
    assert_eq!(calls("POST", "/exports"), 1);
    assert!(pages == 2 && calls("GET", "/exports/1") - pages >= 2);
    let lines = system.lines("out/tickets.csv");
    assert_eq!((lines[0].as_str(), lines.len()), ("id,summary,priority,closed", 13));
}

#[test]
fn the_last_step_of_a_night_runs_whatever_the_end_of_the_others() {
    let system = System::start();
    system.run(&["nightly-with-finally.yaml"], 0);
    let members = system.query("getSystemMembers", &["conditions=inactiveFlag=false"]);
    assert_eq!(system.lines("out/members.csv").len(), members.len() + 1);
    let without = members.iter().filter(|member| member["timebasedOneTimePasswordActivated"] != true);
    let mut expected: Vec<Value> = without.map(|member| member["identifier"].clone()).collect();
    let mut found = field(&system.rows("out/without-second-factor.ndjson"), "name");
    expected.sort_by_key(ToString::to_string);
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
    let night = |system: &System| serde_json::from_str::<Vec<Value>>(&system.text("out/last-night.json")).unwrap();
    let ends = |night: &[Value]| (night[0]["members"].clone(), night[0]["unprotected"].clone());
    assert_eq!(ends(&night(&system)), (json!("done"), json!("done")));
    let bad = system.run_with(&["nightly-with-finally.yaml"], &[("ACME_CW_KEY", "old")], 4);
    assert_eq!(ends(&night(&system)), (json!("failed"), json!("not_started")));
    assert_eq!(night(&system)[0]["run"], bad.0["run"]);
}
