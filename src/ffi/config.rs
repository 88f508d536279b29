//! The engine's configuration: every key is checked, and a fault names its key.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::json;
use crate::connection::{ProxySpec, TlsSpec};
use crate::error::Result;

/// Allowed number of threads of an engine.
const THREADS: std::ops::RangeInclusive<u64> = 1..=512;

/// `cfg` of `opnode_engine_new`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Config {
    pub(super) builtin: bool,
    pub(super) definitions: Vec<PathBuf>,
    pub(super) tokens: TokenStorePart,
    #[serde(deserialize_with = "threads")]
    pub(super) threads: usize,
    pub(super) system_proxy: bool,
    pub(super) tls: Option<TlsSpec>,
    pub(super) proxy: Option<ProxySpec>,
    pub(super) log: Level,
    pub(super) wake_fd: i64,
    pub(super) selftest: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            builtin: true,
            definitions: Vec::new(),
            tokens: TokenStorePart::Memory,
            threads: 2,
            system_proxy: false,
            tls: None,
            proxy: None,
            log: Level::Info,
            wake_fd: -1,
            selftest: false,
        }
    }
}

impl Config {
    pub(super) fn read(json: &str) -> Result<Config> {
        let advice =
            "opnode.h lists the keys and their values at opnode_engine_new; leave out those that keep their default";
        json::read("the engine's configuration", json).map_err(|e| e.advise(advice))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenStorePart {
    Memory,
    File(PathBuf),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    pub(super) fn tracing(self) -> Option<tracing::Level> {
        match self {
            Level::Off => None,
            Level::Error => Some(tracing::Level::ERROR),
            Level::Warn => Some(tracing::Level::WARN),
            Level::Info => Some(tracing::Level::INFO),
            Level::Debug => Some(tracing::Level::DEBUG),
            Level::Trace => Some(tracing::Level::TRACE),
        }
    }
}

fn threads<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<usize, D::Error> {
    let number = u64::deserialize(value)?;
    let (least, most) = (THREADS.start(), THREADS.end());
    let within = usize::try_from(number).ok().filter(|_| THREADS.contains(&number));
    within.ok_or_else(|| D::Error::custom(format_args!("{number} is not within {least} to {most}")))
}
