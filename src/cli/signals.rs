//! Ctrl-C and its kin: the first cancels the call, the second ends the process at once. Runs on a thread of its own, so that it works while the
//! main one is stuck in a full pipe.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Cancel;

/// Unfinished files: when the process ends at once, they are removed, or kept if there is anything in them.
static LITTER: Mutex<Vec<(PathBuf, bool)>> = Mutex::new(Vec::new());

/// Whether the first signal has come.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether this process was told to stop: what moves on the screen stands still then.
pub(crate) fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Notes a file that must not outlive this process.
pub(crate) fn clean_up_later(path: &Path) {
    LITTER.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), false));
}

/// What such a file holds is kept after all.
pub(crate) fn keep_later(path: &Path) {
    LITTER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter_mut()
        .filter(|(p, _)| p == path)
        .for_each(|(_, kept)| *kept = true);
}

/// The file has found its place.
pub(crate) fn cleaned_up(path: &Path) {
    LITTER.lock().unwrap_or_else(PoisonError::into_inner).retain(|(p, _)| p != path);
}

fn end_at_once(code: u8) -> ! {
    for (path, kept) in LITTER.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if !kept || std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
            let _gone_or_not = std::fs::remove_file(path);
        }
    }
    std::process::exit(i32::from(code))
}

/// A file that reaches the limit of this process (`ulimit -f`) is an error of that file, and not the silent end of the process.
pub(crate) fn bear_full_files() {
    #[cfg(unix)]
    {
        // Whoever catches the signal gets the error instead. Nobody looks at the flag.
        let _default_then = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// The signals that this process got.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Starts to listen: the first signal cancels, a second one ends the process.
    pub(crate) fn listen(cancel: &Cancel) -> Signals {
        let signals = Signals::default();
        let (code, cancel) = (Arc::clone(&signals.0), cancel.clone());
        let on_first = move |first| {
            code.store(first, Ordering::SeqCst);
            STOPPING.store(true, Ordering::SeqCst);
            cancel.cancel();
        };
        // Where they cannot be listened to, signals do what they always do.
        let _listening_or_not = source::listen(on_first, end_at_once);
        signals
    }

    /// The exit code by the first signal: 128 and its number, as shells count.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code > 0)
    }
}

#[cfg(unix)]
mod source {
    use std::fs::File;
    use std::io::Read;
    use std::sync::mpsc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Tells both signals by their exit codes.
    pub(super) fn listen(first: impl FnOnce(u8) + Send + 'static, second: fn(u8) -> !) -> std::io::Result<()> {
        let (give, take) = mpsc::channel::<Signals>();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let Ok(mut signals) = take.recv() else { return };
            let mut codes = signals.forever().filter_map(|number| u8::try_from(128 + number).ok());
            codes.next().map(first);
            codes.next().map(second);
        })?;
        // Caught only now that there is somebody who acts on them.
        let ignored = ignored();
        let signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(|number| ignored >> (number - 1) & 1 == 0))?;
        let _listens_until_the_end = give.send(signals);
        Ok(())
    }

    /// The signals that the parent had this process ignore (nohup, a shell's background job); they stay ignored. Linux tells; elsewhere none.
    fn ignored() -> u64 {
        // Long enough for most, so that two reads do.
        let mut status = String::with_capacity(4096);
        let _told_or_not =
            File::open("/proc/self/status").and_then(|file| file.take(1 << 20).read_to_string(&mut status));
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(unix))]
mod source {
    /// Tells both signals by their exit codes.
    pub(super) fn listen(first: impl FnOnce(u8) + Send + 'static, second: fn(u8) -> !) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
                first(130);
            }
            if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
                second(130);
            }
        })?;
        Ok(())
    }
}
