//! What an operation does with a collection, told by its verb, its path and the shape of its reply. Pure.

use http::Method as Verb;

use crate::definition::{Method, Operation, ResultShape, Send};

/// The role of an operation on its collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    List,
    /// A list with another record, such as a shorter one.
    Excerpt,
    Count,
    One,
    Create,
    Replace,
    Merge,
    Patch,
    Delete,
}

/// The role of an operation at the path of a collection.
pub(super) fn on_all(operation: &Operation) -> Option<Role> {
    match (operation.verb.clone(), operation.method, operation.response.result) {
        (Verb::GET, _, ResultShape::List) | (Verb::POST, Method::Query, ResultShape::List) => Some(Role::List),
        (Verb::POST, Method::Mutate, _) if operation.items.as_ref().is_some_and(|i| i.send == Send::Each) => {
            Some(Role::Create)
        }
        _ => None,
    }
}

/// The role of an operation at the path of one record.
pub(super) fn on_one(operation: &Operation) -> Option<Role> {
    let send = operation.items.as_ref().map(|i| i.send);
    match (operation.verb.clone(), send) {
        (Verb::GET, None) if matches!(operation.response.result, ResultShape::Object | ResultShape::List) => {
            Some(Role::One)
        }
        (Verb::DELETE, _) => Some(Role::Delete),
        (Verb::PUT, Some(Send::Each)) => Some(Role::Replace),
        (Verb::PATCH, Some(Send::JsonPatch(_))) => Some(Role::Patch),
        (Verb::PATCH | Verb::POST, Some(Send::Each)) => Some(Role::Merge),
        _ => None,
    }
}

/// The role of an operation at a literal segment below the path of a collection, such as `count`.
pub(super) fn beside(operation: &Operation, segment: &str) -> Option<Role> {
    let (method, result) = (operation.method, operation.response.result);
    match segment {
        "count" if result == ResultShape::Count => Some(Role::Count),
        "search" if method == Method::Query && result == ResultShape::List => Some(Role::List),
        "info" if method == Method::Query && result == ResultShape::List => Some(Role::Excerpt),
        _ => None,
    }
}
