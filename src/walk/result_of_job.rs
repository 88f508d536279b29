//! The walk over the result of a job.

use std::sync::Arc;

use super::submitted::Submitted;
use super::{Fetch, Walk};
use crate::error::Result;
use crate::send::Call;

impl Walk {
    /// Waits for the job of the call, if it has one, and requests its result.
    pub(super) async fn submitted(&mut self) -> Result<()> {
        let Some(submission) = &mut self.submission else { return Ok(()) };
        let ended = submission.done().await;
        self.submission = None;
        match ended? {
            Submitted::AtOnce(sent) => {
                let task = tokio::spawn(async move { Ok(*sent) });
                self.queue.push_back(Fetch {
                    cursor: self.pager.first(),
                    url: self.client.connection.base().to_string(),
                    task,
                });
                Ok(())
            }
            Submitted::Job(handle, end) => {
                self.job = Some(handle);
                self.call = Arc::new(Call { operation: end.operation, ..Call::clone(&self.call) });
                let cursor =
                    if end.cursor.url.is_some() && self.receipt.pages == 0 { end.cursor } else { self.start() };
                self.fetch(cursor)
            }
        }
    }
}
