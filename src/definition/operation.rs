//! A checked operation: its request, options, items and reply. Compiles its schemas on first use; no I/O.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::connector::Connector;
use super::fields::Fields;
use super::job_rule::JobRule;
use super::meaning::ReplyRule;
use super::method::Method;
use super::option_rule::{Location, OptionRule};
use super::paging::{Paging, Size};
use super::reply_rule::ResponseRule;
use super::request_rule::{BodyFormat, Fixed};
use super::rules::{ItemRule, Repeat, Send};
use crate::authoring::Json;
#[cfg(feature = "sandbox")]
use crate::authoring::Target;
use crate::authoring::Text;
use crate::authoring::exact::refine;
use crate::authoring::finding::Finding;
use crate::authoring::{Pointer, Schema, kind_of};
use crate::error::{Advice, Error, ErrorKind, Fault, Place, Result};
use crate::options::{Given, Options};

/// A record definition, shared by operations.
#[derive(Debug)]
pub struct Record {
    /// Its name in the definitions.
    pub name: String,
    /// Its title.
    pub title: String,
    /// JSON Schema.
    pub schema: Json,
    /// An example, as the server returns it.
    pub sample: Json,
}

/// A record that is parsed on first use: most calls do not need it.
pub(crate) type LaterRecord =
    LazyLock<Option<Arc<Record>>, Box<dyn FnOnce() -> Option<Arc<Record>> + std::marker::Send>>;

/// An operation of a connector.
pub struct Operation {
    /// OperationId.
    pub id: String,
    /// The vendor's own id.
    pub vendor_id: Option<String>,
    /// Its connector.
    pub connector: Arc<Connector>,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// Its method.
    pub method: Method,
    /// HTTP verb.
    pub verb: http::Method,
    /// Options in declared order; the page size is last.
    pub options: Vec<OptionRule>,
    /// The items, for writes that have some.
    pub items: Option<ItemRule>,
    /// The reply.
    pub response: ResponseRule,
    /// The returned record, if it is described.
    pub(crate) record: Option<Arc<LaterRecord>>,
    /// `Some` if it is deprecated, with the replacement.
    pub deprecated: Option<Option<String>>,
    pub(crate) path: Text,
    pub(crate) base_url: Option<Text>,
    pub(crate) fixed: Fixed,
    pub(crate) body: BodyFormat,
    pub(crate) rules: Vec<ReplyRule>,
    pub(crate) paging: Paging,
    pub(crate) forward_only: Option<Paging>,
    pub(crate) repeat: Repeat,
    pub(crate) idempotency_key: Option<HeaderName>,
    pub(crate) anonymous: bool,
    pub(crate) job: Option<JobRule>,
    /// Its reply is the state of a job.
    pub(crate) is_state: bool,
    pub(super) option_check: OnceLock<Result<Schema, String>>,
    pub(super) item_check: OnceLock<Result<Schema, String>>,
    pub(crate) item_fields: OnceLock<Fields>,
    pub(crate) record_fields: OnceLock<Fields>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({}/{})", self.connector.name, self.id)
    }
}

impl Operation {
    /// Verb and path as in the definition.
    #[must_use]
    pub fn request_line(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }

    /// Whether its list is paged.
    #[must_use]
    pub fn is_paged(&self) -> bool {
        self.paging.is_paged()
    }

    /// Whether it supports the connector's forward-only paging.
    #[must_use]
    pub fn can_walk_forward_only(&self) -> bool {
        self.forward_only.is_some()
    }

    /// The names of the values that its receipt has beside the items.
    pub fn kept_names(&self) -> impl Iterator<Item = &str> {
        self.response.keep.iter().map(|(name, _)| name.as_str())
    }

    /// An option by name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&OptionRule> {
        self.options.iter().find(|o| o.name == name)
    }

    /// The JSON Schema of the options object.
    #[must_use]
    pub fn options_schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.options.iter().map(|o| (o.name.clone(), o.schema.to_value())).collect();
        let required: Vec<&str> =
            self.options.iter().filter(|o| o.required && !self.item_may_fill(o)).map(|o| o.name.as_str()).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    /// Whether an option may come from the item's field with the same name.
    pub(crate) fn item_may_fill(&self, option: &OptionRule) -> bool {
        (option.location == Location::Path || option.per_item) && self.method != Method::Query
    }

    /// The effective page size: the caller's, the connection's, or the definition's default.
    pub(crate) fn page_size(&self, size: &Size, options: &Options, preferred: Option<u32>) -> u32 {
        let given = options.values().get(&size.option).and_then(whole).and_then(|n| u32::try_from(n).ok());
        let most = size.max.unwrap_or(u32::MAX);
        given.or(preferred.map(|p| p.min(most))).unwrap_or(size.default).max(1)
    }

    /// The returned record, if it is described.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()?.as_deref()
    }

    /// The options with the presets of those that the caller does not give.
    pub(crate) fn preset(&self, mut options: Options) -> Options {
        let presets = self.options.iter().filter_map(|o| Some((&o.name, o.preset.as_ref()?)));
        for (name, json) in presets {
            if options.is_object() && !options.contains(name) {
                // The text is from a definition, where it was read as JSON.
                let _read = options.insert_json(name, &json.0);
            }
        }
        options
    }

    /// The options with those of the paging, such as a stable order, that the caller does not give.
    pub(crate) fn with_paging(&self, mut options: Options) -> Options {
        for (name, text) in self.paging.with() {
            if self.option(name).is_some() && !options.contains(name) {
                options.insert(name.as_str(), text.as_str());
            }
        }
        options
    }

    /// Fields beside those of an item in the object into which it is put: constants, and options that are given.
    pub(crate) fn body_names(&self, options: &Options) -> impl Iterator<Item = String> {
        let rule = self.items.as_ref().filter(|rule| rule.send == Send::Each);
        let wrap = rule.and_then(|rule| rule.wrap.as_ref()).map(Pointer::tokens).unwrap_or_default();
        let constants = self.connector.fixed.body.iter().chain(&self.fixed.body).filter_map(|body| {
            let body = body.to_value();
            let around = wrap.iter().try_fold(&body, |value, token| value.get(token))?;
            Some(around.as_object()?.keys().cloned().collect::<Vec<_>>())
        });
        let in_body = |o: &&OptionRule| o.location == Location::Body && wrap.is_empty();
        let given = self.options.iter().filter(in_body).filter(|o| options.contains(&o.name));
        let first = given.filter_map(|o| o.body_place().tokens().first().cloned());
        let all: Vec<String> = if rule.is_some() { constants.flatten().chain(first).collect() } else { Vec::new() };
        all.into_iter()
    }

    /// Whether its body has fields or placeholders besides the items.
    #[cfg(feature = "sandbox")]
    pub(crate) fn takes_body_fields(&self) -> bool {
        let size = self.paging.size.as_ref().map(|size| &size.at);
        let pages = self.paging.targets().into_iter().chain(size).any(|target| matches!(target, Target::Body(_)));
        let options = self.options.iter().any(|o| o.location == Location::Body);
        options || pages || self.fixed.body.is_some() || self.body.text().is_some()
    }

    /// The rules for replies, in their order.
    pub(crate) fn reply_rules(&self) -> impl Iterator<Item = &ReplyRule> {
        self.rules.iter().chain(&self.connector.rules)
    }

    /// Checks options against the schema before anything is sent; reports all faults at once.
    ///
    /// # Errors
    /// `invalid_options`, with the field of each fault.
    pub fn check_options(&self, options: impl Into<Options>) -> Result<()> {
        let options = options.into();
        if !options.is_object() {
            let what = kind_of(options.as_value());
            return Err(Error::new(
                ErrorKind::InvalidOptions,
                format!("the options of {} are an object, not {what}", self.id),
            )
            .with(|d| d.operation = Some(self.id.clone())));
        }
        if options.is_empty() && !self.options.iter().any(|o| o.required) {
            return Ok(());
        }
        let schema = self.option_schema()?;
        let found = match options.as_value() {
            Value::Null => schema.check(&Value::Object(Map::new())),
            value => schema.check(value),
        };
        let mut faults: Vec<Fault> = self.exactly(&options, found).into_iter().map(|f| self.option_fault(f)).collect();
        faults.extend(self.empty_options(&options));
        if faults.is_empty() {
            return Ok(());
        }
        Err(self.refuse(ErrorKind::InvalidOptions, &format!("the options of {} do not fit", self.id), faults))
    }

    /// Required options that would not be sent: the request would be another one.
    fn empty_options(&self, options: &Options) -> Vec<Fault> {
        let sent = |o: &&OptionRule| {
            o.required && matches!(o.location, Location::Query | Location::Header | Location::Cookie | Location::Text)
        };
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.is_empty() && self.method != Method::Query,
            Value::Bool(_) | Value::Number(_) => false,
        };
        let rules = self.options.iter().filter(sent);
        let empty = rules.filter(|o| options.get(&o.name).is_some_and(|given| is_empty(given.value())));
        let fault = |o: &OptionRule| Fault {
            place: Place::field(format!("/{}", crate::json_pointer::escape(&o.name))),
            message: format!("`{}` is required, and it is empty", o.name),
            advice: None,
        };
        empty.map(fault).collect()
    }

    /// Verdicts about numbers beyond 64 bits, by their text.
    fn exactly(&self, options: &Options, mut found: Vec<Finding>) -> Vec<Finding> {
        for (name, text) in options.texts() {
            if let Some(rule) = self.option(name) {
                refine(&rule.schema.0, text, &format!("/{}", crate::json_pointer::escape(name)), &mut found);
            }
        }
        found
    }

    /// The faults of the value that an item gives an option; `given` are the others. A number may be text, as in CSV
    /// files.
    pub(crate) fn check_filled(&self, given: &mut Options, name: &str, own: Given<'_>) -> Result<Option<String>> {
        let schema = self.option_schema()?;
        let pointer = format!("/{}", crate::json_pointer::escape(name));
        let mut misfit = |own: Given<'_>| {
            given.insert_given(name, own);
            let found = self.exactly(given, schema.check(given.as_value()));
            found.into_iter().find(|f| f.pointer == pointer).map(|f| f.message)
        };
        let Some(message) = misfit(own) else { return Ok(None) };
        let number = own.value().as_str().map(str::trim).filter(|text| crate::digits::is_number(text));
        let value = number.and_then(|number| crate::json_text::value_of(number).ok());
        Ok(value.map_or(Some(message.clone()), |value| misfit(Given::new(&value, number)).map(|_| message)))
    }

    fn option_schema(&self) -> Result<&Schema> {
        let schema = self.option_check.get_or_init(|| Schema::compile(self.options_schema())).as_ref();
        schema.map_err(|e| Error::new(ErrorKind::Definition, format!("the options of {}: {e}", self.id)))
    }

    fn option_fault(&self, finding: Finding) -> Fault {
        let mut advice = Some(Advice::DescribeOperation(self.id.clone()));
        let mut field = finding.pointer.clone();
        let mut message = finding.message;
        if let Some(key) = &finding.key {
            field = format!("{field}/{}", crate::json_pointer::escape(key));
            if self.paging.reserved().contains(&key.as_str()) {
                message = format!("`{key}` cannot be set: opnode does the paging");
                advice = Some(format!("remove `{key}`; all pages are fetched").into());
            }
        }
        Fault { place: Place::field(field), message, advice }
    }

    /// Checks one item; findings carry pointers into the item.
    pub(crate) fn check_item(&self, rule: &ItemRule, item: &Value) -> Result<Vec<Finding>> {
        let schema = self.item_check.get_or_init(|| Schema::compile(rule.schema.clone())).as_ref();
        let schema =
            schema.map_err(|e| Error::new(ErrorKind::Definition, format!("the item schema of {}: {e}", self.id)))?;
        Ok(schema.check(item))
    }

    /// The same for the text of an item, exact for numbers of any length. `value` is its parsed form.
    pub(crate) fn check_item_text(&self, rule: &ItemRule, value: &Value, text: &str) -> Result<Vec<Finding>> {
        let mut found = self.check_item(rule, value)?;
        if crate::digits::is_long(text) {
            refine(&rule.schema.to_string(), text, "", &mut found);
        }
        Ok(found)
    }

    pub(crate) fn refuse(&self, kind: ErrorKind, what: &str, faults: Vec<Fault>) -> Error {
        Error::from_faults(kind, what, faults).with(|d| d.operation = Some(self.id.clone()))
    }
}

/// An integer in any notation: 100, `100.0` and `1e2` are equal.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n)).map(|n| n as u64))
}
