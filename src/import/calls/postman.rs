//! Postman collections of version 2: requests in folders, with variables, and replies that were saved as examples. Pure.

use std::collections::HashMap;

use super::super::report::LeftOut;
use super::super::value::Doc;
use super::{SeenAuth, SeenBody, SeenCall, SeenCalls, SeenParameter, SeenReply, split_origin, tells};
use crate::draft::{is_kept_header, is_secret_header, is_secret_name, looks_like_id, read_address, sign_in_of};

/// Stands for an address that is not known.
const UNKNOWN: &str = "https://unknown.invalid";
/// Folders within folders.
const DEPTH_MAX: usize = 32;

/// Reads a collection. `Err` says why it is none.
pub(crate) fn read(doc: &Doc, base_url: Option<&str>) -> Result<SeenCalls, String> {
    // The API of Postman has it within another map.
    let doc = doc.get("collection").filter(|_| doc.get("item").is_none()).unwrap_or(doc);
    let Some(items) = doc.get("item") else {
        let is_old = doc.get("requests").is_some() && doc.get("order").is_some();
        return Err(match is_old {
            true => "it is a collection of version 1: export it as version 2.1".to_owned(),
            false => "it is no Postman collection: `item` is missing".to_owned(),
        });
    };
    let mut collection = Collection {
        variables: HashMap::new(),
        seen: SeenCalls {
            format: "Postman collection",
            said: base_url.map(|url| split_origin(url).0.to_owned()),
            title: doc.at(&["info", "name"]).and_then(Doc::text).unwrap_or_default().to_owned(),
            ..SeenCalls::default()
        },
        unknown: Vec::new(),
    };
    collection.define(doc);
    collection.folder(items, None, doc.get("auth"), 0);
    for name in &collection.unknown {
        collection.seen.notes.push(format!(
            "the address has the variable {{{{{name}}}}}, which the collection does not give: --base-url says it"
        ));
    }
    collection.seen.drop_others();
    if collection.seen.calls.is_empty() && collection.seen.left_out.is_empty() {
        return Err("the collection has no requests".to_owned());
    }
    Ok(collection.seen)
}

struct Collection {
    variables: HashMap<String, String>,
    seen: SeenCalls,
    /// Variables of addresses without a value.
    unknown: Vec<String>,
}

impl Collection {
    fn define(&mut self, doc: &Doc) {
        for variable in doc.get("variable").map(Doc::list).unwrap_or_default() {
            let name = variable.text_of("key").or_else(|| variable.text_of("id"));
            if let (Some(name), Some(value)) = (name, variable.text_of("value")) {
                self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
    }

    fn folder(&mut self, items: &Doc, tag: Option<&str>, auth: Option<&Doc>, depth: usize) {
        for item in items.list() {
            let name = item.text_of("name").unwrap_or_default();
            let auth = item.get("auth").filter(|auth| auth.map().is_some()).or(auth);
            match (item.get("item"), item.get("request")) {
                (Some(_), _) if depth > DEPTH_MAX => {
                    self.seen.left_out.push(LeftOut::new(name, "folders are nested too deep"));
                }
                (Some(inner), _) => {
                    self.define(item);
                    self.folder(inner, tag.or(Some(name)), auth, depth + 1);
                }
                (None, Some(request)) => match self.call(item, request, auth) {
                    Ok(call) => self.seen.calls.push(SeenCall { tag: tag.map(str::to_owned), ..call }),
                    Err(why) => self.seen.left_out.push(LeftOut::new(name, why)),
                },
                (None, None) => self.seen.left_out.push(LeftOut::new(name, "it has no request")),
            }
        }
    }

    fn call(&mut self, item: &Doc, request: &Doc, auth: Option<&Doc>) -> Result<SeenCall, String> {
        let url = match request {
            Doc::Text(_) => request,
            _ => request.get("url").ok_or("it has no address")?,
        };
        let raw = url.text().or_else(|| url.text_of("raw")).map(str::to_owned).or_else(|| parts(url));
        let raw = raw.filter(|raw| !raw.trim().is_empty()).ok_or("it has no address")?;
        let (address, is_known) = self.address(&raw)?;
        let verb = request.text_of("method").unwrap_or("GET").to_ascii_uppercase();
        let headers = headers(request.get("header"));
        let said: Option<&[Doc]> = url.get("query").map(Doc::list);
        let query: Vec<SeenParameter> = match said {
            Some(list) => list.iter().filter_map(parameter).collect(),
            None => address
                .query
                .iter()
                .map(|(name, value)| SeenParameter { name: name.clone(), value: known(value), description: None })
                .collect(),
        };
        let own = request.get("auth").filter(|auth| auth.map().is_some()).or(auth);
        let auth = match own {
            Some(auth) => self.auth(auth),
            None => sign_in_of(&headers, &address.query).and_then(|auth| SeenAuth::of(&auth)),
        };
        let is_key = |name: &str| {
            is_secret_name(name) || matches!(&auth, Some(SeenAuth::Key(_, key)) if key.eq_ignore_ascii_case(name))
        };
        let body = request.get("body").filter(|body| !body.is_true("disabled"));
        let body = body.map(|body| read_body(body, &headers)).transpose()?.flatten();
        Ok(SeenCall {
            name: item.text_of("name").filter(|name| is_plain(name)).map(str::to_owned),
            description: description(request).or_else(|| description(item)),
            verb,
            base: if is_known { address.base } else { String::new() },
            path: address.path,
            query: query.into_iter().filter(|parameter| !is_key(&parameter.name)).collect(),
            headers: headers
                .into_iter()
                .filter(|(name, value)| is_kept_header(name, value) && !is_key(name) && !is_secret_header(name))
                .filter(|(name, _)| name != "cookie" && name != "authorization")
                .collect(),
            body,
            replies: item.get("response").map(Doc::list).unwrap_or_default().iter().filter_map(reply).collect(),
            auth,
            ..SeenCall::default()
        })
    }

    /// The address with the values of variables at its beginning, and with a parameter for each in its path. Says whether
    /// its beginning is known.
    fn address(&mut self, raw: &str) -> Result<(crate::draft::Address, bool), String> {
        let mut raw = raw.trim().to_owned();
        let mut is_known = true;
        // A variable at the beginning is the address, perhaps with others in it.
        for _ in 0..8 {
            let Some(name) = raw.strip_prefix("{{").and_then(|rest| rest.split("}}").next()).map(str::to_owned) else {
                break;
            };
            let rest = raw.get(name.len() + 4..).unwrap_or_default().to_owned();
            raw = match self.variables.get(name.trim()) {
                Some(value) => format!("{}{rest}", value.trim_end_matches('/')),
                None => {
                    is_known = false;
                    self.miss(&name);
                    format!("{UNKNOWN}{rest}")
                }
            };
        }
        let raw = if raw.contains("://") { raw } else { format!("https://{raw}") };
        let after = raw.find("://").map_or(0, |at| at + 3);
        let host_end = raw.get(after..).and_then(|rest| rest.find(['/', '?'])).map_or(raw.len(), |at| after + at);
        let (host, rest) = raw.split_at(host_end);
        let host = match self.resolved(host) {
            Some(host) => host,
            None => {
                is_known = false;
                let name = host.split("{{").nth(1).and_then(|rest| rest.split("}}").next()).unwrap_or_default();
                self.miss(name);
                UNKNOWN.to_owned()
            }
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let segment = |segment: &str| match segment.strip_prefix(':') {
            Some(name) if !name.is_empty() => format!("{{{name}}}"),
            _ => segment.replace("{{", "{").replace("}}", "}"),
        };
        let path = path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let path = path.split('#').next().unwrap_or_default();
        let query = query.split('#').next().unwrap_or_default();
        Ok((read_address(&format!("{host}{path}?{query}"))?, is_known))
    }

    fn auth(&mut self, auth: &Doc) -> Option<SeenAuth> {
        let kind = auth.text_of("type").unwrap_or_default();
        let value = |key: &str| -> Option<String> {
            let of_kind = auth.get(kind)?;
            let in_list = of_kind
                .list()
                .iter()
                .find(|pair| pair.text_of("key") == Some(key))
                .and_then(|pair| pair.text_of("value"));
            in_list.or_else(|| of_kind.text_of(key)).map(str::to_owned)
        };
        match kind {
            "noauth" => Some(SeenAuth::None),
            "basic" => Some(SeenAuth::Basic),
            "digest" => Some(SeenAuth::Digest),
            "bearer" => Some(SeenAuth::Bearer),
            "apikey" => {
                let place = if value("in").as_deref() == Some("query") { "query" } else { "header" };
                value("key").filter(|name| !name.contains("{{")).map(|name| SeenAuth::Key(place, name))
            }
            "oauth2" => {
                let is_code = value("grant_type").is_some_and(|grant| grant.starts_with("authorization_code"));
                let url = |key: &str| {
                    value(key).and_then(|url| self.resolved(&url)).filter(|url| url.starts_with("https://"))
                };
                match (url("accessTokenUrl"), url("authUrl")) {
                    (Some(token), Some(page)) if is_code => {
                        Some(SeenAuth::Oauth("authorizationCode", token, Some(page)))
                    }
                    (Some(token), _) if !is_code => Some(SeenAuth::Oauth("clientCredentials", token, None)),
                    _ => Some(SeenAuth::Bearer),
                }
            }
            other => {
                let note = format!("the sign-in `{other}` is not imported: write `auth` in overrides.yaml");
                if !other.is_empty() && !self.seen.notes.contains(&note) {
                    self.seen.notes.push(note);
                }
                None
            }
        }
    }

    /// Remembers a variable of an address that has no value.
    fn miss(&mut self, name: &str) {
        if !self.unknown.iter().any(|known| known == name) {
            self.unknown.push(name.to_owned());
        }
    }

    /// A text with the values of its variables; `None` if one has no value.
    fn resolved(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for (name, value) in &self.variables {
            text = text.replace(&format!("{{{{{name}}}}}"), value);
        }
        (!text.contains("{{")).then_some(text)
    }
}

/// Whether a name has no values in it.
fn is_plain(name: &str) -> bool {
    !name.contains("://") && !name.contains("{{") && !name.split_whitespace().any(looks_like_id)
}

/// An address in parts.
fn parts(url: &Doc) -> Option<String> {
    let joined = |key: &str, by: &str| match url.get(key)? {
        Doc::Text(text) => Some(text.clone()),
        list => {
            let text = |part: &Doc| part.text().or_else(|| part.text_of("value")).map(str::to_owned);
            Some(list.list().iter().filter_map(text).collect::<Vec<_>>().join(by))
        }
    };
    let host = joined("host", ".")?;
    let port = url.text_of("port").map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = url.text_of("protocol").map(|scheme| format!("{scheme}://")).unwrap_or_default();
    Some(format!("{scheme}{host}{port}/{}", joined("path", "/").unwrap_or_default().trim_start_matches('/')))
}

/// A value that is no variable.
fn known(value: &str) -> Option<String> {
    (!value.is_empty() && !value.contains("{{")).then(|| value.to_owned())
}

/// A parameter, also one that is switched off: it is known to the API.
fn parameter(pair: &Doc) -> Option<SeenParameter> {
    let name = pair.text_of("key").filter(|name| !name.contains("{{"))?.to_owned();
    let value = pair.get("value").and_then(Doc::text).and_then(known);
    Some(SeenParameter { name, value, description: description(pair) })
}

fn description(doc: &Doc) -> Option<String> {
    match doc.get("description")? {
        Doc::Text(text) => Some(text.clone()),
        other => other.text_of("content").map(str::to_owned),
    }
    .filter(|text| !text.trim().is_empty())
}

/// Headers that are switched on, with names in lower case. A text has one in each line.
fn headers(list: Option<&Doc>) -> Vec<(String, String)> {
    match list {
        Some(Doc::Text(text)) => text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        list => list
            .map(Doc::list)
            .unwrap_or_default()
            .iter()
            .filter(|pair| !pair.is_true("disabled"))
            .filter_map(|pair| {
                let value = pair.get("value").and_then(Doc::text).unwrap_or_default();
                Some((pair.text_of("key")?.trim().to_ascii_lowercase(), value.to_owned()))
            })
            .collect(),
    }
}

fn read_body(body: &Doc, headers: &[(String, String)]) -> Result<Option<SeenBody>, String> {
    let declared =
        headers.iter().find(|(name, _)| name == "content-type").map(|(_, kind)| kind.as_str()).unwrap_or_default();
    let kind = declared.split(';').next().unwrap_or_default().trim().to_owned();
    let mode = body.text_of("mode").unwrap_or_default();
    let fields = || {
        let fields = body.get(mode).map(Doc::list).unwrap_or_default().iter();
        let field = |field: &Doc| {
            let is_file = field.text_of("type") == Some("file");
            Some((field.text_of("key")?.to_owned(), (!is_file).then(String::new)))
        };
        fields.filter_map(field).collect::<Vec<_>>()
    };
    let found = match mode {
        "raw" => {
            let text = body.get("raw").and_then(Doc::text).unwrap_or_default();
            let language = body.at(&["options", "raw", "language"]).and_then(Doc::text).unwrap_or_default();
            let is_json = super::super::reply::is_json(&kind)
                || language == "json"
                || (kind.is_empty() && text.trim_start().starts_with(['{', '[']));
            match (text.trim().is_empty(), is_json) {
                (true, _) => None,
                (false, true) => {
                    let value = json(text).ok_or("its body is no JSON, even with its variables as texts")?;
                    Some(SeenBody::Json(value))
                }
                (false, false) => {
                    let of_language = match language {
                        "xml" => "application/xml",
                        "html" => "text/html",
                        _ => "text/plain",
                    };
                    Some(SeenBody::Other(if kind.is_empty() { of_language.to_owned() } else { kind }))
                }
            }
        }
        "urlencoded" => Some(SeenBody::Form(fields(), "application/x-www-form-urlencoded")),
        "formdata" => Some(SeenBody::Form(fields(), "multipart/form-data")),
        "file" => Some(SeenBody::Other(if kind.is_empty() { "application/octet-stream".to_owned() } else { kind })),
        "graphql" => return Err("it is a GraphQL request: docs/connectors.md shows how these are written".to_owned()),
        "" => None,
        other => return Err(format!("its body is of the kind `{other}`, which is not read")),
    };
    Ok(found)
}

/// JSON in which variables may stand for values.
fn json(text: &str) -> Option<Doc> {
    let of = |text: &str| Doc::read(text).ok().filter(|doc| matches!(doc, Doc::Map(_) | Doc::List(_)));
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let read = |text: &str| {
        of(text).or_else(|| of(&text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")))
    };
    if !text.contains("{{") {
        return read(text);
    }
    // Within a text a variable is a part of it; elsewhere its type is not known.
    let (mut out, mut rest, mut is_text) = (String::new(), text, false);
    while let Some(c) = rest.chars().next() {
        if let Some(end) = rest.strip_prefix("{{").filter(|_| !is_text).and_then(|inner| inner.find("}}")) {
            out.push_str("null");
            rest = rest.get(end + 4..).unwrap_or_default();
            continue;
        }
        if c == '\\' && is_text {
            let pair: String = rest.chars().take(2).collect();
            out.push_str(&pair);
            rest = rest.get(pair.len()..).unwrap_or_default();
            continue;
        }
        is_text ^= c == '"';
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    read(&out)
}

fn reply(example: &Doc) -> Option<SeenReply> {
    let status = example.get("code").and_then(Doc::whole).filter(|status| (200..600).contains(status))?;
    let headers = headers(example.get("header"));
    let declared = headers.iter().find(|(name, _)| name == "content-type").map(|(_, kind)| kind.clone());
    let kind = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    let text = example.get("body").and_then(Doc::text).unwrap_or_default();
    let value = json(text).filter(|_| kind.is_empty() || super::super::reply::is_json(&kind));
    let kind = match (text.trim().is_empty(), value.is_some()) {
        (true, _) => String::new(),
        (false, true) if kind.is_empty() => "application/json".to_owned(),
        (false, _) => kind,
    };
    let headers = headers.into_iter().map(|(name, _)| name).filter(|name| tells(name)).collect();
    Some(SeenReply { status, kind, headers, body: value })
}
