//! What many operations share: the connector's paging, its sets of options, and the files of operations. Pure.

use std::collections::BTreeMap;

use super::found::{PagingFound, PagingWord};
use super::operation::OperationDraft;
use super::report::Grade;
use super::settings::ImportSettings;
use super::value::{Doc, Fields};
use crate::draft::words;

/// A style that fewer lists have stays by these.
const STYLE_MIN: usize = 2;

/// Writes the paging of each list; returns that of most, which becomes the connector's.
pub(crate) fn share_paging(drafts: &mut [OperationDraft], settings: &ImportSettings) -> Option<(Doc, Option<String>)> {
    let mut counts: Vec<(Doc, Option<String>, usize)> = Vec::new();
    for found in drafts.iter().filter_map(|draft| draft.paging.as_ref()) {
        let PagingWord::Style(style) = &found.style else { continue };
        match counts.iter_mut().find(|(known, ..)| known == style) {
            Some((.., count)) => *count += 1,
            None => counts.push((style.clone(), why(found), 1)),
        }
    }
    let most = counts.into_iter().filter(|(.., count)| *count >= STYLE_MIN).max_by_key(|(.., count)| *count);
    let own = settings.own.connector.as_ref().and_then(|doc| doc.get("paging")).filter(|paging| paging.map().is_some());
    let common = match (own, settings.own.connector.is_some()) {
        (Some(own), _) => Some(own.clone()),
        (None, true) => None,
        (None, false) => most.as_ref().map(|(style, ..)| style.clone()),
    };
    for draft in drafts.iter_mut() {
        let Some(found) = draft.paging.clone() else { continue };
        match &found.style {
            PagingWord::Style(style) if Some(style) == common.as_ref() => {}
            PagingWord::Style(style) => draft.put("paging", style.clone(), why(&found)),
            PagingWord::Unknown => draft.put("paging", Doc::from("unknown"), None),
            PagingWord::None if common.is_some() => draft.put("paging", Doc::from("none"), why(&found)),
            PagingWord::None => {}
        }
    }
    most.filter(|_| settings.own.connector.is_none()).map(|(style, why, _)| (style, why))
}

fn why(found: &PagingFound) -> Option<String> {
    (found.grade == Grade::Likely).then(|| found.why.clone())
}

/// How many operations must share options, and how many these must be, to become a set.
const SHARED_MIN: usize = 6;
const OPTIONS_MIN: usize = 3;

/// Puts options that many operations share into sets; `own` are the sets of the user's own connector.yaml.
pub(crate) fn share_options(drafts: &mut [OperationDraft], own: Option<&Fields>, is_own: bool) -> Fields {
    let mut sets = own.cloned().unwrap_or_default();
    if !is_own {
        let mut counts: BTreeMap<String, (Fields, usize)> = BTreeMap::new();
        for options in drafts.iter().map(shared) {
            counts.entry(Doc::Map(options.clone()).to_json()).or_insert((options, 0)).1 += 1;
        }
        let common =
            counts.into_values().filter(|(options, count)| *count >= SHARED_MIN && options.len() >= OPTIONS_MIN);
        let mut common: Vec<(Fields, usize)> = common.collect();
        common.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (options, _) in common.into_iter().take(12) {
            let name = set_name(&options, &sets);
            sets.insert(name, Doc::Map(options));
        }
    }
    for draft in drafts.iter_mut() {
        let options = shared(draft);
        let fits = |set: &Doc| match is_own {
            // The own set says the same in other words.
            true => set
                .map()
                .is_some_and(|set| set.len() == options.len() && set.keys().all(|key| options.contains_key(key))),
            false => *set == Doc::Map(options.clone()),
        };
        let Some(name) = sets.iter().find(|(_, set)| !options.is_empty() && fits(set)).map(|(name, _)| name.clone())
        else {
            continue;
        };
        let Some(Doc::Map(mut left)) = draft.value("options").cloned() else { continue };
        left.retain(|key, _| !options.contains_key(key));
        let at = draft.lines.iter().position(|line| line.key == "options").unwrap_or_default();
        draft
            .lines
            .insert(at, super::operation::DraftLine { key: "use", value: Doc::texts([name.as_str()]), why: None });
        if left.is_empty() { draft.drop_key("options") } else { draft.put("options", Doc::Map(left), None) }
    }
    if is_own { Fields::new() } else { sets }
}

/// The options of the query, which may be a set.
fn shared(draft: &OperationDraft) -> Fields {
    let request = draft.value("request").and_then(Doc::text).unwrap_or_default();
    // A set has no records.
    let refers = |rules: &Doc| rules.to_json().contains("\"#/records/");
    let is_shared = |name: &str, rules: &Doc| {
        !request.contains(&format!("{{{name}}}")) && rules.get("in").is_none() && !refers(rules)
    };
    let options = draft.value("options").into_iter().flat_map(Doc::fields);
    options
        .filter(|(name, rules)| is_shared(name, rules))
        .map(|(name, rules)| (name.to_owned(), rules.clone()))
        .collect()
}

/// The first options of a set.
fn set_name(options: &Fields, taken: &Fields) -> String {
    let names: Vec<&str> = options.keys().map(String::as_str).collect();
    (1..=names.len())
        .map(|n| names.iter().take(n).flat_map(|name| words(name)).collect::<Vec<_>>().join("-"))
        .find(|name| !taken.contains_key(name) && name.is_ascii() && !name.is_empty())
        .unwrap_or_else(|| super::names::short_hash(&names.join(" ")))
}

/// An area with more operations is split by the second word of its paths.
const AREA_MAX: usize = 150;

/// Divides large areas.
pub(crate) fn divide(drafts: &mut [OperationDraft]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for draft in drafts.iter() {
        *counts.entry(draft.area.clone()).or_default() += 1;
    }
    for draft in drafts.iter_mut().filter(|draft| counts.get(&draft.area).is_some_and(|count| *count > AREA_MAX)) {
        let path = draft.line.split_once(' ').map(|(_, path)| path).unwrap_or_default();
        let rest: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && !s.contains('{')).collect();
        let second =
            rest.iter().position(|segment| words(segment).join("-") == draft.area).and_then(|at| rest.get(at + 1));
        if let Some(second) = second
            .map(|segment| words(segment).join("-"))
            .filter(|name| name.is_ascii() && (1..=100).contains(&name.len()))
        {
            draft.area = format!("{}-{second}", draft.area);
        }
    }
}
