//! The fields of an operation's record and items, and unknown names in options and items.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::fields::{Fields, Unknown};
#[cfg(any(feature = "batch", feature = "cli"))]
use super::naming::Naming;
use super::operation::Operation;
use super::option_rule::OptionRule;
#[cfg(any(feature = "batch", feature = "cli"))]
use super::paging::Paging;
use super::request_rule::BodyFormat;
use super::rules::Send;
use crate::authoring::Json;
use crate::error::{Advice, Error, ErrorKind, Fault, Place};
use crate::json_pointer::escape;
use crate::options::Options;

/// Maximum number of faults reported for one call.
const FAULTS_MAX: usize = 20;

impl Operation {
    /// The fields of the returned record.
    pub(crate) fn record_fields(&self) -> &Fields {
        self.record_fields.get_or_init(|| {
            self.record().map_or(Fields::Any, |r| Fields::of(&r.schema.to_value(), Some(&r.sample.to_value())))
        })
    }

    /// The same for a call with these options: a projection returns only its fields.
    #[cfg(any(feature = "batch", feature = "cli"))]
    pub(crate) fn returned_fields(&self, options: &Options) -> Fields {
        let projection =
            self.options.iter().find(|o| o.naming == Some(Naming::Columns)).and_then(|o| options.values().get(&o.name));
        let chosen: Vec<Vec<String>> = projection.map(|value| Naming::Columns.names(value)).unwrap_or_default();
        match self.record_fields() {
            Fields::Object { known, is_whole } if !chosen.is_empty() => {
                let is_chosen = |name: &String| chosen.iter().any(|path| path.first() == Some(name));
                let kept = known.iter().filter(|(name, _)| is_chosen(name));
                let known = Arc::new(kept.map(|(name, fields)| (name.clone(), fields.clone())).collect());
                Fields::Object { known, is_whole: *is_whole }
            }
            all => all.clone(),
        }
    }

    /// The fields of an item, including those that fill options; `Any` if nothing is known of them, or only options are
    /// sent.
    pub(crate) fn item_fields(&self) -> &Fields {
        self.item_fields.get_or_init(|| {
            let Some(rule) =
                self.items.as_ref().filter(|_| !matches!(self.body, BodyFormat::Multipart | BodyFormat::Raw))
            else {
                return Fields::Any;
            };
            if let Some(text) = self.body.text() {
                let names = text.names().map(|name| (name.to_owned(), Fields::Any)).collect();
                return self.with_filled(Fields::Object { known: Arc::new(names), is_whole: true });
            }
            let sample = rule.sample.as_ref().map(Json::to_value);
            let own = Fields::of(&rule.schema, sample.as_ref().filter(|s| s.is_object()));
            self.with_filled(own)
        })
    }

    /// The fields of an item with those that fill options.
    fn with_filled(&self, own: Fields) -> Fields {
        let Fields::Object { mut known, is_whole } = own else { return Fields::Any };
        for option in self.options.iter().filter(|o| self.item_may_fill(o)) {
            Arc::make_mut(&mut known).entry(option.name.clone()).or_insert(Fields::Plain);
        }
        Fields::Object { known, is_whole }
    }

    /// Whether a field of an item fills an option, so that it is not in the body.
    pub(crate) fn fills_option(&self, name: &str) -> bool {
        self.option(name).is_some_and(|option| self.item_may_fill(option))
    }

    /// The options that are conditions.
    #[cfg(feature = "batch")]
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &str> {
        let is_condition = |naming| matches!(naming, Naming::Conditions | Naming::OtherConditions);
        self.options.iter().filter(move |o| o.naming.is_some_and(is_condition)).map(|o| o.name.as_str())
    }

    /// Fields that options name and the record does not have.
    pub(crate) fn unknown_names(&self, options: &Options) -> Vec<Fault> {
        let naming = |option: &&OptionRule| option.naming.is_some() && options.contains(&option.name);
        let named: Vec<&OptionRule> = self.options.iter().filter(naming).collect();
        if named.is_empty() {
            return Vec::new();
        }
        let fields = self.record_fields();
        let mut faults = Vec::new();
        for option in named {
            let names = options
                .values()
                .get(&option.name)
                .zip(option.naming)
                .map(|(value, naming)| naming.names(value))
                .unwrap_or_default();
            for unknown in names.iter().filter_map(|path| fields.unknown(path, "/")) {
                let message = format!(
                    "`{}` names the field `{}`, which the record does not have{}",
                    option.name,
                    unknown.path,
                    unknown.hint()
                );
                faults.push(Fault { place: Place::field(format!("/{}", escape(&option.name))), message, advice: None });
            }
        }
        faults
    }

    /// The option that limits the reply to the fields of these columns, and its value; `None` if there is no such
    /// option, or a column is not known. Includes the record's key, which identifies rows.
    #[cfg(any(feature = "batch", feature = "cli"))]
    pub(crate) fn chosen(&self, fields: &Fields, columns: &[String], forward_only: bool) -> Option<(String, String)> {
        let option = self.options.iter().find(|o| o.naming == Some(Naming::Columns))?;
        let Fields::Object { known, .. } = fields else { return None };
        let mut names = vec!["id".to_owned()];
        if forward_only {
            names.extend(self.forward_only.iter().filter_map(Paging::key).cloned());
        }
        names.extend(Paging::key(&self.paging).cloned());
        names.extend(columns.iter().filter_map(|column| crate::json_pointer::path_of(column).into_iter().next()));
        if columns.is_empty() || names.iter().any(|name| !known.contains_key(name)) {
            return None;
        }
        let mut once = std::collections::BTreeSet::new();
        names.retain(|name| once.insert(name.clone()));
        let is_list = option.schema.to_value().get("type").is_some_and(|kind| kind == "array");
        let json = if is_list { Value::from(names) } else { Value::from(names.join(",")) };
        Some((option.name.clone(), json.to_string()))
    }

    /// Unknown fields, as one error.
    pub(crate) fn refuse_fields(&self, kind: ErrorKind, faults: Vec<Fault>) -> Error {
        self.refuse(kind, &format!("{} has unknown fields", self.id), faults)
            .advise(Advice::DescribeOperation(self.id.clone()))
    }
}

/// Fields of items that the operation does not have, each reported once, with the number of items.
pub(crate) struct Strangers<'o> {
    operation: &'o Operation,
    fields: &'o Fields,
    told: BTreeMap<String, (usize, Unknown, u64)>,
}

impl<'o> Strangers<'o> {
    pub(crate) fn of(operation: &'o Operation) -> Strangers<'o> {
        Strangers { operation, fields: operation.item_fields(), told: BTreeMap::new() }
    }

    /// Checks an item.
    pub(crate) fn look(&mut self, index: usize, item: &Value) {
        let is_patch = self.operation.items.as_ref().is_some_and(|rule| matches!(rule.send, Send::JsonPatch(_)));
        // A JSON Patch operation names its field differently.
        let is_ready = is_patch && item.get("op").is_some() && item.get("path").is_some();
        if is_ready || matches!(self.fields, Fields::Any) {
            return;
        }
        let mut found = Vec::new();
        self.fields.unknown_in(item, "", &mut found);
        for (pointer, unknown) in found {
            self.told.entry(pointer).and_modify(|(_, _, count)| *count += 1).or_insert((index, unknown, 1));
        }
    }

    pub(crate) fn faults(self) -> Vec<Fault> {
        let fault = |(pointer, (index, unknown, count)): (String, (usize, Unknown, u64))| {
            let more = if count > 1 { format!(" ({count} items)") } else { String::new() };
            let message =
                format!("item {index}: {} has no field `{}`{}{more}", self.operation.id, unknown.path, unknown.hint());
            Fault { place: Place::field(format!("/{index}{pointer}")), message, advice: None }
        };
        self.told.into_iter().take(FAULTS_MAX).map(fault).collect()
    }
}
