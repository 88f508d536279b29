//! Why an entry fits a query: which word was found where. Pure.

use super::index::Known;
use super::lexicon::Actions;
use super::pieces::{EntryPiece, FoundIn, pieces};
use super::query::Likeness;
use super::rank::Matcher;
use super::text::{raw_words, split_name};

/// Why an entry fits: one word of the query, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Why {
    /// The word of the query.
    pub word: String,
    /// The word of the entry.
    pub found: String,
    /// Where that is.
    pub place: FoundIn,
    /// The option, field, record or template that has it.
    pub name: Option<String>,
    /// How the two are alike.
    pub likeness: Likeness,
}

/// What an entry is for the hit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::definition) enum TextRole {
    Own,
    /// A template of it, by its name.
    Template,
    /// The operation of a template.
    Operation,
}

/// The text of an entry that belongs to a hit.
pub(in crate::definition) struct EntryText<'t> {
    pub(in crate::definition) role: TextRole,
    pub(in crate::definition) section: &'static str,
    pub(in crate::definition) name: &'t str,
    pub(in crate::definition) text: &'t str,
}

/// Collects the best reason for each word.
pub(in crate::definition) struct Reasons<'m> {
    matcher: &'m Matcher,
    best: Vec<Option<(f32, Why)>>,
}

impl<'m> Reasons<'m> {
    pub(super) fn new(matcher: &'m Matcher) -> Reasons<'m> {
        Reasons { matcher, best: vec![None; matcher.query.wanted.len()] }
    }

    pub(super) fn look(&mut self, entry: &EntryText<'_>) {
        let _scanned = pieces(entry.section, entry.text, true, &mut |piece: EntryPiece<'_>| {
            let EntryPiece::Words(found, name, text) = piece else { return };
            let is_name = matches!(found, FoundIn::Id | FoundIn::Title);
            let (place, name) = match (entry.role, found) {
                (TextRole::Own, FoundIn::Option) => (found, Some(text.to_owned())),
                (TextRole::Own, FoundIn::Record) => (found, Some(entry.name.to_owned())),
                (TextRole::Own, _) => (found, Some(name).filter(|name| !name.is_empty())),
                (TextRole::Template, _) if is_name => (FoundIn::Template, Some(entry.name.to_owned())),
                (TextRole::Operation, _) if is_name => (FoundIn::Operation, Some(entry.name.to_owned())),
                (TextRole::Template | TextRole::Operation, _) => return,
            };
            self.words(place, name.as_deref(), text);
        });
    }

    pub(super) fn words(&mut self, place: FoundIn, name: Option<&str>, text: &str) {
        for raw in raw_words(text) {
            split_name(raw, |part| self.word(place, name, part));
        }
    }

    fn word(&mut self, place: FoundIn, name: Option<&str>, part: &str) {
        for fit in self.matcher.fits(&Known::new(part)) {
            if !self.matcher.query.is_at(&fit, place) {
                continue;
            }
            let score = fit.quality * place.weight();
            let Some(wanted) = self.matcher.query.wanted.get(fit.wanted) else { continue };
            let why = || Why {
                word: wanted.typed.clone(),
                found: part.to_owned(),
                place,
                name: name.map(str::to_owned),
                likeness: fit.likeness,
            };
            self.put(fit.wanted, score, why);
        }
    }

    fn put(&mut self, number: usize, score: f32, why: impl Fn() -> Why) {
        if let Some(best) = self.best.get_mut(number)
            && best.as_ref().is_none_or(|(other, _)| *other < score)
        {
            *best = Some((score, why()));
        }
    }

    /// What the method says.
    pub(super) fn actions(&mut self, actions: Actions, method: &str) {
        let matcher = self.matcher;
        for (number, wanted) in matcher.query.wanted.iter().enumerate().filter(|(_, w)| w.actions & actions != 0) {
            let why = || Why {
                word: wanted.typed.clone(),
                found: method.to_owned(),
                place: FoundIn::Method,
                name: None,
                likeness: Likeness::Synonym,
            };
            self.put(number, FoundIn::Method.weight(), why);
        }
    }

    /// The reasons in the order of the query, and the words that were not found.
    pub(super) fn finish(self) -> (Vec<Why>, Vec<String>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (best, wanted) in self.best.into_iter().zip(&self.matcher.query.wanted) {
            match best {
                Some((_, why)) => found.push(why),
                None => missing.push(wanted.typed.clone()),
            }
        }
        (found, missing)
    }
}
