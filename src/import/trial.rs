//! How a question is settled on the real system: a first page, a second one, and what both show. Pure.

use super::operation::OperationDraft;
use super::pager::PageRole;
use super::report::ImportQuestion;
use super::tried::{ListGroup, TriedAnswer};
use super::value::Doc;
use crate::draft::{NextPage, RawRequest, SeenPage};

/// How many items are asked for: a second page is then likely.
const ROWS: u64 = 2;

/// An operation that is read for all lists of its group.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) line: String,
    pub(crate) group: ListGroup,
    /// The first page, in small pages if the list has a size.
    pub(crate) request: RawRequest,
    pub(crate) asks: TrialQuestion,
    /// The other lists of the group, by OperationId.
    pub(crate) others: Vec<String>,
}

/// What is asked of a list first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrialQuestion {
    Items,
    Paging,
    /// The number of the first page or row.
    Start,
}

/// The second read.
#[derive(Clone, Debug)]
pub(crate) enum SecondRead {
    /// What the first page suggests: the second must have other items.
    Next { paging: Doc, why: String, next: NextPage },
    /// The page or row with the number 1: it is the first or the second.
    Numbered { parameter: String, is_page: bool },
}

/// Groups of lists that are asked about, and for each the operation to read; and the questions that no read can settle.
pub(crate) fn trials(questions: &[ImportQuestion], drafts: &[OperationDraft]) -> (Vec<Trial>, Vec<String>) {
    let mut asked: Vec<(&ListGroup, Vec<&OperationDraft>)> = Vec::new();
    let is_asked = |id: &String| {
        questions.iter().any(|question| {
            matches!(question.key.as_str(), "items" | "paging" | "page-start") && question.operations.contains(id)
        })
    };
    for draft in drafts.iter().filter(|draft| is_asked(&draft.id)) {
        match asked.iter_mut().find(|(group, _)| group.key == draft.group.key) {
            Some((_, members)) => members.push(draft),
            None => asked.push((&draft.group, vec![draft])),
        }
    }
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for (group, members) in asked {
        let mut free: Vec<&&OperationDraft> = members.iter().filter(|draft| is_free(draft)).collect();
        free.sort_by_key(|draft| (draft.line.matches('/').count(), draft.line.len(), &draft.line));
        match free.first() {
            Some(draft) => found.push(Trial {
                line: draft.line.clone(),
                group: group.clone(),
                request: request(draft),
                asks: asks(draft),
                others: members.iter().filter(|other| other.id != draft.id).map(|other| other.id.clone()).collect(),
            }),
            None => left.push(members.iter().map(|draft| draft.id.as_str()).collect::<Vec<_>>().join(", ")),
        }
    }
    (found, left)
}

fn asks(draft: &OperationDraft) -> TrialQuestion {
    let has = |key: &str| draft.questions.iter().any(|(asked, _)| *asked == key);
    match () {
        () if has("items") => TrialQuestion::Items,
        () if has("page-start") => TrialQuestion::Start,
        () => TrialQuestion::Paging,
    }
}

/// Whether it can be read without any value of the user.
fn is_free(draft: &OperationDraft) -> bool {
    draft.line.starts_with("GET ")
        && !draft.line.contains('{')
        && ["required", "base_url", "body"].iter().all(|key| draft.value(key).is_none())
}

fn request(draft: &OperationDraft) -> RawRequest {
    let request = draft.value("request").and_then(Doc::text).unwrap_or_default();
    let path = request.split_once(' ').map_or(request, |(_, path)| path);
    let pairs = |key: &str| -> Vec<(String, String)> {
        let fixed = draft.value("fixed").and_then(|fixed| fixed.get(key)).into_iter().flat_map(Doc::fields);
        fixed.filter_map(|(name, value)| Some((name.to_owned(), value.text()?.to_owned()))).collect()
    };
    let size = draft.group.of_role(PageRole::Size).next();
    let size = size.map(|size| (size.name.clone(), ROWS.max(size.minimum.unwrap_or_default()).to_string()));
    RawRequest {
        verb: http::Method::GET,
        method: crate::definition::Method::Query,
        path: path.to_owned(),
        in_path: Vec::new(),
        query: pairs("query").into_iter().chain(size).collect(),
        headers: pairs("header"),
        body: None,
    }
}

impl Trial {
    /// Where the items are, if the reply leaves no doubt.
    pub(crate) fn items(&self, first: &SeenPage) -> Result<(TriedAnswer, String), String> {
        match first.is_only && !first.rows.is_empty() {
            true => Ok((TriedAnswer::Items(first.pointer.clone()), first.why.clone())),
            false if first.rows.is_empty() => Err("the list is empty".to_owned()),
            false => Err("the reply has several lists".to_owned()),
        }
    }

    /// What the second read is. `Err` says why there is none.
    pub(crate) fn second(&self, first: &SeenPage) -> Result<SecondRead, String> {
        if first.rows.is_empty() {
            return Err("the list is empty".to_owned());
        }
        let shown = |paging: &str| Doc::read(paging).ok().filter(|doc| doc.map().is_some());
        let told = first.candidates.iter().filter(|paging| paging.has_evidence).find_map(|paging| {
            let (next, mut doc) = (paging.next.clone()?, shown(&paging.yaml)?);
            // The size is that of the document.
            doc.map_mut()?.values_mut().filter_map(Doc::map_mut).for_each(|keys| {
                keys.shift_remove("size");
            });
            Some(SecondRead::Next { paging: doc, why: paging.why.clone(), next })
        });
        let known = self.group.known();
        let numbered = || {
            let page = known.pages.first().map(|name| (name, true));
            let (name, is_page) = page.or_else(|| known.offsets.first().map(|name| (name, false)))?;
            Some(SecondRead::Numbered { parameter: name.clone(), is_page })
        };
        let after = || {
            let (name, last) = (known.cursors.first()?, first.last_id()?);
            // Ids that are also numbers of rows leave open which of both is meant.
            let rows = first.rows.len();
            if [rows.checked_sub(1), Some(rows)].into_iter().flatten().any(|row| last == row.to_string()) {
                return None;
            }
            let from = Doc::Text(format!("/{}", crate::json_pointer::escape(first.id.as_deref()?)));
            let after = Doc::of([("query", Doc::Text(name.clone())), ("from", from)]);
            let why = format!("`{name}` takes the id of the last item");
            let next = NextPage::Value(name.clone(), last);
            Some(SecondRead::Next { paging: Doc::of([("keyset", Doc::of([("after", after)]))]), why, next })
        };
        told.or_else(numbered).or_else(after).ok_or_else(|| {
            let rows = first.rows.len();
            match first.nexts.as_slice() {
                [] => format!("page 1 has {rows} items and nothing that asks for what follows"),
                nexts => format!("page 1 has {}, but no known parameter takes it", nexts.join(", ")),
            }
        })
    }

    /// What both pages show. `Err` says what they leave open.
    pub(crate) fn answer(
        &self,
        first: &SeenPage,
        read: &SecondRead,
        second: &SeenPage,
    ) -> Result<(TriedAnswer, String), String> {
        let rows = second.rows.len();
        match read {
            SecondRead::Next { paging, why, .. } => {
                let others = second.others(first);
                if rows == 0 {
                    return Err(format!("{why}, but page 2 is empty"));
                }
                if others < rows {
                    return Err(format!("{why}, but {} of {rows} items of page 2 were on page 1", rows - others));
                }
                Ok((TriedAnswer::Paging(paging.clone()), format!("{why}; page 2 has {rows} items, none of page 1")))
            }
            SecondRead::Numbered { parameter, is_page } => {
                let kind = if *is_page { "page" } else { "row" };
                if first.id.is_none() {
                    return Err("the items have no field that tells them apart".to_owned());
                }
                let Some(at) = second.rows.first() else {
                    return Err(format!("{parameter}=1 is empty: whether the first {kind} is 0 or 1 is not seen"));
                };
                let place = first.rows.iter().position(|row| row == at);
                let next = if *is_page { first.rows.len() } else { 1 };
                let start = match place {
                    Some(0) => 1,
                    None if *is_page => 0,
                    Some(n) if n == next => 0,
                    _ => {
                        return Err(format!(
                            "{parameter}=1 has other items in another order: whether the first {kind} is 0 or 1 is not seen"
                        ));
                    }
                };
                let seen = match start {
                    1 => format!("with {parameter}=1 come the same items as without: the first {kind} is 1"),
                    _ => format!("with {parameter}=1 come the items after those without: the first {kind} is 0"),
                };
                let answer = match self.asks {
                    TrialQuestion::Start => TriedAnswer::Start(start),
                    TrialQuestion::Paging | TrialQuestion::Items => {
                        TriedAnswer::Paging(numbered(parameter, *is_page, start))
                    }
                };
                Ok((answer, seen))
            }
        }
    }
}

/// Numbered pages or rows, for a list that is not known to have them.
fn numbered(parameter: &str, is_page: bool, start: u64) -> Doc {
    let (style, key, usual) = if is_page { ("number", "page", 1) } else { ("offset", "offset", 0) };
    let mut target = Doc::of([("query", Doc::from(parameter))]);
    if start != usual {
        target.put("start", start);
    }
    Doc::of([(style, Doc::of([(key, target)]))])
}
