//! `run --plan`: prints the requests of a batch that are known in advance. Sends nothing.

use std::fmt::Write as _;

use crate::batch::{BatchPlan, StepPlan};
use crate::cli::messages;
use crate::cli::screen::json;
use crate::cli::screen::terminal_text;
use crate::error::Result;

/// Prints it.
pub(crate) fn print(plan: &BatchPlan) -> Result<u8> {
    let mut out = String::new();
    for step in &plan.steps {
        put_step(&mut out, step);
    }
    let requests: usize = plan.steps.iter().map(|s| s.requests.len()).sum();
    let open = plan.steps.iter().filter(|s| s.depends.is_some()).count();
    // Writing to a String cannot fail.
    let _ok = writeln!(
        out,
        "# {} of {} known in advance; nothing was sent",
        terminal_text::count(requests as u64, "request"),
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

fn put_step(out: &mut String, step: &StepPlan) {
    let _ok = writeln!(out, "{}: {} {} ({})", step.name, step.method, step.operation, step.connection);
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
    if step.requests.is_empty() {
        let _ok = writeln!(out, "  nothing to send");
    }
    if step.paged {
        let _ok = writeln!(out, "  and one for each further page");
    }
    out.push('\n');
}
