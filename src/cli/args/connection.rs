//! What was typed for connections: list, test, example, sign-in, and the sandbox.

use clap::{Args as ClapArgs, Subcommand};

use super::call::SystemArgs;
use super::listing::ListingArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List the connections of the connections file
    List(ListingArgs),
    /// Call the system once to see whether address and credentials work
    Test(ConnectionTestArgs),
    /// Print a connections file to fill in
    Example(ConnectionExampleArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionTestArgs {
    /// The connection's name; with --sandbox, a connector's [default: the only one there is]
    #[arg(value_name = "NAME", conflicts_with = "connection")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionExampleArgs {
    /// Connector [default: the only one there is]
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// The connection's name [default: the only one there is]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Port on this machine that the browser is sent back to, where the system wants a fixed one [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Only print the address; do not open the browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// The connection's name, as calls take it
    #[arg(long, short, value_name = "NAME", conflicts_with = "name")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogoutArgs {
    /// The connection's name [default: the only one there is]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The connection's name, as calls take it
    #[arg(long, short, value_name = "NAME", conflicts_with = "name")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Faults to play, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC")]
    pub(crate) faults: Option<String>,
}
