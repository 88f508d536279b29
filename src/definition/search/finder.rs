//! A search over the words of connectors: what a catalogue asks for. Pure.

use super::index::PackWords;
use super::pieces::FoundIn;
use super::query::Query;
use super::rank::{FitTable, Kind, Matcher, Ranked, rank, templates_of};
use super::reason::{EntryText, Reasons, Why};

/// A word that no definition has, and those that look most like it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownWord {
    /// The word of the query.
    pub word: String,
    /// Words that are there.
    pub nearest: Vec<String>,
}

/// A query with the connectors that it searches.
pub(in crate::definition) struct Finder<'p> {
    packs: Vec<&'p PackWords>,
    matcher: Matcher,
    tables: Vec<FitTable>,
}

impl<'p> Finder<'p> {
    pub(in crate::definition) fn new(text: &str, packs: Vec<&'p PackWords>) -> Finder<'p> {
        let (matcher, tables) = Matcher::new(Query::new(text), &packs);
        Finder { packs, matcher, tables }
    }

    /// The operations that fit, the best first. `id` gives the OperationId of a number.
    pub(in crate::definition) fn operations(&self, id: &dyn Fn(usize, usize) -> &'p str) -> Vec<Ranked> {
        self.rank(Kind::Operations, id)
    }

    /// The templates that fit, the best first. `name` gives the name of a number.
    pub(in crate::definition) fn templates(&self, name: &dyn Fn(usize, usize) -> &'p str) -> Vec<Ranked> {
        self.rank(Kind::Templates, name)
    }

    fn rank(&self, kind: Kind, name: &dyn Fn(usize, usize) -> &'p str) -> Vec<Ranked> {
        let ids = &self.matcher.query.ids;
        let is_named = |pack: usize, entry: usize| {
            let [id] = ids.as_slice() else { return false };
            let id = id.rsplit('/').next().unwrap_or_default();
            name(pack, entry).eq_ignore_ascii_case(id)
        };
        rank(kind, &self.matcher, &self.packs, &self.tables, &is_named)
    }

    /// The numbers of an operation's templates that fit.
    pub(in crate::definition) fn templates_of(&self, place: Ranked) -> Vec<usize> {
        let (Some(pack), Some(table)) = (self.packs.get(place.pack), self.tables.get(place.pack)) else {
            return Vec::new();
        };
        templates_of(&self.matcher, pack, table, place.entry)
    }

    /// The numbers of the records of an operation.
    pub(in crate::definition) fn records_of(&self, place: Ranked) -> Vec<usize> {
        let entry = self.packs.get(place.pack).and_then(|pack| pack.operations.get(place.entry));
        entry.into_iter().flat_map(|entry| entry.records).flatten().map(|number| number as usize).collect()
    }

    /// Why an entry fits, and the words that it does not have. `operation` is its number, or that of its operation.
    pub(in crate::definition) fn reasons(
        &self,
        pack: usize,
        operation: Option<usize>,
        method: &str,
        connector: &str,
        texts: &[EntryText<'_>],
    ) -> (Vec<Why>, Vec<String>) {
        let mut reasons = Reasons::new(&self.matcher);
        texts.iter().for_each(|text| reasons.look(text));
        reasons.words(FoundIn::Connector, None, connector);
        let entry = self.packs.get(pack).zip(operation).and_then(|(pack, number)| pack.operations.get(number));
        reasons.actions(entry.map(|entry| entry.actions).unwrap_or_default(), method);
        reasons.finish()
    }

    /// Words that no entry has.
    pub(in crate::definition) fn unknown(&self) -> Vec<UnknownWord> {
        let words = self.matcher.query.wanted.iter().enumerate();
        let unknown = words.filter(|(number, _)| self.matcher.has_nothing(*number, &self.tables));
        unknown
            .map(|(number, word)| UnknownWord {
                word: word.typed.clone(),
                nearest: self.matcher.query.nearest(number, self.packs.iter().copied()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::{IndexBuilder, PackWords};
    use super::Finder;

    const ENTRIES: [(&str, &str, &str); 6] = [
        (
            "records",
            "Ticket",
            "  Ticket:\n    schema: { properties: { ownerId: {}, company: { properties: { name: {} } } } }\n",
        ),
        (
            "operations",
            "getTickets",
            "  getTickets:\n    title: List tickets\n    method: query\n    request: GET /tickets\n    options:\n      state: { type: string, description: \"open, closed\" }\n    response: { result: list, record: Ticket }\n",
        ),
        (
            "operations",
            "getTicket",
            "  getTicket: { title: Get a ticket, method: query, request: \"GET /tickets/{id}\", response: { result: object, record: Ticket } }\n",
        ),
        (
            "operations",
            "createTicket",
            "  createTicket: { title: Create tickets, method: mutate, request: POST /tickets, response: { result: none } }\n",
        ),
        (
            "operations",
            "removeUser",
            "  removeUser:\n    title: Remove a user\n    method: delete\n    request: DELETE /users/{id}\n    response: { result: none }\n",
        ),
        ("templates", "stale-tickets", "  stale-tickets: { title: Tickets nobody works on, operation: getTickets }\n"),
    ];

    fn words() -> PackWords {
        let mut builder = IndexBuilder::default();
        builder.connector(&["desk", "Help desk"]);
        ENTRIES.iter().for_each(|(section, name, text)| assert!(builder.entry(section, name, text), "{name}"));
        builder.finish()
    }

    #[test]
    fn the_best_is_what_is_meant() {
        let words = words();
        let ids = ["getTickets", "getTicket", "createTicket", "removeUser"];
        for (query, expected) in [
            ("tickets", "getTickets"),
            ("a ticket", "getTicket"),
            ("new tikcet", "createTicket"),
            ("add an issue", "createTicket"),
            ("add an isue", "createTicket"),
            ("kick out members", "removeUser"),
            ("delete technician", "removeUser"),
            ("tickets of a company", "getTickets"),
            ("stale", "getTickets"),
            ("tick", "getTicket"),
            ("removeuser", "removeUser"),
            ("desk users", "removeUser"),
            ("closed", "getTickets"),
        ] {
            let finder = Finder::new(query, vec![&words]);
            let best = finder.operations(&|_, number| ids[number]).first().map(|place| ids[place.entry]);
            assert_eq!(best, Some(expected), "{query}");
        }
    }

    #[test]
    fn words_that_nothing_has_are_named_with_the_nearest() {
        let words = words();
        let finder = Finder::new("tickets xyzzy tcket", vec![&words]);
        let unknown: Vec<&str> = Vec::from(["xyzzy"]);
        assert_eq!(finder.unknown().iter().map(|word| word.word.as_str()).collect::<Vec<_>>(), unknown);
        let finder = Finder::new("tckt", vec![&words]);
        assert!(finder.unknown()[0].nearest.contains(&"ticket".to_owned()), "{:?}", finder.unknown());
        assert!(
            finder.operations(&|_, _| "").is_empty() && Finder::new("", vec![&words]).operations(&|_, _| "").is_empty()
        );
    }
}
