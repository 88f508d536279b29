//! What is known of the paging of a list, and the parts of a style. Pure.

use super::api::ApiOperation;
use super::envelope::ReplyLeaf;
use super::pager::{PageRole, Taken, role};
use super::reply::ReplyShape;
use super::report::Grade;
use super::value::{Doc, Fields};

/// What is known of the paging of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PagingFound {
    pub(crate) style: PagingWord,
    pub(crate) grade: Grade,
    pub(crate) why: String,
    /// Parameters that are the paging's and no options, each with its place.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// The key and text of a question.
    pub(crate) question: Option<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PagingWord {
    None,
    Unknown,
    /// A value of `paging:`.
    Style(Doc),
}

impl PagingFound {
    pub(crate) fn new(style: PagingWord, grade: Grade, why: &str) -> PagingFound {
        PagingFound { style, grade, why: why.to_owned(), parameters: Vec::new(), question: None }
    }

    pub(crate) fn ask(key: &'static str, text: String) -> PagingFound {
        PagingFound { question: Some((key, text)), ..PagingFound::new(PagingWord::Unknown, Grade::Ask, "") }
    }
}

/// The parts of a list that tell about its pages.
pub(crate) struct ImportedList<'o, 'f> {
    pub(crate) operation: &'o ApiOperation<'f>,
    pub(crate) reply: &'o ReplyShape<'f>,
    pub(crate) taken: &'o [Taken<'f>],
    /// The number of the first page, if the user has said it.
    pub(crate) page_start: Option<u64>,
}

impl<'o, 'f> ImportedList<'o, 'f> {
    pub(crate) fn of(&self, wanted: PageRole) -> Option<&'o Taken<'f>> {
        let mut all = self.taken.iter().filter(|taken| role(taken) == Some(wanted));
        all.next()
    }

    pub(crate) fn all(&self, wanted: PageRole) -> impl Iterator<Item = &'o Taken<'f>> {
        self.taken.iter().filter(move |taken| role(taken) == Some(wanted))
    }

    pub(crate) fn scalars(&self) -> &'o [ReplyLeaf<'f>] {
        &self.reply.envelope.scalars
    }
}

/// The size, if its default is known.
pub(crate) fn size(seen: &ImportedList<'_, '_>) -> Option<((&'static str, String), Doc)> {
    let taken = seen.of(PageRole::Size)?;
    let (default, max) = taken.size()?;
    let mut size = taken.target();
    size.put("default", default);
    if let Some(max) = max {
        size.put("max", max);
    }
    Some(((taken.place, taken.name.clone()), size))
}

/// A style of these fields, with the size.
pub(crate) fn styled(
    seen: &ImportedList<'_, '_>,
    name: &str,
    mut fields: Fields,
    (grade, why): (Grade, &str),
    own: &[&Taken<'_>],
) -> PagingFound {
    let mut parameters: Vec<(&'static str, String)> =
        own.iter().map(|taken| (taken.place, taken.name.clone())).collect();
    if let Some((parameter, size)) = size(seen) {
        parameters.push(parameter);
        fields.insert("size".to_owned(), size);
    }
    let style = PagingWord::Style(Doc::of([(name, Doc::Map(fields))]));
    PagingFound { parameters, ..PagingFound::new(style, grade, why) }
}

/// Where a value is; a reply may leave it out unless the schema says that it is always there.
pub(crate) fn place(leaf: &ReplyLeaf<'_>) -> Doc {
    let at = Doc::Text(leaf.pointer.clone());
    if leaf.is_required { at } else { Doc::of([("at", at), ("absent", Doc::from("end"))]) }
}

pub(crate) const MORE: [&str; 11] = [
    "hasmore",
    "hasnext",
    "hasnextpage",
    "morerecords",
    "hasmoreresults",
    "ismore",
    "more",
    "moreavailable",
    "morepages",
    "hasmoreitems",
    "hasmoredata",
];
const LAST: [&str; 5] = ["islast", "islastpage", "last", "isfinished", "lastpage"];
const TRUNCATED: [&str; 2] = ["truncated", "istruncated"];

/// A flag that says whether there is more.
pub(crate) fn more<'o, 'f>(seen: &ImportedList<'o, 'f>) -> Option<&'o ReplyLeaf<'f>> {
    let named = |leaf: &&ReplyLeaf<'_>| {
        leaf.kind() == "boolean" && [&MORE[..], &LAST[..], &TRUNCATED[..]].concat().contains(&leaf.name.as_str())
    };
    seen.scalars().iter().find(named)
}

pub(crate) fn flag_of(leaf: &ReplyLeaf<'_>) -> Doc {
    let at = Doc::Text(leaf.pointer.clone());
    if LAST.contains(&leaf.name.as_str()) {
        Doc::of([("at", at), ("is", Doc::List(vec![Doc::Flag(false)]))])
    } else {
        at
    }
}
