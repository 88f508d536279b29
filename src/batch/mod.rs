//! Batch files: steps over any connector, with their state on disk; interrupted runs resume.
//!
//! ```
//! # use opnode::sandbox::{Sandbox, SandboxOptions};
//! # use opnode::{Catalog, EngineConfig};
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use opnode::Engine;
//! use opnode::batch::{Batch, BatchConfig, Event, RunOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! # let mut catalog = Catalog::empty();
//! # catalog.add_folder("examples/definitions".as_ref())?;
//! # let engine = Arc::new(Engine::new(EngineConfig::new(catalog)));
//! # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//! # let folder = tempfile::tempdir().unwrap();
//! let text = r#"
//! version: 1
//! connections:
//!   desk: { connector: acme-desk, siteUrl: "http://ADDRESS", username: robot, password: open sesame }
//! connection: desk
//! steps:
//!   - id: done
//!     query: getTickets
//!     options: { conditions: closed=true }
//!   - id: deleted
//!     delete: deleteTicket
//!     items: ${{ steps.done.items }}
//!     map: { id: "${{ item.id }}" }
//! "#;
//! # let text = &text.replace("ADDRESS", &sandbox.address().to_string());
//! // `Batch::load` reads a file. Relative paths and the state of runs start at its folder.
//! let batch = Batch::parse(&folder.path().join("clean-up.yaml"), text, &BatchConfig::new(Arc::clone(&engine)))?;
//! let mut run = Arc::new(batch).run(RunOptions::default())?;
//! while let Some(event) = run.next().await {
//!     if let Event::StepEnded(step) = event {
//!         println!("{}: {} items", step.name, step.counts.items_in); // done: 12 items
//!     }
//! }
//! let report = run.finish(|report| Ok(assert!(report.finished))).await;
//! report.check()?;
//! assert_eq!(report.steps[1].counts.items_in, 12);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "studio")]
mod built_condition;
mod check;
mod conditions;
mod config;
mod effects;
mod event;
mod file;
mod fingerprints;
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod head;
mod include;
mod inner;
mod inputs;
mod item_key;
mod items;
mod literal;
mod load;
mod local;
mod local_file;
mod local_plan;
mod log;
mod passwords;
mod plan;
mod record;
mod row_source;
mod run;
mod run_plan;
mod save;
mod save_file;
mod save_plan;
mod step;
#[cfg(feature = "schemas")]
mod test_file;
#[cfg(feature = "cli")]
mod testing;
mod verify_items;
mod webhook;

#[cfg(feature = "studio")]
pub use crate::expression::filter_names;
pub use crate::run_store::{LeftItem, Reason, ResumePolicy, RunInfo, RunStatus, RunSummary, left_items, runs};
#[cfg(feature = "studio")]
pub use built_condition::{BuiltCondition, ConditionJoin, ConditionTest};
pub use config::{BatchConfig, Env, Resolve, Stdin};
pub use event::{
    Archived, Event, JobBegun, JobReport, PartitionReport, Report, StepCounts, StepName, StepReport, StepStatus,
};
#[cfg(feature = "schemas")]
pub(crate) use file::BatchFile;
pub use head::BatchHead;
pub use inner::RunInputs;
pub use inputs::BatchInput;
pub use item_key::ItemKey;
pub use items::{Resent, edit_item, release_items, settle_items};
pub use local_plan::INNER;
pub use plan::{BatchPlan, JobPlan, StepPlan};
pub use record::{RunNote, RunPart, RunRecord, SettledItem, StepRecord, StoredFile, run_records};
pub use row_source::MAIN;
pub use run::{Run, RunOptions};
pub use run_plan::Batch;
#[cfg(feature = "schemas")]
pub use test_file::{
    BatchCaseFile, BatchTestFile, BatchTests, CaseInputPart, CaseSandboxFile, CaseTextFile, ExpectedEnd, ExpectedFile,
    ExpectedItem, ExpectedRequest, ExpectedRequestPart, ExpectedStep,
};
pub use verify_items::Verified;
pub use webhook::HTTP;
