//! The account of a connection, which decides whose tokens it may use. It is given, never guessed from names or
//! addresses.

use super::values::ValueFault;
use crate::definition::{Auth, Connector};

/// Maximum length of an account name.
const LENGTH_MAX: usize = 200;

/// Advice for a connection that stores tokens and names no account.
const ADVICE: &str =
    "name the account, such as `account: contoso`; use the same name in all connections to this account";

/// The fault of a connection's account, given or missing. `has` says which properties have values.
pub(crate) fn fault(connector: &Connector, account: Option<&str>, has: impl Fn(&str) -> bool) -> Option<ValueFault> {
    let wrong = |message: &str| Some(ValueFault::of("account", message.to_owned()));
    match account {
        None if is_needed(connector, has) => {
            let message = format!("`account` is missing: it identifies the stored tokens of {}", connector.title);
            Some(ValueFault { advice: Some(ADVICE), ..ValueFault::of("account", message) })
        }
        Some(name) if name.trim().is_empty() => wrong("`account` is empty"),
        Some(name) if name.chars().any(char::is_control) => wrong("`account` contains a control character"),
        Some(name) if name.len() > LENGTH_MAX => wrong("`account` is longer than 200 bytes"),
        Some(_) | None => None,
    }
}

/// Whether a connection must name its account, because tokens are stored that its other values cannot restore: those of
/// a sign-in, and rotating ones. `has` says which properties have values.
#[must_use]
pub fn is_needed(connector: &Connector, has: impl Fn(&str) -> bool) -> bool {
    match &connector.auth {
        Auth::Refresh(_) => true,
        Auth::Oauth2(rule) => {
            rule.needs_person() || rule.refresh_token.as_ref().is_some_and(|text| text.names().all(has))
        }
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Login(_) => false,
    }
}
