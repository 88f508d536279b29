//! A request as a person writes it: verb, path, parameters, headers, body. Pure.

use http::Method as Verb;
use serde_json::{Map, Value, json};

use super::personal::sample;
use super::tree::{Tree, json};
use crate::authoring::Format;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};

/// A body and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawBody {
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl RawBody {
    /// The text without values that look secret or personal, and whether there were some.
    pub(crate) fn shown(&self) -> (String, bool) {
        match Tree::read(&self.text) {
            Some(tree) => {
                let (clean, replaced) = sample(&tree);
                if replaced { (json(&clean), true) } else { (self.text.clone(), false) }
            }
            None => (self.text.clone(), false),
        }
    }
}

/// A request to a connection's system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawRequest {
    pub(crate) verb: Verb,
    pub(crate) method: Method,
    /// May contain `{name}` for values of `in_path`.
    pub(crate) path: String,
    pub(crate) in_path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<RawBody>,
}

/// The verbs that a definition can have.
const VERBS: [Verb; 6] = [Verb::GET, Verb::HEAD, Verb::POST, Verb::PUT, Verb::PATCH, Verb::DELETE];

fn usage(message: String, advice: &str) -> Error {
    Error::new(ErrorKind::Usage, message).advise(advice.to_owned())
}

impl RawRequest {
    /// Reads verb, path (with or without a query) and `key=value` parameters. A parameter that the path names as `{key}` is sent there.
    ///
    /// # Errors
    /// `usage`, with what to write.
    pub(crate) fn parse(verb: &str, target: &str, pairs: &[String]) -> Result<RawRequest> {
        let name = verb.to_ascii_uppercase();
        let Some(verb) = VERBS.into_iter().find(|v| v.as_str() == name) else {
            return Err(usage(
                format!("`{verb}` is not a verb: GET, HEAD, POST, PUT, PATCH, DELETE"),
                "write the verb first, then the path: opnode call GET /things",
            ));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.split('#').next().unwrap_or_default();
        if !path.starts_with('/') {
            return Err(usage(
                format!("`{target}` is not a path"),
                "write the path below the address of the connection, such as /things; a URL of the connection works too",
            ));
        }
        let query = query.split('#').next().unwrap_or_default();
        let mut all: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        for pair in pairs {
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                return Err(usage(
                    format!("`{pair}` has no value"),
                    "write parameters as name=value, such as limit=10",
                ));
            };
            all.push((name.to_owned(), value.to_owned()));
        }
        let names = path_names(path);
        let (in_path, query): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| names.contains(name));
        if let Some(missing) = names.iter().find(|name| !in_path.iter().any(|(n, _)| n == *name)) {
            return Err(usage(format!("the path needs a value for {{{missing}}}"), &format!("add {missing}=VALUE")));
        }
        if let Some((twice, _)) =
            in_path.iter().enumerate().find(|(i, (n, _))| in_path.iter().take(*i).any(|(o, _)| o == n)).map(|(_, p)| p)
        {
            return Err(usage(format!("`{twice}` has two values, but the path has one place for it"), "give it once"));
        }
        let method = method_of(&verb);
        Ok(RawRequest { verb, method, path: path.to_owned(), in_path, query, headers: Vec::new(), body: None })
    }

    /// The values of the parameter `name` in the query.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The query parameters by name, in the order of their first values.
    pub(super) fn query_lists(&self) -> Vec<(&str, Vec<&str>)> {
        let mut lists: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, value) in &self.query {
            match lists.iter_mut().find(|(n, _)| n == name) {
                Some((_, values)) => values.push(value),
                None => lists.push((name, vec![value])),
            }
        }
        lists
    }

    /// The option values of the call, as JSON.
    pub(crate) fn options(&self) -> String {
        let mut map = Map::new();
        for (name, values) in self.query_lists() {
            let value = match values.as_slice() {
                [one] => Value::from(*one),
                several => json!(several),
            };
            map.insert(name.to_owned(), value);
        }
        for (name, value) in self.in_path.iter().chain(&self.headers) {
            map.insert(name.clone(), Value::from(value.as_str()));
        }
        Value::Object(map).to_string()
    }

    /// A file with one operation that sends it and takes any reply.
    pub(crate) fn definition(&self, id: &str) -> String {
        let mut options = Map::new();
        for (name, values) in self.query_lists() {
            let list = json!({"type": "array", "items": {"type": "string"}, "style": "repeat"});
            let rule = if values.len() > 1 { list } else { json!({"type": "string"}) };
            options.insert(name.to_owned(), rule);
        }
        for (name, _) in &self.in_path {
            options.insert(name.clone(), json!({"type": "string"}));
        }
        for (name, _) in &self.headers {
            options.insert(name.clone(), json!({"type": "string", "in": "header"}));
        }
        let mut operation = json!({
            "title": format!("{} {}", self.verb, self.path), "method": self.method,
            "request": format!("{} {}", self.verb, self.path), "response": {"result": "file"},
        });
        if let Some(map) = operation.as_object_mut().filter(|_| !options.is_empty()) {
            map.insert("options".to_owned(), Value::Object(options));
        }
        json!({"version": Format::Operations.version(), "operations": {id: operation}}).to_string()
    }
}

/// The method that a verb suggests.
pub(super) fn method_of(verb: &Verb) -> Method {
    match verb.as_str() {
        "GET" | "HEAD" => Method::Query,
        "DELETE" => Method::Delete,
        _ => Method::Mutate,
    }
}

/// The names in a path, as `{name}`.
pub(super) fn path_names(path: &str) -> Vec<String> {
    let parts = path.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::RawRequest;

    #[test]
    fn parameters_go_where_the_path_names_them() {
        let pairs = ["id=7".to_owned(), "tag=a".to_owned(), "tag=b".to_owned(), "q=x=y".to_owned()];
        let request = RawRequest::parse("get", "/shelves/{id}/books?sort=title", &pairs).unwrap();
        assert_eq!(request.options(), r#"{"id":"7","q":"x=y","sort":"title","tag":["a","b"]}"#);
        for (verb, target, pairs) in [
            ("GET", "books", vec![]),
            ("FETCH", "/x", vec![]),
            ("GET", "/{id}", vec![]),
            ("GET", "/x", vec!["a".to_owned()]),
        ] {
            assert!(RawRequest::parse(verb, target, &pairs).is_err());
        }
    }
}
