//! Calls that were seen, of a Postman collection, a HAR file or curl command lines, as an OpenAPI document: what the import
//! of documents does with it is the same. Of values only the types are kept. Pure.

mod curl;
mod har;
mod postman;
mod schema;

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use super::report::LeftOut;
use super::value::{Doc, Fields};
use crate::draft::{AuthDraft, capitalized, words};
pub(crate) use curl::read as read_curl;
pub(crate) use har::read as read_har;
pub(crate) use postman::read as read_postman;
use schema::{kind_of_text, schema};

/// A call.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenCall {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) verb: String,
    /// The address of the API; empty if it is not known.
    pub(crate) base: String,
    /// Below the address, with `{name}` for each parameter.
    pub(crate) path: String,
    pub(crate) query: Vec<SeenParameter>,
    /// Headers that are not the sign-in's.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<SeenBody>,
    pub(crate) replies: Vec<SeenReply>,
    pub(crate) auth: Option<SeenAuth>,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenParameter {
    pub(crate) name: String,
    /// Of the value only the type is kept.
    pub(crate) value: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum SeenBody {
    Json(Doc),
    /// Names and values, perhaps of files; the media type.
    Form(Vec<(String, Option<String>)>, &'static str),
    /// Another media type.
    Other(String),
}

#[derive(Clone, Debug)]
pub(crate) struct SeenReply {
    pub(crate) status: u64,
    /// The media type; empty without a body.
    pub(crate) kind: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<Doc>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SeenAuth {
    None,
    Basic,
    Digest,
    Bearer,
    /// A key in a `header` or the `query`.
    Key(&'static str, String),
    /// The flow, its token address, and its sign-in page.
    Oauth(&'static str, String, Option<String>),
}

impl SeenAuth {
    fn of(draft: &AuthDraft) -> Option<SeenAuth> {
        match draft {
            AuthDraft::None => None,
            AuthDraft::Basic => Some(SeenAuth::Basic),
            AuthDraft::Bearer => Some(SeenAuth::Bearer),
            AuthDraft::ApiKey { header, .. } => Some(SeenAuth::Key("header", header.clone())),
            AuthDraft::QueryKey { name } => Some(SeenAuth::Key("query", name.clone())),
            AuthDraft::Oauth2Client { token } => Some(SeenAuth::Oauth("clientCredentials", token.clone(), None)),
            AuthDraft::Oauth2Code { authorize, token } => {
                Some(SeenAuth::Oauth("authorizationCode", token.clone(), Some(authorize.clone())))
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            SeenAuth::None => "none",
            SeenAuth::Basic => "basic",
            SeenAuth::Digest => "digest",
            SeenAuth::Bearer => "bearer",
            SeenAuth::Key(..) => "apiKey",
            SeenAuth::Oauth(..) => "oauth2",
        }
    }

    fn scheme(&self) -> Doc {
        let http = |scheme: &str| Doc::of([("type", Doc::from("http")), ("scheme", Doc::from(scheme))]);
        match self {
            SeenAuth::None => Doc::Null,
            SeenAuth::Basic => http("basic"),
            SeenAuth::Digest => http("digest"),
            SeenAuth::Bearer => http("bearer"),
            SeenAuth::Key(place, name) => {
                Doc::of([("type", Doc::from("apiKey")), ("in", Doc::from(*place)), ("name", Doc::Text(name.clone()))])
            }
            SeenAuth::Oauth(flow, token, authorize) => {
                let mut urls = Doc::of([("tokenUrl", Doc::Text(token.clone())), ("scopes", Doc::Map(Fields::new()))]);
                if let Some(authorize) = authorize {
                    urls.put("authorizationUrl", authorize.as_str());
                }
                Doc::of([("type", Doc::from("oauth2")), ("flows", Doc::of([(flow, urls)]))])
            }
        }
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct SeenCalls {
    /// What they are, such as `Postman collection`.
    pub(crate) format: &'static str,
    pub(crate) title: String,
    /// The origin of the API, if the user says it.
    pub(crate) said: Option<String>,
    pub(crate) calls: Vec<SeenCall>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) notes: Vec<String>,
}

impl SeenCalls {
    /// As an OpenAPI document.
    pub(crate) fn document(&mut self) -> Doc {
        self.ask_sign_in();
        let (origin, prefix) = self.address();
        let mut schemes: Vec<(String, SeenAuth)> = Vec::new();
        let mut named = |auth: &SeenAuth| -> String {
            if let Some((name, _)) = schemes.iter().find(|(_, known)| known == auth) {
                return name.clone();
            }
            let count = schemes.iter().filter(|(_, known)| known.name() == auth.name()).count();
            let name = if count == 0 { auth.name().to_owned() } else { format!("{}{}", auth.name(), count + 1) };
            schemes.push((name.clone(), auth.clone()));
            name
        };
        let mut groups: IndexMap<(String, String), Vec<&SeenCall>> = IndexMap::new();
        let mut keys: HashMap<String, (String, String)> = HashMap::new();
        for call in &self.calls {
            let rest = call.base.strip_prefix(&format!("{origin}{prefix}")).unwrap_or_default();
            let path = format!("{rest}{}", call.path);
            let identity = super::settings::identity(&call.verb, &path);
            let key = keys.entry(identity).or_insert_with(|| (call.verb.clone(), path)).clone();
            groups.entry(key).or_default().push(call);
        }
        let kind = |call: &&SeenCall| call.body.as_ref().map(std::mem::discriminant);
        let several = groups.iter().filter(|(_, calls)| {
            let mut kinds = calls.iter().map(kind);
            let first = kinds.next();
            kinds.any(|kind| Some(kind) != first)
        });
        let joined: Vec<String> = several
            .map(|((verb, path), _)| {
                format!("{verb} {path}: calls with bodies of several kinds became one operation, with the first")
            })
            .collect();
        let usual = most(self.calls.iter().filter_map(|call| call.auth.clone()));
        let mut paths = Fields::new();
        for ((verb, path), calls) in &groups {
            let mut operation = operation(path, calls);
            if let Some(call) = calls.first().filter(|call| !call.base.starts_with(&origin) && !call.base.is_empty()) {
                operation.put("servers", Doc::List(vec![Doc::of([("url", Doc::Text(call.base.clone()))])]));
            }
            let own = most(calls.iter().filter_map(|call| call.auth.clone())).filter(|own| Some(own) != usual.as_ref());
            if let Some(own) = own {
                operation.put(
                    "security",
                    Doc::List(match own {
                        SeenAuth::None => Vec::new(),
                        own => vec![Doc::of([(named(&own).as_str(), Doc::List(Vec::new()))])],
                    }),
                );
            }
            if let Doc::Map(item) = paths.entry(path.clone()).or_insert_with(|| Doc::Map(Fields::new())) {
                item.insert(verb.to_lowercase(), operation);
            }
        }
        let mut doc = Doc::of([
            ("openapi", Doc::from("3.1.0")),
            ("info", Doc::of([("title", Doc::Text(self.title.clone()))])),
            ("paths", Doc::Map(paths)),
        ]);
        self.notes.extend(joined);
        if !origin.is_empty() {
            doc.put("servers", Doc::List(vec![Doc::of([("url", Doc::Text(format!("{origin}{prefix}")))])]));
        }
        if let Some(usual) = usual.filter(|usual| *usual != SeenAuth::None) {
            doc.put("security", Doc::List(vec![Doc::of([(named(&usual).as_str(), Doc::List(Vec::new()))])]));
        }
        let schemes: Fields = schemes.iter().map(|(name, auth)| (name.clone(), auth.scheme())).collect();
        doc.put("components", Doc::of([("securitySchemes", Doc::Map(schemes))]));
        doc
    }

    /// Leaves out calls of other systems: the credentials of the connection are not theirs. Those that are said to have
    /// no sign-in stay.
    fn drop_others(&mut self) {
        let (origin, _) = self.address();
        let is_other = |call: &SeenCall| {
            !call.base.is_empty() && split_origin(&call.base).0 != origin && call.auth != Some(SeenAuth::None)
        };
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| is_other(call)) {
            self.left_out.push(LeftOut::new(
                &format!("{} {}{}", call.verb, call.base, call.path),
                "it is of another system, which must not get the credentials of this one",
            ));
            *others.entry(split_origin(&call.base).0.to_owned()).or_default() += 1;
        }
        self.calls.retain(|call| !is_other(call));
        for origin in others.into_keys() {
            self.notes.push(format!(
                "to import the requests of {origin}: import again with --base-url {origin} and another --connector"
            ));
        }
    }

    /// A question where calls sign in in several ways: a connector has one.
    fn ask_sign_in(&mut self) {
        let mut kinds: Vec<&str> =
            self.calls.iter().filter_map(|call| call.auth.as_ref()).map(SeenAuth::name).collect();
        kinds.retain(|kind| *kind != "none");
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() > 1 {
            self.notes.push(format!(
                "calls sign in in several ways ({}): that of most is taken; --sign-in NAME chooses another",
                kinds.join(", ")
            ));
        }
    }

    /// The origin of most calls, and the beginning of the path that all of these have in their addresses.
    fn address(&self) -> (String, String) {
        let origin = |call: &SeenCall| split_origin(&call.base).0.to_owned();
        let said = self.said.clone().filter(|said| self.calls.iter().any(|call| origin(call) == *said));
        let usual = || most(self.calls.iter().map(origin).filter(|origin| !origin.is_empty()));
        let Some(origin) = said.or_else(usual) else {
            return (String::new(), String::new());
        };
        let mut prefixes = self.calls.iter().filter_map(|call| call.base.strip_prefix(&origin));
        let first = prefixes.next().unwrap_or_default().to_owned();
        let common = prefixes.fold(first, |common, other| {
            let same = common.split('/').zip(other.split('/')).take_while(|(a, b)| a == b);
            same.map(|(a, _)| a).collect::<Vec<_>>().join("/")
        });
        (origin, common)
    }
}

/// `https://host/api` as its origin and path.
fn split_origin(base: &str) -> (&str, &str) {
    let after = base.find("://").map_or(0, |at| at + 3);
    let end = base.get(after..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| after + at);
    base.split_at(end)
}

/// The value that comes most often; of several the first.
fn most<T: PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    let max = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == max).map(|(value, _)| value)
}

/// Calls with the same verb and path as one operation.
fn operation(path: &str, calls: &[&SeenCall]) -> Doc {
    let mut doc = Doc::Map(Fields::new());
    if let Some(name) = calls.iter().find_map(|call| call.name.as_deref()) {
        doc.put("summary", name);
    }
    if let Some(text) = calls.iter().find_map(|call| call.description.as_deref()) {
        doc.put("description", text);
    }
    if let Some(id) = calls.iter().find_map(|call| call.name.as_deref()).and_then(id) {
        doc.put("operationId", id);
    }
    if let Some(tag) = calls.iter().find_map(|call| call.tag.as_deref()) {
        doc.put("tags", Doc::texts([tag]));
    }
    let parameters = parameters(path, calls);
    if !parameters.is_empty() {
        doc.put("parameters", Doc::List(parameters));
    }
    if let Some(body) = body(calls) {
        doc.put("requestBody", body);
    }
    doc.put("responses", replies(calls));
    doc
}

/// `Get the open books` as `getOpenBooks`.
fn id(name: &str) -> Option<String> {
    let mut words = words(name);
    words.retain(|word| !matches!(word.as_str(), "a" | "an" | "the"));
    let id: String =
        words.iter().enumerate().map(|(n, word)| if n == 0 { word.clone() } else { capitalized(word) }).collect();
    let is_name = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_name && id.len() <= 60).then_some(id)
}

fn parameters(path: &str, calls: &[&SeenCall]) -> Vec<Doc> {
    let parameter = |place: &str, name: &str, schema: Doc| {
        Doc::of([("name", Doc::from(name)), ("in", Doc::from(place)), ("schema", schema)])
    };
    let text = || Doc::of([("type", Doc::from("string"))]);
    let mut found = Vec::new();
    for name in path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name) {
        let mut doc = parameter("path", name, text());
        doc.put("required", Doc::Flag(true));
        found.push(doc);
    }
    let mut query: IndexMap<&str, Vec<&SeenParameter>> = IndexMap::new();
    for given in calls.iter().flat_map(|call| &call.query) {
        query.entry(given.name.as_str()).or_default().push(given);
    }
    for (name, given) in query {
        let kinds: Vec<&str> = given.iter().filter_map(|given| given.value.as_deref()).map(kind_of_text).collect();
        let kind = kinds.first().copied().filter(|first| kinds.iter().all(|kind| kind == first)).unwrap_or("string");
        // Several of a name in one call are a list.
        let is_list = calls.iter().any(|call| call.query.iter().filter(|given| given.name == name).count() > 1);
        let one = Doc::of([("type", Doc::from(kind))]);
        let schema = if is_list { Doc::of([("type", Doc::from("array")), ("items", one)]) } else { one };
        let mut doc = parameter("query", name, schema);
        if let Some(text) = given.iter().find_map(|given| given.description.as_deref()) {
            doc.put("description", text);
        }
        found.push(doc);
    }
    // A header is a constant if each call has it with a value that is only a form or a version; of others no value is kept.
    for (name, value) in calls.first().map(|call| call.headers.as_slice()).unwrap_or_default() {
        if calls.iter().all(|call| call.headers.iter().any(|(own, _)| own == name)) {
            let is_same = calls.iter().all(|call| call.headers.contains(&(name.clone(), value.clone())));
            let mut schema = text();
            if is_same && is_form(name, value) {
                schema.put("enum", Doc::texts([value.as_str()]));
            }
            let mut doc = parameter("header", name, schema);
            doc.put("required", Doc::Flag(true));
            found.push(doc);
        }
    }
    found
}

/// Whether the value of a header says a media type or a version.
fn is_form(name: &str, value: &str) -> bool {
    let is_version = value.trim_start_matches(['v', 'V']).bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    matches!(name, "accept" | "content-type") || (is_version && value.len() <= 10 && name.contains("version"))
}

fn media(kind: &str, schema: Option<Doc>) -> Doc {
    let media = schema.map_or_else(|| Doc::Map(Fields::new()), |schema| Doc::of([("schema", schema)]));
    Doc::of([(kind, media)])
}

fn body(calls: &[&SeenCall]) -> Option<Doc> {
    let first = calls.iter().find_map(|call| call.body.as_ref())?;
    let same = calls.iter().filter_map(|call| call.body.as_ref());
    let content = match first {
        SeenBody::Json(_) => {
            let values: Vec<&Doc> = same
                .filter_map(|body| match body {
                    SeenBody::Json(value) => Some(value),
                    SeenBody::Form(..) | SeenBody::Other(_) => None,
                })
                .collect();
            media("application/json", Some(schema(&values, true)))
        }
        SeenBody::Form(_, kind) => {
            let mut fields = Fields::new();
            for (name, value) in same
                .filter_map(|body| match body {
                    SeenBody::Form(fields, _) => Some(fields),
                    SeenBody::Json(_) | SeenBody::Other(_) => None,
                })
                .flatten()
            {
                let field = match value {
                    Some(_) => Doc::of([("type", Doc::from("string"))]),
                    None => Doc::of([("type", Doc::from("string")), ("format", Doc::from("binary"))]),
                };
                fields.insert(name.clone(), field);
            }
            media(kind, Some(Doc::of([("type", Doc::from("object")), ("properties", Doc::Map(fields))])))
        }
        SeenBody::Other(kind) => {
            media(kind, Some(Doc::of([("type", Doc::from("string")), ("format", Doc::from("binary"))])))
        }
    };
    let is_required = calls.iter().all(|call| call.body.is_some());
    Some(Doc::of([("required", Doc::Flag(is_required)), ("content", content)]))
}

fn replies(calls: &[&SeenCall]) -> Doc {
    let mut statuses: BTreeMap<u64, Vec<&SeenReply>> = BTreeMap::new();
    for reply in calls.iter().flat_map(|call| &call.replies) {
        statuses.entry(reply.status).or_default().push(reply);
    }
    let mut out = Fields::new();
    for (status, replies) in statuses {
        let mut doc = Doc::of([("description", Doc::from(""))]);
        let json: Vec<&Doc> = replies.iter().filter_map(|reply| reply.body.as_ref()).collect();
        if let Some(reply) = replies.iter().find(|reply| reply.body.is_some()) {
            doc.put("content", media(&reply.kind, Some(schema(&json, false))));
        } else if let Some(reply) = replies.iter().find(|reply| !reply.kind.is_empty()) {
            doc.put("content", media(&reply.kind, None));
        }
        let headers: Fields = replies
            .iter()
            .flat_map(|reply| &reply.headers)
            .map(|name| (name.clone(), Doc::of([("schema", Doc::of([("type", Doc::from("string"))]))])))
            .collect();
        if !headers.is_empty() {
            doc.put("headers", Doc::Map(headers));
        }
        out.insert(status.to_string(), doc);
    }
    if !out.keys().any(|status| status.starts_with('2')) {
        // What a call accepts is what it gets.
        let accepted = calls.iter().find_map(|call| call.headers.iter().find(|(name, _)| name == "accept"));
        let mut doc = Doc::of([("description", Doc::from(""))]);
        if let Some((_, kind)) = accepted.filter(|(_, kind)| !kind.contains([',', ';', '*'])) {
            doc.put("content", media(kind, None));
        }
        out.insert("200".to_owned(), doc);
    }
    Doc::Map(out)
}

/// Headers of a reply that tell about lists and limits.
fn tells(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "link"
        || name == "location"
        || name == "retry-after"
        || name.contains("total")
        || name.contains("ratelimit")
}
