//! Authentication: the authorization server with its tokens, and the credentials of each request.

mod auth_server;
mod csrf;
pub(super) mod guard;
mod login;
mod place;
mod signed;
mod tokens;

pub(super) use auth_server::{AuthRequest, AuthServer};
pub(super) use csrf::MockCsrf;
