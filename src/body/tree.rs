//! The object of a body, to which constants, options, paging values and items are added at their places. Pure; values
//! keep their text.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json_text::fields_of;

/// A value of a body. Objects and lists are split only where something is put into them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyTree {
    /// JSON.
    Raw(String),
    Object(Vec<(String, BodyTree)>),
    List(Vec<BodyTree>),
}

impl BodyTree {
    /// An empty object.
    pub(super) fn object() -> BodyTree {
        BodyTree::Object(Vec::new())
    }

    /// Puts a value at a path. An object is merged with one that is there; other values are replaced.
    pub(super) fn put(&mut self, path: &[String], value: BodyTree) {
        let Some((first, rest)) = path.split_first() else { return self.merge(value) };
        self.split();
        if let BodyTree::List(list) = self
            && let Some(element) = first.parse::<usize>().ok().and_then(|index| list.get_mut(index))
        {
            return element.put(rest, value);
        }
        if !matches!(self, BodyTree::Object(_)) {
            *self = BodyTree::object();
        }
        let BodyTree::Object(fields) = self else { return };
        match fields.iter_mut().find(|(name, _)| name == first) {
            Some((_, inner)) => inner.put(rest, value),
            None => {
                let mut inner = BodyTree::Raw("null".to_owned());
                inner.put(rest, value);
                fields.push((first.clone(), inner));
            }
        }
    }

    fn merge(&mut self, value: BodyTree) {
        if let BodyTree::Raw(text) = &value
            && !(text.starts_with('{') && self.is_object())
        {
            *self = value;
            return;
        }
        let mut value = value;
        value.split();
        match value {
            BodyTree::Object(fields) if self.is_object() => {
                for (name, inner) in fields {
                    self.put(&[name], inner);
                }
            }
            other => *self = other,
        }
    }

    fn is_object(&self) -> bool {
        match self {
            BodyTree::Object(_) => true,
            BodyTree::Raw(text) => text.starts_with('{'),
            BodyTree::List(_) => false,
        }
    }

    /// Splits an object or a list into its parts.
    pub(super) fn split(&mut self) {
        let BodyTree::Raw(text) = self else { return };
        let raw = |raw: &RawValue| BodyTree::Raw(raw.get().to_owned());
        if let Some(fields) = fields_of(text).filter(|_| text.starts_with('{')) {
            *self = BodyTree::Object(fields.into_iter().map(|(name, value)| (name, raw(value))).collect());
        } else if text.starts_with('[')
            && let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text)
        {
            *self = BodyTree::List(list.into_iter().map(raw).collect());
        }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            BodyTree::Raw(text) => out.push_str(text),
            BodyTree::Object(fields) => {
                out.push('{');
                for (i, (name, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            BodyTree::List(list) => {
                out.push('[');
                for (i, value) in list.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BodyTree;

    #[test]
    fn values_are_put_at_their_places() {
        let mut body = BodyTree::Raw(r#"{"query": "q", "variables": {"n": 1.10}, "list": [{"a": 1}]}"#.to_owned());
        let mut put = |path: &str, json: &str| {
            let path: Vec<String> = path.split('/').filter(|t| !t.is_empty()).map(str::to_owned).collect();
            body.put(&path, BodyTree::Raw(json.to_owned()));
        };
        put("/variables/after", r#""c""#);
        put("/list/0/b", "2");
        put("/new/deep", "[3]");
        put("/variables", r#"{"first": 5}"#);
        put("", r#"{"own": true}"#);
        assert_eq!(
            body.to_json(),
            r#"{"query":"q","variables":{"n":1.10,"after":"c","first":5},"list":[{"a":1,"b":2}],"new":{"deep":[3]},"own":true}"#
        );
    }
}
