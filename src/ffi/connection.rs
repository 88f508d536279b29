//! A connection for C: a session of its host.

use std::sync::Arc;

use serde::Deserialize;

use super::host::Host;
use super::json;
use super::notify::{events, signals};
use crate::connection::ConnectionSpec;
use crate::error::Result;
use crate::json_text::{fields_of, put_object};
use crate::{Secret, Session, Tokens};

/// An open connection.
pub(super) struct Conn {
    pub(super) host: Arc<Host>,
    pub(super) session: Session,
}

const ADVICE: &str = "a connection is {\"connector\": NAME, \"values\": {PROPERTY: TEXT}}; opnode_describe_connectors lists the properties";

/// Keys beside the fields of a connection.
#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    tokens: Option<TokensPart>,
}

/// Tokens that the host stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensPart {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_at: Option<u64>,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    seed: Option<String>,
}

impl Conn {
    /// Checks a specification and opens it. Sends nothing.
    pub(super) fn open(host: Arc<Host>, text: &str) -> Result<Conn> {
        host.check_open()?;
        let (spec, tokens) = read(text).map_err(|e| e.advise(ADVICE))?;
        let engine = host.engine();
        let session = engine.connect(&spec)?;
        if let Some(tokens) = tokens {
            let kept = Tokens {
                access: Secret::new(tokens.access_token),
                refresh: tokens.refresh_token.map(Secret::new),
                expires_at: tokens.expires_at,
                account: tokens.account,
                seed: tokens.seed,
            };
            // Storing them may start a thread.
            let _quiet = signals::Quiet::begin();
            events::as_given(|| host.handle.block_on(session.keep_tokens(&kept)))?;
        }
        Ok(Conn { host, session })
    }
}

fn read(text: &str) -> Result<(ConnectionSpec, Option<TokensPart>)> {
    let Beside { tokens } = json::read("the connection", text)?;
    let fields = fields_of(text).unwrap_or_default();
    let own = fields.iter().filter(|(name, _)| name != "tokens").map(|(name, raw)| (name.as_str(), *raw));
    let mut rest = String::new();
    put_object(&mut rest, own, |out, raw| out.push_str(raw.get()));
    Ok((json::read("the connection", &rest)?, tokens))
}
