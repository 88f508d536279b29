//! Addresses of pages: resolves those from a server, and finds the page-number parameter. Pure.

use crate::request::Cursor;

/// How addresses of next pages are resolved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// Only their path and query are used.
    pub(crate) relink: bool,
    /// Maps hosts that users enter to the host of the API.
    pub(crate) hosts: Vec<(String, String)>,
    /// Query parameters that carry credentials. They are left out of next addresses, which are stored and shown, and added
    /// when a request is sent.
    pub(crate) credentials: Vec<String>,
}

impl Links {
    /// The address without credentials.
    pub(super) fn without_credentials(&self, url: url::Url) -> String {
        let is_credential = |name: &str| self.credentials.iter().any(|own| own == name);
        if !url.query_pairs().any(|(name, _)| is_credential(&name)) {
            return url.into();
        }
        let name = |pair: &str| url::form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
        let query = url.query().unwrap_or_default().split('&');
        let kept: Vec<&str> = query.filter(|pair| !name(pair).is_some_and(|name| is_credential(&name))).collect();
        let mut bare = url.clone();
        bare.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
        bare.into()
    }
}

/// The page-number parameter: the only one in which the next address and the last differ, a number in both.
pub(super) fn counting(next: &str, last: &str) -> Option<String> {
    let query =
        |text: &str| text.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or_default().to_owned());
    let (next, last) = (query(next)?, query(last)?);
    let pairs = |query: &str| -> Vec<(String, String)> {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let (next, last) = (pairs(&next), pairs(&last));
    let mut apart = last.iter().filter(|pair| !next.contains(pair));
    let (Some((name, value)), None) = (apart.next(), apart.next()) else { return None };
    let other = next.iter().find(|(n, _)| n == name)?;
    (value.parse::<u64>().ok()? > other.1.parse::<u64>().ok()?).then(|| name.clone())
}

/// The position and value of a numeric query parameter.
pub(super) fn number(url: &str, parameter: &str) -> Option<(std::ops::Range<usize>, u64)> {
    let query = url.find('?')? + 1;
    let mut start = query;
    for pair in url.get(query..)?.split('#').next()?.split('&') {
        if let Some(value) = pair.strip_prefix(parameter).and_then(|p| p.strip_prefix('=')) {
            let from = start + parameter.len() + 1;
            return Some((from..from + value.len(), value.parse().ok()?));
        }
        start += pair.len() + 1;
    }
    None
}

pub(super) fn renumbered(url: &str, range: &std::ops::Range<usize>, number: u64) -> Cursor {
    let mut text = url.to_owned();
    text.replace_range(range.clone(), &number.to_string());
    Cursor { url: Some(text), ..Cursor::default() }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn the_counting_parameter_is_the_one_that_differs() {
        let found = |next: &str, last: &str| super::counting(next, last);
        assert_eq!(found("https://a/?size=2&page=2", "/?size=2&page=10").as_deref(), Some("page"));
        assert_eq!(found("?page=2", "?page=2"), None);
        assert_eq!(found("?page=2&x=1", "?page=9&x=2"), None);
        assert_eq!(found("?cursor=ab", "?cursor=zz"), None);
        assert_eq!(found("?page=2", "?offset=9"), None);
    }

    #[test]
    fn numbers_are_found_as_whole_parameters() {
        assert_eq!(number("https://a/?mypage=3&page=12&x=1", "page"), Some((25..27, 12)));
        assert_eq!(number("https://a/?pageSize=3", "page"), None);
    }
}
