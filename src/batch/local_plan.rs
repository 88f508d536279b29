//! The steps that send no requests, as checked values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row_source::{ItemSource, MAIN};
use crate::error::{Error, ErrorKind, Result};
use crate::expression::{Expr, Shape};
use crate::row_file::{CellType, EmptyCell, ReadOptions, RowFormat, RowSchema, SheetChoice, TextEncoding};
use crate::row_work::{FieldPath, WorkPlan};
use crate::run_store::file_name;

/// The operation, in plans and reports, of steps that run another batch file.
pub const INNER: &str = "batch";

/// What a step does without requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LocalWork {
    Load(LoadPlan),
    Transform(TransformPlan),
    /// The last part of an upsert.
    Upserted(UpsertedPlan),
    /// Another batch file.
    Inner(InnerPlan),
    /// Items of earlier runs that did not succeed.
    Left(LeftPlan),
}

impl LocalWork {
    /// Its name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            LocalWork::Load(_) => "load",
            LocalWork::Transform(_) => "transform",
            LocalWork::Upserted(_) => "upsert",
            LocalWork::Inner(_) => INNER,
            LocalWork::Left(_) => "load",
        }
    }

    /// The step that looks up each of its rows.
    pub(crate) fn looked_up(&self) -> Option<&String> {
        match self {
            LocalWork::Load(_) | LocalWork::Inner(_) | LocalWork::Left(_) => None,
            LocalWork::Transform(plan) => plan.looked_up.as_ref(),
            LocalWork::Upserted(plan) => plan.looked_up.as_ref(),
        }
    }

    /// The shape of its rows, if it ends with one.
    pub(crate) fn last_map(&self) -> Option<&Shape> {
        let LocalWork::Transform(plan) = self else { return None };
        plan.actions.iter().rev().find_map(|action| if let Action::Map(map) = action { Some(map) } else { None })
    }

    /// What it does, in plans.
    pub(crate) fn describe(&self) -> String {
        let source = |source: &ItemSource| match source {
            ItemSource::Step(id) => format!("the rows of {id}"),
            ItemSource::Shape(_) | ItemSource::Combinations(_) => "a list".to_owned(),
        };
        match self {
            LocalWork::Load(plan) => format!("reads {}", plan.from.source().trim_matches('"')),
            LocalWork::Transform(plan) => {
                let actions: Vec<&str> = plan.actions.iter().map(Action::name).collect();
                format!("{} of {}", actions.join(", "), source(&plan.from))
            }
            LocalWork::Upserted(_) => "reports what was created, changed, and the same".to_owned(),
            LocalWork::Inner(plan) => format!("runs {}", plan.path.display()),
            LocalWork::Left(plan) => format!("reads the items of {} that did not succeed", plan.name()),
        }
    }
}

/// Items of earlier runs of a batch that failed or are in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LeftPlan {
    pub(crate) batch: String,
    pub(crate) step: Option<String>,
}

impl LeftPlan {
    fn name(&self) -> String {
        self.step.as_ref().map_or_else(|| self.batch.clone(), |step| format!("{}/{step}", self.batch))
    }
}

/// Another batch file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct InnerPlan {
    pub(crate) path: PathBuf,
    /// A map.
    pub(crate) inputs: Shape,
    /// The step whose rows this step gives.
    pub(crate) items: Option<String>,
    /// Its connection, by job of the outer batch.
    pub(crate) connections: Vec<Option<String>>,
    /// Digests of what it does, by job of the outer batch.
    pub(crate) meanings: Vec<String>,
}

impl InnerPlan {
    /// The name of its run: no batch file can have it.
    pub(crate) fn run_name(&self, batch: &str, step: &str, job: &str) -> String {
        match job {
            MAIN => format!("{batch}+{step}"),
            job => format!("{batch}+{step}+{}", file_name(job)),
        }
    }
}

/// Rows of files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LoadPlan {
    /// A path, a pattern, or `-`.
    pub(crate) from: Shape,
    pub(crate) format: Option<RowFormat>,
    pub(crate) options: LoadOptions,
    /// A statement for the database, instead of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<String>,
}

/// How the files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LoadOptions {
    pub(crate) pointer: Option<String>,
    pub(crate) no_header: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) delimiter: Option<char>,
    pub(crate) empty: EmptyCell,
    pub(crate) types: BTreeMap<String, CellType>,
    pub(crate) encoding: TextEncoding,
    pub(crate) sheet: Option<SheetChoice>,
    /// A JSON Schema as text.
    pub(crate) schema: Option<String>,
}

impl LoadOptions {
    /// The options of a reader, and the schema.
    ///
    /// # Errors
    /// `definition` when the schema is none.
    pub(crate) fn reader(&self) -> Result<(ReadOptions, Option<Arc<RowSchema>>)> {
        let parse = |text: &String| {
            let value = crate::json_text::value_of(text);
            let value = value.map_err(|e| Error::new(ErrorKind::Definition, format!("the schema is no JSON: {e}")))?;
            RowSchema::compile(value).map(Arc::new)
        };
        let schema = self.schema.as_ref().map(parse).transpose()?;
        let options = ReadOptions {
            pointer: self.pointer.clone(),
            header: !self.no_header,
            columns: self.columns.clone(),
            delimiter: self.delimiter,
            empty: self.empty,
            types: self.types.clone(),
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            schema: schema.clone(),
            ..ReadOptions::default()
        };
        Ok((options, schema))
    }
}

/// Work on rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TransformPlan {
    pub(crate) from: ItemSource,
    pub(crate) actions: Vec<Action>,
    /// The step that looks up each row. Rows whose look-up failed are left out; those that were found out later come last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) looked_up: Option<String>,
}

/// One of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Filter(Expr),
    Map(Shape),
    Work(WorkPlan),
    /// The plan, and the rows of its right side.
    Join(WorkPlan, ItemSource),
    /// Puts each row as a field of this name into a new row.
    Wrap(String),
    /// What an upsert does with each item.
    Compare(ComparePlan),
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Action::Filter(_) => "filter",
            Action::Map(_) => "map",
            Action::Work(WorkPlan::Sort(_)) => "sort",
            Action::Work(WorkPlan::Dedupe(_)) => "dedupe",
            Action::Work(WorkPlan::Aggregate(_)) => "aggregate",
            Action::Work(WorkPlan::Flatten(_)) => "flatten",
            Action::Work(WorkPlan::Join(_)) | Action::Join(..) => "join",
            Action::Wrap(_) => "wrap",
            Action::Compare(_) => "compare",
        }
    }
}

/// How an upsert compares an item with the record that was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ComparePlan {
    /// The paths of the key in the item.
    pub(crate) key: Vec<FieldPath>,
    /// The fields of the record that are sent with a change.
    pub(crate) id: Vec<String>,
    /// A change sends the whole record.
    pub(crate) is_whole: bool,
    pub(crate) creates: bool,
    pub(crate) updates: bool,
}

/// The steps whose results an upsert reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct UpsertedPlan {
    pub(crate) plan: String,
    /// The step that looks up each item.
    pub(crate) looked_up: Option<String>,
    pub(crate) create: Option<String>,
    pub(crate) update: Option<String>,
}
