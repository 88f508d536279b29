//! From a description to the texts of definition files; only what the check of definitions accepts is kept. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::api::{Api, ApiOperation};
use super::asked::{ask_if_none_is_paged, idle_answers, is_wanted, questions};
use super::connector::{connector, head};
use super::names::{id_of, long_id, plain_name, short_hash};
use super::operation::{Common, OperationDraft, draft, list_parts, raw_id};
use super::refs::Files;
use super::report::{ImportQuestion, LeftOut};
use super::schemas::Schemas;
use super::sets::{divide, share_options, share_paging};
use super::settings::ImportSettings;
use super::sign_in::sign_in;
use super::tried::TriedGroups;
use super::value::{Doc, Fields};
use super::write;
use crate::authoring::Format;
use crate::definition::Catalog;
use crate::error::Fault;

/// What an import gives.
pub(crate) struct Imported {
    /// Files by name, such as `users.yaml`.
    pub(crate) files: BTreeMap<String, String>,
    /// What was imported, such as `OpenAPI 3.1.0`.
    pub(crate) format: String,
    pub(crate) title: String,
    /// Operations of the document.
    pub(crate) described: usize,
    pub(crate) operations: Vec<OperationDraft>,
    /// Verb and path of each operation of the document.
    pub(crate) lines: HashSet<String>,
    /// Operations of the user's own files.
    pub(crate) own: usize,
    /// Operations that were not asked for.
    pub(crate) others: usize,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) questions: Vec<ImportQuestion>,
    pub(crate) notes: Vec<String>,
    pub(crate) records: usize,
    pub(crate) webhooks: usize,
}

/// Imports a description. `Err` says why nothing of it can be used.
#[expect(clippy::too_many_lines, reason = "one step of the import after the other")]
pub(crate) fn import(files: &Files, settings: &ImportSettings) -> Result<Imported, String> {
    let api = Api::read(files)?;
    let mut notes: Vec<String> = settings.seen.iter().flat_map(|seen| seen.notes.iter().cloned()).collect();
    let mut left_out = api.left_out.clone();
    left_out.extend(settings.seen.iter().flat_map(|seen| seen.left_out.iter().cloned()));
    let described = api.operations.len() + left_out.len();
    if !["2.", "3.0", "3.1", "3.2"].iter().any(|known| api.version.starts_with(known)) {
        notes.push(format!("OpenAPI {} is not known: it was read as 3.2", api.version));
    }
    let sign_in = sign_in(&api, settings.sign_in.as_deref())?;
    let sign_in_question = sign_in.question.clone();
    let found = connector(&api, settings, sign_in);
    if settings.own.connector.is_none() {
        notes.extend(found.notes.iter().cloned());
    }
    notes.extend(missing(&files.missing));
    let mut schemas = Schemas::new(files, !settings.without_texts, settings.own.records.clone());
    let common = Common {
        settings,
        headers: found.consumed.clone(),
        accept: found.accept.clone(),
        credentials: found.sign_in.credentials.clone(),
        signs_in: found.sign_in.auth != Doc::from("none"),
        tried: TriedGroups::read(&settings.tried, &|line| {
            let operation = api.operations.iter().find(|operation| operation.line() == line)?;
            Some(list_parts(&api, operation, "").group.key)
        }),
    };
    let wanted: Vec<&ApiOperation<'_>> =
        api.operations.iter().filter(|operation| is_wanted(operation, settings)).collect();
    let others = api.operations.len() - wanted.len();
    let raw_ids: HashSet<String> = api.operations.iter().filter_map(raw_id).collect();
    let is_own = |operation: &&ApiOperation<'_>| {
        settings.own.has(&operation.verb, operation.path, raw_id(operation).as_deref(), &raw_ids)
    };
    let (own, fresh): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_own);
    let own = own.len();
    let ids = ids(&fresh, settings);
    let mut drafts = Vec::new();
    for (operation, id) in fresh.into_iter().zip(ids) {
        match draft(&api, operation, (&id.0, id.1), &mut schemas, &common) {
            Ok(drafted) => drafts.push(drafted),
            Err(why) => left_out.push(LeftOut::new(&operation.line(), why)),
        }
    }
    schemas.finish();
    if api.tells_of_pages {
        ask_if_none_is_paged(&mut drafts);
    }
    let paging = share_paging(&mut drafts, settings);
    let unshared = drafts.clone();
    let sets = share_options(&mut drafts, settings.sets(), settings.own.connector.is_some());
    divide(&mut drafts);
    let unshared = if sets.is_empty() { Vec::new() } else { unshared };
    let mut head = head(&api, settings, &found, u64::from(Format::Connector.version()));
    if let Some((style, why)) = paging {
        head.push(("paging", style, why));
    }
    let origins: BTreeSet<String> = drafts.iter().filter_map(OperationDraft::origin).collect();
    if !origins.is_empty() {
        let at = head.iter().position(|(key, ..)| *key == "auth").unwrap_or(head.len());
        head.insert(at, ("origins", Doc::texts(origins.iter().map(String::as_str)), None));
    }
    if !sets.is_empty() {
        head.push(("option_sets", Doc::Map(sets), None));
    }
    let records = std::mem::take(&mut schemas.records).into_iter().collect();
    let mut parts = ImportParts { head, drafts, unshared, records, settings };
    let dropped = parts.keep_sound(&mut notes)?;
    notes.extend(idle_answers(&api, settings, &parts.drafts));
    let mut told = HashSet::new();
    notes.retain(|note| told.insert(note.clone()));
    left_out.extend(dropped);
    if parts.drafts.is_empty() && own == 0 && others > 0 && left_out.is_empty() {
        return Err(format!("none of its {described} operations fits --only {}", settings.only.join(", ")));
    }
    if parts.drafts.is_empty() && own == 0 {
        let first = left_out.first().map(|one| format!("; the first: {}: {}", one.what, one.why)).unwrap_or_default();
        return Err(format!("none of its {described} operations can be imported{first}"));
    }
    let mut questions = questions(&parts.drafts);
    if let Some(text) = sign_in_question.filter(|_| settings.own.connector.is_none()) {
        let choice = if api.schemes.is_empty() { "" } else { ", or choose a scheme with --sign-in NAME" };
        let answer = format!("write `auth` and its properties in overrides.yaml{choice}");
        questions.insert(0, ImportQuestion { key: "sign-in".to_owned(), text, answer, operations: Vec::new() });
    }
    left_out.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(Imported {
        files: parts.files(),
        format: settings
            .seen
            .as_ref()
            .map_or_else(|| format!("OpenAPI {}", api.version), |seen| seen.format.to_owned()),
        title: api.title.clone(),
        described,
        lines: api.operations.iter().map(ApiOperation::line).collect(),
        records: parts.records.len(),
        operations: parts.drafts,
        own,
        others,
        left_out,
        questions,
        notes,
        webhooks: api.webhooks,
    })
}

/// How many files that could not be read are named.
const MISSING_SHOWN: usize = 5;

/// Files to which the document refers, and that could not be used.
fn missing(files: &[(String, String)]) -> Vec<String> {
    let shown = files.iter().take(MISSING_SHOWN).map(|(file, why)| format!("{file}: {why}"));
    let rest = files.len().saturating_sub(MISSING_SHOWN);
    shown.chain((rest > 0).then(|| format!("{rest} more files to which the document refers cannot be read"))).collect()
}

/// The OperationId of each operation, and the document's own if it cannot be kept. Names that come twice are made from
/// verb and path.
fn ids(operations: &[&ApiOperation<'_>], settings: &ImportSettings) -> Vec<(String, Option<String>)> {
    let own: HashSet<&str> = settings.own.operations.values().map(|own| own.id.as_str()).collect();
    let raws: Vec<Option<String>> = operations.iter().map(|operation| raw_id(operation)).collect();
    let mut raw_counts: HashMap<&str, usize> = HashMap::new();
    raws.iter().flatten().for_each(|raw| *raw_counts.entry(raw.as_str()).or_default() += 1);
    let first = |(operation, raw): (&&ApiOperation<'_>, &Option<String>)| {
        let kept = raw.as_deref().filter(|raw| raw_counts.get(raw) == Some(&1)).and_then(plain_name);
        kept.unwrap_or_else(|| id_of(&operation.verb, operation.path))
    };
    let mut names: Vec<String> = operations.iter().zip(&raws).map(first).collect();
    let makers: [&dyn Fn(&ApiOperation<'_>) -> String; 3] = [
        &|operation| id_of(&operation.verb, operation.path),
        &|operation| long_id(&operation.verb, operation.path),
        &|operation| format!("{}-{}", long_id(&operation.verb, operation.path), short_hash(&operation.line())),
    ];
    for make in makers {
        let mut counts: HashMap<String, usize> = HashMap::new();
        names.iter().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        for (name, operation) in names.iter_mut().zip(operations) {
            if counts.get(name.as_str()).is_some_and(|count| *count > 1) || own.contains(name.as_str()) {
                *name = make(operation);
            }
        }
    }
    let vendor = |(name, raw): (String, Option<String>)| {
        let vendor = raw.filter(|raw| {
            *raw != name && raw_counts_one(&raws, raw) && !raw.is_empty() && !raw.chars().any(char::is_control)
        });
        (name, vendor)
    };
    names.into_iter().zip(raws.clone()).map(vendor).collect()
}

fn raw_counts_one(raws: &[Option<String>], raw: &str) -> bool {
    raws.iter().flatten().filter(|other| *other == raw).take(2).count() == 1
}

/// What becomes files.
struct ImportParts<'s> {
    head: Vec<(&'static str, Doc, Option<String>)>,
    drafts: Vec<OperationDraft>,
    /// The same without option sets, if there are some.
    unshared: Vec<OperationDraft>,
    records: BTreeMap<String, Doc>,
    settings: &'s ImportSettings,
}

/// What is in one file.
#[derive(Default)]
struct AreaParts<'p> {
    records: Vec<(&'p String, &'p Doc)>,
    drafts: Vec<&'p OperationDraft>,
}

/// How often what is faulty is taken out: a record may make others faulty.
const ROUNDS_MAX: usize = 6;

impl ImportParts<'_> {
    /// The texts of the files.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let note = "# Written by `opnode import`: corrections belong into overrides.yaml beside it.\n";
        if self.settings.own.connector.is_none() {
            let mut text = note.to_owned();
            for (key, value, why) in &self.head {
                if let Some(why) = why {
                    text.push_str(&format!("# likely: {}\n", write::comment(why)));
                }
                write::pair(key, value, 0, &mut text);
            }
            files.insert("connector.yaml".to_owned(), text);
        }
        let used = self.used_by();
        let mut areas: BTreeMap<&str, AreaParts<'_>> = BTreeMap::new();
        for record in &self.records {
            areas.entry(self.home(&used, record.0)).or_default().records.push(record);
        }
        for draft in &self.drafts {
            areas.entry(&draft.area).or_default().drafts.push(draft);
        }
        for (area, AreaParts { records, drafts }) in areas {
            let mut text = format!("{note}version: {}\n", Format::Operations.version());
            if !records.is_empty() {
                text.push_str("records:\n");
                records.iter().for_each(|(name, schema)| text.push_str(&write::record(name, schema)));
            }
            if !drafts.is_empty() {
                text.push_str("operations:\n");
                let entries: Vec<String> = drafts.iter().map(|draft| write::operation(draft)).collect();
                text.push_str(&entries.join("\n"));
            }
            files.insert(format!("{area}.yaml"), text);
        }
        files
    }

    /// The areas that use each record, also through others.
    fn used_by(&self) -> HashMap<&str, BTreeSet<&str>> {
        let mut direct: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, schema) in &self.records {
            let mut found = Vec::new();
            references(schema, &mut found);
            direct.insert(name.as_str(), found);
        }
        let mut used: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for draft in &self.drafts {
            let mut open: Vec<&str> = Vec::new();
            for line in &draft.lines {
                references(&line.value, &mut open);
                let named = ["record"].iter().filter_map(|key| line.value.get(key)).filter_map(Doc::text);
                open.extend(named);
            }
            while let Some(name) = open.pop() {
                if used.entry(name).or_default().insert(draft.area.as_str()) {
                    open.extend(direct.get(name).into_iter().flatten().copied());
                }
            }
        }
        used
    }

    fn home<'u>(&self, used: &HashMap<&str, BTreeSet<&'u str>>, name: &str) -> &'u str {
        let areas = used.get(name);
        match areas.map(|areas| areas.iter().copied().collect::<Vec<_>>()).as_deref() {
            Some([one]) => one,
            _ => "records",
        }
    }

    /// Takes out what the check of definitions does not accept, and says so.
    fn keep_sound(&mut self, notes: &mut Vec<String>) -> Result<Vec<LeftOut>, String> {
        let mut left_out = Vec::new();
        let mut last = None;
        let name = self.settings.connector.clone();
        for _ in 0..ROUNDS_MAX {
            self.drop_unused();
            let mut catalog = Catalog::empty();
            for (file, text) in &self.settings.own.files {
                catalog.add(&name, file.clone(), text.clone());
            }
            for (file, text) in self.files() {
                catalog.add(&name, file, text);
            }
            let faults = catalog.faults(&[&name]);
            let Some(first) = faults.first() else { return Ok(left_out) };
            last = Some(format!("{}: {}", first.place, first.message));
            self.take_out(&faults, &mut left_out, notes);
        }
        Err(format!("no valid definitions can be made of it: {}", last.unwrap_or_default()))
    }

    fn take_out(&mut self, faults: &[Fault], left_out: &mut Vec<LeftOut>, notes: &mut Vec<String>) {
        let mut gone: BTreeMap<String, String> = BTreeMap::new();
        // Operations are faulty because of their set.
        let of_set =
            |fault: &&Fault| fault.place.field.as_deref().is_some_and(|field| field.starts_with("/option_sets"));
        if let Some(fault) = faults.iter().find(of_set) {
            self.repair_head("/option_sets", &fault.message, notes);
            return;
        }
        for fault in faults {
            let field = fault.place.field.as_deref().unwrap_or_default();
            let mut tokens = field.split('/').skip(1).map(crate::json_pointer::unescape);
            let (section, name) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
            match section.as_str() {
                "operations" => {
                    let rest: Vec<String> = tokens.collect();
                    if !self.drop_style(&name, &rest, &fault.message) {
                        gone.entry(name).or_insert_with(|| fault.message.clone());
                    }
                }
                "records" => {
                    if let Some(schema) = self.records.get_mut(&name) {
                        simplify(schema);
                        notes.push(format!("the record {name} was simplified: {}", fault.message));
                    }
                }
                _ => self.repair_head(field, &fault.message, notes),
            }
        }
        self.drafts.retain(|draft| match gone.get(&draft.id) {
            Some(why) => {
                left_out.push(LeftOut::new(&draft.line, why.clone()));
                false
            }
            None => true,
        });
    }

    /// Takes the style of an option out, if that is what is not accepted.
    fn drop_style(&mut self, id: &str, at: &[String], why: &str) -> bool {
        let [first, option, last] = at else { return false };
        let draft = self.drafts.iter_mut().find(|draft| draft.id == id);
        let Some(draft) = draft.filter(|_| first == "options" && last == "style") else { return false };
        let Some(Doc::Map(mut options)) = draft.value("options").cloned() else { return false };
        let gone = options.get_mut(option).and_then(Doc::map_mut).and_then(|rules| rules.shift_remove("style"));
        if gone.is_none() {
            return false;
        }
        draft.put("options", Doc::Map(options), None);
        draft.notes.push(format!("the option `{option}` is sent as it is: {why}"));
        true
    }

    /// Takes a key out of connector.yaml that is not accepted; what it needs is kept in its simplest form.
    fn repair_head(&mut self, field: &str, message: &str, notes: &mut Vec<String>) {
        let key = field.split('/').nth(1).unwrap_or_default();
        notes.push(format!("connector.yaml: {message}"));
        match key {
            "auth" => self
                .head
                .iter_mut()
                .filter(|(name, ..)| *name == "auth")
                .for_each(|(_, value, _)| *value = Doc::from("none")),
            "base_url" | "connection" => {}
            "option_sets" => {
                // Each operation has its options again, and only those that are faulty are taken out.
                let mut unshared = std::mem::take(&mut self.unshared);
                divide(&mut unshared);
                unshared.retain(|draft| self.drafts.iter().any(|kept| kept.id == draft.id));
                if !unshared.is_empty() {
                    self.drafts = unshared;
                }
                self.head.retain(|(name, ..)| *name != key);
            }
            key => self.head.retain(|(name, ..)| *name != key),
        }
    }

    /// Records that no operation needs any more.
    fn drop_unused(&mut self) {
        let used: HashSet<String> = self.used_by().keys().map(|name| (*name).to_owned()).collect();
        self.records.retain(|name, _| used.contains(name));
    }
}

/// The records to which a schema refers.
fn references<'d>(doc: &'d Doc, found: &mut Vec<&'d str>) {
    match doc {
        Doc::Map(fields) => {
            for (key, value) in fields {
                match value {
                    Doc::Text(target) if key == "$ref" => found.extend(target.strip_prefix("#/records/")),
                    other => references(other, found),
                }
            }
        }
        Doc::List(list) => list.iter().for_each(|value| references(value, found)),
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => {}
    }
}

/// Without patterns, which are the usual fault; then without anything but its fields.
fn simplify(schema: &mut Doc) {
    if has_pattern(schema) {
        drop_patterns(schema);
        return;
    }
    let mut fields = Fields::new();
    for (name, _) in schema.get("properties").into_iter().flat_map(Doc::fields) {
        fields.insert(name.to_owned(), Doc::Map(Fields::new()));
    }
    *schema = Doc::of([("type", Doc::from("object")), ("properties", Doc::Map(fields))]);
}

fn has_pattern(doc: &Doc) -> bool {
    match doc {
        Doc::Map(fields) => {
            fields.iter().any(|(key, value)| (key == "pattern" && value.text().is_some()) || has_pattern(value))
        }
        Doc::List(list) => list.iter().any(has_pattern),
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => false,
    }
}

fn drop_patterns(doc: &mut Doc) {
    match doc {
        Doc::Map(fields) => {
            fields.retain(|key, value| key != "pattern" || value.text().is_none());
            fields.values_mut().for_each(drop_patterns);
        }
        Doc::List(list) => list.iter_mut().for_each(drop_patterns),
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => {}
    }
}
