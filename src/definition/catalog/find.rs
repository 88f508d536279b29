//! Finds operations and templates by words, the best first.

use std::borrow::Cow;
use std::sync::Arc;

use super::Catalog;
use super::pack::Pack;
use crate::definition::search::{EntryText, Finder, Ranked, TextRole, UnknownWord, Why};
use crate::definition::summary::OperationSummary;
use crate::definition::template::Template;
use crate::error::{Error, Result};

/// Most hits whose definitions are checked in full.
const CHECKED_MAX: usize = 500;
/// Hits with less than this part of the best score are left out of a limited search.
const WEAK: f32 = 0.25;
/// Most templates that are named for an operation.
const TEMPLATES_MAX: usize = 3;

/// What to search for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words, as a person says them.
    pub text: String,
    /// Only in these connectors; empty: in all.
    pub connectors: Vec<String>,
    /// Most hits, without those that fit much less than the best; `None`: all.
    pub limit: Option<usize>,
}

/// An operation or template that fits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hit<T> {
    /// What was found.
    pub entry: T,
    /// How well it fits, to be compared within one search.
    pub score: f32,
    /// Why it fits: each word of the search with the place where it was found.
    pub why: Vec<Why>,
    /// Words of the search that it does not have.
    pub missing: Vec<String>,
    /// Of an operation: templates of it that fit.
    pub templates: Vec<String>,
}

/// The result of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hits<T> {
    /// The best first.
    pub hits: Vec<Hit<T>>,
    /// How many fit, with those beyond the limit.
    pub total: usize,
    /// Words that no definition has.
    pub unknown: Vec<UnknownWord>,
    /// Faults of definitions that are omitted.
    pub errors: Vec<Error>,
    /// Whether there are too many to check their definitions in full.
    pub is_unchecked: bool,
}

impl Catalog {
    /// The operations that fit the words of a search, the best first: by OperationIds, titles, paths, names of options
    /// and fields, descriptions and templates. Finds other forms of a word, words with the same meaning, beginnings of
    /// words, and misspelt words.
    ///
    /// ```
    /// use opnode::Catalog;
    /// use opnode::definition::{FoundIn, Search};
    ///
    /// let mut catalog = Catalog::empty();
    /// catalog.add_folder("examples/definitions".as_ref())?;
    /// let search = Search { text: "add an isue".into(), limit: Some(5), ..Search::default() };
    /// let found = catalog.search(&search)?;
    /// let best = &found.hits[0];
    /// assert_eq!(best.entry.id, "createTicket");
    /// assert_eq!((best.why[0].word.as_str(), best.why[0].found.as_str()), ("add", "create"));
    /// assert_eq!(best.why[0].place, FoundIn::Id);
    /// # Ok::<(), opnode::Error>(())
    /// ```
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn search(&self, search: &Search) -> Result<Hits<OperationSummary>> {
        let packs = self.searched(search)?;
        let finder = Finder::new(&search.text, packs.iter().map(|pack| pack.searched()).collect());
        let name = |pack: usize, entry: usize| name_of(&packs, pack, "operations", entry);
        let places = finder.operations(&name);
        let total = places.len();
        let is_checked = total.min(search.limit.unwrap_or(usize::MAX)) <= CHECKED_MAX;
        let mut hits = Hits::new(&finder, &packs, total, !is_checked);
        for place in places {
            if hits.is_full(search, place) {
                break;
            }
            let Some(pack) = packs.get(place.pack) else { continue };
            let id = name_of(&packs, place.pack, "operations", place.entry);
            let read = match is_checked {
                true => pack.operation(id).map(|operation| operation.as_deref().map(OperationSummary::from)),
                false => pack.summary(&Arc::from(pack.name.as_str()), id),
            };
            match read {
                Ok(Some(summary)) => hits.hits.push(operation_hit(&finder, pack, place, summary)),
                Ok(None) => {}
                Err(error) => hits.omit(error),
            }
        }
        Ok(hits)
    }

    /// The templates that fit the words of a search, the best first.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn search_templates(&self, search: &Search) -> Result<Hits<Template>> {
        let packs = self.searched(search)?;
        let finder = Finder::new(&search.text, packs.iter().map(|pack| pack.searched()).collect());
        let name = |pack: usize, entry: usize| name_of(&packs, pack, "templates", entry);
        let places = finder.templates(&name);
        let mut hits = Hits::new(&finder, &packs, places.len(), false);
        for place in places {
            if hits.is_full(search, place) {
                break;
            }
            let Some(pack) = packs.get(place.pack) else { continue };
            match pack.template(name_of(&packs, place.pack, "templates", place.entry)) {
                Ok(Some(template)) => hits.hits.push(template_hit(&finder, pack, place, template)),
                Ok(None) => {}
                Err(error) => hits.omit(error),
            }
        }
        Ok(hits)
    }

    fn searched(&self, search: &Search) -> Result<Vec<&Pack>> {
        match search.connectors.as_slice() {
            [] => Ok(self.packs.values().collect()),
            named => named.iter().map(|name| self.pack(name)).collect(),
        }
    }
}

impl<T> Hits<T> {
    fn new(finder: &Finder<'_>, packs: &[&Pack], total: usize, is_unchecked: bool) -> Hits<T> {
        let errors = packs.iter().flat_map(|pack| pack.broken().iter().cloned()).collect();
        Hits { hits: Vec::new(), total, unknown: finder.unknown(), errors, is_unchecked }
    }

    /// Whether a limited search ends before this one, because there are enough or it fits much less than the best.
    fn is_full(&self, search: &Search, next: Ranked) -> bool {
        let Some(limit) = search.limit else { return false };
        self.hits.len() >= limit || self.hits.first().is_some_and(|best| next.score < best.score * WEAK)
    }

    /// Leaves one out. A fault of the connector is reported once.
    fn omit(&mut self, error: Error) {
        self.total = self.total.saturating_sub(1);
        if self.errors.iter().all(|other| other.to_string() != error.to_string()) {
            self.errors.push(error);
        }
    }
}

fn name_of<'p>(packs: &[&'p Pack], pack: usize, section: &'static str, entry: usize) -> &'p str {
    packs.get(pack).and_then(|pack| pack.name_at(section, entry)).unwrap_or_default()
}

fn operation_hit(finder: &Finder<'_>, pack: &Pack, place: Ranked, entry: OperationSummary) -> Hit<OperationSummary> {
    let names = |section, numbers: Vec<usize>| -> Vec<&str> {
        numbers.into_iter().filter_map(|number| pack.name_at(section, number)).collect()
    };
    let records = names("records", finder.records_of(place));
    let mut templates = names("templates", finder.templates_of(place));
    let own = [(TextRole::Own, "operations", entry.id.as_str())].into_iter();
    let of_records = records.into_iter().map(|name| (TextRole::Own, "records", name));
    let of_templates = templates.iter().map(|name| (TextRole::Template, "templates", *name));
    let texts = texts(pack, own.chain(of_records).chain(of_templates));
    let method = entry.method.to_string();
    let (why, missing) = reasons(finder, pack, place.pack, Some(place.entry), &method, &texts);
    templates.truncate(TEMPLATES_MAX);
    let templates = templates.into_iter().map(str::to_owned).collect();
    Hit { entry, score: place.score, why, missing, templates }
}

fn template_hit(finder: &Finder<'_>, pack: &Pack, place: Ranked, entry: Template) -> Hit<Template> {
    let operation = entry.operation.id.as_str();
    let roles = [(TextRole::Own, "templates", entry.name.as_str()), (TextRole::Operation, "operations", operation)];
    let texts = texts(pack, roles.into_iter());
    let method = entry.operation.method.to_string();
    let number = pack.number_of("operations", operation);
    let (why, missing) = reasons(finder, pack, place.pack, number, &method, &texts);
    Hit { entry, score: place.score, why, missing, templates: Vec::new() }
}

/// A text with what it is, its section and its name.
type RoleText<'p> = (TextRole, &'static str, &'p str, Cow<'p, str>);

fn texts<'p>(pack: &'p Pack, entries: impl Iterator<Item = (TextRole, &'static str, &'p str)>) -> Vec<RoleText<'p>> {
    entries.map(|(role, section, name)| (role, section, name, pack.entry_text(section, name))).collect()
}

fn reasons(
    finder: &Finder<'_>,
    pack: &Pack,
    number: usize,
    operation: Option<usize>,
    method: &str,
    texts: &[RoleText<'_>],
) -> (Vec<Why>, Vec<String>) {
    let texts: Vec<EntryText<'_>> =
        texts.iter().map(|(role, section, name, text)| EntryText { role: *role, section, name, text }).collect();
    let title = pack.connector().map(|connector| connector.title.clone()).unwrap_or_default();
    finder.reasons(number, operation, method, &format!("{} {title}", pack.name), &texts)
}
