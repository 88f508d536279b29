//! Buffers and errors: immutable objects and their accessors.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use crate::ffi::boundary::{Buffer, HostFailure, OutPlace, handle, quiet, status};

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_buf_data(buf: *const c_void, len: *mut usize) -> *const c_char {
    // SAFETY: see above.
    text_of(buf, unsafe { OutPlace::of(len) }, Buffer::bytes)
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_buf_count(buf: *const c_void) -> usize {
    handle::with(buf, |buffer: &Arc<Buffer>| buffer.count()).unwrap_or(0)
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_buf_item(buf: *const c_void, index: usize, len: *mut usize) -> *const c_char {
    // SAFETY: see above.
    let len = unsafe { OutPlace::of(len) };
    // Called for every item: it only reads, allocates nothing, and cannot panic.
    let look = |buffer: &Arc<Buffer>| buffer.item(index).map_or(std::ptr::null(), |item| slice(item, len));
    handle::with(buf, look).unwrap_or(std::ptr::null())
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_buf_free(buf: *mut c_void) -> i32 {
    quiet(|| {
        handle::remove::<Buffer>(buf)?;
        Ok(status::OK)
    })
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_error_message(error: *const c_void, len: *mut usize) -> *const c_char {
    // SAFETY: see above.
    text_of(error, unsafe { OutPlace::of(len) }, HostFailure::message)
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_error_json(error: *const c_void, len: *mut usize) -> *const c_char {
    // SAFETY: see above.
    text_of(error, unsafe { OutPlace::of(len) }, HostFailure::json)
}

/// # Safety
/// As for all [exports](super).
#[unsafe(no_mangle)]
unsafe extern "C" fn opnode_error_free(error: *mut c_void) -> i32 {
    quiet(|| {
        handle::remove::<HostFailure>(error)?;
        Ok(status::OK)
    })
}

/// A text of an immutable object.
fn text_of<T: handle::HandleKind>(
    of: *const c_void,
    len: OutPlace<usize>,
    text: impl FnOnce(&T) -> &[u8],
) -> *const c_char {
    let mut found = std::ptr::null();
    let _bad_handle_gives_null = quiet(|| {
        found = slice(text(&*handle::get::<T>(of)?), len);
        Ok(status::OK)
    });
    found
}

/// A part of an immutable object, which stays at its address until its handle is freed.
fn slice(bytes: &[u8], len: OutPlace<usize>) -> *const c_char {
    let _left_out = len.put(bytes.len());
    bytes.as_ptr().cast()
}
