//! The end of a program that a test has started.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Waits for a program; `None` for one that hangs, which is ended.
pub fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return Some(status),
            None if start.elapsed() > patience => {
                let _ended = child.kill();
                let _reaped = child.wait();
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
