//! Checks what an operation sends: every constant, option, paging value and item has one place in the request, and the
//! body's parts and its media type fit its format. Pure.

use serde_json::Value;

use http::HeaderName;
use http::header::CONTENT_TYPE;

use super::credentials::check_place;
use super::refuse::refuse;
use crate::authoring::{Checker, Ordered, Pointer, Target, Text};
use crate::definition::file::{FixedFile, OperationFile};
use crate::definition::operation::Operation;
use crate::definition::option_rule::{Location, OptionRule, ParameterStyle};
use crate::definition::placed::RequestPlace;
use crate::definition::request_rule::BodyFormat;
use crate::definition::rules::{PatchPaths, Send};
use crate::error::did_you_mean;
use crate::json_pointer::{each_text, escape};

/// Checks a written operation against the checked model.
pub(super) fn check(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    placeholders(c, at, file, operation);
    unused(c, at, operation);
    absent_in_text(c, at, operation);
    item_keys(c, at, file, operation);
    body_parts(c, at, file, operation);
    places(c, at, file, operation);
    doubles(c, at, operation);
}

/// Query parameters and cookies that two keys would send.
fn doubles(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let constants = [&operation.connector.fixed, &operation.fixed];
    let query = constants.iter().flat_map(|fixed| &fixed.query).map(|(name, _)| RequestPlace::Query(name.clone()));
    let cookies = constants.iter().flat_map(|fixed| &fixed.cookies).map(|(name, _)| RequestPlace::Cookie(name.clone()));
    let mut taken: Vec<(RequestPlace, String)> =
        query.chain(cookies).map(|place| (place, "`fixed`".to_owned())).collect();
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    for target in operation.paging.targets().into_iter().chain(size) {
        let Target::Query(name) = target else { continue };
        let place = RequestPlace::Query(name.clone());
        if taken.iter().any(|(own, _)| *own == place) {
            let message = format!("the query parameter {name} is set by the paging, and by `fixed` too");
            c.fault(&format!("{at}/request"), message, None);
        }
    }
    for option in &operation.options {
        let names = match option.style {
            ParameterStyle::Brackets => vec![format!("{}[]", option.wire_name())],
            ParameterStyle::Fields => option.properties(),
            _ => vec![option.wire_name().to_owned()],
        };
        for name in names {
            let (place, shown) = match option.location {
                Location::Query => (RequestPlace::Query(name.clone()), "query parameter"),
                Location::Cookie => (RequestPlace::Cookie(name.clone()), "cookie"),
                Location::Path | Location::Header | Location::Body | Location::Text | Location::PageSize => continue,
            };
            if let Some((_, other)) = taken.iter().find(|(own, _)| *own == place) {
                let message = format!("the {shown} {name} is sent by {other} already, so it would be sent twice");
                c.fault(&option_place(c, at, &option.name), message, None);
            }
            taken.push((place, format!("the option `{}`", option.name)));
        }
    }
}

/// The texts of constants with their places, and the header of those that are one. `headers` are those of version 1.
pub(super) fn fixed_texts(at: &str, file: &FixedFile, headers: &Ordered<String>) -> Vec<(String, RequestPlace, Text)> {
    let header = |name: &str| HeaderName::from_bytes(name.as_bytes()).ok().map(RequestPlace::Header);
    let place = |key: &str, name: &str| match key {
        "fixed/query" => Some(RequestPlace::Query(name.to_owned())),
        "fixed/cookie" => Some(RequestPlace::Cookie(name.to_owned())),
        _ => header(name),
    };
    let old = headers.iter().map(|(name, text)| ("headers", name, text.as_str()));
    let all = [("fixed/query", &file.query), ("fixed/header", &file.header), ("fixed/cookie", &file.cookie)];
    let new = all.into_iter().flat_map(|(key, map)| map.iter().map(move |(name, text)| (key, name, text.0.as_str())));
    let parsed = old.chain(new).filter_map(|(key, name, text)| {
        Some((format!("{at}/{key}/{}", escape(name)), place(key, name)?, Text::parse(text).ok()?))
    });
    parsed.collect()
}

/// The placeholders of the constant body: texts that are nothing else.
pub(super) fn body_names(body: &Value, at: &str, found: &mut Vec<(String, String)>) {
    each_text(body, at, &mut |at, text| {
        let name = Text::parse(text).ok().and_then(|text| text.only_name().map(str::to_owned));
        found.extend(name.map(|name| (at.to_owned(), name)));
    });
}

/// All placeholders of an operation's texts, with their places.
fn names(at: &str, file: &OperationFile, operation: &Operation) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (place, _, text) in fixed_texts(at, &file.fixed, &file.headers) {
        found.extend(text.names().map(|name| (place.clone(), name.to_owned())));
    }
    let text = operation.body.text();
    found.extend(text.iter().flat_map(|text| text.names()).map(|name| (format!("{at}/body"), name.to_owned())));
    if let Some(body) = &operation.fixed.body {
        body_names(&body.to_value(), &format!("{at}/fixed/body"), &mut found);
    }
    found
}

/// Whether a value of the paging is inserted in texts under this name.
fn is_paging_text(operation: &Operation, name: &str) -> bool {
    text_targets(operation).any(|own| own == name)
}

fn text_targets(operation: &Operation) -> impl Iterator<Item = &str> {
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    operation.paging.targets().into_iter().chain(size).filter_map(|target| match target {
        Target::Text(name) => Some(name.as_str()),
        Target::Query(_) | Target::Header(_) | Target::Body(_) | Target::Path(_) => None,
    })
}

/// Every placeholder is a property, a text option, a paging value or, in the body of an item, one of its fields.
fn placeholders(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let connector = &operation.connector;
    for (place, name) in names(at, file, operation) {
        let of_item = operation.items.is_some() && place == format!("{at}/body");
        let option = operation.option(&name);
        if option.is_some_and(|o| o.location == Location::Text)
            || is_paging_text(operation, &name)
            || connector.property(&name).is_some()
            || of_item
        {
            continue;
        }
        let is_header = place.contains("/header");
        let (message, advice) = match option {
            Some(_) if is_header => (
                format!("`{{{name}}}` is an option that is sent elsewhere"),
                Some("declare the option with `in: header` and, if the header has another name, `as: NAME`; or give it `in: text`".into()),
            ),
            Some(_) => (
                format!("`{{{name}}}` is an option that is sent elsewhere"),
                Some(format!("give `{name}` the key `in: text`: it is then inserted here").into()),
            ),
            None => {
                let known = connector.properties.iter().map(|p| p.name.as_str());
                let texts = operation.options.iter().filter(|o| o.location == Location::Text).map(|o| o.name.as_str());
                let hint = did_you_mean(&name, known.chain(texts));
                (format!("`{{{name}}}` is not a property of the connection or an option with `in: text`{hint}"), None)
            }
        };
        c.fault(&place, message, advice);
    }
}

/// Options in the text of a body that may be absent, which would leave a gap in it.
fn absent_in_text(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let BodyFormat::Text(text) = &operation.body else { return };
    for option in text.names().filter_map(|name| operation.option(name)) {
        let is_given = option.required || option.preset.is_some() || option.per_item;
        if option.location == Location::Text && !is_given {
            let message = format!("`{}` may be absent, which would leave a gap in the body", option.name);
            let advice = "list it under `required`, or give it a `preset`";
            c.fault(&option_place(c, at, &option.name), message, Some(advice.into()));
        }
    }
}

/// Values that no text and no path takes.
fn unused(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let mut used: Vec<String> = operation.fixed.texts().flat_map(Text::names).map(str::to_owned).collect();
    used.extend(operation.body.text().iter().flat_map(|text| text.names()).map(str::to_owned));
    let mut found = Vec::new();
    operation.fixed.body.iter().for_each(|body| body_names(&body.to_value(), "", &mut found));
    used.extend(found.into_iter().map(|(_, name)| name));
    for option in operation.options.iter().filter(|o| o.location == Location::Text && !used.contains(&o.name)) {
        let place = option_place(c, at, &option.name);
        let advice = format!("write `{{{}}}` where it is inserted, in `fixed` or `body`", option.name);
        c.fault(
            &place,
            format!("no text contains `{{{}}}`, so the option is not sent", option.name),
            Some(advice.into()),
        );
    }
    for name in text_targets(operation).filter(|name| !used.iter().any(|u| u == name)) {
        c.fault(
            &format!("{at}/paging"),
            format!("no text contains `{{{name}}}`, so this value of the paging is not sent"),
            None,
        );
    }
    let longer = operation.fixed.texts().chain(operation.body.text()).filter(|text| text.only_name().is_none());
    let longer: Vec<&str> = longer.flat_map(Text::names).collect();
    let is_given = |name: &str| operation.option(name).is_some_and(|o| o.required || o.preset.is_some());
    let first = operation.paging.begins_without();
    let without = first.filter(|target| longer.contains(&target.name()) && !is_given(target.name()));
    if let Some(Target::Text(name)) = without {
        let message = format!("the first page has no value for `{{{name}}}`, which is part of a longer text");
        c.fault(&format!("{at}/paging"), message, None);
    }
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    for target in operation.paging.targets().into_iter().chain(size) {
        if let Target::Path(name) = target
            && !operation.path.names().any(|own| own == name)
        {
            c.fault(
                &format!("{at}/paging"),
                format!("the path does not contain `{{{name}}}`, so this value of the paging is not sent"),
                None,
            );
        }
    }
}

fn item_keys(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let (Some(items), Some(rule)) = (&file.items, &operation.items) else { return };
    let at = format!("{at}/items");
    let format = &operation.body;
    let wrapped = items.wrap.as_ref().is_some_and(|w| !w.is_empty());
    let each = rule.send == Send::Each;
    let drops = if items.drop_sent { "drop_sent" } else { "drop_path_fields" };
    let has_places = operation.options.iter().any(|o| operation.item_may_fill(o));
    let no_envelope = !format.has_fields() || *format == BodyFormat::Multipart;
    refuse(
        c,
        &at,
        &[
            ("wrap", wrapped && no_envelope, "`wrap` has no effect: this body has no envelope"),
            (
                "wrap",
                wrapped && rule.send == Send::JsonPatch(PatchPaths::Names),
                "`wrap` has no effect: the paths of this patch are bare names; it is for `send: rfc6902`",
            ),
            (
                drops,
                rule.drop_sent && (!each || !format.has_fields()),
                "this key is for `send: each` with a body of fields",
            ),
            (
                drops,
                rule.drop_sent && each && !has_places,
                "no field of an item is sent elsewhere, so there is none to drop",
            ),
            (
                "drop_sent",
                items.drop_sent && items.drop_path_fields,
                "`drop_path_fields` is the version 1 of this key; give one of them",
            ),
        ],
    );
    let together = matches!(rule.send, Send::All | Send::Chunk(_));
    let message = match format {
        BodyFormat::Multipart | BodyFormat::Raw | BodyFormat::Text(_) | BodyFormat::Xml(Some(_)) if !each => {
            format!("{} has room for one item: use `send: each`", format.words())
        }
        BodyFormat::Form(_) | BodyFormat::Xml(None) if together && !wrapped => {
            format!("{} needs a name for the list of items: give `wrap`", format.words())
        }
        BodyFormat::Form(_) | BodyFormat::Xml(None) | BodyFormat::Ndjson if matches!(rule.send, Send::JsonPatch(_)) => {
            "a JSON Patch is JSON".to_owned()
        }
        BodyFormat::Json
        | BodyFormat::Multipart
        | BodyFormat::Raw
        | BodyFormat::Text(_)
        | BodyFormat::Xml(_)
        | BodyFormat::Form(_)
        | BodyFormat::Ndjson => return,
    };
    c.fault(&format!("{at}/send"), message, None);
}

/// Constants and options in the body are fields of its object, so it must be one.
fn body_parts(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let format = &operation.body;
    let options = || operation.options.iter().filter(|o| o.location == Location::Body);
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    let pages = operation.paging.targets().into_iter().chain(size).any(|target| matches!(target, Target::Body(_)));
    let has_fields = options().next().is_some() || operation.fixed.body.is_some() || pages;
    if file.body.is_some() && !has_fields && operation.items.is_none() && format.text().is_none() {
        let message =
            "`body` has no effect: there are no items, and no option, constant or paging value is in the body";
        c.fault(&format!("{at}/body"), message, None);
    }
    let Some((message, advice)) = no_room(operation) else { return same_places(c, at, operation) };
    for option in options() {
        let place = option_place(c, at, &option.name);
        c.fault(&place, format!("`{}` is sent in the body, but {message}", option.name), Some(advice.into()));
    }
    if operation.fixed.body.is_some() {
        c.fault(
            &format!("{at}/fixed/body"),
            format!("these fields are sent in the body, but {message}"),
            Some(advice.into()),
        );
    }
    if pages {
        c.fault(&format!("{at}/paging"), format!("a value of the paging is sent in the body, but {message}"), None);
    }
}

/// Why the body has no fields of its own, and what to do.
fn no_room(operation: &Operation) -> Option<(String, &'static str)> {
    let elsewhere = "make it a field of the items, or send it in the query or a header";
    if operation.body.text().is_some() {
        let message = format!("the body is {} with placeholders", operation.body.words());
        return Some((message, "write `{name}` in the text and give the option `in: text`"));
    }
    if !operation.body.has_fields() {
        return Some((format!("the body is {}", operation.body.words()), elsewhere));
    }
    let rule = operation.items.as_ref()?;
    let wrapped = rule.wrap.as_ref().is_some_and(|wrap| !wrap.tokens().is_empty());
    match rule.send {
        Send::JsonPatch(_) => Some(("a patch contains only the items".to_owned(), elsewhere)),
        Send::All | Send::Chunk(_) if !wrapped => Some((
            "the body is the items themselves".to_owned(),
            "give `items` a `wrap`, such as `wrap: /records`, if the body is an object around them; otherwise make it a field of the items, or send it in the query or a header",
        )),
        Send::Each | Send::All | Send::Chunk(_) => None,
    }
}

/// Two values for one field of the body.
fn same_places(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let wrap = operation.items.as_ref().and_then(|rule| rule.wrap.as_ref()).filter(|wrap| !wrap.tokens().is_empty());
    if let (Some(wrap), Some(body)) = (wrap, &operation.fixed.body) {
        let is_object = operation.items.as_ref().is_some_and(|rule| rule.send == Send::Each);
        let body = body.to_value();
        let above = (1..=wrap.tokens().len()).filter_map(|n| Some((n, wrap.tokens().get(..n)?)));
        for (n, tokens) in above {
            let found = tokens.iter().try_fold(&body, |value, token| value.get(token));
            let has_room = n < wrap.tokens().len() || is_object;
            if found.is_some_and(|value| !(value.is_object() && has_room)) {
                let place: String = tokens.iter().map(|token| format!("/{}", escape(token))).collect();
                let message = format!("`{place}` of the body holds the items (`wrap`), so this constant is not sent");
                c.fault(&format!("{at}/fixed/body{place}"), message, None);
            }
        }
    }
    let mut taken: Vec<(Pointer, String)> =
        wrap.into_iter().map(|wrap| (wrap.clone(), "the items (`wrap`)".to_owned())).collect();
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    for target in operation.paging.targets().into_iter().chain(size) {
        let Target::Body(place) = target else { continue };
        let is_around = |o: &&OptionRule| {
            let own = o.body_place();
            o.location == Location::Body
                && own.tokens().len() < place.tokens().len()
                && place.tokens().starts_with(own.tokens())
        };
        if let Some(option) = operation.options.iter().find(is_around) {
            let message =
                format!("the paging writes `{place}` of the body, which is within the option `{}`", option.name);
            c.fault(&option_place(c, at, &option.name), message, None);
        }
    }
    for option in operation.options.iter().filter(|o| o.location == Location::Body) {
        let own = option.body_place();
        let is_within =
            |a: &Pointer, b: &Pointer| a.tokens().starts_with(b.tokens()) || b.tokens().starts_with(a.tokens());
        if let Some((_, what)) = taken.iter().find(|(other, _)| is_within(other, &own)) {
            let place = option_place(c, at, &option.name);
            c.fault(&place, format!("`{own}` of the body holds {what}, so `{}` cannot use it", option.name), None);
        }
        taken.push((own, format!("the option `{}`", option.name)));
    }
}

/// The place of an option, or of the sets that contain it.
fn option_place(c: &Checker<'_>, at: &str, name: &str) -> String {
    if c.has_key(&format!("{at}/options"), name) {
        format!("{at}/options/{}", escape(name))
    } else {
        format!("{at}/use")
    }
}

/// Values that are sent in the places of credentials, and content types that do not fit the body.
fn places(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let connector = &operation.connector;
    let credentials = |c: &mut Checker<'_>, at: &str, place: &RequestPlace| {
        if !operation.anonymous {
            check_place(c, at, place, &connector.auth, connector.csrf.as_ref());
        }
    };
    let mut own_media = false;
    for (at, place, text) in fixed_texts(at, &file.fixed, &file.headers) {
        credentials(c, &at, &place);
        if place == RequestPlace::Header(CONTENT_TYPE) {
            own_media = true;
            media(c, &at, &text, operation);
        }
    }
    for option in &operation.options {
        let name = option.wire_name().to_owned();
        let place = match option.location {
            Location::Header => HeaderName::from_bytes(name.as_bytes()).ok().map(RequestPlace::Header),
            Location::Query => Some(RequestPlace::Query(name)),
            Location::Cookie => Some(RequestPlace::Cookie(name)),
            Location::Path | Location::Body | Location::Text | Location::PageSize => None,
        };
        if let Some(place) = place {
            credentials(c, &option_place(c, at, &option.name), &place);
        }
    }
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    for target in operation.paging.targets().into_iter().chain(size) {
        let place = match target {
            Target::Query(name) => RequestPlace::Query(name.clone()),
            Target::Header(name) => RequestPlace::Header(name.clone()),
            Target::Body(_) | Target::Path(_) | Target::Text(_) => continue,
        };
        credentials(c, &format!("{at}/paging"), &place);
    }
    if let Some(key) = &operation.idempotency_key {
        credentials(c, &format!("{at}/idempotency_key/header"), &RequestPlace::Header(key.clone()));
    }
    let inherited = connector.fixed.headers.iter().find(|(name, _)| !own_media && *name == CONTENT_TYPE);
    if let Some((_, text)) = inherited {
        media(c, &format!("{at}/items"), text, operation);
    }
}

/// The Content-Type must fit the body.
fn media(c: &mut Checker<'_>, at: &str, text: &Text, operation: &Operation) {
    let shown = text.to_string();
    let kind = shown.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_body = operation.items.is_some()
        || operation.fixed.body.is_some()
        || operation.body.text().is_some()
        || operation.options.iter().any(|o| o.location == Location::Body);
    let format = &operation.body;
    if !has_body || kind.contains('{') || format.agrees_with(&kind) {
        return;
    }
    let advice = match format {
        BodyFormat::Multipart => {
            "leave the header out here: opnode sends multipart/form-data with its boundary".to_owned()
        }
        BodyFormat::Json
        | BodyFormat::Form(_)
        | BodyFormat::Raw
        | BodyFormat::Ndjson
        | BodyFormat::Xml(_)
        | BodyFormat::Text(_) => {
            format!("leave the header out (`{}` is sent), or say with `body` what the body is", format.media_type())
        }
    };
    let message = format!("the Content-Type `{shown}` contradicts the body, which is {}", format.words());
    c.fault(at, message, Some(advice.into()));
}
