//! Converts the connector file's mirror to the checked connector. Pure.

use super::auth::auth;
use super::credentials::check_place;
use super::effects;
use super::login::csrf;
use super::option::option_rule;
use super::paging::{keyset, paging, values};
use super::{request, request_effects};
use crate::authoring::{Checker, Document, Format, Ordered, Pointer, Text, explain, version};
use crate::definition::auth::Auth;
use crate::definition::connector::{Connector, DetailRules, ErrorRules, Explain, Probe, Property, Rate, Success};
use crate::definition::file::{
    ConnectorFile, ErrorsFile, EscapeFile, KeysetFile, LiteralsFile, OptionFile, ProbeFile, PropertyFile,
    PropertyTypeFile, SuccessFile, VerdictFile,
};
use crate::definition::literals::{Literals, QuoteEscape};
use crate::definition::meaning::{Meaning, ReplyRule};
use crate::definition::option_rule::OptionRule;
use crate::definition::paging::Paging;
use crate::definition::property_value::misfit_of_default;
use crate::definition::public_origin::{PublicOrigin, is_plain_origin};
use crate::error::{Result, did_you_mean};
use crate::json_pointer::escape;

/// Reads `connector.yaml`.
pub(in crate::definition) fn read_connector(doc: &Document) -> Result<Connector> {
    let mirror: ConnectorFile = doc.read().map_err(|e| explain(Format::Connector, doc, &[], &e))?;
    let mut c = Checker::new(doc);
    let connector = convert(&mut c, mirror);
    c.finish("the connector file is invalid", Some(connector))
}

fn convert(c: &mut Checker<'_>, file: ConnectorFile) -> Connector {
    version(c, Format::Connector, file.version);
    let properties: Vec<Property> = file.connection.into_iter().map(|(name, p)| property(name, p)).collect();
    // An invalid part is reported and treated as empty, so that the other parts are checked too.
    let base_url = c.text("/base_url", &file.base_url).unwrap_or_default();
    let auth = auth(c, file.auth, &properties);
    let csrf = file.csrf.and_then(|file| csrf(c, file, &properties));
    if csrf.is_some() && matches!(auth, Auth::Digest(_)) {
        c.fault("/csrf", "`csrf` cannot be used with `auth: { digest: … }`", None);
    }
    if let Some(csrf) = csrf.as_ref().filter(|csrf| auth.places().contains(&csrf.send.place)) {
        let message = format!("`csrf` and `auth` send their tokens in one place: {}", csrf.send.place);
        c.fault("/csrf/send", message, None);
    }
    let (written, old) = (file.fixed.clone(), file.headers.clone());
    let fixed = request::fixed(c, "", file.fixed, file.headers);
    let known: Vec<&str> = properties.iter().map(|p| p.name.as_str()).collect();
    check_names(c, "/base_url", &base_url, &known);
    effects::address(c, "/base_url", &base_url, effects::CONSTANT_QUERY);
    for (at, place, text) in request_effects::fixed_texts("", &written, &old) {
        check_names(c, &at, &text, &known);
        check_place(c, &at, &place, &auth, csrf.as_ref());
    }
    origins(c, &file.origins);
    let public_origins = public_origins(c, &file.public_origins);
    check_properties(c, &properties);
    let mut rules = request::rules(c, "/rules", file.rules);
    rules.extend(rules_of_version_1(c, &file.errors));
    let mut paging_sets = Vec::new();
    for (name, set) in file.paging_sets {
        paging_sets.extend(paging(c, &format!("/paging_sets/{}", escape(&name)), set).map(|set| (name, set)));
    }
    let mut option_sets = Vec::new();
    for (name, set) in file.option_sets {
        let rules = option_set(c, &format!("/option_sets/{}", escape(&name)), set);
        option_sets.push((name, rules));
    }
    let (paging, total) = file.paging.and_then(|p| paging(c, "/paging", p)).unwrap_or_default();
    let probe = file.probe.map(|p| probe(c, p));
    probe
        .iter()
        .flat_map(|p| &p.options)
        .for_each(|(name, text)| check_names(c, &format!("/probe/options/{}", escape(name)), text, &known));
    Connector {
        name: file.connector,
        title: file.title,
        description: file.description,
        docs: file.docs,
        probe,
        rate: rate(c, file.rate),
        properties,
        base_url,
        hosts: file.hosts.into_iter().map(|(a, b)| (a.to_lowercase(), b)).collect(),
        origins: file.origins,
        public_origins,
        auth,
        csrf,
        fixed,
        rules,
        literals: file.literals.and_then(|literals| self::literals(c, literals)),
        paging,
        total,
        forward_only: file.forward_only.and_then(|k| forward_only(c, k)),
        errors: errors(c, file.errors),
        paging_sets,
        response_sets: file.response_sets.into_iter().collect(),
        option_sets,
    }
}

/// How values are written in conditions; `None` if it has a fault.
fn literals(c: &mut Checker<'_>, file: LiteralsFile) -> Option<Literals> {
    let before = c.faults.len();
    let mut chars = file.quote.chars();
    let quote = chars.next().filter(|_| chars.next().is_none());
    if quote.is_none() {
        c.fault("/literals/quote", "a quote is one character", None);
    }
    let pair = |c: &mut Checker<'_>, key: &str, list: Vec<String>| match <[String; 2]>::try_from(list) {
        Ok([first, second]) if !first.is_empty() && !second.is_empty() => Some((first, second)),
        Ok(_) => {
            c.fault(&format!("/literals/{key}"), "expected two texts that are not empty", None);
            None
        }
        Err(list) if list.is_empty() => None,
        Err(_) => {
            c.fault(&format!("/literals/{key}"), "expected two texts", None);
            None
        }
    };
    let (time, booleans) = (pair(c, "time", file.time), pair(c, "booleans", file.booleans));
    let escape = match file.escape {
        EscapeFile::Refuse => QuoteEscape::Refuse,
        EscapeFile::Double => QuoteEscape::Double,
        EscapeFile::Backslash => QuoteEscape::Backslash,
    };
    let booleans = booleans.unwrap_or_else(|| ("true".to_owned(), "false".to_owned()));
    let wildcards = file.wildcards.into_iter().collect();
    let literals = Literals { quote: quote?, escape, time, booleans, wildcards };
    (c.faults.len() == before).then_some(literals)
}

/// The rules that version 1 wrote under `errors`.
fn rules_of_version_1(c: &mut Checker<'_>, file: &ErrorsFile) -> Vec<ReplyRule> {
    let rule = |statuses: Vec<(u16, u16)>, has, then| ReplyRule {
        statuses,
        header: None,
        at: Vec::new(),
        has,
        is: None,
        contains: None,
        method: None,
        then,
        wait: None,
        advice: None,
    };
    let statuses = refused(c, file.refused.clone()).into_iter().map(|code| (code, code)).collect::<Vec<_>>();
    let retry = (!statuses.is_empty()).then(|| rule(statuses, Vec::new(), Meaning::Retry));
    let has: Vec<Pointer> = file.in_success.iter().filter_map(|p| c.pointer("/errors/in_success", p)).collect();
    let failed = (!has.is_empty()).then(|| rule(vec![(200, 299)], has, Meaning::Failed));
    retry.into_iter().chain(failed).collect()
}

/// Keys of a connection that are not its connector's.
const RESERVED: [&str; 9] =
    ["connector", "account", "limits", "allow_http", "allow_private", "reroute", "relink", "tls", "proxy"];

/// Reserved names, invalid patterns, and values that could never be valid.
fn check_properties(c: &mut Checker<'_>, properties: &[Property]) {
    if c.is_vouched() {
        return;
    }
    for property in properties {
        let at = format!("/connection/{}", escape(&property.name));
        if RESERVED.contains(&property.name.as_str()) {
            let message = format!("`{}` is a key of every connection, and cannot be a property too", property.name);
            c.fault(&at, message, Some("choose another name; its `title` may be the same".into()));
        }
        if property
            .pattern
            .as_deref()
            .is_some_and(|p| crate::authoring::Schema::compile(serde_json::json!({ "pattern": p })).is_err())
        {
            c.fault(&format!("{at}/pattern"), "the pattern is not a regular expression", None);
        } else if property.format.is_some() && property.kind != PropertyTypeFile::String {
            c.fault(&format!("{at}/format"), "`format` is for properties of the type string", None);
        } else if let Some(why) = misfit_of_default(property) {
            c.fault(&format!("{at}/default"), format!("the default is not a valid value: {why}"), None);
        }
    }
}

fn probe(c: &mut Checker<'_>, file: ProbeFile) -> Probe {
    match file {
        ProbeFile::Plain(operation) => Probe { operation, options: Vec::new() },
        ProbeFile::With { operation, options } => {
            let texts =
                options.into_iter().filter_map(|(name, text)| Some((name, c.text("/probe/options", &text)?))).collect();
            Probe { operation, options: texts }
        }
    }
}

/// The connector's further origins: they receive credentials, so ineffective values are reported.
fn origins(c: &mut Checker<'_>, origins: &[String]) {
    for (i, origin) in origins.iter().enumerate() {
        let plain = url::Url::parse(origin).ok().filter(is_plain_origin);
        if plain.is_none_or(|url| url.host_str().is_some_and(|host| host.contains('*'))) {
            let advice = Some("write scheme://host, such as https://files.example.com".into());
            c.fault(&format!("/origins/{i}"), format!("`{origin}` is not an origin"), advice);
        }
    }
}

/// Origins without credentials.
fn public_origins(c: &mut Checker<'_>, origins: &[String]) -> Vec<PublicOrigin> {
    let mut found = Vec::new();
    for (i, text) in origins.iter().enumerate() {
        match PublicOrigin::parse(text) {
            Some(origin) => found.push(origin),
            None => {
                let advice = "write scheme://host or scheme://*.host, such as https://*.storage.example.com";
                let message = format!("`{text}` is not an origin");
                c.fault(&format!("/public_origins/{i}"), message, Some(advice.into()));
            }
        }
    }
    found
}

fn option_set(c: &mut Checker<'_>, at: &str, set: Ordered<OptionFile>) -> Vec<OptionRule> {
    set.into_iter()
        .filter_map(|(name, file)| option_rule(c, &format!("{at}/{}", escape(&name)), name, file, None))
        .collect()
}

fn check_names(c: &mut Checker<'_>, at: &str, text: &Text, known: &[&str]) {
    for name in text.names() {
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().copied());
            c.fault(at, format!("`{{{name}}}` is not a property of the connection{hint}"), None);
        }
    }
}

fn property(name: String, file: PropertyFile) -> Property {
    Property {
        title: file.title.unwrap_or_else(|| name.clone()),
        name,
        description: file.description,
        kind: file.kind,
        format: file.format,
        secret: file.secret,
        optional: file.optional,
        default: file.default,
        examples: file.examples,
        choices: file.choices,
        pattern: file.pattern,
    }
}

fn rate(c: &mut Checker<'_>, file: Option<crate::definition::file::RateFile>) -> Option<Rate> {
    let file = file?;
    if file.requests == 0 || file.per_s == 0 {
        c.fault("/rate", "a rate needs at least one request and one second", None);
    }
    Some(Rate { requests: file.requests, per_s: file.per_s })
}

fn errors(c: &mut Checker<'_>, file: ErrorsFile) -> ErrorRules {
    let details = file.details.and_then(|d| {
        Some(DetailRules {
            list: c.pointer("/errors/details/list", &d.list)?,
            field: c.pointer("/errors/details/field", &d.field)?,
            code: c.pointer("/errors/details/code", &d.code)?,
            message: c.pointer("/errors/details/message", &d.message)?,
        })
    });
    ErrorRules {
        code: c.pointers("/errors/code", file.code),
        message: c.pointers("/errors/message", file.message),
        details,
        request_id: file.request_id.and_then(|s| c.source("/errors/request_id", s)),
        success: file.success.and_then(|s| success(c, s)),
        explain: file
            .explain
            .into_iter()
            .map(|e| Explain { status: e.status, method: e.method, hosts: e.hosts, code: e.code, advice: e.advice })
            .collect(),
    }
}

fn refused(c: &mut Checker<'_>, statuses: Vec<u16>) -> Vec<u16> {
    for (i, status) in statuses.iter().enumerate().filter(|(_, status)| !(400..=599).contains(*status)) {
        c.fault(&format!("/errors/refused/{i}"), format!("`{status}` is not an error status (400 to 599)"), None);
    }
    statuses
}

/// The keyset paging that a caller may choose; it has the total of the list.
fn forward_only(c: &mut Checker<'_>, file: KeysetFile) -> Option<Paging> {
    if file.total.is_some() {
        c.fault("/forward_only/total", "the total of a list belongs to its `paging` or `response`", None);
    }
    keyset(c, "/forward_only", file).map(|(paging, _)| paging)
}

fn success(c: &mut Checker<'_>, file: SuccessFile) -> Option<Success> {
    match file {
        SuccessFile::Flag(pointer) => {
            Some(Success { at: c.pointer("/errors/success", &pointer)?, is: None, absent: None })
        }
        SuccessFile::Values(file) => {
            let at = c.pointer("/errors/success/at", &file.at)?;
            if file.is.as_ref().is_some_and(Vec::is_empty) {
                c.fault("/errors/success/is", "the list of success values is empty", None);
            }
            let is = file.is.map(|list| values(c, "/errors/success/is", list));
            Some(Success { at, is, absent: file.absent.map(|verdict| verdict == VerdictFile::Ok) })
        }
    }
}
