//! `link`: the Link header's rel=next (RFC 8288). Pure.

use url::Url;

use crate::definition::Style;
use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;
use crate::paging::addresses::{number, renumbered};
use crate::paging::step::PagingStep;
use crate::paging::view::View;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

pub(in crate::paging) fn next(view: &View<'_>) -> Result<PagingStep> {
    check(view.page)?;
    match view.page.link("next") {
        Some(target) => Ok(PagingStep::More(Cursor { url: Some(follow(view, target)?), ..Cursor::default() })),
        None if view.page.has_links() || view.ledger.links => Ok(PagingStep::stop(StopReason::NoNext, EndSeen::Signal)),
        None => match view.without_signal() {
            // Some servers send links only if the request has a page number.
            EndSeen::Assumed => {
                Ok(second(view).map_or(PagingStep::stop(StopReason::NoNext, EndSeen::Assumed), PagingStep::More))
            }
            seen => Ok(PagingStep::stop(StopReason::NoNext, seen)),
        },
    }
}

/// The second page by its number, if the parameter is known and the first request had none.
fn second(view: &View<'_>) -> Option<Cursor> {
    let Style::Link { last: Some(last), .. } = &view.paging.style else { return None };
    let parameter = last.name();
    let mut url = Url::parse(view.url).ok()?;
    if view.number > 1 || number(view.url, parameter).is_some() {
        return None;
    }
    url.query_pairs_mut().append_pair(parameter, "2");
    Some(Cursor { url: Some(url.into()), ..Cursor::default() })
}

/// Refuses an unreadable Link header: it must not be taken for the end.
pub(in crate::paging) fn check(page: &Page) -> Result<()> {
    let Some(field) = page.unread_link() else { return Ok(()) };
    Err(Error::new(ErrorKind::BadResponse, format!("the Link header cannot be read: {field}"))
        .advise("a link has the form `<address>; rel=\"next\"` (RFC 8288); report it to the vendor"))
}

/// The address of the next page: the link's target against the request's URL (RFC 3986, section 5). A target that names
/// this connection's own system differently (another scheme, a mapped host) is resolved to the own origin, and so is
/// every target if that is declared.
pub(super) fn follow(view: &View<'_>, target: &str) -> Result<String> {
    followed(view, target).map(|url| view.links.without_credentials(url))
}

fn followed(view: &View<'_>, target: &str) -> Result<Url> {
    let base = Url::parse(view.url).map_err(|e| Error::new(ErrorKind::Internal, format!("the request's URL: {e}")))?;
    let url = base.join(target).map_err(|e| {
        Error::new(ErrorKind::BadResponse, format!("the next page's address is not a URL: {e}: `{target}`"))
    })?;
    if url.origin() == base.origin() || url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Ok(url);
    }
    let alias = |host: &str| {
        view.links
            .hosts
            .iter()
            .any(|(typed, api)| typed.eq_ignore_ascii_case(host) && Some(api.as_str()) == base.host_str())
    };
    let same_host = url.host_str() == base.host_str();
    let other_scheme = same_host
        && matches!(url.scheme(), "http" | "https")
        && url.scheme() != base.scheme()
        && (url.port() == base.port() || url.port().is_none());
    if !view.links.relink && !other_scheme && !url.host_str().is_some_and(alias) {
        return Ok(url);
    }
    let mut own = base;
    own.set_path(url.path());
    own.set_query(url.query());
    own.set_fragment(None);
    Ok(own)
}

/// The pages between the next and the last, by counting the page parameter from the next link up to the last link.
pub(in crate::paging) fn ahead(parameter: &str, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
    let last = page.link("last").and_then(|target| number(target, parameter)).map(|(_, n)| n);
    let Some(url) = &next.url else { return Vec::new() };
    let (Some(last), Some((range, first))) = (last, number(url, parameter)) else { return Vec::new() };
    let at = |n: u64| renumbered(url, &range, n);
    first.checked_add(1).into_iter().flat_map(|from| from..=last).take(count).map(at).collect()
}

/// The page with this number, by the address of the current or the last page.
pub(in crate::paging) fn page_at(parameter: &str, view: &View<'_>, page: u64) -> Option<Cursor> {
    let own = number(view.url, parameter).map(|(range, _)| renumbered(view.url, &range, page));
    own.or_else(|| {
        let last = follow(view, view.ledger.last_url.as_deref()?).ok()?;
        number(&last, parameter).map(|(range, _)| renumbered(&last, &range, page))
    })
}
