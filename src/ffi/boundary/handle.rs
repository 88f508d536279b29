//! Handles: tokens with slot, generation and kind, looked up at every call. An invalid one is detected and never
//! dereferenced.
//!
//! Freeing a handle that another thread uses is safe: the user holds the object until its call returns.
//!
//! A forked process has its own table, whose numbers start after those of its parent, so that a handle's number shows
//! its process.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::buffer::{Buffer, HostFailure};
use super::{process, status};
use crate::ffi::call::Op;
use crate::ffi::connection::Conn;
use crate::ffi::host::Host;

/// Bits of the kind, and of the slot's number; the rest is its generation.
const KIND_BITS: u32 = 3;
const SLOT_BITS: u32 = if usize::BITS == 64 { 29 } else { 17 };
const GENERATIONS: usize = 1 << (usize::BITS - KIND_BITS - SLOT_BITS);

/// The object of a handle.
enum Object {
    Host(Arc<Host>),
    Conn(Arc<Conn>),
    Op(Arc<Op>),
    Buffer(Arc<Buffer>),
    HostFailure(Arc<HostFailure>),
}

/// A type that has handles.
pub(in crate::ffi) trait HandleKind: Sized {
    const NUMBER: usize;
    fn wrap(object: Arc<Self>) -> Wrapped;
    fn unwrap(object: &Wrapped) -> Option<&Arc<Self>>;
}

/// An object in the table.
pub(crate) struct Wrapped(Object);

macro_rules! kinds {
    ($($number:literal $name:ident),*) => { $(
        impl HandleKind for $name {
            const NUMBER: usize = $number;
            fn wrap(object: Arc<$name>) -> Wrapped {
                Wrapped(Object::$name(object))
            }
            fn unwrap(object: &Wrapped) -> Option<&Arc<$name>> {
                if let Object::$name(object) = &object.0 { Some(object) } else { None }
            }
        }
    )* };
}

kinds!(1 Host, 2 Conn, 3 Op, 4 Buffer, 5 HostFailure);

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Default)]
struct Slot {
    generation: usize,
    entry: Option<HandleEntry>,
}

struct HandleEntry {
    object: Wrapped,
    /// The engine that owns it.
    owner: u64,
}

/// The table of one process.
struct HandleTable {
    forks: u32,
    /// Number of slots in earlier tables.
    base: usize,
    slots: RwLock<Slots>,
    /// The parent's table, unchanged: one of its threads may have held it at the fork.
    _before: Option<&'static HandleTable>,
}

static FIRST: HandleTable =
    HandleTable { forks: 0, base: 0, slots: RwLock::new(Slots { slots: Vec::new(), free: Vec::new() }), _before: None };
static LAST: AtomicPtr<HandleTable> = AtomicPtr::new((&raw const FIRST).cast_mut());

/// Number of slots ever, including the parents' tables.
static SLOTS: AtomicUsize = AtomicUsize::new(0);

impl HandleTable {
    fn read(&self) -> RwLockReadGuard<'_, Slots> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of a slot in this table; `None` for a parent's slot.
    fn place(&self, slot: usize) -> Result<usize, i32> {
        slot.checked_sub(self.base).ok_or(status::FORKED)
    }
}

/// The table of this process, created at the first call after a fork.
fn table() -> &'static HandleTable {
    let forks = process::forks();
    loop {
        let last = LAST.load(Ordering::Acquire);
        // SAFETY: it is the first, or was created below; none is ever freed.
        let found: &'static HandleTable = unsafe { &*last };
        if found.forks == forks {
            return found;
        }
        let made = Box::new(HandleTable {
            forks,
            base: SLOTS.load(Ordering::Relaxed),
            slots: RwLock::default(),
            _before: Some(found),
        });
        let made = Box::into_raw(made);
        if LAST.compare_exchange(last, made, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: created above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

/// A new handle; null if the table is full.
pub(in crate::ffi) fn insert<T: HandleKind>(owner: u64, object: Arc<T>) -> *mut c_void {
    let table = table();
    let mut slots = table.write();
    let at = slots.free.pop().unwrap_or(slots.slots.len());
    let slot = table.base + at;
    if slot >= 1 << SLOT_BITS {
        return std::ptr::null_mut();
    }
    if at == slots.slots.len() {
        SLOTS.fetch_max(slot + 1, Ordering::Relaxed);
        slots.slots.push(Slot::default());
    }
    let Some(place) = slots.slots.get_mut(at) else { return std::ptr::null_mut() };
    place.entry = Some(HandleEntry { object: T::wrap(object), owner });
    std::ptr::without_provenance_mut((place.generation << SLOT_BITS | slot) << KIND_BITS | T::NUMBER)
}

fn parts(handle: *const c_void) -> (usize, usize, usize) {
    let token = handle.addr();
    let slot = (token >> KIND_BITS) & ((1 << SLOT_BITS) - 1);
    (token & ((1 << KIND_BITS) - 1), slot, token >> (KIND_BITS + SLOT_BITS))
}

/// The object of a handle.
pub(in crate::ffi) fn get<T: HandleKind>(handle: *const c_void) -> Result<Arc<T>, i32> {
    with(handle, Arc::clone)
}

/// Reads the object of a handle under the lock, so that it is not freed; only for short reads.
pub(in crate::ffi) fn with<T: HandleKind, R>(handle: *const c_void, look: impl FnOnce(&Arc<T>) -> R) -> Result<R, i32> {
    if handle.is_null() {
        return Err(status::MISUSE);
    }
    let (kind, slot, generation) = parts(handle);
    let table = table();
    let at = table.place(slot)?;
    let slots = table.read();
    let place = slots.slots.get(at).filter(|s| kind == T::NUMBER && s.generation == generation);
    let object = place.and_then(|s| s.entry.as_ref()).and_then(|e| T::unwrap(&e.object));
    object.map(look).ok_or(status::HANDLE)
}

/// Frees a handle. Its number is reused only after the generations have wrapped around.
pub(in crate::ffi) fn remove<T: HandleKind>(handle: *const c_void) -> Result<Arc<T>, i32> {
    let object = get::<T>(handle)?;
    let (_, slot, generation) = parts(handle);
    let table = table();
    let at = table.place(slot)?;
    let mut slots = table.write();
    let place = slots.slots.get_mut(at).filter(|s| s.generation == generation).ok_or(status::HANDLE)?;
    let ended = place.entry.take().ok_or(status::HANDLE)?;
    place.generation = (generation + 1) % GENERATIONS;
    slots.free.push(at);
    drop(slots);
    // Its object is dropped outside the lock.
    drop(ended);
    Ok(object)
}

/// Number of open handles of an engine, without its own.
pub(in crate::ffi) fn count(owner: u64) -> usize {
    let is_child = |e: &&HandleEntry| e.owner == owner && Host::unwrap(&e.object).is_none();
    table().read().slots.iter().filter_map(|s| s.entry.as_ref()).filter(is_child).count()
}

/// An object that belongs to an engine.
pub(in crate::ffi) trait Owned {
    fn owner(&self) -> u64;
}

impl Owned for Host {
    fn owner(&self) -> u64 {
        self.id
    }
}

impl Owned for Conn {
    fn owner(&self) -> u64 {
        self.host.id
    }
}

impl Owned for Op {
    fn owner(&self) -> u64 {
        self.host.id
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::sync::Arc;

    use super::{Buffer, Conn, HostFailure, count, get, insert, remove};
    use crate::error::{Error, ErrorKind};
    use crate::ffi::boundary::status;

    fn buffer(text: &str) -> Arc<Buffer> {
        Arc::new(Buffer::text(text.to_owned()))
    }

    /// An engine that no other test uses.
    const OWNER: u64 = u64::MAX;

    #[test]
    fn a_handle_has_one_kind_and_is_freed_once() {
        let handle = insert(OWNER, buffer("a"));
        assert_eq!(get::<Buffer>(handle).map(|b| b.bytes().to_vec()), Ok(b"a".to_vec()));
        assert_eq!(get::<HostFailure>(handle).err(), Some(status::HANDLE), "of another kind");
        assert_eq!(remove::<Conn>(handle).err(), Some(status::HANDLE), "ended as another kind");
        assert_eq!(get::<Buffer>(std::ptr::null()).err(), Some(status::MISUSE));
        let kept = get::<Buffer>(handle).unwrap_or_else(|_| buffer("?"));
        assert!(remove::<Buffer>(handle).is_ok());
        assert_eq!(remove::<Buffer>(handle).err(), Some(status::HANDLE), "ended twice");
        assert_eq!(kept.bytes(), b"a", "who uses it keeps it");
        // The slot is used again, with another number.
        let next = insert(OWNER, Arc::new(HostFailure::new(&Error::new(ErrorKind::Usage, "b"))));
        assert_ne!(handle, next);
        assert!(get::<Buffer>(handle).is_err() && get::<HostFailure>(next).is_ok());
        assert!(remove::<HostFailure>(next).is_ok());
    }

    #[test]
    fn unknown_handles_are_refused() {
        for number in (0..200).chain([usize::MAX, usize::MAX / 2, 1 << 32, (1 << 32) + 4, isize::MAX as usize]) {
            let handle: *const c_void = std::ptr::without_provenance(number << 3 | 6);
            assert!(get::<Buffer>(handle).is_err() && get::<HostFailure>(handle).is_err(), "{number}");
        }
    }

    #[test]
    fn threads_share_the_table() {
        const OWN: u64 = u64::MAX - 1;
        let work = |thread: usize| {
            for round in 0..20 {
                let text = format!("{thread} {round}");
                let handle = insert(OWN, buffer(&text));
                assert_eq!(get::<Buffer>(handle).map(|b| b.bytes() == text.as_bytes()), Ok(true));
                assert!(remove::<Buffer>(handle).is_ok());
                assert!(get::<Buffer>(handle).is_err());
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|thread| drop(scope.spawn(move || work(thread)))));
        assert_eq!(count(OWN), 0);
    }
}
