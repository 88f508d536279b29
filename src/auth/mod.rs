//! Signs a request for its origin. Credentials are attached last, to the URL that is then sent, and marked as
//! sensitive.

mod basic;
mod file_store;
mod grant;
#[cfg(feature = "keyring")]
mod keyring_store;
mod owner;
mod renew;
mod renewals;
mod store;
mod token_cache;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use url::Url;

use crate::authoring::Text;
use crate::connection::Connection;
use crate::definition::{Auth, Operation};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::secret::{MASK, Secret};

pub use file_store::FileStore;
pub(crate) use grant::sign_in_url;
#[cfg(feature = "keyring")]
pub use keyring_store::KeyringStore;
#[cfg(all(feature = "keyring", feature = "cli"))]
pub(crate) use keyring_store::{SERVICE, reason};
pub(crate) use renew::TokenContext;
pub use renewals::wait_for_renewals;
pub use store::{EarlierTokens, MemoryStore, TokenOwner, TokenSlot, TokenStore, Tokens};
pub(crate) use token_cache::{Access, TokenCache};

/// Attaches the connection's credentials if the request goes to one of its own origins. `token` is the access token, if
/// there is one.
pub(crate) fn sign(
    connection: &Connection,
    operation: &Operation,
    token: Option<&Secret>,
    request: &mut http::Request<Bytes>,
) -> Result<()> {
    if !connection.is_home(request.uri()) {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|e| Error::new(ErrorKind::Internal, format!("the request's URL: {e}")))?;
        connection.check_request(operation, &url)?;
    }
    if operation.anonymous {
        return Ok(());
    }
    let (name, value) = match &connection.connector.auth {
        Auth::None => return Ok(()),
        Auth::Oauth2(_) | Auth::Refresh(_) => {
            (AUTHORIZATION, sensitive(&AUTHORIZATION, &format!("Bearer {}", token.map_or(MASK, Secret::expose)))?)
        }
        Auth::Basic { .. } | Auth::Bearer { .. } | Auth::ApiKey { .. } => match connection.signature.get() {
            Some(made) => made.clone(),
            None => {
                let made = lasting(connection)?;
                connection.signature.get_or_init(|| made).clone()
            }
        },
    };
    request.headers_mut().insert(name, value);
    Ok(())
}

/// The credential that all requests of a connection share, as it is sent.
fn lasting(connection: &Connection) -> Result<(HeaderName, HeaderValue)> {
    let (name, value) = match &connection.connector.auth {
        Auth::Basic { username, password } => {
            (AUTHORIZATION, basic::header(&rendered(connection, username)?, &rendered(connection, password)?)?)
        }
        Auth::Bearer { token } => (AUTHORIZATION, format!("Bearer {}", rendered(connection, token)?)),
        Auth::ApiKey { header, value } => (header.clone(), rendered(connection, value)?),
        Auth::None | Auth::Oauth2(_) | Auth::Refresh(_) => {
            return Err(Error::new(ErrorKind::Internal, "tokens do not sign this way"));
        }
    };
    let value = sensitive(&name, &value)?;
    Ok((name, value))
}

/// Whether an operation's requests carry a renewable access token.
pub(crate) fn uses_tokens(connection: &Connection, operation: &Operation) -> bool {
    !operation.anonymous && matches!(connection.connector.auth, Auth::Oauth2(_) | Auth::Refresh(_))
}

fn rendered(connection: &Connection, text: &Text) -> Result<String> {
    connection.render(text).ok_or_else(|| {
        let missing = text.names().find(|n| connection.value(n).is_none()).unwrap_or_default();
        Error::new(ErrorKind::Connection, format!("the credentials need the property `{missing}`"))
            .at(Place::field(format!("/{missing}")))
    })
}

fn sensitive(name: &HeaderName, value: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        Error::new(
            ErrorKind::Connection,
            format!("the credentials contain characters that are not allowed in the header {name}"),
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}
