//! Answers to the questions of an import: from flags, and those that the lock file keeps.

use std::path::Path;

use super::lock::own_files;
use crate::cli::args::{ImportAnswers, PatchForm};
use crate::error::{Error, ErrorKind, Result};
use crate::import::{Doc, Fields, ImportSettings, OwnFiles, OwnOperation, PatchWord};

impl ImportAnswers {
    /// The answers as the lock file keeps them.
    pub(super) fn to_doc(&self) -> Doc {
        let mut out = Fields::new();
        let mut put = |key: &str, value: Option<Doc>| drop(value.map(|value| out.insert(key.to_owned(), value)));
        let text = |value: &Option<String>| value.as_deref().map(Doc::from);
        put("only", (!self.only.is_empty()).then(|| Doc::texts(self.only.iter().map(String::as_str))));
        put("paging", text(&self.paging));
        put("page_start", self.page_start.map(Doc::from));
        put("patch", self.patch.map(|form| Doc::from(if form == PatchForm::Names { "names" } else { "pointers" })));
        put("sign_in", text(&self.sign_in));
        put("base_url", text(&self.base_url));
        put("optional_lists", self.optional_lists.then_some(Doc::Flag(true)));
        put("without_texts", self.without_texts.then_some(Doc::Flag(true)));
        Doc::Map(out)
    }

    /// These, and those that were given before.
    pub(super) fn over(&self, kept: &Doc) -> ImportAnswers {
        let text = |own: &Option<String>, key: &str| own.clone().or_else(|| kept.text_of(key).map(str::to_owned));
        let list = || {
            kept.get("only").map(Doc::list).unwrap_or_default().iter().filter_map(|one| one.text().map(str::to_owned))
        };
        ImportAnswers {
            only: if self.only.is_empty() { list().collect() } else { self.only.clone() },
            paging: text(&self.paging, "paging"),
            page_start: self.page_start.or_else(|| kept.get("page_start").and_then(Doc::whole)),
            patch: self.patch.or_else(|| match kept.text_of("patch")? {
                "names" => Some(PatchForm::Names),
                _ => Some(PatchForm::Pointers),
            }),
            sign_in: text(&self.sign_in, "sign_in"),
            base_url: text(&self.base_url, "base_url"),
            optional_lists: self.optional_lists || kept.is_true("optional_lists"),
            without_texts: self.without_texts || kept.is_true("without_texts"),
        }
    }

    /// The settings of an import into a folder that has files of the user's own.
    pub(super) fn settings(&self, connector: &str, own: OwnFiles) -> Result<ImportSettings> {
        let wrong = |message: String| Error::new(ErrorKind::Usage, message);
        let paging = self
            .paging
            .as_deref()
            .map(Doc::read)
            .transpose()
            .map_err(|why| wrong(format!("--paging is no YAML: {why}")))?;
        if paging.as_ref().is_some_and(|paging| paging.map().is_none_or(|styles| styles.len() != 1)) {
            return Err(wrong("--paging must be a map with one style, such as '{ link: {} }'".to_owned())
                .advise("`opnode guide paging` lists the styles"));
        }
        let parsed = |url: &String| url::Url::parse(url).ok();
        if let Some(url) = self.base_url.as_ref().filter(|url| parsed(url).is_none()) {
            return Err(
                wrong(format!("--base-url {url} is no address")).advise("write it as https://api.example.com/v1")
            );
        }
        if self
            .base_url
            .as_ref()
            .and_then(parsed)
            .is_some_and(|url| !url.username().is_empty() || url.password().is_some())
        {
            return Err(wrong("--base-url has a user name or a password".to_owned())
                .advise("leave them out: credentials belong into the connections file"));
        }
        Ok(ImportSettings {
            connector: connector.to_owned(),
            without_texts: self.without_texts,
            page_start: self.page_start,
            paging,
            optional_lists: self.optional_lists,
            patch: self.patch.map(|form| if form == PatchForm::Names { PatchWord::Names } else { PatchWord::Pointers }),
            sign_in: self.sign_in.clone(),
            base_url: self.base_url.clone(),
            only: self.only.clone(),
            own,
            tried: Vec::new(),
            seen: None,
        })
    }
}

/// What the user's own files of the connector define.
pub(super) fn own_definitions(
    folder: &Path,
    imported: &std::collections::BTreeMap<String, String>,
) -> Result<OwnFiles> {
    let mut own = OwnFiles::default();
    for (path, text) in own_files(folder, imported)? {
        let doc = Doc::read(&text).map_err(|why| {
            Error::new(ErrorKind::Definition, format!("{} is no YAML: {why}", path.display()))
                .advise("correct it, then import again")
        })?;
        own.files.push((path.display().to_string(), text));
        if path.file_name().is_some_and(|name| name == "connector.yaml") {
            own.connector = Some(doc);
            continue;
        }
        own.records.extend(doc.get("records").into_iter().flat_map(Doc::fields).map(|(name, _)| name.to_owned()));
        for (id, entry) in doc.get("operations").into_iter().flat_map(Doc::fields) {
            if let Some((verb, path)) = entry.text_of("request").and_then(|line| line.split_once(' ')) {
                let vendor_id = entry.text_of("vendor_id").map(str::to_owned);
                own.operations.insert(OwnFiles::key(verb, path), OwnOperation { id: id.to_owned(), vendor_id });
            }
        }
    }
    Ok(own)
}
