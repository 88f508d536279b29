//! Names and titles from paths and ids. Pure.

/// The words of a name: `listOpenOrders`, `list_open_orders` and `list-open-orders` have the same.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before_lower = false;
    for c in name.chars() {
        let starts = words.is_empty() || (c.is_uppercase() && before_lower);
        if !c.is_alphanumeric() {
            words.push(String::new());
            before_lower = false;
            continue;
        }
        match words.last_mut() {
            Some(last) if !starts => last.extend(c.to_lowercase()),
            Some(_) | None => words.push(c.to_lowercase().collect()),
        }
        before_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `listOpenOrders` as `List open orders`.
pub(crate) fn title_of(id: &str) -> String {
    capitalized(&words(id).join(" "))
}

pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn in_pascal_case(name: &str) -> String {
    words(name).iter().map(|word| capitalized(word)).collect()
}

/// The segments of a path that name something: no parameters, no versions.
fn nouns(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    let is_version = |s: &str| {
        s.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    };
    path.split('/').filter(move |s| {
        s.chars().any(|c| c.is_ascii_alphabetic()) && !s.contains('{') && !is_version(s) && *s != "api" && *s != "rest"
    })
}

/// The last word of a path that names something.
pub(crate) fn last_noun(path: &str) -> Option<&str> {
    nouns(path).next_back()
}

/// The last words of paths that search.
pub(crate) const SEARCHES: [&str; 7] = ["search", "query", "find", "filter", "lookup", "list", "report"];

/// The last word of a path that names a record: `/books/search` is about books.
fn record_noun(path: &str) -> Option<&str> {
    let is_search = |noun: &&str| SEARCHES.contains(&noun.to_lowercase().as_str());
    nouns(path).rev().find(|noun| !is_search(noun)).or_else(|| last_noun(path))
}

/// Longer names are none of files.
const FILE_NAME_MAX: usize = 100;

/// The name of the file of an operation, by the first word of its path.
pub(crate) fn area_of(path: &str) -> String {
    let name: String = nouns(path).next().map(|noun| words(noun).join("-")).unwrap_or_default();
    // Files with these names have another meaning.
    let is_taken = matches!(name.as_str(), "connector" | "sandbox" | "overrides" | "import");
    if name.is_empty() || !name.is_ascii() || is_taken || name.len() > FILE_NAME_MAX {
        "operations".to_owned()
    } else {
        name
    }
}

/// The name of a record, by the last word of a path: `/shelves/{id}/books` as `Book`.
pub(crate) fn record_name(path: &str) -> String {
    let name = record_noun(path).map(|noun| in_pascal_case(&singular(noun))).unwrap_or_default();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.is_ascii() { name } else { "Record".to_owned() }
}

/// The singular of an English noun, where that is easy to tell.
pub(crate) fn singular(noun: &str) -> String {
    let lower = noun.to_lowercase();
    let cut = |n: usize| noun.get(..noun.len().saturating_sub(n)).unwrap_or(noun).to_owned();
    match () {
        () if noun.len() < 4 || lower.ends_with("ss") || lower.ends_with("us") || lower.ends_with("is") => {
            noun.to_owned()
        }
        () if lower.ends_with("ies") => cut(3) + "y",
        () if lower.ends_with("lves") && lower != "valves" => cut(3) + "f",
        () if ["ches", "shes", "sses", "xes"].iter().any(|end| lower.ends_with(end)) => cut(2),
        () if lower.ends_with('s') => cut(1),
        () => noun.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{area_of, record_name, title_of};

    #[test]
    fn names_come_from_paths_and_ids() {
        assert_eq!(title_of("listOpenOrders"), "List open orders");
        assert_eq!(title_of("get_user"), "Get user");
        assert_eq!(record_name("/v2/shelves/{id}/books"), "Book");
        assert_eq!(record_name("/companies/{id}"), "Company");
        assert_eq!((record_name("/{id}"), record_name("/books/search")), ("Record".to_owned(), "Book".to_owned()));
        assert_eq!(area_of("/api/v2.1/purchase-orders/{id}"), "purchase-orders");
        assert_eq!(area_of("/"), "operations");
    }
}
