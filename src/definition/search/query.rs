//! The words that are searched for, and how a word of a catalogue fits them. Pure.

use std::collections::HashMap;

use super::index::{Known, PackWords};
use super::lexicon::{Actions, lexicon};
use super::pieces::FoundIn;
use super::text::{raw_words, slips, split_name, stem};

/// How a word of the catalogue fits a word of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is the same word, or another form of it.
    Same,
    /// It means the same.
    Synonym,
    /// It begins with the word.
    Prefix,
    /// It is nearly the same: the word may be misspelt.
    Typo,
    /// It contains the word.
    Within,
}

impl Likeness {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Likeness::Same => "same",
            Likeness::Synonym => "synonym",
            Likeness::Prefix => "prefix",
            Likeness::Typo => "typo",
            Likeness::Within => "within",
        }
    }
}

/// A word of the query.
#[derive(Debug)]
pub(super) struct Wanted {
    /// In lower case; what stands for several words, such as `count` for `how many`.
    pub(super) text: String,
    /// As it was typed, in lower case.
    pub(super) typed: String,
    stem: String,
    /// Together with the word before or after it, such as `web hook`.
    joined: Vec<String>,
    /// What an operation does, if it names that.
    pub(super) actions: Actions,
    /// How much it counts by its place among the words.
    pub(super) emphasis: f32,
    /// Several are meant.
    pub(super) is_plural: bool,
}

/// The words of a search.
pub(super) struct Query {
    pub(super) wanted: Vec<Wanted>,
    /// Stems with a meaning for the words.
    exact: HashMap<String, Vec<Fit>>,
    /// One thing is meant, such as in `a ticket`.
    pub(super) is_about_one: bool,
    /// The words as they were typed, each in lower case without signs, which may be an id.
    pub(super) ids: Vec<String>,
}

/// How a word of the catalogue fits: the number of the wanted word, and how well from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) wanted: usize,
    pub(super) quality: f32,
    pub(super) likeness: Likeness,
}

/// Most words of a query; what follows is not read.
const WORDS_MAX: usize = 24;

/// Words behind which a query says more about what it names first.
const LINKS: [&str; 12] = ["of", "for", "by", "with", "from", "in", "to", "on", "per", "within", "where", "that"];
/// What a word counts behind a link.
const LINKED: f32 = 0.75;
const SYNONYM: f32 = 0.72;
const ANOTHER_FORM: f32 = 0.95;
const TYPO: f32 = 0.65;

impl Query {
    pub(super) fn new(text: &str) -> Query {
        let mut words = Vec::new();
        for raw in raw_words(text) {
            split_name(raw, |part| words.push(part.to_owned()));
        }
        words.truncate(WORDS_MAX);
        let is_about_one = words.first().is_some_and(|first| matches!(first.as_str(), "a" | "an" | "one" | "single"))
            || words.iter().zip(words.iter().skip(1)).any(|(a, b)| a == "by" && b == "id");
        let ids = text.split_whitespace().map(|word| word.to_lowercase()).collect();
        let (mut wanted, mut link, mut rest) = (Vec::<Wanted>::new(), false, words.as_slice());
        let is_all_ignored = words.iter().all(|word| word.len() < 2 || lexicon().is_ignored(word));
        while let Some(first) = rest.first() {
            let (word, used) = lexicon().phrase(rest).unwrap_or((first, 1));
            // A link before the first name links nothing.
            link |= LINKS.contains(&word) && wanted.iter().any(|w| w.actions == 0);
            let is_short = word.chars().count() < 2 && word.is_ascii();
            if is_all_ignored || !(is_short || lexicon().is_ignored(word)) {
                let typed = rest.get(..used).unwrap_or_default().join(" ");
                wanted.push(Wanted::new(word, typed, if link { LINKED } else { 1.0 }));
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        join(&mut wanted);
        wanted = without_repetition(wanted);
        let mut exact: HashMap<String, Vec<Fit>> = HashMap::new();
        for (number, word) in wanted.iter().enumerate() {
            let mut put = |stem: &str, quality, likeness| {
                exact.entry(stem.to_owned()).or_default().push(Fit { wanted: number, quality, likeness });
            };
            put(&word.stem, 1.0, Likeness::Same);
            word.joined.iter().for_each(|joined| put(joined, 1.0, Likeness::Same));
            lexicon().synonyms(&word.stem).for_each(|other| put(other, SYNONYM, Likeness::Synonym));
        }
        Query { wanted, exact, is_about_one, ids }
    }

    /// Whether a word can be meant there: what an operation does is in its names.
    pub(super) fn is_at(&self, fit: &Fit, found: FoundIn) -> bool {
        let Some(word) = self.wanted.get(fit.wanted) else { return false };
        match found {
            FoundIn::Id | FoundIn::Title | FoundIn::Path | FoundIn::Operation | FoundIn::Method => true,
            FoundIn::Template if fit.likeness == Likeness::Same => true,
            // A short word looks like many words of a text.
            FoundIn::Description | FoundIn::Text if fit.likeness == Likeness::Typo && word.text.len() < 6 => false,
            _ => word.actions == 0,
        }
    }

    /// How a word fits, without typing errors.
    pub(super) fn fits(&self, known: &Known) -> Vec<Fit> {
        let stem = known.stem();
        let mut fits: Vec<Fit> = Vec::new();
        for fit in self.exact.get(stem).into_iter().flatten() {
            let is_other = self.wanted.get(fit.wanted).is_some_and(|w| w.text != *known.text);
            let is_better = fits.iter().all(|f| f.wanted != fit.wanted || f.quality < fit.quality);
            if is_better {
                fits.retain(|f| f.wanted != fit.wanted);
                let form = if is_other && fit.likeness == Likeness::Same { ANOTHER_FORM } else { 1.0 };
                fits.push(Fit { quality: fit.quality * form, ..*fit });
            }
        }
        for (number, word) in self.wanted.iter().enumerate() {
            let begins = word.actions == 0
                && word.text.len() >= 3
                && known.text.len() > word.text.len()
                && known.text.starts_with(&word.text);
            if begins && fits.iter().all(|fit| fit.wanted != number) {
                let share = word.text.len() as f32 / known.text.len() as f32;
                fits.push(Fit { wanted: number, quality: 0.35 + 0.4 * share, likeness: Likeness::Prefix });
            }
        }
        fits
    }

    /// What a misspelt word may mean, if its right spelling is one of the known words.
    pub(super) fn meaning(&self, number: usize) -> Vec<(String, Fit)> {
        let Some(word) = self.wanted.get(number) else { return Vec::new() };
        let most = slips(word.text.chars().count());
        let Some(near) = Some(most).filter(|most| *most > 0).and_then(|most| lexicon().near(&word.stem, most)) else {
            return Vec::new();
        };
        let fit = Fit { wanted: number, quality: SYNONYM * TYPO, likeness: Likeness::Typo };
        lexicon().synonyms(near).map(|other| (other.to_owned(), fit)).collect()
    }

    /// How a word may be meant by a word of the query that nothing else fits.
    pub(super) fn near(&self, number: usize, known: &Known) -> Option<Fit> {
        let word = self.wanted.get(number)?;
        let fit = |quality, likeness| Some(Fit { wanted: number, quality, likeness });
        let letters = word.text.chars().count();
        if letters >= 3 && known.text.contains(&word.text) {
            return fit(0.4, Likeness::Within);
        }
        let most = slips(letters);
        if most == 0 || known.text.len().abs_diff(word.text.len()) > most + 2 || known.text.len() < 3 {
            return None;
        }
        let distance = |one: &str, other: &str| strsim::osa_distance(one, other);
        let least = distance(&word.text, &known.text).min(distance(&word.stem, known.stem()));
        let quality = if least <= 1 { TYPO } else { 0.5 };
        if least <= most { fit(quality, Likeness::Typo) } else { None }
    }

    /// The words of the catalogue that look most like a word that nothing has.
    pub(super) fn nearest<'w>(&self, number: usize, packs: impl Iterator<Item = &'w PackWords>) -> Vec<String> {
        let Some(word) = self.wanted.get(number) else { return Vec::new() };
        let known = packs.flat_map(|pack| &pack.known).map(|known| &*known.text);
        let mut near: Vec<(f64, &str)> = known
            .filter(|text| text.len() > 2 && !text.bytes().any(|b| b.is_ascii_digit()))
            .map(|text| (strsim::jaro_winkler(&word.text, text), text))
            .filter(|(likeness, _)| *likeness > 0.7)
            .collect();
        near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
        near.dedup();
        near.into_iter().take(3).map(|(_, text)| text.to_owned()).collect()
    }
}

impl Wanted {
    fn new(word: &str, typed: String, emphasis: f32) -> Wanted {
        let stem = stem(word).into_owned();
        let actions = lexicon().actions_of(&stem);
        let is_plural = word.ends_with('s') && stem.len() < word.len() && !word.ends_with("ss");
        Wanted { text: word.to_owned(), typed, stem, joined: Vec::new(), actions, emphasis, is_plural }
    }
}

/// Each word with its neighbours, as one word.
fn join(wanted: &mut [Wanted]) {
    let texts: Vec<String> = wanted.iter().map(|word| word.text.clone()).collect();
    for (number, pair) in texts.windows(2).enumerate() {
        let joined = stem(&pair.concat()).into_owned();
        wanted.iter_mut().skip(number).take(2).for_each(|word| word.joined.push(joined.clone()));
    }
}

fn without_repetition(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = Vec::new();
    for word in wanted {
        if all.iter().all(|other| other.stem != word.stem) {
            all.push(word);
        }
    }
    all
}
