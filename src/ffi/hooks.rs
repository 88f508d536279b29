//! The host's callbacks, on a thread of their own: one after the other, with no lock held, and `drop` after the last.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::mpsc;

use super::progress::Progress;

/// As the header declares it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    pub(crate) struct_size: u32,
    pub(crate) flags: u32,
    pub(crate) user_data: *mut c_void,
    pub(crate) drop: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(crate) ready: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    pub(crate) progress: Option<unsafe extern "C" fn(*mut c_void, u64, *const Progress)>,
    pub(crate) event: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize)>,
}

// SAFETY: the header says that callbacks run on other threads; `user_data` is only handed back.
unsafe impl Send for Hooks {}

/// What is told.
pub(crate) enum Notice {
    Ready(u64),
    Progress(u64, Box<Progress>),
    Event(i32, String),
}

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a callback, where nothing may wait.
pub(crate) fn is_within_callback() -> bool {
    WITHIN.get()
}

/// The thread that calls the host. It ends, and calls `drop`, when the last sender is gone.
pub(crate) fn start(hooks: Hooks) -> std::io::Result<mpsc::Sender<Notice>> {
    let (sender, notices) = mpsc::channel::<Notice>();
    std::thread::Builder::new().name("opnode-hooks".to_owned()).spawn(move || {
        let hooks = hooks;
        WITHIN.set(true);
        for notice in notices {
            tell(&hooks, notice);
        }
        drop_user_data(&hooks);
    })?;
    Ok(sender)
}

fn tell(hooks: &Hooks, notice: Notice) {
    // SAFETY: the host promises in the header that its functions take these arguments and do not unwind.
    unsafe {
        match notice {
            Notice::Ready(tag) => {
                if let Some(ready) = hooks.ready {
                    ready(hooks.user_data, tag);
                }
            }
            Notice::Progress(tag, progress) => {
                if let Some(told) = hooks.progress {
                    told(hooks.user_data, tag, &raw const *progress);
                }
            }
            Notice::Event(kind, json) => {
                if let Some(event) = hooks.event {
                    let length = json.len();
                    let mut bytes = json.into_bytes();
                    bytes.push(0);
                    event(hooks.user_data, kind, bytes.as_ptr().cast(), length);
                }
            }
        }
    }
}

/// The last call of all.
pub(crate) fn drop_user_data(hooks: &Hooks) {
    if let Some(drop) = hooks.drop {
        // SAFETY: as above; it is called once, because whoever holds the hooks gives them away to call this.
        unsafe { drop(hooks.user_data) }
    }
}
