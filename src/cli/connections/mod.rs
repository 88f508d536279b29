//! Connections: their file and secrets, the way from the flags to an open one, and the commands for them.

mod browser;
pub(crate) mod file;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod route;
pub(crate) mod sandbox;
pub(crate) mod test;
