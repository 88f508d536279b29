//! Arguments of the connection commands, of login and logout, and of the sandbox.

use clap::{Args as ClapArgs, Subcommand};

use super::call::SystemArgs;
use super::listing::ListingArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List the connections of the connections file
    List(ListingArgs),
    /// Call the system once to test address and credentials
    Test(ConnectionTestArgs),
    /// Print an example connections file to fill in
    Example(ConnectionExampleArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionTestArgs {
    /// Name of the connection; with --sandbox, of a connector [default: the only one]
    #[arg(value_name = "NAME", conflicts_with = "connection")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionExampleArgs {
    /// Connector [default: the only one]
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// Name of the connection [default: the only one]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Local port of the redirect address, if the system requires a fixed one [default: a free port]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Print the address; do not open the browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Name of the connection, as in calls
    #[arg(long, short, value_name = "NAME", conflicts_with = "name")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogoutArgs {
    /// Name of the connection [default: the only one]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Name of the connection, as in calls
    #[arg(long, short, value_name = "NAME", conflicts_with = "name")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1 [default: a free port]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Faults to simulate, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC")]
    pub(crate) faults: Option<String>,
}
