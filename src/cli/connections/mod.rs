//! Connections: the file, opening a connection from the flags, and the commands for connections.

pub(crate) mod browser;
pub(crate) mod device;
pub(crate) mod file;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod route;
pub(crate) mod sandbox;
pub(crate) mod test;
