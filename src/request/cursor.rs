//! Where a page starts, as values of a request. Plain data: a walk can be resumed from it.

use serde::{Deserialize, Serialize};

use crate::authoring::Target;

/// Where a page starts, as parameters of a request. Plain data: a walk can be resumed from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The whole URL, if the server named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Fields of the body: JSON Pointers, each with its JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<(String, String)>,
    /// Placeholders in the path and in texts of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<(String, String)>,
}

impl Cursor {
    /// The request with this value. `json` is its JSON, for a body; `text` its text, for other places.
    pub(crate) fn at(target: &Target, text: String, json: String) -> Cursor {
        let none = Cursor::default();
        match target {
            Target::Query(name) => Cursor { query: vec![(name.clone(), text)], ..none },
            Target::Header(name) => Cursor { headers: vec![(name.to_string(), text)], ..none },
            Target::Body(pointer) => Cursor { body: vec![(pointer.to_string(), json)], ..none },
            Target::Path(name) | Target::Text(name) => Cursor { texts: vec![(name.clone(), text)], ..none },
        }
    }

    /// The value that is sent to a place.
    pub(crate) fn value(&self, target: &Target) -> Option<&str> {
        let of = |pairs: &[(String, String)], name: &str| pairs.iter().position(|(n, _)| n == name);
        let found = match target {
            Target::Query(name) => of(&self.query, name).and_then(|i| self.query.get(i)),
            Target::Header(name) => of(&self.headers, name.as_str()).and_then(|i| self.headers.get(i)),
            Target::Body(pointer) => of(&self.body, &pointer.to_string()).and_then(|i| self.body.get(i)),
            Target::Path(name) | Target::Text(name) => of(&self.texts, name).and_then(|i| self.texts.get(i)),
        };
        found.map(|(_, value)| value.as_str())
    }

    /// All parameters, for a message.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = &(String, String)> {
        self.query.iter().chain(&self.headers).chain(&self.body).chain(&self.texts)
    }
}
