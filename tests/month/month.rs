//! A month: nights with faults, restarts by a supervisor, mornings with a person, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::attempt::{Ended, Place, Start};
use super::batch::Shape;
use super::clock::{DAY, FIRST_DAY, MovableClock};
use super::fault::Fault;
use super::system::{ACCOUNTS, System};
use super::verdict;
use super::wire;

pub const NIGHTS: i64 = 30;
/// Nights without faults at the end, in which what was interrupted is finished.
const CALM: i64 = 3;
/// The starts of a night, in minutes after midnight: the schedule, and the restarts of the supervisor.
const STARTS: [u64; 3] = [120, 180, 285];

/// What happened in a month.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// By fault and the end of the start.
    pub ends: BTreeMap<(String, String), u64>,
    pub settled: u64,
    pub resent: u64,
    pub not_resent: u64,
    pub repaired: u64,
    pub mornings: u64,
    /// Mornings after which a healthy account was complete.
    pub complete: u64,
    pub rows: u64,
    pub versions: u64,
    pub writes: u64,
    pub same_stamps: u64,
    pub gone: u64,
    pub requests: u64,
    pub left: (usize, usize),
    pub missing_listed: u64,
}

pub struct Month {
    pub place: Place,
    pub random: fastrand::Rng,
    pub settled: BTreeSet<(String, String)>,
    pub faults: Vec<String>,
    pub table: Table,
    edition: u64,
    comment: u64,
    /// Nights until a credential is mended, by account.
    broken: BTreeMap<usize, u32>,
    /// Accounts whose run of an earlier night is unfinished.
    debts: BTreeSet<String>,
    is_told: bool,
}

impl Month {
    pub fn new(seed: u64, folder: &Path, shim: Option<&Path>) -> Month {
        let system = Arc::new(Mutex::new(System::new(seed)));
        let socket = folder.join("systems");
        wire::serve(&system, &socket);
        let clock = Arc::new(MovableClock::new(0, 0, seed));
        let shape = Shape::of(seed);
        let shim = shim.map(Path::to_owned);
        fastrand::seed(seed);
        Month {
            place: Place { folder: folder.to_owned(), shape, clock, system, socket, shim },
            random: fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 77),
            settled: BTreeSet::new(),
            faults: Vec::new(),
            table: Table::default(),
            edition: 0,
            comment: 0,
            broken: BTreeMap::new(),
            debts: BTreeSet::new(),
            is_told: std::env::var_os("SEED").is_some() && std::env::var("MONTHS").map_or(true, |months| months == "1"),
        }
    }

    /// All nights. Returns what is wrong.
    pub fn run(&mut self) -> Vec<String> {
        for night in 1..=NIGHTS + CALM {
            self.night(night);
            if !self.faults.is_empty() {
                break;
            }
        }
        if self.faults.is_empty() {
            self.end();
        }
        std::mem::take(&mut self.faults)
    }

    fn night(&mut self, night: i64) {
        let faults = self.faults_of(night);
        if night <= NIGHTS {
            self.live(night, &faults);
        }
        self.trouble(&faults);
        let midnight = night as u64 * DAY as u64 * 1000;
        let mut ends: Vec<Ended> = Vec::new();
        for (number, minutes) in STARTS.iter().enumerate() {
            if ends.last().is_some_and(|last| !self.is_restarted(last)) {
                break;
            }
            self.place.clock.move_to(midnight + minutes * 60_000);
            let mut start = Start { seed: self.random.u64(..), ..self.plain() };
            faults.iter().for_each(|fault| fault.prepare(number, &mut start));
            (self.edition, self.comment) = (start.edition, start.comment);
            let end = self.place.run(&start);
            self.tell(|| format!("night {night}.{number} {faults:?}: {} {:?} {:?}", end.kind(), end.errors, end.jobs));
            self.faults.extend(end.fault.clone());
            self.count(&faults, &end);
            ends.push(end);
        }
        self.place.clock.move_to(midnight + 7 * 3_600_000);
        self.check(night, &faults, &ends);
        self.place.clock.move_to(midnight + 8 * 3_600_000);
        self.calm_down();
        // A refused change is looked at.
        let is_refused = ends.last().is_some_and(|end| end.kind() == "state" && end.jobs.is_empty());
        if is_refused {
            let start = Start { accept_changes: true, seed: self.random.u64(..), ..self.plain() };
            let end = self.place.run(&start);
            self.tell(|| format!("morning {night}: {} {:?}", end.kind(), end.error));
            self.note_debts(std::slice::from_ref(&end));
        }
        let start = self.plain();
        self.morning(&start, night > NIGHTS);
    }

    fn plain(&self) -> Start {
        Start { edition: self.edition, comment: self.comment, ..Start::default() }
    }

    fn tell(&self, text: impl FnOnce() -> String) {
        if self.is_told {
            println!("{}", text());
        }
    }

    fn faults_of(&mut self, night: i64) -> Vec<Fault> {
        let count = match self.random.u8(..10) {
            _ if night > NIGHTS => 0,
            0 => 0,
            1..=6 => 1,
            _ => 2,
        };
        let has_shim = self.place.shim.is_some();
        (0..count).map(|_| Fault::random(&mut self.random, has_shim)).collect()
    }

    /// The changes of the day before.
    fn live(&mut self, night: i64, faults: &[Fault]) {
        let mut system = self.place.system.lock().unwrap();
        for (number, name) in ACCOUNTS.iter().enumerate() {
            let rows = |fault: &Fault| match fault {
                Fault::WrongRows { account, rows } if *account == number => *rows,
                _ => 0,
            };
            let wrong = faults.iter().map(rows).sum();
            let source = &mut system.accounts.get_mut(*name).unwrap().source;
            source.live(night - 1, &mut self.random, wrong);
        }
    }

    fn trouble(&mut self, faults: &[Fault]) {
        let mut system = self.place.system.lock().unwrap();
        for fault in faults {
            if let Fault::Credential { account, nights } = fault {
                self.broken.insert(*account, *nights);
            }
            for (number, name) in ACCOUNTS.iter().enumerate() {
                let trouble = &mut system.accounts.get_mut(*name).unwrap().trouble;
                match fault {
                    Fault::Outage { account, kind, minutes, after } if account.is_none_or(|own| own == number) => {
                        trouble.planned = Some((*after, *kind, minutes * 60));
                    }
                    Fault::Unclear { account, percent } if *account == number => trouble.unclear = *percent,
                    Fault::RefusedFinds { account } if *account == number => trouble.refused_finds = 30,
                    Fault::Swift { account } if *account == number => trouble.is_swift = !self.place.shape.is_by_key,
                    _ => {}
                }
            }
        }
        for (number, name) in ACCOUNTS.iter().enumerate() {
            system.accounts.get_mut(*name).unwrap().trouble.is_broken = self.broken.contains_key(&number);
        }
    }

    /// The end of the faults of a night.
    fn calm_down(&mut self) {
        self.broken.values_mut().for_each(|nights| *nights -= 1);
        self.broken.retain(|_, nights| *nights > 0);
        let mut system = self.place.system.lock().unwrap();
        system.accounts.values_mut().for_each(|account| account.trouble = super::system::Trouble::default());
    }

    fn is_restarted(&mut self, end: &Ended) -> bool {
        !end.finished || (end.kind() == "partial" && self.random.bool())
    }

    fn count(&mut self, faults: &[Fault], end: &Ended) {
        let name = if faults.is_empty() { "none" } else { faults[0].name() };
        for name in faults.iter().map(Fault::name).chain(faults.is_empty().then_some(name)) {
            *self.table.ends.entry((name.to_owned(), end.kind().to_owned())).or_default() += 1;
        }
    }

    fn note_debts(&mut self, ends: &[Ended]) {
        for (name, _, _, finished) in ends.iter().flat_map(|end| &end.jobs) {
            match finished {
                true => drop(self.debts.remove(name)),
                false => drop(self.debts.insert(name.clone())),
            }
        }
        if ends.iter().all(|end| end.jobs.is_empty()) {
            self.debts.extend(ACCOUNTS.iter().map(|name| (*name).to_owned()));
        }
    }

    /// What must hold in the morning.
    fn check(&mut self, night: i64, faults: &[Fault], ends: &[Ended]) {
        let (scheduled, had_debts) = (FIRST_DAY + night * DAY + 7200, self.debts.clone());
        self.note_debts(ends);
        let system = self.place.system.lock().unwrap();
        let listed = verdict::listed(&self.place.folder, &system);
        let is_all = faults.iter().any(|fault| matches!(fault, Fault::Outage { account: None, .. } | Fault::Change(_)));
        for (number, name) in ACCOUNTS.iter().enumerate() {
            let (account, own) = (&system.accounts[*name], &listed[*name]);
            let place = |fault: &String| format!("night {night}, {name}: {fault}");
            self.faults.extend(account.target.faults.iter().map(place));
            self.faults.extend(verdict::passed(&self.place.folder, name, account, own).iter().map(place));
            self.faults.extend(verdict::unlisted(name, account, own, &self.settled).iter().map(place));
            let is_ill =
                faults.iter().any(|fault| fault.account() == Some(number)) || self.broken.contains_key(&number);
            // A step that stops at a failed item waits for a person.
            let is_stopped = self.place.shape.stops && own.items.iter().any(|item| !item.is_archived);
            if is_all || is_ill || is_stopped || had_debts.contains(*name) {
                continue;
            }
            self.table.mornings += 1;
            let missing = verdict::missing(account, self.place.shape.is_upsert, scheduled, self.place.clock.time());
            let forgotten = verdict::forgotten(missing, own);
            match forgotten.is_empty() {
                true => self.table.complete += 1,
                false => self.faults.push(place(&format!(
                    "a healthy account lacks {forgotten:?}: {:?}",
                    account.source.rows.get(&forgotten[0].1)
                ))),
            }
        }
    }

    /// What must hold at the end of the month.
    fn end(&mut self) {
        let system = self.place.system.lock().unwrap();
        let listed = verdict::listed(&self.place.folder, &system);
        let now = self.place.clock.time();
        for (name, account) in &system.accounts {
            let missing = verdict::missing(account, self.place.shape.is_upsert, now, now);
            let count = missing.len();
            let forgotten = verdict::forgotten(missing, &listed[name]);
            self.table.missing_listed += (count - forgotten.len()) as u64;
            let lacks = |demand: &verdict::Demand| {
                let versions = &account.source.rows[&demand.1];
                format!("at the end {name} lacks {demand:?}, and it is not listed: {versions:?}")
            };
            self.faults.extend(forgotten.iter().map(lacks));
            let counts = &account.target.counts;
            self.table.rows += account.source.rows.len() as u64;
            self.table.versions += account.source.rows.values().map(|versions| versions.len() as u64).sum::<u64>();
            self.table.writes +=
                counts.creates + counts.updates + counts.stamps + counts.deletes + counts.changes + counts.events;
            self.table.same_stamps += counts.same_stamps;
            self.table.gone += counts.gone;
        }
        self.table.requests = system.requests;
        self.table.left = verdict::count(&listed);
    }
}
