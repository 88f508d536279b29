//! Extensions that say how a list is paged. Pure.

use super::found::{ImportedList, PagingFound, PagingWord, styled};
use super::pager::{PageRole, Taken, role};
use super::refs::Spot;
use super::report::Grade;
use super::value::{Doc, Fields};
use crate::draft::plain;
use crate::json_pointer::escape;

/// The list that an extension names, as a JSON Pointer.
pub(crate) fn listed(operation: Spot<'_>) -> Option<String> {
    if let Some(pageable) = operation.doc.get("x-ms-pageable") {
        return Some(format!("/{}", escape(pageable.text_of("itemName").unwrap_or("value"))));
    }
    let speakeasy = operation.doc.at(&["x-speakeasy-pagination", "outputs", "results"]).and_then(Doc::text);
    let fern = operation.doc.at(&["x-fern-pagination", "results"]).and_then(Doc::text);
    speakeasy.or(fern).and_then(pointer)
}

/// The paging that an extension describes.
pub(crate) fn by_extension(seen: &ImportedList<'_, '_>) -> Option<PagingFound> {
    let doc = seen.operation.spot.doc;
    if let Some(pageable) = doc.get("x-ms-pageable") {
        return Some(match pageable.get("nextLinkName") {
            Some(Doc::Text(name)) if !name.is_empty() => {
                next_url(seen, &format!("/{}", name.split('.').map(escape).collect::<Vec<_>>().join("/")))
            }
            _ => PagingFound::new(PagingWord::None, Grade::Sure, ""),
        });
    }
    if let Some(speakeasy) = doc.get("x-speakeasy-pagination").filter(|doc| doc.map().is_some()) {
        return Some(by_speakeasy(seen, speakeasy).unwrap_or_else(|| unread("x-speakeasy-pagination")));
    }
    let fern = doc.get("x-fern-pagination").filter(|doc| doc.map().is_some())?;
    Some(by_fern(seen, fern).unwrap_or_else(|| unread("x-fern-pagination")))
}

fn unread(name: &str) -> PagingFound {
    PagingFound {
        question: Some(("paging", format!("{name} says something that is not understood"))),
        ..PagingFound::new(PagingWord::Unknown, Grade::Ask, "")
    }
}

/// `$.meta.next`, `$response.next` or `next` as a JSON Pointer.
fn pointer(path: &str) -> Option<String> {
    let path = path.strip_prefix("$response").or_else(|| path.strip_prefix('$')).unwrap_or(path);
    let plain = path.strip_prefix('.').unwrap_or(path);
    let is_plain = plain.chars().all(|c| c.is_alphanumeric() || "_-.@".contains(c));
    (is_plain && !plain.starts_with('.')).then(|| {
        plain.split('.').filter(|part| !part.is_empty()).map(|part| format!("/{}", escape(part))).collect::<String>()
    })
}

fn absent(pointer: &str) -> Doc {
    Doc::of([("at", Doc::from(pointer)), ("absent", Doc::from("end"))])
}

fn next_url(seen: &ImportedList<'_, '_>, at: &str) -> PagingFound {
    let all: Vec<&Taken<'_>> =
        [PageRole::Page, PageRole::Offset, PageRole::Cursor].into_iter().flat_map(|wanted| seen.all(wanted)).collect();
    styled(seen, "next_url", Fields::from_iter([("pointer".to_owned(), absent(at))]), (Grade::Sure, ""), &all)
}

fn parameter<'o, 'f>(seen: &ImportedList<'o, 'f>, name: &str) -> Option<&'o Taken<'f>> {
    let last = name.rsplit('.').next().unwrap_or(name);
    seen.taken.iter().find(|taken| taken.name == name || taken.plain == plain(last))
}

fn by_speakeasy(seen: &ImportedList<'_, '_>, doc: &Doc) -> Option<PagingFound> {
    let output = |name: &str| doc.at(&["outputs", name]).and_then(Doc::text).and_then(pointer);
    let input = |kind: &str| {
        let inputs = doc.get("inputs")?.list();
        parameter(seen, inputs.iter().find(|input| input.text_of("type") == Some(kind))?.text_of("name")?)
    };
    match doc.text_of("type")? {
        "url" => Some(next_url(seen, &output("nextUrl")?)),
        "cursor" => {
            let (send, token) = (input("cursor")?, output("nextCursor")?);
            let fields = Fields::from_iter([("token".to_owned(), absent(&token)), ("send".to_owned(), send.target())]);
            Some(styled(seen, "cursor", fields, (Grade::Sure, ""), &[send]))
        }
        "offsetLimit" => match (input("page"), input("offset")) {
            (Some(page), _) => {
                let mut fields = Fields::from_iter([("page".to_owned(), page.target())]);
                if let Some(pages) = output("numPages") {
                    fields.insert("end".to_owned(), Doc::of([("total_pages", Doc::Text(pages))]));
                }
                Some(styled(seen, "number", fields, (Grade::Sure, ""), &[page]))
            }
            (None, Some(offset)) => Some(styled(
                seen,
                "offset",
                Fields::from_iter([("offset".to_owned(), offset.target())]),
                (Grade::Sure, ""),
                &[offset],
            )),
            (None, None) => None,
        },
        _ => None,
    }
}

fn by_fern(seen: &ImportedList<'_, '_>, doc: &Doc) -> Option<PagingFound> {
    let request = |key: &str| parameter(seen, doc.text_of(key)?.trim_start_matches("$request."));
    if let (Some(send), Some(token)) = (request("cursor"), doc.text_of("next_cursor").and_then(pointer)) {
        let fields = Fields::from_iter([("token".to_owned(), absent(&token)), ("send".to_owned(), send.target())]);
        return Some(styled(seen, "cursor", fields, (Grade::Sure, ""), &[send]));
    }
    let offset = request("offset")?;
    match role(offset)? {
        PageRole::Page => {
            let (start, _) = offset.start()?;
            let mut target = offset.target();
            if start != 1 {
                target.put("start", start);
            }
            Some(styled(seen, "number", Fields::from_iter([("page".to_owned(), target)]), (Grade::Sure, ""), &[offset]))
        }
        PageRole::Offset => Some(styled(
            seen,
            "offset",
            Fields::from_iter([("offset".to_owned(), offset.target())]),
            (Grade::Sure, ""),
            &[offset],
        )),
        PageRole::Size | PageRole::Cursor => None,
    }
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn paths_become_pointers() {
        for (path, expected) in
            [("$.meta.next", Some("/meta/next")), ("$response.next", Some("/next")), ("$", Some("")), ("$.a[0]", None)]
        {
            assert_eq!(pointer(path).as_deref(), expected, "{path}");
        }
    }
}
