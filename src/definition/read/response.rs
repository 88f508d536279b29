//! Converts the mirror of `response:` to the checked rule. Pure.

use super::paging::{total, values};
use super::reply::{attach, columns, format, places};
use crate::authoring::{Checker, Pointer};
use crate::definition::connector::{Connector, Success};
use crate::definition::file::{
    FoundItemsFile, PartErrorsFile, PartKeyFile, PartOkFile, PartRuleFile, ResponseFile, ResponseUseFile, ResultFile,
    VerdictFile,
};
use crate::definition::paging::Total;
use crate::definition::reply_rule::ResponseRule;
use crate::definition::rules::{PartErrors, PartMeans, PartRule, ResultShape};
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// The reply as written, with the keys of the set that it names.
pub(super) fn response_in_use(
    c: &mut Checker<'_>,
    at: &str,
    file: ResponseUseFile,
    connector: &Connector,
) -> ResponseFile {
    let file = match file {
        ResponseUseFile::Own(file) => *file,
        ResponseUseFile::Set(name) => ResponseFile { set: Some(name), ..ResponseFile::default() },
    };
    let Some(name) = file.set.clone() else {
        if file.result.is_none() {
            c.fault(at, "`result` is missing: what kind of result the reply has", None);
        }
        return file;
    };
    let found = connector.response_sets.iter().find(|(set, _)| *set == name);
    let Some((_, set)) = found else {
        let hint = did_you_mean(&name, connector.response_sets.iter().map(|(set, _)| set.as_str()));
        c.fault(at, format!("the connector has no reply `{name}` under `response_sets`{hint}"), None);
        return file;
    };
    let whole = file.over(set.clone());
    if whole.result.is_none() {
        c.fault(at, format!("`result` is missing, here and in the set `{name}`"), None);
    }
    whole
}

/// Converts the reply of an operation.
pub(super) fn response(
    c: &mut Checker<'_>,
    at: &str,
    file: ResponseFile,
    paging_total: Option<Total>,
) -> Option<ResponseRule> {
    let result = result_shape(file.result);
    if result == ResultShape::Report && (file.columns.is_none() || file.rows.is_none()) {
        c.fault(at, "a report needs `columns` and `rows`", None);
    }
    if file.parts.is_some() && (result != ResultShape::List || file.items.is_some()) {
        c.fault(
            &format!("{at}/parts"),
            "a reply with `parts` needs `result: list` without `items`: its items are those of `parts: { each }`",
            None,
        );
    }
    let items = match &file.parts {
        Some(parts) => places(c, &format!("{at}/parts/each"), Some(FoundItemsFile::Pointers(parts.each.clone())), ""),
        None => {
            let default = if result == ResultShape::Count { "/count" } else { "" };
            places(c, &format!("{at}/items"), file.items, default)
        }
    };
    let keep = file.keep.into_iter().filter_map(|(name, source)| {
        let at = format!("{at}/keep/{}", escape(&name));
        c.name(&at, &name);
        if name.contains('/') {
            c.fault(&at, format!("`{name}` contains a slash, so no expression could read it"), None);
        }
        Some((name, c.source(&at, source)?))
    });
    let keep = keep.collect();
    Some(ResponseRule {
        result,
        items: items?,
        format: format(c, at, file.format, file.csv),
        optional: file.optional,
        total: total(c, &format!("{at}/total"), file.total).or(paging_total),
        redirect_ok: file.redirect.is_some(),
        ok: file.ok,
        empty: file.empty,
        parts: file.parts.map(|p| parts(c, &format!("{at}/parts"), p)),
        columns: columns(c, &format!("{at}/columns"), file.columns),
        rows: file.rows.and_then(|t| c.pointer(&format!("{at}/rows"), &t)).unwrap_or_default(),
        keep,
        attach: attach(c, &format!("{at}/attach"), file.attach),
    })
}

fn parts(c: &mut Checker<'_>, at: &str, file: PartRuleFile) -> PartRule {
    let ok = file.ok.and_then(|ok| match ok {
        PartOkFile::Flag(name) => Some(Success { at: field(c, &format!("{at}/ok"), &name)?, is: None, absent: None }),
        PartOkFile::Values(good) => {
            let is = good.is.map(|list| values(c, &format!("{at}/ok/is"), list));
            let absent = good.absent.map(|verdict| verdict == VerdictFile::Ok);
            Some(Success { at: field(c, &format!("{at}/ok/at"), &good.at)?, is, absent })
        }
    });
    PartRule {
        ok,
        means: means(c, at, file.index, file.key),
        error: file.error.and_then(|p| c.pointer(&format!("{at}/error"), &p)),
        data: file.data.and_then(|p| c.pointer(&format!("{at}/data"), &p)),
        errors: file.errors.and_then(|e| part_errors(c, &format!("{at}/errors"), e)),
    }
}

fn part_errors(c: &mut Checker<'_>, at: &str, file: PartErrorsFile) -> Option<PartErrors> {
    if file.index.is_none() && file.key.is_none() {
        c.fault(at, "a list of failures needs `index` or `key` to identify the items", None);
    }
    let means = means(c, at, file.index, file.key);
    let error = file.error.and_then(|p| c.pointer(&format!("{at}/error"), &p));
    Some(PartErrors { each: c.pointer(&format!("{at}/each"), &file.each)?, means, error })
}

/// A key of a part, or a pointer into it.
fn field(c: &mut Checker<'_>, at: &str, name: &str) -> Option<Pointer> {
    if name.starts_with('/') { c.pointer(at, name) } else { Some(Pointer::key(name)) }
}

fn means(c: &mut Checker<'_>, at: &str, index: Option<String>, key: Option<PartKeyFile>) -> PartMeans {
    match (index, key) {
        (Some(_), Some(_)) => {
            c.fault(&format!("{at}/key"), "a part identifies its item by `index` or by `key`, not both", None);
            PartMeans::Place
        }
        (Some(name), None) => field(c, &format!("{at}/index"), &name).map_or(PartMeans::Place, PartMeans::Index),
        (None, Some(PartKeyFile::Name(name))) => {
            let part = field(c, &format!("{at}/key"), &name);
            part.map_or(PartMeans::Place, |part| PartMeans::Key { item: part.clone(), part })
        }
        (None, Some(PartKeyFile::Pair(pair))) => {
            let part = c.pointer(&format!("{at}/key/part"), &pair.part);
            let item = c.pointer(&format!("{at}/key/item"), &pair.item);
            part.zip(item).map_or(PartMeans::Place, |(part, item)| PartMeans::Key { part, item })
        }
        (None, None) => PartMeans::Place,
    }
}

/// The kind of result; a missing one was reported.
pub(super) fn result_shape(file: Option<ResultFile>) -> ResultShape {
    match file.unwrap_or(ResultFile::Object) {
        ResultFile::List => ResultShape::List,
        ResultFile::Object => ResultShape::Object,
        ResultFile::Count => ResultShape::Count,
        ResultFile::None => ResultShape::None,
        ResultFile::File => ResultShape::File,
        ResultFile::Report => ResultShape::Report,
        ResultFile::Text => ResultShape::Text,
    }
}
