//! Whether the jobs of a batch start anew or go on with an earlier run. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outline::RunOutline;
use super::state::RunState;
use crate::error::{Advice, Error, ErrorKind, Result};

/// How long an interrupted run is resumed, if the batch does not say.
pub(crate) const WITHIN: Duration = Duration::from_secs(6 * 3600);

/// Whether an unfinished run is resumed. Its age counts from its first interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResumePolicy {
    /// Each start begins a new run.
    Never,
    /// If it was first interrupted at most this long ago.
    Within(Duration),
    /// Whatever its age. One that has ended with failed or unknown items is not unfinished: their retry begins within six hours.
    Always,
}

impl Default for ResumePolicy {
    fn default() -> Self {
        ResumePolicy::Within(WITHIN)
    }
}

/// What to do with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobStart {
    /// Begin a new run; an unfinished one is archived.
    New(Reason),
    /// Go on with the unfinished run.
    Resume,
    /// The job is finished; only other jobs of its run go on.
    Leave,
}

impl JobStart {
    /// Why it begins anew.
    pub(crate) fn reason(self) -> Option<Reason> {
        match self {
            JobStart::New(reason) => Some(reason),
            JobStart::Resume | JobStart::Leave => None,
        }
    }
}

/// Why a job begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no earlier run.
    First,
    /// The earlier run is finished.
    Finished,
    /// The unfinished run is older than the policy allows: its age in seconds.
    TooOld(u64),
    /// The policy never resumes.
    Never,
    /// The caller asked for a new run.
    Fresh,
}

/// What the caller asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) policy: ResumePolicy,
    pub(crate) fresh: bool,
    pub(crate) retry_failed: bool,
    /// The run of which it is a part.
    pub(crate) part_of: Option<&'a str>,
}

/// The decision for each job. `None` as a state: the job has no run.
///
/// # Errors
/// `usage` when there is nothing to retry.
pub(crate) fn starts(jobs: &[(&RunOutline, Option<&RunState>)], asked: Asked<'_>, now: u64) -> Result<Vec<JobStart>> {
    if asked.fresh {
        return Ok(jobs.iter().map(|_| JobStart::New(Reason::Fresh)).collect());
    }
    if asked.retry_failed {
        return retried(jobs);
    }
    if let Some(run) = asked.part_of {
        return Ok(jobs.iter().map(|(_, state)| part(*state, run)).collect());
    }
    let mut starts: Vec<JobStart> = jobs.iter().map(|(_, state)| start(*state, asked.policy, now)).collect();
    // Finished jobs of a run that goes on are not repeated: a new night, which begins anew, is later than that.
    let limit = match asked.policy {
        ResumePolicy::Never => 0,
        ResumePolicy::Within(age) => age.as_secs(),
        ResumePolicy::Always => WITHIN.as_secs(),
    };
    let is_resumed = |run: &str| {
        jobs.iter()
            .zip(&starts)
            .any(|((_, other), start)| *start == JobStart::Resume && other.is_some_and(|other| other.run == run))
    };
    let finished = |(state, start): (Option<&RunState>, &JobStart)| {
        *start == JobStart::New(Reason::Finished)
            && state.is_some_and(|state| is_resumed(&state.run) && state.age(now) <= limit)
    };
    let left: Vec<bool> = jobs.iter().zip(&starts).map(|((_, state), start)| finished((*state, start))).collect();
    for (start, _) in starts.iter_mut().zip(left).filter(|(_, left)| *left) {
        *start = JobStart::Leave;
    }
    Ok(starts)
}

fn start(state: Option<&RunState>, policy: ResumePolicy, now: u64) -> JobStart {
    let Some(state) = state else { return JobStart::New(Reason::First) };
    let age = state.age(now);
    match policy {
        _ if state.is_over() => JobStart::New(Reason::Finished),
        // Nothing is unfinished: its items stay listed, and do not keep later runs from reading what is new.
        ResumePolicy::Always if state.ended && age > WITHIN.as_secs() => JobStart::New(Reason::TooOld(age)),
        ResumePolicy::Never => JobStart::New(Reason::Never),
        ResumePolicy::Within(limit) if age > limit.as_secs() => JobStart::New(Reason::TooOld(age)),
        ResumePolicy::Within(_) | ResumePolicy::Always => JobStart::Resume,
    }
}

/// A part of a run goes on with it, and is done once.
fn part(state: Option<&RunState>, run: &str) -> JobStart {
    match state {
        None => JobStart::New(Reason::First),
        Some(state) if state.run == run && state.is_over() => JobStart::Leave,
        Some(state) if state.run == run => JobStart::Resume,
        Some(state) if state.is_over() => JobStart::New(Reason::Finished),
        Some(_) => JobStart::New(Reason::Never),
    }
}

/// Only jobs with failed items go on.
fn retried(jobs: &[(&RunOutline, Option<&RunState>)]) -> Result<Vec<JobStart>> {
    let states = || jobs.iter().filter_map(|(_, state)| *state);
    let failed = |state: &RunState| state.steps.values().any(|step| !step.failed.is_empty());
    if states().next().is_none() {
        return Err(nothing_to_retry("there is no earlier run"));
    }
    if !states().any(failed) {
        return Err(nothing_failed(states()));
    }
    let start = |state: Option<&RunState>| match state {
        Some(state) if failed(state) => JobStart::Resume,
        Some(_) => JobStart::Leave,
        None => JobStart::New(Reason::First),
    };
    Ok(jobs.iter().map(|(_, state)| start(*state)).collect())
}

fn nothing_to_retry(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is nothing to retry: {why}")).advise(Advice::RunWithoutRetry)
}

fn nothing_failed<'s>(states: impl Iterator<Item = &'s RunState>) -> Error {
    let unknown: usize = states.flat_map(|state| state.steps.values()).map(|s| s.unknown.len()).sum();
    let why = "no item of the last run failed";
    match unknown {
        0 => nothing_to_retry(why),
        n => nothing_to_retry(&format!("{why}, and of {n} it is not known whether they took effect"))
            .advise(Advice::ListItems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_store::fact::Fact;

    fn state(run: &str, facts: &[Fact]) -> RunState {
        let mut state =
            RunState { run: run.to_owned(), version: crate::run_store::fact::JOURNAL_VERSION, ..RunState::default() };
        facts.iter().for_each(|fact| state.apply(fact));
        state
    }

    fn ended(at: u64) -> Fact {
        Fact::Ended { kind: None, at }
    }

    fn decided(states: &[Option<&RunState>], policy: ResumePolicy, now: u64) -> Vec<JobStart> {
        let outline = RunOutline::default();
        let jobs: Vec<_> = states.iter().map(|state| (&outline, *state)).collect();
        starts(&jobs, Asked { policy, ..Asked::default() }, now).unwrap()
    }

    #[test]
    fn age_counts_from_the_first_interruption() {
        const HOUR: u64 = 3600;
        let begun = |at| Fact::Begun { at };
        // Ten hours of work, killed, resumed after a minute, killed again.
        let long = state("r", &[begun(1), Fact::Time { at: 10 * HOUR }, begun(10 * HOUR + 60)]);
        assert_eq!(long.age(15 * HOUR), 5 * HOUR);
        let policy = ResumePolicy::default();
        assert_eq!(decided(&[Some(&long)], policy, 16 * HOUR), [JobStart::Resume]);
        let late = 16 * HOUR + 1;
        assert_eq!(decided(&[Some(&long)], policy, late), [JobStart::New(Reason::TooOld(6 * HOUR + 1))]);
        assert_eq!(decided(&[Some(&long)], ResumePolicy::Always, late), [JobStart::Resume]);
        assert_eq!(decided(&[Some(&long)], ResumePolicy::Never, 11 * HOUR), [JobStart::New(Reason::Never)]);
        assert_eq!(decided(&[None], policy, late), [JobStart::New(Reason::First)]);
        // A clock that was set back makes a run young, not old.
        assert_eq!(decided(&[Some(&long)], policy, 5), [JobStart::Resume]);
    }

    #[test]
    fn finished_jobs_wait_for_the_others_of_their_run_but_not_forever() {
        let failed = Fact::Outcome {
            step: "b/s".into(),
            element: 0,
            index: 0,
            status: crate::receipt::OutcomeStatus::Failed,
            extent: crate::run_store::extent::Extent::default(),
            tally: crate::receipt::Usage::default(),
        };
        let good = state("r", &[Fact::Begun { at: 1 }, ended(100)]);
        let bad = state("r", &[Fact::Begun { at: 1 }, failed, ended(100)]);
        let both = [Some(&good), Some(&bad)];
        let policy = ResumePolicy::default();
        assert_eq!(decided(&both, policy, 200), [JobStart::Leave, JobStart::Resume]);
        let night = 100 + WITHIN.as_secs() + 1;
        let anew = decided(&both, policy, night);
        assert_eq!(anew, [JobStart::New(Reason::Finished), JobStart::New(Reason::TooOld(WITHIN.as_secs() + 1))]);
        // Items that nobody has settled do not stop all later runs.
        assert_eq!(decided(&both, ResumePolicy::Always, night), anew);
        assert_eq!(decided(&both, ResumePolicy::Always, 200), [JobStart::Leave, JobStart::Resume]);
        let retried = state("r", &[Fact::Begun { at: 1 }, ended(100), Fact::Again { watermarks: None }]);
        assert_eq!(decided(&[Some(&retried)], ResumePolicy::Always, night), [JobStart::Resume]);
        let other = state("q", &[Fact::Begun { at: 1 }, ended(100)]);
        assert_eq!(decided(&[Some(&other), Some(&bad)], policy, 200)[0], JobStart::New(Reason::Finished));
    }
}
