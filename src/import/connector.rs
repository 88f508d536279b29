//! What all operations of a description have in common: address, sign-in, headers, errors. Pure.

use super::api::{Api, In, Server};
use super::envelope::{Envelope, settled};
use super::names::plain_name;
use super::operation::reply_kind;
use super::options::FoundOptions;
use super::prose::{DESCRIPTION_MAX, sentences, title};
use super::reply::is_json;
use super::settings::ImportSettings;
use super::sign_in::{PropertyDraft, SignIn};
use super::value::{Doc, Fields};
use crate::draft::{is_secret_header, title_of};

/// The connector, until its operations are known.
pub(crate) struct ConnectorFound {
    pub(crate) properties: Vec<PropertyDraft>,
    pub(crate) base_url: String,
    /// Constant headers.
    pub(crate) headers: Fields,
    pub(crate) accept: Option<String>,
    pub(crate) sign_in: SignIn,
    /// Headers that operations do not have as options, in lower case.
    pub(crate) consumed: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// What is common to the operations.
pub(crate) fn connector(api: &Api<'_>, settings: &ImportSettings, sign_in: SignIn) -> ConnectorFound {
    let mut notes = Vec::new();
    let (base_url, mut properties) = address(api, settings, &mut notes);
    properties.extend(sign_in.properties.iter().cloned());
    let mut found = ConnectorFound {
        properties,
        base_url,
        headers: Fields::new(),
        accept: None,
        sign_in,
        consumed: settings.fixed_headers(),
        notes,
    };
    common_headers(api, &mut found);
    let kinds: Vec<String> = api.operations.iter().filter_map(reply_kind).filter(|kind| is_json(kind)).collect();
    if let Some(kind) = most(kinds.iter().cloned(), api.operations.len()) {
        if !found.consumed.iter().any(|name| name == "accept") {
            found.headers.insert("Accept".to_owned(), Doc::Text(kind.clone()));
        }
        found.accept = Some(kind);
    }
    if settings.own.connector.is_some() {
        found.consumed.extend(own_credentials(settings));
    }
    found
}

/// Headers of the own connector's credentials.
fn own_credentials(settings: &ImportSettings) -> Vec<String> {
    let auth = settings.own.connector.as_ref().and_then(|doc| doc.get("auth"));
    let header = auth.and_then(|auth| auth.at(&["api_key", "header"])).and_then(Doc::text);
    header.map(str::to_ascii_lowercase).into_iter().collect()
}

/// The value that nine of ten have.
fn most<T: Eq + Clone>(all: impl Iterator<Item = T>, of: usize) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for one in all {
        match counts.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    let (one, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 10 >= of * 9 && of > 0).then_some(one)
}

/// Headers that belong to a call and not to the connection.
const PER_CALL: [&str; 12] = [
    "content-type",
    "accept-language",
    "if-match",
    "if-none-match",
    "x-request-id",
    "x-correlation-id",
    "traceparent",
    "prefer",
    "range",
    "idempotency-key",
    "if-modified-since",
    "if-unmodified-since",
];

/// A header that nearly every operation asks for is a property of the connection.
fn common_headers(api: &Api<'_>, found: &mut ConnectorFound) {
    let all = api.operations.len();
    let mut counts: Vec<(String, &super::api::Parameter<'_>, usize, usize)> = Vec::new();
    for operation in &api.operations {
        for parameter in operation.parameters.iter().filter(|p| p.place == In::Header) {
            let lower = parameter.name.to_ascii_lowercase();
            match counts.iter_mut().find(|(known, ..)| *known == lower) {
                Some((_, _, count, required)) => {
                    *count += 1;
                    *required += usize::from(parameter.is_required);
                }
                None => counts.push((lower, parameter, 1, usize::from(parameter.is_required))),
            }
        }
    }
    for (lower, parameter, count, required) in counts {
        let is_own = found.consumed.contains(&lower)
            || found.sign_in.credentials.iter().any(|(_, name)| name.eq_ignore_ascii_case(&lower));
        let is_common = count * 10 >= all * 9 && all >= 5 && required * 10 >= all * 9;
        if is_own
            || !is_common
            || PER_CALL.contains(&lower.as_str())
            || lower.contains("idempotency")
            || FoundOptions::is_reserved(&lower)
        {
            continue;
        }
        let Some(name) = plain_name(parameter.name) else { continue };
        let text = parameter.spot.doc.text_of("description").unwrap_or_default().to_lowercase();
        let says = ["token", "secret", "password", "api key", "credential"].iter().any(|word| text.contains(word));
        let is_secret = is_secret_header(parameter.name) || says;
        let mut property = PropertyDraft::new(&name, &format!("Value of the header {}", parameter.name), is_secret);
        let values = parameter.schema.and_then(|schema| schema.doc.get("enum")).map(Doc::list).unwrap_or_default();
        let default = parameter.schema.and_then(|schema| schema.doc.get("default")).and_then(Doc::text);
        let default = default.or(if let [Doc::Text(one)] = values { Some(one.as_str()) } else { None });
        if let Some(default) = default {
            property.rules.put("default", default);
        }
        found.headers.insert(parameter.name.to_owned(), Doc::Text(format!("{{{name}}}")));
        found.properties.push(property);
        found.consumed.push(lower);
    }
}

/// The base address and its properties.
fn address(api: &Api<'_>, settings: &ImportSettings, notes: &mut Vec<String>) -> (String, Vec<PropertyDraft>) {
    let given = settings.base_url.as_ref().map(|url| Server { url: url.clone(), variables: Vec::new() });
    let servers: Vec<&Server> = given.iter().chain(&api.servers).collect();
    let usable = |server: &&&Server| server.url.starts_with("https://") || server.url.starts_with("http://");
    let whole =
        servers.iter().find(|server| server.url.starts_with("https://")).or_else(|| servers.iter().find(usable));
    let plain = |default: Option<&str>, others: Vec<&str>| {
        let mut rules = Doc::of([
            ("type", Doc::from("string")),
            ("format", Doc::from("uri")),
            ("description", Doc::from("Address of the API")),
        ]);
        if let Some(default) = default.filter(|url| !is_placeholder(url)) {
            rules.put("default", default);
        }
        if !others.is_empty() {
            rules.put("examples", Doc::texts(others));
        }
        vec![PropertyDraft { name: "baseUrl".to_owned(), rules }]
    };
    let Some(server) = whole else {
        let path = servers
            .first()
            .map(|server| server.url.trim_end_matches('/'))
            .filter(|path| path.starts_with('/') && !path.contains('{'));
        notes.push("the document has no whole address of the API: each connection gives it as `baseUrl`".to_owned());
        return (format!("{{baseUrl}}{}", path.unwrap_or_default()), plain(None, Vec::new()));
    };
    let url = server.url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let is_template =
        !url.contains("{{") && url.matches('{').count() == url.matches('}').count() && !url.contains("{}");
    if url.contains('{') && !is_template {
        notes.push(format!(
            "the address {url} in the document is invalid: each connection gives it as `baseUrl`, or --base-url says it"
        ));
        return ("{baseUrl}".to_owned(), plain(None, Vec::new()));
    }
    if url.contains('{') {
        return with_variables(server, url, notes);
    }
    if url::Url::parse(url).map_or(true, |parsed| !parsed.username().is_empty() || parsed.host_str().is_none()) {
        notes.push(
            "the address of the API in the document is invalid: each connection gives it as `baseUrl`".to_owned(),
        );
        return ("{baseUrl}".to_owned(), plain(None, Vec::new()));
    }
    if url.starts_with("http://") {
        notes.push(
            "the address of the API in the document has no TLS: each connection gives it as `baseUrl`".to_owned(),
        );
        return ("{baseUrl}".to_owned(), plain(None, vec![url]));
    }
    let others = servers
        .iter()
        .map(|s| s.url.as_str())
        .filter(|other| *other != server.url && other.starts_with("https://") && !other.contains('{'));
    ("{baseUrl}".to_owned(), plain(Some(url), others.take(8).collect()))
}

fn with_variables(server: &Server, url: &str, notes: &mut Vec<String>) -> (String, Vec<PropertyDraft>) {
    let mut out = String::new();
    let mut properties: Vec<PropertyDraft> = Vec::new();
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { break };
        let variable = server.variables.iter().find(|variable| variable.name == name);
        let key =
            plain_name(name).map(|name| name.replace(['.', '@', '$'], "-")).unwrap_or_else(|| "variable".to_owned());
        // The scheme and the port stay as they are.
        let default = variable.and_then(|variable| variable.default.clone());
        let is_scheme = out.is_empty() && before.is_empty() && tail.starts_with("://");
        out.push_str(before);
        match default {
            Some(_) if is_scheme => out.push_str("https"),
            default => {
                out.push_str(&format!("{{{key}}}"));
                let text =
                    variable.and_then(|v| v.description.as_deref()).and_then(|text| sentences(text, DESCRIPTION_MAX));
                let mut property =
                    PropertyDraft::new(&key, &text.unwrap_or_else(|| format!("Part of the address {url}")), false);
                let values = variable.map(|variable| variable.values.as_slice()).unwrap_or_default();
                if let Some(default) = default.filter(|default| values.is_empty() || values.contains(default)) {
                    property.rules.put("default", default);
                }
                if !values.is_empty() {
                    property.rules.put("enum", Doc::texts(values.iter().map(String::as_str)));
                }
                if !properties.iter().any(|known| known.name == key) {
                    properties.push(property);
                }
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    if out.starts_with("http://") {
        notes.push("the address of the API in the document has no TLS; it is called over https".to_owned());
        out = out.replacen("http://", "https://", 1);
    }
    (out, properties)
}

/// Whether the host of an address is to be replaced: it belongs to nobody, or to another one.
fn is_placeholder(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let is_label = |label: &str| {
        let names = ["server", "host", "instance", "domain", "subdomain", "tenant", "company", "localhost"];
        label.starts_with("your") || names.contains(&label)
    };
    host.split('.').any(is_label)
}

/// Names of an error's text and code, the best first.
const MESSAGES: [&str; 12] = [
    "message",
    "error_description",
    "errormessage",
    "detail",
    "description",
    "title",
    "error",
    "msg",
    "reason",
    "errors",
    "summary",
    "text",
];
const CODES: [&str; 8] = ["code", "errorcode", "error_code", "error", "type", "errortype", "status", "id"];

/// Where errors have their code and text: the places that replies with an error status describe.
pub(crate) fn errors(api: &Api<'_>) -> Doc {
    let mut messages: Vec<(String, usize)> = Vec::new();
    let mut codes: Vec<(String, usize)> = Vec::new();
    let add = |counts: &mut Vec<(String, usize)>, at: String| match counts.iter_mut().find(|(known, _)| *known == at) {
        Some((_, count)) => *count += 1,
        None => counts.push((at, 1)),
    };
    for operation in &api.operations {
        let wrong = operation.replies.iter().filter(|reply| {
            reply.status.starts_with(['4', '5']) || (reply.status == "default" && operation.replies.len() > 1)
        });
        for reply in wrong {
            let schema = reply.media.iter().find(|media| is_json(&media.kind)).and_then(|media| media.schema);
            let Some(body) = schema.and_then(|schema| settled(api.files, schema)) else { continue };
            let envelope = Envelope::of(api.files, body);
            let best = |names: &[&str]| {
                let found = names.iter().enumerate().filter_map(|(rank, name)| {
                    let fits = |leaf: &&super::envelope::ReplyLeaf<'_>| {
                        leaf.name == *name && leaf.depth <= 1 && (leaf.is_text() || leaf.is_number())
                    };
                    envelope
                        .scalars
                        .iter()
                        .filter(fits)
                        .map(|leaf| (leaf.depth, rank, leaf))
                        .min_by_key(|(depth, rank, _)| (*depth, *rank))
                });
                // A text in the error's own object says more than one beside it.
                found.min_by_key(|(_, rank, _)| *rank).map(|(_, _, leaf)| leaf.pointer.clone())
            };
            // A list of errors: the first tells.
            let listed = |names: &[&str]| {
                let list = envelope.lists.iter().find(|leaf| leaf.depth == 0 && leaf.name == "errors")?;
                let element = settled(api.files, list.end.get("items")?)?;
                let fields = super::envelope::properties(api.files, element);
                let named = |name: &&str| fields.iter().find(|(own, ..)| crate::draft::plain(own) == **name);
                let (own, ..) = names.iter().find_map(named)?;
                Some(format!("{}/0/{}", list.pointer, crate::json_pointer::escape(own)))
            };
            if let Some(at) = best(&MESSAGES).or_else(|| listed(&MESSAGES)) {
                add(&mut messages, at);
            }
            if let Some(at) = best(&CODES).or_else(|| listed(&CODES)) {
                add(&mut codes, at);
            }
        }
    }
    let texts = |mut counts: Vec<(String, usize)>| {
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.truncate(4);
        counts.into_iter().map(|(at, _)| Doc::Text(at)).collect::<Vec<_>>()
    };
    let mut out = Fields::new();
    for (key, places) in [("code", texts(codes)), ("message", texts(messages))] {
        match places.as_slice() {
            [] => {}
            [one] => drop(out.insert(key.to_owned(), one.clone())),
            _ => drop(out.insert(key.to_owned(), Doc::List(places))),
        }
    }
    Doc::Map(out)
}

/// The rule for a header that says how long to wait, if it is not Retry-After.
pub(crate) fn wait_rule(api: &Api<'_>) -> Option<Doc> {
    let limited = api.operations.iter().flat_map(|operation| &operation.replies).filter(|reply| reply.status == "429");
    let names: Vec<String> =
        limited.flat_map(|reply| reply.headers.iter().map(|(name, _)| (*name).to_owned())).collect();
    if names.iter().any(|name| name.eq_ignore_ascii_case("retry-after")) {
        return None;
    }
    let header = names.iter().find(|name| name.to_ascii_lowercase().ends_with("ratelimit-reset"))?;
    Some(Doc::of([
        ("when", Doc::of([("status", Doc::from(429))])),
        ("then", Doc::from("rate_limited")),
        ("wait", Doc::of([("header", Doc::from(header.as_str()))])),
    ]))
}

/// The keys of connector.yaml before its sets.
pub(crate) fn head(
    api: &Api<'_>,
    settings: &ImportSettings,
    found: &ConnectorFound,
    docs_version: u64,
) -> Vec<(&'static str, Doc, Option<String>)> {
    let mut out: Vec<(&'static str, Doc, Option<String>)> = Vec::new();
    let mut put = |key, value, why| out.push((key, value, why));
    put("version", Doc::from(docs_version), None);
    put("connector", Doc::Text(settings.connector.clone()), None);
    let name = Some(api.title.as_str()).filter(|_| !settings.without_texts).and_then(title);
    put("title", Doc::Text(name.unwrap_or_else(|| title_of(&settings.connector))), None);
    let root = api.files.root().doc;
    let about = root.at(&["info", "description"]).and_then(Doc::text).filter(|_| !settings.without_texts);
    if let Some(about) = about.and_then(|text| sentences(text, DESCRIPTION_MAX)) {
        put("description", Doc::Text(about), None);
    }
    if let Some(docs) = api.docs.as_ref().filter(|url| url::Url::parse(url).is_ok()) {
        put("docs", Doc::Text(docs.clone()), None);
    }
    let properties = found.properties.iter().map(|property| (property.name.clone(), property.rules.clone()));
    put("connection", Doc::Map(properties.collect()), None);
    put("base_url", Doc::Text(found.base_url.clone()), None);
    put("auth", found.sign_in.auth.clone(), found.sign_in.why.clone());
    if !found.headers.is_empty() {
        put("fixed", Doc::of([("header", Doc::Map(found.headers.clone()))]), None);
    }
    let errors = errors(api);
    if !errors.is_empty() {
        put("errors", errors, None);
    }
    if let Some(rule) = wait_rule(api) {
        put("rules", Doc::List(vec![rule]), Some("the status 429 has this header, and no Retry-After".to_owned()));
    }
    out
}
