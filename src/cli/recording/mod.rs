//! Recorded exchanges: `--record` keeps them, `--replay` plays them back, `test` compares a call with what is expected.

mod calls;
mod case;
mod exchange_file;
mod matching;
mod recorder;
mod replay;
mod table;
mod world;

pub(crate) use calls::{find, repeat};
pub(crate) use case::CallFile;
pub(crate) use recorder::Recorder;
pub(crate) use replay::Replay;
pub(crate) use table::{CaseVerdict, TestTable, difference};
pub(crate) use world::{ReplayClock, ReplayTokens};
