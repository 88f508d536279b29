//! How a list may continue: candidates from a reply's headers and fields, the best first. Each is checked by fetching
//! page 2. Pure.

use http::HeaderMap;
use url::Url;

use super::raw::RawRequest;
use super::tree::{Leaf, Tree, leaves};
use super::yaml::{key, scalar};
use crate::reply::parse_links;

/// A way of paging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PagingDraft {
    /// The value of `paging:`.
    pub(crate) yaml: String,
    /// What suggests it.
    pub(crate) why: String,
    /// The query parameters that it sends; they are no options.
    pub(crate) parameters: Vec<String>,
    /// The parameter of the page size and its value.
    pub(crate) size: Option<(String, u64)>,
    /// Whether something in the reply suggests it; otherwise it is only tried.
    pub(crate) has_evidence: bool,
    /// The request for the second page, if the reply tells it.
    pub(crate) next: Option<NextPage>,
}

/// What asks for the second page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NextPage {
    Url(String),
    /// A parameter and its value.
    Value(String, String),
}

/// The parameters that an API is known to have, by what they are for; no others are then tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownParameters {
    pub(crate) pages: Vec<String>,
    pub(crate) offsets: Vec<String>,
    pub(crate) cursors: Vec<String>,
}

/// What is known of the list.
pub(super) struct ListSeen<'t> {
    pub(super) request: &'t RawRequest,
    pub(super) headers: &'t HeaderMap,
    pub(super) body: &'t Tree,
    pub(super) rows: usize,
    pub(super) total: Option<u64>,
    /// Where parameters are sent: `query`, or `body` for a search with a JSON body.
    pub(super) place: &'static str,
    /// The parameters that were sent there.
    pub(super) given: Vec<(String, String)>,
    pub(super) known: Option<&'t KnownParameters>,
}

impl ListSeen<'_> {
    fn given(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

const SIZES: [&str; 13] = [
    "limit",
    "per_page",
    "perPage",
    "page_size",
    "pageSize",
    "pagesize",
    "size",
    "count",
    "max_results",
    "maxResults",
    "$top",
    "top",
    "take",
];
const PAGES: [&str; 5] = ["page", "pageNumber", "page_number", "p", "page[number]"];
const OFFSETS: [&str; 6] = ["offset", "skip", "start", "startAt", "$skip", "page[offset]"];
const CURSORS: [&str; 9] = [
    "cursor",
    "after",
    "page_token",
    "pageToken",
    "next_token",
    "nextToken",
    "continuation_token",
    "next",
    "page[cursor]",
];
/// How many candidates are kept: each costs two requests.
const CANDIDATES_MAX: usize = 8;

/// The candidates.
pub(super) fn candidates(seen: &ListSeen<'_>) -> Vec<PagingDraft> {
    let fields = leaves(seen.body);
    let mut found = Vec::new();
    found.extend(link(seen));
    found.extend(next_url(seen, &fields));
    found.extend(cursors(seen, &fields));
    found.extend(numbers(seen, &fields));
    found.extend(offsets(seen, &fields));
    let has_more = seen.total.is_some_and(|total| total > seen.rows as u64);
    let is_round = seen.rows >= 10
        && (seen.rows.is_multiple_of(10) || seen.rows.is_multiple_of(25) || seen.rows.is_power_of_two());
    let is_open = seen.known.is_none();
    if is_open && !found.iter().any(|draft| draft.has_evidence) && (has_more || is_round) {
        found.extend(trials(seen));
    }
    found.truncate(CANDIDATES_MAX);
    found
}

/// The size parameter that the request has, or that the next page's address has.
fn size_of(seen: &ListSeen<'_>, next: Option<&Url>) -> Option<(String, u64)> {
    let given = SIZES.iter().find_map(|name| Some(((*name).to_owned(), seen.given(name)?.parse().ok()?)));
    let named = || {
        let pairs: Vec<(String, String)> = next?.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        pairs.into_iter().find(|(n, _)| SIZES.contains(&n.as_str())).and_then(|(n, v)| Some((n, v.parse().ok()?)))
    };
    given.or_else(named).filter(|(_, size)| (1..=10_000).contains(size))
}

/// The page size in a field of the reply.
fn size_in(seen: &ListSeen<'_>, fields: &[Leaf<'_>]) -> Option<(String, u64)> {
    let named = |leaf: &&Leaf<'_>| ["perpage", "pagesize", "limit", "maxresults"].contains(&leaf.name.as_str());
    let leaf =
        fields.iter().filter(named).find(|leaf| leaf.value.whole().is_some_and(|n| n >= seen.rows as u64 && n > 0));
    size_of(seen, None).or_else(|| leaf.map(|leaf| (leaf.key.clone(), leaf.value.whole().unwrap_or_default())))
}

fn size_yaml(place: &str, (name, size): &(String, u64)) -> String {
    format!("size: {{ {place}: {}, default: {size} }}", key(name))
}

/// Joins keys to a value in flow style.
fn style(name: &str, keys: &[String]) -> String {
    if keys.is_empty() { format!("{{ {name}: {{}} }}") } else { format!("{{ {name}: {{ {} }} }}", keys.join(", ")) }
}

fn relative(seen: &ListSeen<'_>, text: &str) -> Option<Url> {
    let base = Url::parse("http://base.invalid").ok()?.join(&seen.request.path).ok()?;
    base.join(text).ok()
}

/// A Link header.
fn link(seen: &ListSeen<'_>) -> Option<PagingDraft> {
    let fields = seen.headers.get_all(http::header::LINK).iter().filter_map(|v| v.to_str().ok());
    let links: Vec<_> = fields.flat_map(|field| parse_links(field).0).collect();
    let next = links.iter().find(|link| link.rel == "next");
    let other = links.iter().find(|link| matches!(link.rel.as_str(), "prev" | "previous" | "first" | "last"));
    let url = next.or(other).and_then(|link| relative(seen, &link.target));
    let size = size_of(seen, url.as_ref());
    let why = match (next, other) {
        (Some(_), _) => "the reply has a Link header with rel=next",
        (None, Some(_)) => "the reply has a Link header, without rel=next on this page",
        (None, None) => return None,
    };
    let in_next = url.iter().flat_map(Url::query_pairs).map(|(name, _)| name.into_owned());
    let paging: Vec<String> = in_next.filter(|name| is_paging_name(name)).collect();
    Some(PagingDraft {
        yaml: style("link", &size.iter().map(|size| size_yaml(seen.place, size)).collect::<Vec<_>>()),
        why: why.to_owned(),
        parameters: paging,
        size,
        has_evidence: true,
        next: next.map(|link| NextPage::Url(link.target.clone())),
    })
}

fn is_paging_name(name: &str) -> bool {
    [&SIZES[..], &PAGES[..], &OFFSETS[..], &CURSORS[..]].concat().contains(&name)
}

fn flag_of(fields: &[Leaf<'_>]) -> Option<String> {
    let named = ["hasmore", "hasnext", "hasnextpage", "morerecords", "hasmoreresults"];
    let more = fields.iter().find(|l| named.contains(&l.name.as_str()) && l.value.flag().is_some());
    if let Some(leaf) = more {
        return Some(format!("has_more: {}", scalar(&leaf.pointer)));
    }
    let last =
        fields.iter().find(|l| ["islast", "islastpage", "last"].contains(&l.name.as_str()) && l.value.flag().is_some());
    last.map(|leaf| format!("has_more: {{ at: {}, is: [false] }}", scalar(&leaf.pointer)))
}

/// An address of the next page in the body.
fn next_url(seen: &ListSeen<'_>, fields: &[Leaf<'_>]) -> Option<PagingDraft> {
    let is_next = |leaf: &Leaf<'_>| {
        let is_address = ["href", "url", "uri", "link"].contains(&leaf.name.as_str());
        leaf.name.contains("next") || (leaf.parent.contains("next") && is_address)
    };
    let is_url = |text: &str| text.starts_with("http") || text.starts_with('/') || text.starts_with('?');
    let with_url = fields.iter().find(|l| is_next(l) && l.value.text().is_some_and(|t| is_url(&t)));
    let has_previous = fields.iter().any(|l| l.name.starts_with("prev"));
    let empty = || {
        let named = |l: &&Leaf<'_>| l.name == "next" || l.name.ends_with("url") || l.name.ends_with("link");
        fields.iter().filter(|l| is_next(l) && l.value.is_null()).find(named).filter(|_| has_previous)
    };
    let leaf = with_url.or_else(empty)?;
    let url = leaf.value.text().and_then(|text| relative(seen, &text));
    let size = size_of(seen, url.as_ref());
    let mut keys = vec![format!("pointer: {}", scalar(&leaf.pointer))];
    keys.extend(size.iter().map(|size| size_yaml(seen.place, size)));
    let in_next = url.iter().flat_map(Url::query_pairs).map(|(name, _)| name.into_owned());
    let what = if leaf.value.is_null() { "is null on this page" } else { "is an address" };
    Some(PagingDraft {
        yaml: style("next_url", &keys),
        why: format!("{} {what}", leaf.pointer),
        parameters: in_next.filter(|name| is_paging_name(name)).collect(),
        size,
        has_evidence: true,
        next: leaf.value.text().map(NextPage::Url),
    })
}

/// A value that the next request sends back.
fn cursors(seen: &ListSeen<'_>, fields: &[Leaf<'_>]) -> Vec<PagingDraft> {
    let is_cursor = |leaf: &Leaf<'_>| {
        let named =
            ["cursor", "nexttoken", "pagetoken", "continuation", "scrollid", "nextpage", "startkey", "bookmark"];
        let in_cursors = leaf.parent.contains("cursor") && ["after", "next"].contains(&leaf.name.as_str());
        let is_previous = leaf.name.starts_with("prev") || leaf.name.starts_with("before");
        (named.iter().any(|n| leaf.name.contains(n)) || in_cursors || leaf.name == "next" || leaf.name == "after")
            && !is_previous
    };
    // Null on the last page: a smaller page shows whether it is a cursor.
    let is_named =
        |leaf: &Leaf<'_>| leaf.name.contains("cursor") || leaf.name.contains("token") || leaf.parent.contains("cursor");
    let is_token = |leaf: &Leaf<'_>| match leaf.value.text() {
        Some(text) => !text.is_empty() && !text.starts_with("http") && !text.starts_with('/'),
        // A number is sent back only where the API is known to have a parameter for it.
        None if leaf.value.whole().is_some() => {
            seen.known.is_some() && (is_named(leaf) || leaf.name.starts_with("next"))
        }
        None => leaf.value.is_null() && is_named(leaf),
    };
    let mut candidates: Vec<&Leaf<'_>> =
        fields.iter().filter(|leaf| is_cursor(leaf)).filter(|leaf| is_token(leaf)).collect();
    candidates.sort_by_key(|leaf| (!leaf.name.contains("next"), !leaf.parent.contains("cursor")));
    let Some(leaf) = candidates.first() else { return Vec::new() };
    let size = size_in(seen, fields);
    let mut names: Vec<String> =
        CURSORS.iter().filter(|name| seen.given(name).is_some()).map(|name| (*name).to_owned()).collect();
    let bare = leaf.key.trim_start_matches("next").trim_start_matches(['_', '-']);
    let lowered = bare.chars().next().map(|c| c.to_lowercase().chain(bare.chars().skip(1)).collect::<String>());
    names.extend(lowered.filter(|name| !name.is_empty()));
    names.extend(["cursor", "after", "page_token", "pageToken", "next_token"].map(str::to_owned));
    names.push(leaf.key.clone());
    if let Some(known) = seen.known {
        names = known.cursors.clone();
    }
    let mut seen_names = std::collections::HashSet::new();
    names.retain(|name| seen_names.insert(name.clone()));
    let value = leaf.value.text().or_else(|| leaf.value.whole().map(|number| number.to_string()));
    let draft = |name: String| {
        let mut keys =
            vec![format!("token: {}", scalar(&leaf.pointer)), format!("send: {{ {}: {} }}", seen.place, key(&name))];
        keys.extend(size.iter().map(|size| size_yaml(seen.place, size)));
        keys.extend(flag_of(fields));
        PagingDraft {
            yaml: style("cursor", &keys),
            why: match leaf.value.is_null() {
                true => format!("{} is null on this page; sent as {name}", leaf.pointer),
                false => format!("{} is a text that the next request can send as {name}", leaf.pointer),
            },
            next: value.clone().map(|value| NextPage::Value(name.clone(), value)),
            parameters: vec![name],
            size: size.clone(),
            has_evidence: true,
        }
    };
    names.into_iter().take(6).map(draft).collect()
}

/// A page number.
fn numbers(seen: &ListSeen<'_>, fields: &[Leaf<'_>]) -> Vec<PagingDraft> {
    let whole = |names: &[&str]| fields.iter().find(|l| names.contains(&l.name.as_str()) && l.value.whole().is_some());
    let page = whole(&["page", "currentpage", "pagenumber", "pageindex", "pageno"]);
    let pages = whole(&["totalpages", "pagecount", "pages", "lastpage", "numpages", "nbpages", "pagestotal"]);
    let next = fields.iter().find(|l| l.name == "nextpage" && (l.value.whole().is_some() || l.value.is_null()));
    let given = PAGES.iter().find(|name| seen.given(name).is_some());
    if page.is_none() && pages.is_none() && next.is_none() && given.is_none() {
        return Vec::new();
    }
    let size = size_in(seen, fields);
    let why = match (next, page, pages) {
        (Some(leaf), _, _) => format!("{} is the number of the next page", leaf.pointer),
        (None, Some(leaf), _) => format!("{} is a page number", leaf.pointer),
        (None, None, Some(leaf)) => format!("{} is a number of pages", leaf.pointer),
        (None, None, None) => "the request has a page number".to_owned(),
    };
    let end = match (next, pages) {
        (Some(leaf), _) => Some(format!("end: {{ next_page: {} }}", scalar(&leaf.pointer))),
        (None, Some(leaf)) => Some(format!("end: {{ total_pages: {} }}", scalar(&leaf.pointer))),
        (None, None) => flag_of(fields).map(|flag| format!("end: {{ {flag} }}")),
    };
    let first = page.filter(|_| given.is_none()).and_then(|leaf| leaf.value.whole());
    let second = next.and_then(|leaf| leaf.value.whole()).or(first.map(|page| page + 1));
    let mut names: Vec<String> = given.map(|name| vec![(*name).to_owned()]).unwrap_or_default();
    if let Some(known) = seen.known {
        names = known.pages.clone();
    } else if names.is_empty() {
        names.extend(page.map(|leaf| leaf.key.clone()));
        names.extend(["page", "pageNumber", "p"].map(str::to_owned));
    }
    names.dedup();
    let draft = |name: String| {
        let start = if first == Some(0) || (first.is_none() && second == Some(1)) { ", start: 0" } else { "" };
        let mut keys = vec![format!("page: {{ {}: {}{start} }}", seen.place, key(&name))];
        keys.extend(size.iter().map(|size| size_yaml(seen.place, size)));
        keys.extend(end.clone());
        PagingDraft {
            yaml: style("number", &keys),
            why: format!("{why}; sent as {name}"),
            next: second.map(|page| NextPage::Value(name.clone(), page.to_string())),
            parameters: vec![name],
            size: size.clone(),
            has_evidence: true,
        }
    };
    names.into_iter().take(3).map(draft).collect()
}

/// An offset.
fn offsets(seen: &ListSeen<'_>, fields: &[Leaf<'_>]) -> Vec<PagingDraft> {
    let field = fields
        .iter()
        .find(|l| ["offset", "skip", "startat", "start"].contains(&l.name.as_str()) && l.value.whole().is_some());
    let given = OFFSETS.iter().find(|name| seen.given(name).is_some());
    let name = match (given, field, seen.known) {
        (None, None, _) => return Vec::new(),
        (_, _, Some(known)) => match known.offsets.first() {
            Some(name) => name.clone(),
            None => return Vec::new(),
        },
        (Some(name), _, None) => (*name).to_owned(),
        (None, Some(leaf), None) => leaf.key.clone(),
    };
    let start = field.and_then(|leaf| leaf.value.whole());
    let why =
        field.map_or_else(|| "the request has an offset".to_owned(), |leaf| format!("{} is an offset", leaf.pointer));
    let found = Offset { name: &name, start, size: size_in(seen, fields), flag: flag_of(fields) };
    vec![found.draft(seen, &format!("{why}; sent as {name}"), true)]
}

/// The parameters of an offset.
struct Offset<'a> {
    name: &'a str,
    /// The number of the first row of the page, by the reply.
    start: Option<u64>,
    size: Option<(String, u64)>,
    flag: Option<String>,
}

impl Offset<'_> {
    fn draft(self, seen: &ListSeen<'_>, why: &str, has_evidence: bool) -> PagingDraft {
        let start = if self.start == Some(1) && seen.known.is_some() { ", start: 1" } else { "" };
        let mut keys = vec![format!("offset: {{ {}: {}{start} }}", seen.place, key(self.name))];
        keys.extend(self.size.iter().map(|size| size_yaml(seen.place, size)));
        keys.extend(self.flag);
        PagingDraft {
            yaml: style("offset", &keys),
            why: why.to_owned(),
            parameters: vec![self.name.to_owned()],
            size: self.size,
            has_evidence,
            next: self.start.map(|start| NextPage::Value(self.name.to_owned(), (start + seen.rows as u64).to_string())),
        }
    }
}

/// Common ways, tried when nothing in the reply tells.
fn trials(seen: &ListSeen<'_>) -> Vec<PagingDraft> {
    let size = size_of(seen, None);
    let number = |name: &str| {
        let mut keys = vec![format!("page: {{ {}: {name} }}", seen.place)];
        keys.extend(size.iter().map(|size| size_yaml(seen.place, size)));
        PagingDraft {
            yaml: style("number", &keys),
            why: format!("nothing in the reply tells; {name} was tried"),
            parameters: vec![name.to_owned()],
            size: size.clone(),
            has_evidence: false,
            next: None,
        }
    };
    let tried = |name: &str| {
        let found = Offset { name, start: None, size: size.clone(), flag: None };
        found.draft(seen, &format!("nothing in the reply tells; {name} was tried"), false)
    };
    vec![number("page"), tried("offset"), tried("skip")]
}

/// Where the total number of items is: a field or a header that is no less than the rows of this page.
pub(super) fn total(headers: &HeaderMap, body: &Tree, rows: usize) -> Option<(String, u64)> {
    let at_least = |n: u64| n >= rows as u64;
    let named = [
        "total",
        "totalcount",
        "totalresults",
        "totalitems",
        "totalrecords",
        "totalelements",
        "recordstotal",
        "totalsize",
        "numfound",
        "nbhits",
        "totalhits",
        "odatacount",
        "count",
        "found",
    ];
    let fields = leaves(body);
    let field = named.iter().find_map(|name| {
        // A count may also be that of the page.
        let is_total = |n: u64| at_least(n) && (*name != "count" && *name != "found" || n > rows as u64);
        fields
            .iter()
            .filter(|l| l.name == *name)
            .find_map(|l| Some((scalar(&l.pointer), l.value.whole().filter(|n| is_total(*n))?)))
    });
    let header = || {
        ["x-total-count", "x-total", "total-count", "x-pagination-total-count"].iter().find_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?.trim().parse().ok().filter(|n| at_least(*n))?;
            Some((format!("{{ header: {name} }}"), value))
        })
    };
    field.or_else(header)
}
