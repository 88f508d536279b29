//! `operations WORDS` and `templates WORDS`: the best hits, each with the reason.

use serde_json::Value;

use super::shared::{DESCRIBE_NEXT, NAME_MIN, TEMPLATE_NEXT, TITLE_MIN, UNCHECKED, qualified, warn_omitted};
use crate::cli::app::App;
use crate::cli::args::SearchArgs;
use crate::cli::listing::Listing;
use crate::cli::screen::TableColumn;
use crate::definition::{FoundIn, Hit, Hits, OperationSummary, Search, Template, UnknownWord, Why};
use crate::describe;
use crate::error::Result;

/// Hits without `--limit` or `--all`.
const LIMIT: usize = 20;
/// Minimum width of reasons.
const WHY_MIN: usize = 32;

/// `operations WORDS`.
pub(super) fn operations(app: &App, args: &SearchArgs, text: String) -> Result<u8> {
    let catalog = app.catalog()?;
    let several = catalog.connector_names().count() > 1;
    let found = catalog.search(&search(args, text))?;
    if found.is_unchecked {
        app.screen.note(UNCHECKED);
    }
    let row = |hit: &Hit<_>| {
        let entry: &OperationSummary = &hit.entry;
        let id = qualified(&entry.connector, &entry.id, several);
        (vec![id, entry.method.to_string(), entry.title.clone(), reason(hit)], describe::found_operation(hit))
    };
    let rows = found.hits.iter().map(row).collect();
    print(app, args, "OPERATION", rows, &found, DESCRIBE_NEXT)
}

/// `templates WORDS`.
pub(super) fn templates(app: &App, args: &SearchArgs, text: String) -> Result<u8> {
    let catalog = app.catalog()?;
    let several = catalog.connector_names().count() > 1;
    let found = catalog.search_templates(&search(args, text))?;
    let row = |hit: &Hit<_>| {
        let entry: &Template = &hit.entry;
        let name = qualified(&entry.operation.connector.name, &entry.name, several);
        let method = entry.operation.method.to_string();
        (vec![name, method, entry.title.clone(), reason(hit)], describe::found_template(hit))
    };
    let rows = found.hits.iter().map(row).collect();
    print(app, args, "TEMPLATE", rows, &found, TEMPLATE_NEXT)
}

fn search(args: &SearchArgs, text: String) -> Search {
    let limit = args.limit.map_or(LIMIT, |limit| limit as usize);
    Search { text, connectors: args.connector.iter().cloned().collect(), limit: (!args.all).then_some(limit) }
}

fn print<T>(
    app: &App,
    args: &SearchArgs,
    name: &str,
    rows: Vec<(Vec<String>, Value)>,
    found: &Hits<T>,
    next: &str,
) -> Result<u8> {
    found.errors.iter().for_each(|error| warn_omitted(app, error));
    let columns = vec![
        TableColumn::whole(name).rank(3).min(NAME_MIN),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).min(TITLE_MIN),
        TableColumn::text("WHY").rank(1).min(WHY_MIN),
    ];
    let shown = rows.len();
    let what = name.to_lowercase();
    let none = format!("no {what} fits{}", nearest(&found.unknown));
    let code = Listing { columns, rows, none, next: next.to_owned() }.print(app, &args.listing)?;
    if shown > 0 {
        for word in &found.unknown {
            app.screen.note(&format!("no {what} has the word{}", nearest(std::slice::from_ref(word))));
        }
    }
    if found.total > shown && shown > 0 {
        let more = found.total - shown;
        app.screen.note(&format!("{more} more fit less; --limit N or --all lists them"));
    }
    Ok(code)
}

/// The words that nothing has, and what was perhaps meant.
fn nearest(unknown: &[UnknownWord]) -> String {
    let one = |word: &UnknownWord| match word.nearest.as_slice() {
        [] => format!(" `{}`", word.word),
        near => {
            let near: Vec<String> = near.iter().map(|word| format!("`{word}`")).collect();
            format!(" `{}`; the nearest words are {}", word.word, near.join(", "))
        }
    };
    unknown.iter().map(one).collect::<Vec<_>>().join(";")
}

/// The reasons by place, such as `title: tickets, user ~ member; option companyId: company`.
fn reason<T>(hit: &Hit<T>) -> String {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    for why in &hit.why {
        let (place, word) = (place(why), word(why));
        match places.iter_mut().find(|(other, _)| *other == place) {
            Some((_, words)) => words.push(word),
            None => places.push((place, vec![word])),
        }
    }
    let mut parts: Vec<String> =
        places.into_iter().map(|(place, words)| format!("{place}: {}", words.join(", "))).collect();
    if !hit.missing.is_empty() {
        parts.push(format!("without: {}", hit.missing.join(", ")));
    }
    let named = |name: &String| hit.why.iter().any(|why| why.name.as_ref() == Some(name));
    let templates: Vec<&str> = hit.templates.iter().filter(|name| !named(name)).map(String::as_str).collect();
    if !templates.is_empty() {
        let what = if templates.len() == 1 { "template" } else { "templates" };
        parts.push(format!("see {what} {}", templates.join(", ")));
    }
    parts.join("; ")
}

fn place(why: &Why) -> String {
    match (&why.name, why.place) {
        (Some(name), FoundIn::Text) => format!("text of {name}"),
        (Some(name), place) => format!("{} {name}", place.name()),
        (None, place) => place.name().to_owned(),
    }
}

fn word(why: &Why) -> String {
    if why.word == why.found { why.word.clone() } else { format!("{} ~ {}", why.word, why.found) }
}
