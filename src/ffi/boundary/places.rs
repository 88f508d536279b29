//! Pointers from the host: out-parameters, texts, and structs with their size.

use std::ffi::c_char;

use super::status;
use super::stop::Stop;
use crate::error::{Error, ErrorKind};
use crate::ffi::notify::{Hooks, Owed, Progress};

/// A type with a null value for out-parameters.
pub(crate) trait Nothing {
    const NOTHING: Self;
}

impl<T> Nothing for *mut T {
    const NOTHING: Self = std::ptr::null_mut();
}

impl Nothing for usize {
    const NOTHING: Self = 0;
}

/// An out-parameter of the host; it may be NULL.
pub(in crate::ffi) struct OutPlace<T>(*mut T);

impl<T: Nothing> OutPlace<T> {
    /// Takes the out-parameter and clears it, so that every call has written it.
    ///
    /// # Safety
    /// `pointer` is NULL or points to room for a `T` that nobody else uses until the exported function returns; it is
    /// not used after that.
    pub(in crate::ffi) unsafe fn of(pointer: *mut T) -> OutPlace<T> {
        let place = OutPlace(pointer);
        let _left_out = place.put(T::NOTHING);
        place
    }

    /// Whether it is not NULL: otherwise the call does nothing.
    pub(in crate::ffi) fn needed(&self) -> Result<(), Stop> {
        if self.0.is_null() { Err(Stop::Status(status::MISUSE)) } else { Ok(()) }
    }

    pub(in crate::ffi) fn put(&self, value: T) -> Result<(), Stop> {
        self.needed()?;
        // SAFETY: not NULL, and as promised when this was created.
        unsafe { self.0.write(value) };
        Ok(())
    }
}

/// A text of the host; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or points to `length` bytes, or to a text with a NUL if the length is `OPNODE_NTS`, which outlive
/// the call.
pub(in crate::ffi) unsafe fn text<'t>(pointer: *const c_char, length: usize) -> Result<Option<&'t str>, Stop> {
    if pointer.is_null() {
        return if length == 0 || length == usize::MAX { Ok(None) } else { Err(Stop::Status(status::MISUSE)) };
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe {
        if length == usize::MAX {
            std::ffi::CStr::from_ptr(pointer).to_bytes()
        } else if length > isize::MAX as usize {
            return Err(Stop::Status(status::MISUSE));
        } else {
            std::slice::from_raw_parts(pointer.cast::<u8>(), length)
        }
    };
    let text = std::str::from_utf8(bytes);
    text.map(Some)
        .map_err(|e| Error::new(ErrorKind::Usage, format!("a text is not UTF-8 (byte {})", e.valid_up_to() + 1)).into())
}

/// A required text of the host.
///
/// # Safety
/// As [`text`].
pub(in crate::ffi) unsafe fn needed<'t>(pointer: *const c_char, length: usize) -> Result<&'t str, Stop> {
    // SAFETY: as the caller promises.
    unsafe { text(pointer, length) }?.ok_or(Stop::Status(status::MISUSE))
}

/// The host's callbacks, up to the size of its struct.
///
/// # Safety
/// `pointer` is NULL or points to a struct whose first member is its size.
pub(in crate::ffi) unsafe fn hooks(pointer: *const Hooks) -> Result<Option<Owed>, Stop> {
    const SMALLEST: usize = std::mem::offset_of!(Hooks, drop);
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    if !(SMALLEST..=4096).contains(&size) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("hooks: struct_size is {size}; set it to sizeof(opnode_hooks)"),
        )
        .into());
    }
    let mut hooks = Hooks {
        struct_size: 0,
        flags: 0,
        user_data: std::ptr::null_mut(),
        drop: None,
        ready: None,
        progress: None,
        event: None,
    };
    // Never half a pointer.
    let whole = (size - size % align_of::<Hooks>()).min(size_of::<Hooks>());
    // SAFETY: both are at least this long, and all members of ours may be zero.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut hooks).cast::<u8>(), whole) };
    Ok(Some(Owed(hooks)))
}

/// Fills the host's struct, up to its size, which stays as the host set it.
///
/// # Safety
/// `inout` points to a struct whose first member is its size.
pub(in crate::ffi) unsafe fn fill(inout: *mut Progress, progress: &Progress) -> Result<i32, Stop> {
    const HEAD: usize = std::mem::offset_of!(Progress, state);
    // SAFETY: as the caller promises.
    let size = unsafe { inout.cast::<u32>().read() } as usize;
    if !(HEAD..=4096).contains(&size) {
        return Err(Stop::Status(status::of(ErrorKind::Usage)));
    }
    let whole = size.min(size_of::<Progress>());
    // SAFETY: as above; the written range lies within both structs.
    unsafe {
        let from = std::ptr::from_ref(progress).cast::<u8>().add(HEAD);
        std::ptr::copy_nonoverlapping(from, inout.cast::<u8>().add(HEAD), whole - HEAD);
    }
    Ok(status::OK)
}
