//! Engines, events, and connections.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::super::config::Config;
use super::super::connection::Conn;
use super::super::host::Host;
use super::{Out, give, owner, places};
use crate::error::{Error, ErrorKind};
use crate::ffi::boundary::{Buffer, OutPlace, Stop, guard, guarded, handle, places, quiet, status};
use crate::ffi::notify::{Hooks, until};

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_engine_new(
    abi: u32,
    cfg: *const c_char,
    cfg_len: usize,
    hooks: *const Hooks,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    let (out, err) = unsafe { places(out, err) };
    // SAFETY: see above; a shorter struct of an older host is read up to its size. On any failure `drop` is called.
    let hooks = unsafe { places::hooks(hooks) };
    guarded(0, err, || {
        out.needed()?;
        if abi >> 16 != status::ABI_VERSION >> 16 || abi & 0xFFFF > status::ABI_VERSION & 0xFFFF {
            return Err(Stop::Status(status::ABI));
        }
        let hooks = hooks?;
        if let Some(flags) = hooks.as_ref().map(|h| h.0.flags).filter(|flags| *flags != 0) {
            return Err(Error::new(ErrorKind::Usage, format!("hooks: unknown flags {flags}")).into());
        }
        guard::quiet_panics();
        // SAFETY: see above.
        let config = unsafe { places::text(cfg, cfg_len) }?.map_or_else(|| Ok(Config::default()), Config::read)?;
        let host = Arc::new(Host::start(config, hooks)?);
        out.put(handle::insert(host.id, host))?;
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_engine_shutdown(engine: *mut c_void, timeout_ms: i64) -> i32 {
    quiet(|| {
        guard::may_wait(timeout_ms)?;
        let host = handle::get::<Host>(engine)?;
        host.close();
        if !host.wait_over(until(timeout_ms)) || !host.wait_renewed(until(timeout_ms)) {
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

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_engine_free(engine: *mut c_void) -> i32 {
    quiet(|| {
        let host = handle::remove::<Host>(engine)?;
        host.close();
        host.ready.close();
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_ready_wait(
    engine: *mut c_void,
    timeout_ms: i64,
    tags: *mut u64,
    cap: usize,
    count: *mut usize,
) -> i32 {
    // SAFETY: see above.
    let count = unsafe { OutPlace::of(count) };
    quiet(|| {
        count.needed()?;
        guard::may_wait(timeout_ms)?;
        if tags.is_null() || cap == 0 {
            return Err(Stop::Status(status::MISUSE));
        }
        let ready = Arc::clone(&handle::get::<Host>(engine)?.ready);
        let found = ready.wait(until(timeout_ms), cap).ok_or(Stop::Status(status::HANDLE))?;
        for (index, tag) in found.iter().enumerate() {
            // SAFETY: the host gave room for `cap` tags, and there are at most that many.
            unsafe { tags.add(index).write(*tag) };
        }
        count.put(found.len())?;
        Ok(if found.is_empty() { status::AGAIN } else { status::OK })
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_events_take(engine: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    let take = |host: &Arc<Host>| {
        let texts: Vec<String> = host.ready.events().iter().map(ToString::to_string).collect();
        Ok((host.id, Buffer::of_texts(&texts)))
    };
    // SAFETY: see above.
    unsafe { give(engine, out, err, take) }
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_conn_open(
    engine: *mut c_void,
    spec: *const c_char,
    len: usize,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    let (out, err) = unsafe { places(out, err) };
    guarded(owner::<Host>(engine), err, || {
        out.needed()?;
        let host = handle::get::<Host>(engine)?;
        // SAFETY: see above.
        let json = unsafe { places::needed(spec, len) }?;
        let id = host.id;
        out.put(handle::insert(id, Arc::new(Conn::open(host, json)?)))?;
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_conn_free(conn: *mut c_void) -> i32 {
    quiet(|| {
        handle::remove::<Conn>(conn)?;
        Ok(status::OK)
    })
}
