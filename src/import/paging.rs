//! How the lists of a description are paged: only what its parameters and replies show. A style that is not certain is
//! not written: an end that was believed too early would lose records without a word. Pure.

use super::envelope::ReplyLeaf;
use super::extensions::by_extension;
use super::found::{ImportedList, MORE, PagingFound, PagingWord, flag_of, more, place, styled};
use super::pager::{PageRole, Taken, role};
use super::refs::Spot;
use super::reply::success;
use super::report::Grade;
use super::value::{Doc, Fields};
use crate::draft::plain;

/// Whether an operation has parameters of a paging.
pub(crate) fn has_pages(taken: &[Taken<'_>]) -> bool {
    taken.iter().any(|taken| matches!(role(taken), Some(PageRole::Page | PageRole::Offset | PageRole::Cursor)))
}

/// The paging of a list.
pub(crate) fn paging(seen: &ImportedList<'_, '_>) -> PagingFound {
    if let Some(found) = by_extension(seen) {
        return found;
    }
    let found = next_url(seen)
        .or_else(|| link(seen))
        .or_else(|| cursor(seen))
        .or_else(|| keyset(seen))
        .or_else(|| counted(seen));
    found.unwrap_or_else(|| unpaged(seen))
}

fn paging_parameters<'o, 'f>(seen: &ImportedList<'o, 'f>) -> Vec<&'o Taken<'f>> {
    [PageRole::Page, PageRole::Offset, PageRole::Cursor].into_iter().flat_map(|wanted| seen.all(wanted)).collect()
}

/// Parameters without which no request is accepted cannot be left to the server's next address.
fn is_free(seen: &ImportedList<'_, '_>) -> bool {
    paging_parameters(seen).iter().all(|taken| !taken.is_required)
}

/// The reply has the address of the next page.
fn next_url(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let named = [
        "nexturl",
        "nextlink",
        "nextpageurl",
        "nextpagelink",
        "nextpageuri",
        "nexturi",
        "odatanextlink",
        "nexthref",
        "nextrecordsurl",
        "linknext",
    ];
    let is_address = |leaf: &ReplyLeaf<'_>| {
        let format = leaf.end.doc.text_of("format").unwrap_or_default();
        let text = leaf.description();
        let says = ["url", "uri", "hyperlink", "href", "web address"].iter().any(|word| text.contains(word));
        format.starts_with("ur") || (says && !text.contains("token") && !text.contains("cursor"))
    };
    let in_next =
        |leaf: &ReplyLeaf<'_>| ["href", "url", "uri", "link"].contains(&leaf.name.as_str()) && leaf.parent == "next";
    let texts = || seen.scalars().iter().filter(|leaf| leaf.is_text());
    let sure = texts().find(|leaf| {
        named.contains(&leaf.name.as_str())
            || in_next(leaf)
            || (leaf.name == "next" && is_address(leaf))
            || (leaf.name == "nextpage" && is_address(leaf))
    });
    let has = |name: &str| seen.scalars().iter().any(|leaf| leaf.name.starts_with(name));
    let likely = || {
        let in_links = |leaf: &&ReplyLeaf<'_>| {
            leaf.name == "next" && (matches!(leaf.parent.as_str(), "links" | "link") || (has("prev") && has("count")))
        };
        texts().find(in_links).filter(|_| seen.of(PageRole::Cursor).is_none())
    };
    let (leaf, grade, why) = match sure {
        Some(leaf) => (leaf, Grade::Sure, String::new()),
        None => likely().map(|leaf| {
            (leaf, Grade::Likely, format!("{} is beside the previous page, as addresses of pages are", leaf.pointer))
        })?,
    };
    if !is_free(seen) {
        return None;
    }
    let fields = Fields::from_iter([("pointer".to_owned(), place(leaf))]);
    Some(styled(seen, "next_url", fields, (grade, &why), &paging_parameters(seen)))
}

/// The reply has a Link header.
fn link(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let reply = success(seen.operation)?;
    let (_, header) = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("link"))?;
    if !is_free(seen) {
        return None;
    }
    let text =
        [header.doc.text_of("description"), header.get("schema").and_then(|schema| schema.doc.text_of("description"))];
    let says = text.into_iter().flatten().any(|text| {
        let text = text.to_lowercase();
        text.contains("next")
            || text.contains("pagina")
            || text.contains("rfc 5988")
            || text.contains("rfc 8288")
            || text.contains("rfc5988")
    });
    let has_pages = seen.taken.iter().any(|taken| role(taken).is_some());
    let (grade, why) = match says || has_pages {
        true => (Grade::Sure, ""),
        false => (Grade::Likely, "the reply has a Link header, as lists with pages have"),
    };
    let mut fields = Fields::new();
    if let Some(page) = seen.of(PageRole::Page) {
        fields.insert("last".to_owned(), page.target());
    }
    Some(styled(seen, "link", fields, (grade, why), &paging_parameters(seen)))
}

/// How well a field of the reply answers a parameter: the less, the better.
fn answers(leaf: &ReplyLeaf<'_>, parameter: &Taken<'_>) -> Option<u8> {
    let (leaf_name, name) = (leaf.name.as_str(), parameter.plain.as_str());
    let is_previous =
        ["prev", "before", "start", "first", "last", "self"].iter().any(|word| leaf_name.starts_with(word))
            || leaf.parent.starts_with("prev");
    let bare = name
        .trim_start_matches("page")
        .trim_start_matches("starting")
        .trim_start_matches("next")
        .trim_start_matches("pagination");
    let words = ["cursor", "token", "marker", "continuation", "scrollid", "bookmark", "iterator", "position", "key"];
    match () {
        () if is_previous && leaf_name != name => None,
        // The number of this page is not the next one.
        () if name.starts_with("page")
            && leaf_name == name
            && leaf.parent != "next"
            && !name.contains("token")
            && !name.contains("cursor") =>
        {
            None
        }
        () if leaf_name == format!("next{name}") || leaf_name == name && leaf_name.starts_with("next") => Some(0),
        () if leaf.parent == "next" && (leaf_name == name || leaf_name == bare) => Some(0),
        () if leaf.parent.contains("cursor") && ((leaf_name == "after" && bare == "after") || leaf_name == "next") => {
            Some(0)
        }
        () if leaf_name == name => Some(1),
        () if leaf_name == "endcursor" && bare == "after" => Some(1),
        () if leaf_name.starts_with("next")
            && words.iter().any(|word| leaf_name.contains(word) && name.contains(word)) =>
        {
            Some(1)
        }
        () if leaf_name.starts_with("next")
            && (words.iter().any(|word| leaf_name.contains(word))
                || leaf_name == "next"
                || leaf_name == "nextpage") =>
        {
            Some(2)
        }
        () if words.iter().any(|word| leaf_name.contains(word) && name.contains(word)) => Some(2),
        () if words[..7].iter().any(|word| leaf_name.contains(word)) => Some(3),
        () => None,
    }
}

/// The reply has a value that the next request sends back.
fn cursor(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let usable = |leaf: &&ReplyLeaf<'_>| leaf.is_text() || leaf.is_number();
    let mut pairs: Vec<(u8, &ReplyLeaf<'_>, &Taken<'_>)> = Vec::new();
    for parameter in seen.all(PageRole::Cursor).filter(|taken| !taken.is_required) {
        for leaf in seen.scalars().iter().filter(usable) {
            pairs.extend(answers(leaf, parameter).map(|rank| (rank, leaf, parameter)));
        }
    }
    // Two places of the same name say the same, one beside the items and one in an object.
    pairs.sort_by_key(|(rank, leaf, _)| (*rank, leaf.depth));
    let (rank, leaf, parameter) = *pairs.first()?;
    let rivals = pairs
        .iter()
        .filter(|(r, l, p)| {
            *r == rank && (l.pointer != leaf.pointer || p.name != parameter.name) && l.depth == leaf.depth
        })
        .count();
    if rivals > 0 && rank > 0 {
        let text = format!(
            "`{}` and other parameters may be the cursor: say which with `paging` in overrides.yaml",
            parameter.name
        );
        return Some(PagingFound::ask("paging", text));
    }
    let (grade, why) = match rank {
        0 | 1 => (Grade::Sure, String::new()),
        _ => (Grade::Likely, format!("{} is the only value that `{}` could send back", leaf.pointer, parameter.name)),
    };
    let mut fields = Fields::from_iter([("token".to_owned(), place(leaf)), ("send".to_owned(), parameter.target())]);
    if let Some(flag) = more(seen).filter(|flag| flag.is_required) {
        fields.insert("has_more".to_owned(), flag_of(flag));
    }
    Some(styled(seen, "cursor", fields, (grade, &why), &paging_parameters(seen)))
}

/// The next page starts after the id of the last item.
fn keyset(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let parameter = seen
        .all(PageRole::Cursor)
        .find(|taken| matches!(taken.plain.as_str(), "startingafter" | "startafter" | "after" | "pagestartingafter"))?;
    let flag = more(seen)?;
    let element = seen.reply.element.and_then(|element| super::envelope::settled(files_of(seen), element))?;
    let has_id = super::envelope::properties(files_of(seen), element).iter().any(|(name, ..)| *name == "id");
    let text = parameter.description();
    let says = text.contains(" id") || text.contains("object");
    if !has_id || parameter.is_required || !(says || parameter.plain == "startingafter") {
        return None;
    }
    let mut after = parameter.target();
    after.put("from", "/id");
    let fields = Fields::from_iter([("after".to_owned(), after), ("has_more".to_owned(), flag_of(flag))]);
    let (grade, why) = if says {
        (Grade::Sure, "")
    } else {
        (Grade::Likely, "the next page starts after the id of the last item, as the name says")
    };
    Some(styled(seen, "keyset", fields, (grade, why), &[parameter]))
}

fn files_of<'f>(seen: &ImportedList<'_, 'f>) -> &'f super::refs::Files {
    seen.operation.files
}

/// Numbered pages, or skipped rows.
fn counted(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let (page, offset) = (seen.of(PageRole::Page), seen.of(PageRole::Offset));
    let has_cursor = seen.of(PageRole::Cursor).is_some();
    if has_cursor && page.is_none() && offset.is_none() {
        let names: Vec<&str> = seen.all(PageRole::Cursor).map(|taken| taken.name.as_str()).collect();
        // `after` may also be a time, and `next` a flag.
        let is_certain = seen.all(PageRole::Cursor).any(|taken| {
            taken.plain.contains("cursor") || taken.plain.contains("token") || taken.plain.contains("startingafter")
        });
        let signs = seen.scalars().iter().any(|leaf| leaf.name.contains("next") || MORE.contains(&leaf.name.as_str()));
        if !is_certain && !signs && seen.of(PageRole::Size).is_none() {
            return None;
        }
        return Some(PagingFound::ask(
            "paging",
            format!("`{}` asks for the next page, but the reply shows no value for it", names.join("`, `")),
        ));
    }
    match (page, offset) {
        (Some(page), Some(offset)) => {
            // The reply tells which of both it counts.
            let pages = seen
                .scalars()
                .iter()
                .any(|leaf| is_page_count(leaf) || matches!(leaf.name.as_str(), "page" | "currentpage" | "pagenumber"));
            let offsets = seen.scalars().iter().any(|leaf| leaf.name == offset.plain);
            match (pages, offsets) {
                (true, false) => Some(number(seen, page)),
                (false, true) => Some(rows(seen, offset)),
                _ => Some(PagingFound::ask(
                    "paging",
                    format!("`{}` and `{}` both ask for pages", page.name, offset.name),
                )),
            }
        }
        (Some(page), None) => Some(number(seen, page)),
        (None, Some(offset)) => Some(rows(seen, offset)),
        (None, None) => None,
    }
}

fn is_page_count(leaf: &ReplyLeaf<'_>) -> bool {
    let names = [
        "totalpages",
        "pagecount",
        "pages",
        "lastpage",
        "numpages",
        "numberofpages",
        "totalpagecount",
        "pagestotal",
        "nbpages",
        "totalpage",
        "maxpage",
        "pagescount",
    ];
    leaf.is_number() && names.contains(&leaf.name.as_str())
}

fn number(seen: &ImportedList<'_, '_>, page: &Taken<'_>) -> PagingFound {
    let kind = page.schema.map(|schema| super::envelope::kind(schema.doc)).unwrap_or_default();
    if kind == "string" && page.start().is_none() {
        return PagingFound::ask("paging", format!("`{}` is a text: a number or a token", page.name));
    }
    let Some((start, is_sure)) = page.start().or(seen.page_start.map(|start| (start, true))) else {
        return PagingFound::ask(
            "page-start",
            format!("`{}` is the number of a page, but not whether the first is 0 or 1", page.name),
        );
    };
    let mut target = page.target();
    if start != 1 {
        target.put("start", start);
    }
    let mut fields = Fields::from_iter([("page".to_owned(), target)]);
    let next = seen
        .scalars()
        .iter()
        .find(|leaf| leaf.is_number() && matches!(leaf.name.as_str(), "nextpage" | "nextpagenumber"));
    let pages = seen.scalars().iter().find(|leaf| is_page_count(leaf));
    // A number of pages is also the number of the last one only if the first is 1.
    let pages = pages.filter(|leaf| start == 1 || leaf.name != "lastpage");
    let end = match (next, pages, more(seen)) {
        (Some(leaf), _, _) => Some(("next_page", place(leaf))),
        (None, Some(leaf), _) => Some(("total_pages", Doc::Text(leaf.pointer.clone()))),
        (None, None, Some(flag)) => Some(("has_more", flag_of(flag))),
        (None, None, None) => None,
    };
    if let Some((key, value)) = end {
        fields.insert("end".to_owned(), Doc::of([(key, value)]));
    }
    let (grade, why) = if is_sure { (Grade::Sure, "") } else { (Grade::Likely, "the smallest page number is 0") };
    styled(seen, "number", fields, (grade, why), &[page])
}

fn rows(seen: &ImportedList<'_, '_>, offset: &Taken<'_>) -> PagingFound {
    let text = offset.description();
    if seen.of(PageRole::Size).is_none() && ["start", "from", "startfrom"].contains(&offset.plain.as_str()) {
        return PagingFound::ask("paging", format!("`{}` may be a number of rows, or another beginning", offset.name));
    }
    let is_key =
        ["greater than", "last id", "id of the", "number of the last"].iter().any(|words| text.contains(words));
    if is_key {
        return PagingFound::ask(
            "paging",
            format!("`{}` seems to be a value of the last row, not a number of rows", offset.name),
        );
    }
    // By its name alone it may also count pages.
    let says = ["skip", "row", "record", "item", "result", "entr", "number of", "offset from", "element", "object"];
    let is_said = says.iter().any(|word| text.contains(word)) || offset.plain.starts_with("skip");
    let found =
        if offset.is_skip() { Some((offset.start().map_or(0, |(start, _)| start), is_said)) } else { offset.start() };
    let Some((start, is_sure)) = found else {
        return PagingFound::ask(
            "paging",
            format!("`{}` is the number of the first row, but not whether the first is 0 or 1", offset.name),
        );
    };
    let mut target = offset.target();
    if start != 0 {
        target.put("start", start);
    }
    let mut fields = Fields::from_iter([("offset".to_owned(), target)]);
    if let Some(flag) = more(seen).filter(|flag| seen.reply.total.is_none() || flag.is_required) {
        fields.insert("has_more".to_owned(), flag_of(flag));
    }
    let (grade, why) = if is_sure {
        (Grade::Sure, "")
    } else {
        (Grade::Likely, "it counts rows from 0, by its name or its smallest value")
    };
    styled(seen, "offset", fields, (grade, why), &[offset])
}

/// No parameter asks for a page.
fn unpaged(seen: &ImportedList<'_, '_>) -> PagingFound {
    let next = seen.scalars().iter().find(|leaf| {
        let is_next = leaf.name.starts_with("next") && (leaf.is_text() || leaf.is_number());
        is_next || (leaf.kind() == "boolean" && MORE.contains(&leaf.name.as_str()))
    });
    if let Some(leaf) = next {
        return PagingFound::ask(
            "paging",
            format!("the reply has {}, but no parameter asks for the next page", leaf.pointer),
        );
    }
    if let Some(size) = seen
        .all(PageRole::Size)
        .find(|taken| super::envelope::kind(taken.schema.map_or(&Doc::Null, |s| s.doc)) != "string")
    {
        return PagingFound::ask(
            "paging",
            format!("`{}` limits the list, but no parameter asks for what follows", size.name),
        );
    }
    if let Some(why) = told(seen) {
        return PagingFound::ask("paging", why);
    }
    PagingFound::new(PagingWord::None, Grade::Sure, "")
}

/// What else tells that a list may have more pages.
fn told(seen: &ImportedList<'_, '_>) -> Option<String> {
    let is_position = |name: &str| {
        let first = ["last", "older", "newer", "since", "before", "after", "max", "from"];
        (first.iter().any(|word| name.starts_with(word)) && name.ends_with("id") && name != "fromid")
            || name.starts_with("continuation")
    };
    if let Some(taken) = seen.taken.iter().find(|taken| taken.place == "query" && is_position(&taken.plain)) {
        return Some(format!("`{}` may ask for what follows", taken.name));
    }
    let links =
        seen.reply.envelope.objects.iter().find(|leaf| {
            leaf.name == "links" && super::envelope::properties(seen.operation.files, leaf.end).is_empty()
        });
    if let Some(leaf) = links {
        return Some(format!("{} may have the address of the next page", leaf.pointer));
    }
    let doc = seen.operation.spot.doc;
    let text = ["summary", "description"].iter().filter_map(|key| doc.text_of(key)).collect::<Vec<_>>().join(". ");
    tells_of_pages(&text).map(|words| format!("its text says \"{words}\", but no parameter asks for what follows"))
}

/// The words of a text by which a list has more than one reply.
fn tells_of_pages(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let plain = ["paginat", "next page", "more results", "subsequent page", "page of results"];
    if let Some(word) = plain.iter().find(|word| text.contains(*word)) {
        return Some((*word).to_owned());
    }
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_count = |word: &str| word.parse::<u64>().is_ok_and(|n| (10..=100_000).contains(&n));
    words.windows(3).find_map(|three| match three {
        [count, "most", "recent"] | ["up", "to", count] | ["at", "most", count] | ["maximum", "of", count]
            if is_count(count) =>
        {
            Some(three.join(" "))
        }
        ["first" | "latest" | "last", count, what]
            if is_count(count)
                && !["days", "hours", "characters", "minutes", "months", "bytes", "digits"].contains(what) =>
        {
            Some(three.join(" "))
        }
        _ => None,
    })
}

/// The fields of the body of a search, one level deep.
pub(crate) fn body_fields<'f>(files: &'f super::refs::Files, body: Spot<'f>) -> Vec<(String, Spot<'f>, bool)> {
    let mut found = Vec::new();
    for (name, spot, is_required) in super::envelope::properties(files, body) {
        let inner = super::envelope::settled(files, spot);
        let is_pager =
            ["page", "pagination", "paging", "pager", "pageinfo", "pagerequest"].contains(&plain(name).as_str());
        if let Some(inner) = inner.filter(|inner| is_pager && super::envelope::kind(inner.doc) == "object") {
            for (key, spot, _) in super::envelope::properties(files, inner) {
                let pointer = format!("/{}/{}", crate::json_pointer::escape(name), crate::json_pointer::escape(key));
                found.push((pointer, spot, false));
            }
        }
        found.push((name.to_owned(), spot, is_required));
    }
    found
}
