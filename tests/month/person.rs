//! What a person does in the morning: looks at listed items, and settles them, sends them again, or corrects the source.

use opnode::batch::{LeftItem, settle_items};
use opnode::{Cancel, Clock, OutcomeStatus};

use super::attempt::Start;
use super::month::Month;
use super::verdict::{self, Demand, list_of};

/// What a person found out about an item.
enum Finding {
    /// The target has it, or something newer.
    Done,
    /// It can be sent again.
    SendAgain,
    /// The target refuses it.
    Wrong,
    /// It is not known which record it is about, or it cannot be sent by itself.
    Unclear,
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl Month {
    /// Handles some of the listed items. Where a step stops at a failed item, the account waits for a person.
    pub fn morning(&mut self, start: &Start, is_last: bool) {
        let items: Vec<LeftItem> = {
            let system = self.place.system.lock().unwrap();
            verdict::listed(&self.place.folder, &system).into_values().flat_map(|own| own.items).collect()
        };
        for item in items {
            // Some are left for weeks; an unfinished run may go on by itself.
            let is_urgent = self.place.shape.stops && !item.is_archived;
            let is_seen = is_urgent || (!is_last && self.random.u8(..10) < if item.is_archived { 6 } else { 2 });
            if is_seen {
                self.handle(&item, start);
            }
        }
    }

    fn handle(&mut self, item: &LeftItem, start: &Start) {
        let (finding, demand) = self.find_out(item);
        let is_handled = match finding {
            Finding::Done => self.settle(item),
            Finding::SendAgain => self.send_again(item, None, start),
            Finding::Wrong => {
                let (_, row, version) = demand.clone().unwrap_or(("records", String::new(), 0));
                let edited = item.item.as_ref().map(|raw| raw.get().replace("\"?\"", "\"corrected\""));
                // A run that begins anew would stop at the same row of the source.
                if !self.place.shape.stops && self.random.bool() && item.method != "query" {
                    self.send_again(item, edited.as_deref(), start)
                } else {
                    self.touch(&item.job, &row, version);
                    self.settle(item)
                }
            }
            Finding::Unclear => {
                if let Some((_, row, version)) = &demand {
                    self.touch(&item.job, row, *version);
                }
                self.repair(item);
                self.settle(item)
            }
        };
        if let Some((list, row, version)) = demand.filter(|_| is_handled) {
            self.settled.insert((item.job.clone(), format!("{list} {row}@{version}")));
        } else if is_handled {
            // Any of the account's: the person has looked at all of its records.
            let system = self.place.system.lock().unwrap();
            for (kind, key) in &system.accounts[&item.job].lost {
                let list = if kind == "events" { "events" } else { "records" };
                self.settled.insert((item.job.clone(), format!("{list} {key}")));
            }
        }
    }

    /// Looks at source and target.
    fn find_out(&self, item: &LeftItem) -> (Finding, Option<Demand>) {
        let system = self.place.system.lock().unwrap();
        let account = &system.accounts[&item.job];
        let Some((row, version, body)) = verdict::content(item, account) else { return (Finding::Unclear, None) };
        let list = list_of(&item.step);
        let (target, key) = (&account.target, format!("{row}@{version}"));
        let record = target.records.get(&row).and_then(|own| own.last());
        let is_gone = target.deleted.contains(&row);
        let is_done = match list {
            "stamps" => target.stamps.get(&row).is_some_and(|stamp| *stamp >= version),
            "events" => target.events.contains_key(&key),
            "removed" => record.is_none(),
            _ if self.place.shape.is_upsert => is_gone || record.is_some_and(|record| record.version >= version),
            _ => target.changes.contains_key(&key),
        };
        // A create of what is there by now would double it.
        let is_create = item.step.ends_with("__create") && record.is_some();
        let finding = match item.status {
            _ if is_done => Finding::Done,
            _ if item.method == "query" || is_create => Finding::Unclear,
            OutcomeStatus::Failed if body["name"] == "?" => Finding::Wrong,
            _ => Finding::SendAgain,
        };
        (finding, Some((list, row, version)))
    }

    fn settle(&mut self, item: &LeftItem) -> bool {
        let folder = self.place.folder.join(".opnode/runs");
        let wall = self.place.clock.wall();
        let settle = || block_on(settle_items(&folder, std::slice::from_ref(item), None, "person", wall));
        let mut done = settle();
        // A process that another month starts has a copy of the lock until it runs its program.
        for _ in 0..100 {
            if done.as_ref().err().is_none_or(|error| !error.message.contains("is running this batch")) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            done = settle();
        }
        if let Err(error) = &done {
            self.faults.push(format!("an item cannot be settled: {error}"));
        }
        self.table.settled += u64::from(done.is_ok());
        done.is_ok()
    }

    fn send_again(&mut self, item: &LeftItem, edited: Option<&str>, start: &Start) -> bool {
        let batch = self.place.batch(start);
        let cancel = Cancel::default();
        match block_on(batch.resend(None, std::slice::from_ref(item), edited, ("person", &cancel))) {
            Ok(sent) => {
                self.table.resent += 1;
                // Otherwise it stays in the list.
                sent.iter().any(|sent| sent.outcome.status == OutcomeStatus::Ok)
            }
            Err(error) if error.kind() == opnode::ErrorKind::Usage => {
                self.table.not_resent += 1;
                self.repair(item);
                self.settle(item)
            }
            Err(error) => {
                self.faults.push(format!("an item cannot be sent again: {error}"));
                false
            }
        }
    }

    /// Changes a row in the source, so that the next run writes it.
    fn touch(&mut self, account: &str, row: &str, version: u64) {
        let now = self.place.clock.time();
        let mut system = self.place.system.lock().unwrap();
        let source = &mut system.accounts.get_mut(account).unwrap().source;
        let Some(last) = source.rows.get(row).and_then(|versions| versions.last()) else { return };
        if last.number <= version && !last.deleted {
            source.change(Some(row), (now, now), false, false);
        } else if last.number <= version {
            source.change(Some(row), (now, now), true, false);
        }
    }

    /// Compares the source and the target of an account, and changes all rows that differ.
    fn repair(&mut self, item: &LeftItem) {
        let missing = {
            let system = self.place.system.lock().unwrap();
            let now = self.place.clock.time();
            verdict::missing(&system.accounts[&item.job], self.place.shape.is_upsert, now - 6 * 3600, now)
        };
        self.table.repaired += 1;
        let rows: std::collections::BTreeMap<String, u64> =
            missing.into_iter().map(|(_, row, version)| (row, version)).collect();
        for (row, version) in rows {
            self.touch(&item.job, &row, version);
        }
    }
}
