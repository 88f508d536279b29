//! The status of a run in words. Pure.

use crate::batch::RunStatus;

/// Its name.
pub(super) fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Unfinished => "unfinished",
        RunStatus::Finished => "finished",
        RunStatus::ItemsLeft => "items left",
        RunStatus::SetAside => "archived",
        RunStatus::Damaged => "damaged",
    }
}
