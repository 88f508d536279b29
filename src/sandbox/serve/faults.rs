//! Injected faults: which request fails, and how. Pure; the same settings give the same faults for the same order of
//! requests.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Status 429 in the system's own form, with Retry-After.
    RateLimited,
    /// Status 503.
    Unavailable,
    /// The connection is closed without a reply.
    Reset,
    /// A correct reply that is delayed.
    Slow,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [FaultKind; 4] = [FaultKind::RateLimited, FaultKind::Unavailable, FaultKind::Reset, FaultKind::Slow];

    const fn name(self) -> &'static str {
        match self {
            FaultKind::RateLimited => "429",
            FaultKind::Unavailable => "503",
            FaultKind::Reset => "reset",
            FaultKind::Slow => "slow",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which requests fail, and how. By default none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Every n-th API request fails; 0 for none.
    pub every: u64,
    /// The kinds, used in turn, or at random with a seed.
    pub kinds: Vec<FaultKind>,
    /// Seed of the random choice.
    pub seed: Option<u64>,
    /// Whether writes may be reset. Such a write takes effect before the connection is closed, so the client must
    /// report its outcome as unknown.
    pub reset_writes: bool,
    /// Delay of a slow reply in milliseconds.
    pub slow_ms: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Faults { every: 0, kinds: FaultKind::ALL.to_vec(), seed: None, reset_writes: false, slow_ms: 3000 }
    }
}

impl Faults {
    /// The fault of the request with this number, from 1.
    pub(in crate::sandbox) fn of(&self, number: u64, is_write: bool) -> Option<FaultKind> {
        if self.every == 0 || !number.is_multiple_of(self.every) {
            return None;
        }
        let turn = number / self.every - 1;
        let allowed: Vec<FaultKind> =
            self.kinds.iter().copied().filter(|k| *k != FaultKind::Reset || !is_write || self.reset_writes).collect();
        let count = u64::try_from(allowed.len()).ok().filter(|n| *n > 0)?;
        let index = match self.seed {
            Some(seed) => fastrand::Rng::with_seed(seed.wrapping_add(turn)).u64(..count),
            None => turn % count,
        };
        allowed.get(usize::try_from(index).unwrap_or(0)).copied()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.every == 0 {
            return f.write_str("none");
        }
        let kinds: Vec<&str> = self.kinds.iter().map(|k| k.name()).collect();
        write!(f, "every={},kinds={}", self.every, kinds.join("+"))?;
        if let Some(seed) = self.seed {
            write!(f, ",seed={seed}")?;
        }
        if self.reset_writes {
            f.write_str(",reset_writes=true")?;
        }
        write!(f, ",slow_ms={}", self.slow_ms)
    }
}

const KEYS: [&str; 5] = ["every", "kinds", "seed", "reset_writes", "slow_ms"];

impl FromStr for Faults {
    type Err = Error;

    /// Parses `every=7,kinds=429+503+reset+slow,seed=1,reset_writes=true,slow_ms=500`; only `every` is required. `none`
    /// means no faults.
    ///
    /// # Errors
    /// `usage` with the invalid part.
    fn from_str(text: &str) -> Result<Faults> {
        let mut faults = Faults::default();
        if matches!(text.trim(), "" | "none") {
            return Ok(faults);
        }
        for part in text.split(',').map(str::trim) {
            let Some((key, value)) = part.split_once('=') else {
                return Err(wrong(format!("`{part}` is not a setting of faults")));
            };
            match key.trim() {
                "every" => faults.every = number(key, value)?,
                "kinds" => faults.kinds = value.split('+').map(kind).collect::<Result<_>>()?,
                "seed" => faults.seed = Some(number(key, value)?),
                "slow_ms" => faults.slow_ms = number(key, value)?,
                "reset_writes" => faults.reset_writes = flag(key, value)?,
                other => {
                    return Err(wrong(format!("`{other}` is not a setting of faults{}", did_you_mean(other, KEYS))));
                }
            }
        }
        if faults.every == 0 {
            return Err(wrong("the faults have no frequency: `every` is missing or 0".to_owned()));
        }
        Ok(faults)
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
        .advise("write them as every=7,kinds=429+503+reset+slow; also seed=1, reset_writes=true, slow_ms=500")
}

fn number(key: &str, value: &str) -> Result<u64> {
    value.trim().parse().map_err(|_| wrong(format!("`{key}` must be a whole number, not `{value}`")))
}

fn flag(key: &str, value: &str) -> Result<bool> {
    value.trim().parse().map_err(|_| wrong(format!("`{key}` must be true or false, not `{value}`")))
}

fn kind(text: &str) -> Result<FaultKind> {
    let text = text.trim();
    let names = FaultKind::ALL.map(FaultKind::name);
    FaultKind::ALL.into_iter().find(|k| k.name() == text).ok_or_else(|| {
        let hint = did_you_mean(text, names);
        wrong(format!("`{text}` is not a kind of fault{hint}; the kinds are {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, Faults};

    #[test]
    fn settings_as_text() {
        let faults: Faults = "every=7,kinds=429+reset,seed=3,reset_writes=true,slow_ms=20".parse().unwrap();
        assert_eq!((faults.every, faults.seed, faults.reset_writes, faults.slow_ms), (7, Some(3), true, 20));
        assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
        assert_eq!("none".parse::<Faults>().unwrap(), Faults::default());
        assert_eq!("every=2".parse::<Faults>().unwrap().kinds.len(), 4);
        for (text, part) in [
            ("7", "`7` is not a setting"),
            ("every=x", "whole number"),
            ("every=0", "`every` is missing or 0"),
            ("kinds=429", "`every` is missing or 0"),
            ("every=7,kinds=resett", "did you mean `reset`"),
            ("evry=7", "did you mean `every`"),
            ("every=7,reset_writes=yes", "true or false"),
        ] {
            let message = text.parse::<Faults>().unwrap_err().message.clone();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn faults_come_in_turn() {
        let mut faults =
            Faults { every: 2, kinds: vec![FaultKind::RateLimited, FaultKind::Reset], ..Faults::default() };
        let of = |faults: &Faults, write| (1..=6).map(|n| faults.of(n, write)).collect::<Vec<_>>();
        let (limited, reset) = (Some(FaultKind::RateLimited), Some(FaultKind::Reset));
        assert_eq!(of(&faults, false), [None, limited, None, reset, None, limited]);
        assert_eq!(of(&faults, true), [None, limited, None, limited, None, limited]);
        faults.reset_writes = true;
        assert_eq!(of(&faults, true)[3], reset);
        faults.seed = Some(9);
        assert_eq!(of(&faults, false), of(&faults, false));
        faults.kinds.clear();
        assert_eq!(of(&faults, false)[1], None);
    }
}
