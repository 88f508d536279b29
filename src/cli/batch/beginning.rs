//! The first lines of a run: which jobs begin anew and which resume, and why.

use crate::batch::{Archived, JobBegun, Reason};
use crate::cli::screen::terminal_text::count;

/// The lines, each with whether it is a warning. `name` is the batch's.
pub(super) fn lines(name: &str, jobs: &[JobBegun]) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    let is_single = matches!(jobs, [_]);
    let of = |is_of: &dyn Fn(&JobBegun) -> bool| jobs.iter().filter(|job| is_of(job)).collect::<Vec<_>>();
    let names = |jobs: &[&JobBegun]| match is_single {
        true => String::new(),
        false => format!(": {}", jobs.iter().map(|job| job.job.as_str()).collect::<Vec<_>>().join(", ")),
    };
    for old in of(&|job| job.archived.is_some()) {
        let Some(archived) = &old.archived else { continue };
        let job = if is_single { String::new() } else { format!("{}: ", old.job) };
        let left = match archived.left {
            0 => String::new(),
            left => format!("; {} of it {} a decision: `opnode items list`", count(left, "item"), needs(left)),
        };
        let started = if archived.started.is_empty() { &archived.run } else { &archived.started };
        let steps = format!("{} done", count(archived.steps_done, "step"));
        let line = format!(
            "{name}: {job}the {}run of {started} ({steps}) {} and is archived in {}{left}",
            if archived.has_ended { "" } else { "unfinished " },
            why(archived),
            archived.folder
        );
        lines.push((archived.reason != Reason::Fresh || archived.left > 0, line));
    }
    let new = of(&|job| !job.is_resumed && !job.is_left);
    if let Some(first) = new.first() {
        lines.push((false, format!("{name}: new run {}{}", first.run, names(&new))));
    }
    for job in of(&|job| job.is_resumed) {
        let (done, all) = job.steps_done;
        let who = names(&[job]);
        lines.push((
            false,
            format!("{name}: resuming run {} of {}{who}, {done} of {} done", job.run, job.started, count(all, "step")),
        ));
    }
    let left = of(&|job| job.is_left && job.is_finished);
    if let Some(first) = left.first() {
        lines.push((false, format!("{name}: finished in run {}, not repeated{}", first.run, names(&left))));
    }
    let unfinished = of(&|job| job.is_left && !job.is_finished);
    if let Some(first) = unfinished.first() {
        let names = names(&unfinished);
        lines.push((false, format!("{name}: not finished in run {}, left as it is{names}", first.run)));
    }
    lines
}

fn needs(items: u64) -> &'static str {
    if items == 1 { "needs" } else { "need" }
}

/// Why a run was not resumed.
fn why(archived: &Archived) -> String {
    match archived.reason {
        Reason::TooOld(age) if archived.has_ended => {
            format!("ended {} ago, longer than its items are sent again,", age_text(age))
        }
        Reason::TooOld(age) => format!("was interrupted {} ago, longer than it is resumed,", age_text(age)),
        Reason::Never => "is not resumed (`resume: never`)".to_owned(),
        Reason::Fresh | Reason::First | Reason::Finished => "is not resumed".to_owned(),
    }
}

/// An age for people, from seconds.
pub(crate) fn age_text(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
