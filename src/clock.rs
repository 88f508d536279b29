//! Time and random numbers as a trait, so that tests need not wait. The only file that sleeps.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// Monotonic time for waits, wall time for dates, and random numbers for jitter.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::{Duration, SystemTime};
///
/// use opnode::Clock;
///
/// /// Time passes only in waits, which return at once.
/// #[derive(Default)]
/// struct TestClock(Mutex<Duration>);
///
/// #[async_trait::async_trait]
/// impl Clock for TestClock {
///     fn now(&self) -> Duration {
///         *self.0.lock().unwrap()
///     }
///     fn wall(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH + self.now()
///     }
///     fn chance(&self) -> f64 {
///         0.5
///     }
///     async fn sleep(&self, duration: Duration) {
///         *self.0.lock().unwrap() += duration;
///     }
/// }
/// # let config = opnode::EngineConfig { clock: Some(std::sync::Arc::new(TestClock::default())), ..Default::default() };
/// ```
#[async_trait]
pub trait Clock: Send + Sync {
    /// Monotonic time since a fixed start.
    fn now(&self) -> Duration;
    /// Wall time; only for dates of servers that do not send their own clock.
    fn wall(&self) -> SystemTime;
    /// A random number in 0..1.
    fn chance(&self) -> f64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock. All clocks of a process have one start, so that their times can be compared.
#[derive(Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
    fn chance(&self) -> f64 {
        fastrand::f64()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
