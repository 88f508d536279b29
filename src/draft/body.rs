//! The body of a request as items of a write, or as options of a query. Pure.

use super::raw::RawBody;
use super::shape::RecordShape;
use super::tree::Tree;

/// How a body is described.
pub(super) enum BodyDraft {
    None,
    /// A JSON object: one item, or options.
    Object(Tree),
    /// A JSON list of objects.
    List(Vec<Tree>),
    /// A form: its names and values as an object of texts; a repeated name has a list of them.
    Form(Tree),
    /// Something else.
    Other,
}

impl BodyDraft {
    pub(super) fn of(body: Option<&RawBody>) -> BodyDraft {
        let Some(body) = body else { return BodyDraft::None };
        if body.content_type.starts_with("application/x-www-form-urlencoded") {
            return BodyDraft::Form(Tree::Object(form_fields(&body.text)));
        }
        match Tree::read(&body.text) {
            Some(Tree::Array(list)) if list.iter().all(Tree::is_object) => BodyDraft::List(list),
            Some(tree @ Tree::Object(_)) => BodyDraft::Object(tree),
            Some(Tree::Array(_) | Tree::Scalar(_)) | None => BodyDraft::Other,
        }
    }

    /// Whether a field of a form has several values.
    pub(super) fn has_lists(&self) -> bool {
        let is_list = |(_, value): &(String, Tree)| matches!(value, Tree::Array(_));
        matches!(self, BodyDraft::Form(tree) if tree.fields().iter().any(is_list))
    }

    /// The schema of the items, from those that were sent.
    pub(super) fn shape(&self) -> Option<RecordShape> {
        match self {
            BodyDraft::Object(tree) | BodyDraft::Form(tree) => Some(RecordShape::of([tree])),
            BodyDraft::List(list) => Some(RecordShape::of(list)),
            BodyDraft::None | BodyDraft::Other => None,
        }
    }

    /// The scalar fields of an object, as parameters of a search.
    pub(super) fn parameters(&self) -> Option<Vec<(String, String)>> {
        let BodyDraft::Object(tree) = self else { return None };
        let scalar = |(name, value): &(String, Tree)| match value {
            Tree::Scalar(raw) => Some((name.clone(), value.text().unwrap_or_else(|| raw.clone()))),
            Tree::Object(_) | Tree::Array(_) => None,
        };
        Some(tree.fields().iter().filter_map(scalar).collect())
    }

    /// The first item that was sent.
    pub(super) fn first(&self) -> Option<&Tree> {
        match self {
            BodyDraft::Object(tree) | BodyDraft::Form(tree) => Some(tree),
            BodyDraft::List(list) => list.first(),
            BodyDraft::None | BodyDraft::Other => None,
        }
    }
}

fn form_fields(text: &str) -> Vec<(String, Tree)> {
    let mut fields: Vec<(String, Tree)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let value = Tree::Scalar(serde_json::Value::from(value).to_string());
        match fields.iter_mut().find(|(known, _)| **known == name) {
            None => fields.push((name.into_owned(), value)),
            Some((_, Tree::Array(list))) => list.push(value),
            Some((_, first)) => *first = Tree::Array(vec![first.clone(), value]),
        }
    }
    fields
}
