//! The paging of one operation: its own or a set of the connector, and whether it fits the options. Pure.

use super::paging::paging;
use crate::authoring::{Checker, Target};
use crate::definition::connector::Connector;
use crate::definition::file::PagingUseFile;
use crate::definition::option_rule::{Location, OptionRule};
use crate::definition::paging::{Paging, Total};
use crate::definition::rules::ResultShape;
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// Checks the paging against the options and the result.
pub(super) fn check_paging(
    c: &mut Checker<'_>,
    at: &str,
    paging: &Paging,
    options: &[OptionRule],
    result: ResultShape,
) {
    let size = paging.size.as_ref();
    // A walk begins at the value of such an option: at a cursor that an earlier walk ended with, for example.
    let first = paging.begins_without();
    let begins = |target: &Target| first == Some(target);
    if let Some(target @ Target::Path(name)) = first
        && !options.iter().any(|o| takes(o, target))
    {
        let message = format!("the first page has no value for `{{{name}}}` in the path");
        let advice = format!("declare the option `{name}`, at whose value the walk begins");
        c.fault(&format!("{at}/paging"), message, Some(advice.into()));
    }
    for target in paging.targets().into_iter().chain(size.map(|s| &s.at)).filter(|target| !begins(target)) {
        if let Some(option) = options.iter().find(|o| takes(o, target)) {
            let name = &option.name;
            let message = format!("`{name}` is a paging parameter and cannot be an option");
            c.fault(&format!("{at}/options/{}", escape(name)), message, None);
        }
    }
    if let Some(size) = size.filter(|size| paging.targets().contains(&&size.at)) {
        let message = format!("`{}` cannot be both the page and the page size", size.at.name());
        c.fault(&format!("{at}/paging"), message, None);
    }
    if let Some(size) = size.filter(|size| options.iter().any(|o| o.name == size.option && !takes(o, &size.at))) {
        let message = format!("the page size is the option `{}`, which is also declared", size.option);
        c.fault(&format!("{at}/options/{}", escape(&size.option)), message, None);
    }
    if result != ResultShape::List && paging.is_paged() {
        c.fault(&format!("{at}/paging"), "only `result: list` is paged", None);
    }
}

/// Whether an option is sent to the place of a paging value.
fn takes(option: &OptionRule, target: &Target) -> bool {
    let name = option.wire_name();
    match (option.location, target) {
        (Location::Query, Target::Query(own)) => own == name,
        (Location::Header, Target::Header(own)) => own.as_str().eq_ignore_ascii_case(name),
        (Location::Body, Target::Body(own)) => *own == option.body_place(),
        (Location::Path, Target::Path(own)) | (Location::Text, Target::Text(own)) => own == name,
        (_, _) => false,
    }
}

/// The operation's own paging, or a set of the connector.
pub(super) fn paging_in_use(
    c: &mut Checker<'_>,
    at: &str,
    file: PagingUseFile,
    connector: &Connector,
) -> Option<(Paging, Option<Total>)> {
    let name = match file {
        PagingUseFile::Own(file) => return paging(c, at, *file),
        PagingUseFile::Set(name) => name,
    };
    let found = connector.paging_sets.iter().find(|(set, _)| *set == name);
    if found.is_none() {
        let hint = did_you_mean(&name, connector.paging_sets.iter().map(|(set, _)| set.as_str()));
        let message = format!("the connector has no paging `{name}` under `paging_sets`{hint}");
        c.fault(at, message, Some("name a set, write `none`, or a paging such as `{ link: {} }`".into()));
    }
    found.map(|(_, set)| set.clone())
}
