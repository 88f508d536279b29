//! The spinner of a long call: on a terminal only, and only after a second.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::cli::messages::Screen;
use crate::cli::screen::terminal_text::{count, job, thousands};
use crate::cli::spinner::{Spinner, Spinners, TICK, may_animate_call};
use crate::error::Result;
use crate::lock::lock;
use crate::{Gate, JobState, Receipt};

/// Time before the spinner appears.
const DELAY: Duration = Duration::from_secs(1);

/// The state of the job for which a call waits.
#[derive(Debug, Default)]
pub(crate) struct JobWatch(Mutex<Option<String>>);

#[async_trait]
impl Gate for JobWatch {
    async fn before(&self, _: u64, _: u64) -> Result<()> {
        *lock(&self.0) = None;
        Ok(())
    }

    fn polled(&self, _: u64, state: &JobState) {
        *lock(&self.0) = Some(job(state));
    }
}

/// The progress of one call.
pub(crate) struct CallProgress {
    job: Arc<JobWatch>,
    spinners: Spinners,
    spinner: Option<Spinner>,
    shows: bool,
    started: Instant,
    what: String,
    facts: String,
}

impl CallProgress {
    pub(crate) fn new(screen: Screen, what: &str, job: &Arc<JobWatch>) -> CallProgress {
        CallProgress {
            job: Arc::clone(job),
            spinners: Spinners::new(),
            spinner: None,
            shows: may_animate_call(screen),
            started: Instant::now(),
            what: what.to_owned(),
            facts: String::new(),
        }
    }

    /// Waits for a future while the spinner moves.
    pub(crate) async fn watch<F: Future>(&mut self, future: F) -> F::Output {
        if !self.shows {
            return future.await;
        }
        let mut future = pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return done,
                () = tokio::time::sleep(TICK) => self.draw(),
            }
        }
    }

    fn draw(&mut self) {
        let elapsed = self.started.elapsed();
        if elapsed < DELAY {
            return;
        }
        let spinner = self.spinner.get_or_insert_with(|| self.spinners.add());
        let facts = match lock(&self.job.0).as_ref() {
            Some(job) => format!("{job}, "),
            None => self.facts.clone(),
        };
        spinner.show(&format!("{}: {facts}{} s", self.what, elapsed.as_secs()));
    }

    /// Updates the counters.
    pub(crate) fn update(&mut self, receipt: &Receipt) {
        if !self.shows {
            return;
        }
        *lock(&self.job.0) = None;
        self.facts = facts(receipt, self.started.elapsed());
        self.draw();
    }

    /// Prints while the spinner is hidden.
    pub(crate) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.spinner {
            Some(_) => self.spinners.aside(print),
            None => print(),
        }
    }

    /// Removes the spinner.
    pub(crate) fn finish(&mut self) {
        self.spinner = None;
    }
}

fn facts(receipt: &Receipt, elapsed: Duration) -> String {
    let mut facts = Vec::new();
    if let Some(outcomes) = receipt.outcomes {
        let done = outcomes.ok + outcomes.failed + outcomes.unknown;
        facts.push(format!("{} of {}", thousands(done), count(receipt.items_in.max(1), "item")));
        facts.extend((outcomes.failed > 0).then(|| format!("{} failed", outcomes.failed)));
    } else {
        facts.push(count(receipt.pages, "page"));
        facts.push(match receipt.advertised_total {
            Some(total) => format!("{} of {}", thousands(receipt.items), count(total, "item")),
            None => count(receipt.items, "item"),
        });
        let rate = receipt.items as f64 / elapsed.as_secs_f64().max(0.001);
        facts.push(format!("{}/s", thousands(rate as u64)));
    }
    facts.extend(
        (receipt.retries > 0)
            .then(|| if receipt.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", receipt.retries) }),
    );
    facts.extend((receipt.wait_ms >= 1000).then(|| format!("waited {} s", receipt.wait_ms / 1000)));
    facts.push(String::new());
    facts.join(", ")
}
