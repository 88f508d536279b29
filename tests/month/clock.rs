//! A clock that is moved: waits advance it and return at once. The machine's wall clock may differ from the true time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opnode::Clock;

/// Unix time of the first day, at midnight UTC: 2026-03-02.
pub const FIRST_DAY: i64 = 1_772_409_600;
pub const DAY: i64 = 86_400;

/// Waits up to this long take a moment of real time, so that a wait that runs beside work does not spin.
const SHORT: Duration = Duration::from_millis(200);

/// The true time is the first day and what has passed since. One clock for all processes of a month.
pub struct MovableClock {
    passed: Mutex<Duration>,
    /// Seconds by which the machine's wall clock is wrong.
    wrong: AtomicI64,
    random: Mutex<fastrand::Rng>,
}

impl MovableClock {
    pub fn new(passed_ms: u64, wrong: i64, seed: u64) -> MovableClock {
        MovableClock {
            passed: Mutex::new(Duration::from_millis(passed_ms)),
            wrong: AtomicI64::new(wrong),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    pub fn passed_ms(&self) -> u64 {
        self.passed.lock().unwrap().as_millis() as u64
    }

    /// The true Unix time in seconds.
    pub fn time(&self) -> i64 {
        FIRST_DAY + self.passed.lock().unwrap().as_secs() as i64
    }

    /// Moves to this moment, if it is later.
    pub fn move_to(&self, passed_ms: u64) {
        let mut passed = self.passed.lock().unwrap();
        *passed = (*passed).max(Duration::from_millis(passed_ms));
    }

    pub fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap() += by;
    }

    pub fn wrong(&self) -> i64 {
        self.wrong.load(Ordering::Relaxed)
    }

    pub fn set_wrong(&self, seconds: i64) {
        self.wrong.store(seconds, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for MovableClock {
    fn now(&self) -> Duration {
        *self.passed.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        let true_time = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_DAY as u64) + self.now();
        let wrong = self.wrong();
        let by = Duration::from_secs(wrong.unsigned_abs());
        if wrong < 0 { true_time - by } else { true_time + by }
    }

    fn chance(&self) -> f64 {
        self.random.lock().unwrap().f64()
    }

    async fn sleep(&self, duration: Duration) {
        let end = self.now() + duration;
        if duration <= SHORT {
            tokio::time::sleep(Duration::from_millis(1)).await;
        } else {
            tokio::task::yield_now().await;
        }
        self.move_to(end.as_millis() as u64);
    }
}

/// A time as the source writes it.
pub fn text_of(time: i64) -> String {
    jiff::Timestamp::from_second(time).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The Unix time of a text.
pub fn time_of(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(i64::MIN, |at| at.as_second())
}
