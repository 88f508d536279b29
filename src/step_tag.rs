//! The step of a batch that the current task works for, so that a watch can tell the requests of the steps apart.

use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static STEP: Option<Arc<str>>;
}

/// Runs the work of a step.
#[cfg(feature = "batch")]
pub(crate) fn of_step<F: Future>(step: String, work: F) -> impl Future<Output = F::Output> {
    STEP.scope(Some(Arc::from(step)), work)
}

/// Work for a task of its own: it belongs to the step of the current task.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    STEP.scope(STEP.try_with(Clone::clone).unwrap_or_default(), work)
}

/// The step of the current task.
#[cfg(feature = "cli")]
pub(crate) fn current() -> Option<Arc<str>> {
    STEP.try_with(Clone::clone).unwrap_or_default()
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::{carried, current, of_step};

    #[tokio::test(flavor = "current_thread")]
    async fn a_task_that_is_carried_belongs_to_the_step() {
        let seen = of_step("read".to_owned(), async {
            let own = tokio::spawn(carried(async { current() })).await.unwrap();
            let other = tokio::spawn(async { current() }).await.unwrap();
            (own, other, current())
        });
        let (own, other, here) = seen.await;
        assert_eq!((own.as_deref(), other.as_deref(), here.as_deref()), (Some("read"), None, Some("read")));
        assert_eq!(current(), None);
    }
}
