//! How people name things: `words.txt` as tables.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::text::{raw_words, split_name, stem};

/// What an operation does, as one bit for each line of `[actions]`.
pub(super) type Actions = u16;

/// Words with the same meaning, by stem.
#[derive(Default)]
pub(super) struct Lexicon {
    ignored: HashSet<&'static str, FixedState>,
    phrases: Vec<(Vec<&'static str>, &'static str)>,
    actions: HashMap<String, Actions, FixedState>,
    things: HashMap<String, Vec<usize>, FixedState>,
    lines: Vec<Vec<String>>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("words.txt")));

pub(super) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

/// The action of a line of `[actions]` that begins with this word.
pub(super) fn action(name: &str) -> Actions {
    LEXICON.actions.get(&*stem(name)).copied().unwrap_or_default()
}

/// Whether a name such as an OperationId says that something is created.
pub(in crate::definition) fn says_create(name: &str) -> bool {
    let mut is_said = false;
    raw_words(name)
        .for_each(|raw| split_name(raw, |part| is_said |= LEXICON.actions_of(&stem(part)) & action("create") != 0));
    is_said
}

impl Lexicon {
    fn read(text: &'static str) -> Lexicon {
        let mut lexicon = Lexicon::default();
        let mut section = "";
        let mut bit: Actions = 1;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            let stems = || line.split_whitespace().map(|word| stem(word).into_owned());
            match section {
                "[ignored]" => lexicon.ignored.extend(line.split_whitespace()),
                "[phrases]" => {
                    if let Some((phrase, word)) = line.split_once(" = ") {
                        lexicon.phrases.push((phrase.split_whitespace().collect(), word));
                    }
                }
                "[actions]" => {
                    stems().for_each(|word| *lexicon.actions.entry(word).or_default() |= bit);
                    bit = bit.wrapping_shl(1);
                }
                _ => {
                    let number = lexicon.lines.len();
                    stems().for_each(|word| lexicon.things.entry(word).or_default().push(number));
                    lexicon.lines.push(stems().collect());
                }
            }
        }
        lexicon
    }

    pub(super) fn is_ignored(&self, word: &str) -> bool {
        self.ignored.contains(word)
    }

    /// The actions that a stem names.
    pub(super) fn actions_of(&self, stem: &str) -> Actions {
        self.actions.get(stem).copied().unwrap_or_default()
    }

    /// The other stems with the meaning of this one.
    pub(super) fn synonyms(&self, stem: &str) -> impl Iterator<Item = &str> {
        let actions = self.actions_of(stem);
        let same = self.actions.iter().filter(move |(_, own)| **own & actions != 0).map(|(word, _)| word.as_str());
        let lines = self.things.get(stem).into_iter().flatten().filter_map(|number| self.lines.get(*number));
        same.chain(lines.flatten().map(String::as_str)).filter(move |word| *word != stem)
    }

    /// The stem that a misspelt one may mean, if up to `most` letters are wrong.
    pub(super) fn near(&self, stem: &str, most: usize) -> Option<&str> {
        let all = self.actions.keys().chain(self.things.keys()).map(String::as_str);
        let close = |other: &&str| other.len().abs_diff(stem.len()) <= most;
        let near = all.filter(close).map(|other| (strsim::osa_distance(stem, other), other));
        near.min().filter(|(distance, _)| *distance <= most).map(|(_, other)| other)
    }

    /// The word that stands for the first words, and how many they are.
    pub(super) fn phrase(&self, words: &[String]) -> Option<(&'static str, usize)> {
        let fits = |phrase: &&(Vec<&'static str>, &'static str)| {
            phrase.0.len() <= words.len() && phrase.0.iter().zip(words).all(|(own, word)| own == word)
        };
        self.phrases.iter().find(fits).map(|(phrase, word)| (*word, phrase.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::{action, lexicon};

    #[test]
    fn words_have_the_synonyms_of_all_their_lines() {
        let of = |word: &str| lexicon().synonyms(word).map(str::to_owned).collect::<Vec<_>>();
        assert!(of("person").contains(&"member".to_owned()) && of("person").contains(&"contact".to_owned()));
        assert!(of("add").contains(&"creat".to_owned()) && of("xyz").is_empty());
        assert!(["read", "create", "update", "delete", "count", "download"].iter().all(|name| action(name) != 0));
        let phrase = lexicon().phrase(&["how".to_owned(), "many".to_owned(), "users".to_owned()]);
        assert_eq!(phrase, Some(("count", 2)));
    }
}
