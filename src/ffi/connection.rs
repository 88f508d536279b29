//! A connection as C sees it: a session on its host.

use std::sync::Arc;

use serde::Deserialize;

use super::host::Host;
use super::notify::{events, signals};
use crate::connection::ConnectionSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::{Secret, Session, Tokens};

/// An open connection.
pub(super) struct Conn {
    pub(super) host: Arc<Host>,
    pub(super) session: Session,
}

/// Tokens that the host kept.
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
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| usage(&format!("the connection is no JSON object: {e}")))?;
        let tokens: Option<TokensPart> = match fields.remove("tokens").filter(|t| !t.is_null()) {
            Some(tokens) => Some(serde_json::from_value(tokens).map_err(|e| usage(&format!("tokens: {e}")))?),
            None => None,
        };
        let spec: ConnectionSpec = serde_json::from_value(serde_json::Value::Object(fields))
            .map_err(|e| usage(&format!("the connection: {e}")))?;
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
            // Keeping them may start a thread.
            let _quiet = signals::Quiet::begin();
            events::as_given(|| host.handle.block_on(session.keep_tokens(&kept)))?;
        }
        Ok(Conn { host, session })
    }
}

/// A text that the host put together wrongly. The message may name a key; values stay out of it.
fn usage(message: &str) -> Error {
    let safe = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    let advice = "a connection is {\"connector\": NAME, \"values\": {PROPERTY: TEXT}}; opnode_describe_connectors tells the properties";
    Error::new(ErrorKind::Usage, without_values(safe)).advise(advice)
}

/// serde quotes the value that it did not expect, which may be a secret; its type and what is expected remain.
fn without_values(message: &str) -> String {
    for start in ["invalid type: ", "invalid value: "] {
        if let (Some((before, found)), Some((_, expected))) =
            (message.split_once(start), message.rsplit_once(", expected "))
        {
            let kind = found.split([' ', '"', '`', ',']).next().unwrap_or_default();
            return format!("{before}{start}{kind}, expected {expected}");
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn a_message_names_types_and_keys_but_no_values() {
        let cases = [
            (
                r#"invalid type: string "pa\"ss, expected wo\"rd", expected a map"#,
                "invalid type: string, expected a map",
            ),
            (
                "values: invalid type: integer `12345`, expected a string",
                "values: invalid type: integer, expected a string",
            ),
            ("unknown field `valeus`, expected `values`", "unknown field `valeus`, expected `values`"),
        ];
        for (message, safe) in cases {
            assert_eq!(without_values(message), safe);
        }
    }
}
