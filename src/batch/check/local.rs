//! Checks the steps that send no requests.

use std::collections::BTreeMap;
use std::path::Path;

use super::expressions::{expression, shape, source};
use super::names::{Allowed, StepNames};
use crate::authoring::Checker;
use crate::authoring::values::NamesPart;
use crate::batch::local_file::{
    ActionFile, AggregateFile, AggregatePart, AggregateWord, DedupeKeep, DedupePart, FlattenPart, JoinFile, JoinKeep,
    JoinSeveral, LeftFile, LoadFile, LoadPart, TransformFile,
};
use crate::batch::local_plan::{Action, LeftPlan, LoadOptions, LoadPlan, LocalWork, TransformPlan};
use crate::definition::Fields;
use crate::expression::Shape;
use crate::row_file::{RowFormat, check_build};
use crate::row_work::{
    AggregateFunction, AggregatePlan, AggregateValue, BOTH, DedupePlan, EmptyList, FieldPath, FlattenPlan, GroupField,
    JoinKind, JoinPair, JoinPlan, JoinSides, KeptRow, NullKeys, NullOrder, ParentFields, SeveralMatches, SortKey,
    SortPlan, WorkPlan,
};
use crate::table::TableAddress;

/// The items of earlier runs that a `load` reads; `None` if it has a fault.
pub(super) fn left(c: &mut Checker<'_>, at: &str, file: &LeftFile) -> Option<LocalWork> {
    let (batch, step) = match file.left_items.split_once('/') {
        Some((batch, step)) => (batch.to_owned(), Some(step.to_owned())),
        None => (file.left_items.clone(), None),
    };
    if batch.is_empty() || step.as_ref().is_some_and(String::is_empty) || batch.contains("${{") {
        let advice = "write BATCH or BATCH/STEP, such as nightly/create";
        c.fault(&format!("{at}/left_items"), "expected the name of a batch, or of a step of it", Some(advice.into()));
        return None;
    }
    Some(LocalWork::Left(LeftPlan { batch, step }))
}

/// What a `load` reads; `None` if it has a fault.
pub(super) fn load(c: &mut Checker<'_>, at: &str, part: &LoadPart, names: &mut StepNames<'_, '_>) -> Option<LoadPlan> {
    let whole;
    let (file, place) = match part {
        LoadPart::Path(from) => {
            whole = LoadFile::of(from.clone());
            (&whole, at.to_owned())
        }
        LoadPart::File(file) => (&**file, format!("{at}/from")),
        LoadPart::Left(_) => return None,
    };
    let before = c.faults.len();
    let json = serde_json::Value::from(file.from.as_str()).to_string();
    let from = shape(c, &place, &json, names, Allowed::default());
    let is_stream = file.from == "-";
    if TableAddress::is_one(&file.from) || file.sql.is_some() || file.password.is_some() {
        database(c, at, &place, file);
        let options = LoadOptions::default();
        let options = LoadOptions { schema: file.schema.as_ref().map(|schema| schema.0.clone()), ..options };
        if let Err(error) = options.reader() {
            c.fault(&format!("{at}/schema"), error.message.clone(), error.advice.clone());
        }
        let plan = LoadPlan { from, format: None, options, sql: file.sql.clone() };
        return (c.faults.len() == before).then_some(plan);
    }
    if is_stream && file.format.is_none() {
        c.fault(&place, "standard input has no name that shows the format", Some("add `format: ndjson`".into()));
    }
    let mut delimiter = None;
    if let Some(text) = &file.delimiter {
        let mut chars = text.chars();
        delimiter = chars.next();
        if delimiter.is_none() || chars.next().is_some() {
            c.fault(&format!("{at}/delimiter"), "a delimiter is one character", None);
        }
    }
    let options = LoadOptions {
        pointer: file.pointer.clone(),
        no_header: !file.header,
        columns: file.columns.clone(),
        delimiter,
        empty: file.empty.unwrap_or_default(),
        types: file.types.iter().map(|(name, kind)| (name.clone(), *kind)).collect::<BTreeMap<_, _>>(),
        encoding: file.encoding.unwrap_or_default(),
        sheet: file.sheet.clone(),
        schema: file.schema.as_ref().map(|schema| schema.0.clone()),
    };
    let literal = matches!(&from, Shape::Fixed(_)).then(|| RowFormat::of_name(file.from.as_ref())).flatten();
    let format = file.format.or(literal);
    match (options.reader(), format) {
        (Err(error), _) => c.fault(&format!("{at}/schema"), error.message.clone(), error.advice.clone()),
        (Ok((reader, _)), Some(format)) => {
            if let Err(error) = reader.check(format) {
                c.fault(at, error.message.clone(), error.advice.clone());
            } else if let Err(error) = check_build(&file.from, format) {
                let place = if file.format.is_some() { format!("{at}/format") } else { place };
                c.fault(&place, error.message.clone(), error.advice.clone());
            }
        }
        (Ok(_), None) if matches!(&from, Shape::Fixed(_)) && !is_stream && !file.from.contains('*') => {
            if let Err(error) = RowFormat::of_file(file.from.as_ref()) {
                c.fault(&place, error.message.clone(), error.advice.clone());
            }
        }
        (Ok(_), None) => {}
    }
    (c.faults.len() == before).then_some(LoadPlan { from, format: file.format, options, sql: None })
}

/// Checks a database whose rows are loaded.
fn database(c: &mut Checker<'_>, at: &str, place: &str, file: &LoadFile) {
    if !TableAddress::is_one(&file.from) {
        // Its value is known when the run begins.
        let key = if file.sql.is_some() { "sql" } else { "password" };
        if !file.from.starts_with("${{") {
            c.fault(&format!("{at}/{key}"), format!("`{key}` is for databases"), Some("load from: sqlite:FILE".into()));
        }
    } else if !file.from.contains("${{") {
        match TableAddress::parse(&file.from, Path::new("")) {
            Err(error) => c.fault(place, error.message.clone(), error.advice.clone()),
            Ok(address) => {
                if let Err(error) = crate::table::check_build(&address.database) {
                    c.fault(place, error.message.clone(), error.advice.clone());
                }
                match (&address.table, &file.sql) {
                    (None, None) => {
                        let advice = format!("write {}#TABLE, or a statement in `sql`", address.database);
                        c.fault(place, "the address names no table", Some(advice.into()));
                    }
                    (Some(_), Some(_)) => c.fault(place, "give either a table or `sql`, not both", None),
                    _ => {}
                }
            }
        }
    }
    if file.sql.as_ref().is_some_and(|sql| sql.contains("${{")) {
        let advice = "read more rows, and choose them by `where` of the step";
        c.fault(&format!("{at}/sql"), "a statement cannot contain expressions", Some(advice.into()));
    }
    let of_files = [
        ("format", file.format.is_some()),
        ("columns", !file.columns.is_empty()),
        ("header", !file.header),
        ("delimiter", file.delimiter.is_some()),
        ("empty", file.empty.is_some()),
        ("types", !file.types.is_empty()),
        ("encoding", file.encoding.is_some()),
        ("sheet", file.sheet.is_some()),
        ("pointer", file.pointer.is_some()),
    ];
    for (key, _) in of_files.into_iter().filter(|(_, is_given)| *is_given) {
        c.fault(&format!("{at}/{key}"), format!("`{key}` is for files, not for databases"), None);
    }
}

/// What a `transform` does, and the fields of its rows; `None` if it has a fault.
pub(super) fn transform(
    c: &mut Checker<'_>,
    at: &str,
    (file, is_part): (&TransformFile, bool),
    names: &mut StepNames<'_, '_>,
) -> Option<(TransformPlan, Fields)> {
    let before = c.faults.len();
    let from = source(c, &format!("{at}/from"), &file.from, names, Allowed::default());
    let mut fields = names.sources.of_source(from.as_ref());
    let mut actions = Vec::new();
    for (index, file) in file.actions.iter().enumerate() {
        let at = format!("{at}/do/{index}");
        names.sources.item = fields.clone();
        match action(c, &at, file, names) {
            Some(Action::Map(map)) => {
                fields = names.sources.of_shape(&map);
                actions.push(Action::Map(map));
            }
            Some(Action::Filter(keep)) => actions.push(Action::Filter(keep)),
            Some(Action::Work(plan @ (WorkPlan::Sort(_) | WorkPlan::Dedupe(_)))) => actions.push(Action::Work(plan)),
            Some(other) => {
                fields = Fields::Any;
                actions.push(other);
            }
            None => {}
        }
    }
    names.sources.item = Fields::Any;
    // The items of an upsert are only filtered and mapped.
    if file.actions.is_empty() && !is_part {
        c.fault(
            &format!("{at}/do"),
            "a transform does nothing",
            Some("list what it does, or leave out the step".into()),
        );
    }
    let from = from?;
    (c.faults.len() == before).then_some((TransformPlan { from, actions, looked_up: None }, fields))
}

fn action(c: &mut Checker<'_>, at: &str, file: &ActionFile, names: &mut StepNames<'_, '_>) -> Option<Action> {
    let of_row = Allowed { item: true, ..Allowed::default() };
    let given = [
        file.filter.is_some(),
        file.map.is_some(),
        file.flatten.is_some(),
        file.join.is_some(),
        file.aggregate.is_some(),
        file.sort.is_some(),
        file.dedupe.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        let advice = "write each as an entry of its own: - filter: …";
        c.fault(at, "expected one of filter, map, flatten, join, aggregate, sort and dedupe", Some(advice.into()));
        return None;
    }
    if let Some(keep) = &file.filter {
        return expression(c, &format!("{at}/filter"), keep, names, of_row).map(Action::Filter);
    }
    if let Some(map) = &file.map {
        return Some(Action::Map(shape(c, &format!("{at}/map"), &map.0, names, of_row)));
    }
    if let Some(join) = &file.join {
        let with = source(c, &format!("{at}/join/with"), &join.with, names, Allowed::default())?;
        return checked(c, &format!("{at}/join"), joined(join)).map(|plan| Action::Join(plan, with));
    }
    let (key, plan) = match (&file.flatten, &file.aggregate, &file.sort, &file.dedupe) {
        (Some(flatten), ..) => ("flatten", flattened(flatten)),
        (_, Some(aggregate), ..) => ("aggregate", aggregated(c, &format!("{at}/aggregate"), aggregate)?),
        (_, _, Some(sort), _) => ("sort", sorted(sort)),
        (_, _, _, Some(dedupe)) => ("dedupe", deduped(dedupe)),
        (None, None, None, None) => return None,
    };
    if let WorkPlan::Flatten(plan) = &plan {
        check_kept(c, &format!("{at}/{key}/keep"), plan, &names.sources.item);
    }
    checked(c, &format!("{at}/{key}"), plan).map(Action::Work)
}

/// A field that is kept of the row must not be one of the element, as far as the fields of the rows are known.
fn check_kept(c: &mut Checker<'_>, at: &str, plan: &FlattenPlan, row: &Fields) {
    let (None, ParentFields::Only(names)) = (&plan.field, &plan.parent) else { return };
    let Fields::List(element) = row.part(plan.path.names()) else { return };
    let Fields::Object { known, .. } = *element else { return };
    if let Some((index, both)) = names.iter().enumerate().find(|(_, name)| known.contains_key(*name)) {
        c.fault(
            &format!("{at}/{index}"),
            format!("the elements of the list have a field `{both}` too"),
            Some(BOTH.into()),
        );
    }
}

fn checked(c: &mut Checker<'_>, at: &str, plan: WorkPlan) -> Option<WorkPlan> {
    if let Err(error) = plan.check() {
        c.fault(at, error.message.clone(), error.advice.clone());
        return None;
    }
    Some(plan)
}

fn flattened(part: &FlattenPart) -> WorkPlan {
    let plan = |path: &str| FlattenPlan {
        path: FieldPath::of(path),
        field: None,
        parent: ParentFields::None,
        empty: EmptyList::default(),
    };
    WorkPlan::Flatten(match part {
        FlattenPart::Path(path) => plan(path),
        FlattenPart::File(file) => FlattenPlan {
            field: file.field.clone(),
            parent: match (&file.keep, &file.field) {
                (Some(names), _) if names.is_empty() => ParentFields::None,
                (Some(names), _) => ParentFields::Only(names.clone()),
                (None, Some(_)) => ParentFields::All,
                (None, None) => ParentFields::None,
            },
            empty: if file.keep_empty { EmptyList::Keep } else { EmptyList::Drop },
            ..plan(&file.path)
        },
    })
}

fn joined(file: &JoinFile) -> WorkPlan {
    let pair = |(left, right): (&String, &String)| JoinPair { left: FieldPath::of(left), right: FieldPath::of(right) };
    WorkPlan::Join(JoinPlan {
        on: file.on.iter().map(pair).collect(),
        kind: match file.keep {
            None | Some(JoinKeep::Matching) => JoinKind::Matching,
            Some(JoinKeep::All) => JoinKind::All,
            Some(JoinKeep::Missing) => JoinKind::Missing,
        },
        field: file.field.clone(),
        several: match file.several {
            None | Some(JoinSeveral::Error) => SeveralMatches::Error,
            Some(JoinSeveral::First) => SeveralMatches::First,
            Some(JoinSeveral::List) => SeveralMatches::List,
        },
        sides: JoinSides::Rows,
    })
}

fn aggregated(c: &mut Checker<'_>, at: &str, file: &AggregateFile) -> Option<WorkPlan> {
    let group = |path: &str| {
        let path = FieldPath::of(path);
        let name = path.names().last().cloned().unwrap_or_default();
        GroupField { path, name }
    };
    let by = file.by.iter().flat_map(NamesPart::names).map(|name| group(name)).collect();
    let mut values = Vec::new();
    for (name, part) in &file.values {
        let (word, path) = match part {
            AggregatePart::Word(word) => (*word, None),
            AggregatePart::Field(one) => match one.iter().next().filter(|_| one.len() == 1) {
                Some((word, path)) => (*word, Some(FieldPath::of(path))),
                None => {
                    let advice = "write it as { sum: field }";
                    c.fault(&format!("{at}/values/{name}"), "expected one function and its field", Some(advice.into()));
                    return None;
                }
            },
        };
        values.push(AggregateValue { name: name.clone(), function: function(word), path, limit: None });
    }
    Some(WorkPlan::Aggregate(AggregatePlan { by, values }))
}

fn function(word: AggregateWord) -> AggregateFunction {
    match word {
        AggregateWord::Count => AggregateFunction::Count,
        AggregateWord::CountDistinct => AggregateFunction::CountDistinct,
        AggregateWord::Sum => AggregateFunction::Sum,
        AggregateWord::Min => AggregateFunction::Min,
        AggregateWord::Max => AggregateFunction::Max,
        AggregateWord::Avg => AggregateFunction::Avg,
        AggregateWord::First => AggregateFunction::First,
        AggregateWord::Last => AggregateFunction::Last,
        AggregateWord::List => AggregateFunction::List,
    }
}

fn sorted(names: &NamesPart) -> WorkPlan {
    let key = |name: &str| {
        let (path, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        SortKey { path: FieldPath::of(path), descending, nulls: NullOrder::default() }
    };
    WorkPlan::Sort(SortPlan { by: names.names().iter().map(|name| key(name)).collect() })
}

fn deduped(part: &DedupePart) -> WorkPlan {
    let (by, keep) = match part {
        DedupePart::Names(names) => (names.names(), None),
        DedupePart::File(file) => (file.by.names(), file.keep),
    };
    WorkPlan::Dedupe(DedupePlan {
        by: by.iter().map(|name| FieldPath::of(name)).collect(),
        keep: match keep {
            None | Some(DedupeKeep::First) => KeptRow::First,
            Some(DedupeKeep::Last) => KeptRow::Last,
        },
        nulls: NullKeys::default(),
    })
}
