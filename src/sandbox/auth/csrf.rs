//! Tokens against cross-site request forgery: returns one, and refuses requests without it. Pure.

use http::{Method as Verb, StatusCode};

use super::{login, place};
use crate::connection::Connection;
use crate::definition::{Csrf, TokenPlace};
use crate::sandbox::http::{Pattern, Refusal, RefusalKind, SandboxCall, SandboxReply};
use crate::sandbox::records::Tree;

/// The csrf tokens of a connector.
pub(in crate::sandbox) struct MockCsrf {
    verb: Verb,
    path: Pattern,
    place: TokenPlace,
    token: String,
}

impl MockCsrf {
    pub(in crate::sandbox) fn new(connector: &str, rule: &Csrf, base: &Pattern) -> MockCsrf {
        let path = Pattern::new(&rule.path).under(base);
        MockCsrf { verb: rule.verb.clone(), path, place: rule.token.clone(), token: format!("{connector}-csrf-1") }
    }

    /// The reply to the request that fetches the token.
    pub(in crate::sandbox) fn answer(&self, call: &SandboxCall) -> Option<SandboxReply> {
        let is_own = call.verb == self.verb && self.path.matches(&call.segments).is_some();
        let mut reply = is_own.then(|| login::with_token(&self.place, &self.token, Tree::object()))?;
        if call.verb == Verb::HEAD {
            reply = SandboxReply { headers: reply.headers, ..SandboxReply::blank(StatusCode::OK) };
        }
        Some(reply)
    }

    /// Checks that a request carries the token, if it needs one.
    pub(in crate::sandbox) fn check(
        &self,
        connection: &Connection,
        call: &SandboxCall,
        is_read: bool,
    ) -> Result<(), Refusal> {
        let Some(rule) = connection.connector().csrf.as_ref().filter(|rule| rule.for_reads || !is_read) else {
            return Ok(());
        };
        if place::named(call, &rule.send, "token").as_deref() == Some(&*self.token) {
            return Ok(());
        }
        let refusal = Refusal::new(RefusalKind::Forbidden, "the csrf token is missing or not one of the sandbox's");
        Err(match &rule.token {
            TokenPlace::Header(name) => refusal.with(name.clone(), "Required"),
            TokenPlace::Body(_) | TokenPlace::Cookie(_) => refusal,
        })
    }
}
