//! What an operation on rows does, as plain values: read from a batch file, compared and hashed. Pure.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::{escape, path_of};

/// The path of a field in a row: `company.name`, `company/name` or the JSON Pointer `/company/name`. A name that
/// contains a dot is written as a pointer. The empty text means the row itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct FieldPath(Vec<String>);

impl FieldPath {
    pub(crate) fn of(text: &str) -> FieldPath {
        match text {
            "" => FieldPath::default(),
            text if text.contains('/') => FieldPath(path_of(text)),
            text => FieldPath(text.split('.').map(str::to_owned).collect()),
        }
    }

    /// The names from the outermost one.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// As a JSON Pointer.
    pub(crate) fn pointer(&self) -> String {
        self.0.iter().map(|name| format!("/{}", escape(name))).collect()
    }
}

impl From<Vec<String>> for FieldPath {
    fn from(names: Vec<String>) -> FieldPath {
        FieldPath(names)
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.pointer())
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldPath, D::Error> {
        String::deserialize(deserializer).map(|text| FieldPath::of(&text))
    }
}

/// One operation on rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkPlan {
    Sort(SortPlan),
    Dedupe(DedupePlan),
    Join(JoinPlan),
    Aggregate(AggregatePlan),
    Flatten(FlattenPlan),
}

impl WorkPlan {
    /// Whether it can be done, as far as that is known without rows.
    ///
    /// # Errors
    /// `invalid_options` with the field of the plan.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            WorkPlan::Sort(plan) => plan.check(),
            WorkPlan::Dedupe(plan) => plan.check(),
            WorkPlan::Join(plan) => plan.check(),
            WorkPlan::Aggregate(plan) => plan.check(),
            WorkPlan::Flatten(plan) => plan.check(),
        }
    }
}

/// Sorts rows by the values of fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SortPlan {
    pub(crate) by: Vec<SortKey>,
}

/// A field to sort by. The order of types is: booleans (false, true), numbers by value, texts by code point.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SortKey {
    pub(crate) path: FieldPath,
    #[serde(default)]
    pub(crate) descending: bool,
    /// Where rows without a value are, also when descending.
    #[serde(default)]
    pub(crate) nulls: NullOrder,
}

/// Where rows without a value are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NullOrder {
    First,
    #[default]
    Last,
}

/// Keeps one row of those with equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DedupePlan {
    pub(crate) by: Vec<FieldPath>,
    #[serde(default)]
    pub(crate) keep: KeptRow,
    #[serde(default)]
    pub(crate) nulls: NullKeys,
}

/// Which row of those with equal keys is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeptRow {
    #[default]
    First,
    Last,
}

/// Whether rows that lack a key field have equal keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NullKeys {
    /// Each of them is kept.
    #[default]
    Distinct,
    /// Null is a value like others.
    Equal,
}

/// Adds to each row of the left side the matching row of the right side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinPlan {
    pub(crate) on: Vec<JoinPair>,
    #[serde(default)]
    pub(crate) kind: JoinKind,
    /// The field that gets the matching row; not for [`JoinKind::Missing`].
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(default)]
    pub(crate) several: SeveralMatches,
    #[serde(default, skip_serializing_if = "JoinSides::are_rows")]
    pub(crate) sides: JoinSides,
}

/// What the sides are, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JoinSides {
    #[default]
    Rows,
    /// The items of an upsert, each within a field of its row, and the records that were found.
    Records,
    /// The items of an upsert, and the same items.
    Items,
}

impl JoinSides {
    fn are_rows(&self) -> bool {
        *self == JoinSides::Rows
    }
}

/// Fields that are equal in matching rows. A row without a value matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinPair {
    pub(crate) left: FieldPath,
    pub(crate) right: FieldPath,
}

/// Which rows of the left side are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JoinKind {
    /// Those with a match.
    #[default]
    Matching,
    /// All; those without a match get null, or an empty list.
    All,
    /// Those without a match, unchanged.
    Missing,
}

/// What a row of the left side gets if several rows of the right side match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeveralMatches {
    /// It is an error.
    #[default]
    Error,
    /// The first.
    First,
    /// A list of all, also if there is one.
    List,
}

/// Computes values over groups of rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregatePlan {
    /// Rows with equal values are a group; without fields all rows are one.
    #[serde(default)]
    pub(crate) by: Vec<GroupField>,
    #[serde(default)]
    pub(crate) values: Vec<AggregateValue>,
}

/// A field to group by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupField {
    pub(crate) path: FieldPath,
    /// Its name in the result.
    pub(crate) name: String,
}

/// A value that is computed from the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregateValue {
    /// Its name in the result.
    pub(crate) name: String,
    pub(crate) function: AggregateFunction,
    /// The field that it is computed from; only [`AggregateFunction::Count`] needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<FieldPath>,
    /// The most elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u64>,
}

/// How a value is computed. Null and absent values count only for `first`, `last` and `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AggregateFunction {
    /// The number of rows; with a path, of those that have a value there.
    Count,
    CountDistinct,
    /// The exact sum; 0 without values.
    Sum,
    /// The smallest value, as it is written; null without values.
    Min,
    Max,
    /// The average with up to 34 digits; null without values.
    Avg,
    First,
    Last,
    List,
}

/// Makes one row of each element of a list within a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlattenPlan {
    pub(crate) path: FieldPath,
    /// The field that gets the element. Without it the fields of the element are those of the row, after what is kept
    /// of the parent.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(default)]
    pub(crate) parent: ParentFields,
    #[serde(default)]
    pub(crate) empty: EmptyList,
}

/// What is kept of the row that contains the list; never the list itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ParentFields {
    #[default]
    All,
    None,
    /// These top-level fields.
    Only(Vec<String>),
}

/// What becomes of a row whose list is empty, null or absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmptyList {
    /// No row.
    #[default]
    Drop,
    /// One row, with null as the element.
    Keep,
}

fn refused(field: &str, why: &str, advice: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOptions, why)
        .at(Place { field: Some(field.to_owned()), ..Place::default() })
        .advise(advice)
}

impl SortPlan {
    pub(super) fn check(&self) -> Result<()> {
        match self.by.is_empty() {
            true => Err(refused("/by", "a sort has no field to sort by", "name a field, such as `name`")),
            false => Ok(()),
        }
    }
}

impl DedupePlan {
    pub(super) fn check(&self) -> Result<()> {
        match self.by.is_empty() {
            true => Err(refused("/by", "a dedupe has no key field", "name the fields whose values are unique")),
            false => Ok(()),
        }
    }
}

impl JoinPlan {
    pub(super) fn check(&self) -> Result<()> {
        if self.on.is_empty() {
            return Err(refused("/on", "a join has no key fields", "name a field of each side whose values are equal"));
        }
        match (self.kind, &self.field) {
            (JoinKind::Matching | JoinKind::All, None) => {
                Err(refused("/as", "a join has no field for the matching row", "name a new field, such as `company`"))
            }
            (JoinKind::Missing, Some(_)) => {
                Err(refused("/as", "a join of missing rows adds no field", "leave out `as`, or use another kind"))
            }
            (JoinKind::Matching | JoinKind::All, Some(_)) | (JoinKind::Missing, None) => Ok(()),
        }
    }
}

impl AggregatePlan {
    pub(super) fn check(&self) -> Result<()> {
        let mut names: Vec<&str> =
            self.by.iter().map(|g| &*g.name).chain(self.values.iter().map(|v| &*v.name)).collect();
        if names.is_empty() {
            return Err(refused("/values", "an aggregate has no values", "name a value and its function"));
        }
        names.sort_unstable();
        if let Some(name) = names.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            return Err(refused("/values", &format!("an aggregate has two fields `{name}`"), "give one another name"));
        }
        let mut faults = self.values.iter().enumerate().filter_map(|(index, value)| value.fault(index));
        faults.next().map_or(Ok(()), Err)
    }
}

impl AggregateValue {
    fn fault(&self, index: usize) -> Option<Error> {
        let name = &self.name;
        if self.path.is_none() && self.function != AggregateFunction::Count {
            let why = format!("the value `{name}` has no path");
            return Some(refused(&format!("/values/{index}/path"), &why, "name the field that it is computed from"));
        }
        if self.limit.is_some() && self.function != AggregateFunction::List {
            let why = format!("the value `{name}` has a limit, but is no list");
            return Some(refused(&format!("/values/{index}/limit"), &why, "leave out the limit"));
        }
        None
    }
}

impl FlattenPlan {
    pub(super) fn check(&self) -> Result<()> {
        match (&self.field, &self.parent, self.empty) {
            (None, ParentFields::None, EmptyList::Keep) => Err(refused(
                "/empty",
                "a flatten keeps rows with an empty list, but nothing of them",
                "name the fields to keep in `keep`, or set `as` to the name of a field that gets null",
            )),
            _ => Ok(()),
        }
    }
}
