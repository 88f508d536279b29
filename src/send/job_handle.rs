//! A job that a system accepted, and its state. Plain data.

use serde::{Deserialize, Serialize};

/// A job that a system accepted. Plain data: another process can go on waiting for it.
///
/// ```
/// use opnode::{CallOptions, JobHandle};
///
/// // The job that an earlier process submitted for the items that start at 0: it is waited for, not submitted again.
/// let kept = r#"{"id": "7f3a"}"#;
/// let job: JobHandle = serde_json::from_str(kept)?;
/// assert_eq!(job.to_string(), "7f3a");
/// let with = CallOptions { jobs: [(0, job)].into(), ..CallOptions::default() };
/// # drop(with);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobHandle {
    /// The system's id of the job, if the definition says where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The address of its state, if the system named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl std::fmt::Display for JobHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id.as_deref().or(self.url.as_deref()).unwrap_or_default())
    }
}

/// The state of a job.
///
/// ```
/// use opnode::JobState;
///
/// let state = JobState { polls: 3, progress: Some("40".to_owned()) };
/// let line = format!("asked {} times: {}", state.polls, state.progress.as_deref().unwrap_or("running"));
/// assert_eq!(line, "asked 3 times: 40");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobState {
    /// How often it was asked for.
    pub polls: u64,
    /// The progress, as the system reports it.
    pub progress: Option<String>,
}
