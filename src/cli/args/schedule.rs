//! Arguments of `schedule`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleForm {
    All,
    Systemd,
    Cron,
    Kubernetes,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ScheduleArgs {
    /// The batch file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// When: a time such as 02:00 or 'mon-fri 02:00', an interval such as 15m, or five fields of cron
    #[arg(long, value_name = "TIME", conflicts_with = "on_calendar")]
    pub(crate) every: Option<String>,
    /// When, as systemd writes it; for --as systemd
    #[arg(long, value_name = "TIME")]
    pub(crate) on_calendar: Option<String>,
    /// What to print
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = ScheduleForm::All)]
    pub(crate) form: ScheduleForm,
    /// Name of the units [default: from the name of the batch]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Time zone, such as Europe/Berlin [default: that of the machine; in Kubernetes, of the cluster]
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// The image of the container
    #[arg(long, value_name = "IMAGE", default_value = concat!("opnode:", env!("CARGO_PKG_VERSION")))]
    pub(crate) image: String,
    /// Write the files to this folder instead
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Flags for `opnode run`, after --
    #[arg(last = true, value_name = "FLAGS")]
    pub(crate) run: Vec<String>,
}
