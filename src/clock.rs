//! Time and chance as a trait, so that waits can be tested without waiting. The only place that sleeps.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// Monotonic time for waits, wall time for dates, and chance for jitter.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Monotonic time since some start.
    fn now(&self) -> Duration;
    /// Wall time; only for dates that servers send without their own clock.
    fn wall(&self) -> SystemTime;
    /// A number in 0..1.
    fn chance(&self) -> f64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock. All of a process count from one start, so that their times can be compared.
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
