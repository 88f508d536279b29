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
    /// A form: its names and values as an object of texts.
    Form(Tree),
    /// Something else.
    Other,
}

impl BodyDraft {
    pub(super) fn of(body: Option<&RawBody>) -> BodyDraft {
        let Some(body) = body else { return BodyDraft::None };
        if body.content_type.starts_with("application/x-www-form-urlencoded") {
            let pairs = url::form_urlencoded::parse(body.text.as_bytes());
            let text = |value: &str| Tree::Scalar(serde_json::Value::from(value).to_string());
            return BodyDraft::Form(Tree::Object(pairs.map(|(n, v)| (n.into_owned(), text(&v))).collect()));
        }
        match Tree::read(&body.text) {
            Some(Tree::Array(list)) if list.iter().all(Tree::is_object) => BodyDraft::List(list),
            Some(tree @ Tree::Object(_)) => BodyDraft::Object(tree),
            Some(Tree::Array(_) | Tree::Scalar(_)) | None => BodyDraft::Other,
        }
    }

    /// The schema of the items, from those that were sent.
    pub(super) fn shape(&self) -> Option<RecordShape> {
        match self {
            BodyDraft::Object(tree) | BodyDraft::Form(tree) => Some(RecordShape::of([tree])),
            BodyDraft::List(list) => Some(RecordShape::of(list)),
            BodyDraft::None | BodyDraft::Other => None,
        }
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
