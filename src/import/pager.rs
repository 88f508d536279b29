//! The parameters and reply fields by which lists are paged: their names, and what their texts say. Pure.

use super::refs::Spot;
use super::value::Doc;
use crate::draft::plain;

/// A parameter that an operation takes, and where it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Taken<'f> {
    /// On the wire; in a body a JSON Pointer if it is nested.
    pub(crate) name: String,
    /// `query`, `header` or `body`.
    pub(crate) place: &'static str,
    pub(crate) plain: String,
    /// The parameter, which may have a description.
    pub(crate) spot: Spot<'f>,
    pub(crate) schema: Option<Spot<'f>>,
    pub(crate) is_required: bool,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageRole {
    Page,
    Size,
    Offset,
    Cursor,
}

const PAGES: [&str; 11] = [
    "page",
    "pagenumber",
    "pageno",
    "pagenum",
    "pageindex",
    "currentpage",
    "p",
    "pg",
    "paginationpage",
    "pagingpage",
    "pagenbr",
];
const SIZES: [&str; 30] = [
    "perpage",
    "pagesize",
    "limit",
    "size",
    "pagelimit",
    "maxresults",
    "maxrecords",
    "maxitems",
    "maxpagesize",
    "resultsperpage",
    "itemsperpage",
    "recordsperpage",
    "entriesperpage",
    "count",
    "top",
    "take",
    "rows",
    "rpp",
    "pagecount",
    "numresults",
    "hitsperpage",
    "nbresults",
    "max",
    "maxcount",
    "maxresultcount",
    "paginationlimit",
    "paginationsize",
    "paginationperpage",
    "pagingperpage",
    "resultlimit",
];
const OFFSETS: [&str; 15] = [
    "offset",
    "skip",
    "start",
    "startat",
    "startindex",
    "startposition",
    "from",
    "firstresult",
    "startrow",
    "startfrom",
    "resultoffset",
    "paginationoffset",
    "startrecord",
    "skipcount",
    "paginationstart",
];
/// Offsets that count skipped rows: the first is 0.
const SKIPS: [&str; 7] = ["offset", "skip", "startat", "firstresult", "resultoffset", "paginationoffset", "skipcount"];
const CURSORS: [&str; 36] = [
    "cursor",
    "pagetoken",
    "nexttoken",
    "nextpagetoken",
    "continuationtoken",
    "continuation",
    "continue",
    "marker",
    "after",
    "aftercursor",
    "startingafter",
    "startafter",
    "nextcursor",
    "pagecursor",
    "pageafter",
    "pagestartingafter",
    "scrollid",
    "bookmark",
    "startkey",
    "exclusivestartkey",
    "nextpage",
    "next",
    "nextkey",
    "pagekey",
    "paginationtoken",
    "skiptoken",
    "iterator",
    "startcursor",
    "cursortoken",
    "nextmarker",
    "paginationcursor",
    "paginationkey",
    "pagingcursor",
    "streamposition",
    "pageid",
    "nextid",
];

/// What a parameter with this name is for, if it may be of that type.
pub(crate) fn role(taken: &Taken<'_>) -> Option<PageRole> {
    let kind = taken.schema.map(|schema| super::envelope::kind(schema.doc)).unwrap_or_default();
    let is_number = matches!(kind, "integer" | "number" | "");
    let name = taken.plain.as_str();
    let names = |list: &[&str]| list.contains(&name);
    match () {
        // A time from which on is no number of rows.
        () if taken.is_time() => None,
        () if taken.place == "header" => None,
        // A page that is a text is a number only if it says so.
        () if names(&PAGES) && kind == "string" && taken.start().is_none() => Some(PageRole::Cursor),
        () if names(&PAGES) && matches!(kind, "integer" | "number" | "" | "string") => Some(PageRole::Page),
        () if names(&SIZES) && matches!(kind, "integer" | "number" | "" | "string") => Some(PageRole::Size),
        () if names(&OFFSETS) && (is_number || (kind == "string" && name == "offset")) => {
            Some(if kind == "string" { PageRole::Cursor } else { PageRole::Offset })
        }
        () if names(&CURSORS) && matches!(kind, "string" | "integer" | "number" | "") => Some(PageRole::Cursor),
        () => None,
    }
}

impl Taken<'_> {
    /// Whether a parameter that may be an offset or a cursor is a time.
    fn is_time(&self) -> bool {
        let format = self.schema.and_then(|schema| schema.doc.text_of("format")).unwrap_or_default();
        let text = self.description();
        let may_be =
            ["start", "from", "startfrom", "after", "next", "startat", "startafter"].contains(&self.plain.as_str());
        let words = ["timestamp", "date", "unix time", "epoch", "iso 8601", "iso8601", "rfc 3339", "rfc3339"];
        format.starts_with("date") || (may_be && words.iter().any(|word| text.contains(word)))
    }

    pub(crate) fn is_skip(&self) -> bool {
        SKIPS.contains(&self.plain.as_str())
    }

    /// Where it is sent, as a definition says it.
    pub(crate) fn target(&self) -> Doc {
        Doc::of([(self.place, Doc::Text(self.name.clone()))])
    }

    fn keyword(&self, key: &str) -> Option<u64> {
        self.schema.and_then(|schema| schema.doc.get(key)).or_else(|| self.spot.doc.get(key))?.whole()
    }

    pub(crate) fn description(&self) -> String {
        let own = self.spot.doc.text_of("description");
        let of_schema = || self.schema.and_then(|schema| schema.doc.text_of("description"));
        own.or_else(of_schema).unwrap_or_default().to_lowercase()
    }

    /// The number of the first page or row, and whether that is certain.
    pub(crate) fn start(&self) -> Option<(u64, bool)> {
        if let Some(default) = self.keyword("default").filter(|n| *n <= 1) {
            return Some((default, true));
        }
        let text = self.description();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&[
            "zero-based",
            "0-based",
            "zero based",
            "0 based",
            "starting at 0",
            "starting from 0",
            "starts at 0",
            "starts with 0",
            "start from 0",
            "starts from 0",
            "zero-indexed",
            "0-indexed",
            "starting with 0",
            "first page is 0",
            "begins at 0",
        ]) {
            return Some((0, true));
        }
        if says(&[
            "one-based",
            "1-based",
            "one based",
            "1 based",
            "starting at 1",
            "starting from 1",
            "starts at 1",
            "starts with 1",
            "start from 1",
            "starts from 1",
            "one-indexed",
            "1-indexed",
            "starting with 1",
            "first page is 1",
            "begins at 1",
        ]) {
            return Some((1, true));
        }
        let after = number_after(
            &text,
            &[
                "default: ",
                "default is ",
                "defaults to ",
                "default value is ",
                "default ",
                "default = ",
                "default=",
                "default:",
            ],
        );
        if let Some(default) = after.filter(|n| *n <= 1) {
            return Some((default, true));
        }
        match (self.keyword("minimum"), self.keyword("exclusiveMinimum")) {
            (Some(1), _) | (_, Some(0)) => Some((1, true)),
            (Some(0), _) => Some((0, false)),
            _ => None,
        }
    }

    /// The size to ask for, the largest one, and whether a keyword says so.
    pub(crate) fn size(&self) -> Option<(u64, Option<u64>)> {
        let text = self.description();
        let default_words = [
            "default: ",
            "default is ",
            "defaults to ",
            "default value is ",
            "default ",
            "default=",
            "default:",
            "defaults to: ",
            "default of ",
        ];
        let max_words = [
            "maximum: ",
            "maximum is ",
            "max: ",
            "max is ",
            "maximum value is ",
            "maximum of ",
            "max of ",
            "at most ",
            "up to ",
            "maximum ",
            "max ",
            "max=",
            "max:",
            "limit of ",
            "limited to ",
            "not exceed ",
            "no more than ",
        ];
        let max =
            self.keyword("maximum").or_else(|| number_after(&text, &max_words)).filter(|n| (1..=100_000).contains(n));
        let default = self
            .keyword("default")
            .or_else(|| number_after(&text, &default_words))
            .filter(|n| (1..=100_000).contains(n));
        let max = max.filter(|max| default.is_none_or(|default| default <= *max));
        // The largest page needs the fewest requests, within reason.
        let asked = max.filter(|max| *max <= 1000).or(default)?;
        Some((asked, max))
    }
}

/// The number after one of these words.
fn number_after(text: &str, words: &[&str]) -> Option<u64> {
    words.iter().find_map(|word| {
        let rest = text.split(word).nth(1)?.trim_start_matches(['`', '*', '"', '\'', '(', ' ']);
        let digits: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// The query and header parameters of an operation, and the fields of its body if it reads.
pub(crate) fn taken<'f>(
    parameters: &[super::api::Parameter<'f>],
    body: &[(String, Spot<'f>, bool)],
    files: &'f super::refs::Files,
) -> Vec<Taken<'f>> {
    use super::api::In;
    let own = parameters.iter().filter(|p| matches!(p.place, In::Query | In::Header)).map(|p| Taken {
        name: p.name.to_owned(),
        place: if p.place == In::Query { "query" } else { "header" },
        plain: plain(p.name),
        spot: p.spot,
        schema: p.schema.and_then(|schema| super::envelope::settled(files, schema)),
        is_required: p.is_required,
    });
    let of_body = body.iter().map(|(name, spot, is_required)| Taken {
        plain: plain(name.rsplit('/').next().unwrap_or(name)),
        name: name.clone(),
        place: "body",
        spot: *spot,
        schema: super::envelope::settled(files, *spot),
        is_required: *is_required,
    });
    own.chain(of_body).collect()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn numbers_in_texts() {
        assert_eq!(number_after("results per page (max 100). default: `30`", &["default: "]), Some(30));
        assert_eq!(number_after("up to 1,000 rows", &["up to "]), Some(1000));
        assert_eq!(number_after("the default order", &["default "]), None);
    }
}
