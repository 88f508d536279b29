//! A run as JUnit XML, which CI systems show: a test suite per job, a test case per step. Prints nothing.

use std::fmt::Write as _;

use crate::batch::{JobReport, MAIN, Report, RunRecord, StepRecord, StepReport, StepStatus};
use crate::cli::errors::stored_error::{kind_of, text_of, why_of};
use crate::cli::items::why;

/// Failed items that a test case lists.
const ITEMS_MAX: usize = 50;

/// A job.
struct TestSuite {
    name: String,
    /// UTC, in the form of the report.
    started: String,
    run: String,
    cases: Vec<TestCase>,
    notes: Vec<String>,
}

/// A step.
struct TestCase {
    name: String,
    operation: String,
    elapsed_ms: u64,
    end: CaseEnd,
}

enum CaseEnd {
    Passed,
    Skipped(String),
    /// It ended, and items failed.
    Failed(Trouble),
    /// It did not end.
    Broken(Trouble),
}

struct Trouble {
    kind: String,
    message: String,
    text: String,
}

/// The XML of a report.
pub(super) fn of_report(report: &Report) -> String {
    let suite = |job: &JobReport| TestSuite {
        name: suite_name(&report.name, &job.job),
        started: job.started.clone(),
        run: job.run.clone(),
        cases: report.steps.iter().filter(|step| step.name.job == job.job).map(reported).collect(),
        notes: Vec::new(),
    };
    xml(&report.name, &report.jobs.iter().map(suite).collect::<Vec<_>>())
}

/// The XML of stored runs.
pub(super) fn of_records(records: &[RunRecord]) -> String {
    let suite = |record: &RunRecord| TestSuite {
        name: suite_name(&record.summary.info.name, &record.summary.info.job),
        started: record.summary.info.started.clone(),
        run: record.summary.info.run.clone(),
        cases: record.step_records.iter().map(|step| stored(record, step)).collect(),
        notes: record.notes.iter().map(|note| format!("{} {}", note.at, note.message)).collect(),
    };
    let name = records.first().map(|record| record.summary.info.name.clone()).unwrap_or_default();
    xml(&name, &records.iter().map(suite).collect::<Vec<_>>())
}

fn suite_name(batch: &str, job: &str) -> String {
    if job == MAIN { batch.to_owned() } else { format!("{batch}/{job}") }
}

fn reported(step: &StepReport) -> TestCase {
    let trouble = || {
        let error = step.error.as_ref();
        let failures = step.failures.as_ref().map(|file| format!("failed items: {file}"));
        let whole = error.and_then(|error| serde_json::value::to_raw_value(error).ok()).map(|raw| text_of(&raw));
        Trouble {
            kind: error.map(|error| error.kind().to_string()).unwrap_or_default(),
            message: error.map(|error| error.message.clone()).unwrap_or_default(),
            text: whole.into_iter().chain(failures).collect::<Vec<_>>().join("\n"),
        }
    };
    let end = match step.status {
        StepStatus::Done => CaseEnd::Passed,
        StepStatus::Skipped => CaseEnd::Skipped("`when` was false".to_owned()),
        StepStatus::Partial => CaseEnd::Failed(trouble()),
        StepStatus::Failed | StepStatus::Stopped => CaseEnd::Broken(trouble()),
        StepStatus::NotStarted => CaseEnd::Skipped(not_started(step.needs.as_deref())),
    };
    TestCase {
        name: step.name.step.clone(),
        operation: step.operation.clone(),
        elapsed_ms: step.counts.usage.elapsed_ms,
        end,
    }
}

fn stored(record: &RunRecord, step: &StepRecord) -> TestCase {
    let trouble = || {
        let left = record.left.iter().filter(|item| item.step == step.name.step);
        let items = left.take(ITEMS_MAX).map(|item| format!("item {}: {}", item.number(), why(item)));
        let lines: Vec<String> = step.error.as_deref().map(text_of).into_iter().chain(items).collect();
        let message = step.error.as_deref().map(why_of).unwrap_or_else(|| step.status.replace('_', " "));
        Trouble { kind: step.error.as_deref().and_then(kind_of).unwrap_or_default(), message, text: lines.join("\n") }
    };
    let end = match step.status.as_str() {
        "done" => CaseEnd::Passed,
        "skipped" => CaseEnd::Skipped("`when` was false".to_owned()),
        "running" => CaseEnd::Skipped("it is running".to_owned()),
        "not_started" => CaseEnd::Skipped(not_started(step.needs.as_deref())),
        "partial" => CaseEnd::Failed(trouble()),
        _ => CaseEnd::Broken(trouble()),
    };
    TestCase {
        name: step.name.step.clone(),
        operation: step.operation.clone(),
        elapsed_ms: step.counts.usage.elapsed_ms,
        end,
    }
}

fn not_started(needs: Option<&str>) -> String {
    needs.map_or_else(|| "not started".to_owned(), |needed| format!("not started: it needs {needed}"))
}

fn xml(name: &str, suites: &[TestSuite]) -> String {
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ok = writeln!(out, "<testsuites name=\"{}\" {}>", escaped(name), sums(cases()));
    suites.iter().for_each(|suite| put_suite(&mut out, suite));
    out.push_str("</testsuites>\n");
    out
}

fn put_suite(out: &mut String, suite: &TestSuite) {
    let (name, started) = (escaped(&suite.name), escaped(suite.started.trim_end_matches('Z')));
    let class = |case: &TestCase| match case.operation.as_str() {
        "" => name.clone(),
        operation => format!("{name}.{}", escaped(operation)),
    };
    let _ok = writeln!(out, "  <testsuite name=\"{name}\" timestamp=\"{started}\" {}>", sums(suite.cases.iter()));
    let _ok = writeln!(
        out,
        "    <properties>\n      <property name=\"run\" value=\"{}\"/>\n    </properties>",
        escaped(&suite.run)
    );
    for case in &suite.cases {
        let head = format!(
            "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
            escaped(&case.name),
            class(case),
            seconds(case.elapsed_ms)
        );
        let _ok = match &case.end {
            CaseEnd::Passed => writeln!(out, "{head}/>"),
            CaseEnd::Skipped(why) => {
                writeln!(out, "{head}>\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(why))
            }
            CaseEnd::Failed(trouble) => writeln!(out, "{head}>\n{}    </testcase>", troubled("failure", trouble)),
            CaseEnd::Broken(trouble) => writeln!(out, "{head}>\n{}    </testcase>", troubled("error", trouble)),
        };
    }
    if !suite.notes.is_empty() {
        let _ok =
            writeln!(out, "    <system-out>{}</system-out>", escaped(&suite.notes.join("\n")).replace("&#10;", "\n"));
    }
    out.push_str("  </testsuite>\n");
}

fn troubled(tag: &str, trouble: &Trouble) -> String {
    let (kind, message) = (escaped(&trouble.kind), escaped(&trouble.message));
    let text = escaped(&trouble.text).replace("&#10;", "\n");
    format!("      <{tag} type=\"{kind}\" message=\"{message}\">{text}</{tag}>\n")
}

fn sums<'c>(cases: impl Iterator<Item = &'c TestCase>) -> String {
    let (mut all, mut failures, mut errors, mut skipped, mut time) = (0, 0, 0, 0, 0);
    for case in cases {
        all += 1;
        time += case.elapsed_ms;
        match case.end {
            CaseEnd::Passed => {}
            CaseEnd::Skipped(_) => skipped += 1,
            CaseEnd::Failed(_) => failures += 1,
            CaseEnd::Broken(_) => errors += 1,
        }
    }
    format!(
        "tests=\"{all}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{}\"",
        seconds(time)
    )
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Text for an attribute or an element. XML has no control characters; they become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push('\t'),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_is_valid_xml() {
        assert_eq!(escaped("a<b> & \"c\"\n\u{1b}[1m"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}[1m");
    }
}
