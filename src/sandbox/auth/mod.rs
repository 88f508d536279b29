//! Authentication: the authorization server with its tokens, and the credentials of each request.

mod auth_server;
pub(super) mod guard;
mod tokens;

pub(super) use auth_server::{AuthRequest, AuthServer};
