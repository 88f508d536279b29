//! `items resend`: items of archived runs are sent one by one, those of the last run by resuming it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::choose;
use super::commands::{is_of_sandbox, outer_of};
use crate::authoring::Json;
use crate::batch::{Batch, ItemKey, LeftItem, Resent, RunInfo, edit_item, left_items, release_items, runs};
use crate::cli::app::App;
use crate::cli::args::{ItemsResendArgs, ResendHow, RunArgs};
use crate::cli::batch::given;
use crate::cli::batch::run::{self as batch, host};
use crate::cli::call::ask;
use crate::cli::screen::terminal_text::count;
use crate::cli::signals::Signals;
use crate::error::{Error, ErrorKind, Result};
use crate::{Cancel, OutcomeStatus};

/// Items that are sent between two messages.
const PART: usize = 20;

/// Sends them.
pub(super) async fn run(app: &App, args: &ItemsResendArgs) -> Result<u8> {
    let found = choose::left_of(&args.which)?;
    if found.is_empty() {
        return Ok(app.screen.nothing(&choose::none("there is nothing to send again", &args.which.filter)?));
    }
    Resending { app, how: &args.how, state: &args.which.filter.runs.state }.all(found, None).await
}

/// Items that are sent again.
pub(super) struct Resending<'a> {
    pub(super) app: &'a App,
    pub(super) how: &'a ResendHow,
    /// The folder of runs.
    pub(super) state: &'a Path,
}

impl Resending<'_> {
    /// Sends the items of one run. `edited` replaces the only one. Returns the exit code.
    pub(super) async fn all(&self, items: Vec<LeftItem>, edited: Option<&str>) -> Result<u8> {
        self.refuse_sandbox()?;
        refuse_impossible(&items)?;
        if let (Some(text), [item]) = (edited, items.as_slice())
            && let Some((_, file)) = outer_of(self.state, item)?
        {
            return self.keep_edit(item, text, file.as_deref()).await;
        }
        self.refuse_inner(&items)?;
        self.confirm(&items)?;
        let (archived, last): (Vec<LeftItem>, Vec<LeftItem>) = items.into_iter().partition(|item| item.is_archived);
        // All batches are known before the first item is sent.
        let archived = self.by_batch(archived)?;
        let last = by_name(last).into_iter().map(|own| Ok((self.file(&own)?, own))).collect::<Result<Vec<_>>>()?;
        let mut code = 0;
        if !archived.is_empty() {
            code = self.one_by_one(&archived, edited).await?;
        }
        for (file, own) in last {
            if code < 128 {
                code = code.max(self.resume(&file, &own, edited).await?);
            }
        }
        Ok(code)
    }

    /// The batches of items: a run of several has items of a batch, and of those that are steps of it.
    pub(super) fn by_batch(&self, items: Vec<LeftItem>) -> Result<Vec<(Batch, Vec<LeftItem>)>> {
        let load = |own: Vec<LeftItem>| Ok((self.batch(&self.file(&own)?, &own)?, own));
        by_name(items).into_iter().map(load).collect()
    }

    /// The last run of a batch that is a step continues with the batch of which it is a part.
    fn refuse_inner(&self, items: &[LeftItem]) -> Result<()> {
        let is_inner = |item: &&LeftItem| !item.is_archived && item.batch.contains('+');
        let Some(item) = items.iter().find(is_inner) else { return Ok(()) };
        let Some((outer, file)) = outer_of(self.state, item)? else { return Ok(()) };
        let message = format!("item {} of {} is in a part of the run of {outer}", item.number(), item.step);
        let advice = match file {
            Some(file) => format!("`opnode run {file}` goes on with this part, and sends failed items again"),
            None => format!("run {outer} again: it goes on with this part, and sends failed items again"),
        };
        Err(Error::new(ErrorKind::Usage, message).advise(advice))
    }

    /// Changes an item of such a run: the batch that it is a part of sends it.
    async fn keep_edit(&self, item: &LeftItem, text: &str, outer: Option<&str>) -> Result<u8> {
        let items = std::slice::from_ref(item);
        self.confirm(items)?;
        self.batch(&self.file(items)?, items)?.check_edited(item, text)?;
        let (host, now) = (host(), SystemTime::now());
        edit_item(self.state, item, text, &host, now).await?;
        if item.status == OutcomeStatus::Unknown {
            release_items(self.state, items, &host, now).await?;
        }
        let next =
            outer.map_or_else(|| "the batch that it is a part of".to_owned(), |file| format!("`opnode run {file}`"));
        self.app.screen.note(&format!("item {} of {} is changed; {next} sends it", item.number(), item.step));
        Ok(0)
    }

    /// Items whose outcome is unknown are sent only on purpose.
    fn confirm(&self, items: &[LeftItem]) -> Result<()> {
        let unknown = items.iter().filter(|item| item.status == OutcomeStatus::Unknown).count() as u64;
        if unknown == 0 || self.how.yes {
            return Ok(());
        }
        let what = format!("{} may have taken effect", count(unknown, "item"));
        match ask::confirmed(self.app.screen, &format!("{what}: send again? [y/N] "))? {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(ErrorKind::Cancelled, "nothing was sent: not confirmed")
                .advise("--status failed sends only failed items")),
            None => Err(Error::new(ErrorKind::Usage, format!("{what}, and there is no terminal to ask on"))
                .advise("look for the records: --yes sends them again, --status failed sends only failed items, `opnode items settle` takes them off the list")),
        }
    }

    /// The system of a run in the sandbox ended with its process: the items would go to the real one.
    pub(super) fn refuse_sandbox(&self) -> Result<()> {
        if !is_of_sandbox(self.state) {
            return Ok(());
        }
        let message =
            format!("the runs in {} are of the sandbox: their items cannot be sent again", self.state.display());
        Err(Error::new(ErrorKind::Usage, message).advise("run the batch again with --sandbox, or settle the items"))
    }

    /// The batch file of the run.
    fn file(&self, items: &[LeftItem]) -> Result<PathBuf> {
        if let Some(file) = &self.how.file {
            return Ok(file.clone());
        }
        let run = items.first().map(|item| item.run.as_str()).unwrap_or_default();
        let named = self.info(items)?.map(|info| PathBuf::from(&info.file)).unwrap_or_default();
        // The command may be in another folder than the run was: the state is in `.opnode/runs` beside the file.
        let beside = self.state.parent().and_then(Path::parent).zip(named.file_name()).map(|(at, name)| at.join(name));
        let there = std::iter::once(named.clone()).chain(beside).find(|path| path.is_file());
        there.ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("the batch file {} of run {run} is not there", named.display()))
                .advise("name it with --file")
        })
    }

    /// The batch, with the inputs and variables of the run of these items.
    fn batch(&self, file: &Path, items: &[LeftItem]) -> Result<Batch> {
        let engine = Arc::new(self.app.engine(false)?);
        let config = batch::config(self.app, &self.run_args(file, items)?, &engine, None)?;
        let Some(item) = items.first().filter(|item| item.batch.contains('+')) else {
            return Batch::load(file, &config);
        };
        let all = runs(self.state)?;
        let inputs = |name: &str| {
            let run = all.iter().find(|own| own.info.run == item.run && own.info.name == name);
            let known = run.iter().flat_map(|run| &run.info.inputs);
            known.map(|(name, json)| (name.clone(), Json(json.clone()))).collect()
        };
        Batch::load_part(file, &config, &item.batch, &inputs)
    }

    /// Sends items of archived runs.
    async fn one_by_one(&self, batches: &[(Batch, Vec<LeftItem>)], edited: Option<&str>) -> Result<u8> {
        let cancel = Cancel::default();
        let signals = Signals::listen(&cancel);
        let (host, mut counts) = (host(), Counts::default());
        for (batch, part) in batches.iter().flat_map(|(batch, own)| own.chunks(PART).map(move |part| (batch, part))) {
            if cancel.is_cancelled() {
                break;
            }
            for resent in batch.resend(Some(self.state), part, edited, (&host, &cancel)).await? {
                counts.add(&resent);
                self.tell(&resent);
            }
        }
        let all: usize = batches.iter().map(|(_, own)| own.len()).sum();
        self.app.screen.note(&counts.text(all as u64));
        Ok(signals.exit_code().unwrap_or_else(|| counts.exit_code()))
    }

    fn tell(&self, resent: &Resent) {
        let name = format!("{}: item {}", resent.item.step, resent.item.number());
        let error = resent.outcome.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
        match resent.outcome.status {
            OutcomeStatus::Ok => self.app.screen.note(&format!("{name} was sent")),
            OutcomeStatus::Failed => self.app.screen.warn(&format!("{name} failed{error}")),
            OutcomeStatus::Unknown => self.app.screen.warn(&format!("{name} is unknown{error}")),
            OutcomeStatus::Skipped => self.app.screen.warn(&format!("{name} was not sent{error}")),
        }
    }

    /// Sends items of the last run by resuming it, so that later steps get their results.
    async fn resume(&self, file: &Path, items: &[LeftItem], edited: Option<&str>) -> Result<u8> {
        let (host, now) = (host(), SystemTime::now());
        if let (Some(text), [item]) = (edited, items) {
            self.batch(file, items)?.check_edited(item, text)?;
            edit_item(self.state, item, text, &host, now).await?;
        }
        let unknown: Vec<LeftItem> =
            items.iter().filter(|item| item.status == OutcomeStatus::Unknown).cloned().collect();
        release_items(self.state, &unknown, &host, now).await?;
        let only: BTreeSet<ItemKey> = items.iter().map(LeftItem::key).collect();
        let args = RunArgs { retry_failed: true, only: Some(only), ..self.run_args(file, items)? };
        let code = batch::run(self.app, &args).await?;
        let (all, left) = (items.len() as u64, self.left(items)?);
        self.app.screen.note(&format!("{} of {} done", all.saturating_sub(left), count(all, "item")));
        Ok(code)
    }

    /// How many of these items are still left.
    fn left(&self, items: &[LeftItem]) -> Result<u64> {
        let place = |item: &LeftItem| (item.batch.clone(), item.run.clone(), item.key());
        let own: BTreeSet<_> = items.iter().map(place).collect();
        Ok(left_items(self.state)?.iter().filter(|item| own.contains(&place(item))).count() as u64)
    }

    /// What is stored of the run of these items; of a part of a run, of the whole.
    fn info(&self, items: &[LeftItem]) -> Result<Option<RunInfo>> {
        let Some(item) = items.first() else { return Ok(None) };
        let outer = item.batch.split_once('+').map(|(outer, _)| outer);
        let is_own = |info: &RunInfo| match outer {
            Some(outer) => info.run == item.run && info.name == outer,
            None => info.run == item.run && info.name == item.batch && info.job == item.job,
        };
        Ok(runs(self.state)?.into_iter().map(|summary| summary.info).find(is_own))
    }

    /// The inputs and variables are those of the run; what the caller gives wins.
    fn run_args(&self, file: &Path, items: &[LeftItem]) -> Result<RunArgs> {
        let stored = self.info(items)?.unwrap_or_default();
        let known = Batch::inputs(file)?;
        let inputs = given::inputs(&stored, &known).map(|(_, pair)| pair);
        Ok(RunArgs {
            file: file.to_owned(),
            input: inputs.chain(self.how.input.iter().cloned()).collect(),
            var: given::vars(&stored).chain(self.how.var.iter().cloned()).collect(),
            accept_changes: self.how.accept_changes,
            state: Some(self.state.to_owned()),
            ..RunArgs::default()
        })
    }
}

/// The items of each batch.
fn by_name(items: Vec<LeftItem>) -> Vec<Vec<LeftItem>> {
    let mut found: BTreeMap<String, Vec<LeftItem>> = BTreeMap::new();
    items.into_iter().for_each(|item| found.entry(item.batch.clone()).or_default().push(item));
    found.into_values().collect()
}

/// Items of archived runs that cannot be sent by themselves.
fn refuse_impossible(items: &[LeftItem]) -> Result<()> {
    let why = |item: &LeftItem| match item {
        item if !item.is_archived => None,
        item if item.method == "query" => Some("it is an element that could not be read, and its run is archived"),
        item if !item.secret_options.is_empty() => Some("its secret options were not stored"),
        _ => None,
    };
    let Some((item, why)) = items.iter().find_map(|item| Some((item, why(item)?))) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Usage,
        format!("item {} of {} cannot be sent again by itself: {why}", item.number(), item.step),
    )
    .advise("run the batch again, then settle the item; STEP, --item and --status choose other items"))
}

/// Outcomes of items that were sent again.
#[derive(Default)]
struct Counts {
    ok: u64,
    failed: u64,
    unknown: u64,
}

impl Counts {
    fn add(&mut self, resent: &Resent) {
        match resent.outcome.status {
            OutcomeStatus::Ok => self.ok += 1,
            OutcomeStatus::Failed => self.failed += 1,
            OutcomeStatus::Unknown => self.unknown += 1,
            OutcomeStatus::Skipped => {}
        }
    }

    fn text(&self, all: u64) -> String {
        let mut parts = vec![format!("{} of {} done", self.ok, count(all, "item"))];
        parts.extend((self.failed > 0).then(|| format!("{} failed again", self.failed)));
        parts.extend((self.unknown > 0).then(|| format!("{} unknown", self.unknown)));
        let left = all - self.ok - self.failed - self.unknown;
        parts.extend((left > 0).then(|| format!("{left} not sent")));
        parts.join(", ")
    }

    fn exit_code(&self) -> u8 {
        match (self.unknown, self.failed) {
            (0, 0) => 0,
            (0, _) => ErrorKind::Partial.exit_code(),
            _ => ErrorKind::UnknownOutcome.exit_code(),
        }
    }
}
