//! Searches the text of entries before they are parsed. It may report an entry that does not fit, never omit one that
//! does. Pure.

use memchr::memmem;

use super::{Pack, PackEntry};

/// Words to search for.
pub(in crate::definition::catalog) struct Words<'w>(Vec<&'w str>);

impl<'w> Words<'w> {
    /// The words, in lower case.
    pub(in crate::definition::catalog) fn new(words: &'w [String]) -> Words<'w> {
        // A quote is written twice in single quotes, so such a word may not be there as it is read.
        Words(words.iter().map(String::as_str).filter(|word| !word.contains(['\'', '"', '\\'])).collect())
    }

    /// Whether an entry with this text may contain all words: in its keys and values, in any letter case.
    fn may_be_in(&self, text: &str) -> bool {
        // Escapes and aliases stand for another text.
        if self.0.is_empty() || memchr::memchr2(b'\\', b'*', text.as_bytes()).is_some() {
            return true;
        }
        if !text.is_ascii() {
            let text = text.to_lowercase();
            return self.0.iter().all(|word| text.contains(word));
        }
        let text = text.to_ascii_lowercase();
        self.0.iter().all(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
    }
}

impl Pack {
    /// Whether the text of an entry may contain all words.
    pub(in crate::definition::catalog) fn may_contain(
        &self,
        section: &'static str,
        name: &str,
        words: &Words<'_>,
    ) -> bool {
        let text = match self.index().section(section).and_then(|entries| entries.get(name)) {
            Some(PackEntry::BuiltIn(_, entry)) => Some(entry.json),
            Some(PackEntry::Slice(number, bytes, _)) => {
                self.sources.get(*number).and_then(|source| source.text().ok()?.get(bytes.clone()))
            }
            Some(PackEntry::Parsed(_)) | None => None,
        };
        text.is_none_or(|text| words.may_be_in(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn no_entry_that_fits_is_omitted() {
        let found = |words: &[&str], text: &str| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            Words::new(&words).may_be_in(text)
        };
        let text = "listOrders:\n  title: List Orders\n";
        assert!(found(&["orders", "list"], text) && !found(&["orders", "users"], text) && found(&[], text));
        assert!(found(&["größe"], "title: GRÖSSE, Größe") && !found(&["größe"], "title: Länge"));
        assert!(found(&["k"], "title: \u{212a}"), "the Kelvin sign in lower case is k");
        assert!(found(&["größe"], r#"title: "Gr\u00f6\u00dfe""#) && found(&["x"], "title: *shared"));
        assert!(found(&["it's"], "title: 'it''s'"));
    }
}
