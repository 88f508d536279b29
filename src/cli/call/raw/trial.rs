//! Tries ways of paging: reads two pages with each, and takes the first whose second page has other items.

use super::super::arguments::options::of_pairs;
use crate::call::CallOptions;
use crate::cli::app::{App, EngineParts};
use crate::cli::screen::terminal_text::count;
use crate::definition::Catalog;
use crate::draft::{Chosen, Draft, PagingDraft};
use crate::error::Result;
use crate::item::Item;
use crate::{ConnectionSpec, Items, Options};

/// The definitions with a drafted operation.
pub(super) struct Trials<'a> {
    pub(super) app: &'a App,
    pub(super) draft: &'a Draft,
    pub(super) spec: &'a ConnectionSpec,
    pub(super) id: &'a str,
    /// The definitions with the operation as drafted.
    pub(super) catalog: &'a dyn Fn(&Chosen) -> Result<Catalog>,
}

/// What two pages showed.
enum Pages {
    Differ(usize, usize),
    Same,
    One,
    Failed(String),
}

impl Trials<'_> {
    /// The best paging. `has_own` says that the connector has one.
    pub(super) async fn choose(&self, has_own: bool) -> Chosen {
        if !self.draft.is_list() {
            return Chosen::None { why: String::new(), is_needed: false };
        }
        let mut notes = Vec::new();
        if has_own {
            match self.two_pages(&Chosen::Inherited, None).await {
                Pages::Differ(..) => return Chosen::Inherited,
                Pages::One if self.draft.candidates.is_empty() => return Chosen::Inherited,
                Pages::Same | Pages::One | Pages::Failed(_) => notes.push("that of the connector".to_owned()),
            }
        }
        let mut unsure: Option<Chosen> = None;
        for paging in &self.draft.candidates {
            let own = |why: String| Chosen::Own { paging: paging.clone(), why };
            let trial = own(String::new());
            self.app.screen.note(&format!("trying the paging {}", paging.yaml));
            match self.pages(&trial, paging).await {
                Pages::Differ(first, second) => {
                    let (first, second) = (count(first as u64, "item"), count(second as u64, "item"));
                    return own(format!("checked: page 1 had {first}, page 2 {second}, and these were others"));
                }
                Pages::One if paging.has_evidence => {
                    unsure.get_or_insert_with(|| {
                        own(format!("not checked: page 1 had all {}", count(self.draft.rows as u64, "item")))
                    });
                }
                Pages::Same => notes.push(format!("{} gave the same page twice", paging.parameters.join(" and "))),
                Pages::Failed(why) => notes.push(format!("{}: {why}", paging.parameters.join(" and "))),
                Pages::One => {}
            }
        }
        unsure.unwrap_or_else(|| self.none(has_own, &notes))
    }

    fn none(&self, has_own: bool, notes: &[String]) -> Chosen {
        let why = match (notes, &self.draft.total) {
            ([], Some((_, n))) if *n == self.draft.rows as u64 => "the reply has all items".to_owned(),
            ([], _) => "nothing in the reply tells of further pages".to_owned(),
            (tried, _) => format!("none was found; tried {}", tried.join("; ")),
        };
        Chosen::None { why, is_needed: has_own }
    }

    /// Two pages; if one page has all items, again with smaller pages.
    async fn pages(&self, chosen: &Chosen, paging: &PagingDraft) -> Pages {
        let first = self.two_pages(chosen, None).await;
        match (&first, &paging.size) {
            (Pages::One, Some((name, _))) if self.draft.rows > 1 => {
                let half = self.draft.rows.div_ceil(2);
                match self.two_pages(chosen, Some((name, half))).await {
                    // A server may refuse small pages.
                    Pages::Failed(_) | Pages::Same => first,
                    better @ (Pages::Differ(..) | Pages::One) => better,
                }
            }
            _ => first,
        }
    }

    async fn two_pages(&self, chosen: &Chosen, size: Option<(&str, usize)>) -> Pages {
        match self.read(chosen, size).await {
            Ok(pages) => pages,
            Err(error) => Pages::Failed(error.message.clone()),
        }
    }

    async fn read(&self, chosen: &Chosen, size: Option<(&str, usize)>) -> Result<Pages> {
        let parts = EngineParts { keeps_tokens: true, ..EngineParts::new((self.catalog)(chosen)?) };
        let engine = self.app.engine_of(parts)?;
        let operation = engine.catalog().operation(Some(&self.spec.connector), self.id)?;
        let mut options: Options = of_pairs(&operation, &self.draft.settings(chosen))?;
        if let Some((name, rows)) = size {
            options.insert(name, rows);
        }
        let session = engine.connect(self.spec)?;
        let with = CallOptions { impatient: true, ..CallOptions::default() };
        let mut walk = session.query(self.id, options, &with)?;
        let Some(first) = walk.next().await.transpose()? else { return Ok(Pages::One) };
        let second = match walk.next().await.transpose() {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(Pages::One),
            // The pager itself sees a page that comes again.
            Err(error) if error.kind() == crate::ErrorKind::NoProgress => return Ok(Pages::Same),
            Err(error) => return Err(error),
        };
        if second.items.is_empty() {
            return Ok(Pages::One);
        }
        Ok(if self.is_other(&first.items, &second.items) {
            Pages::Differ(first.items.len(), second.items.len())
        } else {
            Pages::Same
        })
    }

    /// Whether the second page has other items than the first: by their ids, else as a whole.
    fn is_other(&self, first: &Items, second: &Items) -> bool {
        let key = |item: Item<'_>| -> String {
            let id = self.draft.id.as_ref().and_then(|(name, _)| {
                let fields = item.fields()?;
                fields.into_iter().find(|(n, _)| n == name).map(|(_, raw)| raw.get().to_owned())
            });
            id.unwrap_or_else(|| item.as_str().to_owned())
        };
        let known: std::collections::HashSet<String> = first.iter().map(key).collect();
        second.iter().any(|item| !known.contains(&key(item)))
    }
}
