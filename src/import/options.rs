//! The options of an operation, from its parameters. Pure.

use super::api::{In, Parameter};
use super::envelope::kind;
use super::names::plain_name;
use super::prose::{DESCRIPTION_MAX, sentences};
use super::refs::Spot;
use super::schemas::Schemas;
use super::value::{Doc, Fields};

/// The options of an operation.
#[derive(Debug, Default)]
pub(crate) struct FoundOptions {
    pub(crate) options: Fields,
    pub(crate) required: Vec<String>,
    /// Constant headers.
    pub(crate) headers: Fields,
    pub(crate) idempotency: Option<String>,
    /// What could not be written.
    pub(crate) notes: Vec<String>,
}

/// Headers that opnode sends itself, or that a description must not set.
const HEADERS: [&str; 13] = [
    "accept",
    // The time of each request.
    "date",
    "authorization",
    "content-length",
    "host",
    "user-agent",
    "cookie",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "upgrade",
    "expect",
];

/// Names of parameters in the path of a request, and the path with names that a definition may have.
pub(crate) struct PathNames {
    pub(crate) path: String,
    /// As written in the document, and the name of the option.
    pub(crate) names: Vec<(String, String)>,
}

impl PathNames {
    /// Reads a path of a document.
    pub(crate) fn read(path: &str) -> Result<PathNames, String> {
        let path = path.split('#').next().unwrap_or_default();
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let mut out = String::new();
        let mut names = Vec::new();
        let mut rest = path;
        while let Some(at) = rest.find('{') {
            let (before, brace) = rest.split_at(at);
            let Some(end) = brace.find('}') else { return Err("a `{` of its path has no `}`".to_owned()) };
            out.push_str(before);
            let raw = brace.get(1..end).unwrap_or_default();
            // Some frameworks write a rule after the name, or a sign for several segments.
            let own = raw
                .split([':', '(', '*'])
                .next()
                .unwrap_or_default()
                .trim_start_matches(['?', '&', '/', '+'])
                .trim_end_matches('+')
                .trim();
            let Some(name) = plain_name(own) else { return Err(format!("`{{{raw}}}` in its path is no parameter")) };
            if raw.contains('(') && !own.is_empty() && raw.len() > own.len() + 1 {
                return Err(format!("`{{{raw}}}` in its path is no parameter"));
            }
            out.push_str(&format!("{{{name}}}"));
            names.push((own.to_owned(), name));
            rest = brace.get(end + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        if out.contains(' ') {
            out = out.replace(' ', "%20");
        }
        if out.split('/').any(|segment| segment == "." || segment == "..") || out.matches('}').count() != names.len() {
            return Err("its path is no path".to_owned());
        }
        Ok(PathNames { path: if out.starts_with('/') { out } else { format!("/{out}") }, names })
    }
}

impl FoundOptions {
    /// Whether a header, in lower case, is none that an operation may have as an option.
    pub(crate) fn is_reserved(header: &str) -> bool {
        HEADERS.contains(&header)
    }

    /// Reads the parameters. `is_consumed`: those of the paging, and headers of each request.
    pub(crate) fn read<'f>(
        parameters: &[Parameter<'f>],
        path: &PathNames,
        schemas: &mut Schemas<'f>,
        (is_two, is_write, has_texts): (bool, bool, bool),
        is_consumed: &dyn Fn(In, &str) -> bool,
    ) -> FoundOptions {
        let mut found = FoundOptions::default();
        for (raw, name) in &path.names {
            let declared = parameters
                .iter()
                .find(|p| p.place == In::Path && (p.name == raw || p.name.trim_end_matches('+') == raw));
            let option = match declared {
                Some(parameter) => option_of(parameter, schemas, (is_two, has_texts), &mut found.notes),
                None => {
                    found.notes.push(format!("the parameter `{raw}` of the path is not described: a text"));
                    Fields::from_iter([("type".to_owned(), Doc::from("string"))])
                }
            };
            found.options.insert(name.clone(), Doc::Map(option));
        }
        for parameter in parameters {
            let lower = parameter.name.to_ascii_lowercase();
            match parameter.place {
                In::Path => {
                    if !path
                        .names
                        .iter()
                        .any(|(raw, _)| parameter.name == raw || parameter.name.trim_end_matches('+') == raw)
                    {
                        found.notes.push(format!(
                            "the parameter `{}` is described for the path, which does not have it: left out",
                            parameter.name
                        ));
                    }
                    continue;
                }
                place if is_consumed(place, parameter.name) => continue,
                In::Header if HEADERS.contains(&lower.as_str()) => continue,
                In::Header if lower == "content-type" => {
                    match only_value(parameter) {
                        Some(value) => drop(found.headers.insert(parameter.name.to_owned(), constant(&value))),
                        None => found.notes.push("the header Content-Type has no single value: left out".to_owned()),
                    }
                    continue;
                }
                In::Header if lower.contains("idempotency") => {
                    if is_write {
                        found.idempotency = Some(parameter.name.to_owned());
                    }
                    continue;
                }
                In::Header if only_value(parameter).is_some() && parameter.is_required => {
                    found
                        .headers
                        .insert(parameter.name.to_owned(), constant(&only_value(parameter).unwrap_or_default()));
                    continue;
                }
                In::Header if http::HeaderName::from_bytes(parameter.name.as_bytes()).is_err() => {
                    found.notes.push(format!("`{}` is not the name of a header: left out", parameter.name));
                    continue;
                }
                In::Cookie if !crate::authoring::is_cookie_name(parameter.name) => {
                    found.notes.push(format!("`{}` is not the name of a cookie: left out", parameter.name));
                    continue;
                }
                In::Query | In::Header | In::Cookie => {}
            }
            found.add(parameter, schemas, (is_two, has_texts));
        }
        found.drop_doubled(schemas);
        found
    }

    /// Leaves out objects whose fields would be sent twice, because other parameters have their names.
    fn drop_doubled(&mut self, schemas: &Schemas<'_>) {
        let wires: Vec<String> =
            self.options.iter().map(|(name, rules)| rules.text_of("as").unwrap_or(name).to_owned()).collect();
        let mut taken: Vec<String> = wires;
        let mut gone = Vec::new();
        for (name, rules) in &self.options {
            if rules.get("style") != Some(&Doc::from("fields")) {
                continue;
            }
            let fields = schemas.field_names(rules);
            if fields.iter().any(|field| taken.contains(field)) {
                gone.push(name.clone());
            }
            taken.extend(fields);
        }
        for name in gone {
            self.options.shift_remove(&name);
            self.required.retain(|required| *required != name);
            self.notes.push(format!("the fields of `{name}` have the names of other parameters: left out"));
        }
    }

    fn add<'f>(&mut self, parameter: &Parameter<'f>, schemas: &mut Schemas<'f>, about: (bool, bool)) {
        let mut option = option_of(parameter, schemas, about, &mut self.notes);
        let mut wire = parameter.name;
        let mut name = plain_name(wire).unwrap_or_else(|| format!("parameter-{}", super::names::short_hash(wire)));
        // `ids[]` is the name of a list.
        if let (Some(list), In::Query) = (wire.strip_suffix("[]"), parameter.place)
            && kind(&Doc::Map(option.clone())) == "array"
        {
            option.insert("style".to_owned(), Doc::from("brackets"));
            (wire, name) = (list, plain_name(list).unwrap_or(name));
        }
        let place = match parameter.place {
            In::Path | In::Query => None,
            In::Header => Some("header"),
            In::Cookie => Some("cookie"),
        };
        if self.options.contains_key(&name) {
            name = format!("{name}-{}", place.unwrap_or("query"));
        }
        let mut full = Fields::new();
        if let Some(place) = place {
            full.insert("in".to_owned(), Doc::from(place));
        }
        if name != wire && option.get("style") != Some(&Doc::from("fields")) {
            full.insert("as".to_owned(), Doc::from(wire));
        }
        full.extend(option);
        if parameter.is_required {
            self.required.push(name.clone());
        }
        self.options.insert(name, Doc::Map(full));
    }
}

/// The only value that a parameter can have.
/// A text without placeholders.
fn constant(text: &str) -> Doc {
    Doc::Text(text.replace('{', "{{").replace('}', "}}"))
}

fn only_value(parameter: &Parameter<'_>) -> Option<String> {
    let doc = parameter.schema?.doc;
    match doc.get("enum").map(Doc::list).unwrap_or_default() {
        [one] => one.text().map(str::to_owned),
        [] => doc.get("const").and_then(Doc::text).map(str::to_owned),
        _ => None,
    }
}

/// The keywords and the style of a parameter.
fn option_of<'f>(
    parameter: &Parameter<'f>,
    schemas: &mut Schemas<'f>,
    (is_two, has_texts): (bool, bool),
    notes: &mut Vec<String>,
) -> Fields {
    let schema = parameter.schema.map_or(Doc::Null, |schema| schemas.convert(schema));
    let mut option = match schema {
        Doc::Map(fields) => fields,
        _ => Fields::new(),
    };
    for key in ["readOnly", "writeOnly", "deprecated"] {
        option.shift_remove(key);
    }
    if let Some(text) = parameter
        .spot
        .doc
        .text_of("description")
        .filter(|_| has_texts)
        .and_then(|text| sentences(text, DESCRIPTION_MAX))
    {
        option.insert("description".to_owned(), Doc::Text(text));
    }
    let default = parameter.schema.and_then(|schema| schema.doc.get("default"));
    if let Some(default) =
        default.filter(|value| matches!(value, Doc::Number(_) | Doc::Flag(_) | Doc::Text(_)) && fits(value, &option))
    {
        option.insert("default".to_owned(), default.clone());
    }
    if let Some(style) = style(parameter, &option, is_two, notes) {
        option.insert("style".to_owned(), Doc::from(style));
    }
    if option.is_empty() {
        option.insert("type".to_owned(), Doc::from("string"));
    }
    option
}

fn fits(value: &Doc, option: &Fields) -> bool {
    match option.get("type").and_then(Doc::text) {
        Some("string") => matches!(value, Doc::Text(_)),
        Some("integer" | "number") => matches!(value, Doc::Number(_)),
        Some("boolean") => matches!(value, Doc::Flag(_)),
        _ => false,
    }
}

fn style(parameter: &Parameter<'_>, option: &Fields, is_two: bool, notes: &mut Vec<String>) -> Option<&'static str> {
    let spot: Spot<'_> = parameter.spot;
    let shape = kind(&Doc::Map(option.clone())).to_owned();
    let (is_list, is_object) = (shape == "array", shape == "object" || option.contains_key("$ref"));
    let is_query = parameter.place == In::Query;
    if parameter.is_json {
        return (parameter.place != In::Path).then_some("json");
    }
    if is_two {
        return match spot.doc.text_of("collectionFormat")? {
            "multi" if is_list && is_query => Some("repeat"),
            "pipes" if is_list && parameter.place != In::Path => Some("pipes"),
            "ssv" if is_list && parameter.place != In::Path => Some("spaces"),
            "tsv" => {
                notes.push(format!(
                    "the list `{}` is separated by tabs in the document, by commas here",
                    parameter.name
                ));
                None
            }
            _ => None,
        };
    }
    let explodes = spot.doc.get("explode").map(|explode| *explode == Doc::Flag(true));
    match spot.doc.text_of("style") {
        // A list has no fields; servers that say so read `ids[]=1`.
        Some("deepObject") if is_query && is_list => Some("brackets"),
        Some("deepObject") if is_query => Some("deep"),
        Some("spaceDelimited") if is_list && is_query => Some(if explodes == Some(true) { "repeat" } else { "spaces" }),
        Some("pipeDelimited") if is_list && is_query => Some(if explodes == Some(true) { "repeat" } else { "pipes" }),
        Some(style @ ("matrix" | "label")) => {
            notes.push(format!(
                "the parameter `{}` has the style {style}, which is not supported: sent as it is",
                parameter.name
            ));
            None
        }
        Some("form") | None if is_query && is_list && explodes != Some(false) => Some("repeat"),
        Some("form") | None if is_query && is_object && explodes != Some(false) => Some("fields"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::PathNames;

    #[test]
    fn paths_have_plain_names() {
        let read = |path: &str| PathNames::read(path).map(|found| found.path);
        assert_eq!(read("/a/{b c}/{d.e}").as_deref(), Ok("/a/{b-c}/{d.e}"));
        assert_eq!(read("/a/{proxy+}?x=1#y").as_deref(), Ok("/a/{proxy}"));
        assert_eq!(read("a/{id}{id}").as_deref(), Ok("/a/{id}{id}"));
        assert!(read("/a/{m:regex(^(x. |(").is_err() && read("/a/{").is_err() && read("/a/../b").is_err());
    }
}
