//! Joins an operation's own options with those of the connector's option sets. Pure.

use super::option::option_rule;
use super::record_refs::OtherRecords;
use crate::authoring::{Checker, Ordered};
use crate::definition::connector::Connector;
use crate::definition::file::OptionFile;
use crate::definition::option_rule::{Location, OptionRule};
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// The options declared in an operation.
pub(super) struct DeclaredOptions<'f> {
    pub(super) own: Ordered<OptionFile>,
    pub(super) sets: &'f [String],
    pub(super) required: &'f [String],
    /// The records to which the schemas of its own may refer.
    pub(super) records: &'f OtherRecords<'f>,
}

/// All options of an operation.
pub(super) fn options(
    c: &mut Checker<'_>,
    at: &str,
    declared: DeclaredOptions<'_>,
    connector: &Connector,
    path: &[String],
) -> Vec<OptionRule> {
    let DeclaredOptions { own, sets, required, records } = declared;
    let mut rules: Vec<OptionRule> = shared_options(c, at, &own, sets, connector, path);
    for (name, file) in own {
        let place = format!("{at}/options/{}", escape(&name));
        if let Some(rule) = option_rule(c, &place, name, file, Some((path, records))) {
            rules.retain(|r| r.name != rule.name);
            rules.push(rule);
        }
    }
    for name in path.iter().filter(|n| !rules.iter().any(|r| r.name == **n)).cloned().collect::<Vec<_>>() {
        c.fault(&format!("{at}/request"), format!("the path parameter `{name}` is not declared under `options`"), None);
    }
    for (i, name) in required.iter().enumerate() {
        if required.iter().take(i).any(|other| other == name) {
            c.fault(&format!("{at}/required/{i}"), format!("`{name}` is listed twice"), None);
        }
        match rules.iter_mut().find(|r| r.name == *name) {
            Some(rule) => rule.required = true,
            None => c.fault(
                &format!("{at}/required"),
                format!("`{name}` is required but not declared under `options`"),
                None,
            ),
        }
    }
    rules
}

/// The options of the sets. An option that several sets declare must be equal in all.
fn shared_options(
    c: &mut Checker<'_>,
    at: &str,
    own: &Ordered<OptionFile>,
    sets: &[String],
    connector: &Connector,
    path: &[String],
) -> Vec<OptionRule> {
    let mut found: Vec<(&str, OptionRule)> = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let place = format!("{at}/use/{i}");
        if sets.iter().take(i).any(|other| other == set) {
            c.fault(&place, format!("the option set `{set}` is listed twice"), None);
            continue;
        }
        let Some((_, options)) = connector.option_sets.iter().find(|(name, _)| name == set) else {
            let hint = did_you_mean(set, connector.option_sets.iter().map(|(n, _)| n.as_str()));
            c.fault(&format!("{at}/use"), format!("the connector has no option set `{set}`{hint}"), None);
            continue;
        };
        for rule in options.iter().filter(|rule| !own.contains_key(&rule.name)) {
            let rule = in_path(c, &place, set, rule.clone(), path);
            match found.iter().find(|(_, other)| other.name == rule.name) {
                None => found.push((set, rule)),
                Some((_, other)) if other.is_same(&rule) => {}
                Some((other, _)) => c.fault(
                    &place,
                    format!("the option sets differ in `{}`: `{other}` and `{set}`", rule.name),
                    Some(
                        format!("declare `{}` under `options` of this operation, which overrides the sets", rule.name)
                            .into(),
                    ),
                ),
            }
        }
    }
    found.into_iter().map(|(_, rule)| rule).collect()
}

/// An option of a set that the path of an operation names.
fn in_path(c: &mut Checker<'_>, at: &str, set: &str, rule: OptionRule, path: &[String]) -> OptionRule {
    let named = path.contains(&rule.name);
    match (named, rule.location) {
        (true, Location::Path) => OptionRule { required: true, ..rule },
        (true, _) if !rule.placed => OptionRule { location: Location::Path, required: true, ..rule },
        (true, _) => {
            c.fault(
                at,
                format!("`{}` of the option set `{set}` is in the path, but the set sends it elsewhere", rule.name),
                None,
            );
            rule
        }
        (false, Location::Path) => {
            c.fault(
                at,
                format!("`{}` of the option set `{set}` is sent in the path, but the path does not name it", rule.name),
                None,
            );
            rule
        }
        (
            false,
            Location::Query
            | Location::Header
            | Location::Cookie
            | Location::Body
            | Location::Text
            | Location::PageSize,
        ) => rule,
    }
}
