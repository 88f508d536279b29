//! What reads of the real system have answered: kept in the lock file with the day and what was seen. Pure.

use super::envelope::Envelope;
use super::found::{ImportedList, PagingFound, PagingWord, place, styled};
use super::pager::{PageRole, Taken, role};
use super::report::Grade;
use super::value::{Doc, Fields};
use crate::draft::KnownParameters;

/// What was read, and what it answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tried {
    /// Verb and path of the operation that was read.
    pub(crate) line: String,
    pub(crate) answer: TriedAnswer,
    /// The day.
    pub(crate) on: String,
    /// What was seen.
    pub(crate) seen: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TriedAnswer {
    /// The number of the first page or row.
    Start(u64),
    /// A paging as a definition says it, without its size.
    Paging(Doc),
    /// Where the items are.
    Items(String),
}

impl Tried {
    pub(crate) fn to_doc(&self) -> Doc {
        let (key, value) = match &self.answer {
            TriedAnswer::Start(start) => ("page_start", Doc::from(*start)),
            TriedAnswer::Paging(paging) => ("paging", paging.clone()),
            TriedAnswer::Items(pointer) => ("items", Doc::Text(pointer.clone())),
        };
        Doc::of([
            ("operation", Doc::Text(self.line.clone())),
            (key, value),
            ("date", Doc::Text(self.on.clone())),
            ("seen", Doc::Text(self.seen.clone())),
        ])
    }

    /// `None` if it is not as [`to_doc`](Tried::to_doc) writes it.
    pub(crate) fn of_doc(doc: &Doc) -> Option<Tried> {
        let text = |key: &str| doc.get(key).and_then(Doc::text).map(str::to_owned);
        let start = doc.get("page_start").and_then(Doc::whole).filter(|start| *start <= 1).map(TriedAnswer::Start);
        let paging = || doc.get("paging").filter(|paging| paging.map().is_some()).cloned().map(TriedAnswer::Paging);
        let items = || text("items").map(TriedAnswer::Items);
        Some(Tried {
            line: text("operation")?,
            answer: start.or_else(paging).or_else(items)?,
            on: text("date")?,
            seen: text("seen")?,
        })
    }

    /// Why what it answers is likely.
    fn why(&self) -> String {
        format!("tried on {} with {}: {}", self.on, self.line, self.seen)
    }
}

/// A parameter of a list that is or may be its paging's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PagerParameter {
    pub(crate) name: String,
    pub(crate) role: PageRole,
    /// The least value that the document allows.
    pub(crate) minimum: Option<u64>,
}

/// A list that is asked about, for those who can read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ListGroup {
    /// Lists of an area with the same parameters and the same reply around the items have the same; an answer is for all
    /// of them.
    pub(crate) key: String,
    /// Its parameters in the query.
    pub(crate) parameters: Vec<PagerParameter>,
    /// Where its items are, if that is known.
    pub(crate) items: Option<String>,
}

impl ListGroup {
    pub(crate) fn of(area: &str, taken: &[Taken<'_>], envelope: &Envelope<'_>, items: Option<String>) -> ListGroup {
        let paged: Vec<(&Taken<'_>, PageRole)> = taken.iter().filter_map(|taken| Some((taken, role(taken)?))).collect();
        let mut parts: Vec<String> =
            paged.iter().map(|(taken, role)| format!("{role:?} {} {}", taken.place, taken.name)).collect();
        let leaves = envelope.lists.iter().chain(&envelope.scalars);
        parts.extend(leaves.filter(|leaf| leaf.depth < 2).map(|leaf| leaf.pointer.clone()));
        parts.sort();
        // What another part of an API does with the same parameters may differ.
        parts.push(area.to_owned());
        let minimum = |taken: &Taken<'_>| taken.schema.and_then(|schema| schema.doc.get("minimum"))?.whole();
        let parameters = paged.into_iter().filter(|(taken, _)| taken.place == "query");
        ListGroup {
            key: parts.join("\n"),
            parameters: parameters
                .map(|(taken, role)| PagerParameter { name: taken.name.clone(), role, minimum: minimum(taken) })
                .collect(),
            items,
        }
    }

    pub(crate) fn of_role(&self, wanted: PageRole) -> impl Iterator<Item = &PagerParameter> {
        self.parameters.iter().filter(move |parameter| parameter.role == wanted)
    }

    /// The parameters that may ask for a page. A page that is a text is a number or a token.
    pub(crate) fn known(&self) -> KnownParameters {
        let names = |wanted: PageRole| self.of_role(wanted).map(|parameter| parameter.name.clone()).collect::<Vec<_>>();
        let cursors = names(PageRole::Cursor);
        let texts = cursors.iter().filter(|name| name.to_lowercase().contains("page")).cloned();
        KnownParameters {
            pages: names(PageRole::Page).into_iter().chain(texts).collect(),
            offsets: names(PageRole::Offset),
            cursors,
        }
    }
}

/// The answers that fit the document, each with the group that it is for.
pub(crate) struct TriedGroups<'s>(Vec<(String, &'s Tried)>);

impl<'s> TriedGroups<'s> {
    /// `group` gives the group of an operation of the document, by verb and path.
    pub(crate) fn read(tried: &'s [Tried], group: &dyn Fn(&str) -> Option<String>) -> TriedGroups<'s> {
        TriedGroups(tried.iter().filter_map(|tried| Some((group(&tried.line)?, tried))).collect())
    }

    fn of(&self, group: &ListGroup) -> impl Iterator<Item = &'s Tried> {
        self.0.iter().filter(move |(key, _)| *key == group.key).map(|(_, tried)| *tried)
    }

    /// Where the items are, and why.
    pub(crate) fn items(&self, group: &ListGroup) -> Option<(String, String)> {
        self.of(group).find_map(|tried| match &tried.answer {
            TriedAnswer::Items(pointer) => Some((pointer.clone(), tried.why())),
            TriedAnswer::Start(_) | TriedAnswer::Paging(_) => None,
        })
    }

    /// The number of the first page or row, and why.
    pub(crate) fn start(&self, group: &ListGroup) -> Option<(u64, String)> {
        self.of(group).find_map(|tried| match &tried.answer {
            TriedAnswer::Start(start) => Some((*start, tried.why())),
            TriedAnswer::Items(_) | TriedAnswer::Paging(_) => None,
        })
    }

    /// The paging, with the size that the document says.
    pub(crate) fn paging(&self, group: &ListGroup, seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
        let (paging, why) = self.of(group).find_map(|tried| match &tried.answer {
            TriedAnswer::Paging(paging) => Some((paging, tried.why())),
            TriedAnswer::Items(_) | TriedAnswer::Start(_) => None,
        })?;
        let (name, fields) = paging.fields().next()?;
        let mut fields: Fields = fields.map().cloned().unwrap_or_default();
        // What the document says may be absent on the last page is.
        for (_, value) in &mut fields {
            let leaf = seen.scalars().iter().find(|leaf| Some(leaf.pointer.as_str()) == value.text());
            if let Some(leaf) = leaf {
                *value = place(leaf);
            }
        }
        let own: Vec<&Taken<'_>> = [PageRole::Page, PageRole::Offset, PageRole::Cursor]
            .into_iter()
            .flat_map(|wanted| seen.all(wanted))
            .collect();
        let found = styled(seen, name, fields, (Grade::Likely, &why), &own);
        matches!(found.style, PagingWord::Style(_)).then_some(found)
    }
}
