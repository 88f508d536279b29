//! Ctrl-C and its kin: the first cancels the call, the second ends the process at once. Runs on a thread of its own, so that it works while the
//! main one is stuck in a full pipe.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use crate::send::Cancel;

/// Unfinished files, removed when the process ends at once.
static LITTER: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Notes a file that must not outlive this process.
pub(crate) fn clean_up_later(path: &Path) {
    LITTER.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
}

/// The file has found its place.
pub(crate) fn cleaned_up(path: &Path) {
    LITTER.lock().unwrap_or_else(PoisonError::into_inner).retain(|p| p != path);
}

fn end_at_once(code: u8) -> ! {
    for path in LITTER.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _gone_or_not = std::fs::remove_file(path);
    }
    std::process::exit(i32::from(code))
}

/// The signals that this process got.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Starts to listen: the first signal cancels, a second one ends the process.
    pub(crate) fn listen(cancel: &Cancel) -> Signals {
        let signals = Signals::default();
        let (code, cancel) = (Arc::clone(&signals.0), cancel.clone());
        let (ready, listening) = mpsc::channel();
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
            runtime.block_on(async {
                let Ok(mut source) = Source::open() else { return };
                let _nobody_waits = ready.send(());
                let first = source.next().await;
                code.store(first, Ordering::SeqCst);
                cancel.cancel();
                end_at_once(source.next().await);
            });
        });
        if thread.is_ok() {
            // Ends with an error when the thread could not listen; signals then do what they always do.
            let _listening_or_not = listening.recv();
        }
        signals
    }

    /// The exit code by the first signal: 128 and its number, as shells count.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code > 0)
    }
}

#[cfg(unix)]
struct Source {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Source {
    fn open() -> std::io::Result<Source> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored();
        let open = |number: u8, kind| if ignored >> (number - 1) & 1 == 1 { Ok(None) } else { signal(kind).map(Some) };
        Ok(Source {
            interrupt: open(2, SignalKind::interrupt())?,
            terminate: open(15, SignalKind::terminate())?,
            hangup: open(1, SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> u8 {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = of(&mut self.interrupt) => 130,
            () = of(&mut self.terminate) => 143,
            () = of(&mut self.hangup) => 129,
        }
    }
}

/// The signals that the parent had this process ignore (nohup, a shell's background job); they stay ignored. Linux tells; elsewhere none.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn open() -> std::io::Result<Source> {
        Ok(Source)
    }

    async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 130,
            Err(_) => std::future::pending().await,
        }
    }
}
