//! The arguments of `studio`.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::call::duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct StudioArgs {
    /// Port on 127.0.0.1 [default: a free port]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Do not open a browser: print the address only
    #[arg(long)]
    pub(crate) no_open: bool,
    /// End when no page has been open for this time, such as 30m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    pub(crate) idle: Duration,
}
