//! Discovery: definitions, connectors, templates.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::super::host::Host;
use super::{Out, give, owner};
use crate::ffi::boundary::{OutPlace, guarded, handle, places, status};
use crate::ffi::discover;

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_definitions_load(
    engine: *mut c_void,
    doc: *const c_char,
    len: usize,
    err: Out<c_void>,
) -> i32 {
    // SAFETY: see above.
    let err = unsafe { OutPlace::of(err) };
    guarded(owner::<Host>(engine), err, || {
        let host = handle::get::<Host>(engine)?;
        // SAFETY: see above.
        let json = unsafe { places::needed(doc, len) }?;
        host.add(discover::definitions(json)?)?;
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_describe_connectors(engine: *mut c_void, out: Out<c_void>, err: Out<c_void>) -> i32 {
    // SAFETY: see above.
    unsafe { give(engine, out, err, |host: &Arc<Host>| Ok((host.id, discover::connectors(&host.engine())))) }
}

/// # Safety
/// As for all [exports](super).
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
    let describe = |host: &Arc<Host>| {
        // SAFETY: see above.
        let (connector, filter) =
            unsafe { (places::text(connector, connector_len)?, places::text(filter, filter_len)?) };
        Ok((host.id, discover::templates(&host.engine(), connector, filter)?))
    };
    // SAFETY: see above.
    unsafe { give(engine, out, err, describe) }
}

/// # Safety
/// As for all [exports](super).
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
    let describe = |host: &Arc<Host>| {
        // SAFETY: see above.
        let (connector, name) = unsafe { (places::text(connector, connector_len)?, places::needed(name, name_len)?) };
        Ok((host.id, discover::template(&host.engine(), connector, name)?))
    };
    // SAFETY: see above.
    unsafe { give(engine, out, err, describe) }
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_search(
    engine: *mut c_void,
    query: *const c_char,
    query_len: usize,
    filter: *const c_char,
    filter_len: usize,
    out: Out<c_void>,
    err: Out<c_void>,
) -> i32 {
    let search = |host: &Arc<Host>| {
        // SAFETY: see above.
        let (query, filter) = unsafe { (places::needed(query, query_len)?, places::text(filter, filter_len)?) };
        Ok((host.id, discover::search(&host.engine(), query, filter)?))
    };
    // SAFETY: see above.
    unsafe { give(engine, out, err, search) }
}
