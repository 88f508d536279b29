//! Signal handling: the first SIGINT, SIGTERM or SIGHUP cancels the call, the second ends the process immediately. Runs on its own thread, so that
//! it works while the main thread is blocked by a full pipe.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Cancel;

/// Unfinished files. If the process ends immediately, they are removed; those marked `true` only if they are empty.
static UNFINISHED: Mutex<Vec<(PathBuf, bool)>> = Mutex::new(Vec::new());

/// Whether the first signal has arrived.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether the first signal has arrived; spinners stop then.
pub(crate) fn is_interrupted() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Registers a file to remove if the process ends immediately.
pub(crate) fn remove_on_exit(path: &Path) {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), false));
}

/// Keeps a registered file unless it is empty.
pub(crate) fn keep_on_exit(path: &Path) {
    UNFINISHED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter_mut()
        .filter(|(p, _)| p == path)
        .for_each(|(_, kept)| *kept = true);
}

/// Unregisters a file that is finished or removed.
pub(crate) fn unregister(path: &Path) {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|(p, _)| p != path);
}

fn end_at_once(code: u8) -> ! {
    for (path, kept) in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if !kept || std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
            let _gone_or_not = std::fs::remove_file(path);
        }
    }
    std::process::exit(i32::from(code))
}

/// Turns SIGXFSZ (`ulimit -f`) into a write error; by default it kills the process without a message.
pub(crate) fn catch_file_size_limit() {
    #[cfg(unix)]
    {
        // Catching the signal is enough; the flag is not used.
        let _default_then = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// The signals that this process has received.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Starts listening: the first signal cancels, the second ends the process.
    pub(crate) fn listen(cancel: &Cancel) -> Signals {
        Signals::store(cancel, Arc::default())
    }

    /// The same; the exit code for the first signal is stored.
    pub(crate) fn store(cancel: &Cancel, code: Arc<AtomicU8>) -> Signals {
        let signals = Signals(code);
        let (code, cancel) = (Arc::clone(&signals.0), cancel.clone());
        let on_first = move |first| {
            code.store(first, Ordering::SeqCst);
            STOPPING.store(true, Ordering::SeqCst);
            cancel.cancel();
        };
        // If listening fails, signals keep their default action.
        let _listening_or_not = source::listen(on_first, end_at_once);
        signals
    }

    /// The exit code for the first signal: 128 plus its number, as in shells.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code > 0)
    }
}

#[cfg(unix)]
mod source {
    use std::fs::File;
    use std::io::Read;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Signals that arrive this soon after the first one count as the same: supervisors such as `timeout` signal the
    /// process and its group.
    const ONE_SIGNAL: Duration = Duration::from_millis(200);

    /// Calls `first` and `second` with the exit codes of the first two signals.
    pub(super) fn listen(first: impl FnOnce(u8) + Send + 'static, second: fn(u8) -> !) -> std::io::Result<()> {
        let (sender, receiver) = mpsc::channel::<Signals>();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let Ok(mut signals) = receiver.recv() else { return };
            let mut codes = signals.forever().filter_map(|number| u8::try_from(128 + number).ok());
            codes.next().map(first);
            let received = Instant::now();
            codes.find(|_| received.elapsed() >= ONE_SIGNAL).map(second);
        })?;
        // Registered only now that the thread is ready to act on them.
        let ignored = ignored();
        let signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(|number| ignored >> (number - 1) & 1 == 0))?;
        let _listens_until_the_end = sender.send(signals);
        Ok(())
    }

    /// Signals that the parent process set to be ignored (nohup, background jobs); they stay ignored. Known on Linux only.
    fn ignored() -> u64 {
        // Large enough that two reads usually suffice.
        let mut status = String::with_capacity(4096);
        let _absent_elsewhere =
            File::open("/proc/self/status").and_then(|file| file.take(1 << 20).read_to_string(&mut status));
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(unix))]
mod source {
    /// Calls `first` and `second` with the exit codes of the first two signals.
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
