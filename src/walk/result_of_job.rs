//! The walk over the result of a job.

use std::sync::Arc;

use super::submitted::Submitted;
use super::{Fetch, Walk};
use crate::error::Result;
use crate::reply::Response;
use crate::request::Cursor;
use crate::send::{Call, Outgoing, Sent};

impl Walk {
    /// The first page, if this reply is it.
    fn answered(&self, cursor: &Cursor, reply: Response) -> Result<Option<(String, Sent)>> {
        let (head, body) = self.request(cursor)?.into_parts();
        let sent = self.client.answered(&self.call, Outgoing::new(&head, &body), reply);
        Ok(sent.map(|sent| (head.uri.to_string(), sent)))
    }

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
                let known = end.reply.filter(|_| self.receipt.pages == 0);
                match known.map(|reply| self.answered(&cursor, *reply)).transpose()?.flatten() {
                    None => self.fetch(cursor),
                    Some((url, sent)) => {
                        self.queue.push_back(Fetch { cursor, url, task: tokio::spawn(async move { Ok(sent) }) });
                        Ok(())
                    }
                }
            }
        }
    }
}
