//! The functions that `include/opnode.h` declares. Each consists of a guard, a look-up of handles and a call of the
//! library.
//!
//! # Safety
//! The rules of the header hold for all of them: a handle may be any number and is not dereferenced; every other
//! pointer is NULL or points to the declared type, for the given length, and nobody else writes to it until the call
//! returns.

mod discovery;
mod engine;
mod operation;
mod result;

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::boundary::{Buffer, OutPlace, Stop, guarded, handle, status};

/// The out-parameter for a handle.
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

/// The out-parameters for a handle and for an error, cleared.
///
/// # Safety
/// See [`Place::of`].
unsafe fn places(out: Out<c_void>, err: Out<c_void>) -> (OutPlace<*mut c_void>, OutPlace<*mut c_void>) {
    // SAFETY: as the caller promises.
    unsafe { (OutPlace::of(out), OutPlace::of(err)) }
}

/// The engine of a handle, for the error of a call; 0 for an invalid handle.
fn owner<T: handle::HandleKind + handle::Owned>(handle: *const c_void) -> u64 {
    handle::get::<T>(handle).map_or(0, |object| object.owner())
}

/// A call that returns a buffer.
///
/// # Safety
/// See [`Place::of`].
unsafe fn give<T: handle::HandleKind + handle::Owned>(
    of: *mut c_void,
    out: Out<c_void>,
    err: Out<c_void>,
    make: impl FnOnce(&Arc<T>) -> Result<(u64, Buffer), Stop>,
) -> i32 {
    // SAFETY: as the caller promises.
    let (out, err) = unsafe { places(out, err) };
    guarded(owner::<T>(of), err, || {
        out.needed()?;
        let (owner, buffer) = make(&handle::get::<T>(of)?)?;
        out.put(handle::insert(owner, Arc::new(buffer)))?;
        Ok(status::OK)
    })
}
