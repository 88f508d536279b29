//! What a listing shows of an operation, read without the rest of its definition: a listing of thousands parses only
//! these lines. Pure.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::slice::key_of;
use super::Pack;
use super::blocks::{Block, Blocks};
use super::index::PackEntry;
use crate::authoring::Ordered;
#[cfg(feature = "sandbox")]
use crate::authoring::Text;
use crate::definition::method::Method;
#[cfg(feature = "sandbox")]
use crate::definition::read::read_request_line;
use crate::definition::read::shown_request_line;
use crate::definition::summary::OperationSummary;
use crate::error::Result;

/// The shown keys, as written.
#[derive(Default, Deserialize)]
struct Shown<'t> {
    #[serde(borrow)]
    title: Option<Cow<'t, str>>,
    #[serde(borrow)]
    description: Option<Cow<'t, str>>,
    method: Option<Method>,
    #[serde(borrow)]
    request: Option<Cow<'t, str>>,
    deprecated: Option<IgnoredAny>,
    base_url: Option<IgnoredAny>,
    job: Option<IgnoredAny>,
}

impl Pack {
    /// What a listing shows of an operation. Only if that cannot be told from its lines, all of it is read, and not
    /// kept.
    pub(in crate::definition::catalog) fn summary(
        &self,
        connector: &Arc<str>,
        id: &str,
    ) -> Result<Option<OperationSummary>> {
        let written = self.shown(id, |shown, _| shown.summary(connector, id));
        if written.is_some() {
            return Ok(written);
        }
        let Some(doc) = self.document("operations", id)? else { return Ok(None) };
        self.read(&doc).map(|operation| Some(OperationSummary::from(&operation)))
    }

    /// What finds the operation of a request; `None` if only all of it can tell.
    #[cfg(feature = "sandbox")]
    pub(in crate::definition::catalog) fn request_of(&self, id: &str) -> Option<(http::Method, Text)> {
        self.shown(id, |shown, text| {
            let is_plain = shown.base_url.is_none() && shown.job.is_none() && !text.contains("segments");
            read_request_line(&shown.request?).filter(|_| is_plain)
        })
    }

    /// What `look` finds in the shown keys of an operation and in its text; `None` if they cannot be told from it.
    fn shown<T>(&self, id: &str, look: impl Fn(Shown<'_>, &str) -> Option<T>) -> Option<T> {
        let found = match self.entry("operations", id)? {
            PackEntry::BuiltIn(_, entry) => {
                let entries = serde_json::from_str::<Ordered<Shown<'_>>>(entry.json()).ok()?;
                look(entries.into_iter().next()?.1, entry.json())
            }
            PackEntry::Slice(number, bytes, _) => {
                let text = self.sources.get(number)?.text().ok()?.get(bytes)?;
                look(Shown::of(text)?, text)
            }
            PackEntry::Parsed(..) => None,
        };
        found.filter(|_| !self.may_be_overridden("operations", id))
    }
}

impl<'t> Shown<'t> {
    fn summary(self, connector: &Arc<str>, id: &str) -> Option<OperationSummary> {
        Some(OperationSummary {
            connector: Arc::clone(connector),
            id: id.to_owned(),
            method: self.method?,
            title: self.title?.into_owned(),
            description: self.description.map(Cow::into_owned),
            request: shown_request_line(&self.request?)?,
            deprecated: self.deprecated.is_some(),
        })
    }

    /// The shown keys in the text of an entry; `None` if only the YAML reader can tell them. It equals what that reads,
    /// if the entry is valid.
    fn of(text: &'t str) -> Option<Shown<'t>> {
        // This build refuses XML, and a listing omits what is refused.
        if cfg!(not(feature = "xml")) && text.contains("xml") {
            return None;
        }
        let (head, rest) = text.split_once('\n')?;
        let (_, inline) = key_of(head.trim())?;
        if !inline.is_empty() {
            return None;
        }
        let mut shown = Shown::default();
        let mut seen = Vec::with_capacity(7);
        for block in Blocks::of(rest)? {
            let block = block?;
            if !matches!(block.key, "title" | "description" | "method" | "request" | "deprecated" | "base_url" | "job")
            {
                continue;
            }
            if seen.contains(&block.key) {
                return None;
            }
            seen.push(block.key);
            shown.put(&block)?;
        }
        Some(shown)
    }

    fn put(&mut self, block: &Block<'t>) -> Option<()> {
        match block.key {
            "title" => self.title = Some(block.text()?),
            "description" => self.description = Some(block.text()?),
            "request" => self.request = Some(block.text()?),
            "method" => self.method = serde_json::from_value(Value::from(block.text()?)).ok(),
            "base_url" => self.base_url = Some(IgnoredAny),
            "job" => self.job = Some(IgnoredAny),
            _ => self.deprecated = block.is_map()?.then_some(IgnoredAny),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Pack;
    use super::super::blocks::simple;
    use super::Shown;
    use crate::definition::catalog::source::{BUILT_IN, DefinitionSource};
    use crate::definition::summary::OperationSummary;

    const CONNECTOR: &str =
        "version: 1\nconnector: p\ntitle: P\nconnection: {}\nbase_url: \"http://127.0.0.1\"\nauth: none\n";

    fn pack(name: &str, sources: impl IntoIterator<Item = DefinitionSource>) -> Pack {
        let mut pack = Pack::new(name);
        pack.add(sources);
        pack
    }

    /// What the summary says equals what the operation says; returns whether it could be told from the lines.
    fn agrees(pack: &Pack, id: &str) {
        let operation = pack.operation(id).unwrap().unwrap();
        let summary = pack.summary(&Arc::from(pack.name.as_str()), id).unwrap();
        assert_eq!(summary, Some(OperationSummary::from(&*operation)), "{id}");
    }

    #[test]
    fn summaries_of_built_in_operations_agree_with_them_as_json_and_as_yaml() {
        let connector = |file: &str| file.split('/').nth(1).unwrap().to_owned();
        let names: std::collections::BTreeSet<String> = BUILT_IN.iter().map(|file| connector(file.name)).collect();
        for name in names {
            let files = || BUILT_IN.iter().filter(|file| connector(file.name) == name);
            let given = files().map(|f| DefinitionSource::Given { name: f.name.to_owned(), text: f.text().to_owned() });
            for pack in [pack(&name, files().map(DefinitionSource::BuiltIn)), pack(&name, given)] {
                pack.names("operations").for_each(|id| agrees(&pack, id));
            }
        }
    }

    #[test]
    fn each_way_to_write_a_text_is_read_as_by_the_yaml_reader() {
        let rest = "    method: query\n    request: GET /a/{id}/b{{x}}\n    options: { id: { type: string, in: path } }\n    response: { result: object }\n";
        for (title, is_simple) in [
            ("Plain words, with {braces} [and] 'quotes'", true),
            ("Größe – 漢字", true),
            ("'it''s'", true),
            ("\"a: b # c\"", true),
            ("Words # a comment", false),
            ("'quoted' # a comment", false),
            ("\"\\u00e9\\n\"", false),
            ("Words\n      that go on\n\n      after a blank line", false),
            ("\"quoted\n      text\"", false),
            ("|\n      a text: b\n      # no comment\n\n      more", false),
            (">-\n      folded\n      text\n        deeper", false),
            ("&anchor Words", false),
            ("3 things", false),
            ("!!str 3", false),
            ("\n      below", false),
        ] {
            for deprecated in [
                "",
                "    deprecated: {}\n",
                "    deprecated: { use: b }\n",
                "    deprecated:\n      use: b\n",
                "    deprecated: ~\n",
            ] {
                let entry =
                    format!("  a:\n    # a comment\n    title: T\n    description: {title}\n\n{deprecated}{rest}");
                let text = format!("version: 2\noperations:\n{entry}");
                let given =
                    |name: &str, text: &str| DefinitionSource::Given { name: name.to_owned(), text: text.to_owned() };
                agrees(&pack("p", [given("connector.yaml", CONNECTOR), given("a.yaml", &text)]), "a");
                assert!(Shown::of(&entry).is_some_and(|shown| shown.title.is_some()), "{entry}");
                assert_eq!(simple(title).is_some(), is_simple, "{title}");
            }
        }
    }

    #[test]
    fn other_layouts_are_left_to_the_yaml_reader() {
        for entry in [
            "  a: { title: T, method: query }\n",
            "  a:\n    \"title\": T\n",
            "  a:\n    title: T\n    title: U\n",
            "  a:\n    title: T\n   x: 1\n",
            "  a:\n    title: 3\n",
            "  a:\n    title: *x\n",
            "  a:\n    title: null\n",
            "  a:\n    title: \"T\n    method: query\"\n    method: query\n",
            "  a:\n    request: \"GET /x\"y\n",
            "  a:\n",
            "  a:",
        ] {
            let shown = Shown::of(entry);
            assert!(shown.is_none_or(|shown| shown.summary(&Arc::from("p"), "a").is_none()), "{entry}");
        }
        assert!(
            ["yes", "NULL", "a: b", "a:", "- a", "[a]", "a\tb", "a\u{feff}"].iter().all(|text| simple(text).is_none())
        );
    }
}
