//! `run --plan`: prints the requests of a batch that are known in advance. Sends nothing.

use std::fmt::Write as _;

use crate::batch::{BatchPlan, JobPlan, StepPlan};
use crate::cli::messages;
use crate::cli::screen::json;
use crate::cli::screen::terminal_text;
use crate::error::Result;

/// Prints it.
pub(crate) fn print(plan: &BatchPlan) -> Result<u8> {
    let mut out = String::new();
    for job in &plan.jobs {
        put_job(&mut out, plan, job);
    }
    for step in &plan.steps {
        put_step(&mut out, step);
    }
    let requests: u64 = plan.steps.iter().map(|s| s.count).sum();
    let open = plan.steps.iter().filter(|s| s.depends.is_some()).count();
    // Writing to a String cannot fail.
    let _ok = writeln!(
        out,
        "# {} of {} known in advance; nothing was sent",
        terminal_text::count(requests, "request"),
        terminal_text::count(plan.steps.len() as u64, "step")
    );
    if open > 0 {
        let _ok = writeln!(
            out,
            "# {} on the results of earlier steps",
            if open == 1 { "1 step depends".to_owned() } else { format!("{open} steps depend") }
        );
    }
    let _ok = writeln!(out, "plan-hash: {}", plan.hash);
    messages::print(&out)?;
    Ok(0)
}

/// How a job starts, if it resumes.
fn put_job(out: &mut String, plan: &BatchPlan, job: &JobPlan) {
    let (Some(run), Some(started)) = (&job.resumes, &job.started) else { return };
    let who = if plan.jobs.len() == 1 { String::new() } else { format!(": {}", job.job) };
    let own = plan.steps.iter().filter(|step| step.name.job == job.job).count() as u64;
    let steps = terminal_text::count(own, "step");
    let _ok = writeln!(out, "# resumes run {run} of {started}{who}, {} of {steps} done", job.steps_done);
}

fn put_step(out: &mut String, step: &StepPlan) {
    let _ok = match &step.local {
        Some(what) => writeln!(out, "{}: {} ({what})", step.name, step.operation),
        None if step.operation == crate::batch::HTTP => writeln!(out, "{}: http", step.name),
        None => writeln!(out, "{}: {} {} ({})", step.name, step.method, step.operation, step.connection),
    };
    if let Some(rows) = step.done_rows {
        let _ok = writeln!(out, "  done earlier: {}\n", terminal_text::count(rows, "row"));
        return;
    }
    if let Some(done) = step.goes_on_after {
        let _ok = writeln!(out, "  goes on after {}", terminal_text::count(done, "item"));
    }
    if step.skipped {
        let _ok = writeln!(out, "  skipped: `when` is false\n");
        return;
    }
    if let Some(depends) = &step.depends {
        let _ok = writeln!(out, "  {}\n  {depends}\n", step.request_line);
        return;
    }
    for request in &step.requests {
        let _ok = writeln!(out, "  {} {}", request.verb, terminal_text::safe(&request.url));
        for (name, value) in &request.headers {
            let _ok = writeln!(out, "    {name}: {}", terminal_text::one_line(value));
        }
        for line in request.body.iter().flat_map(|b| json::pretty(b).lines().map(str::to_owned).collect::<Vec<_>>()) {
            let _ok = writeln!(out, "    {}", terminal_text::safe(&line));
        }
    }
    let hidden = step.count - step.requests.len() as u64;
    if hidden > 0 {
        let _ok = writeln!(out, "  … and {} more, which the hash covers", terminal_text::count(hidden, "request"));
    }
    if step.operation == crate::batch::INNER {
        let _ok = writeln!(out, "  the requests of that file");
    } else if step.local.is_some() {
        let _ok = writeln!(out, "  no requests");
    } else if step.requests.is_empty() && (step.goes_on_after.is_none() || !step.paged) {
        let _ok = writeln!(out, "  nothing to send");
    }
    if step.paged {
        let _ok = writeln!(out, "  and one for each further page");
    }
    out.push('\n');
}
