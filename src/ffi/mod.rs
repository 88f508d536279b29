//! The C ABI of `include/opnode.h`; the only unsafe code of this crate. Every function is a guard, a look-up of handles and a call of the library.
//!
//! The header says what each function does, who owns what and what may block; it is not said twice here.
#![expect(unsafe_code, reason = "pointers of C hosts are read and written here and nowhere else")]

#[cfg(panic = "abort")]
compile_error!("the C interface promises that no panic ends the host's process: build it with panic = \"unwind\"");

mod buffer;
mod connection;
mod discover;
mod events;
#[cfg(all(feature = "batch", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod guard;
mod handle;
mod hooks;
mod host;
mod operation;
mod progress;
mod ready;
mod request;
mod status;
mod wake;
mod work;

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Instant;

use buffer::{Buffer, Failure};
use connection::Conn;
use guard::{Stop, clear, forked, guarded, put, text};
use hooks::Hooks;
use host::{Config, Host, until};
use operation::{Next, Op};
use progress::Progress;

use crate::error::{Error, ErrorKind};
use crate::item::Items;

type Out<T> = *mut *mut T;

#[unsafe(no_mangle)]
extern "C" fn opnode_abi_version() -> u32 {
    status::ABI_VERSION
}

#[unsafe(no_mangle)]
extern "C" fn opnode_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

#[unsafe(no_mangle)]
extern "C" fn opnode_status_name(status: i32) -> *const c_char {
    status::name(status).as_ptr()
}

/// # Safety
/// As the header says of every function here: pointers are NULL or point to what is declared, for the length that is given.
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_engine_new(
    abi: u32,
    cfg: *const c_char,
    cfg_len: usize,
    hooks: *const Hooks,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above; a shorter struct of an older host is read as far as it goes. Whatever fails, ending these calls `drop`.
    let hooks = unsafe { guard::hooks(hooks) };
    clear(out);
    guarded(0, err, || {
        put(out, std::ptr::null_mut())?;
        if abi >> 16 != status::ABI_VERSION >> 16 || abi & 0xFFFF > status::ABI_VERSION & 0xFFFF {
            return Err(Stop::Status(status::ABI));
        }
        let hooks = hooks?;
        if let Some(flags) = hooks.as_ref().map(|h| h.0.flags).filter(|flags| *flags != 0) {
            return Err(Error::new(ErrorKind::Usage, format!("hooks: flags {flags} are not known")).into());
        }
        guard::quiet_panics();
        // SAFETY: as said.
        let config: Config = match unsafe { text(cfg, cfg_len) }? {
            None => Config::default(),
            Some(json) => guard::object("the engine's configuration", json)?,
        };
        let host = Arc::new(Host::start(config, hooks)?);
        put(out, handle::insert(host.id, host))?;
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_engine_shutdown(engine: *mut c_void, timeout_ms: i64) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        guard::may_wait(timeout_ms)?;
        let host = handle::get::<Host>(engine)?;
        host.close();
        if !host.wait_over(until(timeout_ms)) {
            return Ok(status::of(ErrorKind::Timeout));
        }
        match handle::count(host.id) {
            0 => Ok(status::OK),
            open => {
                host.log(format!("{open} handles of the engine are still open"));
                Ok(status::OPEN)
            }
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_engine_free(engine: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        let host = handle::remove::<Host>(engine)?;
        host.close();
        host.ready.close();
        Ok(status::OK)
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_ready_wait(engine: *mut c_void, timeout_ms: i64, tags: *mut u64, cap: usize, count: *mut usize) -> i32 {
    clear(count);
    guarded(0, std::ptr::null_mut(), || {
        put(count, 0)?;
        guard::may_wait(timeout_ms)?;
        if tags.is_null() || cap == 0 {
            return Err(Stop::Status(status::MISUSE));
        }
        let ready = Arc::clone(&handle::get::<Host>(engine)?.ready);
        let found = ready.wait(until(timeout_ms), cap).ok_or(Stop::Status(status::HANDLE))?;
        for (index, tag) in found.iter().enumerate() {
            // SAFETY: the host gave room for `cap` tags, and there are at most so many.
            unsafe { tags.add(index).write(*tag) };
        }
        put(count, found.len())?;
        Ok(if found.is_empty() { status::AGAIN } else { status::OK })
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_events_take(engine: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    give(engine, out, err, |host: &Arc<Host>| {
        let texts: Vec<String> = host.waiting.take().iter().map(ToString::to_string).collect();
        Ok((host.id, Buffer::of_texts(&texts)))
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_definitions_load(engine: *mut c_void, doc: *const c_char, len: usize, err: Out<c_void>) -> i32 {
    guarded(owner::<Host>(engine), err, || {
        let host = handle::get::<Host>(engine)?;
        // SAFETY: as said.
        let json = unsafe { text(doc, len) }?.ok_or(Stop::Status(status::MISUSE))?;
        host.add(discover::definitions(json)?)?;
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_describe_connectors(engine: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    give(engine, out, err, |host: &Arc<Host>| Ok((host.id, discover::connectors(&host.engine()))))
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_describe_templates(
    engine: *mut c_void,
    connector: *const c_char,
    connector_len: usize,
    filter: *const c_char,
    filter_len: usize,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    give(engine, out, err, |host: &Arc<Host>| {
        // SAFETY: as said.
        let (connector, filter) = unsafe { (text(connector, connector_len)?, text(filter, filter_len)?) };
        Ok((host.id, discover::templates(&host.engine(), connector, filter)?))
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_describe_template(
    engine: *mut c_void,
    connector: *const c_char,
    connector_len: usize,
    name: *const c_char,
    name_len: usize,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    give(engine, out, err, |host: &Arc<Host>| {
        // SAFETY: as said.
        let (connector, name) = unsafe { (text(connector, connector_len)?, text(name, name_len)?) };
        Ok((host.id, discover::template(&host.engine(), connector, name.ok_or(Stop::Status(status::MISUSE))?)?))
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_conn_open(engine: *mut c_void, spec: *const c_char, len: usize, out: Out<c_void>, err: Out<c_void>) -> i32 {
    clear(out);
    guarded(owner::<Host>(engine), err, || {
        put(out, std::ptr::null_mut())?;
        let host = handle::get::<Host>(engine)?;
        // SAFETY: as said.
        let json = unsafe { text(spec, len) }?.ok_or(Stop::Status(status::MISUSE))?;
        let id = host.id;
        put(out, handle::insert(id, Arc::new(Conn::open(host, json)?)))?;
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_conn_free(conn: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        handle::remove::<Conn>(conn)?;
        Ok(status::OK)
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_run(
    conn: *mut c_void,
    request: *const c_char,
    len: usize,
    timeout_ms: i64,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    clear(out);
    guarded(owner::<Conn>(conn), err, || {
        put(out, std::ptr::null_mut())?;
        guard::may_wait(timeout_ms.min(-1))?;
        let conn = handle::get::<Conn>(conn)?;
        // SAFETY: as said.
        let json = unsafe { text(request, len) }?.ok_or(Stop::Status(status::MISUSE))?;
        let op = Op::start(&conn, json, 0)?;
        let (all, ended) = drain(&op, until(timeout_ms));
        // Of a write that failed, what became of each item is part of the answer.
        if ended.is_ok() || (op.writes && !all.is_empty()) {
            put(out, handle::insert(conn.host.id, Arc::new(Buffer::joined(&all))))?;
        }
        ended?;
        Ok(status::OK)
    })
}

/// All batches of an operation, within the limits of time and size.
fn drain(op: &Arc<Op>, until: Option<Instant>) -> (Vec<Arc<Buffer>>, Result<(), Error>) {
    let (mut all, mut bytes) = (Vec::new(), 1);
    loop {
        match op.next(until) {
            Next::Batch(batch) => {
                bytes += batch.size() - 1;
                all.push(batch);
                if bytes > op.run_bytes {
                    op.cancel();
                    let error = Error::new(ErrorKind::Limit, format!("the answer is larger than the limit runBytes ({})", op.run_bytes));
                    let advice = "read it batch by batch, with opnode_op_start and opnode_op_next, or raise \"runBytes\" in the request";
                    return (Vec::new(), Err(error.advise(advice)));
                }
            }
            Next::Done => return (all, Ok(())),
            Next::Failed(error) => return (all, Err(error)),
            Next::Again => {
                op.cancel();
                // What became of items that were under way is part of the answer.
                let late = drain(op, None);
                all.extend(late.0);
                let timed_out = Error::new(ErrorKind::Timeout, "the time for the call passed");
                let error = late.1.err().filter(|e| e.kind() == ErrorKind::UnknownOutcome).unwrap_or(timed_out);
                return (all, Err(error));
            }
        }
    }
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_start(
    conn: *mut c_void,
    request: *const c_char,
    len: usize,
    tag: u64,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    clear(out);
    guarded(owner::<Conn>(conn), err, || {
        put(out, std::ptr::null_mut())?;
        let conn = handle::get::<Conn>(conn)?;
        // SAFETY: as said.
        let json = unsafe { text(request, len) }?.ok_or(Stop::Status(status::MISUSE))?;
        if tag == 0 {
            return Err(Error::new(ErrorKind::Usage, "the tag is 0, which stands for events: give another").into());
        }
        let op = Op::start(&conn, json, tag)?;
        put(out, handle::insert(conn.host.id, op))?;
        Ok(status::OK)
    })
}

/// # Safety
/// See [`opnode_engine_new`].
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
    guarded(owner::<Op>(op), err, || {
        guard::may_wait(timeout_ms)?;
        let op = handle::get::<Op>(op)?;
        if flags & !LAST != 0 {
            return Err(Error::new(ErrorKind::Usage, format!("flags: {flags} has bits that are not known")).into());
        }
        // SAFETY: as said.
        let json = unsafe { text(items, len) }?.unwrap_or_default();
        let items = Items::from_ndjson(json)?;
        let taken = op.write(items, json.len(), flags & LAST != 0, until(timeout_ms))?;
        Ok(if taken { status::OK } else { status::AGAIN })
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_op_next(op: *mut c_void, timeout_ms: i64, out: Out<c_void>, err: Out<c_void>) -> i32 {
    clear(out);
    guarded(owner::<Op>(op), err, || {
        put(out, std::ptr::null_mut())?;
        guard::may_wait(timeout_ms)?;
        let op = handle::get::<Op>(op)?;
        match op.next(until(timeout_ms)) {
            Next::Batch(batch) => {
                put(out, handle::insert(op.host.id, batch))?;
                Ok(status::OK)
            }
            Next::Done => Ok(status::DONE),
            Next::Again => Ok(status::AGAIN),
            Next::Failed(error) => Err(error.into()),
        }
    })
}

/// # Safety
/// See [`opnode_engine_new`].
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_op_progress(op: *mut c_void, inout: *mut Progress) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        if inout.is_null() {
            return Err(Stop::Status(status::MISUSE));
        }
        let progress = handle::get::<Op>(op)?.progress();
        // SAFETY: as said; a shorter struct of an older host is filled as far as it goes.
        unsafe { guard::fill(inout, &progress) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_op_report(op: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    give(op, out, err, |op: &Arc<Op>| Ok((op.host.id, Buffer::text(op.report().to_string()))))
}

#[unsafe(no_mangle)]
extern "C" fn opnode_op_cancel(op: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        handle::get::<Op>(op)?.cancel();
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_op_free(op: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        let op = handle::remove::<Op>(op)?;
        op.cancel();
        op.withdraw();
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_buf_data(buf: *const c_void, len: *mut usize) -> *const c_char {
    text_of(buf, len, Buffer::bytes)
}

#[unsafe(no_mangle)]
extern "C" fn opnode_buf_count(buf: *const c_void) -> usize {
    if forked() { 0 } else { handle::with(buf, |buffer: &Arc<Buffer>| buffer.count()).unwrap_or(0) }
}

#[unsafe(no_mangle)]
extern "C" fn opnode_buf_item(buf: *const c_void, index: usize, len: *mut usize) -> *const c_char {
    clear(len);
    // Called for every item: it looks, makes nothing, and cannot panic.
    let look = |buffer: &Arc<Buffer>| buffer.item(index).map_or(std::ptr::null(), |item| slice(item, len));
    if forked() { std::ptr::null() } else { handle::with(buf, look).unwrap_or(std::ptr::null()) }
}

#[unsafe(no_mangle)]
extern "C" fn opnode_buf_free(buf: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        handle::remove::<Buffer>(buf)?;
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn opnode_error_message(error: *const c_void, len: *mut usize) -> *const c_char {
    text_of(error, len, Failure::message)
}

#[unsafe(no_mangle)]
extern "C" fn opnode_error_json(error: *const c_void, len: *mut usize) -> *const c_char {
    text_of(error, len, Failure::json)
}

#[unsafe(no_mangle)]
extern "C" fn opnode_error_free(error: *mut c_void) -> i32 {
    guarded(0, std::ptr::null_mut(), || {
        handle::remove::<Failure>(error)?;
        Ok(status::OK)
    })
}

/// The engine that a handle belongs to, for the error that a call of it gives; 0 when the handle is none.
fn owner<T: handle::Kind + handle::Owned>(handle: *const c_void) -> u64 {
    if forked() { 0 } else { handle::get::<T>(handle).map_or(0, |object| object.owner()) }
}

/// A call that gives a buffer.
fn give<T: handle::Kind + handle::Owned>(
    of: *mut c_void,
    out: Out<c_void>,
    err: Out<c_void>,
    make: impl FnOnce(&Arc<T>) -> Result<(u64, Buffer), Stop>,
) -> i32 {
    clear(out);
    guarded(owner::<T>(of), err, || {
        put(out, std::ptr::null_mut())?;
        let (owner, buffer) = make(&handle::get::<T>(of)?)?;
        put(out, handle::insert(owner, Arc::new(buffer)))?;
        Ok(status::OK)
    })
}

/// A text of an unchangeable object.
fn text_of<T: handle::Kind>(of: *const c_void, len: *mut usize, text: impl FnOnce(&T) -> &[u8]) -> *const c_char {
    let mut found = std::ptr::null();
    clear(len);
    let _bad_handle_gives_null = guarded(0, std::ptr::null_mut(), || {
        found = slice(text(&*handle::get::<T>(of)?), len);
        Ok(status::OK)
    });
    found
}

/// A part of an unchangeable object, which stays where it is until its handle is freed.
fn slice(bytes: &[u8], len: *mut usize) -> *const c_char {
    if !len.is_null() {
        // SAFETY: the header says that out-parameters point to room for their value.
        unsafe { len.write(bytes.len()) };
    }
    bytes.as_ptr().cast()
}
