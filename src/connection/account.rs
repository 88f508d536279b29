//! The account of a connection: whose tokens it may use. It is said, never guessed from names or addresses.

use super::values::ValueFault;
use crate::definition::{Auth, Connector};

/// Longest name of an account.
const LENGTH_MAX: usize = 200;

/// What to do about a connection that does not say whose tokens it uses.
const ADVICE: &str = "add a name of your own for it, such as `account: contoso`: the same one in every connection to this account, another for any other account";

/// What is wrong with the account that a connection names, or does not name. `has` tells which properties have values.
pub(crate) fn fault(connector: &Connector, account: Option<&str>, has: impl Fn(&str) -> bool) -> Option<ValueFault> {
    let wrong = |message: &str| Some(ValueFault::of("account", message.to_owned()));
    match account {
        None if is_needed(connector, has) => {
            let message =
                format!("`account` is missing: tokens of {} are kept, and it tells whose they are", connector.title);
            Some(ValueFault { advice: Some(ADVICE), ..ValueFault::of("account", message) })
        }
        Some(name) if name.trim().is_empty() => wrong("`account` is empty"),
        Some(name) if name.chars().any(char::is_control) => wrong("`account` holds a control character"),
        Some(name) if name.len() > LENGTH_MAX => wrong("`account` is longer than 200 bytes"),
        Some(_) | None => None,
    }
}

/// Whether a connection must name its account: tokens outlive it and its other values do not bring them back, as after a sign-in and where tokens rotate.
/// `has` says which properties have values.
#[must_use]
pub fn is_needed(connector: &Connector, has: impl Fn(&str) -> bool) -> bool {
    match &connector.auth {
        Auth::Refresh(_) => true,
        Auth::Oauth2(rule) => rule.person || rule.refresh_token.as_ref().is_some_and(|text| text.names().all(has)),
        Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } | Auth::ApiKey { .. } => false,
    }
}
