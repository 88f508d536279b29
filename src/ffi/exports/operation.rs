//! Operations: run to the end, or started and read batch by batch.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Instant;

use super::super::connection::Conn;
use super::super::host::Cancellable;
use super::{Out, give, owner, places};
use crate::Items;
use crate::error::{Error, ErrorKind};
use crate::ffi::boundary::{Buffer, OutPlace, Stop, guard, guarded, handle, places, quiet, status};
use crate::ffi::call::{Facts, Next, Op, start, start_checked};
use crate::ffi::notify::{Progress, until};

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_run(
    conn: *mut c_void,
    request: *const c_char,
    len: usize,
    timeout_ms: i64,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    unsafe { opnode_run_report(conn, request, len, timeout_ms, out, std::ptr::null_mut(), err) }
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_run_report(
    conn: *mut c_void,
    request: *const c_char,
    len: usize,
    timeout_ms: i64,
    out: Out<c_void>,
    report: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    let ((out, err), report) = unsafe { (places(out, err), OutPlace::of(report)) };
    guarded(owner::<Conn>(conn), err, || {
        out.needed()?;
        guard::may_wait(timeout_ms.min(-1))?;
        let conn = handle::get::<Conn>(conn)?;
        // SAFETY: see above.
        let json = unsafe { places::needed(request, len) }?;
        let op = start_checked(&conn, json, 0)?;
        let facts = op.facts().ok_or(Stop::Status(status::of(ErrorKind::Internal)))?;
        let (all, ended) = drain(&op, facts, until(timeout_ms));
        // If a write fails, the outcome of each item is part of the result.
        if ended.is_ok() || (facts.writes && !all.is_empty()) {
            out.put(handle::insert(conn.host.id, Arc::new(Buffer::joined(&all))))?;
        }
        if report.needed().is_ok() {
            report.put(handle::insert(conn.host.id, Arc::new(Buffer::text(op.report()))))?;
        }
        ended?;
        Ok(status::OK)
    })
}

/// All batches of an operation, within the limits of time and size. The operation has ended then.
fn drain(op: &Arc<Op>, facts: Facts, until: Option<Instant>) -> (Vec<Arc<Buffer>>, Result<(), Error>) {
    let (mut all, mut bytes) = (Vec::new(), 1);
    loop {
        match op.next(until) {
            Next::Batch(batch) => {
                bytes += batch.size() - 1;
                all.push(batch);
                if bytes > facts.run_bytes {
                    op.cancel();
                    while let Next::Batch(_) = op.next(None) {}
                    let error = Error::new(
                        ErrorKind::Limit,
                        format!("the answer is larger than the limit runBytes ({})", facts.run_bytes),
                    );
                    let advice = "read it batch by batch, with opnode_op_start and opnode_op_next, or raise \"runBytes\" in the request";
                    return (Vec::new(), Err(error.advise(advice)));
                }
            }
            Next::Done => return (all, Ok(())),
            Next::Failed(error) => return (all, Err(error)),
            Next::Again => {
                op.cancel();
                // The outcomes of items in flight are part of the result.
                let late = drain(op, facts, None);
                all.extend(late.0);
                let timed_out = Error::new(ErrorKind::Timeout, "the call timed out");
                // Partial success is reported instead of the timeout: many callers repeat a call that timed out.
                let is_graver = |e: &Error| matches!(e.kind(), ErrorKind::UnknownOutcome | ErrorKind::Partial);
                let error = late.1.err().filter(is_graver).unwrap_or(timed_out);
                return (all, Err(error));
            }
        }
    }
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_start(
    conn: *mut c_void,
    request: *const c_char,
    len: usize,
    tag: u64,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    let (out, err) = unsafe { places(out, err) };
    guarded(owner::<Conn>(conn), err, || {
        out.needed()?;
        let conn = handle::get::<Conn>(conn)?;
        // SAFETY: see above.
        let json = unsafe { places::needed(request, len) }?;
        if tag == 0 {
            return Err(Error::new(ErrorKind::Usage, "tag 0 is reserved for events: use another").into());
        }
        let op = start(&conn, json, tag)?;
        out.put(handle::insert(conn.host.id, op))?;
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_write(
    op: *mut c_void,
    items: *const c_char,
    len: usize,
    flags: u32,
    timeout_ms: i64,
    err: Out<c_void>,
) -> i32 {
    const LAST: u32 = 1;
    // SAFETY: see above.
    let err = unsafe { OutPlace::of(err) };
    guarded(owner::<Op>(op), err, || {
        guard::may_wait(timeout_ms)?;
        let op = handle::get::<Op>(op)?;
        if flags & !LAST != 0 {
            return Err(Error::new(ErrorKind::Usage, format!("flags: {flags} has unknown bits")).into());
        }
        // SAFETY: see above.
        let json = unsafe { places::text(items, len) }?.unwrap_or_default();
        let items = Items::from_ndjson(json)?;
        let taken = op.write(items, json.len(), flags & LAST != 0, until(timeout_ms))?;
        Ok(if taken { status::OK } else { status::AGAIN })
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_next(op: *mut c_void, timeout_ms: i64, out: Out<c_void>, err: Out<c_void>) -> i32 {
    // SAFETY: see above.
    let (out, err) = unsafe { places(out, err) };
    guarded(owner::<Op>(op), err, || {
        out.needed()?;
        guard::may_wait(timeout_ms)?;
        let op = handle::get::<Op>(op)?;
        match op.next(until(timeout_ms)) {
            Next::Batch(batch) => {
                out.put(handle::insert(op.host.id, batch))?;
                Ok(status::OK)
            }
            Next::Done => Ok(status::DONE),
            Next::Again => Ok(status::AGAIN),
            Next::Failed(error) => Err(error.into()),
        }
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_progress(op: *mut c_void, inout: *mut Progress) -> i32 {
    quiet(|| {
        if inout.is_null() {
            return Err(Stop::Status(status::MISUSE));
        }
        let progress = handle::get::<Op>(op)?.progress();
        // SAFETY: see above; a shorter struct of an older host is filled up to its size.
        unsafe { places::fill(inout, &progress) }
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_report(op: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    // SAFETY: see above.
    unsafe { give(op, out, err, |op: &Arc<Op>| Ok((op.host.id, Buffer::text(op.report())))) }
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_cancel(op: *mut c_void) -> i32 {
    quiet(|| {
        handle::get::<Op>(op)?.cancel();
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_free(op: *mut c_void) -> i32 {
    quiet(|| {
        let op = handle::remove::<Op>(op)?;
        op.cancel();
        op.withdraw();
        Ok(status::OK)
    })
}
