//! What may be a mistake in a connector's files, and is not a fault: what the engine does is clear, but not what the
//! author expects.

use super::super::source::DefinitionSource;
use super::Pack;
use crate::authoring::{Document, Pointer, Source, Text};
use crate::definition::method::Method;
use crate::definition::operation::{Operation, Record};
use crate::definition::option_rule::{Location, OptionRule, ValueSource};
use crate::definition::paging::Style;
use crate::definition::rules::ResultShape;
use crate::error::{Advice, Fault};
use crate::json_pointer::{each_text, escape};

/// Names of parameters that ask for a page, in lower case without `-`, `_` and `$`.
const PAGE_WORDS: [&str; 26] = [
    "page",
    "pagenumber",
    "pageno",
    "pageindex",
    "pagesize",
    "perpage",
    "limit",
    "offset",
    "skip",
    "top",
    "cursor",
    "after",
    "startingafter",
    "startat",
    "startindex",
    "maxresults",
    "maxrecords",
    "nexttoken",
    "pagetoken",
    "nextpagetoken",
    "continuationtoken",
    "marker",
    "startposition",
    "pagecursor",
    "nextcursor",
    "continuation",
];

impl Pack {
    /// Every hint for the operations of files that are not built in.
    pub(in crate::definition::catalog) fn hints(&self) -> Vec<Fault> {
        let names = self.names("operations").filter_map(|name| self.operation(name).ok()?);
        let mut hints: Vec<Fault> = names.flat_map(|operation| self.hints_of(&operation)).collect();
        for section in ["records", "operations"] {
            hints.extend(self.names(section).flat_map(|name| self.field_hints(section, name)));
        }
        hints
    }

    /// Values of fields that the records of their query do not seem to have.
    fn field_hints(&self, section: &'static str, name: &str) -> Vec<Fault> {
        let mut hints = Vec::new();
        self.each_field_values(section, name, &mut |doc, at, _, source| {
            let Ok(source) = source else { return };
            if !self.is_built_in(doc) {
                let absent = self.absent_pointers(&source).into_iter();
                hints.extend(absent.map(|(key, message)| Fault {
                    place: doc.place(&format!("{at}/{key}")),
                    message,
                    advice: None,
                }));
            }
        });
        hints
    }

    fn is_built_in(&self, doc: &Document) -> bool {
        let is_own = |s: &DefinitionSource| matches!(s, DefinitionSource::BuiltIn(_)) && s.name() == doc.file();
        self.sources.iter().map(AsRef::as_ref).any(is_own)
    }

    fn hints_of(&self, operation: &Operation) -> Vec<Fault> {
        let Ok(Some(doc)) = self.document("operations", &operation.id) else { return Vec::new() };
        if self.is_built_in(&doc) {
            return Vec::new();
        }
        let at = format!("/{}", escape(&operation.id));
        let mut found = Vec::new();
        braces_in_body(operation, &mut found);
        if !doc.keys(&at).contains(&"paging") {
            unpaged(operation, &mut found);
        }
        absent_in_constants(operation, &mut found);
        pointers(operation, &mut found);
        self.value_pointers(operation, &mut found);
        prose(operation, &mut found);
        let hint =
            |Hint { at: inner, message, advice }| Fault { place: doc.place(&format!("{at}{inner}")), message, advice };
        found.into_iter().map(hint).collect()
    }

    /// Values of options that the records of their query do not seem to have.
    fn value_pointers(&self, operation: &Operation, found: &mut Vec<Hint>) {
        for option in &operation.options {
            let absent = option.values.as_ref().map(|source| self.absent_pointers(source));
            for (key, message) in absent.into_iter().flatten() {
                found.push(Hint::new(format!("/options/{}/values/{key}", escape(&option.name)), message));
            }
        }
    }

    fn absent_pointers(&self, source: &ValueSource) -> Vec<(&'static str, String)> {
        let Ok(Some(query)) = self.operation(&source.operation) else { return Vec::new() };
        let Some(record) = query.record() else { return Vec::new() };
        let pointers = [("value", Some(&source.value)), ("label", source.label.as_ref())];
        let absent = pointers.into_iter().filter_map(|(key, pointer)| Some((key, pointer?)));
        let absent = absent.filter(|(_, pointer)| !has(record, pointer));
        absent.map(|(key, pointer)| (key, format!("no sample of {} has `{pointer}`", record.name))).collect()
    }
}

/// A hint, at a place of the operation.
struct Hint {
    at: String,
    message: String,
    advice: Option<Advice>,
}

impl Hint {
    fn new(at: String, message: String) -> Hint {
        Hint { at, message, advice: None }
    }

    fn advise(self, advice: String) -> Hint {
        Hint { advice: Some(advice.into()), ..self }
    }
}

/// Placeholders within longer texts of the constant body: they are sent as they are written.
fn braces_in_body(operation: &Operation, found: &mut Vec<Hint>) {
    let Some(body) = &operation.fixed.body else { return };
    let is_known = |name: &str| operation.option(name).is_some() || operation.connector.property(name).is_some();
    each_text(&body.to_value(), "/fixed/body", &mut |at, text| {
        let Ok(parsed) = Text::parse(text) else { return };
        let name = parsed.names().find(|name| is_known(name)).filter(|_| parsed.only_name().is_none());
        if let Some(name) = name {
            let message = format!("`{{{name}}}` within a longer text of the body is sent as it is written");
            let advice = "only a text that is nothing else is replaced; `body: { text: … }` has placeholders anywhere";
            found.push(Hint::new(at.to_owned(), message).advise(advice.to_owned()));
        }
    });
}

/// Options within a longer constant: without them, all of it is left out.
fn absent_in_constants(operation: &Operation, found: &mut Vec<Hint>) {
    let queries = operation.fixed.query.iter().map(|(name, text)| (format!("/fixed/query/{}", escape(name)), text));
    let headers = operation.fixed.headers.iter().map(|(name, text)| (format!("/fixed/header/{name}"), text));
    for (at, text) in queries.chain(headers).filter(|(_, text)| text.only_name().is_none()) {
        let may_be_absent = |name: &&str| {
            let option = operation.option(name);
            option.is_some_and(|o| o.location == Location::Text && !o.required && o.preset.is_none() && !o.per_item)
        };
        if let Some(name) = text.names().find(may_be_absent) {
            let message = format!("without the option `{name}`, this is left out as a whole");
            let advice = format!("give `{name}` a `preset`, such as \"\", if only the option is to be left out");
            found.push(Hint::new(at, message).advise(advice));
        }
    }
}

/// A list without paging that seems to have pages.
fn unpaged(operation: &Operation, found: &mut Vec<Hint>) {
    let is_list = operation.method == Method::Query && operation.response.result == ResultShape::List;
    if !is_list || operation.is_paged() {
        return;
    }
    let advice =
        "say with `paging` how the next page is asked for; `paging: none` says that there is one page".to_owned();
    let is_page_word = |option: &&OptionRule| {
        let name: String =
            option.wire_name().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        option.location != Location::Path && PAGE_WORDS.contains(&name.as_str())
    };
    if let Some(option) = operation.options.iter().find(is_page_word) {
        let message =
            format!("`{}` seems to ask for a page, but the list has no `paging`: one page is read", option.name);
        found.push(Hint::new(format!("/options/{}", escape(&option.name)), message).advise(advice));
    } else if operation.response.total.is_some() {
        let message = "the reply has a total, but the list has no `paging`: one page is read".to_owned();
        found.push(Hint::new("/response/total".to_owned(), message).advise(advice));
    }
}

/// Places in a record that its sample and its schema do not have.
fn pointers(operation: &Operation, found: &mut Vec<Hint>) {
    let Some(record) = operation.record() else { return };
    let mut wanted: Vec<(&str, Pointer)> = Vec::new();
    match &operation.paging.style {
        Style::Keyset(keyset) => wanted.push(("/paging", keyset.from.clone())),
        Style::Cursor { token, .. } | Style::NextUrl { token, .. } => {
            wanted.extend(in_item(operation, &token.at).map(|pointer| ("/paging", pointer)));
        }
        Style::None | Style::Link { .. } | Style::Number { .. } | Style::Offset { .. } => {}
    }
    wanted.extend(operation.response.attach.iter().map(|attach| ("/response/attach", attach.by.clone())));
    for (at, pointer) in wanted.into_iter().filter(|(_, pointer)| !has(record, pointer)) {
        found.push(Hint::new(at.to_owned(), format!("no sample of {} has `{pointer}`", record.name)));
    }
}

/// The place within an item to which a pointer of the body leads, as `/data/-1/id`.
fn in_item(operation: &Operation, source: &Source) -> Option<Pointer> {
    let Source::Body(pointer) = source else { return None };
    let list = operation.response.items.plain()?;
    let mut rest = pointer.tokens().strip_prefix(list.tokens())?.iter();
    crate::json_pointer::is_index(rest.next()?).then_some(())?;
    let path: String = rest.map(|token| format!("/{}", escape(token))).collect();
    Pointer::parse(&path).ok()
}

/// Whether the sample or the schema of a record has a place.
fn has(record: &Record, pointer: &Pointer) -> bool {
    let (sample, schema) = (record.sample.to_value(), record.schema.to_value());
    if pointer.find(&sample).is_some() {
        return true;
    }
    let mut part = &schema;
    for token in pointer.tokens() {
        match part.get("properties") {
            // A part that the schema does not describe may have anything.
            None => return std::ptr::from_ref(part) != std::ptr::from_ref(&schema),
            Some(properties) => match properties.get(token) {
                None => return false,
                Some(inner) => part = inner,
            },
        }
    }
    true
}

/// Parameters that a description writes as `?name=` or `&name=`, and that the operation does not have.
fn prose(operation: &Operation, found: &mut Vec<Hint>) {
    let paging = operation.paging.reserved();
    let size = operation.paging.size.as_ref().map(|size| size.at.name());
    let constants = operation.fixed.query.iter().chain(&operation.connector.fixed.query).map(|(name, _)| name.as_str());
    let own = operation.options.iter().flat_map(|option| [option.name.as_str(), option.wire_name()]);
    let known: Vec<&str> = paging.into_iter().chain(size).chain(constants).chain(own).collect();
    let texts = operation.options.iter().filter_map(|option| {
        let description = option.description.as_deref()?;
        Some((format!("/options/{}/description", escape(&option.name)), description))
    });
    let own = operation.description.as_deref().map(|text| ("/description".to_owned(), text));
    for (at, text) in own.into_iter().chain(texts) {
        for name in parameters(text).into_iter().filter(|name| !known.contains(name)) {
            let message = format!("the text names the parameter `{name}`, which is no option");
            let advice = format!("declare it under `options`, as `{name}: {{ type: string }}`");
            found.push(Hint::new(at.clone(), message).advise(advice));
        }
    }
}

/// The names of parameters in a text, as in `?name=value&other=value`.
fn parameters(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for part in text.split(['?', '&']).skip(1) {
        let name = part.split('=').next().filter(|name| name.len() < part.len()).unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-$.[]".contains(c);
        if !name.is_empty() && name.chars().all(is_name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn parameters_of_a_text() {
        assert_eq!(
            parameters("Call /things?expand=a&fields[]=b or ?expand=c. Why? Because a = b & c = d"),
            ["expand", "fields[]"]
        );
        assert!(parameters("no parameters? none").is_empty());
    }
}
