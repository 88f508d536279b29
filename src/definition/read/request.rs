//! Converts `fixed`, `body` and `rules` to their checked forms. Pure.

use super::paging::{one_or_more, values};
use super::xml_template::xml_template;
use crate::authoring::values::ScalarFile;
use crate::authoring::{Checker, Json, Ordered, Text, is_cookie_name, is_cookie_value};
use crate::definition::file::{
    BodyFile, BodyNameFile, BodySettingsFile, FixedFile, FormListsFile, FormNestedFile, FormStyleFile, RuleFile,
    StatusesFile, ThenFile, WhenFile,
};
use crate::definition::meaning::{Meaning, ReplyRule};
use crate::definition::method::Method;
use crate::definition::request_rule::{BodyFormat, Fixed, FormLists, FormNested, FormStyle};
use crate::json_pointer::escape;

/// The constants of requests. `headers` are those of version 1.
pub(super) fn fixed(c: &mut Checker<'_>, at: &str, file: FixedFile, headers: Ordered<String>) -> Fixed {
    let mut found = c.headers(&format!("{at}/headers"), headers);
    let place = format!("{at}/fixed");
    let header: Ordered<String> = file.header.into_iter().map(|(name, ScalarFile(text))| (name, text)).collect();
    for (name, text) in c.headers(&format!("{place}/header"), header) {
        if found.iter().any(|(before, _)| *before == name) {
            c.fault(&format!("{place}/header"), format!("the header {name} is also given in `headers`"), None);
        }
        found.push((name, text));
    }
    let query = texts(c, &format!("{place}/query"), file.query);
    let cookies = texts(c, &format!("{place}/cookie"), file.cookie);
    for (name, text) in &cookies {
        let literal = text.names().next().is_some() || is_cookie_value(&text.to_string());
        if !is_cookie_name(name) || !literal {
            let message = "this is not a valid cookie: no spaces, quotes, commas, semicolons or backslashes";
            c.fault(&format!("{place}/cookie/{}", escape(name)), message, None);
        }
    }
    Fixed {
        query,
        headers: found,
        cookies,
        body: file.body.and_then(|body| body_constants(c, &format!("{place}/body"), body)),
    }
}

fn texts(c: &mut Checker<'_>, at: &str, file: Ordered<ScalarFile>) -> Vec<(String, Text)> {
    let text = |(name, ScalarFile(text)): (String, ScalarFile)| {
        let text = c.text(&format!("{at}/{}", escape(&name)), &text)?;
        Some((name, text))
    };
    file.into_iter().filter_map(text).collect()
}

fn body_constants(c: &mut Checker<'_>, at: &str, body: Json) -> Option<Json> {
    match body.0.starts_with('{') {
        true => Some(body),
        false => {
            c.fault(at, "expected a map: the constant fields of the body", None);
            None
        }
    }
}

/// The format of a body.
pub(super) fn body(c: &mut Checker<'_>, at: &str, file: BodyFile) -> Option<BodyFormat> {
    let settings = match file {
        BodyFile::Name(name) => {
            return Some(match name {
                BodyNameFile::Json => BodyFormat::Json,
                BodyNameFile::Form => BodyFormat::Form(FormStyle::default()),
                BodyNameFile::Multipart => BodyFormat::Multipart,
                BodyNameFile::Raw => BodyFormat::Raw,
                BodyNameFile::Ndjson => BodyFormat::Ndjson,
                BodyNameFile::Xml => BodyFormat::Xml(None),
            });
        }
        BodyFile::Settings(settings) => settings,
    };
    match settings {
        BodySettingsFile { form: Some(form), text: None, xml: None } => Some(BodyFormat::Form(form_style(&form))),
        BodySettingsFile { form: None, text: Some(text), xml: None } => {
            c.text(&format!("{at}/text"), &text).map(BodyFormat::Text)
        }
        BodySettingsFile { form: None, text: None, xml: Some(xml) } => {
            xml_template(c, &format!("{at}/xml"), &xml).map(|text| BodyFormat::Xml(Some(text)))
        }
        BodySettingsFile { .. } => {
            c.fault(at, "give one of `form`, `text` and `xml`", None);
            None
        }
    }
}

fn form_style(file: &FormStyleFile) -> FormStyle {
    let lists = file.lists.map_or(FormLists::Indexes, |lists| match lists {
        FormListsFile::Indexes => FormLists::Indexes,
        FormListsFile::Brackets => FormLists::Brackets,
        FormListsFile::Repeat => FormLists::Repeat,
        FormListsFile::Comma => FormLists::Comma,
        FormListsFile::Json => FormLists::Json,
    });
    let nested = file.nested.map_or(FormNested::Brackets, |nested| match nested {
        FormNestedFile::Brackets => FormNested::Brackets,
        FormNestedFile::Dots => FormNested::Dots,
        FormNestedFile::Json => FormNested::Json,
    });
    FormStyle { lists, nested }
}

/// The rules of a connector or an operation.
pub(super) fn rules(c: &mut Checker<'_>, at: &str, files: Vec<RuleFile>) -> Vec<ReplyRule> {
    for (i, file) in files.iter().enumerate() {
        if let Some(first) = files.iter().take(i).position(|other| other.when == file.when) {
            let message =
                format!("the rule {first} has the same conditions and decides before, so this one has no effect");
            c.fault(&format!("{at}/{i}/when"), message, None);
        }
    }
    let rules = files.into_iter().enumerate();
    rules.filter_map(|(i, file)| rule(c, &format!("{at}/{i}"), file)).collect()
}

fn rule(c: &mut Checker<'_>, at: &str, file: RuleFile) -> Option<ReplyRule> {
    let RuleFile { when, then, wait, advice } = file;
    let WhenFile { status, header, at: pointers, has, is, contains, method } = when;
    let place = format!("{at}/when");
    let statuses = status.map(|s| statuses(c, &format!("{place}/status"), s)).unwrap_or_default();
    let header = header.and_then(|name| c.reply_header(&format!("{place}/header"), &name));
    let pointers = pointers.map(|p| c.pointers(&format!("{place}/at"), p)).unwrap_or_default();
    let has = has.map(|p| c.pointers(&format!("{place}/has"), p)).unwrap_or_default();
    if (is.is_some() || contains.is_some()) && header.is_none() && pointers.is_empty() {
        let key = if is.is_some() { "is" } else { "contains" };
        let message = format!("`{key}` needs `header` or `at`: the value that it is about");
        c.fault(&format!("{place}/{key}"), message, None);
    }
    if statuses.is_empty() && header.is_none() && pointers.is_empty() && has.is_empty() {
        c.fault(&place, "the rule fits every reply: give `status`, `header`, `at` or `has`", None);
    }
    let then = meaning(then);
    let is_success = !statuses.is_empty() && statuses.iter().any(|(from, to)| (*from..=*to).contains(&200));
    if is_success
        && header.is_none()
        && pointers.is_empty()
        && has.is_empty()
        && matches!(then, Meaning::Retry | Meaning::RateLimited)
    {
        let advice = Some("name what tells them from a success: `header`, `at` or `has`".into());
        c.fault(&place, "every success would be sent again", advice);
    }
    if wait.is_some() && !matches!(then, Meaning::Retry | Meaning::RateLimited) {
        c.fault(&format!("{at}/wait"), "`wait` is for `then: retry` and `then: rate_limited`", None);
    }
    if advice.is_some() && matches!(then, Meaning::Ok | Meaning::Empty) {
        c.fault(&format!("{at}/advice"), "`advice` has no effect: a success needs none", None);
    }
    let is = is.map(|json| values(c, &format!("{place}/is"), one_or_more(json)));
    let contains = contains.map(|text| text.to_lowercase());
    let wait = wait.and_then(|source| c.source(&format!("{at}/wait"), source));
    Some(ReplyRule {
        statuses,
        header,
        at: pointers,
        has,
        is,
        contains,
        method: method.map(Method::from),
        then,
        wait,
        advice,
    })
}

fn meaning(file: ThenFile) -> Meaning {
    match file {
        ThenFile::Ok => Meaning::Ok,
        ThenFile::Empty => Meaning::Empty,
        ThenFile::Retry => Meaning::Retry,
        ThenFile::RateLimited => Meaning::RateLimited,
        ThenFile::Unauthenticated => Meaning::Unauthenticated,
        ThenFile::NotFound => Meaning::NotFound,
        ThenFile::Failed => Meaning::Failed,
        ThenFile::Unknown => Meaning::Unknown,
    }
}

/// Statuses and classes of statuses, as ranges.
fn statuses(c: &mut Checker<'_>, at: &str, file: StatusesFile) -> Vec<(u16, u16)> {
    let list = match file {
        StatusesFile::One(one) => vec![one],
        StatusesFile::Several(several) => several,
    };
    let mut ranges = Vec::new();
    for ScalarFile(text) in list {
        match range(&text) {
            Some(range) => ranges.push(range),
            None => c.fault(
                at,
                format!("`{text}` is not a status such as 404 or a class such as `4xx`; redirects are handled before"),
                None,
            ),
        }
    }
    ranges
}

fn range(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.to_ascii_lowercase().strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|n| matches!(n, 2 | 4 | 5))?;
        return Some((class * 100, class * 100 + 99));
    }
    let code: u16 = text.parse().ok().filter(|n| matches!(n, 200..=299 | 304 | 400..=599))?;
    Some((code, code))
}
