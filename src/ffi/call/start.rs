//! Starts operations: reads and checks their requests, and passes the work to the engine's threads.

use std::sync::Arc;

use super::operation::{Facts, Op};
use super::request::{HostRequest, Work};
use super::work::{self, Job};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::connection::Conn;
use crate::ffi::notify::Quiet;

/// Requests of at least this many bytes are large.
const LARGE: usize = 64 << 10;

/// Starts the work of a request. A large one is checked there: its faults come with the first batch.
pub(in crate::ffi) fn start(conn: &Arc<Conn>, text: &str, tag: u64) -> Result<Arc<Op>> {
    if text.len() < LARGE {
        return start_checked(conn, text, tag);
    }
    let op = Op::new(&conn.host, tag)?;
    let job = Box::pin(check_later(Arc::clone(&op), Arc::clone(conn), text.to_owned()));
    spawn(op, job)
}

/// Checks a request and starts its work.
pub(in crate::ffi) fn start_checked(conn: &Arc<Conn>, text: &str, tag: u64) -> Result<Arc<Op>> {
    let op = Op::new(&conn.host, tag)?;
    // A check may start a thread.
    let _quiet = Quiet::begin();
    let job = check(&op, conn, text)?;
    spawn(op, job)
}

fn check(op: &Arc<Op>, conn: &Arc<Conn>, text: &str) -> Result<Job> {
    let request = HostRequest::read(conn.host.selftest, text)?;
    let facts = Facts {
        streams: matches!(request.work, Work::Stream(_)),
        writes: matches!(&request.work, Work::Stream(call) | Work::Call(call) if call.method != Method::Query),
        run_bytes: request.run_bytes,
    };
    op.learn(request.operation(), facts);
    work::prepare(op, conn, request)
}

async fn check_later(op: Arc<Op>, conn: Arc<Conn>, text: String) -> Result<()> {
    let lost =
        |e: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("the check of the request failed: {e}"));
    // Waiting threads are cheap, but parsing many large texts at once is not.
    let turn = Arc::clone(&op.host.checks).acquire_owned().await.map_err(|e| lost(&e))?;
    let job = tokio::task::spawn_blocking(move || check(&op, &conn, &text)).await.map_err(|e| lost(&e))??;
    drop(turn);
    job.await
}

fn spawn(op: Arc<Op>, job: Job) -> Result<Arc<Op>> {
    let weak = Arc::downgrade(&op);
    op.host.begin(op.number, weak)?;
    let watched = Arc::clone(&op);
    op.host.handle.spawn(async move {
        let worker = tokio::spawn(job);
        let ended = match worker.await {
            Ok(ended) => ended,
            Err(lost) => Err(Error::new(ErrorKind::Internal, format!("the operation's task failed: {lost}"))),
        };
        watched.end(ended);
        watched.host.end(watched.number);
    });
    Ok(op)
}
