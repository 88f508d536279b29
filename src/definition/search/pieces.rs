//! The texts of an entry that a search looks at, each with where it is. Pure.

use super::scan::{Met, scan};

/// Where a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundIn {
    /// The OperationId, or the vendor's own id.
    Id,
    /// The title.
    Title,
    /// The path of the request.
    Path,
    /// What it does: the method, or the verb of the request.
    Method,
    /// The name of a template of it, or its title.
    Template,
    /// The name of the record.
    Record,
    /// The name of an option.
    Option,
    /// The name of a field of the items or the record.
    Field,
    /// The connector.
    Connector,
    /// The operation of a template.
    Operation,
    /// The description.
    Description,
    /// The description of an option or field.
    Text,
}

impl FoundIn {
    pub(super) const ALL: [FoundIn; 12] = [
        FoundIn::Id,
        FoundIn::Title,
        FoundIn::Path,
        FoundIn::Method,
        FoundIn::Template,
        FoundIn::Record,
        FoundIn::Option,
        FoundIn::Field,
        FoundIn::Connector,
        FoundIn::Operation,
        FoundIn::Description,
        FoundIn::Text,
    ];

    /// Its name in reasons.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FoundIn::Id => "id",
            FoundIn::Title => "title",
            FoundIn::Path => "path",
            FoundIn::Method => "method",
            FoundIn::Template => "template",
            FoundIn::Record => "record",
            FoundIn::Option => "option",
            FoundIn::Field => "field",
            FoundIn::Connector => "connector",
            FoundIn::Operation => "operation",
            FoundIn::Description => "description",
            FoundIn::Text => "text",
        }
    }

    /// How much a word there counts.
    pub(super) fn weight(self) -> f32 {
        match self {
            FoundIn::Id | FoundIn::Title => 10.0,
            FoundIn::Path => 7.0,
            FoundIn::Method | FoundIn::Template => 6.0,
            FoundIn::Record => 5.0,
            FoundIn::Option => 4.5,
            FoundIn::Connector | FoundIn::Operation => 4.0,
            FoundIn::Field | FoundIn::Description => 3.0,
            FoundIn::Text => 1.2,
        }
    }
}

/// A part of an entry.
pub(super) enum EntryPiece<'t> {
    /// A text, and the option or field that it belongs to.
    Words(FoundIn, String, &'t str),
    /// The record that it returns or takes.
    Record(&'t str),
    /// The operation of a template.
    Operation(&'t str),
    /// `query`, `mutate` or `delete`.
    Method(&'t str),
    /// The verb of its request.
    Verb(&'t str),
    /// The shape of its result.
    Shape(&'t str),
    Deprecated,
}

/// Receives the pieces of an entry.
pub(super) trait Receives<'t> {
    fn piece(&mut self, piece: EntryPiece<'t>);
    /// Whether the pieces of this line are known; if so, they are not given again.
    fn knows(&mut self, _line: &'t str) -> bool {
        false
    }
    /// The pieces of the last line that was not known have been given.
    fn learned(&mut self) {}
}

impl<'t, F: FnMut(EntryPiece<'t>)> Receives<'t> for F {
    fn piece(&mut self, piece: EntryPiece<'t>) {
        self(piece);
    }
}

/// The pieces of an entry of `section`; `None` if only the parser can read it. `with_names` gives the names of options
/// and fields with their texts.
pub(super) fn pieces<'t>(
    section: &str,
    text: &'t str,
    with_names: bool,
    receiver: &mut dyn Receives<'t>,
) -> Option<()> {
    scan(text, &mut |path, met| {
        match (met, section) {
            (Met::Line(line), _) => return receiver.knows(line),
            (Met::LineEnd, _) => receiver.learned(),
            (met, "operations") => of_operation(path, met, with_names, &mut |piece| receiver.piece(piece)),
            (met, "records") => of_record(path, met, with_names, &mut |piece| receiver.piece(piece)),
            (met, _) => of_template(path, met, &mut |piece| receiver.piece(piece)),
        }
        false
    })
}

fn of_operation<'t>(path: &[&'t str], met: Met<'t>, with_names: bool, each: &mut dyn FnMut(EntryPiece<'t>)) {
    let words = |found, text| EntryPiece::Words(found, String::new(), text);
    match (path, met) {
        ([id], Met::Key) => each(words(FoundIn::Id, id)),
        ([_, "deprecated"], Met::Key) => each(EntryPiece::Deprecated),
        ([_, "options", name], Met::Key) => each(words(FoundIn::Option, name)),
        ([_, "title"], Met::Text(text)) => each(words(FoundIn::Title, text)),
        ([_, "vendor_id"], Met::Text(text)) => each(words(FoundIn::Id, text)),
        ([_, "description"], Met::Text(text)) => each(words(FoundIn::Description, text)),
        ([_, "method"], Met::Text(text)) => each(EntryPiece::Method(text)),
        ([_, "request"], Met::Text(text)) => {
            let (verb, path) = text.split_once(' ').unwrap_or(("", text));
            each(EntryPiece::Verb(verb));
            each(words(FoundIn::Path, path));
        }
        ([_, "options", name, .., "description" | "title" | "enum"], Met::Text(text)) => {
            each(EntryPiece::Words(FoundIn::Text, if with_names { (*name).to_owned() } else { String::new() }, text));
        }
        ([_, "items" | "response", "record"], Met::Text(name)) => each(EntryPiece::Record(name)),
        ([_, "response", "result"], Met::Text(shape)) => each(EntryPiece::Shape(shape)),
        ([_, "items", "schema", schema @ ..], met) => of_schema(schema, met, with_names, each),
        _ => {}
    }
}

fn of_record<'t>(path: &[&'t str], met: Met<'t>, with_names: bool, each: &mut dyn FnMut(EntryPiece<'t>)) {
    match (path, met) {
        ([name], Met::Key) => each(EntryPiece::Words(FoundIn::Record, String::new(), name)),
        ([_, "title"], Met::Text(text)) => each(EntryPiece::Words(FoundIn::Record, String::new(), text)),
        ([_, "schema", schema @ ..], met) => of_schema(schema, met, with_names, each),
        _ => {}
    }
}

/// Names of fields are the keys under `properties`.
fn of_schema<'t>(path: &[&'t str], met: Met<'t>, with_names: bool, each: &mut dyn FnMut(EntryPiece<'t>)) {
    let name = || {
        let names = path.iter().zip(path.iter().skip(1)).filter(|(above, _)| **above == "properties");
        names.map(|(_, name)| *name).collect::<Vec<_>>().join("/")
    };
    match (path, met) {
        ([.., "properties", field], Met::Key) => {
            each(EntryPiece::Words(FoundIn::Field, if with_names { name() } else { String::new() }, field));
        }
        ([.., "description" | "title" | "enum"], Met::Text(text)) => {
            each(EntryPiece::Words(FoundIn::Text, if with_names { name() } else { String::new() }, text));
        }
        _ => {}
    }
}

fn of_template<'t>(path: &[&'t str], met: Met<'t>, each: &mut dyn FnMut(EntryPiece<'t>)) {
    let words = |found, text| EntryPiece::Words(found, String::new(), text);
    match (path, met) {
        ([name], Met::Key) => each(words(FoundIn::Id, name)),
        ([_, "title"], Met::Text(text)) => each(words(FoundIn::Title, text)),
        ([_, "summary"], Met::Text(text)) => each(words(FoundIn::Description, text)),
        ([_, "tags"], Met::Text(text)) => each(words(FoundIn::Text, text)),
        ([_, "operation"], Met::Text(id)) => each(EntryPiece::Operation(id)),
        ([_, "options", name], Met::Key) => each(words(FoundIn::Option, name)),
        ([_, "options", ..], Met::Text(text)) => each(words(FoundIn::Text, text)),
        _ => {}
    }
}

/// Whether an operation returns or takes a record: by its name, or with a reference in the schema of its items. `None`
/// if only the parser can tell.
pub(in crate::definition) fn names_record(text: &str, record: &str) -> Option<bool> {
    if !text.contains(record) {
        return Some(false);
    }
    let mut is_named = false;
    pieces("operations", text, false, &mut |piece: EntryPiece<'_>| {
        if let EntryPiece::Record(name) = piece {
            is_named |= name == record;
        }
    })?;
    Some(is_named || refers(text, record)?)
}

/// Whether an entry refers to a record with `$ref`; `None` if only the parser can tell.
pub(in crate::definition) fn refers(text: &str, record: &str) -> Option<bool> {
    if !text.contains("#/records/") {
        return Some(false);
    }
    let target = format!("#/records/{}", crate::json_pointer::escape(record));
    let mut is_found = false;
    scan(text, &mut |path, met| {
        if let (Some(&"$ref"), Met::Text(text)) = (path.last(), met) {
            is_found |= text.strip_prefix(target.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        }
        false
    })?;
    Some(is_found)
}
