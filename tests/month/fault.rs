//! The faults of a night, chosen at random.

use super::attempt::Start;
use super::system::{ACCOUNTS, Outage};
use super::wire::Moment;
use crate::shim::{Fault as ShimFault, When};

/// A fault of a night.
#[derive(Clone, Debug)]
pub enum Fault {
    Credential {
        account: usize,
        nights: u32,
    },
    Outage {
        account: Option<usize>,
        kind: Outage,
        minutes: u64,
        after: u32,
    },
    /// The first starts are dropped at a request.
    Kill(Vec<(u32, bool)>),
    /// Child processes are killed at a call, or lose their power.
    KillChild(Vec<(When, u64)>),
    Disk {
        kind: &'static str,
        number: u64,
        errno: &'static str,
    },
    Comment(u32),
    Change(u32),
    WrongRows {
        account: usize,
        rows: u32,
    },
    Unclear {
        account: usize,
        percent: u32,
    },
    RefusedFinds {
        account: usize,
    },
    /// A row changes again in the second in which it was read.
    Swift {
        account: usize,
    },
    ClockBack(u32),
    Twice {
        is_child: bool,
    },
}

pub const NAMES: [&str; 13] = [
    "credential",
    "outage",
    "kill",
    "kill -9",
    "disk",
    "comment",
    "change",
    "wrong rows",
    "unclear",
    "look-ups",
    "swift",
    "clock back",
    "two starts",
];

impl Fault {
    pub fn name(&self) -> &'static str {
        let number = match self {
            Fault::Credential { .. } => 0,
            Fault::Outage { .. } => 1,
            Fault::Kill(_) => 2,
            Fault::KillChild(_) => 3,
            Fault::Disk { .. } => 4,
            Fault::Comment(_) => 5,
            Fault::Change(_) => 6,
            Fault::WrongRows { .. } => 7,
            Fault::Unclear { .. } => 8,
            Fault::RefusedFinds { .. } => 9,
            Fault::Swift { .. } => 10,
            Fault::ClockBack(_) => 11,
            Fault::Twice { .. } => 12,
        };
        NAMES[number]
    }

    /// The only account that it concerns.
    pub fn account(&self) -> Option<usize> {
        match self {
            Fault::Outage { account, .. } => *account,
            Fault::Credential { account, .. }
            | Fault::WrongRows { account, .. }
            | Fault::Unclear { account, .. }
            | Fault::RefusedFinds { account }
            | Fault::Swift { account } => Some(*account),
            _ => None,
        }
    }

    /// A fault; without children only those that need none.
    pub fn random(random: &mut fastrand::Rng, has_shim: bool) -> Fault {
        let account = random.usize(..ACCOUNTS.len());
        let request = |random: &mut fastrand::Rng| {
            let most = if random.bool() { 40 } else { 250 };
            random.u32(0..most)
        };
        let call = |random: &mut fastrand::Rng| {
            let most = if random.bool() { 300 } else { 2500 };
            random.u64(1..most)
        };
        let modes = [When::Before, When::Half, When::After, When::PowerCut];
        match random.u8(..if has_shim { 17 } else { 13 }) {
            0 => Fault::Credential { account, nights: random.u32(1..4) },
            1 | 2 => {
                let kind = [Outage::Refused, Outage::Busy, Outage::BusyWithTime, Outage::Storm][random.usize(..4)];
                let account = random.bool().then_some(account);
                Fault::Outage { account, kind, minutes: random.u64(1..61), after: request(random) / 3 }
            }
            3 | 4 => Fault::Kill((0..random.usize(1..3)).map(|_| (request(random), random.bool())).collect()),
            5 => Fault::Comment(request(random)),
            6 => Fault::Change(request(random)),
            7 => Fault::WrongRows { account, rows: random.u32(1..4) },
            8 => Fault::Unclear { account, percent: random.u32(10..60) },
            9 => Fault::RefusedFinds { account },
            10 => Fault::Swift { account },
            11 => Fault::ClockBack(request(random)),
            12 => Fault::Twice { is_child: has_shim && random.bool() },
            13..=15 => {
                let kills = (0..random.usize(1..3)).map(|_| (modes[random.usize(..4)], call(random)));
                Fault::KillChild(kills.collect())
            }
            _ => {
                let (kind, errnos): (_, [&str; 3]) = match random.u8(..4) {
                    0 => ("sync", ["EIO", "ENOSPC", "FULL"]),
                    1 => ("rename", ["EIO", "ENOSPC", "FULL"]),
                    _ => ("write", ["short", "ENOSPC", "FULL"]),
                };
                Fault::Disk { kind, number: random.u64(1..600), errno: errnos[random.usize(..3)] }
            }
        }
    }

    /// What it does to the start of a night with this number.
    pub fn prepare(&self, number: usize, start: &mut Start) {
        let kill = |request: u32, is_done| Some((request, Moment::Kill { is_done }));
        match self {
            Fault::Kill(kills) => {
                start.moment = kills.get(number).map_or(start.moment, |(request, is_done)| kill(*request, *is_done));
            }
            Fault::KillChild(kills) => {
                if let Some((when, call)) = kills.get(number) {
                    (start.is_child, start.fault) = (true, Some(ShimFault::Kill(*when, *call)));
                }
            }
            Fault::Disk { kind, number: call, errno } if number == 0 => {
                let fault = ShimFault::Fail { kind: (*kind).to_owned(), number: *call, errno };
                (start.is_child, start.fault) = (true, Some(fault));
            }
            Fault::Comment(request) => match number {
                0 => start.moment = kill(*request, false),
                _ => start.comment += 1,
            },
            Fault::Change(request) => match number {
                0 => start.moment = kill(*request, false),
                _ => start.edition += 1,
            },
            Fault::ClockBack(request) if number == 0 => start.moment = Some((*request, Moment::ClockBack)),
            Fault::Twice { is_child } if number == 0 => {
                start.is_twice = true;
                start.is_child |= *is_child;
            }
            _ => {}
        }
    }
}
