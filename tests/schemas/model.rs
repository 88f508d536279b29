//! The mappings of the definition formats with their keys, read from the JSON Schemas.

use std::collections::BTreeMap;

use opnode::formats::{Format, generate_schema};
use serde_json::{Map, Value};

/// The formats of the reference, in its order.
pub const FORMATS: [Format; 5] =
    [Format::Connector, Format::Operations, Format::Overrides, Format::Templates, Format::Sandbox];

/// Names of mappings that several keys hold, where the first of those keys would be a poor one.
const NAMES: [(&str, &str); 9] = [
    ("EndsFile", "paging.token"),
    ("ExactFile", "paging.total"),
    ("LanguageFile", "sandbox.filter_language"),
    ("OptionNameFile", "sandbox.fields"),
    ("ReplyFile", "sandbox.replies"),
    ("SenseFile", "paging.has_more"),
    ("SizeFile", "paging.size"),
    ("SortFile", "sandbox.sort"),
    ("TargetFile", "paging.send"),
];

/// Keys whose mappings are named after their other places.
const LATER: [&str; 4] = ["forward_only", "option_sets", "paging_sets", "response_sets"];

/// A value of a key that is written as it is, and its meaning.
#[derive(Clone)]
pub struct Word {
    pub text: String,
    pub meaning: String,
}

/// A key of a mapping.
#[derive(Clone)]
pub struct Key {
    pub name: String,
    pub meaning: String,
    pub is_required: bool,
    pub schema: Value,
}

impl Key {
    /// What version 2 writes, for a key of version 1.
    pub fn instead(&self) -> Option<&str> {
        self.meaning.strip_prefix("Version 1 of ")
    }
}

/// A mapping with its keys.
pub struct Mapping {
    /// What the schemas call it.
    pub id: String,
    pub format: Format,
    /// The places that hold it; the first is its name.
    pub places: Vec<String>,
    pub meaning: String,
    /// Words that may be written in the place of the mapping.
    pub words: Vec<Word>,
    /// Exactly one of the keys is written.
    pub is_choice: bool,
    pub keys: Vec<Key>,
}

/// What a schema allows.
pub enum Shape<'s> {
    Any,
    /// A type of JSON Schema.
    Plain(Vec<&'s str>),
    Words(Vec<Word>),
    List(&'s Value),
    Map(&'s Value),
    /// A mapping with keys, and what the schemas call it.
    Mapping(String),
    /// A map with this one key, whose value is a text.
    Small(&'s str),
    Union(Vec<&'s Value>),
}

/// All mappings.
pub struct Model {
    definitions: Map<String, Value>,
    pub mappings: Vec<Mapping>,
    /// Inline mappings by their keys: schemas have no names for them.
    inline: BTreeMap<String, String>,
}

impl Model {
    pub fn read() -> Model {
        let mut model = Model { definitions: Map::new(), mappings: Vec::new(), inline: BTreeMap::new() };
        let roots: Vec<(Format, Value)> =
            FORMATS.iter().map(|f| (*f, serde_json::from_str(&generate_schema(*f)).unwrap())).collect();
        for (format, root) in &roots {
            for (name, schema) in root.get("$defs").and_then(Value::as_object).into_iter().flatten() {
                model.definitions.insert(name.clone(), schema.clone());
            }
            model.definitions.insert(format.name().to_owned(), root.clone());
        }
        let definitions = model.definitions.clone();
        for is_later in [false, true] {
            for (format, _) in &roots {
                let prefix = match format {
                    Format::Sandbox => "sandbox",
                    Format::Overrides => "overrides",
                    _ => "",
                };
                let root = serde_json::json!({ "$ref": format!("#/$defs/{}", format.name()) });
                model.visit(&definitions, &root, (*format, &format!("{}.yaml", format.name()), prefix), is_later);
            }
        }
        model
    }

    /// The schema of a file.
    pub fn root(format: Format) -> Value {
        serde_json::json!({ "$ref": format!("#/$defs/{}", format.name()) })
    }

    pub fn mapping(&self, id: &str) -> &Mapping {
        self.mappings.iter().find(|m| m.id == id).unwrap_or_else(|| panic!("no mapping {id}"))
    }

    /// What a schema allows, with references followed and null left out.
    pub fn shape<'s>(&'s self, schema: &'s Value) -> Shape<'s> {
        shape(&self.definitions, &self.inline, schema)
    }

    /// Adds the mappings of a schema. `place` is the key that holds it, `prefix` what the keys within begin with.
    fn visit(
        &mut self,
        definitions: &Map<String, Value>,
        schema: &Value,
        (format, place, prefix): (Format, &str, &str),
        is_later: bool,
    ) {
        let Some((id, schema)) = resolve(definitions, schema) else { return };
        let below: Vec<&Value> = match () {
            () if schema.get("properties").is_some() || is_tagged(schema) => {
                return self.mapping_at(definitions, (id, schema), (format, place, prefix), is_later);
            }
            () if schema.get("anyOf").is_some() => list(schema, "anyOf"),
            () => [schema.get("items"), schema.get("additionalProperties")].into_iter().flatten().collect(),
        };
        for schema in below {
            if small(schema).is_none() {
                self.visit(definitions, schema, (format, place, prefix), is_later);
            }
        }
    }

    fn mapping_at(
        &mut self,
        definitions: &Map<String, Value>,
        (id, schema): (Option<&str>, &Value),
        (format, place, prefix): (Format, &str, &str),
        is_later: bool,
    ) {
        let id = id.map_or_else(|| self.inline_id(schema, place), str::to_owned);
        if let Some(known) = self.mappings.iter_mut().find(|m| m.id == id) {
            let is_new = !known.places.iter().any(|p| p == place);
            known.places.extend(is_new.then(|| place.to_owned()));
            // The second pass goes through each mapping once more, at its first place.
            if is_new || !is_later || known.places.first().is_some_and(|p| p != place) {
                return;
            }
        } else {
            let mut mapping = mapping(schema, id.clone(), format);
            let name = NAMES.iter().find(|(own, _)| *own == id).map(|(_, name)| (*name).to_owned());
            mapping.places = name.into_iter().chain([place.to_owned()]).collect();
            mapping.places.dedup();
            self.mappings.push(mapping);
        }
        let keys = self.mapping(&id).keys.clone();
        for key in keys.iter().filter(|key| key.instead().is_none()) {
            if is_later || !LATER.contains(&key.name.as_str()) {
                let place = if prefix.is_empty() { key.name.clone() } else { format!("{prefix}.{}", key.name) };
                let prefix = if place == "operations" { "" } else { &place };
                self.visit(definitions, &key.schema, (format, &place, prefix), is_later);
                // An inline mapping has no description of its own.
                let inline = self.mappings.iter_mut().find(|m| m.id == place && m.meaning.is_empty());
                inline.into_iter().for_each(|mapping| mapping.meaning.clone_from(&key.meaning));
            }
        }
    }

    fn inline_id(&mut self, schema: &Value, place: &str) -> String {
        self.inline.entry(schema.to_string()).or_insert_with(|| place.to_owned()).clone()
    }
}

fn list<'s>(schema: &'s Value, key: &str) -> Vec<&'s Value> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten().filter(|s| !is_null(s)).collect()
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The name of a definition and its schema; `None` for any value.
fn resolve<'s>(definitions: &'s Map<String, Value>, schema: &'s Value) -> Option<(Option<&'s str>, &'s Value)> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
        let (inner, schema) = resolve(definitions, definitions.get(name)?)?;
        return Some((inner.or(Some(name)), schema));
    }
    let alternatives = list(schema, "anyOf");
    match alternatives.as_slice() {
        [one] => resolve(definitions, one),
        _ => schema.as_object().filter(|map| !map.is_empty()).map(|_| (None, schema)),
    }
}

/// Whether a schema is a choice of maps with one key each.
fn is_tagged(schema: &Value) -> bool {
    list(schema, "oneOf").iter().any(|s| s.get("properties").is_some())
}

/// The key of a map with one key, whose value is a text.
fn small(schema: &Value) -> Option<&str> {
    let map = schema.get("properties")?.as_object().filter(|map| map.len() == 1)?;
    let (name, value) = map.iter().next()?;
    (value.get("type").and_then(Value::as_str) == Some("string")).then_some(name.as_str())
}

pub fn text(schema: &Value, key: &str) -> String {
    let text = schema.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a schema: constants with their meanings. Those of an `enum` have none.
fn words(schema: &Value) -> Vec<Word> {
    let mut found = Vec::new();
    for one in list(schema, "oneOf").into_iter().chain([schema]) {
        let values =
            one.get("const").into_iter().chain(one.get("enum").and_then(Value::as_array).into_iter().flatten());
        for value in values.filter_map(Value::as_str) {
            let meaning = if one.get("const").is_some() { text(one, "description") } else { String::new() };
            found.push(Word { text: value.to_owned(), meaning });
        }
    }
    found
}

fn mapping(schema: &Value, id: String, format: Format) -> Mapping {
    let is_choice = schema.get("properties").is_none();
    let mut keys = Vec::new();
    let sources = if is_choice { list(schema, "oneOf") } else { vec![schema] };
    for source in sources {
        let required: Vec<&str> =
            source.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, value) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let own = if is_choice { source } else { value };
            keys.push(Key {
                name: name.clone(),
                meaning: text(own, "description"),
                is_required: !is_choice && required.contains(&name.as_str()),
                schema: value.clone(),
            });
        }
    }
    keys.sort_by_key(|key| !key.is_required);
    let meaning = text(schema, "description");
    Mapping { id, format, places: Vec::new(), meaning, words: words(schema), is_choice, keys }
}

fn shape<'s>(definitions: &'s Map<String, Value>, inline: &BTreeMap<String, String>, schema: &'s Value) -> Shape<'s> {
    if let Some(key) = small(schema) {
        return Shape::Small(key);
    }
    let Some((id, schema)) = resolve(definitions, schema) else { return Shape::Any };
    if schema.get("properties").is_some() || is_tagged(schema) {
        let id = id.map(str::to_owned).or_else(|| inline.get(&schema.to_string()).cloned());
        return Shape::Mapping(id.unwrap_or_else(|| panic!("no name for {schema}")));
    }
    let constants = words(schema);
    if !constants.is_empty() {
        return Shape::Words(constants);
    }
    if schema.get("anyOf").is_some() {
        return Shape::Union(list(schema, "anyOf"));
    }
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
        _ => return Shape::Any,
    };
    match types.as_slice() {
        ["array"] => schema.get("items").map_or(Shape::Any, Shape::List),
        ["object"] => schema.get("additionalProperties").map_or(Shape::Any, Shape::Map),
        _ => Shape::Plain(types),
    }
}
