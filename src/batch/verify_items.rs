//! Items of kept runs whose outcome is unknown: looked up by the `verify` of their step, on demand.

use std::collections::BTreeMap;
use std::path::Path;

use super::items::{by_run, no_run, place_of};
use super::run_plan::{Batch, Step, Verify};
use super::step::{FoundRecord, LookUp, look, not_there};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::receipt::OutcomeStatus;
use crate::run_store::{Fact, FailedItem, ItemContent, ItemOrigin, ItemsLedger, LeftItem, now, seconds};
use crate::send::Cancel;

/// What was found out about an item.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The item.
    pub item: LeftItem,
    /// Whether it took effect; `None` if that cannot be known.
    pub took_effect: Option<bool>,
    /// Why it cannot be known.
    pub why: Option<String>,
}

impl Batch {
    /// Looks up the records of items with an unknown outcome, as the `verify` of their step says, and records what was
    /// found: an item that took effect is done, one that did not has failed. Sends nothing else.
    ///
    /// # Errors
    /// `usage` when a step has no `verify`; `state` when another process holds the run; those of the query.
    pub async fn verify_items(
        &self,
        state: Option<&Path>,
        items: &[LeftItem],
        (host, cancel): (&str, &Cancel),
    ) -> Result<Vec<Verified>> {
        let folder = self.runs_folder(state);
        let since = now(self.effects.clock().wall());
        let mut found = Vec::new();
        for (run, own) in by_run(items) {
            let mut ledger = ItemsLedger::open(&folder, run, host, since.clone())?.ok_or_else(|| no_run(run))?;
            let mut by_step: BTreeMap<&str, Vec<&LeftItem>> = BTreeMap::new();
            own.into_iter().for_each(|item| by_step.entry(&item.step).or_default().push(item));
            for (id, own) in by_step {
                found.extend(self.verify_step(&folder, &mut ledger, id, (own.as_slice(), cancel)).await?);
            }
            ledger.finish()?;
        }
        Ok(found)
    }

    async fn verify_step(
        &self,
        folder: &Path,
        ledger: &mut ItemsLedger,
        id: &str,
        (items, cancel): (&[&LeftItem], &Cancel),
    ) -> Result<Vec<Verified>> {
        let (step, verify) = self.verify_of(id)?;
        let Some(first) = items.first() else { return Ok(Vec::new()) };
        let scope = match self.scope_of_run(folder, first)? {
            Some(scope) => scope,
            // The step has changed, as when `verify` was added: only its own values are known.
            None => self.own_scope(first)?,
        };
        let connection = self.connection_of(step, first)?;
        let contents: BTreeMap<(u64, u64), ItemContent> = items
            .iter()
            .filter_map(|item| {
                let content = self.content_of(folder, item).ok().flatten()?;
                Some(((item.element, item.index), ItemContent { item: Some(content), error: None }))
            })
            .collect();
        let look_up = LookUp {
            effects: self.effects.as_ref(),
            connection: &connection,
            method: step.method,
            verify,
            scope: &scope,
            cancel,
            attempts: step.limits.attempts,
            timeout: step.limits.timeout,
        };
        let mut records = look(&look_up, &contents).await?;
        let mut found = Vec::new();
        for item in items {
            let key = (item.element, item.index);
            let (took_effect, why) = match records.remove(&key) {
                Some(FoundRecord::Done(_)) => (Some(true), None),
                Some(FoundRecord::NotDone) => (Some(false), None),
                Some(FoundRecord::Undecided(why)) => (None, Some(why)),
                None => (None, Some("its content was not recorded".to_owned())),
            };
            if let Some(took_effect) = took_effect {
                let content = contents.get(&key).and_then(|content| content.item.as_deref());
                self.record_verified(ledger, (step, &connection), item, (took_effect, content)).await?;
            }
            found.push(Verified { item: LeftItem::clone(item), took_effect, why });
        }
        Ok(found)
    }

    /// The step, and how it verifies.
    fn verify_of(&self, id: &str) -> Result<(&Step, &Verify)> {
        let ids = || self.plan.steps.iter().map(|step| step.id.as_str());
        let step = self.plan.steps.iter().find(|step| step.id == id).ok_or_else(|| {
            let hint = did_you_mean(id, ids());
            Error::new(ErrorKind::Usage, format!("{} has no step `{id}` any more{hint}", self.plan.file))
                .advise("settle its items once you have looked at the records")
        })?;
        let verify = step.verify.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("the step `{id}` of {} has no `verify`", self.plan.file)).advise(
                "add `verify: { query: …, key: … }` to the step, or look at the records and use `opnode items settle` or `resend`",
            )
        })?;
        Ok((step, verify))
    }

    /// The connection of an item; one that was in flight when its run was killed has that of its step.
    fn connection_of(&self, step: &Step, item: &LeftItem) -> Result<String> {
        if !item.connection.is_empty() {
            return Ok(item.connection.clone());
        }
        let job = self.plan.jobs.iter().position(|job| job.name == item.job);
        let own = job.and_then(|number| step.connections.get(number)).cloned();
        own.ok_or_else(|| Error::new(ErrorKind::Usage, format!("the batch has no job `{}` any more", item.job)))
    }

    async fn record_verified(
        &self,
        ledger: &mut ItemsLedger,
        (step, connection): (&Step, &str),
        item: &LeftItem,
        (took_effect, content): (bool, Option<&str>),
    ) -> Result<()> {
        let (place, key) = place_of(item);
        let status = if took_effect { OutcomeStatus::Ok } else { OutcomeStatus::Failed };
        if !took_effect {
            let origin = ItemOrigin {
                connection: connection.to_owned(),
                method: step.method,
                operation: step.operation.id.clone(),
                secret_options: item.secret_options.clone(),
                in_for: item.in_for,
            };
            let options = item.options.as_ref().and_then(|raw| crate::options::Options::read(raw.get()).ok());
            let failed = FailedItem {
                element: item.element,
                index: item.index,
                status,
                item: content,
                options: options.as_ref(),
                error: &not_there(),
                at: seconds(self.effects.clock().wall()),
            };
            ledger.push(&place, origin, &failed)?;
        }
        let known = ledger.state.step(&key);
        let (extent, tally) = (known.extent(), known.tally);
        let fact = Fact::Outcome { step: key, element: item.element, index: item.index, status, extent, tally };
        ledger.record(&place, fact).await
    }
}
