//! Time and chance as a trait, so that waits can be tested without waiting. The only place that sleeps.

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

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
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
