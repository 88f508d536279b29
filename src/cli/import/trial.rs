//! `--try CONNECTION`: questions about lists are settled on the real system, with at most two reads for lists of a kind.

use std::collections::{BTreeMap, HashMap};

use super::lock::ImportLock;
use crate::cli::app::App;
use crate::cli::call::raw::QuietCalls;
use crate::cli::connections::file;
use crate::connection::ConnectionSpec;
use crate::definition::Catalog;
use crate::draft::{NextPage, RawRequest, SeenPage, is_secret_name};
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::text_of;
use crate::import::{Imported, SecondRead, Trial, TrialQuestion, Tried, trials};

/// What was tried.
#[derive(Debug, Default)]
pub(super) struct TrialReport {
    pub(super) found: Vec<Tried>,
    /// By the operation that was read: the lists that have its answers without being read.
    pub(super) others: BTreeMap<String, Vec<String>>,
    /// The operation that was read, and why that settled nothing.
    pub(super) open: Vec<(String, String)>,
    /// Lists that cannot be read without values of the user.
    pub(super) left: Vec<String>,
}

/// Reads of one system.
pub(super) struct SystemTrials<'t> {
    pub(super) app: &'t App,
    pub(super) connector: &'t str,
    /// The connection of the connections file.
    pub(super) connection: &'t str,
    /// The definitions with these imported files.
    pub(super) catalog: &'t dyn Fn(&Imported) -> Result<Catalog>,
    /// Imports the document with these answers.
    pub(super) import: &'t dyn Fn(&[Tried]) -> Result<Imported>,
}

impl SystemTrials<'_> {
    /// Tries what is asked, and imports again with the answers. Where the items are is settled first: the paging depends
    /// on it.
    pub(super) async fn settle(&self, imported: Imported, old: &ImportLock) -> Result<(Imported, TrialReport)> {
        let mut imported = imported;
        let mut report = TrialReport { found: old.tried.clone(), ..TrialReport::default() };
        let mut pages: HashMap<String, Option<SeenPage>> = HashMap::new();
        let spec = self.spec()?;
        loop {
            let (asked, left) = trials(&imported.questions, &imported.operations);
            report.left = left;
            let known = report.found.len();
            for trial in &asked {
                self.settle_one(&imported, &spec, trial, &mut pages, &mut report).await?;
            }
            if report.found.len() == known {
                return Ok((imported, report));
            }
            imported = (self.import)(&report.found)?;
        }
    }

    /// The connection. Nothing is sent if it is of another connector.
    fn spec(&self) -> Result<ConnectionSpec> {
        let advice = || {
            format!(
                "without a connection, import without --try first; `opnode connection example {}` then shows one to fill in, and --update --try NAME reads",
                self.connector
            )
        };
        let file = file::load(self.app).map_err(|error| error.advise(advice()))?;
        let spec = file.spec(&file::secrets(), self.connection)?;
        if spec.connector != self.connector {
            let message =
                format!("the connection {} is of {}, not of {}", self.connection, spec.connector, self.connector);
            return Err(Error::new(ErrorKind::Usage, message).advise("nothing was sent; name another connection"));
        }
        Ok(spec)
    }

    async fn settle_one(
        &self,
        imported: &Imported,
        spec: &ConnectionSpec,
        trial: &Trial,
        pages: &mut HashMap<String, Option<SeenPage>>,
        report: &mut TrialReport,
    ) -> Result<()> {
        let catalog = || (self.catalog)(imported);
        let calls = QuietCalls { app: self.app, catalog: &catalog, spec };
        let is_new = !pages.contains_key(&trial.line);
        let first = match pages.get(&trial.line) {
            Some(first) => first.clone(),
            None => {
                let first = self.page(&calls, trial, &trial.request).await;
                if let Err(why) = &first {
                    report.open.push((trial.line.clone(), why.clone()));
                }
                first.ok()
            }
        };
        pages.insert(trial.line.clone(), first.clone());
        let Some(first) = first else { return Ok(()) };
        let answer = match trial.asks {
            TrialQuestion::Items if is_new => trial.items(&first),
            // It was read before, and settled nothing.
            TrialQuestion::Items => return Ok(()),
            TrialQuestion::Paging | TrialQuestion::Start => {
                pages.insert(trial.line.clone(), None);
                match trial.second(&first) {
                    Err(why) => Err(why),
                    Ok(read) => match self.second(&calls, trial, &read).await {
                        Err(why) => Err(why),
                        Ok(second) => trial.answer(&first, &read, &second),
                    },
                }
            }
        };
        match answer {
            Err(why) => report.open.push((trial.line.clone(), why)),
            Ok((answer, seen)) => {
                let on = jiff::Zoned::now().date().to_string();
                report.others.insert(trial.line.clone(), trial.others.clone());
                report.found.push(Tried { line: trial.line.clone(), answer, on, seen });
            }
        }
        Ok(())
    }

    async fn second(
        &self,
        calls: &QuietCalls<'_>,
        trial: &Trial,
        read: &SecondRead,
    ) -> std::result::Result<SeenPage, String> {
        let value = |name: &str, value: &str| {
            let mut request = trial.request.clone();
            request.query.retain(|(known, _)| known != name);
            request.query.push((name.to_owned(), value.to_owned()));
            request
        };
        let request = match read {
            SecondRead::Next { next: NextPage::Url(address), .. } => {
                calls.follow(&trial.request, address).map_err(|error| error.message.clone())?
            }
            SecondRead::Next { next: NextPage::Value(name, text), .. } => value(name, text),
            SecondRead::Numbered { parameter, .. } => value(parameter, "1"),
        };
        self.page(calls, trial, &request).await
    }

    /// Reads a page. `Err` says why there is none.
    async fn page(
        &self,
        calls: &QuietCalls<'_>,
        trial: &Trial,
        request: &RawRequest,
    ) -> std::result::Result<SeenPage, String> {
        let named = |(name, value): &(String, String)| match is_secret_name(name) {
            true => format!(" {name}=[secret]"),
            false => format!(" {name}={value}"),
        };
        let parameters: String = request.query.iter().map(named).collect();
        self.app.screen.note(&format!("reading GET {}{parameters}", request.path));
        let reply = calls.send(request).await.map_err(|error| error.message.clone())?;
        let text = text_of(&reply).ok_or("the reply is no text")?;
        let at = trial.group.items.as_deref();
        SeenPage::read((&trial.request, at), &reply.headers, &text, &trial.group.known())
    }
}
