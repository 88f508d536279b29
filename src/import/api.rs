//! What a description says, whatever its version: servers, sign-in, operations with their parameters, bodies and replies.
//! Pure.

use super::refs::{Files, Spot};
use super::report::LeftOut;
use super::value::Doc;

/// A description.
pub(crate) struct Api<'f> {
    pub(crate) files: &'f Files,
    /// Swagger 2.0.
    pub(crate) is_two: bool,
    pub(crate) version: String,
    pub(crate) title: String,
    /// Whether its introduction speaks of pages.
    pub(crate) tells_of_pages: bool,
    pub(crate) docs: Option<String>,
    pub(crate) servers: Vec<Server>,
    pub(crate) schemes: Vec<(&'f str, Spot<'f>)>,
    pub(crate) security: Option<Vec<Alternative>>,
    pub(crate) operations: Vec<ApiOperation<'f>>,
    pub(crate) left_out: Vec<LeftOut>,
    /// Calls that the system makes.
    pub(crate) webhooks: usize,
}

/// A server's address with `{variable}`s, and these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) default: Option<String>,
    pub(crate) values: Vec<String>,
    pub(crate) description: Option<String>,
}

/// Schemes that are needed together, with their scopes.
pub(crate) type Alternative = Vec<(String, Vec<String>)>;

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum In {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter<'f> {
    pub(crate) name: &'f str,
    pub(crate) place: In,
    pub(crate) is_required: bool,
    /// The parameter itself.
    pub(crate) spot: Spot<'f>,
    /// What describes its value: in Swagger 2.0 the parameter.
    pub(crate) schema: Option<Spot<'f>>,
    /// It is sent as JSON text.
    pub(crate) is_json: bool,
}

/// A body or a reply in one media type.
#[derive(Clone, Debug)]
pub(crate) struct Media<'f> {
    pub(crate) kind: String,
    pub(crate) schema: Option<Spot<'f>>,
    /// Swagger 2.0: the fields of a form.
    pub(crate) fields: Vec<Parameter<'f>>,
    pub(crate) spot: Option<Spot<'f>>,
}

pub(crate) struct ApiBody<'f> {
    pub(crate) is_required: bool,
    pub(crate) media: Vec<Media<'f>>,
}

pub(crate) struct ApiReply<'f> {
    /// Such as `200`, `2XX` or `default`.
    pub(crate) status: &'f str,
    pub(crate) headers: Vec<(&'f str, Spot<'f>)>,
    pub(crate) media: Vec<Media<'f>>,
}

impl ApiReply<'_> {
    pub(crate) fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }
}

pub(crate) struct ApiOperation<'f> {
    pub(crate) files: &'f Files,
    pub(crate) verb: String,
    /// As it is written.
    pub(crate) path: &'f str,
    pub(crate) spot: Spot<'f>,
    pub(crate) parameters: Vec<Parameter<'f>>,
    /// What could not be read.
    pub(crate) lost: Vec<String>,
    pub(crate) body: Option<ApiBody<'f>>,
    pub(crate) replies: Vec<ApiReply<'f>>,
    pub(crate) servers: Vec<Server>,
    pub(crate) security: Option<Vec<Alternative>>,
}

impl ApiOperation<'_> {
    /// Verb and path: the identity of an operation.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }
}

const VERBS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];
const SENDABLE: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl<'f> Api<'f> {
    /// Reads a description. `Err` says why it is none.
    pub(crate) fn read(files: &'f Files) -> Result<Api<'f>, String> {
        let root = files.root();
        let version = |key: &str| match root.doc.get(key)? {
            Doc::Text(text) => Some(text.clone()),
            Doc::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let is_two = version("swagger").is_some_and(|v| v.starts_with('2'));
        let three = version("openapi").filter(|v| v.starts_with("3."));
        let Some(version) = three.or(version("swagger").filter(|_| is_two)) else { return Err(unknown(root.doc)) };
        let text = |path: &[&str]| root.doc.at(path).and_then(Doc::text).map(str::to_owned);
        let schemes =
            if is_two { root.get("securityDefinitions") } else { deep(root, &["components", "securitySchemes"]) };
        let mut api = Api {
            files,
            is_two,
            version,
            title: text(&["info", "title"]).unwrap_or_default(),
            tells_of_pages: text(&["info", "description"]).is_some_and(|text| text.to_lowercase().contains("paginat")),
            docs: text(&["externalDocs", "url"]).filter(|url| url.starts_with("https://")),
            servers: servers(root, is_two),
            schemes: schemes
                .into_iter()
                .flat_map(Spot::fields)
                .filter_map(|(name, spot)| Some((name, files.resolve(spot).ok()?)))
                .collect(),
            security: root.get("security").map(alternatives),
            operations: Vec::new(),
            left_out: Vec::new(),
            webhooks: root.get("webhooks").map_or(0, |hooks| hooks.fields().count()),
        };
        if let Some(paths) = root.get("paths") {
            for (path, item) in paths.fields().filter(|(path, _)| !path.starts_with("x-")) {
                match files.resolve(item) {
                    Ok(item) if item.doc.map().is_none() => {
                        api.left_out.push(LeftOut::new(path, "it is not a map"));
                    }
                    Ok(item) => api.path_item(path, item),
                    Err(why) => api.left_out.push(LeftOut::new(path, why)),
                }
            }
        }
        if api.operations.is_empty() && api.left_out.is_empty() {
            return Err("the document describes no operations: `paths` is missing or empty".to_owned());
        }
        Ok(api)
    }

    fn path_item(&mut self, path: &'f str, item: Spot<'f>) {
        let shared = item.get("parameters");
        let own = item.fields().filter(|(key, _)| VERBS.contains(key) || *key == "query");
        let more = item.get("additionalOperations").into_iter().flat_map(Spot::fields);
        for (verb, spot) in own.chain(more) {
            let verb = verb.to_ascii_uppercase();
            let line = format!("{verb} {path}");
            if !SENDABLE.contains(&verb.as_str()) {
                let why = format!("opnode does not send {verb} requests");
                self.left_out.push(LeftOut::new(&line, why));
                continue;
            }
            match self.operation(verb, path, (item, shared), spot) {
                Ok(operation) => self.operations.push(operation),
                Err(why) => self.left_out.push(LeftOut::new(&line, why)),
            }
        }
    }

    fn operation(
        &self,
        verb: String,
        path: &'f str,
        (item, shared): (Spot<'f>, Option<Spot<'f>>),
        spot: Spot<'f>,
    ) -> Result<ApiOperation<'f>, String> {
        let spot = self.files.resolve(spot)?;
        if spot.doc.map().is_none() {
            return Err("it is not a map".to_owned());
        }
        let mut parameters: Vec<Parameter<'f>> = Vec::new();
        let mut form: Vec<Parameter<'f>> = Vec::new();
        let mut body = None;
        let lists = [shared, spot.get("parameters")];
        let mut lost = Vec::new();
        for given in lists.into_iter().flatten().flat_map(Spot::list) {
            let found = match self.files.resolve(given) {
                Ok(found) => found,
                Err(why) => {
                    lost.push(format!("a parameter cannot be read, and is left out: {why}"));
                    continue;
                }
            };
            let Some(name) = found.doc.text_of("name") else {
                lost.push("a parameter has no name, and is left out".to_owned());
                continue;
            };
            let kind = found.doc.text_of("in").unwrap_or_default();
            let place = match kind {
                "path" => In::Path,
                "query" => In::Query,
                "header" => In::Header,
                "cookie" => In::Cookie,
                "body" => {
                    body = Some(found);
                    continue;
                }
                "formData" => {
                    form.push(self.parameter(name, In::Query, found));
                    continue;
                }
                "querystring" => {
                    return Err(format!("the parameter `{name}` is the whole query, which is not supported"));
                }
                other => {
                    lost.push(format!("the parameter `{name}` is sent in `{other}`, which is not known: left out"));
                    continue;
                }
            };
            // The operation's own one counts.
            parameters.retain(|p| (p.name, p.place) != (name, place));
            parameters.push(self.parameter(name, place, found));
        }
        let own_servers = spot.get("servers").or_else(|| item.get("servers")).map(|_| spot);
        Ok(ApiOperation {
            files: self.files,
            body: if self.is_two { self.body_two(body, form, spot) } else { self.body(spot)? },
            replies: self.replies(spot),
            servers: own_servers
                .map(|_| servers(if spot.get("servers").is_some() { spot } else { item }, false))
                .unwrap_or_default(),
            security: spot.get("security").map(alternatives),
            verb,
            path,
            spot,
            parameters,
            lost,
        })
    }

    fn parameter(&self, name: &'f str, place: In, spot: Spot<'f>) -> Parameter<'f> {
        let content = spot.get("content").and_then(|content| content.fields().next());
        let (schema, is_json) = match content {
            Some((_, media)) => (media.get("schema"), true),
            None if self.is_two => (Some(spot), false),
            None => (spot.get("schema"), false),
        };
        let is_required = place == In::Path || spot.doc.is_true("required");
        Parameter { name, place, is_required, spot, schema, is_json }
    }

    fn body(&self, spot: Spot<'f>) -> Result<Option<ApiBody<'f>>, String> {
        let Some(body) = spot.get("requestBody") else { return Ok(None) };
        let body = self.files.resolve(body).map_err(|why| format!("its body: {why}"))?;
        let media = body.get("content").map(|content| self.media(content)).unwrap_or_default();
        Ok((!media.is_empty()).then(|| ApiBody { is_required: body.doc.is_true("required"), media }))
    }

    fn body_two(&self, body: Option<Spot<'f>>, form: Vec<Parameter<'f>>, spot: Spot<'f>) -> Option<ApiBody<'f>> {
        let kinds = self.kinds(spot, "consumes");
        if !form.is_empty() {
            let has_file = form.iter().any(|field| field.spot.doc.text_of("type") == Some("file"));
            let is_multipart = has_file || kinds.first().is_some_and(|kind| kind.starts_with("multipart/"));
            let kind = if is_multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
            let is_required = form.iter().any(|field| field.is_required);
            let media = Media { kind: kind.to_owned(), schema: None, fields: form, spot: None };
            return Some(ApiBody { is_required, media: vec![media] });
        }
        let body = body?;
        let kinds = if kinds.is_empty() { vec!["application/json".to_owned()] } else { kinds };
        let media = |kind| Media { kind, schema: body.get("schema"), fields: Vec::new(), spot: None };
        Some(ApiBody { is_required: body.doc.is_true("required"), media: kinds.into_iter().map(media).collect() })
    }

    fn kinds(&self, spot: Spot<'f>, key: &str) -> Vec<String> {
        let found = spot.get(key).or_else(|| self.files.root().get(key));
        found.into_iter().flat_map(Spot::list).filter_map(|kind| kind.doc.text().map(str::to_ascii_lowercase)).collect()
    }

    fn media(&self, content: Spot<'f>) -> Vec<Media<'f>> {
        let entry = |(kind, spot): (&str, Spot<'f>)| {
            let spot = self.files.resolve(spot).ok();
            let schema = spot.and_then(|spot| spot.get("schema").or_else(|| spot.get("itemSchema")));
            Media { kind: kind.to_ascii_lowercase(), schema, fields: Vec::new(), spot }
        };
        content.fields().map(entry).collect()
    }

    fn replies(&self, spot: Spot<'f>) -> Vec<ApiReply<'f>> {
        let mut replies = Vec::new();
        for (status, reply) in spot.get("responses").into_iter().flat_map(Spot::fields) {
            // A reply that leads nowhere is one without a body description.
            let reply = self.files.resolve(reply).unwrap_or(Spot { file: "", doc: &Doc::Null });
            let headers = reply.get("headers").into_iter().flat_map(Spot::fields);
            let headers = headers.filter_map(|(name, header)| Some((name, self.files.resolve(header).ok()?)));
            let media = if self.is_two {
                let kinds = self.kinds(spot, "produces");
                let kinds = if kinds.is_empty() { vec!["application/json".to_owned()] } else { kinds };
                let schema = reply.get("schema");
                let media = |kind| Media { kind, schema, fields: Vec::new(), spot: None };
                schema.map(|_| kinds.into_iter().map(media).collect()).unwrap_or_default()
            } else {
                reply.get("content").map(|content| self.media(content)).unwrap_or_default()
            };
            replies.push(ApiReply { status, headers: headers.collect(), media });
        }
        replies
    }
}

fn deep<'f>(spot: Spot<'f>, path: &[&str]) -> Option<Spot<'f>> {
    path.iter().try_fold(spot, |spot, key| spot.get(key))
}

fn alternatives(spot: Spot<'_>) -> Vec<Alternative> {
    let scopes = |spot: Spot<'_>| spot.list().filter_map(|scope| scope.doc.text().map(str::to_owned)).collect();
    spot.list().map(|one| one.fields().map(|(name, spot)| (name.to_owned(), scopes(spot))).collect()).collect()
}

fn servers(spot: Spot<'_>, is_two: bool) -> Vec<Server> {
    if is_two {
        let text = |key: &str| spot.doc.text_of(key);
        let schemes: Vec<&str> =
            spot.get("schemes").into_iter().flat_map(Spot::list).filter_map(|s| s.doc.text()).collect();
        let scheme = if schemes.is_empty() || schemes.contains(&"https") { "https" } else { "http" };
        let base = text("basePath").unwrap_or_default().trim_end_matches('/');
        let url = text("host").map_or_else(|| base.to_owned(), |host| format!("{scheme}://{host}{base}"));
        return if url.is_empty() { Vec::new() } else { vec![Server { url, variables: Vec::new() }] };
    }
    let text = |doc: &Doc| match doc {
        Doc::Text(text) => Some(text.clone()),
        Doc::Number(number) => Some(number.to_string()),
        Doc::Flag(flag) => Some(flag.to_string()),
        Doc::Null | Doc::List(_) | Doc::Map(_) => None,
    };
    let variable = |(name, spot): (&str, Spot<'_>)| Variable {
        name: name.to_owned(),
        default: spot.doc.get("default").and_then(text).filter(|value| !value.is_empty()),
        values: spot.get("enum").into_iter().flat_map(Spot::list).filter_map(|value| text(value.doc)).collect(),
        description: spot.doc.text_of("description").map(str::to_owned),
    };
    let server = |spot: Spot<'_>| {
        let variables = spot.get("variables").into_iter().flat_map(Spot::fields).map(variable).collect();
        let url = spot.doc.text_of("url")?.trim();
        // Without a scheme, it is that of the document: https.
        let url = if url.starts_with("//") { format!("https:{url}") } else { url.to_owned() };
        Some(Server { url, variables })
    };
    spot.get("servers").into_iter().flat_map(Spot::list).filter_map(server).collect()
}

/// Why a document is no description.
fn unknown(root: &Doc) -> String {
    let is = |key: &str| root.get(key).is_some();
    match root {
        _ if is("swagger") || is("openapi") => {
            "its version is not known: Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2 are read".to_owned()
        }
        _ if is("asyncapi") => "it is an AsyncAPI document, which is not read".to_owned(),
        _ if is("overlay") => "it is an overlay; name it with --overlay beside the document that it changes".to_owned(),
        _ if root.at(&["info", "_postman_id"]).is_some() || root.at(&["info", "schema"]).is_some() => {
            "it is a Postman collection: `opnode import postman` reads it".to_owned()
        }
        _ if root.at(&["log", "entries"]).is_some() => "it is a HAR file: `opnode import har` reads it".to_owned(),
        _ if is("data") || is("__schema") => "it seems to be a GraphQL schema, which is not read".to_owned(),
        Doc::Map(_) => "neither `openapi: 3.x` nor `swagger: \"2.0\"` is at its top".to_owned(),
        _ => "it is no map: neither `openapi` nor `swagger` is at its top".to_owned(),
    }
}
