//! Ranks the entries of connectors by how well they fit a query. Pure.

use std::collections::HashMap;

use super::index::{EntryWords, Known, PackWords, WordAt};
use super::lexicon::action;
use super::pieces::FoundIn;
use super::query::{Fit, Query, Wanted};

/// How words of the catalogue fit a query, with typing errors where nothing else fits.
pub(in crate::definition) struct Matcher {
    pub(super) query: Query,
    /// Which words are looked for with typing errors.
    is_loose: Vec<bool>,
    /// Stems that they may mean.
    meanings: HashMap<String, Vec<Fit>>,
}

impl Matcher {
    /// Whether a word of the query is in none of these connectors, not even misspelt.
    pub(super) fn has_nothing(&self, number: usize, tables: &[FitTable]) -> bool {
        tables.iter().flat_map(|table| table.fits.iter().flatten()).all(|fit| fit.wanted != number)
    }

    /// A matcher for these connectors, and how each of their words fits.
    pub(super) fn new(query: Query, packs: &[&PackWords]) -> (Matcher, Vec<FitTable>) {
        let mut matcher = Matcher { is_loose: vec![false; query.wanted.len()], meanings: HashMap::new(), query };
        let mut tables: Vec<FitTable> = packs.iter().map(|pack| FitTable::new(pack, &matcher)).collect();
        let mut is_missing = vec![true; matcher.is_loose.len()];
        for fit in tables.iter().flat_map(|table| table.fits.iter().flatten()) {
            if let Some(missing) = is_missing.get_mut(fit.wanted) {
                *missing = false;
            }
        }
        if is_missing.contains(&true) {
            for (number, _) in is_missing.iter().enumerate().filter(|(_, missing)| **missing) {
                for (stem, fit) in matcher.query.meaning(number) {
                    matcher.meanings.entry(stem).or_default().push(fit);
                }
            }
            matcher.is_loose = is_missing;
            tables = packs.iter().map(|pack| FitTable::new(pack, &matcher)).collect();
        }
        (matcher, tables)
    }

    pub(super) fn fits(&self, known: &Known) -> Vec<Fit> {
        let mut fits = self.query.fits(known);
        fits.extend(self.meanings.get(known.stem()).into_iter().flatten());
        let loose = self.is_loose.iter().enumerate().filter(|(_, loose)| **loose);
        fits.extend(loose.filter_map(|(number, _)| self.query.near(number, known)));
        fits
    }
}

/// How each word of a connector fits.
pub(super) struct FitTable {
    /// For each word the place in `fits`; 0 is none.
    places: Vec<u32>,
    fits: Vec<Vec<Fit>>,
}

impl FitTable {
    fn new(pack: &PackWords, matcher: &Matcher) -> FitTable {
        let mut table = FitTable { places: Vec::with_capacity(pack.known.len()), fits: vec![Vec::new()] };
        for known in &pack.known {
            let fits = matcher.fits(known);
            let place = if fits.is_empty() { 0 } else { u32::try_from(table.fits.len()).unwrap_or_default() };
            if place != 0 {
                table.fits.push(fits);
            }
            table.places.push(place);
        }
        table
    }

    pub(super) fn of(&self, token: WordAt) -> &[Fit] {
        let place = self.places.get(token.word()).copied().unwrap_or_default();
        self.fits.get(place as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What a search looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Operations,
    Templates,
}

/// An entry that fits: its connector and its number there.
#[derive(Clone, Copy, Debug)]
pub(in crate::definition) struct Ranked {
    pub(in crate::definition) pack: usize,
    pub(in crate::definition) entry: usize,
    pub(in crate::definition) score: f32,
}

/// How an entry fits, before it is known how rare each word is.
struct WordTally {
    pack: usize,
    entry: usize,
    /// For each word the best fit, and the sum of all.
    words: Vec<(f32, f32)>,
    /// Which part of its title and id is asked for.
    share: f32,
}

impl WordTally {
    /// Of an entry that is named, but has none of the words.
    fn named(pack: usize, entry: usize, matcher: &Matcher) -> WordTally {
        WordTally { pack, entry, words: vec![(0.0, 0.0); matcher.query.wanted.len()], share: 1.0 }
    }
}

/// An entry whose name is the query is the first.
const NAMED: f32 = 100.0;
const SHARE: f32 = 5.0;
const SHAPE: f32 = 1.0;
const ACTION: f32 = 0.5;
/// A word in more places counts a little more.
const AGAIN: f32 = 0.15;
/// What is left of the score of an entry that has none of the words.
const PARTLY: f32 = 0.3;
const OUTDATED: f32 = 0.8;
/// What is left of the score of an operation that does something else.
const OTHER_ACTION: f32 = 0.75;

/// The entries that fit, the best first. `is_named` tells whether the query names an entry.
pub(super) fn rank(
    kind: Kind,
    matcher: &Matcher,
    packs: &[&PackWords],
    tables: &[FitTable],
    is_named: &dyn Fn(usize, usize) -> bool,
) -> Vec<Ranked> {
    let mut tallies = Vec::new();
    let mut total = 0;
    for (number, (pack, table)) in packs.iter().zip(tables).enumerate() {
        let work = PackWork::new(matcher, pack, table);
        let entries = if kind == Kind::Operations { &pack.operations } else { &pack.templates };
        total += entries.len();
        for (at, entry) in entries.iter().enumerate() {
            let named = || is_named(number, at).then(|| WordTally::named(number, at, matcher));
            tallies.extend(work.tally(kind, number, at, entry).or_else(named));
        }
    }
    let weights = weights(matcher, &tallies, total);
    let is_plain = |number: usize| matcher.query.wanted.get(number).is_some_and(|w| w.actions == 0);
    let asks_for_things = weights.iter().enumerate().any(|(number, weight)| is_plain(number) && *weight > 0.0);
    let mut places: Vec<Ranked> = Vec::new();
    for tally in &tallies {
        let has_thing = tally.words.iter().enumerate().any(|(n, (best, _))| is_plain(n) && *best > 0.0);
        let is_named = is_named(tally.pack, tally.entry);
        if asks_for_things && !has_thing && !is_named {
            continue;
        }
        let Some(pack) = packs.get(tally.pack) else { continue };
        let mut score = score(matcher, pack, kind, tally, &weights);
        if is_named {
            score += NAMED;
        }
        places.push(Ranked { pack: tally.pack, entry: tally.entry, score });
    }
    // Entries of one score stay in their order.
    places.sort_by(|a, b| b.score.total_cmp(&a.score));
    places
}

struct PackWork<'p> {
    matcher: &'p Matcher,
    pack: &'p PackWords,
    table: &'p FitTable,
    /// Fits of the connector's own name.
    connector: Vec<(f32, f32)>,
    /// Of each record.
    records: Vec<Option<Vec<(f32, f32)>>>,
    /// Of the templates of each operation.
    templates: Vec<Option<Vec<(f32, f32)>>>,
}

impl<'p> PackWork<'p> {
    fn new(matcher: &'p Matcher, pack: &'p PackWords, table: &'p FitTable) -> PackWork<'p> {
        let mut work =
            PackWork { matcher, pack, table, connector: Vec::new(), records: Vec::new(), templates: Vec::new() };
        work.connector = work.sums(pack.connector(), &|found| found.weight()).unwrap_or_default();
        let of_record = |record| work.sums(pack.tokens_of(record), &|found| found.weight());
        work.records = pack.records.iter().map(of_record).collect();
        let mut templates = vec![None; pack.operations.len()];
        for template in &pack.templates {
            let weight = |found| if names(found) { FoundIn::Template.weight() } else { 0.0 };
            let sums = work.sums(pack.tokens_of(template), &weight);
            let operation = template.operation.and_then(|number| templates.get_mut(number as usize));
            if let (Some(slot), Some(sums)) = (operation, sums) {
                match slot {
                    None => *slot = Some(sums),
                    Some(all) => all.iter_mut().zip(sums).for_each(|(own, (best, _))| own.0 = own.0.max(best)),
                }
            }
        }
        work.templates = templates;
        work
    }

    /// For each word the best fit and the sum; `None` if none fits.
    fn sums(&self, tokens: &[WordAt], weight: &dyn Fn(FoundIn) -> f32) -> Option<Vec<(f32, f32)>> {
        let mut sums: Option<Vec<(f32, f32)>> = None;
        for token in tokens {
            for fit in self.table.of(*token) {
                let count = self.matcher.query.wanted.len();
                if self.matcher.query.is_at(fit, token.found()) {
                    let sums = sums.get_or_insert_with(|| vec![(0.0, 0.0); count]);
                    put(sums, fit.wanted, fit.quality * weight(token.found()));
                }
            }
        }
        sums
    }

    fn tally(&self, kind: Kind, pack: usize, at: usize, entry: &EntryWords) -> Option<WordTally> {
        let own = self.sums(self.pack.tokens_of(entry), &|found| found.weight());
        let records = entry.records.iter().flatten();
        let records = records.filter_map(|number| self.records.get(*number as usize)?.as_ref());
        let templates = match kind {
            Kind::Operations => self.templates.get(at).and_then(Option::as_ref),
            Kind::Templates => None,
        };
        let operation = entry.operation.and_then(|number| self.pack.operations.get(number as usize));
        let weight = |found| if names(found) { FoundIn::Operation.weight() } else { 0.0 };
        let operation_sums = operation.and_then(|o| self.sums(self.pack.tokens_of(o), &weight));
        let connector = Some(&self.connector).filter(|sums| !sums.is_empty());
        let actions = operation.map_or(entry.actions, |o| o.actions);
        let wanted = &self.matcher.query.wanted;
        let mut words = own.unwrap_or_default();
        words.resize(wanted.len(), (0.0, 0.0));
        for others in records.chain(templates).chain(&operation_sums).chain(connector) {
            others.iter().enumerate().for_each(|(number, (best, _))| put(&mut words, number, *best));
        }
        for (number, word) in wanted.iter().enumerate() {
            if word.actions & actions != 0 {
                put(&mut words, number, FoundIn::Method.weight());
            }
        }
        let is_found = words.iter().any(|(best, _)| *best > 0.0);
        is_found.then(|| WordTally { pack, entry: at, words, share: self.share(entry) })
    }

    /// Which part of the title and id the query asks for, in words that name a thing.
    fn share(&self, entry: &EntryWords) -> f32 {
        let part = |place: FoundIn| {
            let (mut all, mut asked) = (0.0_f32, 0.0_f32);
            for token in self.pack.tokens_of(entry).iter().filter(|token| token.found() == place) {
                if self.pack.known.get(token.word()).is_some_and(|known| known.is_plain) {
                    all += 1.0;
                    asked += self.table.of(*token).iter().map(|fit| fit.quality).fold(0.0, f32::max);
                }
            }
            if all == 0.0 { 0.0 } else { asked / all }
        };
        f32::midpoint(part(FoundIn::Title), part(FoundIn::Id))
    }
}

fn names(found: FoundIn) -> bool {
    matches!(found, FoundIn::Id | FoundIn::Title)
}

fn put(sums: &mut [(f32, f32)], number: usize, amount: f32) {
    if let Some((best, sum)) = sums.get_mut(number) {
        *best = best.max(amount);
        *sum += amount;
    }
}

/// How much each word counts: rare ones more, those that nothing has not at all.
fn weights(matcher: &Matcher, tallies: &[WordTally], total: usize) -> Vec<f32> {
    let all = total.max(2) as f32;
    let weight = |(number, word): (usize, &Wanted)| {
        let having = tallies.iter().filter(|t| t.words.get(number).is_some_and(|(best, _)| *best > 0.0)).count();
        match having {
            0 => 0.0,
            _ if word.actions != 0 => ACTION,
            _ => word.emphasis * (0.35 + 0.65 * (all / having as f32).ln() / all.ln()),
        }
    };
    matcher.query.wanted.iter().enumerate().map(weight).collect()
}

fn score(matcher: &Matcher, pack: &PackWords, kind: Kind, tally: &WordTally, weights: &[f32]) -> f32 {
    let (mut score, mut had) = (0.0, 0.0);
    for ((best, sum), weight) in tally.words.iter().zip(weights) {
        score += weight * (best + AGAIN * (sum - best).min(*best));
        had += if *best > 0.0 { *weight } else { 0.0 };
    }
    score += SHARE * tally.share;
    let asked: f32 = weights.iter().sum();
    if asked > 0.0 {
        score *= PARTLY + (1.0 - PARTLY) * had / asked;
    }
    let entries = if kind == Kind::Operations { &pack.operations } else { &pack.templates };
    let Some(entry) = entries.get(tally.entry) else { return score };
    let operation = entry.operation.and_then(|number| pack.operations.get(number as usize)).unwrap_or(entry);
    let query = &matcher.query;
    if operation.is_list != query.is_about_one && (query.is_about_one || query.wanted.iter().any(|w| w.is_plural)) {
        score += SHAPE;
    }
    if query.wanted.iter().all(|word| word.actions == 0) && operation.actions & action("read") != 0 {
        score += SHAPE;
    }
    let actions = query.wanted.iter().fold(0, |all, word| all | word.actions);
    if actions != 0 && operation.actions & actions == 0 {
        score *= OTHER_ACTION;
    }
    if operation.is_deprecated { score * OUTDATED } else { score }
}

/// The templates of an operation that have one of the words, the best first.
pub(super) fn templates_of(matcher: &Matcher, pack: &PackWords, table: &FitTable, operation: usize) -> Vec<usize> {
    let work = PackWork { matcher, pack, table, connector: Vec::new(), records: Vec::new(), templates: Vec::new() };
    let weight = |found| if names(found) { 1.0 } else { 0.0 };
    let is_plain = |number: usize| matcher.query.wanted.get(number).is_some_and(|w| w.actions == 0);
    let own = pack.templates.iter().enumerate().filter(|(_, t)| t.operation.is_some_and(|o| o as usize == operation));
    let mut fitting: Vec<(f32, usize)> = own
        .filter_map(|(number, template)| {
            let sums = work.sums(pack.tokens_of(template), &weight)?;
            let score: f32 = sums.iter().enumerate().filter(|(n, _)| is_plain(*n)).map(|(_, (best, _))| best).sum();
            (score > 0.0).then_some((score, number))
        })
        .collect();
    fitting.sort_by(|a, b| b.0.total_cmp(&a.0));
    fitting.into_iter().map(|(_, number)| number).collect()
}
